"""Which lines of a removed middle are worth keeping.

Lines that carry an error, a place in a file, an identifier or a value, and lines whose pattern is rare
among the others. Source: SPEC section 3 (rescue), SALIENCE.
"""

import re
from collections import Counter as Tally
from typing import NamedTuple

from cortex_cli.layers.graphemes import head_end, tail_start
from cortex_cli.marks import LINE_MARK

MAX_LINE_CHARS = 240
"""A longer line is cut to this much around what makes it telling."""

MAX_SCAN_CHARS = 400_000
"""Of a longer middle only this much is looked at, from its end: what went wrong comes last."""

MIN_ROOM_CHARS = 40
"""With less room no line is worth the mark around it."""

_ERROR = re.compile(
    r"(?i:\b(?:error|errors|exception|traceback|fatal|panic(?:ked)?|failed|failure|assert(?:ion)?|segfault|undefined|"
    r"denied|refused|not found|timed? ?out|cannot|conflict|warning|deprecated|exit (?:code|status) [1-9]\d*)\b)|"
    r"\b[A-Z]\w*(?:Error|Exception)\b|\bFAIL\b|^E  "
)
_PLACE = re.compile(r"[\w./\\-]+\.\w{1,8}:\d+|\bline \d+\b|(?:/[\w.@+-]+){2,}|\b[\w-]+(?:/[\w.-]+)+\.\w{1,8}\b")
_IDENTIFIER = re.compile(
    r"https?://\S+|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{20,}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b|"
    r"\b[A-Z][A-Z0-9]+[-_]\d+\b|\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b|\bv?\d+\.\d+\.\d+\S*"
)
_VALUE = re.compile(r"\b[\w.-]+\s*[=:]\s*\S|\b\d[\d.,]*\s?(?:%|ms|s|kB|KB|MB|GB|tokens?)(?!\w)|\b\d{3,}\b")
_PATTERN_PARTS = re.compile(r"[0-9]+|[0-9a-f]{6,}|\s+|\"[^\"]*\"|'[^']*'")

_WEIGHTS = ((_ERROR, 8.0), (_IDENTIFIER, 2.5), (_PLACE, 2.0), (_VALUE, 1.0))
_RARITY_WEIGHT = 6.0
"""Of a line whose pattern stands alone, nearly as much as an error; it falls with the number of its like."""


class Line(NamedTuple):
    """A line to keep, or the telling piece of a long one."""

    start: int
    """Where it stands in the text."""
    text: str


class _Candidate(NamedTuple):
    score: float
    start: int
    text: str


def pick_lines(text: str, start: int, end: int, max_chars: int) -> tuple[Line, ...]:
    """Choose the most telling lines of `text[start:end]`, in their order.

    Args:
        text: A tool result.
        start: Where the middle begins; a line cut by it is not whole, and left out.
        end: Where it ends.
        max_chars: The most that the lines may take, a line end for each included.
    """
    if max_chars < MIN_ROOM_CHARS or end - start < MIN_ROOM_CHARS:
        return ()
    start = max(start, end - MAX_SCAN_CHARS)
    lines = _lines(text, start, end)
    patterns = [_pattern(line) for _, line in lines]
    counts = Tally(patterns)
    floor = 1.0 + _RARITY_WEIGHT / max(len(lines), 1)
    found: list[_Candidate] = []
    for (at, line), pattern in zip(lines, patterns, strict=True):
        score = _score(line, counts[pattern], len(lines))
        if score > floor:
            at, line = _telling_piece(at, line)
            found.append(_Candidate(score / len(line) ** 0.25, at, line))
    return _fill(found, max_chars)


def _lines(text: str, start: int, end: int) -> list[tuple[int, str]]:
    """Split into (start, line), without the torn first and last, blank ones and those with our own signs."""
    found: list[tuple[int, str]] = []
    at = start
    if start > 0 and text[start - 1] != "\n":
        at = text.find("\n", start, end) + 1
        if at == 0:
            at = start  # one line only: a piece of it may be telling
    for line in text[at:end].split("\n"):
        if len(line) > 2 and LINE_MARK not in line and not line.isspace():
            found.append((at, line))
        at += len(line) + 1
    return found


def _pattern(line: str) -> str:
    """Return what is the same in lines of one kind."""
    return _PATTERN_PARTS.sub("0", line[:80])[:32]


def _score(line: str, alike: int, lines: int) -> float:
    piece = line[:2_000]
    score = sum(weight for pattern, weight in _WEIGHTS if pattern.search(piece))
    return score + (_RARITY_WEIGHT / alike if lines > 3 * alike else 0.0)


def _telling_piece(at: int, line: str) -> tuple[int, str]:
    if len(line) <= MAX_LINE_CHARS:
        return at, line.rstrip()
    hit = next((match for pattern, _ in _WEIGHTS if (match := pattern.search(line))), None)
    middle = hit.start() if hit else 0
    first = tail_start(line, len(line) - max(middle - MAX_LINE_CHARS // 4, 0))
    piece = line[first : first + head_end(line[first : first + 2 * MAX_LINE_CHARS], MAX_LINE_CHARS)]
    return at + first, piece.rstrip()


def _fill(found: list[_Candidate], max_chars: int) -> tuple[Line, ...]:
    chosen: list[Line] = []
    seen: set[str] = set()
    for one in sorted(found, key=lambda candidate: (-candidate.score, candidate.start)):
        if one.text.strip() in seen or len(one.text) + 1 > max_chars:
            continue
        seen.add(one.text.strip())
        chosen.append(Line(one.start, one.text))
        max_chars -= len(one.text) + 1
    return tuple(sorted(chosen))
