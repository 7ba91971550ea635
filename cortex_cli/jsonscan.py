"""Find values inside a JSON text: where they start and end, without a copy of the text around them.

Texts are scanned as latin-1: one character a byte, so positions are byte offsets, and JSON's own signs are ASCII.
"""

import json
import re
from collections.abc import Callable
from typing import Any

Path = tuple[str | int, ...]
"""Keys and 0-based list positions from the root to a value."""

_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(strict=False).scan_once  # type: ignore[attr-defined]
_scan_string: Callable[[str, int, bool], tuple[str, int]] = json.decoder.scanstring  # type: ignore[attr-defined]
_space = re.compile(r"[ \t\r\n]*").match
_scalar = re.compile(r"[^\s,\]}]+").match
_signs = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL).finditer
_string = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL).match


def skip(text: str, at: int) -> int:
    """Return where the white space that starts at `at` ends."""
    if text[at : at + 1] > " ":
        return at  # as nearly always
    match = _space(text, at)
    assert match is not None  # the pattern matches the empty string
    return match.end()


def end_of(text: str, at: int) -> int:
    """Return the end of the value that starts at `at`."""
    if text[at : at + 1] == '"':
        return _scan_string(text, at + 1, False)[1]
    try:
        return _scan(text, at)[1]
    except StopIteration as error:
        raise ValueError(f"no JSON value at byte {at}") from error
    except (RecursionError, ValueError):  # deeper than Python's stack, a number longer than Python converts
        return _end_of_odd(text, at)


def _end_of_odd(text: str, at: int) -> int:
    """Find the end of a value by its brackets alone."""
    if text[at] not in "[{":
        match = _scalar(text, at)
        assert match is not None  # `_scan` has taken it for a number
        return match.end()
    depth = 0
    for match in _signs(text, at):
        depth += 1 if match[0] in "[{" else -1 if match[0] in "]}" else 0
        if depth == 0:
            return match.end()
    raise ValueError(f"no end of the value at byte {at}")


def read_key(text: str, at: int) -> tuple[str, int]:
    """Read the key that starts at `at`; return it and where its value starts."""
    match = _string(text, at)
    if match is None:
        raise ValueError(f"no key at byte {at}")
    key = match[0][1:-1]
    if "\\" in key or not key.isascii():
        key = json.loads(match[0].encode("latin-1").decode(errors="replace"))
    return key, skip(text, skip(text, match.end()) + 1)


def _members(text: str, at: int, close: str) -> list[tuple[str, int, int]]:
    """Split an object or list into (key, start of value, end of value); keys of a list are empty."""
    found: list[tuple[str, int, int]] = []
    at = skip(text, at + 1)
    while text[at] != close:
        key, at = read_key(text, at) if close == "}" else ("", at)
        end = _end_by_items(text, at) if close == "}" else end_of(text, at)
        found.append((key, at, end))
        at = skip(text, end)
        at = skip(text, at + 1) if text[at] == "," else at
    return found


def _end_by_items(text: str, at: int) -> int:
    """Return the end of a value; of a list item by item: it may be nearly all of a large document, parsed once more."""
    if text[at] != "[":
        return end_of(text, at)
    items = _members(text, at, "]")
    return skip(text, items[-1][2] if items else at + 1) + 1


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
    return [(start, stop) for _, start, stop in _members(text, at, "]")]


def cut_out(data: bytes, path: Path) -> bytes:
    """Return the bytes of the value at `path`.

    Raises:
        KeyError: There is nothing at `path`.
        ValueError: The text is not JSON.
    """
    text = data.decode("latin-1")
    at = _find(text, path)
    return data[at : end_of(text, at)]


def _find(text: str, path: Path) -> int:
    """Return where the value at `path` starts; of duplicate keys the last."""
    at = skip(text, 3 if text.startswith("\xef\xbb\xbf") else 0)
    for key in path:
        is_object = text[at] == "{"
        members = _members(text, at, "}" if is_object else "]")
        starts = {name if is_object else i: start for i, (name, start, _) in enumerate(members)}
        at = starts[key]
    return at


def parse_first(data: bytes) -> Any:
    """Parse the JSON value that a text begins with; what stands behind it may be anything.

    Raises:
        ValueError: It does not begin with one, or it is nested too deeply.
    """
    text = data.decode(errors="replace")
    at = skip(text, 0)
    try:
        return _scan(text, at)[0]
    except (StopIteration, RecursionError) as error:
        raise ValueError("no JSON value at the beginning") from error
