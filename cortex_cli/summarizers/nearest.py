"""Which earlier claim a change may mean that tells its subject in other words: the one that shares its rarest words.

`we pushed the nightly job to 03:10` means `the nightly export begins at 01:30`, if no other time of day is said of
anything nightly. Where two claims come near, neither is meant.
"""

from collections import defaultdict
from collections.abc import Sequence, Set
from math import log

from cortex_cli.summarizers.claims import Claim
from cortex_cli.summarizers.subjects import are_apart

MOST_WITH_WORD = 8
"""Claims that share a word which still says something of what they are about."""

NEAREST_BY = 1.25
"""So many times more must a claim share with a change than claims of other values do."""


class Nearest:
    """Finds claims by the words that they share.

    Args:
        claims: All so far, oldest first; may grow.
    """

    def __init__(self, claims: Sequence[Claim]) -> None:
        self._claims = claims
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        self._known = 0

    def find(self, claim: Claim, gone: Set[int]) -> list[int]:
        """Return the positions of the claims that share the rarest words with one, if those are of one thing.

        Args:
            claim: Says a value, and that it is a change.
            gone: Positions of claims that hold no more.
        """
        self._learn()
        shared: defaultdict[int, float] = defaultdict(float)
        for stem in _plain_stems(claim):
            row = self._by_word.get(stem, ())
            if 0 < len(row) <= MOST_WITH_WORD:
                for at in row:
                    shared[at] += log(len(self._claims) + 2) - log(len(row))
        alike = {
            at: score for at, score in shared.items() if at not in gone and _are_of_a_kind(self._claims[at], claim)
        }
        if not alike:
            return []
        best = max(alike, key=alike.__getitem__)
        values = self._claims[best].values
        rivals = [score for at, score in alike.items() if self._claims[at].values != values]
        if max(rivals, default=0.0) * NEAREST_BY > alike[best] or are_apart(self._claims[best], claim):
            return []
        return [at for at in alike if self._claims[at].values == values and alike[at] * NEAREST_BY > alike[best]]

    def _learn(self) -> None:
        """Take in the words of new claims; not before they are asked for, since few changes need them."""
        for at in range(self._known, len(self._claims)):
            for stem in _plain_stems(self._claims[at]) if self._claims[at].values else ():
                self._by_word[stem].append(at)
        self._known = len(self._claims)


def _plain_stems(claim: Claim) -> set[str]:
    """Return the stems of its words that are no values and no units."""
    units = {word for values in claim.values.values() for value in values for word in value.split()}
    return {word.stem for word in claim.words if word.stem and not word.kind and word.low not in units}


def _are_of_a_kind(was: Claim, now: Claim) -> bool:
    """Tell whether both say a value of the same kind, in the same unit, and not the same one; names are of any kind."""
    for family, new in now.values.items():
        old = was.values.get(family)
        if family != "label" and old is not None and old - new and new - old:
            return family != "amount" or _is_same_unit(_units(old - new), _units(new - old))
    return False


def _is_same_unit(some: Set[str], others: Set[str]) -> bool:
    return "" in some or "" in others or not some.isdisjoint(others)


def _units(values: Set[str]) -> set[str]:
    return {value.partition(" ")[2] for value in values}
