"""Shapes as what Rich prints on a terminal."""

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from cortex_cli.cli.shapes import INDENT_COLUMNS, Indented, Line, Shape, Table


def print_shapes(console: Console, shapes: Iterable[Shape], *, wrap: bool) -> None:
    """Print shapes; `wrap`: break long lines."""
    for shape in shapes:
        console.print(_renderable(shape), soft_wrap=not wrap)


def _renderable(shape: Shape) -> RenderableType:
    if isinstance(shape, Table):
        return _table(shape)
    if isinstance(shape, Indented):
        return Padding(_text(shape.line), (0, 0, 0, INDENT_COLUMNS))
    return _text(shape)


def _text(line: Line) -> Text:
    is_cut = line.fit == "ellipsis"
    found = Text(style=line.style, no_wrap=is_cut if line.fit else None, overflow="ellipsis" if is_cut else None)
    for text, style in line.pieces:
        found.append(text, style)
    return found


def _table(table: Table) -> RichTable:
    found = RichTable(
        box=None,
        show_header=table.has_titles,
        header_style=table.title_style,
        pad_edge=False,
        padding=(0, table.gap, 0, 0),
    )
    for column in table.columns:
        found.add_column(
            column.title, justify=column.justify, width=column.width, no_wrap=column.no_wrap, overflow="fold"
        )
    for row in table.rows:
        found.add_row(*map(_text, row))
    return found
