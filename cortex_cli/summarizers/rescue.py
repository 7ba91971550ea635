"""Which lines of a tool result tell something: the one that is unlike its neighbours, errors, exact values.

A line is rare by its shape (letters and digits masked) and by its words, both against the other lines of the
same result; a cue that every line has (paths in a listing) says nothing either. Whole texts are masked and
tallied at once, so that the cost is linear and small.
"""

import re
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from functools import lru_cache
from heapq import heappop, heappush, nlargest
from itertools import accumulate, chain, compress
from math import log
from operator import add, not_
from typing import NamedTuple

from cortex_cli.summarizers.columns import Table, read_table
from cortex_cli.summarizers.common_words import word_set

MAX_SCAN_CHARS = 400_000
"""Of a longer text only so much is looked at: a tenth at its start, the rest at its end."""

MAX_LINE_CHARS = 240
"""A longer line is cut into pieces at its own separators, or around what makes it telling."""

SHAPE_CHARS = 16
"""Lines whose shapes start alike are of one kind."""

MIN_SCORE = 0.9

MOST_REMEMBERED = 50_000
"""Words whose kind is kept in memory."""


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
_RUNS = (("aa", "a"), ("00", "0"), ("  ", " "))
_DOUBLED = tuple((char * 2, char) for char in "!\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~")
_TALK = re.compile(r"A?a[,']?(?: A?a[,']?)+")
_REPEATS = re.compile(r"([^\w\s])\1+")
_NUMBERING = re.compile(r"\s*\d+(?:\t|→|:(?=\s)|\|)\s?")

_FAILING = word_set(
    """
    error errors exception exceptions traceback fatal panic panicked fail failed fails failure failures assertion
    assertionerror segfault undefined denied refused timeout timedout cannot can't couldn't unable conflict
    conflicts invalid mismatch missing corrupt corrupted crash crashed killed abort aborted unexpected unresolved
    expired rejected violation violated unauthorized forbidden unreachable stacktrace oom err fatal critical severe
    dumped
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
_NOTES = frozenset(("FIXME", "TODO", "XXX", "HACK", "BUG"))
"""Programmers mark with them what is wrong."""
_NO_FAILURE = re.compile(
    r"(?i:\b(?:0|no|zero|without)\s+(?:\w+\s+)?(?:errors?|failures?|failed|fails?|problems|issues|missing|conflicts?)\b"
    r"|\b(?:errors?|failures?|failed)\W{1,3}0\b|\bfail(?:ed)?[=:]\s*0\b"
    r"|(?:error|failure|timeout|killed|refused|rejected)\w*(?:\{[^}]*\})?\s0(?:\.0+)?\s*\Z)"
)
_PROGRAM = re.compile(r"(?:raise|except|throw|class|def|return|elif|self\.|this\.|log(?:ger|ging)?\.)(?!\w)")
"""Begins a line of a program, which says what it does if something fails."""
_SETTING = re.compile(r"\W*[\w.-]*timeout[\w.-]*\W{0,2} ?[:=]", re.IGNORECASE)
_NAMED = re.compile(r"/|[tT]est")
"""In a name of a file or a test, which says what it is for."""
_ZERO = re.compile(r"0(?<!\d0)(?!\d)")
_NONE = frozenset(word for low in ("no", "zero", "without") for word in (low, low.title(), low.upper()))
_PLACE = re.compile(
    r"[aA]\.A?a:0|(?:^|[ \"'=(:])[~.]*(?:/[\w.@+-]+){2}|[aA0]/[\w.-]*[aA0]\.[aA]|\w[_\w]*\.(?:a|a0)(?:$|[ \"',)])"
)
_IDENTIFIER = re.compile(
    r"[aA]://|\b0a0|\ba0a|[aA][_-]0|[aA][_-]?[aA]*0[aA]|A[_A0]*_A|[aA]0\b(?![./])|#0|0\.0\.0|@a|a_a0|0a\b(?<![^\w]0a)"
)
_VALUE = re.compile(r"[\w\])\"'](?: ?= ?|: | -> | => )[\"']?[$/+-]?[\w.-]*[0A]|: 0|=0")
_NOISE = re.compile(
    r"[\W_]*\Z|(?:import|from|#include|using [\w.]+;|package|require)\b(?!.*[\d/])|(?://(?![\w.-]+/)|/\*|\*|\"\"\")(?!.*\b(?:FIXME|TODO|XXX|HACK|BUG)\b)|</?\w+/?>\Z"
    r"|[=_*#-]{3,}[^\d\n]{0,60}[=_*#-]{3,}\Z|\[\d+ more lines|Found \d+ files?\b"
    r"|No (?:matches|files) found|Exit code \d+\Z|@@ -\d|index [0-9a-f]+\.\.|(?:---|\+\+\+) [ab]/"
    r"|Traceback \(most recent call last\):\Z|total \d+\Z|[=_ -]*test session starts[=_ -]*\Z"
    r"|(?:stdout|stderr|output)\W*\Z|(?:FAIL|FAILED|PASS|PASSED|OK|exit status \d+)\Z|[\"']?[\w-]+[\"']? ?[:=] ?[\[{]\Z"
)
_CUT = re.compile(r"(?<=[,}\]]) ?(?=[\"{\[])|(?<=[;,]) |(?<=[.!?]) |(?<=\\n)|(?<=>)(?=<)")

_FAILURE_WEIGHT, _WARNING_WEIGHT, _SUMMARY_WEIGHT, _NOTE_WEIGHT = 2.2, 0.6, 0.6, 2.2
_CUE_WEIGHTS = ((_IDENTIFIER, 0.9), (_PLACE, 0.8), (_VALUE, 0.7))
_FAILURE_FLOOR = 0.5
"""An error among many errors is still worth so much of its weight."""
_SHAPE_WEIGHT = 1.3
"""For a line whose shape no other line has."""
_WORDS_WEIGHT = 1.7
"""For a line none of whose words stands elsewhere in the result, while other lines share theirs."""
_ODD_WEIGHT = 2.0
"""For a field that is the only one of its kind in its column."""
_EDGE_ODDITY = 0.5
"""The first and the last line are no more odd than this: of a head every field is unlike those below it."""
_EDGE_BONUS = 0.15
"""First and last line."""
_STANDS_OUT, _STANDS_OUT_OVER = 0.4, 3
"""A line stands out that scores so much more than the one of this rank, both counted between the first and last."""
_GIVEN_WAY = 0.1
"""So much less than such a line the first and last line score at least, unless they report an error."""
_MOST_AROUND = 0.2
"""Of the lines, which are head and foot of a table at most."""
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
    found = _Scored([], [], [], set())
    for begin, stop in _scanned(start, len(text) if end is None else end):
        found.add(*_lines(text, begin, stop))
    chosen: list[Telling] = []
    seen: set[str] = set()
    for at, score in found.best_first():
        line = found.lines[at]
        pattern = line[:1] + line.translate(_NO_WORD).strip() if line[:1] in "+-" else line.translate(_NO_WORD).strip()
        pattern = pattern or line
        if pattern not in seen:
            seen.add(pattern)
            chosen.append(Telling(found.starts[at], line, score, at in found.failing))
            if len(chosen) == most:
                break
    return chosen


class _Scored(NamedTuple):
    """Lines with their scores."""

    starts: list[int]
    lines: list[str]
    scores: list[float]
    failing: set[int]

    def add(self, starts: list[int], lines: list[str]) -> None:
        """Score lines against each other and take them in."""
        if lines:
            scores, failing = _score_lines(lines)
            self.failing.update(at + len(self.lines) for at in failing)
            self.starts.extend(starts)
            self.lines.extend(lines)
            self.scores.extend(scores)

    def best_first(self) -> Iterator[tuple[int, float]]:
        """Yield positions and scores, best first, of equal ones the earlier.

        Few are asked for, so whether a line is noise is looked at only when its turn comes; noise waits for the turn
        that is left to it.
        """
        scores = self.scores
        waiting: list[tuple[float, int]] = []
        telling = [at for at, score in enumerate(scores) if score >= MIN_SCORE]
        for at in sorted(telling, key=scores.__getitem__, reverse=True):
            while waiting and waiting[0] < (-scores[at], at):
                score, noisy = heappop(waiting)
                yield noisy, -score
            if _NOISE.match(self.lines[at]):
                heappush(waiting, (_NOISE_PENALTY - scores[at], at))
            else:
                yield at, scores[at]
        while waiting:
            score, noisy = heappop(waiting)
            yield noisy, -score


def _scanned(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Leave out what is too much to look at: what went wrong comes last, what it is about first."""
    if end - start <= MAX_SCAN_CHARS:
        yield start, end
        return
    yield start, start + MAX_SCAN_CHARS // 10
    yield end - MAX_SCAN_CHARS * 9 // 10, end


def _lines(text: str, start: int, end: int) -> tuple[list[int], list[str]]:
    """Return starts and lines without blank lines and line numbers; long lines in pieces."""
    at = start
    if start > 0 and text[start - 1] != "\n":
        at = text.find("\n", start, end) + 1 or start
    body = text[at:end]
    raws = body.split("\n")
    starts = [line + end for line, end in enumerate(accumulate(map(len, raws[:-1]), initial=at))]
    lines = raws if "\x1b" not in body and "\r" not in body else list(map(_plain, raws))
    if _NUMBERING.match(body):
        lines = [line[match.end() :] if (match := _NUMBERING.match(line)) else line for line in lines]
    if max(map(len, lines)) > MAX_LINE_CHARS:
        starts, lines = _in_pieces(starts, lines)
    stripped = list(map(str.strip, lines))
    says = [len(line) > 2 for line in stripped]
    return list(compress(starts, says)), list(compress(stripped, says))


def _plain(line: str) -> str:
    """Return what a terminal shows of a line in the end."""
    return _ANSI.sub("", line).rstrip("\r").rpartition("\r")[2]


def _in_pieces(starts: Sequence[int], lines: Sequence[str]) -> tuple[list[int], list[str]]:
    """Take long lines apart; pieces that are too long still are left out."""
    found: list[int] = []
    pieces: list[str] = []
    for at, line in zip(starts, lines, strict=True):
        if len(line) <= MAX_LINE_CHARS:
            found.append(at)
            pieces.append(line)
            continue
        short = [piece for piece in _CUT.split(line) if len(piece) <= MAX_LINE_CHARS]
        found.extend([at] * len(short))
        pieces.extend(short)
    return found, pieces


def _score_lines(lines: Sequence[str]) -> tuple[list[float], set[int]]:
    """Return the score of each line, noise not yet told, and which of them report an error."""
    joined = "\n".join(lines)
    scale = log(len(lines) + 1)
    shapes = _shapes(joined)
    words = [line.split() for line in joined.translate(_NO_WORD).split("\n")]
    stands = Tally(chain.from_iterable(words))
    scores = list(map(add, _by_shape(shapes, scale), _by_words(words, stands, scale)))
    failing = _add_vocabulary(scores, words, stands, lines, scale)
    table = read_table(lines)
    for at, oddity in table.odd.items():
        scores[at] += _ODD_WEIGHT * (oddity if at else min(oddity, _EDGE_ODDITY))
    _frame(scores, shapes, failing, table)
    return scores, failing


def _frame(scores: list[float], shapes: Sequence[str], failing: set[int], table: Table) -> None:
    """Weigh heads and feet, which give way to a line between them that stands out; without a table both are a line."""
    last = len(scores) - 1
    scores[0] += _EDGE_BONUS
    if not last:
        return
    scores[last] += _EDGE_BONUS
    if last > 2 and "0" not in shapes[0] and 2 * sum("0" in shape for shape in shapes) > last:
        scores[0] -= _HEADER_PENALTY
    if last < _STANDS_OUT_OVER + 2:
        return
    begin, end = max(table.first, 1), min(table.last, last - 1) + 1
    around = begin + last + 1 - end
    if around > _MOST_AROUND * last + 2:
        begin, end = 1, last
    inner = scores[begin:end]
    most = max(inner) - _GIVEN_WAY
    giving = [at for at in (*range(begin), *range(end, last + 1)) if scores[at] > most and at not in failing]
    if giving and max(inner) - nlargest(_STANDS_OUT_OVER, inner)[-1] >= _STANDS_OUT:
        for at in giving:
            scores[at] = most


def _shapes(joined: str) -> list[str]:
    """Mask letters and digits of all lines at once; most come out alike, and the rest is done once for each kind."""
    joined = joined.translate(_MASK)
    for run, one in _RUNS:
        while run in joined:
            joined = joined.replace(run, one)
    lines = joined.split("\n")
    alike = list(dict.fromkeys(lines))
    joined = _TALK.sub("a", "\n".join(alike))
    for run, one in _DOUBLED:
        while run in joined:
            joined = joined.replace(run, one)
    shapes = (joined if joined.isascii() else _REPEATS.sub(r"\1", joined)).split("\n")
    return list(map(dict(zip(alike, shapes, strict=True)).__getitem__, lines))


@lru_cache(maxsize=16_384)
def _cues(shape: str) -> tuple[bool, ...]:
    """Tell which kinds of exact value show in a shape; the same shapes come back in result after result."""
    return tuple(pattern.search(shape) is not None for pattern, _ in _CUE_WEIGHTS)


def _by_shape(shapes: Sequence[str], scale: float) -> list[float]:
    """Score how rare each line's shape is, and the exact values that show in it where few lines have such."""
    alike = Tally(shapes)
    kinds: Tally[str] = Tally()
    having = [0] * len(_CUE_WEIGHTS)
    hits: dict[str, tuple[bool, ...]] = {}
    for shape, count in alike.items():
        kinds[shape[:SHAPE_CHARS]] += count
        hits[shape] = found = _cues(shape)
        if True in found:
            for i, hit in enumerate(found):
                having[i] += count if hit else 0
    worth = [
        weight * (1.0 - log(count) / scale) if count else 0.0
        for (_, weight), count in zip(_CUE_WEIGHTS, having, strict=True)
    ]
    totals = {kind: sum(value for value, hit in zip(worth, kind, strict=True) if hit) for kind in set(hits.values())}
    scores = {
        shape: _SHAPE_WEIGHT * (1.0 - log((count + kinds[shape[:SHAPE_CHARS]]) / 2) / scale) + totals[hits[shape]]
        for shape, count in alike.items()
    }
    return list(map(scores.__getitem__, shapes))


def _by_words(words: Sequence[list[str]], stands: Tally[str], scale: float) -> list[float]:
    """Score how rare each line's words are in the result, above what is usual in it."""
    common = {word: log(count) / scale for word, count in stands.items()}
    rarity = [1.0 - sum(map(common.__getitem__, each)) / len(each) if each else 0.0 for each in words]
    typical = sum(rarity) / len(rarity)
    share = _WORDS_WEIGHT / (1.05 - typical)
    return [share * (one - typical) if one > typical else 0.0 for one in rarity]


class _Kinds(dict[str, int]):
    """What a word says of an outcome: 1 failure, 2 warning, 4 sum, 8 note; remembered, since words come back."""

    def __missing__(self, word: str) -> int:
        low = word.lower()
        kind = int(low in _FAILING or low.endswith(("error", "exception")))
        kind |= 2 * (low in _WARNING) | 4 * (low in _SUMMING) | 8 * (word in _NOTES)
        if len(self) < MOST_REMEMBERED:
            self[word] = kind
        return kind


_KINDS = _Kinds()


def _denies(line: str, words: Sequence[str]) -> bool:
    """Tell whether a line says that there is no error, or only what would be one.

    Few have a word for none, or a zero, which is found faster.
    """
    if (_ZERO.search(line) or not _NONE.isdisjoint(words)) and _NO_FAILURE.search(line):
        return True
    if _PROGRAM.match(line) or _SETTING.match(line):
        return True
    return _NAMED.search(line) is not None and not any(_KINDS[word] & 1 for word in _unnamed(line))


def _unnamed(line: str) -> list[str]:
    return " ".join(one for one in line.split() if not _NAMED.search(one)).translate(_NO_WORD).split()


def _add_vocabulary(
    scores: list[float], words: Sequence[list[str]], stands: Tally[str], lines: Sequence[str], scale: float
) -> set[int]:
    """Add what errors, warnings and sums are worth, less where many lines have such; return the lines with errors."""
    spoken = {word: kind for word in stands if (kind := _KINDS[word])}
    if not spoken:
        return set()
    kinds: dict[int, int] = {}  # of each line with such words
    for i in compress(range(len(words)), map(not_, map(frozenset(spoken).isdisjoint, words))):
        kinds[i] = 0
        for word in words[i]:
            kinds[i] |= spoken.get(word, 0)
    failing = {i for i, kind in kinds.items() if kind & 1 and not _denies(lines[i], words[i])}
    if failing:
        worth = _FAILURE_WEIGHT * max(_FAILURE_FLOOR, 1.0 - log(len(failing)) / scale)
        for i in failing:
            scores[i] += worth
    for flag, weight in ((2, _WARNING_WEIGHT), (4, _SUMMARY_WEIGHT), (8, _NOTE_WEIGHT)):
        telling = [i for i, kind in kinds.items() if kind & flag]
        for i in telling:
            scores[i] += weight * (1.0 - log(len(telling)) / scale)
    return failing
