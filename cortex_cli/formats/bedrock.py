"""Amazon Bedrock Converse: messages whose blocks are named by their key, user and assistant in strict turns.

Source: FORMATS section 8, and the service's model in `botocore`, against which the tests hold what is written.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from cortex_cli.formats import alternation, containers, rewrite
from cortex_cli.formats.anthropic_elements import split_user
from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.contents import compact, edit_json, parse_text, text_of
from cortex_cli.formats.source import Source
from cortex_cli.jsonedit import Delete, Edit, Insert, Path, Replace
from cortex_cli.messages import NO_RECORD, WHOLE, Media, Message, Part, Transcript
from cortex_cli.tokens import estimate_media_tokens, estimate_tokens
from cortex_cli.validity import Rules

NAME = "bedrock-converse"

RULES = Rules(alternates=True, results_directly_after_call=True, user_first=True, no_empty_text=True)
"""Source: FORMATS section 8."""

MEDIA = {"image": "image", "video": "video", "audio": "audio", "document": "application"}
"""Key of a block -> first half of its MIME type; the second is its `format`."""

TEXT_FORMATS = ("csv", "html", "md", "txt")
"""Formats of documents that are plain text."""

BLOCKS = frozenset(
    {
        *MEDIA,
        "cachePoint",
        "citationsContent",
        "guardContent",
        "reasoningContent",
        "searchResult",
        "text",
        "toolResult",
        "toolUse",
    }
)
"""Keys of blocks. Source: `ContentBlock` in the service's model."""

_TOP = frozenset(
    {"inferenceConfig", "toolConfig", "additionalModelRequestFields", "guardrailConfig", "promptVariables"}
)


def detect(source: Source) -> float:
    """Tell whether the input holds Converse messages: their blocks have no type, their key says what they are."""
    found = containers.sample(source)
    if found is None:
        return 0
    if _TOP & found.top.keys():
        return 1
    contents = [value.get("content") for value in found.messages]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    is_own = bool(blocks) and all(isinstance(block, dict) and block.keys() & BLOCKS for block in blocks)
    return float(is_own and not any("type" in block for block in blocks))


def load(source: Source) -> Transcript:
    """Read a list of messages.

    Raises:
        InputError: It holds no list of messages.
    """
    reading = containers.read(source, containers.Reader(NAME, read_element))
    box = reading.box
    system = [] if box.kind == "single" else _read_system(box.top.get("system"))
    tools = box.top.get("toolConfig")
    preamble = containers.preamble_of(tools, "tools") if isinstance(tools, dict) else ()
    messages = [*system, *alternation.place_notice(reading.messages)]
    transcript = containers.build(source, reading, NAME, messages, preamble=preamble)
    return replace(transcript, model=transcript.model or text_of(box.top.get("modelId")))


def _read_system(system: Any) -> list[Message]:
    """Read the system prompt: it is sent, and stands in no message."""
    parts = tuple(_read_parts(NO_RECORD, system)) if isinstance(system, list) else ()
    return [Message("system", parts)] if any(part.text for part in parts) else []


def read_element(index: int, value: dict[str, Any]) -> Sequence[Message] | None:
    """Read one message: each result is a message of its own."""
    role = value["role"]
    parts = tuple(_read_parts(index, value.get("content")))
    if role == "user":
        return list(split_user(index, containers.only(parts, "result")))
    if role == "assistant":
        return (Message("assistant", containers.only(parts, "call"), (index,)),)
    return None


def _read_parts(index: int, content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        yield Part("text", content, record=index)
    elif isinstance(content, list):
        for block, piece in enumerate(content):
            yield _read_block(piece)._replace(record=index, block=block)
    elif content is not None:
        yield Part("opaque", compact(content), record=index)


def _read_block(piece: Any) -> Part:
    key = next((key for key in piece if key in BLOCKS), "") if isinstance(piece, dict) else ""
    inner = piece[key] if key else None
    if key == "text" and isinstance(inner, str):
        return Part("text", inner)
    if isinstance(inner, dict):
        if key == "toolUse":
            arguments, name = compact(inner.get("input")), text_of(inner.get("name"))
            return Part("call", arguments, name, text_of(inner.get("toolUseId")), json=True)
        if key == "toolResult":
            return _read_tool_result(inner)
        if key == "reasoningContent":
            return _read_reasoning(inner)
        if key in MEDIA:
            return Part("media", media=(_read_media(key, inner, WHOLE),))
    return Part("opaque", compact(piece), key)


def _read_reasoning(inner: dict[str, Any]) -> Part:
    told = inner.get("reasoningText")
    if not isinstance(told, dict):
        return Part("thinking", text_of(inner.get("redactedContent")), "redacted", signed=True)
    return Part("thinking", text_of(told.get("text")), signed=bool(told.get("signature")))


def _read_media(key: str, inner: dict[str, Any], block: int) -> Media:
    form, origin = inner.get("format"), inner.get("source")
    half = "text" if form in TEXT_FORMATS else MEDIA[key]
    mime = f"{half}/{form}" if isinstance(form, str) else key
    data = text_of(origin.get("bytes")) if isinstance(origin, dict) else ""
    return Media(mime, estimate_media_tokens(mime, data), block)


def _read_tool_result(inner: dict[str, Any]) -> Part:
    """Read a result: texts, JSON values and media side by side."""
    content = inner.get("content")
    call_id, is_error = text_of(inner.get("toolUseId")), inner.get("status") == "error"
    if not isinstance(content, list):
        return Part(
            "result", "" if content is None else compact(content), call_id=call_id, json=True, is_error=is_error
        )
    said = {block: piece for block, piece in enumerate(content) if _is_said(piece)}
    media = tuple(_read_result_media(piece, block) for block, piece in enumerate(content) if block not in said)
    texts = [piece["text"] if "text" in piece else compact(piece["json"]) for piece in said.values()]
    is_json = len(said) == 1 and "json" in next(iter(said.values()))
    return Part("result", "\n".join(texts), call_id=call_id, media=media, json=is_json, is_error=is_error)


def _is_said(piece: Any) -> bool:
    return isinstance(piece, dict) and (isinstance(piece.get("text"), str) or "json" in piece)


def _read_result_media(piece: Any, block: int) -> Media:
    key = next((key for key in piece if key in MEDIA), "") if isinstance(piece, dict) else ""
    if key and isinstance(piece[key], dict):
        return _read_media(key, piece[key], block)
    kind = next(iter(piece), "unknown") if isinstance(piece, dict) else "unknown"
    return Media(kind, estimate_tokens(len(compact(piece))), block)


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the changed messages in their container."""
    yield from rewrite.render(transcript, plan(transcript))


def plan(transcript: Transcript) -> rewrite.Plan:
    """Plan what becomes of every message."""
    planned = rewrite.plan_changes(transcript, edit_element)
    alternation.plan_turns(transcript, planned, alternation.Shape(encode_blocks, leads=_leads))
    return planned


def _leads(piece: Any) -> bool:
    return isinstance(piece, dict) and ("toolResult" in piece or "reasoningContent" in piece)


def edit_element(value: dict[str, Any], change: RecordChange) -> Iterator[Edit]:
    """Write changed parts into a message, and take removed ones out; paths start at the message."""
    content = value.get("content")
    for block, (old, new) in change.edited.items():
        path = ("content",) if block == WHOLE else ("content", block)
        if old.kind == "result" and isinstance(content, list):
            yield from _edit_result((*path, "toolResult", "content"), content[block]["toolResult"], old, new)
        elif old.kind == "call":
            yield from edit_json((*path, "toolUse", "input"), old.text, new.text)
        elif old.kind == "text":
            yield Replace(path if block == WHOLE else (*path, "text"), new.text)
    yield from (Delete(("content", block)) for block in change.removed if block != WHOLE)


def _edit_result(path: Path, inner: dict[str, Any], old: Part, new: Part) -> Iterator[Edit]:
    """Write a result's new text into its first piece that says something, the others and the dropped media out."""
    content = inner.get("content")
    if not isinstance(content, list):
        yield from edit_json(path, old.text, new.text) if new.text != old.text else ()
        return
    kept = {medium.block for medium in new.media}
    yield from (Delete((*path, medium.block)) for medium in old.media if medium.block not in kept)
    if new.text == old.text:
        return
    said = [block for block, piece in enumerate(content) if _is_said(piece)]
    if not said:
        yield Insert((*path, 0), ({"text": new.text},))
        return
    first, *others = said
    if old.json:
        yield from edit_json((*path, first, "json"), old.text, new.text)
    elif "text" in content[first]:
        yield Replace((*path, first, "text"), new.text)
    else:
        yield Replace((*path, first), {"text": new.text})
    yield from (Delete((*path, block)) for block in others)


def encode_blocks(parts: Iterable[Part]) -> Iterator[dict[str, Any]]:
    """Write parts of our own as blocks."""
    for part in parts:
        if part.kind == "result":
            result = {"toolUseId": part.call_id, "content": [{"text": part.text}]}
            yield {"toolResult": {**result, "status": "error"} if part.is_error else result}
        elif part.kind == "call":
            yield {"toolUse": {"toolUseId": part.call_id, "name": part.name, "input": parse_text(part.text)}}
        else:
            yield {"text": part.text}
