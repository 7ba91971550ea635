"""Which rows of a table have a field unlike all others in its column: `0/1` among `1/1`, 59.981 s among 0.1 s.

Anything may be a table: a listing, a log, CSV, objects of JSON. Lines with as many fields are rows of one, if they are
many; where lines begin with one of a few keys (`"status":`), only those with the same key are compared.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from math import log

MIN_ROWS = 8
"""Of fewer lines it cannot be said what is usual in a column."""

TABLE_SHARE = 0.4
"""Lines that share no more than the number of their fields are a table if they are so much of a result."""

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

_PARTED = ((",", " "), ('="', "= "), ("=", "= "), (":", ": "))
"""What ends a field besides spaces."""

_NO_FIGURES = str.maketrans("", "", "0123456789")
_NO_WORDS = _NO_FIGURES | str.maketrans("", "", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""What is left of a figure is its unit, of a name how its parts are joined."""

_FIGURES = "0123456789+-."
"""What numbers are made of."""


def odd_rows(lines: Sequence[str]) -> dict[int, float]:
    """Return the lines with an odd field, each with how odd it is, 0-1; further odd fields add a little."""
    least = max(MIN_ROWS, TABLE_SHARE * len(lines))
    if len(lines) < least or not _may_be_table(lines):
        return {}
    joined = "\n".join(lines)
    for sign, parted in _PARTED:
        joined = joined.replace(sign, parted)
    rows = list(map(str.split, joined.split("\n")))
    lengths = list(map(len, rows))
    last = len(lines) - 1  # it may be cut, and the first is often a head
    odd = {at: oddity for at, oddity in _rare(lengths, len(set(lengths))) if 0 < at < last}
    for fields, count in Tally(lengths).items():
        if fields and count >= least:
            numbers = [at for at, length in enumerate(lengths) if length == fields]
            for at, oddity in _odd_of(list(zip(*[rows[at] for at in numbers], strict=True))):
                _add(odd, numbers[at], oddity)
    return odd


def _may_be_table(lines: Sequence[str]) -> bool:
    """Tell by a few lines whether many have as many words; in prose and programs they do not."""
    sample = Tally([len(line.split()) for line in lines[:: len(lines) // SAMPLE + 1]])
    return max(sample.values()) >= SAMPLE_SHARE * sample.total()


FURTHER_SHARE = 0.25
"""What another odd field of a line adds of its oddity."""


def _add(odd: dict[int, float], at: int, oddity: float) -> None:
    before = odd.get(at, 0.0)
    odd[at] = max(before, oddity) + FURTHER_SHARE * min(before, oddity)


def _odd_of(columns: Sequence[tuple[str, ...]]) -> Iterator[tuple[int, float]]:
    """Yield the odd rows of a table, once for each odd field; those that begin with a key are compared by key."""
    keys = columns[0]
    known = set(keys)
    is_keyed = len(known) * MIN_ROWS <= len(keys) and any(key[-1] in ":=" and not key[0].isdigit() for key in known)
    if not is_keyed:
        for column in columns:
            yield from _odd_in(column)
        return
    yield from _odd_in(keys)
    numbers: dict[str, list[int]] = {}
    for at, key in enumerate(keys):
        numbers.setdefault(key, []).append(at)
    for same in numbers.values():
        if len(same) >= MIN_ROWS:
            for column in columns[1:]:
                for at, oddity in _odd_in([column[at] for at in same]):
                    yield same[at], oddity


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
