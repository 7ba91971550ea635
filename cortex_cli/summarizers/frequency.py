"""How often a conversation says what: which words are rare in it, which runs come again, which are names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from math import log

from cortex_cli.summarizers.words import Word

COMMON_SHARE = 0.25
"""Rarity of a word that is common in the language, against one that is not."""


class Rarity(dict[Word, float]):
    """How particular each word is, 0-1: rare in the language and rare in this conversation."""

    def __init__(self, statements: Mapping[str, int], total: int) -> None:
        """Begin.

        Args:
            statements: Stem -> number of statements that have it.
            total: Number of statements.
        """
        super().__init__()
        self._statements = statements
        self._scale = log(total + 1) or 1.0

    def __missing__(self, word: Word) -> float:
        """Work out a word."""
        share = 0.0
        if word.stem:
            share = (1.0 - log(self._statements[word.stem]) / self._scale) * (1.0 if word.is_rare else COMMON_SHARE)
        self[word] = share
        return share

    def of(self, words: Sequence[Word]) -> float:
        """Return how particular words are together, 0-1."""
        return min(1.0, 2 * sum(map(self.__getitem__, words)) / (len(words) + 2))


RUN = 4
"""Words of a run: turns of phrase are that long."""


def redundancy(lexed: Sequence[Sequence[Word]]) -> list[float]:
    """Return for each statement which share of its runs of `RUN` words was said before, in it too, 0-1."""
    seen: set[int] = set()
    known = 0
    shares: list[float] = []
    for words in lexed:
        runs = len(words) - RUN + 1
        if runs < 1:
            shares.append(0.0)
            continue
        lows = [word.low for word in words]
        # hashes, since tuples would take four times as much; without the keyword, which a tenth of the time goes to
        seen.update(map(hash, zip(lows, lows[1:], lows[2:], lows[3:])))  # noqa: B905
        before, known = known, len(seen)
        shares.append(1.0 - (known - before) / runs)
    return shares


def inner_names(texts: Iterable[str]) -> frozenset[str]:
    """Collect words that stand capitalised inside a sentence: behind a small letter, a digit or a comma."""
    text = "\n".join(texts)
    found: set[str] = set()
    end = 0  # of two names in a row the second is not behind a small letter of its own
    for match in _CAPITAL.finditer(text):
        start = match.start()
        if start > end and _BEFORE_NAMES(text[start - 1]):
            found.add(match[1])
            end = match.end()
    return frozenset(map(str.lower, found))


_CAPITAL = re.compile(r" ([A-Z][a-zà-ÿ][\w-]*)")
_BEFORE_NAMES = re.compile("[a-zà-ÿ0-9,]").match
