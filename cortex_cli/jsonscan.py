"""Find values inside a JSON text: where they start and end, without a copy of the text around them.

All positions are byte offsets; JSON's own signs are ASCII.
"""

import json
import re
from collections.abc import Callable
from typing import Any

Path = tuple[str | int, ...]
"""Keys and 0-based list positions from the root to a value."""

FIRST_LOOK_BYTES = 1_024
"""How much of a text is read for the end of a value first, in bytes; most values are shorter."""

LOOK_GROWTH = 16
"""How much more is read each time that it does not end there."""

CUT_BYTES = 2
"""So many bytes of a number may stand cut off at the end of what was read and not be missed: `e+` of `1e+9`."""

_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(strict=False).scan_once  # type: ignore[attr-defined]
_scan_string: Callable[[str, int, bool], tuple[str, int]] = json.decoder.scanstring  # type: ignore[attr-defined]
_space = re.compile(rb"[ \t\r\n]*").match
_scalar = re.compile(rb"[^\s,\]}]+").match
_signs = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL).finditer
_string = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL).match


def skip(data: bytes, at: int) -> int:
    """Return where the white space that starts at `at` ends."""
    if data[at : at + 1] > b" ":
        return at  # as nearly always
    match = _space(data, at)
    assert match is not None  # the pattern matches the empty string
    return match.end()


def end_of(data: bytes, at: int, size: int = 0) -> int:
    """Return the end of the value that starts at `at`, which is probably not longer than `size`."""
    size = max(size, FIRST_LOOK_BYTES)
    while at + size < len(data):
        try:
            end = _end_in(data[at : at + size])
        except (StopIteration, ValueError):
            end = size
        except RecursionError:
            break
        if end < size - CUT_BYTES:
            return at + end
        size *= LOOK_GROWTH
    try:
        return at + _end_in(data[at:])
    except StopIteration as error:
        raise ValueError(f"no JSON value at byte {at}") from error
    except (RecursionError, ValueError):  # deeper than Python's stack, a number longer than Python converts
        if data[at : at + 1] == b'"':
            raise
        return _end_of_odd(data, at)


def _end_in(data: bytes) -> int:
    """Return the end of the value that a text begins with."""
    text = data.decode("latin-1")  # one character a byte: positions are byte offsets
    return _scan_string(text, 1, False)[1] if text[:1] == '"' else _scan(text, 0)[1]


def _end_of_odd(data: bytes, at: int) -> int:
    """Find the end of a value by its brackets alone."""
    if data[at : at + 1] not in (b"[", b"{"):
        match = _scalar(data, at)
        assert match is not None  # `_scan` has taken it for a number
        return match.end()
    depth = 0
    for match in _signs(data, at):
        depth += 1 if match[0] in (b"[", b"{") else -1 if match[0] in (b"]", b"}") else 0
        if depth == 0:
            return match.end()
    raise ValueError(f"no end of the value at byte {at}")


def read_key(data: bytes, at: int) -> tuple[str, int]:
    """Read the key that starts at `at`; return it and where its value starts."""
    match = _string(data, at)
    if match is None:
        raise ValueError(f"no key at byte {at}")
    written = match[0]
    is_plain = b"\\" not in written and written.isascii()
    key = written[1:-1].decode() if is_plain else json.loads(written.decode(errors="replace"))
    return key, skip(data, skip(data, match.end()) + 1)


def _members(data: bytes, at: int, close: bytes) -> list[tuple[str, int, int]]:
    """Split an object or list into (key, start of value, end of value); keys of a list are empty."""
    found: list[tuple[str, int, int]] = []
    at = skip(data, at + 1)
    while (sign := data[at : at + 1]) != close:
        if not sign:
            raise ValueError(f"no end of the value at byte {at}")
        key, at = read_key(data, at) if close == b"}" else ("", at)
        end = _end_by_items(data, at) if close == b"}" else end_of(data, at)
        found.append((key, at, end))
        at = skip(data, end)
        at = skip(data, at + 1) if data[at : at + 1] == b"," else at
    return found


def _end_by_items(data: bytes, at: int) -> int:
    """Return the end of a value; of a list item by item: it may be nearly all of a large document, parsed once more."""
    if data[at : at + 1] != b"[":
        return end_of(data, at)
    items = _members(data, at, b"]")
    return skip(data, items[-1][2] if items else at + 1) + 1


def item_spans(data: bytes, path: Path) -> list[tuple[int, int]]:
    """Find the byte spans [start, end) of the items of the list at `path`.

    Raises:
        KeyError: There is no list at `path`.
        ValueError: The text is not JSON.
    """
    at = _find(data, path)
    if data[at : at + 1] != b"[":
        raise KeyError(path)
    return [(start, stop) for _, start, stop in _members(data, at, b"]")]


def cut_out(data: bytes, path: Path) -> bytes:
    """Return the bytes of the value at `path`.

    Raises:
        KeyError: There is nothing at `path`.
        ValueError: The text is not JSON.
    """
    at = _find(data, path)
    return data[at : end_of(data, at)]


def _find(data: bytes, path: Path) -> int:
    """Return where the value at `path` starts; of duplicate keys the last."""
    at = skip(data, 3 if data.startswith(b"\xef\xbb\xbf") else 0)
    for key in path:
        is_object = data[at : at + 1] == b"{"
        members = _members(data, at, b"}" if is_object else b"]")
        starts = {name if is_object else i: start for i, (name, start, _) in enumerate(members)}
        at = starts[key]
    return at


def parse_first(data: bytes) -> Any:
    """Parse the JSON value that a text begins with; what stands behind it may be anything.

    Raises:
        ValueError: It does not begin with one, or it is nested too deeply.
    """
    text = data.decode(errors="replace")
    at = len(text) - len(text.lstrip(" \t\r\n"))
    try:
        return _scan(text, at)[0]
    except (StopIteration, RecursionError) as error:
        raise ValueError("no JSON value at the beginning") from error
