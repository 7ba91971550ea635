"""Shapes as plain text: broken at blanks, cut into columns, just as Rich breaks and cuts them on a terminal.

Rich does the same, and takes longer to import than a session of ten megabytes takes to compact; a test holds the
two to each other. Its rules are in `rich.text.Text.wrap` and `rich.table.Table`.
See: https://github.com/Textualize/rich
"""

import re
from collections.abc import Iterator, Sequence

from cortex_cli.cli.shapes import INDENT_COLUMNS, Column, Indented, Line, Shape, Table

TAB_COLUMNS = 8
"""Distance of tab stops. Source: Rich's default."""

_narrow = re.compile("[ -~\xa0-\xac\xae-\u02ff\u2010-\u2027\u2400-\u2426\u2500-\u25fc]*").fullmatch
"""Matches a text whose every character takes one column: nearly all that is ever printed."""

_words = re.compile(r"\s*\S+\s*").finditer


def plain_lines(shape: Shape, width: int, *, wrap: bool = True) -> list[str]:
    """Return the lines of a shape, without blanks at their ends.

    Args:
        shape: What is to be printed.
        width: Columns there are.
        wrap: Break lines that are longer.
    """
    if isinstance(shape, Table):
        lines = [_fitted(one, width) for one in _table_lines(shape, width)]
    elif isinstance(shape, Indented):
        lines = [" " * INDENT_COLUMNS + one for one in _broken(shape.line, width - INDENT_COLUMNS)]
    else:
        lines = _broken(shape, width) if wrap else [_without_tabs(one) for one in shape.text.split("\n")]
    return [one.rstrip() for one in lines]


def _columns_of(text: str) -> int:
    """Return how many columns a text takes."""
    if _narrow(text):
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415  # start-up time, for what few texts hold

    return cell_len(text)


def _fitted(text: str, width: int) -> str:
    """Cut or fill a text up to so many columns."""
    if _narrow(text):
        return text[:width].ljust(width)
    from rich.cells import set_cell_size  # noqa: PLC0415  # start-up time, for what few texts hold

    return set_cell_size(text, width)


def _chopped(text: str, width: int) -> list[str]:
    """Cut a text into pieces of so many columns."""
    if _narrow(text):
        return [text[at : at + width] for at in range(0, len(text), width)]
    from rich.cells import chop_cells  # noqa: PLC0415  # start-up time, for what few texts hold

    return chop_cells(text, width)


def _without_tabs(text: str) -> str:
    """Put blanks up to the next stop in the place of tabs."""
    *before, last = text.split("\t")
    done = ""
    for piece in before:
        done += piece + " "
        done += " " * (-_columns_of(done) % TAB_COLUMNS)
    return done + last


def _broken(line: Line, width: int, column: Column | None = None) -> list[str]:
    """Break a line into lines of so many columns at most."""
    no_wrap = line.fit == "ellipsis" or (not line.fit and column is not None and column.no_wrap)
    found: list[str] = []
    for one in line.text.split("\n"):
        text = _without_tabs(one)
        for piece in [text] if no_wrap else _pieces(text, width):
            if column is not None and column.justify == "right":
                piece = piece.rstrip()
            if _columns_of(piece) > width:
                is_marked = line.fit == "ellipsis"
                piece = _fitted(piece, width - 1) + "\u2026" if is_marked else _fitted(piece, width)
            if column is not None and column.justify == "right":
                piece = " " * (width - _columns_of(piece)) + piece
            found.append(piece)
    return found


def _pieces(text: str, width: int) -> Iterator[str]:
    """Cut a text where a line is full: at blanks, and within a word only if it fits into no line."""
    start = 0
    for end in (*_breaks(text, width), len(text)):
        piece = text[start:end]
        if (excess := len(piece) - width) > 0:
            ink = piece.rstrip()
            piece = ink + piece[len(ink) : max(len(ink), len(piece) - excess)]
        yield piece
        start = end


def _breaks(text: str, width: int) -> Iterator[int]:
    """Yield the positions at which the lines of a text begin, but for the first."""
    used = 0
    for match in _words(text):
        start, word = match.start(), match[0]
        needed = _columns_of(word.rstrip())
        if needed <= width - used:
            used += _columns_of(word)
        elif needed > width:
            for piece in _chopped(word, width):
                if start:
                    yield start
                start += len(piece)
                used = _columns_of(piece)
        elif used and start:
            yield start
            used = _columns_of(word)


def _table_lines(table: Table, width: int) -> Iterator[str]:
    """Yield the lines of a table; titles stand at the foot of their cells, all else at the head."""
    columns = table.columns
    gaps = [table.gap] * (len(columns) - 1) + [0]
    titles = [[Line(((column.title, ""),)) for column in columns]] if table.has_titles else []
    rows = [*titles, *table.rows]
    widths = _widths(columns, rows, gaps, width)
    for number, row in enumerate(rows):
        cells = [
            [_fitted(one, size) for one in _broken(cell, size - gap, column)] if size > gap else []
            for cell, column, size, gap in zip(row, columns, widths, gaps, strict=True)
        ]
        height = max(1, *map(len, cells))
        for at in range(height):
            shifts = [height - len(cell) if number < len(titles) else 0 for cell in cells]
            yield "".join(
                cell[at - shift] if 0 <= at - shift < len(cell) else " " * size
                for cell, shift, size in zip(cells, shifts, widths, strict=True)
            )


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Line]], gaps: Sequence[int], room: int) -> list[int]:
    """Return how wide each column is, its gap included: as it needs, the widest ones less where there is no room."""
    needed = [
        gap + max([_columns_of(one) for row in rows for one in row[place].text.split("\n")], default=0)
        if column.width is None
        else gap + column.width
        for place, (column, gap) in enumerate(zip(columns, gaps, strict=True))
    ]
    widths = [min(one, room) or 1 for one in needed]
    if sum(widths) <= room:
        return widths
    shrinks = [column.width is None and not column.no_wrap for column in columns]
    widths = _shrunk(widths, shrinks, room)
    if (excess := sum(widths) - room) > 0:
        widths = _reduced(excess, [True] * len(widths), widths, widths)
    return [min(one, width) for one, width in zip(needed, widths, strict=True)]


def _shrunk(widths: list[int], shrinks: Sequence[bool], room: int) -> list[int]:
    """Take from the widest columns what is too much, down to the width of the next ones."""
    while any(shrinks) and (excess := sum(widths) - room) > 0:
        able = [width if can else 0 for width, can in zip(widths, shrinks, strict=True)]
        widest = max(able)
        difference = widest - max([width for width in able if width != widest], default=0)
        if not difference:
            break
        chosen = [width == widest and can for width, can in zip(widths, shrinks, strict=True)]
        widths = _reduced(excess, chosen, [min(excess, difference)] * len(widths), widths)
    return widths


def _reduced(excess: int, chosen: Sequence[bool], most: Sequence[int], widths: Sequence[int]) -> list[int]:
    """Take an excess from the chosen columns, in equal shares, from none more than `most`."""
    left = sum(can and bool(limit) for can, limit in zip(chosen, most, strict=True))
    found = []
    for can, limit, width in zip(chosen, most, widths, strict=True):
        if can and limit and left > 0:
            taken = min(limit, round(excess / left))
            excess -= taken
            left -= 1
            width -= taken
        found.append(width)
    return found
