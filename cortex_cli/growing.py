"""Walks over conversations that grow from call to call: what was walked over already is not walked over again."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, Protocol, TypeVar

from cortex_cli.messages import Message

HELD = 2
"""Conversations that a walk is kept of: a live session has one as it was said and one as it is sent."""


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
        self._known: tuple[tuple[tuple[Message, ...], W, R], ...] = ()
        self._lock = Lock()

    def over(self, messages: Sequence[Message]) -> R:
        """Return what the walk over all messages finds. Only tuples are remembered: nothing else stays as it is."""
        for seen, _, result in self._known:
            if seen is messages:
                return result
        if not isinstance(messages, tuple):
            walk = self._begin()
            walk.take(messages, 0)
            return self._result(walk)
        with self._lock:  # a walk goes on for one thread at a time
            known = next((one for one in self._known if messages[: len(one[0])] == one[0]), None)
            rest = tuple(one for one in self._known if one is not known)
            walk, start = (known[1], len(known[0])) if known else (self._begin(), 0)
            self._known = rest  # should the walk fail, it is not gone on with
            walk.take(messages, start)
            result = self._result(walk)
            self._known = ((messages, walk, result), *rest[: HELD - 1])
        return result
