"""One message record of the Gemini CLI: a user's text, or an answer with its calls and their results in it.

A `$set` line holds a list of records; what of such a list a part belongs to is told by its block, as in Codex's
compactions. Source: FORMATS section 7, and `convertSessionToClientHistory` of the client (0.61).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cortex_cli.formats.anthropic_elements import split_user
from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.codex_layout import block_of
from cortex_cli.formats.codex_replay import OWN
from cortex_cli.formats.containers import only
from cortex_cli.formats.contents import compact, edit_json, shrink_copies, text_of
from cortex_cli.formats.gemini_parts import (
    edit_part,
    edit_response,
    key_of,
    member,
    read_call,
    read_media,
    read_part,
    read_parts,
    read_response,
)
from cortex_cli.formats.times import to_utc
from cortex_cli.jsonedit import Delete, Edit, Path, Replace
from cortex_cli.messages import WHOLE, Media, Message, Part
from cortex_cli.tokens import estimate_tokens

CALL, RESULT = 100_000, 200_000
"""Blocks of a record: 0 and up the pieces of its content, these and up its calls and their results."""

SIBLING = 1_000
"""`Media.block` from here on: a piece beside the response in the list of a call's result."""

ACKNOWLEDGEMENT = "Got it. Thanks for the additional context!"
"""What the client itself puts behind a summary; it belongs to the summary and leaves with it."""

SNAPSHOT = "<state_snapshot>"
"""How the client's own summaries begin."""

_IGNORED = ("/", "?", "<session_context>", "<hook_context>")
"""How user texts begin that the client does not send again."""


def read_record(record: int, value: Mapping[str, Any], place: int = OWN) -> Iterator[Message]:
    """Yield the messages of a record, none where the client sends nothing of it.

    Args:
        record: Index of the line, or of the record in a document.
        value: The record.
        place: Position in the list of a line that holds several.
    """
    kind, content = value.get("type"), value.get("content")
    found: Sequence[Message] = ()
    if kind == "user" and _is_sent(content):
        found = [_as_said(message) for message in split_user(record, only(_content_parts(record, content), "result"))]
    elif kind == "gemini":
        found = list(_read_answer(record, value))
    time = to_utc(value.get("timestamp"))
    for number, message in enumerate(found):
        parts = tuple(part._replace(block=block_of(place, part.block)) for part in message.parts)
        yield message._replace(parts=parts, time=time, id=text_of(value.get("id")) if not number else "")


def is_acknowledgement(value: Any) -> bool:
    """Tell whether a record is the client's word behind a summary."""
    if not isinstance(value, dict) or value.get("type") != "gemini" or value.get("toolCalls") or value.get("thoughts"):
        return False
    return [part.text for part in _content_parts(0, value.get("content"))] == [ACKNOWLEDGEMENT]


def _is_sent(content: Any) -> bool:
    pieces = content if isinstance(content, list) else [content]
    parts = [read_part(piece) for piece in pieces]
    text = "".join(part.text for part in parts if part.kind == "text").strip()
    return not text.startswith(_IGNORED) and (bool(text) or any(part.kind != "text" for part in parts))


def _as_said(message: Message) -> Message:
    """Mark the client's own summary."""
    is_summary = message.role == "user" and not message.synthetic and message.text.lstrip().startswith(SNAPSHOT)
    return message._replace(synthetic="summary", typed=False) if is_summary else message


def _content_parts(record: int, content: Any) -> tuple[Part, ...]:
    """Read a content: a text, one part, or a list of both."""
    if isinstance(content, dict):
        return (read_part(content)._replace(record=record),)
    return tuple(read_parts(record, content))


def _read_answer(record: int, value: Mapping[str, Any]) -> Iterator[Message]:
    parts = [part for part in _content_parts(record, value.get("content")) if part.kind != "text" or part.text]
    if not any(part.kind in ("call", "thinking") for part in parts):
        parts += _calls(record, calls_of(value))
    parts = [part for part in parts if part.kind != "thinking"]  # the client sends no thoughts back
    if not parts:
        return
    yield Message("assistant", only(parts, "call"), (record,))
    for at, call in enumerate(calls_of(value)):
        result = _read_result(call)
        if result is not None:
            yield Message("tool", (result._replace(record=record, block=RESULT + at),), (record,))


def calls_of(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the calls of a record; a damaged list of them is none."""
    calls = value.get("toolCalls")
    return calls if isinstance(calls, list) and all(isinstance(call, dict) for call in calls) else []


def _calls(record: int, calls: Sequence[dict[str, Any]]) -> Iterator[Part]:
    for at, call in enumerate(calls):
        yield read_call(call)._replace(record=record, block=CALL + at)


def _read_result(call: Mapping[str, Any]) -> Part | None:
    """Read the result of a call; None where there is none yet."""
    result = call.get("result")
    if not result:
        return None
    path = find_response(call)
    if path is None:
        part = Part("result", result if isinstance(result, str) else compact(result), json=not isinstance(result, str))
    else:
        part = read_response(at_path(call, path))
        if isinstance(result, list):
            part = part._replace(media=(*part.media, *_siblings(result)))
    name = part.name or text_of(call.get("name"))
    is_error = part.is_error or call.get("status") == "error"
    return part._replace(name=name, call_id=text_of(call.get("id")), is_error=is_error)


def _siblings(result: Sequence[Any]) -> Iterator[Media]:
    """Estimate what stands beside the response: it is sent too. Responses of other calls are copies of theirs."""
    for at, piece in enumerate(result):
        if member(piece, "functionResponse") is None:
            block = SIBLING + at
            yield read_media(piece, block) or Media("unknown", estimate_tokens(len(compact(piece))), block)


def find_response(call: Mapping[str, Any]) -> Path | None:
    """Return where in a call its response stands: its own one, else the first."""
    result = call.get("result")
    pieces = enumerate(result) if isinstance(result, list) else [("", result)]
    found = [
        ((at,) if at != "" else (), key, inner)
        for at, piece in pieces
        for key in ("functionResponse", "function_response")
        if isinstance(piece, dict) and isinstance(inner := piece.get(key), dict)
    ]
    own = next((one for one in found if one[2].get("id") == call.get("id")), next(iter(found), None))
    return None if own is None else ("result", *own[0], own[1])


def at_path(value: Any, path: Path) -> Any:
    """Return the value at a path that is known to exist."""
    for key in path:
        value = value[key]
    return value


def edit_record(value: Mapping[str, Any], change: RecordChange) -> Iterator[Edit]:
    """Write changed parts into a record, and take removed ones out; paths start at the record."""
    content, calls = value.get("content"), calls_of(value)
    for block, (old, new) in change.edited.items():
        if block >= RESULT:
            yield from _edit_result(calls, block - RESULT, old, new)
        elif block >= CALL:
            yield from edit_json(("toolCalls", block - CALL, "args"), old.text, new.text)
        elif block == WHOLE and not isinstance(content, dict):
            yield Replace(("content",), new.text)
        else:
            path: Path = ("content",) if block == WHOLE else ("content", block)
            yield from edit_part(path, at_path(value, path), old, new)
    yield from _remove(change.removed)


def _remove(blocks: frozenset[int]) -> Iterator[Edit]:
    for block in blocks:
        if block >= RESULT:
            if block - RESULT + CALL not in blocks:
                yield Delete(("toolCalls", block - RESULT, "result"))
        elif block >= CALL:
            yield Delete(("toolCalls", block - CALL))
        elif block != WHOLE:
            yield Delete(("content", block))


def _edit_result(calls: Sequence[dict[str, Any]], at: int, old: Part, new: Part) -> Iterator[Edit]:
    call = calls[at]
    base: Path = ("toolCalls", at)
    path = find_response(call)
    if path is None:
        yield Replace((*base, "result"), new.text)
    else:
        own = [medium for medium in new.media if medium.block < SIBLING]
        kept = {medium.block for medium in new.media}
        was = old._replace(media=tuple(one for one in old.media if one.block < SIBLING))
        yield from edit_response((*base, *path), at_path(call, path), was, new._replace(media=tuple(own)))
        gone = [one.block - SIBLING for one in old.media if one.block >= SIBLING and one.block not in kept]
        yield from (Delete((*base, "result", sibling)) for sibling in gone)
        yield from _edit_copies(calls, at, new)
    yield from shrink_copies((*base, "resultDisplay"), call.get("resultDisplay"), old.text, new.text)


def _edit_copies(calls: Sequence[dict[str, Any]], at: int, new: Part) -> Iterator[Edit]:
    """Write a result also where the client has put it into the results of its siblings."""
    for other, call in enumerate(calls):
        result = call.get("result") if other != at else None
        for place, piece in enumerate(result if isinstance(result, list) else ()):
            inner = member(piece, "functionResponse")
            if isinstance(inner, dict) and inner.get("id") == new.call_id:
                path = ("toolCalls", other, "result", place, key_of(piece, "functionResponse"))
                was = read_response(inner)
                yield from edit_response(path, inner, was, was._replace(text=new.text, media=()))
