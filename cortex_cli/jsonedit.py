"""Change named values inside a JSON text and leave every other byte as it is.

Unknown fields, key order, number spellings, white space and duplicate keys survive, because
the text is never re-encoded: the spans of the named values are found and spliced.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from cortex_cli.jsonscan import Path as Path  # those who edit name paths
from cortex_cli.jsonscan import end_of, read_key, skip


class Replace(NamedTuple):
    """Put another value in the place of the one at `path`; of duplicate keys the last, which parsers read."""

    path: Path
    value: Any
    """Anything `encode` takes; `Raw` for JSON that is already encoded."""


class Delete(NamedTuple):
    """Take the list item or object member at `path` out, with its comma."""

    path: Path


class Insert(NamedTuple):
    """Put values into a list before the item at `path`; a position at or past its end appends."""

    path: Path
    values: tuple[Any, ...]


class Raw(NamedTuple):
    """JSON that is already encoded."""

    data: bytes


Edit = Replace | Delete | Insert

PARSED_BYTES = 1_000_000
"""Larger texts are not parsed for an edit, neither before nor after: their values would be held once more."""

SEARCHED_BYTES = 64
"""Of a string that is looked for; the rest is compared. Longer needles take Python more time to prepare."""

MAX_TWINS = 8
"""Places that begin like a string that is looked for; after so many the text is scanned."""

_UNKNOWN: Any = object()
"""Stands for a value that nobody has parsed."""


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


def edit(data: bytes, edits: Iterable[Edit], parsed: Any = _UNKNOWN) -> bytes:
    """Apply edits to one JSON text.

    Args:
        data: One JSON value, UTF-8, possibly with a BOM and white space around it.
        edits: Paths refer to the text as it is before any of them.
        parsed: The value that it is, where the caller has it already; saves time.

    Returns:
        The text with exactly the named spans changed; `data` itself where there are no edits.

    Raises:
        KeyError: A path names no value in the text.
        ValueError: The text is not JSON.
    """
    edits = list(edits)
    if not edits:
        return data
    if len(data) <= PARSED_BYTES:
        if parsed is _UNKNOWN:
            with suppress(ValueError):
                parsed = orjson.loads(data)
        if parsed is not _UNKNOWN and (spliced := _splice(data, edits, parsed)) is not None:
            return spliced
    root = _plan(edits)
    start = skip(data, 3 if data.startswith(b"\xef\xbb\xbf") else 0)
    out: list[bytes] = []
    end = _Editor(data).write(start, root, (), out, parsed)
    return b"".join((data[:start], *out, data[end:]))


def prepend_member(data: bytes, key: str, value: Any) -> bytes:
    """Put a member in front of those of the object that a JSON text is."""
    brace = data.index(b"{") + 1
    head = data[:brace] + encode(key) + b":" + encode(value)
    rest = data[brace:]
    return head + (b"" if rest.lstrip().startswith(b"}") else b",") + rest


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


def _splice(data: bytes, edits: Sequence[Edit], parsed: Any) -> bytes | None:
    """Replace strings where their encoded form is found, and prove by parsing that these were the right places.

    A tenth of the time of a scan: most of a record is never looked at.

    Returns:
        None where that does not settle it: other edits than replaced strings, another spelling, an earlier twin.
    """
    pieces: list[bytes] = []
    olds: list[str] = []
    at = 0
    if not all(isinstance(one, Replace) for one in edits):
        return None
    try:
        for one in edits:
            old = _value_at(parsed, one.path)
            if not (isinstance(one, Replace) and isinstance(old, str)):
                return None
            span = _find_string(data, old, at)
            pieces += (data[at : span.start], encode(one.value))
            at = span.stop
            olds.append(old)
        result = b"".join((*pieces, data[at:]))
        return result if _differ_by(edits, olds, orjson.loads(result), parsed) else None
    except (LookupError, TypeError, ValueError, RecursionError):
        return None


def _value_at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _differ_by(edits: Iterable[Edit], olds: Iterable[str], new: Any, old: Any) -> bool:
    """Tell whether a value just parsed has what the edits put in, and is the old one without them; takes them out."""
    for one, before in zip(edits, olds, strict=True):
        home, key = _value_at(new, one.path[:-1]), one.path[-1]
        if not isinstance(one, Replace) or home[key] != one.value:
            return False
        home[key] = before
    return bool(new == old)


def _find_string(data: bytes, text: str, at: int) -> slice:
    """Find a string as one of the two usual spellings writes it, from `at` on.

    Raises:
        LookupError: It is spelled otherwise.
    """
    for spell in (orjson.dumps, _spell_ascii):
        written = spell(text)
        head = written[:SEARCHED_BYTES]
        start = data.find(head, at)
        for _ in range(MAX_TWINS):
            if start < 0:
                break
            if data.startswith(written, start):
                return slice(start, start + len(written))
            start = data.find(head, start + 1)
    raise LookupError


def _spell_ascii(text: str) -> bytes:
    return json.encoder.encode_basestring_ascii(text).encode()


class _Editor:
    """One pass over a text: every value is looked at once, whatever is nested in it.

    Where a value is known, its end need not be looked for: nearly every writer writes it as orjson does, and
    comparing bytes takes a tenth of the time of reading them.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data

    def write(self, at: int, node: _Node, path: Path, out: list[bytes], value: Any) -> int:
        """Append the edited value that starts at `at` and return its end in the text."""
        if node.replace is not None:
            out.append(encode(node.replace.value))
            return self._end_of(at, value)
        if not node.children:
            end = self._end_of(at, value)
            out.append(self.data[at:end])
            return end
        if self.data[at : at + 1] == b"{":
            return self._write_object(at, node, path, out, value if isinstance(value, dict) else {})
        if self.data[at : at + 1] == b"[":
            return self._write_list(at, node, path, out, value if isinstance(value, list) else [])
        raise KeyError(path)

    def _end_of(self, at: int, value: Any) -> int:
        """Return the end of the value that starts at `at` and probably is `value`."""
        if isinstance(value, str | dict | list):  # a number may end later than its shortest spelling
            try:
                written = orjson.dumps(value)
            except TypeError:
                return end_of(self.data, at)
            if self.data.startswith(written, at):
                return at + len(written)
            return end_of(self.data, at, 2 * len(written))  # with blanks and escapes it is a little longer
        return end_of(self.data, at)

    def _write_object(self, at: int, node: _Node, path: Path, out: list[bytes], values: dict[str, Any]) -> int:
        segments: list[list[bytes]] = []
        written: dict[str, tuple[int, int, int]] = {}
        """Key -> its segment and where that stood; no copy, for it may be nearly all of a large document."""
        missing: dict[str | int, KeyError] = {key: KeyError((*path, key)) for key in node.children}
        segment, end = at + 1, at + 1
        while (start := self._start_of_item(segment, b"}")) is not None:
            key, start = read_key(self.data, start)
            child, value = node.children.get(key), values.get(key, _UNKNOWN)
            if child is None:
                end = self._end_of(start, value)
                segments.append(self._untouched(segment, end))
            elif child.delete:
                missing.pop(key, None)
                end = self._end_of(start, value)
            else:
                if key in written:  # of duplicate keys the last counts: the one before stays as it is
                    place, *span = written[key]
                    segments[place] = self._untouched(*span)
                piece = [self.data[segment:start]]
                try:
                    end = self.write(start, child, (*path, key), piece, value)
                    missing.pop(key, None)
                except KeyError as error:
                    missing[key] = error
                    end = end_of(self.data, start)
                    piece = [self.data[segment:end]]
                written[key] = (len(segments), segment, end)
                segments.append([*piece, self._before_comma(end)])  # not joined: it may be all items of a document
            segment = self._next_item(end)
        if missing:
            raise next(iter(missing.values()))
        return self._close(at, segments, end, out)

    def _write_list(self, at: int, node: _Node, path: Path, out: list[bytes], values: list[Any]) -> int:
        segments: list[list[bytes]] = []
        lead = b""
        count = 0
        segment, end = at + 1, at + 1
        while (start := self._start_of_item(segment, b"]")) is not None:
            child, value = node.children.get(count), values[count] if count < len(values) else _UNKNOWN
            count += 1
            if child is None:
                end = self._end_of(start, value)
                segments.append(self._untouched(segment, end))
            else:
                lead = self.data[segment:start]
                segments.extend([lead, encode(value)] for value in child.before)
                piece = [lead]
                if child.delete:
                    end = self._end_of(start, value)
                else:
                    end = self.write(start, child, (*path, count - 1), piece, value)
                    segments.append([b"".join((*piece, self._before_comma(end)))])
            if (following := self._next_item(end)) < 0:
                lead = self.data[segment:start]
            segment = following
        for key, child in node.children.items():
            if not isinstance(key, int) or (key >= count and (child.delete or child.replace or child.children)):
                raise KeyError((*path, key))
            if key >= count:
                segments.extend([lead, encode(value)] for value in child.before)
        return self._close(at, segments, end, out)

    def _untouched(self, segment: int, end: int) -> list[bytes]:
        """Return an item as it stands, with the white space around it."""
        at = skip(self.data, end)
        return [self.data[segment : at if self.data[at : at + 1] == b"," else end]]

    def _start_of_item(self, segment: int, close: bytes) -> int | None:
        """Return where the item whose segment begins there starts; None where there is none."""
        if segment < 0:
            return None
        start = skip(self.data, segment)
        return None if self.data[start : start + 1] == close else start

    def _next_item(self, end: int) -> int:
        """Return where the segment after the value that ends there begins; -1 after the last."""
        at = skip(self.data, end)
        return at + 1 if self.data[at : at + 1] == b"," else -1

    def _before_comma(self, end: int) -> bytes:
        """Return the white space between the value that ends there and its comma; nothing behind the last value."""
        at = skip(self.data, end)
        return self.data[end:at] if at > end and self.data[at : at + 1] == b"," else b""

    def _close(self, at: int, segments: Sequence[Sequence[bytes]], end: int, out: list[bytes]) -> int:
        """Append bracket, segments joined by commas, the white space before the closing bracket, and that bracket."""
        close = skip(self.data, end) + 1
        sign = self.data[at : at + 1]
        for segment in segments or [[]]:
            out.append(sign)
            out.extend(segment)
            sign = b","
        out.append(self.data[end:close])
        return close
