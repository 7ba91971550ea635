"""The changed texts of a run, before and after, unified: what went is dimmed, what came stands out."""

from collections.abc import Iterator, Sequence
from itertools import chain

from rich.console import Console, RenderableType
from rich.text import Text

from cortex_cli.cli.paint import BAD, GOOD, LABEL, NAME, STRONG, block, line, number
from cortex_cli.report import ChangeReport, Report

CONTEXT_LINES = 2
"""Unchanged lines shown on either side of a change."""

MAX_REMOVED_LINES = 12
"""Removed lines shown of one change; `-v` shows all."""

MAX_ADDED_LINES = 24


def print_changes(console: Console, report: Report, *, verbose: bool = False) -> None:
    """Print every change with its texts."""
    changes = chain(report.repairs, *(layer.changes for layer in report.layers))
    for change in changes:
        for renderable in render_change(change, verbose=verbose):
            console.print(renderable)


def render_change(change: ChangeReport, *, verbose: bool = False) -> Iterator[RenderableType]:
    """Make the lines of one change."""
    what = change.tool or ("typed message" if change.typed else "message")
    place = f"line {change.line}" if change.line else "added"
    sizes = f"{number(change.tokens_before)} -> {number(change.tokens_after)} tokens"
    yield line((place, LABEL), "  ", (what, NAME), "  ", (change.action, STRONG), "  ", (sizes, LABEL))
    yield from _unified(change.before.splitlines(), change.after.splitlines(), verbose=verbose)
    yield Text()


def _unified(before: Sequence[str], after: Sequence[str], *, verbose: bool) -> Iterator[RenderableType]:
    """Show the lines that both texts begin and end with once, and between them what went and what came."""
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    yield from _same(before[:head], at_end=True)
    gone, came = before[head : len(before) - tail], after[head : len(after) - tail]
    yield from _some(gone, "-", LABEL, None if verbose else MAX_REMOVED_LINES)
    yield from _some(came, "+", GOOD, None if verbose else MAX_ADDED_LINES)
    yield from _same(before[len(before) - tail :], at_end=False)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Count the equal items at the beginning of both."""
    found = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        found += 1
    return found


def _same(lines: Sequence[str], *, at_end: bool) -> Iterator[RenderableType]:
    shown = lines[-CONTEXT_LINES:] if at_end else lines[:CONTEXT_LINES]
    left_out = len(lines) - len(shown)
    note = line(("    ", ""), (f"... {number(left_out)} lines as before", LABEL)) if left_out else None
    if at_end and note:
        yield note
    yield from (_row(" ", text, "") for text in shown)
    if not at_end and note:
        yield note


def _some(lines: Sequence[str], sign: str, style: str, limit: int | None) -> Iterator[RenderableType]:
    """Show the first and the last of many lines."""
    if limit is None or len(lines) <= limit + 1:
        yield from (_row(sign, text, style) for text in lines)
        return
    ends = limit // 2
    yield from (_row(sign, text, style) for text in lines[:ends])
    yield line(
        ("  ", ""),
        (f"{sign} ... {number(len(lines) - 2 * ends)} lines more; -v shows them", BAD if sign == "-" else style),
    )
    yield from (_row(sign, text, style) for text in lines[-ends:])


MAX_COLUMNS = 400
"""Characters of one line that are shown: a minified file is one line."""


def _row(sign: str, text: str, style: str) -> Text:
    shown = (
        text if len(text) <= MAX_COLUMNS else f"{text[:MAX_COLUMNS]} ... {number(len(text) - MAX_COLUMNS)} characters"
    )
    return block(f"  {sign} {shown}", style)
