"""Which rows of a table have a field unlike all others in its column: `0/1` among `1/1`, 59.981 s among 0.1 s.

Anything may be a table: a listing, a log, CSV, objects of JSON. Lines with as many fields are rows of one, if they are
many; where lines begin with one of a few keys (`"status":`), only those with the same key are compared.
"""

import re
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from math import log
from typing import NamedTuple

MIN_ROWS = 8
"""Of fewer lines it cannot be said what is usual in a column."""

TABLE_SHARE = 0.4
"""Lines that share no more than the number of their fields are a table if they are so much of a result."""

MARKED_SHARE = 0.3
"""Of such a sample, which begins with a mark where lines with the same mark may be compared."""

ALIKE_SHARE = 0.8
"""Of lines, which begin alike in a log, or have a word in common."""

MOST_ROWS = 0.8
"""Of the lines, which are in tables of rows of the same length; with fewer, rows of all lengths are compared."""

RAGGED_WIDTH = 0.8
"""Of the fields that nine of ten lines of all lengths have at least: so many are compared, a shorter line is none."""

SAMPLE, SAMPLE_SHARE = 32, 0.36
"""So many lines at most are looked at first; where they are of a table so many of them have as many words."""

FEW_ROWS = 0.06
"""A value that so much of the rows have is not odd any more."""

FEW_OF, FEW = 4, 3
"""Values are compared as they stand where there are no more than one for so many rows, and so many."""

MIN_ODDITY = 0.45
"""Below, a rare value stands in a column of many rare values."""

FAR = 3.0
"""A number that is so many times larger or smaller than all others of its column is far from them."""

NARROW = 4.0
"""A small number is far from the others only where those differ by no more than so many times: of figures of all sizes
the smallest is often far below the next."""

FAR_ODDITY = 0.9
"""What such a number is worth, against the only value of its kind in a column where all others are the same."""

_PARTED = (('""', "''"), ('"', ""), (",", " "), ("=", "= "), (":", ": "))
"""What ends a field besides spaces; quotes only hide what a field is."""

_DIGITS = "0123456789"
_NO_FIGURES = str.maketrans("", "", _DIGITS)
_NO_WORDS = _NO_FIGURES | str.maketrans("", "", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""What is left of a figure is its unit, of a name how its parts are joined."""

_FIGURES = _DIGITS + "+-."
"""What numbers are made of."""

_FIGURE = re.compile("[0-9]")


class Table(NamedTuple):
    """What is odd in lines that may be a table."""

    odd: dict[int, float]
    """Line -> how odd its oddest field is, 0-1; further odd fields add a little."""
    first: int
    last: int
    """Its first and its last row; lines around them are its head and its foot."""


def read_table(lines: Sequence[str]) -> Table:
    """Find the rows with an odd field; without a table there are none, and no head and no foot."""
    odd: dict[int, float] = {}
    whole = Table(odd, 0, len(lines) - 1)
    if len(lines) < MIN_ROWS or not _may_be_table(lines):
        return whole
    joined = "\n".join(lines)
    for sign, parted in _PARTED:
        joined = joined.replace(sign, parted)
    rows = list(map(str.split, joined.split("\n")))
    lengths = list(map(len, rows))
    groups = _groups(rows, lengths)
    for width, numbers in groups:
        for at, oddity in _odd_of([rows[at] for at in numbers], width):
            _add(odd, numbers[at], oddity)
    compared = {at for _, numbers in groups for at in numbers}
    table = whole
    if len(compared) >= MOST_ROWS * len(lines):
        table = Table(odd, min(compared), _last_row(rows, max(compared)))
    last = table.last if groups else whole.last - 1  # the last line may be cut
    for at, oddity in _rare(lengths, len(set(lengths))):
        if table.first < at <= last and at not in compared:
            _add(odd, at, oddity)
    return table


def _may_be_table(lines: Sequence[str]) -> bool:
    """Tell by a few lines whether many have as many words or begin alike; in prose and programs they do not."""
    sample = [line.split() for line in lines[:: len(lines) // SAMPLE + 1]]
    lengths = Tally(map(len, sample))
    if max(lengths.values()) >= SAMPLE_SHARE * len(sample):
        return True
    begins = [words[0] for words in sample if words]
    return sum(map(_is_mark, begins)) >= MARKED_SHARE * len(begins) or _is_alike(begins)


def _is_mark(field: str) -> bool:
    """Tell whether a first field says what kind of line it is: `"status":`, `image:`, `#`, `+`."""
    return (field[-1] in ":=" and not field[0].isdigit()) or not any(map(str.isalnum, field))


def _is_alike(begins: Sequence[str]) -> bool:
    """Tell whether lines begin alike but for figures, as those of logs do: an address, a date, a month."""
    kinds = Tally("\n".join(begins).translate(_NO_FIGURES).split("\n"))
    return bool(begins) and max(kinds.values()) >= ALIKE_SHARE * len(begins)


Group = tuple[int, list[int]]
"""How many fields of each row are compared, and which lines its rows are."""


def _groups(rows: Sequence[Sequence[str]], lengths: Sequence[int]) -> list[Group]:
    """Choose what is compared: lines with the same mark, else those with as many fields, else all that begin alike."""
    marks = filter(_is_mark, {fields[0] for fields in rows if fields})
    marked: dict[str, list[int]] = {mark: [] for mark in marks}
    if marked:
        for at, fields in enumerate(rows):
            if fields and fields[0] in marked:
                marked[fields[0]].append(at)
    groups: list[Group] = []
    for numbers in marked.values():
        if len(numbers) >= MIN_ROWS and (width := _common_width([rows[at] for at in numbers])):
            groups.append((width, numbers))
        elif len(numbers) >= MIN_ROWS:
            groups.extend(_of_length(lengths, numbers, MIN_ROWS))
    taken = {at for _, numbers in groups for at in numbers}
    left = [at for at, length in enumerate(lengths) if length and at not in taken]
    least = max(MIN_ROWS, TABLE_SHARE * len(rows))
    if len(left) < least:
        return groups
    tables = [(width, _without_names(rows, numbers)) for width, numbers in _of_length(lengths, left, least)]
    if sum(len(numbers) for _, numbers in tables) < MOST_ROWS * len(left) and _is_alike([rows[at][0] for at in left]):
        usual = sorted([lengths[at] for at in left])[len(left) // 10]
        long = [at for at in left if lengths[at] >= RAGGED_WIDTH * usual]
        if width := _common_width([rows[at] for at in long]):
            tables = [(width, long)]
    return groups + tables


def _of_length(lengths: Sequence[int], numbers: Sequence[int], least: float) -> Iterator[Group]:
    """Yield the rows that are as long as each other, if they are many."""
    by_length: dict[int, list[int]] = {}
    for at in numbers:
        by_length.setdefault(lengths[at], []).append(at)
    yield from ((length, same) for length, same in by_length.items() if len(same) >= least)


def _without_names(rows: Sequence[Sequence[str]], numbers: list[int]) -> list[int]:
    """Leave the names of the columns out: the only row without a figure."""
    first, second = (" ".join(rows[at]) for at in numbers[:2])
    return numbers[1:] if not _FIGURE.search(first) and _FIGURE.search(second) else numbers


def _common_width(rows: Sequence[Sequence[str]]) -> int:
    """Return how many fields all rows have, if they are of one form: of the same length, or with a word in common."""
    lengths = sorted(map(len, rows))
    width = lengths[0]
    if lengths[len(lengths) // 10] == lengths[-1 - len(lengths) // 10]:
        return width
    columns = zip(*[fields[:width] for fields in rows], strict=True)
    next(columns)
    is_formal = any(max(Tally(column).values()) >= ALIKE_SHARE * len(rows) for column in columns)
    return width if is_formal else 0


def _last_row(rows: Sequence[Sequence[str]], last: int) -> int:
    """Take longer lines behind the last row in that begin as it does; a shorter one was cut."""
    kind = rows[last][0].translate(_NO_FIGURES)
    while last + 1 < len(rows) and len(rows[last + 1]) > len(rows[last]):
        if rows[last + 1][0].translate(_NO_FIGURES) != kind:
            break
        last += 1
    return last


FURTHER_SHARE = 0.25
"""What another odd field of a line adds of its oddity."""


def _add(odd: dict[int, float], at: int, oddity: float) -> None:
    before = odd.get(at, 0.0)
    odd[at] = min(max(before, oddity) + FURTHER_SHARE * min(before, oddity), 1.0 + FURTHER_SHARE)


def _odd_of(rows: Sequence[Sequence[str]], width: int) -> Iterator[tuple[int, float]]:
    """Yield the odd rows of a table, once for each odd field."""
    for column in zip(*[fields[:width] for fields in rows], strict=True):
        yield from _odd_in(column)


def _odd_in(column: Sequence[str]) -> Iterable[tuple[int, float]]:
    """Yield the rows whose value in this column is odd."""
    distinct = len(set(column))
    if distinct == 1:
        return ()
    if odd := _rare(column, distinct):
        return odd
    is_numeric = column[len(column) // 2][0] in _FIGURES
    numbers = _numbers(column) if is_numeric else []
    if numbers:
        return _far(numbers)
    joined = "\n".join(column)
    for table in (_NO_FIGURES, _NO_WORDS) if is_numeric else (_NO_WORDS,):
        kinds = joined.translate(table).split("\n")
        if odd := _rare(kinds, len(set(kinds))):
            return odd
    if is_numeric:
        leading = [value[: len(value) - len(value.lstrip(_DIGITS))] for value in column]  # a year, a network
        return _rare(leading, len(set(leading)))
    return ()


def _rare(column: Sequence[object], distinct: int) -> list[tuple[int, float]]:
    """Return the rows whose value is rare where most share few, each with its oddity."""
    count = len(column)
    if distinct == 1 or distinct > count // FEW_OF + FEW:
        return []
    values = Tally(column)
    scale = log(count)
    usual = scale - sum([each * log(each) for each in values.values()]) / count
    most = max(1, int(FEW_ROWS * count))
    odd = {
        value: oddity
        for value, each in values.items()
        if each <= most and (oddity := (scale - log(each) - usual) / scale) >= MIN_ODDITY
    }
    return [(at, odd[value]) for at, value in enumerate(column) if value in odd] if odd else []


def _numbers(column: Sequence[str]) -> list[float]:
    """Read a column of numbers, all in the same unit; empty for any other."""
    unit = column[len(column) // 2].lstrip(_FIGURES)
    try:
        return list(map(float, [value.removesuffix(unit) for value in column] if unit else column))
    except ValueError:
        return []


def _far(numbers: Sequence[float]) -> list[tuple[int, float]]:
    """Return the rows with a number far above or below all others, or the only one below zero."""
    ordered = sorted(numbers)
    low, second, before, high = ordered[0], ordered[1], ordered[-2], ordered[-1]
    found: list[tuple[int, float]] = []
    if high > FAR * before > 0:
        found.append((numbers.index(high), FAR_ODDITY))
    if low < 0 <= second or (0 <= low * FAR < second and high <= NARROW * second):
        found.append((numbers.index(low), FAR_ODDITY))
    return found
