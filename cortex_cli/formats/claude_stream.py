"""What `claude -p --output-format stream-json` prints: a message a line, between the lines of the run.

Lines of one answer (`message.id`) are one message, as in sessions. What a subagent says (`parent_tool_use_id`) is
another conversation, and what stands before a `compact_boundary` is no longer sent: both stay as they are. Source:
FORMATS section 1, "Detect", and the types of the Agent SDK.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from cortex_cli.formats import containers, rewrite, shapes
from cortex_cli.formats.anthropic_elements import edit_element, encode_blocks, read_element, usage_tokens
from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.containers import Box
from cortex_cli.formats.contents import compact, shrink_copies, text_of
from cortex_cli.formats.ids import NewIds
from cortex_cli.formats.source import Source
from cortex_cli.formats.times import to_utc
from cortex_cli.jsonedit import Edit
from cortex_cli.messages import Message, Transcript, Usage
from cortex_cli.validity import Rules

NAME = "claude-code-stream"

RULES = Rules(results_directly_after_call=True)
"""As of sessions; the prompt of the run is not printed, so an answer may come first."""

_KINDS = ("assistant", "user", "system", "result")
"""Types of lines; a tuple, since a damaged type may be unhashable."""

COPY = "tool_use_result"
"""Member of a line with a structured copy of a result, which the API is not sent."""


def detect(source: Source) -> float:
    """Tell whether an input is such a log: its lines name their session as the SDK does."""
    values = source.document if isinstance(source.document, list) else source.head
    return float(any(map(_is_line, values[: containers.SAMPLE_CONVERSATIONS])))


def _is_line(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("type") not in _KINDS or not isinstance(value.get("session_id"), str):
        return False
    return "subtype" in value or ("parent_tool_use_id" in value and isinstance(value.get("message"), dict))


def load(source: Source) -> Transcript:
    """Read the conversation of a run.

    Raises:
        InputError: There is no line of such a log in it.
    """
    document = source.document
    box = Box("list", values=document) if isinstance(document, list) else Box("lines")
    lines = [(index, value) for index, value in containers.elements(source, box) if isinstance(value, dict)]
    if not any(_is_line(value) for _, value in lines):
        raise shapes.refuse(source)
    live = _after_boundary(lines)
    messages, answers = _join_answers(live)
    newest = max(answers, default=-1)
    usage = Usage(answers[newest], newest + 1) if newest >= 0 else None
    model = next((text_of(value.get("model")) for _, value in lines if value.get("subtype") == "init"), "")
    transcript = containers.build(source, containers.Reading(box, messages, model, usage, ()), NAME, messages)
    session_id = next((text_of(value["session_id"]) for _, value in lines if _is_line(value)), "")
    return replace(transcript, session_id=session_id, window=_window(lines))


def _after_boundary(lines: Sequence[tuple[int, dict[str, Any]]]) -> list[tuple[int, dict[str, Any]]]:
    """Return the messages of the main conversation since the last compaction."""
    start = max(
        (at + 1 for at, (_, value) in enumerate(lines) if value.get("subtype") == "compact_boundary"), default=0
    )
    found: dict[Any, tuple[int, dict[str, Any]]] = {}
    for index, value in lines[start:]:
        is_message = value.get("type") in ("user", "assistant") and containers.is_message(value.get("message"))
        if is_message and not value.get("parent_tool_use_id"):
            found.setdefault(text_of(value.get("uuid")) or index, (index, value))  # a line may come twice
    return list(found.values())


def _join_answers(lines: Sequence[tuple[int, dict[str, Any]]]) -> tuple[list[Message], dict[int, int]]:
    """Read the messages, those of one answer as one.

    Returns:
        The messages, and what each answer (by position) reported of its size in tokens.
    """
    messages: list[Message] = []
    answers: dict[int, int] = {}
    place: dict[str, int] = {}
    for index, value in lines:
        inner = value["message"]
        for message in read_element(index, inner) or ():
            message = message._replace(time=to_utc(value.get("timestamp")), id=text_of(value.get("uuid")))
            answer = text_of(inner.get("id")) if message.role == "assistant" else ""
            at = place.get(answer) if answer else None
            if at is None:
                at = len(messages)
                messages.append(message)
            else:
                first = messages[at]
                messages[at] = first._replace(parts=first.parts + message.parts, records=(*first.records, index))
            if message.role == "user":
                place.clear()  # an answer does not go on behind the user's words
            elif answer:
                place[answer] = at
            if message.role == "assistant" and (tokens := usage_tokens(inner.get("usage"))):
                answers[at] = tokens
    return _unique_ids(messages), answers


def _unique_ids(messages: Sequence[Message]) -> list[Message]:
    """Let only the first message of a line carry its id."""
    seen: set[int] = set()
    found = []
    for message in messages:
        found.append(message._replace(id="") if seen.intersection(message.records) else message)
        seen.update(message.records)
    return found


def _window(lines: Sequence[tuple[int, dict[str, Any]]]) -> int:
    """Return the context window that the end of the run states, of the model with the most output."""
    for _, value in reversed(lines):
        usage = value.get("modelUsage") if value.get("type") == "result" else None
        if isinstance(usage, dict):
            windows = [one.get("contextWindow") for one in usage.values() if isinstance(one, dict)]
            return max((window for window in windows if isinstance(window, int)), default=0)
    return 0


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the changed lines."""
    yield from rewrite.render(transcript, plan(transcript))


def plan(transcript: Transcript) -> rewrite.Plan:
    """Plan what becomes of every line."""
    ids = NewIds(message.id for message in transcript.loaded)

    def encode(message: Message, _time: str) -> dict[str, Any]:
        role = "assistant" if message.role == "assistant" else "user"
        content = list(encode_blocks(message.parts))
        name = ids.make(transcript.session_id, role, compact(content))
        head = {"type": role, "message": {"role": role, "content": content}, "parent_tool_use_id": None}
        return {**head, "session_id": transcript.session_id, "uuid": name}

    return rewrite.plan_messages(transcript, rewrite.Writer(edit_line, encode, (("message", "content"), encode_blocks)))


def edit_line(value: dict[str, Any], change: RecordChange) -> Iterator[Edit]:
    """Write changed parts into a line, and take removed ones out; paths start at the line."""
    yield from (rewrite.move(one, ("message",)) for one in edit_element(value["message"], change))
    for old, new in change.edited.values():
        if old.kind == "result":
            yield from shrink_copies((COPY,), value.get(COPY), old.text, new.text)
