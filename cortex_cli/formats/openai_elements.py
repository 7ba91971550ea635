"""One message of OpenAI chat completions: how its parts are read, edited in place, and written anew."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.containers import only
from cortex_cli.formats.contents import (
    compact,
    edit_json,
    edit_result,
    piece_text,
    read_media,
    read_result,
    text_of,
    text_path,
)
from cortex_cli.formats.times import to_utc
from cortex_cli.jsonedit import Delete, Edit, Path, Replace
from cortex_cli.marks import synthetic_kind
from cortex_cli.messages import WHOLE, Media, Message, Part, Role
from cortex_cli.tokens import estimate_media_tokens
from cortex_cli.typed import is_typed_text

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}

REASONING_KEYS = ("reasoning_content", "reasoning", "thinking_blocks", "reasoning_details")
"""Where gateways put the thinking of an answer, several at once: one part for all of them."""

SIGNATURE_KEYS = ("extra_content", "provider_specific_fields", "thought_signature")
"""Where gateways to Gemini put the signature of a call: such a call is sent back as it came."""

REASONING = -2
REFUSAL = -3
FUNCTION_CALL = -4
AUDIO = -5
FIRST_CALL = 1_000_000
"""Blocks of an element: 0 and up the pieces of its content list, these and up its `tool_calls`, the rest keys."""


def read_element(index: int, value: dict[str, Any]) -> Sequence[Message] | None:
    """Read one message; None for a role that the API does not know."""
    role = ROLES.get(value["role"])
    if role is None:
        return None
    extra = value.get("extra")
    time = to_utc(value.get("timestamp") or (extra.get("timestamp") if isinstance(extra, dict) else None))
    if role == "tool":
        return (Message("tool", (_read_tool_result(index, value),), (index,), time=time),)
    parts = only(_read_parts(index, value), *(("call",) if role == "assistant" else ()))
    texts = [part.text for part in parts if part.kind == "text"]
    synthetic = synthetic_kind(texts[0]) if len(parts) == len(texts) == 1 and role == "user" else ""
    typed = role == "user" and not synthetic and any(map(is_typed_text, texts))
    return (Message(role, parts, (index,), time=time, typed=typed, synthetic=synthetic),)


def _read_tool_result(index: int, value: dict[str, Any]) -> Part:
    text, media, json = read_result(value.get("content"))
    call_id, name = text_of(value.get("tool_call_id")), text_of(value.get("name"))
    return Part("result", text, name, call_id, index, WHOLE, media, json)


def _read_parts(index: int, value: dict[str, Any]) -> Iterator[Part]:
    if value["role"] == "assistant":
        if any(value.get(key) for key in REASONING_KEYS):
            yield _read_reasoning(index, value)
        yield from _read_content(index, value.get("content"))
        yield from _read_keys(index, value)
    else:
        yield from _read_content(index, value.get("content"))


def _read_content(index: int, content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        if content:
            yield Part("text", content, record=index)
    elif isinstance(content, list):
        yield from _read_pieces(index, content)
    elif content is not None:
        yield Part("opaque", compact(content), record=index)


def _read_keys(index: int, value: dict[str, Any]) -> Iterator[Part]:
    """Read what an answer holds besides its content."""
    if isinstance(refusal := value.get("refusal"), str) and refusal:
        yield Part("text", refusal, record=index, block=REFUSAL)
    if isinstance(value.get("audio"), dict):
        medium = Media("audio", estimate_media_tokens("audio"))
        yield Part("media", record=index, block=AUDIO, media=(medium,))
    if isinstance(call := value.get("function_call"), dict):
        yield _read_call(index, FUNCTION_CALL, call, "")
    calls = value.get("tool_calls")
    for number, call in enumerate(calls if isinstance(calls, list) else ()):
        function = function_of(call)
        if isinstance(function, dict):
            call_id = call.get("id")
            part = _read_call(index, FIRST_CALL + number, function, text_of(call_id))
            yield part._replace(signed=True) if any(call.get(key) for key in SIGNATURE_KEYS) else part
        else:
            yield Part("opaque", compact(call), name="tool_call", record=index, block=FIRST_CALL + number)


def function_of(call: Any) -> Any:
    """Return what a tool call calls: `function`, or `custom` with a text for input."""
    return call.get("function", call.get("custom")) if isinstance(call, dict) else None


def _arguments_key(function: Mapping[str, Any]) -> str:
    return "arguments" if "arguments" in function or "input" not in function else "input"


def _read_call(index: int, block: int, function: dict[str, Any], call_id: str) -> Part:
    arguments = function.get(_arguments_key(function), "")
    is_text = isinstance(arguments, str)
    return Part(
        "call",
        arguments if is_text else compact(arguments),
        name=str(function.get("name") or ""),
        call_id=call_id,
        record=index,
        block=block,
        json=not is_text,
    )


def _read_reasoning(index: int, value: dict[str, Any]) -> Part:
    lists = (value[key] for key in REASONING_KEYS if isinstance(value.get(key), list))
    dicts = [block for block in next(lists, ()) if isinstance(block, dict)]
    text = next((value[key] for key in REASONING_KEYS if isinstance(value.get(key), str)), None)
    if text is None:
        texts = (block.get("thinking") or block.get("text") or block.get("summary") or "" for block in dicts)
        text = "\n".join(filter(None, map(str, texts)))
    signed = any(block.get("signature") or block.get("type") == "redacted_thinking" for block in dicts)
    return Part("thinking", text, record=index, block=REASONING, signed=signed)


def _read_pieces(index: int, content: list[Any]) -> Iterator[Part]:
    has_call = False
    for block, piece in enumerate(content):
        kind = piece.get("type") if isinstance(piece, dict) else ""
        part = _read_piece(index, block, piece, text_of(kind))
        if part.kind == "call" and has_call:  # of fine-tuning sets: one result answers all calls of a message
            part = part._replace(kind="opaque")
        has_call = has_call or part.kind == "call"
        yield part


def _read_piece(index: int, block: int, piece: Any, kind: str) -> Part:
    if text_path(piece) is not None:
        return Part("text", piece_text(piece), record=index, block=block)
    if kind == "refusal" and isinstance(piece.get("refusal"), str):
        return Part("text", piece["refusal"], record=index, block=block)
    if kind in ("thinking", "reasoning"):
        thoughts = piece.get("thinking") or piece.get("value") or piece.get("text")
        text = read_result(thoughts).text
        return Part("thinking", text, record=index, block=block, signed=bool(piece.get("signature")))
    if kind == "tool_call" and isinstance(piece.get("value"), str):
        return Part("call", piece["value"], record=index, block=block)
    if kind in ("image_url", "input_audio", "file", "image", "audio", "video_url", "video"):
        return Part("media", record=index, block=block, media=(read_media(piece, WHOLE),))
    return Part("opaque", compact(piece), name=kind, record=index, block=block)


def edit_element(value: dict[str, Any], change: RecordChange) -> Iterator[Edit]:
    """Write changed parts into a message, and take removed ones out; paths start at the message."""
    content = value.get("content")
    for block, (old, new) in change.edited.items():
        if old.kind == "result":
            yield from edit_result(("content",), content, old, new)
        elif old.kind == "call":
            path = _path_of_arguments(value, block)
            yield from edit_json(path, old.text, new.text) if old.json else [Replace(path, new.text)]
        elif old.kind == "text" and block == WHOLE:
            yield Replace(("content",), new.text)
        elif old.kind == "text" and block > WHOLE:
            yield Replace(("content", block, *(text_path(value["content"][block]) or ())), new.text)
    yield from _remove(value, change.removed)


def _path_of_arguments(value: dict[str, Any], block: int) -> Path:
    if block == FUNCTION_CALL:
        return ("function_call", _arguments_key(value["function_call"]))
    if block < FIRST_CALL:
        return ("content", block, "value")
    call = value["tool_calls"][block - FIRST_CALL]
    return (
        "tool_calls",
        block - FIRST_CALL,
        "function" if "function" in call else "custom",
        _arguments_key(function_of(call)),
    )


def _remove(value: dict[str, Any], blocks: frozenset[int]) -> Iterator[Edit]:
    content = value.get("content")
    pieces = {block for block in blocks if 0 <= block < FIRST_CALL}
    calls = {block - FIRST_CALL for block in blocks if block >= FIRST_CALL}
    if WHOLE in blocks or (pieces and len(pieces) == len(content or ())):
        yield Replace(("content",), None)  # legal beside tool calls only: without any the message would be gone
    else:
        yield from (Delete(("content", block)) for block in pieces)
    if calls and len(calls) == len(value["tool_calls"]):
        yield Delete(("tool_calls",))
    else:
        yield from (Delete(("tool_calls", number)) for number in calls)
    keys = {REFUSAL: ("refusal",), FUNCTION_CALL: ("function_call",), AUDIO: ("audio",), REASONING: REASONING_KEYS}
    yield from (Delete((key,)) for block in blocks for key in keys.get(block, ()) if key in value)


def encode(message: Message, ids: Mapping[str, str], *, in_pieces: bool = False) -> dict[str, Any]:
    """Write a message of our own.

    Args:
        message: A text of user or assistant, or a result.
        ids: Call ids that stand otherwise in the file; an empty one there: the call has none.
        in_pieces: Write texts as `[{"type": "text", "value": ...}]`, as fine-tuning sets have them.
    """
    text = "\n".join(part.text for part in message.parts)
    content: Any = [{"type": "text", "value": text}] if in_pieces else text
    result = message.result
    if result is None:
        return {"role": message.role, "content": content}
    call_id = ids.get(result.call_id, result.call_id)
    if call_id:
        return {"role": "tool", "tool_call_id": call_id, "content": content}
    return (
        {"role": "tool", "content": content}
        if in_pieces
        else {"role": "function", "name": result.name, "content": content}
    )
