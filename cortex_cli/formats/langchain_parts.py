"""The parts of one LangChain message, and where else in it each of its calls stands."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from cortex_cli.formats.contents import MEDIA_KINDS, compact, piece_text, read_media, text_of, text_path
from cortex_cli.jsonedit import Path
from cortex_cli.messages import WHOLE, Part

FIRST_CALL = -1_000
"""Blocks of a message: 0 and up the pieces of its content, these and down its `tool_calls`."""

FIRST_INVALID = -1_000_000
"""And these and down its `invalid_tool_calls`, whose arguments are no JSON."""

THINKING_KEYS = ("thinking", "reasoning", "data", "text")
"""Where a piece keeps what the model thought."""

_THINKING = ("thinking", "redacted_thinking", "reasoning", "reasoning_content")
_CALLS = ("tool_use", "tool_call", "function_call")
"""Types of pieces that repeat a call. Source: the content of LangChain's Anthropic and OpenAI packages."""


class CallCopies(NamedTuple):
    """Where one call stands in its message."""

    path: Path
    """The call that is read."""
    objects: tuple[Path, ...]
    """Its arguments as objects, everywhere."""
    texts: tuple[Path, ...]
    """Its arguments as JSON in a string."""
    blocks: tuple[int, ...]
    """Pieces of the content that repeat it."""
    others: tuple[Path, ...]
    """Repetitions elsewhere."""


def read_parts(index: int, body: dict[str, Any], *, with_calls: bool) -> tuple[Part, ...]:
    """Read content and calls of one message."""
    calls = tuple(_calls(index, body)) if with_calls else ()
    return (*read_content(index, body.get("content"), {call.call_id for call in calls}), *calls)


def read_content(index: int, content: Any, call_ids: AbstractSet[str] = frozenset()) -> Iterator[Part]:
    """Read a content, a string or pieces, but for the pieces that repeat one of these calls."""
    if isinstance(content, str):
        if content:
            yield Part("text", content, record=index)
    elif isinstance(content, list):
        for block, piece in enumerate(content):
            if not _repeats(piece, call_ids):
                yield _read_piece(index, block, piece)
    elif content is not None:
        yield Part("opaque", compact(content), record=index)


def _repeats(piece: Any, call_ids: AbstractSet[str]) -> bool:
    is_call = isinstance(piece, dict) and piece.get("type") in _CALLS
    return is_call and (text_of(piece.get("call_id")) or text_of(piece.get("id"))) in call_ids


def _read_piece(index: int, block: int, piece: Any) -> Part:
    kind = text_of(piece.get("type")) if isinstance(piece, dict) else ""
    if text_path(piece) is not None:
        return Part("text", piece_text(piece), record=index, block=block)
    if kind in _THINKING:
        text = next((piece[key] for key in THINKING_KEYS if isinstance(piece.get(key), str)), compact(piece))
        signed = any(piece.get(key) for key in ("signature", "encrypted_content", "data"))
        return Part("thinking", text, record=index, block=block, signed=signed)
    if kind in MEDIA_KINDS:
        return Part("media", record=index, block=block, media=(read_media(piece, WHOLE),))
    return Part("opaque", compact(piece), name=kind, record=index, block=block)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _calls(index: int, body: dict[str, Any]) -> Iterator[Part]:
    for key, first in (("tool_calls", FIRST_CALL), ("invalid_tool_calls", FIRST_INVALID)):
        for number, call in enumerate(_list(body.get(key))):
            if not isinstance(call, dict):
                continue
            arguments = call.get("args", {})
            is_text = isinstance(arguments, str)
            text = arguments if is_text else compact(arguments)
            names = text_of(call.get("name")), text_of(call.get("id"))
            yield Part("call", text, *names, index, first - number, json=not is_text)


def find_copies(body: dict[str, Any], block: int) -> CallCopies:
    """Find a call of a message, and its repetitions, by id."""
    key, first = ("tool_calls", FIRST_CALL) if block > FIRST_INVALID else ("invalid_tool_calls", FIRST_INVALID)
    path: Path = (key, first - block)
    call_id = text_of(body[key][first - block].get("id"))
    objects: list[Path] = [(*path, "args")]
    texts: list[Path] = []
    blocks: list[int] = []
    for place, piece in enumerate(_list(body.get("content"))):
        if call_id and _repeats(piece, {call_id}):
            blocks.append(place)
            objects.extend(("content", place, one) for one in ("input", "args") if isinstance(piece.get(one), dict))
            texts.extend(
                ("content", place, one)
                for one in ("partial_json", "arguments", "input")
                if isinstance(piece.get(one), str)
            )
    others: list[Path] = []
    more = body.get("additional_kwargs")
    for place, call in enumerate(_list(more.get("tool_calls")) if isinstance(more, dict) else []):
        if isinstance(call, dict) and call_id and call.get("id") == call_id:
            others.append(("additional_kwargs", "tool_calls", place))
            function = call.get("function")
            if isinstance(function, dict) and isinstance(function.get("arguments"), str):
                texts.append((*others[-1], "function", "arguments"))
    return CallCopies(path, tuple(objects), tuple(texts), tuple(blocks), tuple(others))
