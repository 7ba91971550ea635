"""What all output for people is made of, as values: lines, indented lines, tables without boxes.

`columns` writes them as plain text, `in_rich` makes Rich's of them where the output goes to a terminal.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TextIO, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

INDENT_COLUMNS = 2
"""How far an indented line stands in."""


class Line(NamedTuple):
    """A text with styles; of several lines where it holds line feeds."""

    pieces: tuple[tuple[str, str], ...] = ()
    """Texts, each with its style; no style: that of the line."""
    style: str = ""
    fit: Literal["", "break", "ellipsis"] = ""
    """What happens where it finds no room: it is broken or cut short; empty: as its column says."""

    @property
    def text(self) -> str:
        """All of it, without styles."""
        return "".join([text for text, _ in self.pieces])


class Indented(NamedTuple):
    """A line that stands some columns in, also where it is broken."""

    line: Line


class Column(NamedTuple):
    """One column of a table."""

    title: str = ""
    justify: Literal["left", "right"] = "left"
    width: int | None = None
    """None: as its cells need it."""
    no_wrap: bool = False


class Table(NamedTuple):
    """A table without lines."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Line]]
    gap: int
    """Blanks between two columns."""
    title_style: str = ""

    @property
    def has_titles(self) -> bool:
        """Whether any column has one."""
        return any(column.title for column in self.columns)


Shape = Line | Indented | Table


class PlainConsole(NamedTuple):
    """Where plain text goes: no terminal, so no colours, and Rich need not be imported."""

    file: TextIO
    width: int
    """In columns."""
    is_terminal: bool = False

    @property
    def encoding(self) -> str:
        """Of the stream."""
        return getattr(self.file, "encoding", None) or "utf-8"


Console: TypeAlias = "PlainConsole | RichConsole"
