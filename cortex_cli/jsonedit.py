"""Change named values inside a JSON text and leave every other byte as it is.

Unknown fields, key order, number spellings, white space and duplicate keys survive, because
the text is never re-encoded: the spans of the named values are found and spliced.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

Path = tuple[str | int, ...]
"""Keys and 0-based list positions from the root to a value."""


@dataclass(frozen=True, slots=True)
class Replace:
    """Put another value in the place of the one at `path`; of duplicate keys the last, which parsers read."""

    path: Path
    value: Any
    """Anything `encode` takes; `Raw` for JSON that is already encoded."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Take the list item or object member at `path` out, with its comma."""

    path: Path


@dataclass(frozen=True, slots=True)
class Insert:
    """Put values into a list before the item at `path`; a position at or past its end appends."""

    path: Path
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Raw:
    """JSON that is already encoded."""

    data: bytes


Edit = Replace | Delete | Insert

_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(strict=False).scan_once  # type: ignore[attr-defined]
_scan_string: Callable[[str, int, bool], tuple[str, int]] = json.decoder.scanstring  # type: ignore[attr-defined]
_space = re.compile(r"[ \t\r\n]*").match
_string = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL).match


@dataclass(slots=True)
class _Node:
    """What is to be done at and below one value."""

    replace: Replace | None = None
    delete: bool = False
    before: list[Any] = field(default_factory=list)
    children: dict[str | int, "_Node"] = field(default_factory=dict)


def encode(value: Any) -> bytes:
    """Encode a value as compact JSON, UTF-8.

    Lone surrogates and integers beyond 64 bits, which orjson refuses, go through the standard library.
    """
    if isinstance(value, Raw):
        return value.data
    try:
        return orjson.dumps(value)
    except TypeError:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def parse(data: bytes) -> Any:
    """Parse one JSON value.

    NaN and lone surrogates are taken as the standard library takes them. Integers beyond 64 bits become
    floats; they survive in files all the same, since `edit` never re-encodes what it does not change.

    Raises:
        ValueError: It is not JSON, not UTF-8, or nested too deeply.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _parse_slowly(data)


def _parse_slowly(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def edit(data: bytes, edits: Iterable[Edit]) -> bytes:
    """Apply edits to one JSON text.

    Args:
        data: One JSON value, UTF-8, possibly with a BOM and white space around it.
        edits: Paths refer to the text as it is before any of them.

    Returns:
        The text with exactly the named spans changed; `data` itself where there are no edits.

    Raises:
        KeyError: A path names no value in the text.
        ValueError: The text is not JSON.
    """
    root = _plan(edits)
    if not root.children and root.replace is None:
        return data
    text = data.decode("latin-1")  # one character a byte: positions are byte offsets, and JSON's own signs are ASCII
    start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    start = _skip(text, start)
    out: list[bytes] = [data[:start]]
    end = _walk(text, start, root, out, ())
    out.append(data[end:])
    return b"".join(out)


def _plan(edits: Iterable[Edit]) -> _Node:
    root = _Node()
    for one in edits:
        node = root
        for key in one.path:
            node = node.children.setdefault(key, _Node())
        if isinstance(one, Replace):
            node.replace = one
        elif isinstance(one, Delete):
            node.delete = True
        else:
            node.before.extend(one.values)
    return root


def _skip(text: str, at: int) -> int:
    match = _space(text, at)
    assert match is not None  # the pattern matches the empty string
    return match.end()


def _end_of(text: str, at: int) -> int:
    """Return the end of the value that starts at `at`."""
    if text[at : at + 1] == '"':
        return _scan_string(text, at + 1, False)[1]
    try:
        return _scan(text, at)[1]
    except StopIteration as error:
        raise ValueError(f"no JSON value at byte {at}") from error


def _walk(text: str, at: int, node: _Node, out: list[bytes], path: Path) -> int:
    """Append the edited value that starts at `at` and return its end in the text."""
    if node.replace is not None:
        out.append(encode(node.replace.value))
        return _end_of(text, at)
    if not node.children:
        end = _end_of(text, at)
        out.append(text[at:end].encode("latin-1"))
        return end
    if text[at] == "{":
        return _walk_object(text, at, node, out, path)
    if text[at] == "[":
        return _walk_list(text, at, node, out, path)
    raise KeyError(path)


def _walk_member(text: str, at: int, node: _Node, out: list[bytes], path: Path) -> None:
    """Append the edited value that starts at `at`; what replaces it whole spares a look at how long it was."""
    if node.replace is not None:
        out.append(encode(node.replace.value))
    else:
        _walk(text, at, node, out, path)


def _members(text: str, at: int, close: str, with_keys: bool) -> tuple[list[tuple[int, str, int, int]], int]:
    """Split an object or list into (start of its segment, key, start of value, end of value), and its end.

    A segment begins right after the bracket or comma before it.
    """
    found: list[tuple[int, str, int, int]] = []
    at += 1
    if text[_skip(text, at)] == close:
        return found, _skip(text, at) + 1
    while True:
        segment, key = at, ""
        at = _skip(text, at)
        if with_keys:
            match = _string(text, at)
            if match is None:
                raise ValueError(f"no key at byte {at}")
            key = json.loads(match.group().encode("latin-1"))
            at = _skip(text, _skip(text, match.end()) + 1)
        end = _end_of(text, at)
        found.append((segment, key, at, end))
        at = _skip(text, end)
        if text[at] == close:
            return found, at + 1
        at += 1


def _walk_object(text: str, at: int, node: _Node, out: list[bytes], path: Path) -> int:
    members, end = _members(text, at, "}", with_keys=True)
    last = {key: i for i, (_, key, _, _) in enumerate(members)}
    if missing := [key for key in node.children if key not in last]:
        raise KeyError((*path, missing[0]))
    segments: list[bytes] = []
    for i, (segment, key, start, stop) in enumerate(members):
        child = node.children.get(key)
        if child is not None and child.delete:
            continue
        if child is not None and last[key] == i:
            piece = [text[segment:start].encode("latin-1")]
            _walk_member(text, start, child, piece, (*path, key))
            segments.append(b"".join(piece))
        else:
            segments.append(text[segment:stop].encode("latin-1"))
    _join(text, b"{", segments, members, end, out)
    return end


def _walk_list(text: str, at: int, node: _Node, out: list[bytes], path: Path) -> int:
    members, end = _members(text, at, "]", with_keys=False)
    segments: list[bytes] = []
    lead = ""
    for i, (segment, _, start, stop) in enumerate(members):
        child = node.children.get(i)
        lead = text[segment:start]
        if child is None:
            segments.append(text[segment:stop].encode("latin-1"))
            continue
        segments.extend(lead.encode("latin-1") + encode(value) for value in child.before)
        if not child.delete:
            piece = [lead.encode("latin-1")]
            _walk_member(text, start, child, piece, (*path, i))
            segments.append(b"".join(piece))
    for key, child in node.children.items():
        if not isinstance(key, int) or (key >= len(members) and (child.delete or child.replace or child.children)):
            raise KeyError((*path, key))
        if key >= len(members):
            segments.extend(lead.encode("latin-1") + encode(value) for value in child.before)
    _join(text, b"[", segments, members, end, out)
    return end


def _join(
    text: str,
    bracket: bytes,
    segments: Sequence[bytes],
    members: Sequence[tuple[int, str, int, int]],
    end: int,
    out: list[bytes],
) -> None:
    """Append bracket, segments joined by commas, the white space before the closing bracket, and that bracket."""
    tail = text[members[-1][3] : end] if members else text[end - 1 : end]
    out.append(bracket + b",".join(segments) + tail.encode("latin-1"))


def item_spans(data: bytes, path: Path) -> list[tuple[int, int]]:
    """Find the byte spans [start, end) of the items of the list at `path`.

    Raises:
        KeyError: There is no list at `path`.
        ValueError: The text is not JSON.
    """
    text = data.decode("latin-1")
    at = _find(text, path)
    if text[at] != "[":
        raise KeyError(path)
    return [(start, stop) for _, _, start, stop in _members(text, at, "]", with_keys=False)[0]]


def cut_out(data: bytes, path: Path) -> bytes:
    """Return the bytes of the value at `path`.

    Raises:
        KeyError: There is nothing at `path`.
        ValueError: The text is not JSON.
    """
    text = data.decode("latin-1")
    at = _find(text, path)
    return data[at : _end_of(text, at)]


def _find(text: str, path: Path) -> int:
    """Return where the value at `path` starts; of duplicate keys the last."""
    at = _skip(text, 3 if text.startswith("\xef\xbb\xbf") else 0)
    for key in path:
        is_object = text[at] == "{"
        members, _ = _members(text, at, "}" if is_object else "]", with_keys=is_object)
        starts = {name if is_object else i: start for i, (_, name, start, _) in enumerate(members)}
        at = starts[key]
    return at


def parse_first(data: bytes) -> Any:
    """Parse the JSON value that a text begins with; what stands behind it may be anything.

    Raises:
        ValueError: It does not begin with one, or it is nested too deeply.
    """
    text = data.decode(errors="replace")
    at = _skip(text, 0)
    try:
        return _scan(text, at)[0]
    except (StopIteration, RecursionError) as error:
        raise ValueError("no JSON value at the beginning") from error
