"""pi's plain message history: the messages that pi keeps in memory, without a session around them.

Roles user, assistant, toolResult, and the ones pi turns into user messages when it sends them. The same
messages stand inside pi sessions, so `pi` reads them through `read_message`. Source: FORMATS sections 6, 10.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cortex_cli.formats import containers, rewrite
from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.contents import compact, edit_json, edit_result, read_media, read_result, text_of
from cortex_cli.formats.source import Source
from cortex_cli.formats.times import to_milliseconds, to_utc
from cortex_cli.jsonedit import Delete, Edit, Replace
from cortex_cli.marks import synthetic_kind
from cortex_cli.messages import WHOLE, Message, Part, Transcript
from cortex_cli.typed import finish, is_typed_text

NAME = "pi-history"

FAILED = ("error", "aborted")
"""Stop reasons of answers that pi leaves out of the next request. Source: FORMATS section 6, P4."""

COMPACTION_PREFIX = (
    "The conversation history before this point was compacted into the following summary:\n\n<summary>\n"
)
"""Source: FORMATS section 6."""

BRANCH_PREFIX = "The following is a summary of a branch that this conversation came back from:\n\n<summary>\n"
"""Source: pi's own message conversion."""

SUMMARY_SUFFIX = "\n</summary>"
"""Of a compaction's; that of a branch stands on the summary's last line."""

_ROLES = frozenset({"user", "assistant", "toolResult", "bashExecution", "custom", "branchSummary", "compactionSummary"})
_TYPES = frozenset({"text", "image", "thinking", "toolCall"})
_OWN_ROLES = _ROLES - {"user", "assistant"}


def detect(source: Source) -> float:
    """Say how sure it is that the input is a plain pi history."""
    found = containers.sample(source)
    if found is None or not found.messages:
        return 0
    best = 0.0
    for value in found.messages:
        sureness = _sureness_of(value)
        if not sureness:
            return 0
        best = max(best, sureness)
    return best


def _sureness_of(value: dict[str, Any]) -> float:
    """Say how sure one message makes it; 0 if it is of another format."""
    role, types = value["role"], containers.piece_types(value.get("content"))
    if role not in _ROLES or "tool_calls" in value or not types <= _TYPES:
        return 0
    if role in _OWN_ROLES or "toolCall" in types or "stopReason" in value:
        return 1
    has_time = isinstance(value.get("timestamp"), int)
    return 0.6 if has_time and (role == "user" or types) else 0.1


def load(source: Source) -> Transcript:
    """Read a plain history.

    Raises:
        InputError: It holds no list of messages.
    """
    reading = containers.read(source, containers.Reader(NAME, read_element, read_answer))
    return containers.build(source, reading, NAME, reading.messages)


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the changed history."""
    yield from rewrite.render(transcript, plan(transcript))


def plan(transcript: Transcript) -> rewrite.Plan:
    """Plan what becomes of every element."""
    writer = rewrite.Writer(edit_element, lambda message, time: encode(message, time, transcript.model))
    return rewrite.plan_messages(transcript, writer)


def read_messages(values: Iterable[dict[str, Any]]) -> tuple[Message, ...]:
    """Read a list of plain pi messages as a live path, without a file behind it."""
    found = (read_message(index, value) for index, value in enumerate(values))
    return finish(containers.name_results(message for message in found if message is not None))


def read_element(index: int, value: dict[str, Any]) -> Sequence[Message] | None:
    """Read one element of a history."""
    message = read_message(index, value)
    if message is not None:
        return (message,)
    return () if value.get("role") in _ROLES else None


def read_message(record: int, value: dict[str, Any]) -> Message | None:
    """Read one pi message, as pi would send it.

    Returns:
        None for what pi does not send: failed and aborted answers, excluded commands, unknown roles.
    """
    role, time = value.get("role"), to_utc(value.get("timestamp"))
    if role == "toolResult":
        return Message("tool", (_read_tool_result(record, value),), (record,), time=time)
    if role == "assistant":
        if value.get("stopReason") in FAILED:
            return None
        return Message("assistant", tuple(_read_parts(record, value.get("content"))), (record,), time=time)
    if role in ("user", "custom"):
        return _read_user(record, value, time)
    if role not in _ROLES or value.get("excludeFromContext") is True:
        return None
    part = Part("text", _machine_text(value), record=record)
    return Message("user", (part,), (record,), time=time, synthetic="summary" if role == "compactionSummary" else "")


def _read_user(record: int, value: dict[str, Any], time: str) -> Message:
    parts = containers.only(_read_parts(record, value.get("content")))
    texts = [part.text for part in parts if part.kind == "text"]
    synthetic = synthetic_kind(texts[0]) if len(parts) == len(texts) == 1 else ""
    typed = value["role"] == "user" and not synthetic and any(map(is_typed_text, texts))
    return Message("user", parts, (record,), time=time, typed=typed, synthetic=synthetic)


def _read_tool_result(record: int, value: dict[str, Any]) -> Part:
    content = read_result(value.get("content"))
    return Part(
        "result",
        content.text,
        name=text_of(value.get("toolName")),
        call_id=text_of(value.get("toolCallId")),
        record=record,
        media=content.media,
        json=content.json,
        is_error=value.get("isError") is True,
    )


def _read_parts(record: int, content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        yield Part("text", content, record=record)
    elif isinstance(content, list):
        for block, piece in enumerate(content):
            yield _read_part(record, block, piece)
    elif content is not None:
        yield Part("opaque", compact(content), record=record)


def _read_part(record: int, block: int, piece: Any) -> Part:
    kind = piece.get("type") if isinstance(piece, dict) else None
    if kind == "text" and isinstance(piece.get("text"), str):
        return Part("text", piece["text"], record=record, block=block)
    if kind == "thinking" and isinstance(piece.get("thinking"), str):
        return Part(
            "thinking", piece["thinking"], record=record, block=block, signed=bool(piece.get("thinkingSignature"))
        )
    if kind == "toolCall":
        return Part(
            "call",
            compact(piece.get("arguments")),
            name=text_of(piece.get("name")),
            call_id=text_of(piece.get("id")),
            record=record,
            block=block,
            json=True,
            signed=bool(piece.get("thoughtSignature")),
        )
    if kind == "image":
        return Part("media", record=record, block=block, media=(read_media(piece, WHOLE),))
    return Part("opaque", compact(piece), name=text_of(kind), record=record, block=block)


def _machine_text(value: dict[str, Any]) -> str:
    """Write the text that pi makes of a command, a branch summary or a compaction summary."""
    role = value["role"]
    if role != "bashExecution":
        summary = text_of(value.get("summary"))
        if role == "branchSummary":
            return f"{BRANCH_PREFIX}{summary}{SUMMARY_SUFFIX.lstrip()}"
        return f"{COMPACTION_PREFIX}{summary}{SUMMARY_SUFFIX}"
    output = text_of(value.get("output"))
    text = f"Ran `{value.get('command')}`\n" + (f"```\n{output}\n```" if output else "(no output)")
    code = value.get("exitCode")
    if value.get("cancelled"):
        text += "\n\n(command cancelled)"
    elif isinstance(code, int) and code != 0:
        text += f"\n\nCommand exited with code {code}"
    if value.get("truncated") and value.get("fullOutputPath"):
        text += f"\n\n[Output truncated. Full output: {value['fullOutputPath']}]"
    return text


def read_answer(value: dict[str, Any]) -> containers.Answer:
    """Read model and usage of an assistant message."""
    usage = value.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    parts = [counts.get(key) for key in ("input", "output", "cacheRead", "cacheWrite")]
    total = counts.get("totalTokens") or sum(count for count in parts if isinstance(count, int))
    return containers.Answer(text_of(value.get("model")), total if isinstance(total, int) else 0)


def edit_element(value: dict[str, Any], change: RecordChange) -> Iterator[Edit]:
    """Write changed parts into a message, and take removed ones out; paths start at the message."""
    content = value.get("content")
    for block, (old, new) in change.edited.items():
        path = ("content",) if block == WHOLE else ("content", block)
        if old.kind == "result":
            yield from edit_result(path, content, old, new)
        elif old.kind == "call":
            yield from edit_json((*path, "arguments"), old.text, new.text)
        elif old.kind == "text":
            yield Replace(path if block == WHOLE else (*path, "text"), new.text)
    yield from (Delete(("content", block)) for block in change.removed if block != WHOLE)


def encode(message: Message, time: str, model: str) -> dict[str, Any]:
    """Write a message of our own as pi would have: all the fields that pi requires are there."""
    stamp = to_milliseconds(message.time or time)
    content = [{"type": "text", "text": part.text} for part in message.parts]
    result = message.result
    if result is not None:
        ids = {"toolCallId": result.call_id, "toolName": result.name}
        return {"role": "toolResult", **ids, "content": content, "isError": result.is_error, "timestamp": stamp}
    if message.role != "assistant":
        return {"role": "user", "content": content, "timestamp": stamp}
    usage = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 0}
    origin = {"api": "unknown", "provider": "unknown", "model": model or "unknown"}
    return {"role": "assistant", "content": content, **origin, "usage": usage, "stopReason": "stop", "timestamp": stamp}
