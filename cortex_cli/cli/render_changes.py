"""The changed texts of a run, before and after, unified: what went is dimmed, what came stands out."""

from collections.abc import Iterator, Sequence
from itertools import chain

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from cortex_cli.cli.paint import GOOD, LABEL, NAME, STRONG, block, count, line, number, print_all
from cortex_cli.cli.render import place_of
from cortex_cli.report import ChangeReport, Report

CONTEXT_LINES = 2
"""Unchanged lines shown on either side of a change."""

MAX_REMOVED_LINES = 12
"""Removed lines shown of one change; `-v` shows all."""

MAX_ADDED_LINES = 24
"""Added lines shown of one change; `-v` shows all."""

MAX_COLUMNS = 1000
"""Characters of one line that are shown: a minified file is one line."""


def print_changes(console: Console, report: Report, *, verbose: bool = False) -> None:
    """Print every change with its texts."""
    changes = chain(report.repairs, *(layer.changes for layer in report.layers))
    print_all(console, chain.from_iterable(render_change(change, verbose=verbose) for change in changes))


def render_change(change: ChangeReport, *, verbose: bool = False) -> Iterator[RenderableType]:
    """Make the lines of one change."""
    what = change.tool or ("typed message" if change.typed else "message")
    sizes = f"{number(change.tokens_before)} -> {number(change.tokens_after)} tokens"
    yield line((place_of(change), LABEL), "  ", (what, NAME), "  ", (change.action, STRONG), "  ", (sizes, LABEL))
    yield compare(change.before.splitlines(), change.after.splitlines(), verbose=verbose)
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
