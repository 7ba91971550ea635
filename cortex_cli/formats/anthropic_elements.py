"""One message of the Messages API, and of axio, whose blocks are the same: read, edited in place, written anew."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.containers import only
from cortex_cli.formats.contents import compact, edit_json, edit_result, parse_text, read_media, read_result, text_of
from cortex_cli.formats.times import to_utc
from cortex_cli.jsonedit import Delete, Edit, Replace
from cortex_cli.marks import synthetic_kind
from cortex_cli.messages import WHOLE, Message, Part, build
from cortex_cli.typed import is_typed_text

USAGE_KEYS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")

MEDIA_TYPES = frozenset({"image", "document", "audio", "video"})


def read_element(index: int, value: dict[str, Any]) -> Sequence[Message] | None:
    """Read one message: of a user's each result is a message of its own, then come our texts and the rest."""
    role, content = value["role"], value.get("content")
    time = to_utc(value.get("timestamp"))
    parts = read_parts(index, content)
    if role == "user":
        found = list(split_user(index, only(parts, "result")))
        return [message._replace(time=time) for message in found] if time else found
    if role == "assistant":
        return (Message("assistant", only(parts, "call"), (index,), time=time),)
    return (Message("system", only(parts), (index,), time=time),) if role == "system" else None


def split_user(index: int, parts: Sequence[Part]) -> Iterator[Message]:
    """Take a user message apart: results first, then what is ours, and what stands between."""
    rest: list[Part] = []
    has_any = False
    for part in parts:
        if part.kind == "result":
            has_any = True
            yield Message("tool", (part,), (index,))
    for part in parts:
        if part.kind == "result":
            continue
        has_any = True
        if part.kind == "text" and (kind := synthetic_kind(part.text)):
            yield from _user_message(index, rest)
            yield Message("user", (part,), (index,), synthetic=kind)
            rest = []
        else:
            rest.append(part)
    yield from _user_message(index, rest)
    if not has_any:
        yield Message("user", (), (index,))


def _user_message(index: int, parts: list[Part]) -> Iterator[Message]:
    if parts:
        typed = any(part.kind == "text" and is_typed_text(part.text) for part in parts)
        yield Message("user", tuple(parts), (index,), typed=typed)


def read_parts(index: int, content: Any) -> tuple[Part, ...]:
    """Read content: a string, or a list of blocks."""
    if isinstance(content, str):
        return (Part("text", content, "", "", index),)
    if isinstance(content, list):
        return tuple([_read_block(index, block, piece) for block, piece in enumerate(content)])
    return () if content is None else (Part("opaque", compact(content), record=index),)


def _read_block(index: int, block: int, piece: Any) -> Part:
    kind = piece.get("type") if isinstance(piece, dict) else ""
    if kind == "text" and isinstance(piece.get("text"), str):
        return build(Part, ("text", piece["text"], "", "", index, block, (), False, False, False))
    if kind == "tool_use":
        arguments = piece.get("input", {})
        is_text = isinstance(arguments, str)
        text, name = arguments if is_text else compact(arguments), text_of(piece.get("name"))
        signed = bool(piece.get("signature"))  # where axio keeps what Gemini signs
        return build(Part, ("call", text, name, text_of(piece.get("id")), index, block, (), not is_text, signed, False))
    if kind == "tool_result":
        return _read_tool_result(index, block, piece)
    if kind == "thinking" and isinstance(piece.get("thinking"), str):
        return _read_thinking(index, block, piece, piece["thinking"])
    if kind == "reasoning" and isinstance(piece.get("text"), str):  # axio's word for it
        return _read_thinking(index, block, piece, piece["text"])
    if kind == "redacted_thinking":
        return Part("thinking", text_of(piece.get("data")), name=kind, record=index, block=block, signed=True)
    if isinstance(kind, str) and kind in MEDIA_TYPES:
        return Part("media", record=index, block=block, media=(read_media(piece, WHOLE),))
    return Part("opaque", compact(piece), name=text_of(kind), record=index, block=block)


def _read_thinking(index: int, block: int, piece: dict[str, Any], text: str) -> Part:
    signed = bool(piece.get("signature"))
    return build(Part, ("thinking", text, "", "", index, block, (), False, signed, False))


def _read_tool_result(index: int, block: int, piece: dict[str, Any]) -> Part:
    content = piece.get("content")
    text, media, json = (content, (), False) if isinstance(content, str) else read_result(content)
    call_id, is_error = text_of(piece.get("tool_use_id")), piece.get("is_error") is True
    return build(Part, ("result", text, "", call_id, index, block, media, json, False, is_error))


def usage_tokens(usage: Any) -> int:
    """Return what the API counted for a call, cached input and answer included; 0 where it does not say."""
    if not isinstance(usage, dict):
        return 0
    total = 0
    for key in USAGE_KEYS:
        count = usage.get(key)
        if isinstance(count, int):
            total += count
    return total


def edit_element(value: dict[str, Any], change: RecordChange) -> Iterator[Edit]:
    """Write changed parts into a message, and take removed ones out; paths start at the message."""
    content = value.get("content")
    for block, (old, new) in change.edited.items():
        if block == WHOLE:
            yield Replace(("content",), new.text)
        elif old.kind == "result":
            assert isinstance(content, list)  # results are blocks
            yield from edit_result(("content", block, "content"), content[block].get("content"), old, new)
        elif old.kind == "call":
            path = ("content", block, "input")
            yield from edit_json(path, old.text, new.text) if old.json else [Replace(path, new.text)]
        elif old.kind == "text":
            yield Replace(("content", block, "text"), new.text)
    yield from (Delete(("content", block)) for block in change.removed if block != WHOLE)


def encode_blocks(parts: Iterable[Part], *, always_is_error: bool = False) -> Iterator[dict[str, Any]]:
    """Write parts of our own as blocks.

    Args:
        parts: Texts, results, calls.
        always_is_error: Write `is_error` where it is false too.
    """
    for part in parts:
        if part.kind == "result":
            block = {"type": "tool_result", "tool_use_id": part.call_id, "content": part.text}
            yield {**block, "is_error": part.is_error} if part.is_error or always_is_error else block
        elif part.kind == "call":
            value = parse_text(part.text) if part.json else part.text
            yield {"type": "tool_use", "id": part.call_id, "name": part.name, "input": value}
        else:
            yield {"type": "text", "text": part.text}
