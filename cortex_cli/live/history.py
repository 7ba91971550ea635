"""What a live session keeps of the list that the caller hands over, and how it knows that list again.

The caller may keep its own list whole, or go on with what it was given, or with what was saved: each of them is
recognised by its beginning. Frozen values; a pass that fails leaves the one from before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from cortex_cli.live.document import common_length, shell_of


@dataclass(frozen=True, slots=True)
class History:
    """The saved history, and the lists that it is known by."""

    values: tuple[Any, ...] = ()
    """What is kept: the caller's objects where nothing was done to them."""
    origins: tuple[int, ...] = ()
    """Of each: its index in the caller's list; -1: it is ours."""
    solid: int = 0
    """So many of the caller's messages are not all kept: what begins otherwise was never compacted."""
    source: tuple[Any, ...] = ()
    """Shells of the list that the caller handed over last."""
    sent: tuple[Any, ...] = ()
    """Shells of what it was given back."""
    added: int = 0
    """So many of the values came with the newest list."""

    def follow(self, given: Sequence[Any]) -> "History":
        """Return the history with what the caller added, or without what it took back."""
        if self.sent != self.source and self._is_continued(self.sent, given):
            return self._rebased(given, len(self.sent))
        same = common_length(self.source, given)
        if same == len(self.source):
            return self._grown(given, same)
        if self.solid and self._is_continued(self.values, given):
            return self._rebased(given, len(self.values))
        if same < self.solid:
            return History().follow(given)
        kept = [at for at, origin in enumerate(self.origins) if origin < same]
        shorter = replace(
            self,
            values=tuple(self.values[at] for at in kept),
            origins=tuple(self.origins[at] for at in kept),
            source=self.source[:same],
        )
        return shorter._grown(given, same)

    def _is_continued(self, shells: Sequence[Any], given: Sequence[Any]) -> bool:
        return bool(shells) and common_length(shells, given) == len(shells)

    def _grown(self, given: Sequence[Any], same: int) -> "History":
        return replace(
            self,
            values=(*self.values, *given[same:]),
            origins=(*self.origins, *range(same, len(given))),
            source=(*self.source, *map(shell_of, given[same:])),
            added=len(given) - same,
        )

    def _rebased(self, given: Sequence[Any], same: int) -> "History":
        """Go on with a list that is ours already: nothing of it can be told from what it was made of."""
        source = tuple(map(shell_of, given[:same]))
        known = replace(self, origins=(-1,) * len(self.values), solid=same, source=source, sent=())
        return known._grown(given, same)

    def compacted(self, values: Sequence[Any], places: Sequence[int]) -> "History":
        """Return the history after a compaction.

        Args:
            values: What is left.
            places: Of each: its index in `values` of this history; -1 for a new one.
        """
        origins = tuple(self.origins[at] if at >= 0 else -1 for at in places)
        kept = set(origins)
        lost = (at for at in range(len(self.source) - 1, -1, -1) if at not in kept)
        return replace(self, values=tuple(values), origins=origins, solid=max(self.solid, next(lost, -1) + 1))

    def returned(self, sent: Sequence[Any]) -> "History":
        """Remember what the caller was given."""
        return replace(self, sent=tuple(map(shell_of, sent)))
