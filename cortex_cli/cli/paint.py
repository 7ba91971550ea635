"""The few shapes that all output is made of: lines, tables without boxes, bars. Texts of others are made harmless."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cortex_cli.cli.plain import harmless, one_line

LABEL = "dim"
STRONG = "bold"
GOOD = "green"
BAD = "red"
CAREFUL = "yellow"
NAME = "cyan"

BAR_COLUMNS = 40
"""Widest bar."""

_FULL, _EMPTY = "\u2588", "\u2591"
_FULL_ASCII, _EMPTY_ASCII = "#", "."


def print_all(console: Console, renderables: Iterable[RenderableType], *, wrap: bool = True) -> None:
    """Print, without the blanks with which Rich fills lines where the output goes to no terminal.

    Args:
        console: Where to.
        renderables: What.
        wrap: Break long lines; not where each line is for another program, too.
    """
    if console.is_terminal:
        for renderable in renderables:
            console.print(renderable, soft_wrap=not wrap)
        return
    with console.capture() as capture:
        for renderable in renderables:
            console.print(renderable, soft_wrap=not wrap)
    lines = (text.rstrip() for text in capture.get().splitlines())
    console.file.write("".join(f"{text}\n" for text in lines))


def line(*pieces: str | tuple[str, str]) -> Text:
    """Make one line of texts, each with or without a style."""
    found = Text(no_wrap=False)
    for piece in pieces:
        text, style = (piece, "") if isinstance(piece, str) else piece
        found.append(one_line(text), style)
    return found


def indented(*pieces: str | tuple[str, str]) -> Padding:
    """Make one line that stands two columns in, also where it is broken."""
    return Padding(line(*pieces), (0, 0, 0, 2))


def block(text: str, style: str = "") -> Text:
    """Make a text of several lines."""
    return Text(harmless(text), style)


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


def table(header: Sequence[str], rows: Sequence[Sequence[Any]], *, right: Sequence[int] = (), indent: int = 2) -> Table:
    """Make a table without lines.

    Args:
        header: Titles of the columns; empty for none at all.
        rows: Cells: texts, made harmless here, or Rich texts.
        right: Positions of the columns that are numbers.
        indent: Blank columns at the left.
    """
    found = Table(box=None, show_header=any(header), header_style=LABEL, pad_edge=False, padding=(0, 2, 0, 0))
    found.add_column("", width=max(0, indent - 2), no_wrap=True)
    for position, title in enumerate(header):
        is_number = position in right
        justify: Any = "right" if is_number else "left"
        found.add_column(title, justify=justify, no_wrap=is_number, overflow="fold")
    for row in rows:
        found.add_row("", *(Text(one_line(cell)) if isinstance(cell, str) else cell for cell in row))
    return found


def bar(console: Console, ratio: float, columns: int, style: str = "") -> Text:
    """Draw a share of something as a bar."""
    is_wide = (console.encoding or "").lower().startswith("utf")
    full, empty = (_FULL, _EMPTY) if is_wide else (_FULL_ASCII, _EMPTY_ASCII)
    filled = min(columns, round(ratio * columns))
    if ratio > 0 and filled == 0:
        filled = 1
    return Text(full * filled, style) + Text(empty * (columns - filled), LABEL)
