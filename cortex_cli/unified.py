"""Two texts as one: what both begin and end with once, and between that what went and what came."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

CONTEXT_LINES = 2
"""Unchanged lines shown on either side of a change."""

MAX_COLUMNS = 1000
"""Characters of one line that are shown: a minified file is one line."""


class Line(NamedTuple):
    """One line of what is shown."""

    sign: Literal["", "-", "+"]
    """Empty: it stands in both."""
    text: str
    left_out: int = 0
    """How many lines this one stands for; 0: it is one itself."""


def unified(before: Sequence[str], after: Sequence[str], *, removed: int, added: int) -> Iterator[Line]:
    """Yield the lines of two texts.

    Args:
        before: Lines of the one.
        after: Lines of the other.
        removed: Removed lines shown, half of them first and half of them last ones; 0 for all.
        added: The same of added ones.
    """
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    yield from _same(before[:head], at_end=True)
    yield from _some(before[head : len(before) - tail], "-", removed)
    yield from _some(after[head : len(after) - tail], "+", added)
    yield from _same(before[len(before) - tail :], at_end=False)


def clipped_line(text: str) -> tuple[str, int]:
    """Return what is shown of a line, and how many characters it has if that is not all of them, else 0."""
    return (text, 0) if len(text) <= MAX_COLUMNS else (text[:MAX_COLUMNS], len(text))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Count the equal items at the beginning of both."""
    found = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        found += 1
    return found


def _same(lines: Sequence[str], *, at_end: bool) -> Iterator[Line]:
    shown = lines[-CONTEXT_LINES:] if at_end else lines[:CONTEXT_LINES]
    left_out = len(lines) - len(shown)
    note = [Line("", "", left_out)] if left_out else []
    rows = [Line("", text) for text in shown]
    yield from (*note, *rows) if at_end else (*rows, *note)


def _some(lines: Sequence[str], sign: Literal["-", "+"], limit: int) -> Iterator[Line]:
    """Yield the first and the last of many lines."""
    ends = len(lines) if not limit or len(lines) <= limit + 1 else limit // 2
    yield from (Line(sign, text) for text in lines[:ends])
    if ends < len(lines):
        yield Line(sign, "", len(lines) - 2 * ends)
        yield from (Line(sign, text) for text in lines[-ends:])
