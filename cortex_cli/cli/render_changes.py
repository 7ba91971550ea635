"""The changed texts of a run, before and after, unified: what went is dimmed, what came stands out."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from cortex_cli.cli.paint import (
    CAREFUL,
    GOOD,
    LABEL,
    NAME,
    STRONG,
    block,
    clipped,
    count,
    line,
    number,
    print_all,
    table,
)
from cortex_cli.cli.render import place_of
from cortex_cli.report import ChangeReport, Report
from cortex_cli.unified import Line, clipped_line, unified

MAX_REMOVED_LINES = 12
"""Removed lines shown of one change; `-v` shows all."""

MAX_ADDED_LINES = 24
"""Added lines shown of one change; `-v` shows all."""

TOOL_COLUMNS = 12
"""Characters of a tool's name in the list of what left."""

LEFT_COLUMNS = 38
"""What stands beside the text in that list."""


def print_changes(console: Console, report: Report, *, verbose: bool = False) -> None:
    """Print every change with its texts; messages that left as a whole are one table."""
    changes = chain(report.repairs, *(layer.changes for layer in report.layers))
    for (is_whole, action), group in groupby(changes, key=lambda one: (_left_as_a_whole(one), one.action)):
        found = tuple(group)
        print_all(console, _left(action, found, console.width) if is_whole else _edited(found, verbose=verbose))


def _left_as_a_whole(change: ChangeReport) -> bool:
    return change.message >= 0 and change.part < 0 and not change.after


def _left(action: str, changes: Sequence[ChangeReport], columns: int) -> Iterator[RenderableType]:
    """Make a table of messages that left."""
    tokens = sum(change.tokens_before for change in changes)
    yield line((count(len(changes), "message"), STRONG), f" {action}", (f"  {number(tokens)} tokens", LABEL))
    rows = [
        (
            line((str(change.message), LABEL)),
            number(change.tokens_before),
            line((clipped(change.tool or ("typed" if change.typed else ""), TOOL_COLUMNS), NAME)),
            line((clipped(change.before, columns - LEFT_COLUMNS), CAREFUL if change.typed else LABEL)),
        )
        for change in changes
    ]
    yield table(("message", "tokens", "", ""), rows, right=(0, 1))
    yield Text()


def _edited(changes: Iterable[ChangeReport], *, verbose: bool) -> Iterator[RenderableType]:
    """Make the lines of changes to texts."""
    for change in changes:
        what = change.tool or (
            "typed message" if change.typed else "message" if change.message >= 0 else "in its place"
        )
        sizes = f"{number(change.tokens_before)} -> {number(change.tokens_after)} tokens"
        yield line((place_of(change), LABEL), "  ", (what, NAME), "  ", (change.action, STRONG), "  ", (sizes, LABEL))
        is_new = change.message < 0  # a summary is read as a whole
        yield compare(change.before.splitlines(), change.after.splitlines(), verbose=verbose or is_new)
        yield Text()


def compare(before: Sequence[str], after: Sequence[str], *, verbose: bool = False) -> Table:
    """Show what two texts begin and end with once, and between that what went and what came."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=3, justify="right")
    grid.add_column(overflow="fold")
    removed, added = (0, 0) if verbose else (MAX_REMOVED_LINES, MAX_ADDED_LINES)
    for one in unified(before, after, removed=removed, added=added):
        is_cut = not one.sign or (one.sign == "-" and not verbose)
        grid.add_row(*(_note(one) if one.left_out else _row(one, is_cut=is_cut)))
    return grid


Row = tuple[Text, Text]


STYLES = {"": "", "-": LABEL, "+": GOOD}
"""By sign."""


def _row(one: Line, *, is_cut: bool) -> Row:
    text, length = clipped_line(one.text)
    cell = block(f"{text}... ({number(length)} characters)" if length else text, STYLES[one.sign])
    cell.no_wrap, cell.overflow = (True, "ellipsis") if is_cut else (None, None)
    return Text(one.sign, STYLES[one.sign]), cell


def _note(one: Line) -> Row:
    lines = count(one.left_out, "line")
    said = f"{lines} more; -v shows them" if one.sign else f"{lines} as before"
    return Text(one.sign, LABEL), Text(f"... {said}", f"{LABEL} italic")
