"""Walks over conversations that grow from call to call: what was walked over already is not walked over again."""

from collections.abc import Callable, ItemsView, Iterator, Mapping, Sequence
from itertools import islice
from threading import RLock
from typing import Any, Generic, Protocol, TypeVar

from cortex_cli.messages import Message

T = TypeVar("T")

NOTED = 16
"""Sequences whose beginning is known without a look: a live session makes three or four with every call."""

_noted: dict[int, tuple[tuple[object, ...], tuple[object, ...]]] = {}
"""By identity of the longer one: it and what it begins with, held so that their places are not given to others."""
_noting = RLock()


def note_longer(whole: tuple[T, ...], beginning: tuple[T, ...]) -> tuple[T, ...]:
    """Remember that one sequence begins with another, which whoever made it longer knows; return it."""
    with _noting:
        _noted[id(whole)] = (whole, beginning)
        if len(_noted) > NOTED:
            del _noted[next(iter(_noted))]
    return whole


def begins_with(whole: tuple[T, ...], beginning: tuple[T, ...]) -> bool:
    """Tell whether one sequence begins with another: at once where it was noted, else at the speed of memory."""
    size = len(beginning)
    if whole is beginning or not size or _is_noted(whole, beginning):
        return True
    return len(whole) >= size and whole[size - 1] == beginning[-1] and common_length(whole, beginning) == size


def _is_noted(whole: object, beginning: object) -> bool:
    noted = _noted.get(id(whole))
    return noted is not None and noted[0] is whole and noted[1] is beginning


def find_beginning(whole: tuple[T, ...], known: Sequence[tuple[T, ...]]) -> int | None:
    """Find a sequence that another begins with: one that was noted before all that have to be looked at."""
    at = next((at for at, one in enumerate(known) if one is whole or _is_noted(whole, one)), None)
    return at if at is not None else next((at for at, one in enumerate(known) if begins_with(whole, one)), None)


COMPARED = 1_024
"""Elements that are compared at a time: slices so short stay in the processor's cache."""


def common_length(one: Sequence[object], other: Sequence[object]) -> int:
    """Return how many elements two sequences begin with in common: noted, else at the speed of memory."""
    most = min(len(one), len(other))
    if one is other or _is_noted(other, one) or _is_noted(one, other):
        return most
    for start in range(0, most, COMPARED):
        end = min(start + COMPARED, most)
        if tuple(one[start:end]) != tuple(other[start:end]):
            return next(at for at in range(start, end) if one[at] != other[at])
    return most


HELD = 2
"""Conversations that a walk is kept of: a live session has one as it was said and one as it is sent."""


class Snapshot(Mapping[int, T]):
    """A dict that only gets further entries, as it was when so many were in it; copied when it is gone through.

    Args:
        entries: By position, ascending.
        lock: Held by whoever adds entries.
    """

    __slots__ = ("_copy", "_count", "_entries", "_last", "_lock")

    def __init__(self, entries: dict[int, T], lock: RLock) -> None:
        self._entries = entries
        self._count = len(entries)
        self._last = next(reversed(entries), -1)
        self._lock = lock
        self._copy: dict[int, T] | None = None

    def __getitem__(self, key: int) -> T:
        if key > self._last:
            raise KeyError(key)
        return self._entries[key]

    def get(self, key: int, default: Any = None) -> Any:
        """Return the entry of a key, as `dict.get`."""
        return self._entries.get(key, default) if key <= self._last else default

    def __iter__(self) -> Iterator[int]:
        return iter(self._dict())

    def __len__(self) -> int:
        return self._count

    def items(self) -> ItemsView[int, T]:
        """Return all entries, as `dict.items`."""
        return self._dict().items()

    def _dict(self) -> dict[int, T]:
        if self._copy is None:
            with self._lock:
                self._copy = dict(islice(self._entries.items(), self._count))
        return self._copy


class Walk(Protocol):
    """What is known of a conversation from its beginning up to some message."""

    def take(self, messages: Sequence[Message], start: int) -> None:
        """Walk on over the messages from `start` to the end."""


W = TypeVar("W", bound=Walk)
R = TypeVar("R")


class Growing(Generic[W, R]):
    """Remembers what walks over the newest conversations found.

    Args:
        begin: Makes a walk that has seen nothing.
        result: What is to be told of a walk; must not change when it goes on.
    """

    def __init__(self, begin: Callable[[], W], result: Callable[[W], R]) -> None:
        self._begin = begin
        self._result = result
        self._known: tuple[tuple[tuple[Message, ...], W | None, R], ...] = ()
        """Without a walk: it is that of other messages, of which the same is told."""
        self.lock = RLock()
        """Held while a walk goes on."""

    def over(self, messages: Sequence[Message]) -> R:
        """Return what the walk over all messages finds. Only tuples are remembered: nothing else stays as it is."""
        for seen, _, result in self._known:
            if seen is messages:
                return result
        if not isinstance(messages, tuple):
            walk = self._begin()
            walk.take(messages, 0)
            return self._result(walk)
        with self.lock:  # a walk goes on for one thread at a time
            alive = [one for one in self._known if one[1] is not None]
            at = find_beginning(messages, [one[0] for one in alive])
            known = None if at is None else alive[at]
            rest = tuple(one for one in self._known if one is not known)
            walk, start = (known[1], len(known[0])) if known and known[1] is not None else (self._begin(), 0)
            self._known = rest  # should the walk fail, it is not gone on with
            walk.take(messages, start)
            result = self._result(walk)
            self._known = ((messages, walk, result), *rest[: HELD - 1])
        return result

    def note_same(self, messages: tuple[Message, ...], before: tuple[Message, ...]) -> None:
        """Take over what was found of a conversation for another; whoever made it knows that it is the same there."""
        with self.lock:
            found = next((result for seen, _, result in self._known if seen is before), None)
            if found is not None and messages is not before:
                self._known = ((messages, None, found), *self._known[: HELD - 1])
