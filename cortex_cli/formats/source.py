"""The bytes of one input, split and parsed once, for `detect` and `load`."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar, overload

import orjson

from cortex_cli.errors import InputError
from cortex_cli.jsonedit import parse

HEAD_OBJECTS = 40
"""How many objects `detect` may look at. Source: FORMATS section 1."""

BOM = b"\xef\xbb\xbf"

RUN_LINES = 256
"""How many untouched lines are copied at once: about a megabyte of a session."""

T = TypeVar("T")

_ink = re.compile(rb"[^ \t\r\n]").search
_MISSING = object()


class Lines(Sequence[bytes]):
    """The lines of an input without their line feeds, cut out when they are asked for.

    A list of them would be the whole input a second time, and half of what it takes to read a long session.
    """

    __slots__ = ("_ends", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._ends = ends = [-1]  # of line -1, 0, 1, ...
        find = data.find
        end = find(b"\n")
        while end >= 0:
            ends.append(end)
            end = find(b"\n", end + 1)
        ends.append(len(data))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        ends = self._ends
        if isinstance(index, slice):
            return [self.data[ends[at] + 1 : ends[at + 1]] for at in range(*index.indices(len(self)))]
        at = index if index >= 0 else index + len(self)
        if not 0 <= at < len(self):
            raise IndexError(index)
        return self.data[ends[at] + 1 : ends[at + 1]]

    def joined(self, start: int, end: int) -> bytes:
        """Return the lines [start, end) with the line feeds between them, in one piece."""
        return self.data[self._ends[start] + 1 : self._ends[end]]

    def __iter__(self) -> Iterator[bytes]:
        data = self.data
        for before, end in pairwise(self._ends):
            yield data[before + 1 : end]

    def __eq__(self, other: object) -> bool:
        return self.data == other.data if isinstance(other, Lines) else list(self) == other

    __hash__ = None  # type: ignore[assignment]  # as of a list


def runs(records: Sequence[bytes], start: int, end: int) -> Iterator[bytes]:
    """Yield the lines [start, end) in pieces of many lines, line feeds between the lines of a piece only."""
    for at in range(start, end, RUN_LINES):
        stop = min(at + RUN_LINES, end)
        yield records.joined(at, stop) if isinstance(records, Lines) else b"\n".join(records[at:stop])


class Source:
    """An input as JSON Lines or as one JSON document.

    Args:
        data: The whole input.
        path: For errors; `-` for standard input.
        first_line: 1-based line of the file that `data` begins with, for a part of a file.
    """

    def __init__(self, data: bytes, path: str = "-", *, first_line: int = 1) -> None:
        self.data = data
        self.path = path
        self.first_line = first_line
        self.damage: dict[int, str] = {}
        """What is wrong with a line, by 0-based index; such lines ride along as opaque bytes."""
        self._parsed: dict[int, Any] = {}
        self._memory: dict[Any, Any] = {}

    @cached_property
    def document(self) -> Any:
        """The one JSON value that the input is (also a single line); None for JSON Lines of several lines."""
        start = len(BOM) if self.data.startswith(BOM) else 0
        ink = _ink(self.data, start)
        if ink is None:
            return None
        end = self.data.find(b"\n", ink.start())
        if end >= 0 and _ink(self.data, end):
            first = _parse_or_none(self.data[start:end])
            if first is not None:
                self._parsed[self.data.count(b"\n", 0, end)] = first
                return None
        body = self.data[start:] if start else self.data
        value = _parse_or_none(body)
        if value is None and (value := _parse_replacing(body)) is not None:
            self.damage[_first_invalid_line(body)] = "invalid UTF-8"
        return value

    @cached_property
    def records(self) -> Lines:
        """The lines without their line feeds; a last empty one where the input ends in a line feed."""
        return Lines(self.data)

    @cached_property
    def head(self) -> list[Any]:
        """The first objects: of the lines, or the document alone."""
        if self.document is not None:
            return [self.document]
        return [value for value in self.head_values if isinstance(value, dict)][:HEAD_OBJECTS]

    @cached_property
    def head_values(self) -> list[Any]:
        """The first values of the lines, whatever they are; empty for a document."""
        if self.document is not None:
            return []
        found = []
        for index, line in enumerate(self.records[: 4 * HEAD_OBJECTS]):
            value = self._parse_line(index, line) if line else None
            if value is not None:
                self._parsed[index] = value
                found.append(value)
            if len(found) == HEAD_OBJECTS:
                break
        return found

    @property
    def is_one_line(self) -> bool:
        """Whether a document stands on one line, whatever blank ones stand around it."""
        return b"\n" not in self.data.removeprefix(BOM).strip()

    def may_hold(self, *keys: str) -> bool:
        """Tell whether an item of a document that is a list may have one of these keys, and has to be looked at."""
        return self._item_keys is None or not self._item_keys.isdisjoint(keys)

    @cached_property
    def _item_keys(self) -> frozenset[str] | None:
        """All keys of the items, collected once for all formats; None where some item is no object."""
        document = self.document
        if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
            return None
        return frozenset().union(*document)

    def objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (index of the line, its object), noting damaged lines in `damage` on the way."""
        for index, value in self.values():
            if isinstance(value, dict):
                yield index, value
            else:
                self.damage[index] = "not a JSON object"

    def values(self) -> Iterator[tuple[int, Any]]:
        """Yield (index of the line, its JSON value), noting lines that are none in `damage` on the way."""
        seen = self._parsed
        for index, line in enumerate(self.records):
            try:
                value = seen.pop(index) if index in seen else orjson.loads(line)
            except ValueError:
                if not line or line.isspace():
                    continue
                value = self._parse_line(index, line)
            if value is None:
                value = self._parse_damaged(index, line)
            if value is not None:
                yield index, value

    def remember(self, make: Callable[["Source"], T]) -> T:
        """Call `make` with this source the first time only; for what several formats' `detect` look at."""
        if make not in self._memory:
            self._memory[make] = make(self)
        found: T = self._memory[make]
        return found

    def _parse_line(self, index: int, line: bytes) -> Any:
        value = self._parsed.pop(index, _MISSING)
        if value is not _MISSING:
            return value
        return _parse_or_none(line.removeprefix(BOM) if index == 0 else line)

    def _parse_damaged(self, index: int, line: bytes) -> Any:
        try:
            text = line.decode()
        except UnicodeDecodeError:
            value = _parse_replacing(line)
            self.damage[index] = "invalid UTF-8" if value is not None else "not JSON"
            return value  # read as the clients read it, with U+FFFD; its own bytes stay
        is_torn = index == self._last_line and text.lstrip().startswith("{")
        self.damage[index] = "torn last line" if is_torn else "not one JSON object"
        return None

    @cached_property
    def _last_line(self) -> int:
        return next((i for i in range(len(self.records) - 1, -1, -1) if self.records[i].strip()), 0)

    def warnings(self) -> tuple[str, ...]:
        """Return one line for each damaged record met so far."""
        first = self.first_line
        return tuple(f"{self.path}:{first + i}: {what}, kept as it is" for i, what in sorted(self.damage.items()))

    def fail(self, message: str, *, line: int = 0, hint: str = "") -> InputError:
        """Build the error for this input, `path:line` in front; `line` counts from 1 within `data`."""
        where = f"{self.path}:{self.first_line + line - 1}" if line else self.path
        return InputError(message, hint=hint, where=where)

    def find_error(self) -> tuple[int, str]:
        """Say where an input that is no JSON stops being JSON: (1-based line, what is wrong there)."""
        try:
            orjson.loads(self.data.removeprefix(BOM))
        except orjson.JSONDecodeError as error:
            return error.lineno, error.msg
        return 1, "nested too deeply"


def _first_invalid_line(data: bytes) -> int:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start)
    return 0


def _parse_replacing(data: bytes) -> Any:
    """Parse JSON with U+FFFD in the place of invalid UTF-8; None if it is not JSON even so."""
    text = data.decode(errors="replace").encode()
    return _parse_or_none(text) if text != data else None


def _parse_or_none(data: bytes) -> Any:
    try:
        return parse(data)
    except ValueError:
        return None
