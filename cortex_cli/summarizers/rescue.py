"""Which lines of a tool result tell something: the one that is unlike its neighbours, errors, exact values.

A line is rare by its shape (letters and digits masked) and by its words, both against the other lines of the
same result; a cue that every line has (paths in a listing) says nothing either. Whole texts are masked and
tallied at once, so that the cost is linear and small.
"""

import re
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from math import log
from typing import NamedTuple

from cortex_cli.summarizers.common_words import word_set

MAX_SCAN_CHARS = 400_000
"""Of a longer text only so much is looked at: a tenth at its start, the rest at its end."""

MAX_LINE_CHARS = 240
"""A longer line is cut into pieces at its own separators, or around what makes it telling."""

SHAPE_CHARS = 16
"""Lines whose shapes start alike are of one kind."""

MIN_SCORE = 0.9


class Telling(NamedTuple):
    """A line, or a piece of a long one."""

    start: int
    """Where its line stands in the text."""
    text: str
    score: float
    is_failure: bool = False
    """It reports an error."""


_LOWER, _UPPER, _NUMERALS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
_MASK = str.maketrans(_LOWER + _UPPER + _NUMERALS + "\t", "a" * 26 + "A" * 26 + "0" * 10 + " ")
_NO_WORD = str.maketrans(dict.fromkeys(map(chr, range(33, 127)), " ") | {c: c for c in _LOWER + _UPPER + "'"})
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_COLLAPSE = ((re.compile(r"aa+"), "a"), (re.compile(r"00+"), "0"), (re.compile(r"  +"), " "))
_TALK = re.compile(r"A?a[,']?(?: A?a[,']?)+")
_REPEATS = re.compile(r"([^\w\s])\1+")
_NUMBERING = re.compile(r"\s*\d+(?:\t|→|:(?=\s)|\|)\s?")

_FAILING = word_set(
    """
    error errors exception exceptions traceback fatal panic panicked fail failed fails failure failures assertion
    assertionerror segfault undefined denied refused timeout timedout cannot can't couldn't unable conflict
    conflicts invalid mismatch missing corrupt corrupted crash crashed killed abort aborted unexpected unresolved
    expired rejected violation violated unauthorized forbidden unreachable stacktrace oom err fatal critical severe
    core dumped
"""
)
_WARNING = word_set(
    """warn warning warnings deprecated caution notice skipped retrying fallback slow leak leaked stale found such timed
    exited exit blocked ignored overridden unused unsafe vulnerable vulnerabilities hint note conflict"""
)
_SUMMING = word_set(
    """passed failed tests total result summary conclusion answer status final finished ran succeeded success changed
    insertions deletions wrote written created generated saved promoted deployed published listening effective using
    selected resolved version elapsed took duration exit"""
)
_NO_FAILURE = re.compile(
    r"(?i:\b(?:0|no|zero|without)\s+(?:\w+\s+)?(?:errors?|failures?|failed|fails?|problems|issues|missing|conflicts?)\b"
    r"|\b(?:errors?|failures?|failed)\W{1,3}0\b|\bfail(?:ed)?[=:]\s*0\b)"
)
_PLACE = re.compile(
    r"[aA]\.A?a:0|(?:^|[ \"'=(:])[~.]*(?:/[\w.@+-]+){2}|[aA0]/[\w.-]*[aA0]\.[aA]|\w[_\w]*\.(?:a|a0)(?:$|[ \"',)])"
)
_IDENTIFIER = re.compile(
    r"[aA]://|\b0a0|\ba0a|[aA][_-]0|[aA][_-]?[aA]*0[aA]|A[_A0]*_A|[aA]0\b(?![./])|#0|0\.0\.0|@a|a_a0|0a\b(?<![^\w]0a)"
)
_VALUE = re.compile(r"[\w\])\"'](?: ?= ?|: | -> | => )[\"']?[$/+-]?[\w.-]*[0A]|: 0|=0")
_NOISE = re.compile(
    r"[\W_]*\Z|(?:import|from|#include|using [\w.]+;|package|require)\b(?!.*[\d/])|(?://|/\*|\*|\"\"\")|</?\w+/?>\Z"
    r"|[=_*#-]{3,}[^\d\n]{0,60}[=_*#-]{3,}\Z|\[\d+ more lines|Found \d+ files?\b"
    r"|No (?:matches|files) found|Exit code \d+\Z|@@ -\d|index [0-9a-f]+\.\.|(?:---|\+\+\+) [ab]/"
    r"|Traceback \(most recent call last\):\Z|total \d+\Z|[=_ -]*test session starts[=_ -]*\Z"
    r"|(?:stdout|stderr|output)\W*\Z"
)
_CUT = re.compile(r"(?<=[,}\]]) ?(?=[\"{\[])|(?<=[;,]) |(?<=[.!?]) |(?<=\\n)|(?<=>)(?=<)")

_FAILURE_WEIGHT, _WARNING_WEIGHT, _SUMMARY_WEIGHT = 2.2, 0.6, 0.6
_CUE_WEIGHTS = ((_IDENTIFIER, 0.9), (_PLACE, 0.8), (_VALUE, 0.7))
_FAILURE_FLOOR = 0.5
"""An error among many errors is still worth so much of its weight."""
_SHAPE_WEIGHT = 1.3
"""For a line whose shape no other line has."""
_WORDS_WEIGHT = 1.7
"""For a line none of whose words stands elsewhere in the result, while other lines share theirs."""
_EDGE_BONUS = 0.15
"""First and last line."""
_NOISE_PENALTY = 1.5
_HEADER_PENALTY = 1.2
"""First line without a figure, where most others have some: the head of a table."""


def telling_lines(text: str, start: int = 0, end: int | None = None, *, most: int = 12) -> list[Telling]:
    """Return the lines that tell most, best first.

    Args:
        text: A tool result.
        start: Where to begin; a line cut by it is left out.
        end: Where to stop.
        most: How many lines at most; of lines that differ in numbers only, one.
    """
    found: list[Telling] = []
    for begin, stop in _scanned(start, len(text) if end is None else end):
        found.extend(_score_lines(list(_lines(text, begin, stop))))
    found.sort(key=lambda line: (-line.score, line.start))
    chosen: list[Telling] = []
    seen: set[str] = set()
    for line in found:
        pattern = line.text.translate(_NO_WORD).strip() or line.text
        if pattern not in seen:
            seen.add(pattern)
            chosen.append(line)
            if len(chosen) == most:
                break
    return chosen


def _scanned(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Leave out what is too much to look at: what went wrong comes last, what it is about first."""
    if end - start <= MAX_SCAN_CHARS:
        yield start, end
        return
    yield start, start + MAX_SCAN_CHARS // 10
    yield end - MAX_SCAN_CHARS * 9 // 10, end


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """Yield (start, line) without blank lines and line numbers; long lines in pieces."""
    at = start
    if start > 0 and text[start - 1] != "\n":
        at = text.find("\n", start, end) + 1 or start
    body = text[at:end]
    is_plain = "\x1b" not in body and "\r" not in body
    is_numbered = _NUMBERING.match(body) is not None
    for raw in body.split("\n"):
        line = raw if is_plain else _ANSI.sub("", raw).rstrip("\r").rpartition("\r")[2]
        if is_numbered and (numbering := _NUMBERING.match(line)):
            line = line[numbering.end() :]
        if len(line) > MAX_LINE_CHARS:
            yield from _pieces(at, line)
        else:
            line = line.strip()
            if len(line) > 2:
                yield at, line
        at += len(raw) + 1


def _pieces(at: int, line: str) -> Iterator[tuple[int, str]]:
    for piece in _CUT.split(line):
        stripped = piece.strip()
        if 2 < len(stripped) <= MAX_LINE_CHARS:
            yield at, stripped


def _score_lines(placed: Sequence[tuple[int, str]]) -> Iterator[Telling]:
    if not placed:
        return
    lines = [line for _, line in placed]
    joined = "\n".join(lines)
    scale = log(len(lines) + 1)
    shapes = _shapes(joined)
    shape_scores, cue_scores = _by_shape(shapes, scale)
    words = [line.split() for line in joined.translate(_NO_WORD).split("\n")]
    word_scores = _by_words(words, scale)
    failing, telling = _by_vocabulary(words, lines, scale)
    last = len(lines) - 1
    heads = last > 2 and "0" not in shapes[0] and 2 * sum("0" in shape for shape in shapes) > last
    for i, (at, line) in enumerate(placed):
        score = shape_scores[i] + cue_scores[i] + word_scores[i] + failing.get(i, 0.0) + telling.get(i, 0.0)
        if i in (0, last):
            score += _EDGE_BONUS
        if not i and heads:
            score -= _HEADER_PENALTY
        if score >= MIN_SCORE:
            if _NOISE.match(line):
                score -= _NOISE_PENALTY
            yield Telling(at, line, score, i in failing)


def _shapes(joined: str) -> list[str]:
    """Mask letters and digits of all lines at once."""
    joined = joined.translate(_MASK)
    for pattern, mask in _COLLAPSE:
        joined = pattern.sub(mask, joined)
    return _REPEATS.sub(r"\1", _TALK.sub("a", joined)).split("\n")


def _by_shape(shapes: Sequence[str], scale: float) -> tuple[list[float], list[float]]:
    """Score how rare each line's shape is, and the exact values that show in it where few lines have such."""
    alike = Tally(shapes)
    kinds: Tally[str] = Tally()
    hits: dict[str, tuple[bool, ...]] = {}
    having = [0] * len(_CUE_WEIGHTS)
    for shape, count in alike.items():
        kinds[shape[:SHAPE_CHARS]] += count
        hits[shape] = found = tuple(pattern.search(shape) is not None for pattern, _ in _CUE_WEIGHTS)
        for i, hit in enumerate(found):
            having[i] += count if hit else 0
    worth = [
        weight * (1.0 - log(count) / scale) if count else 0.0
        for (_, weight), count in zip(_CUE_WEIGHTS, having, strict=True)
    ]
    rarity = {
        shape: _SHAPE_WEIGHT * (1.0 - log((count + kinds[shape[:SHAPE_CHARS]]) / 2) / scale)
        for shape, count in alike.items()
    }
    cues = {shape: sum(value for value, hit in zip(worth, found, strict=True) if hit) for shape, found in hits.items()}
    return list(map(rarity.__getitem__, shapes)), list(map(cues.__getitem__, shapes))


def _by_words(words: Sequence[list[str]], scale: float) -> list[float]:
    """Score how rare each line's words are in the result, above what is usual in it."""
    stands = Tally(chain.from_iterable(words))
    common = {word: log(count) / scale for word, count in stands.items()}
    rarity = [1.0 - sum(map(common.__getitem__, each)) / len(each) if each else 0.0 for each in words]
    typical = sum(rarity) / len(rarity)
    share = _WORDS_WEIGHT / (1.05 - typical)
    return [share * (one - typical) if one > typical else 0.0 for one in rarity]


def _by_vocabulary(
    words: Sequence[list[str]], lines: Sequence[str], scale: float
) -> tuple[Mapping[int, float], Mapping[int, float]]:
    """Score errors, and what warns or sums up; less where many lines do."""
    met = {word: word.lower() for word in set(chain.from_iterable(words))}
    bad = {word for word, low in met.items() if low in _FAILING or low.endswith(("error", "exception"))}
    warned = {word for word, low in met.items() if low in _WARNING}
    summed = {word for word, low in met.items() if low in _SUMMING}
    failing = _having(bad, words, lines) if bad else []
    worth = _FAILURE_WEIGHT * max(_FAILURE_FLOOR, 1.0 - log(len(failing)) / scale) if failing else 0.0
    telling: dict[int, float] = {}
    for vocabulary, weight in ((warned, _WARNING_WEIGHT), (summed, _SUMMARY_WEIGHT)):
        having = _having(vocabulary, words) if vocabulary else []
        for i in having:
            telling[i] = telling.get(i, 0.0) + weight * (1.0 - log(len(having)) / scale)
    return dict.fromkeys(failing, worth), telling


def _having(vocabulary: set[str], words: Sequence[list[str]], lines: Sequence[str] | None = None) -> list[int]:
    """Find the lines with one of the words; with `lines`, without those that deny it (`0 errors`)."""
    found: Iterable[int] = (i for i, each in enumerate(words) if not vocabulary.isdisjoint(each))
    return [i for i in found if lines is None or not _NO_FAILURE.search(lines[i])]
