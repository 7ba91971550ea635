"""The bytes of one input, split and parsed once, for `detect` and `load`."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from cortex_cli.errors import InputError
from cortex_cli.jsonedit import parse

HEAD_OBJECTS = 40
"""How many objects `detect` may look at. Source: FORMATS section 1."""

BOM = b"\xef\xbb\xbf"


class Source:
    """An input as JSON Lines or as one JSON document.

    Args:
        data: The whole input.
        path: For errors; `-` for standard input.
    """

    def __init__(self, data: bytes, path: str = "-") -> None:
        self.data = data
        self.path = path
        self.damage: dict[int, str] = {}
        """What is wrong with a line, by 0-based index; such lines ride along as opaque bytes."""

    @cached_property
    def document(self) -> Any:
        """The one JSON value that the input is (also a single line); None for JSON Lines of several lines."""
        body = self.data.removeprefix(BOM)
        first_line = body.lstrip().split(b"\n", 1)
        if len(first_line) == 2 and first_line[1].strip() and _parse_or_none(first_line[0]) is not None:
            return None
        return _parse_or_none(body)

    @cached_property
    def records(self) -> list[bytes]:
        """The lines without their line feeds; a last empty one where the input ends in a line feed."""
        return self.data.split(b"\n")

    @cached_property
    def head(self) -> list[Any]:
        """The first objects: of the lines, or the document alone."""
        if self.document is not None:
            return [self.document]
        found = []
        for line in self.records[: 4 * HEAD_OBJECTS]:
            value = _parse_or_none(line.removeprefix(BOM))
            if isinstance(value, dict):
                found.append(value)
            if len(found) == HEAD_OBJECTS:
                break
        return found

    def objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (index of the line, its object), noting damaged lines in `damage` on the way."""
        for index, line in enumerate(self.records):
            if not line or line.isspace():
                continue
            value = _parse_or_none(line.removeprefix(BOM) if index == 0 else line)
            if value is None:
                value = self._parse_damaged(index, line)
            if isinstance(value, dict):
                yield index, value
            elif value is not None:
                self.damage[index] = "not a JSON object"

    def _parse_damaged(self, index: int, line: bytes) -> Any:
        try:
            text = line.decode()
        except UnicodeDecodeError:
            value = _parse_or_none(line.decode(errors="replace").encode())
            self.damage[index] = "invalid UTF-8" if value is not None else "not JSON"
            return value  # read as the clients read it, with U+FFFD; its own bytes stay
        is_last = all(not rest.strip() for rest in self.records[index + 1 :])
        self.damage[index] = "torn last line" if is_last and text.lstrip().startswith("{") else "not one JSON object"
        return None

    def warnings(self) -> tuple[str, ...]:
        """Return one line for each damaged record met so far."""
        return tuple(f"{self.path}:{index + 1}: {what}, kept as it is" for index, what in sorted(self.damage.items()))

    def fail(self, message: str, *, line: int = 0, hint: str = "") -> InputError:
        """Build the error for this input, `path:line` in front."""
        return InputError(message, hint=hint, where=f"{self.path}:{line}" if line else self.path)


def _parse_or_none(data: bytes) -> Any:
    try:
        return parse(data)
    except ValueError:
        return None
