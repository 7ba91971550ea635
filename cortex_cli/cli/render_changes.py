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

CONTEXT_LINES = 2
"""Unchanged lines shown on either side of a change."""

MAX_REMOVED_LINES = 12
"""Removed lines shown of one change; `-v` shows all."""

MAX_ADDED_LINES = 24
"""Added lines shown of one change; `-v` shows all."""

TOOL_COLUMNS = 12
"""Characters of a tool's name in the list of what left."""

LEFT_COLUMNS = 38
"""What stands beside the text in that list."""

MAX_COLUMNS = 1000
"""Characters of one line that are shown: a minified file is one line."""


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
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    gone, came = before[head : len(before) - tail], after[head : len(after) - tail]
    for row in chain(
        _same(before[:head], at_end=True),
        _some(gone, "-", LABEL, len(gone) if verbose else MAX_REMOVED_LINES, is_cut=not verbose),
        _some(came, "+", GOOD, len(came) if verbose else MAX_ADDED_LINES),
        _same(before[len(before) - tail :], at_end=False),
    ):
        grid.add_row(*row)
    return grid


Row = tuple[Text, Text]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Count the equal items at the beginning of both."""
    found = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        found += 1
    return found


def _same(lines: Sequence[str], *, at_end: bool) -> Iterator[Row]:
    shown = lines[-CONTEXT_LINES:] if at_end else lines[:CONTEXT_LINES]
    left_out = len(lines) - len(shown)
    note = [_note("", f"{count(left_out, 'line')} as before")] if left_out else []
    rows = [_row("", text, "", is_cut=True) for text in shown]
    yield from (*note, *rows) if at_end else (*rows, *note)


def _some(lines: Sequence[str], sign: str, style: str, limit: int, *, is_cut: bool = False) -> Iterator[Row]:
    """Show the first and the last of many lines."""
    ends = len(lines) if len(lines) <= limit + 1 else limit // 2
    yield from (_row(sign, text, style, is_cut=is_cut) for text in lines[:ends])
    if ends < len(lines):
        yield _note(sign, f"{count(len(lines) - 2 * ends, 'line')} more; -v shows them")
        yield from (_row(sign, text, style, is_cut=is_cut) for text in lines[-ends:])


def _row(sign: str, text: str, style: str, *, is_cut: bool = False) -> Row:
    shown = text if len(text) <= MAX_COLUMNS else f"{text[:MAX_COLUMNS]}... ({number(len(text))} characters)"
    cell = block(shown, style)
    cell.no_wrap, cell.overflow = (True, "ellipsis") if is_cut else (None, None)
    return Text(sign, style), cell


def _note(sign: str, text: str) -> Row:
    return Text(sign, LABEL), Text(f"... {text}", f"{LABEL} italic")
