"""Change named values inside a JSON text and leave every other byte as it is.

Unknown fields, key order, number spellings, white space and duplicate keys survive, because
the text is never re-encoded: the spans of the named values are found and spliced.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
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
_scalar = re.compile(r"[^\s,\]}]+").match
_signs = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL).finditer
_string = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL).match


_lone = re.compile("[\ud800-\udfff]").sub
_NOTHING = object()


@dataclass(slots=True)
class _Node:
    """What is to be done at and below one value."""

    replace: Replace | None = None
    delete: bool = False
    before: list[Any] = field(default_factory=list)
    children: dict[str | int, "_Node"] = field(default_factory=dict)


def encode(value: Any) -> bytes:
    """Encode a value as compact JSON, UTF-8.

    Lone surrogates, integers beyond 64 bits and deep nesting, which orjson refuses, are written without it.
    """
    if isinstance(value, Raw):
        return value.data
    try:
        return orjson.dumps(value)
    except TypeError:
        pass
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        text = "".join(_spell(value))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _lone(lambda sign: f"\\u{ord(sign[0]):04x}", text).encode()


def _spell(value: Any) -> Iterator[str]:
    """Write JSON of any depth, without recursion."""
    left: list[tuple[str, Any]] = [("", value)]  # what comes before a value, and the value
    while left:
        lead, one = left.pop()
        yield lead
        if one is _NOTHING:
            continue
        if isinstance(one, dict) and one:
            left.append(("}", _NOTHING))
            members = [(f"{json.dumps(str(key), ensure_ascii=False)}:", item) for key, item in one.items()]
            left += [("," + key, item) for key, item in members[:0:-1]]
            left.append(("{" + members[0][0], members[0][1]))
        elif isinstance(one, list) and one:
            left.append(("]", _NOTHING))
            left += [(",", item) for item in one[:0:-1]]
            left.append(("[", one[0]))
        else:
            yield json.dumps(one, ensure_ascii=False)


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
    start = _skip(text, 3 if data.startswith(b"\xef\xbb\xbf") else 0)
    out: list[bytes] = []
    end = _Editor(data, text).write(start, root, (), out)
    return b"".join((data[:start], *out, data[end:]))


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


class _Editor:
    """One pass over a text: every value is looked at once, whatever is nested in it."""

    def __init__(self, data: bytes, text: str) -> None:
        self.data = data
        self.text = text

    def write(self, at: int, node: _Node, path: Path, out: list[bytes]) -> int:
        """Append the edited value that starts at `at` and return its end in the text."""
        if node.replace is not None:
            out.append(encode(node.replace.value))
            return _end_of(self.text, at)
        if not node.children:
            end = _end_of(self.text, at)
            out.append(self.data[at:end])
            return end
        if self.text[at] == "{":
            return self._write_object(at, node, path, out)
        if self.text[at] == "[":
            return self._write_list(at, node, path, out)
        raise KeyError(path)

    def _write_object(self, at: int, node: _Node, path: Path, out: list[bytes]) -> int:
        segments: list[bytes] = []
        written: dict[str, tuple[int, bytes]] = {}
        missing: dict[str | int, KeyError] = {key: KeyError((*path, key)) for key in node.children}
        segment, end = at + 1, at + 1
        while (start := self._start_of_item(segment, "}")) is not None:
            key, start = _key(self.text, start)
            child = node.children.get(key)
            if child is None:
                end = _end_of(self.text, start)
                segments.append(self.data[segment:end])
            elif child.delete:
                missing.pop(key, None)
                end = _end_of(self.text, start)
            else:
                if key in written:  # of duplicate keys the last counts: the one before stays as it is
                    segments[written[key][0]] = written[key][1]
                piece = [self.data[segment:start]]
                try:
                    end = self.write(start, child, (*path, key), piece)
                    missing.pop(key, None)
                except KeyError as error:
                    missing[key] = error
                    end = _end_of(self.text, start)
                    piece = [self.data[segment:end]]
                written[key] = (len(segments), self.data[segment:end] + self._before_comma(end))
                segments.append(b"".join(piece))
            if child is None or not child.delete:
                segments[-1] += self._before_comma(end)
            segment = self._next_item(end)
        if missing:
            raise next(iter(missing.values()))
        return self._close(at, segments, end, out)

    def _write_list(self, at: int, node: _Node, path: Path, out: list[bytes]) -> int:
        segments: list[bytes] = []
        lead = b""
        count = 0
        segment, end = at + 1, at + 1
        while (start := self._start_of_item(segment, "]")) is not None:
            child = node.children.get(count)
            count += 1
            if child is None:
                end = _end_of(self.text, start)
                segments.append(self.data[segment:end] + self._before_comma(end))
            else:
                lead = self.data[segment:start]
                segments.extend(lead + encode(value) for value in child.before)
                piece = [lead]
                if child.delete:
                    end = _end_of(self.text, start)
                else:
                    end = self.write(start, child, (*path, count - 1), piece)
                    segments.append(b"".join(piece) + self._before_comma(end))
            if (following := self._next_item(end)) < 0:
                lead = self.data[segment:start]
            segment = following
        for key, child in node.children.items():
            if not isinstance(key, int) or (key >= count and (child.delete or child.replace or child.children)):
                raise KeyError((*path, key))
            if key >= count:
                segments.extend(lead + encode(value) for value in child.before)
        return self._close(at, segments, end, out)

    def _start_of_item(self, segment: int, close: str) -> int | None:
        """Return where the item whose segment begins there starts; None where there is none."""
        if segment < 0:
            return None
        start = _skip(self.text, segment)
        return None if self.text[start] == close else start

    def _next_item(self, end: int) -> int:
        """Return where the segment after the value that ends there begins; -1 after the last."""
        at = _skip(self.text, end)
        return at + 1 if self.text[at] == "," else -1

    def _before_comma(self, end: int) -> bytes:
        """Return the white space between the value that ends there and its comma; nothing behind the last value."""
        at = _skip(self.text, end)
        return self.data[end:at] if at > end and self.text[at] == "," else b""

    def _close(self, at: int, segments: Sequence[bytes], end: int, out: list[bytes]) -> int:
        """Append bracket, segments joined by commas, the white space before the closing bracket, and that bracket."""
        close = _skip(self.text, end) + 1
        tail = self.data[end:close]
        out += (self.data[at : at + 1], b",".join(segments), tail)
        return close


def _key(text: str, at: int) -> tuple[str, int]:
    """Read the key that starts at `at`; return it and where its value starts."""
    match = _string(text, at)
    if match is None:
        raise ValueError(f"no key at byte {at}")
    key = match[0][1:-1]
    if "\\" in key or not key.isascii():
        key = json.loads(match[0].encode("latin-1").decode(errors="replace"))
    return key, _skip(text, _skip(text, match.end()) + 1)


def _members(text: str, at: int, close: str) -> list[tuple[str, int, int]]:
    """Split an object or list into (key, start of value, end of value); keys of a list are empty."""
    found: list[tuple[str, int, int]] = []
    at = _skip(text, at + 1)
    while text[at] != close:
        key, at = _key(text, at) if close == "}" else ("", at)
        end = _end_of(text, at)
        found.append((key, at, end))
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return found


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
    return data[at : _end_of(text, at)]


def _find(text: str, path: Path) -> int:
    """Return where the value at `path` starts; of duplicate keys the last."""
    at = _skip(text, 3 if text.startswith("\xef\xbb\xbf") else 0)
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
    at = _skip(text, 0)
    try:
        return _scan(text, at)[0]
    except (StopIteration, RecursionError) as error:
        raise ValueError("no JSON value at the beginning") from error
