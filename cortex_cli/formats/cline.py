"""Sessions of Cline's SDK: `ID.messages.json`, and the `ID.compaction.json` beside it that takes its place.

Cline sends the messages of the second file, then what the first has gained since; both have one shape. What we
write for the first is such a second file, tied to it by the number of its messages and the key of its last. Source:
FORMATS section 8, and `session-compaction.ts` of the SDK.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from cortex_cli import marks
from cortex_cli.formats import containers, rewrite
from cortex_cli.formats.anthropic_elements import edit_element, encode_blocks, read_element, read_parts
from cortex_cli.formats.changes import is_changed
from cortex_cli.formats.contents import compact, text_of
from cortex_cli.formats.ids import NewIds
from cortex_cli.formats.source import Source
from cortex_cli.formats.times import to_milliseconds, to_utc
from cortex_cli.jsonedit import encode
from cortex_cli.messages import NO_RECORD, Message, Transcript
from cortex_cli.tokens import count_messages, make_counter
from cortex_cli.validity import Rules

NAME = "cline"

RULES = Rules(results_directly_after_call=True, user_first=True)

HINT = "Cline goes on from it where it stands beside ID.messages.json as ID.compaction.json"
"""How the client takes up what we write."""

SUMMARY_KINDS = ("compaction_summary", "compaction")
"""`metadata.kind` of a message that stands for others."""

ID_CHARS = 8
"""Of a message's id, behind `msg_`."""

COUNT, KEY = "source_message_count", "source_last_message_key"
"""Members that tie a compaction to the messages it was made of."""


def detect(source: Source) -> float:
    """Tell whether an input is a session: a document of version 1 with messages."""
    document = source.document
    if not isinstance(document, dict) or not isinstance(document.get("messages"), list):
        return 0
    is_session = isinstance(document.get("sessionId"), str) and "updated_at" in document
    return float(document.get("version") == 1 and (is_session or COUNT in document))


def load(source: Source) -> Transcript:
    """Read a session.

    Raises:
        InputError: It holds no list of messages.
    """
    reading = containers.read(source, containers.Reader(NAME, _read_message, _read_answer))
    top = reading.box.top
    system = _read_system(top.get("system_prompt"))
    usage = reading.usage
    if usage is not None:
        usage = usage._replace(messages=usage.messages + len(system))
    transcript = containers.build(source, reading, NAME, [*system, *reading.messages])
    session_id = text_of(top.get("sessionId")) or text_of(top.get("conversation_id"))
    return replace(transcript, usage=usage, session_id=session_id)


def _read_system(prompt: Any) -> list[Message]:
    """Read the system prompt: it is sent, and stands in no message."""
    return [Message("system", read_parts(NO_RECORD, prompt))] if isinstance(prompt, str) and prompt else []


def _read_message(index: int, value: dict[str, Any]) -> Sequence[Message] | None:
    found = read_element(index, value)
    metadata = value.get("metadata")
    is_summary = isinstance(metadata, dict) and metadata.get("kind") in SUMMARY_KINDS
    time = to_utc(value.get("ts"))
    return found and [
        _as_summary(message._replace(time=time, id="" if number else text_of(value.get("id"))), is_summary)
        for number, message in enumerate(found)
    ]


def _as_summary(message: Message, is_summary: bool) -> Message:
    if not is_summary or message.role != "user":
        return message
    return message._replace(synthetic=message.synthetic or "summary", typed=False)


def _read_answer(value: dict[str, Any]) -> containers.Answer:
    """Read model and usage of an answer; its input counts what was cached."""
    model, metrics = value.get("modelInfo"), value.get("metrics")
    counts = [metrics.get(key) for key in ("inputTokens", "outputTokens")] if isinstance(metrics, dict) else []
    tokens = sum(count for count in counts if isinstance(count, int))
    return containers.Answer(text_of(model.get("id")) if isinstance(model, dict) else "", tokens)


def dump(transcript: Transcript, *, keep_history: bool = False) -> Iterator[bytes]:
    """Yield a session.

    Args:
        transcript: As loaded, with other messages.
        keep_history: It stays the session's own file. Else it can stand as the compaction of what was read.
    """
    data = b"".join(rewrite.render(transcript, plan(transcript)))
    is_tied = keep_history or COUNT in transcript.layout.box.top or not is_changed(transcript)
    yield data if is_tied else _tie(data, transcript)


def _tie(data: bytes, transcript: Transcript) -> bytes:
    """Put the members that tie a compaction to its source in front of the others."""
    values = transcript.layout.box.values
    if not values or not isinstance(values[-1], dict):
        return data
    start = data.index(b"{") + 1
    space = data[start : len(data) - len(data[start:].lstrip())]  # as the document's own members stand
    members = {COUNT: len(values), KEY: _key_of(values[-1])}
    colon = b": " if space else b":"
    written = (space + encode(name) + colon + encode(value) + b"," for name, value in members.items())
    return data[:start] + b"".join(written) + data[start:]


def _key_of(value: dict[str, Any]) -> str:
    """Return the key that the SDK knows a message by."""
    if name := text_of(value.get("id")).strip():
        return f"id:{name}"
    stamp = value.get("ts")
    if isinstance(stamp, int) and not isinstance(stamp, bool):
        return f"ts:{value.get('role')}:{stamp}"
    return f"content:{value.get('role')}:{compact(value.get('content'))}"


def plan(transcript: Transcript) -> rewrite.Plan:
    """Plan what becomes of every message."""
    return rewrite.plan_messages(
        transcript, rewrite.Writer(edit_element, _Encoder(transcript), (("content",), encode_blocks))
    )


class _Encoder:
    """Writes messages of our own."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        values = transcript.layout.box.values
        self.ids = NewIds((value.get("id") for value in values if isinstance(value, dict)), "msg_", ID_CHARS)

    def __call__(self, message: Message, time: str) -> dict[str, Any]:
        """Write a message; a summary says what it is, so that Cline's next one carries it on."""
        content = [*encode_blocks(message.parts)]
        new_id = self.ids.make(self.transcript.session_id, message.role, compact(content))
        role = "assistant" if message.role == "assistant" else "user"
        written = {"id": new_id, "role": role, "content": content, "ts": to_milliseconds(time)}
        if message.synthetic in ("summary", "log"):
            written["metadata"] = self._metadata(message, time)
        return written

    def _metadata(self, message: Message, time: str) -> dict[str, Any]:
        summary = marks.parse_summary(message.text)
        return {
            "kind": SUMMARY_KINDS[0],
            "summary": summary.text if summary else message.text,
            "details": {"readFiles": [], "modifiedFiles": []},
            "tokensBefore": count_messages(self.transcript.loaded, make_counter("heuristic")),
            "generatedAt": to_milliseconds(time),
        }
