"""What a live session keeps of the list that the caller hands over, and how it knows that list again.

The caller may keep its own list whole, or go on with what it was given, or with what was saved: each of them is
recognised by its beginning. Frozen values; a pass that fails leaves the one from before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from cortex_cli.growing import common_length, note_longer
from cortex_cli.live.document import same_length, shell_of

_FROZEN = (tuple, str)
"""Our own messages, and texts."""


@dataclass(frozen=True, slots=True)
class History:
    """The saved history, and the lists that it is known by."""

    values: tuple[Any, ...] = ()
    """What is kept: the caller's objects where nothing was done to them."""
    origins: Sequence[int] = range(0)
    """Of each: its index in the caller's list; -1: it is ours. A range: the values are the caller's list itself."""
    solid: int = 0
    """So many of the caller's messages are not all kept: what begins otherwise was never compacted."""
    source: tuple[Any, ...] = ()
    """Shells of the list that the caller handed over last."""
    sent: tuple[Any, ...] = ()
    """Shells of what it was given back."""
    places: Sequence[int] | None = ()
    """`sent_at`; None: the shells are what was given back itself, the values are found there."""
    added: int = 0
    """So many of the values came with the newest list."""
    is_frozen: bool = True
    """What the caller handed over cannot be edited in place, so that what is equal is as good."""
    is_other: bool = False
    """The newest list is of another conversation, or was taken back to before a compaction."""

    @property
    def sent_at(self) -> Sequence[int]:
        """Of each of the values: its index in what was given back; -1: it was sent in another form."""
        if self.places is not None:
            return self.places
        at = {id(value): place for place, value in enumerate(self.sent)}
        return tuple([at.get(id(value), -1) for value in self.values])

    def follow(self, given: Sequence[Any]) -> "History":
        """Return the history with what the caller added, or without what it took back."""
        given = given if isinstance(given, tuple) else tuple(given)
        if self.sent is not self.source and self.sent != self.source and self._is_continued(self.sent, given):
            return self._rebased(given, len(self.sent), given_as_sent=True)
        same = same_length(self.source, given)
        if same == len(self.source):
            return self._grown(given, same)
        if self.solid and self._is_continued(self.values, given):
            return self._rebased(given, len(self.values), given_as_sent=False)
        kept = [at for at, origin in enumerate(self.origins) if origin < same]
        ends_in_ours = 0 < same == len(given) and (not kept or self.origins[kept[-1]] != same - 1)
        if same < self.solid or ends_in_ours:  # what the model is to answer must stand there itself
            return replace(History().follow(given), is_other=True)
        shorter = replace(
            self,
            values=tuple(self.values[at] for at in kept),
            origins=self.origins[:same] if isinstance(self.origins, range) else tuple(self.origins[at] for at in kept),
            source=self.source[:same],
            sent=(),
            places=(),
        )
        return shorter._grown(given, same)

    def _is_continued(self, shells: Sequence[Any], given: Sequence[Any]) -> bool:
        return bool(shells) and same_length(shells, given) == len(shells)

    def _grown(self, given: tuple[Any, ...], same: int) -> "History":
        known, added = self._renewed(given), given[same:]
        is_whole = isinstance(known.origins, range) and len(known.origins) == same
        is_frozen = self.is_frozen and all(isinstance(one, _FROZEN) for one in added)
        values = given if is_whole else known.values + added
        return replace(
            known,
            values=note_longer(values, self.values) if known.values is self.values else values,
            origins=range(len(given)) if is_whole else (*known.origins, *range(same, len(given))),
            source=given if is_frozen else known.source + tuple(map(shell_of, added)),
            added=len(added),
            is_frozen=is_frozen,
            is_other=False,
        )

    def _renewed(self, given: tuple[Any, ...]) -> "History":
        """Return the history with the caller's objects of now: its marks may have moved, its list may be a copy."""
        if self.is_frozen:
            return self
        if isinstance(self.origins, range):
            values: tuple[Any, ...] = given[: len(self.values)]
        else:
            pairs = zip(self.values, self.origins, strict=True)
            values = tuple([given[at] if self._is_own(value, at, given) else value for value, at in pairs])
        source = self.source
        if common_length(source, given) < len(source):
            both = zip(source, given, strict=False)
            source = tuple(shell if shell == value else shell_of(value) for shell, value in both)
        return replace(self, values=values, source=source)

    def _is_own(self, value: Any, at: int, given: Sequence[Any]) -> bool:
        """Tell whether the caller's own object was kept, not one that was edited here."""
        return at >= 0 and (value is given[at] or bool(self.source[at] == value))

    def _rebased(self, given: tuple[Any, ...], same: int, *, given_as_sent: bool) -> "History":
        """Go on with a list that is ours already: what was taken out of it is gone."""
        source = tuple(map(shell_of, given[:same]))
        is_frozen = all(isinstance(one, _FROZEN) for one in source)
        origins = self.sent_at if given_as_sent else tuple(range(len(self.values)))
        known = replace(self, origins=origins, solid=same, source=source, sent=(), places=(), is_frozen=is_frozen)
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
        solid = max(self.solid, next(lost, -1) + 1)
        return replace(self, values=tuple(values), origins=origins, solid=solid, sent=(), places=())

    def returned(self, sent: Sequence[Any], *, is_untouched: bool = False) -> "History":
        """Remember what the caller was given.

        Args:
            sent: All of it.
            is_untouched: It is the values themselves.
        """
        if is_untouched and self.source is self.values:
            return replace(self, sent=self.source, places=None)
        same = len(self.sent)
        if not same or common_length(sent, self.sent) < same:
            same = 0
        is_own = not same or self.places is None
        if is_own and isinstance(sent, tuple) and all(isinstance(one, _FROZEN) for one in sent[same:]):
            return replace(self, sent=sent, places=None)
        same = same if self.places is not None else 0
        before = (self.places or ()) if same else ()
        known = len(before)
        at = dict(zip(map(id, sent[same:]), range(same, len(sent)), strict=True))
        sent_at = [at.get(id(value), -1) for value in self.values[known:]]
        shells = tuple(map(shell_of, sent[same:]))
        return replace(self, sent=self.sent[:same] + shells, places=(*before, *sent_at))
