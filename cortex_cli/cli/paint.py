"""The few shapes that all output is made of: lines, tables without boxes, bars. Texts of others are made harmless."""

from collections.abc import Iterable, Sequence

from cortex_cli.cli.columns import plain_lines
from cortex_cli.cli.plain import harmless, one_line
from cortex_cli.cli.shapes import Column, Console, Indented, Line, PlainConsole, Shape, Table

LABEL = "dim"
STRONG = "bold"
GOOD = "green"
BAD = "red"
CAREFUL = "yellow"
NAME = "cyan"

BAR_COLUMNS = 40
"""Widest bar."""

GAP_COLUMNS = 2
"""Blanks between two columns of a table."""

_FULL, _EMPTY = "\u2588", "\u2591"
_FULL_ASCII, _EMPTY_ASCII = "#", "."


Cell = str | Line
"""Of a table: a text is made harmless."""

BLANK = Line()
"""An empty line."""


def print_all(console: Console, shapes: Iterable[Shape], *, wrap: bool = True) -> None:
    """Print, in colours where the output goes to a terminal.

    Args:
        console: Where to.
        shapes: What.
        wrap: Break long lines; not where each line is for another program, too.
    """
    if not isinstance(console, PlainConsole) and console.is_terminal:
        from cortex_cli.cli.in_rich import print_shapes  # noqa: PLC0415  # Rich is slow to import

        print_shapes(console, shapes, wrap=wrap)
        return
    lines = (line for shape in shapes for line in plain_lines(shape, console.width, wrap=wrap))
    console.file.write("".join([f"{line}\n" for line in lines]))


def line(*pieces: str | tuple[str, str]) -> Line:
    """Make one line of texts, each with or without a style."""
    styled = [(piece, "") if isinstance(piece, str) else piece for piece in pieces]
    return Line(tuple([(one_line(text), style) for text, style in styled]), fit="break")


def joined(*lines: Line) -> Line:
    """Make one line of several."""
    pieces = [(text, f"{one.style} {style}".strip()) for one in lines for text, style in one.pieces]
    return Line(tuple(pieces), fit=lines[0].fit)


def indented(*pieces: str | tuple[str, str]) -> Indented:
    """Make one line that stands two columns in, also where it is broken."""
    return Indented(line(*pieces))


def block(text: str, style: str = "") -> Line:
    """Make a text of several lines."""
    return Line(((harmless(text), ""),), style)


def number(value: int) -> str:
    """Write a count with separators."""
    return f"{value:,}"


def percent(ratio: float) -> str:
    """Write a share; small ones with a decimal."""
    return f"{ratio:.0%}" if ratio >= 0.1 or ratio == 0 else f"{ratio:.1%}"


def size(count: int) -> str:
    """Write a number of bytes."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def usd(value: float) -> str:
    """Write a price; small ones with the digits that matter."""
    return f"${value:.2f}" if value >= 1 else f"${value:.4f}"


def count(value: int, one: str, many: str = "") -> str:
    """Write a count with its noun."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def clipped(text: str, columns: int) -> str:
    """The beginning of a text on one line, at most so many characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= columns else flat[: columns - 3].rstrip() + "..."


def tail_of(path: str, columns: int) -> str:
    """The end of a path, at most so many characters."""
    return path if len(path) <= columns else "..." + path[len(path) - columns + 3 :]


def table(
    header: Sequence[str], rows: Sequence[Sequence[Cell]], *, right: Sequence[int] = (), indent: int = 2
) -> Table:
    """Make a table without lines.

    Args:
        header: Titles of the columns; empty for none at all.
        rows: Cells: lines, or texts, made harmless here.
        right: Positions of the columns that are numbers.
        indent: Blank columns at the left.
    """
    columns = [Column(width=max(0, indent - GAP_COLUMNS), no_wrap=True)]
    for position, title in enumerate(header):
        is_number = position in right
        columns.append(Column(title, "right" if is_number else "left", no_wrap=is_number))
    cells = [
        [BLANK, *(Line(((one_line(cell), ""),)) if isinstance(cell, str) else cell for cell in row)] for row in rows
    ]
    return Table(columns, cells, GAP_COLUMNS, LABEL)


def bar(console: Console, ratio: float, columns: int, style: str = "") -> Line:
    """Draw a share of something as a bar."""
    is_wide = (console.encoding or "").lower().startswith("utf")
    full, empty = (_FULL, _EMPTY) if is_wide else (_FULL_ASCII, _EMPTY_ASCII)
    filled = min(columns, round(ratio * columns))
    if ratio > 0 and filled == 0:
        filled = 1
    return Line(((full * filled, ""), (empty * (columns - filled), LABEL)), style)
