"""Requests of one session, each as what became of the one before: what stays at its beginning, and what follows."""

from collections.abc import Sequence
from typing import NamedTuple

from cortex_cli.messages import Message


class Step(NamedTuple):
    """The next request."""

    same: int
    """So many messages at the beginning are those of the request before."""
    added: Sequence[Message]
    """What follows them."""


class Request:
    """The newest request of a session. A step costs what it changes, however long the request is."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def step_to(self, messages: Sequence[Message]) -> Step:
        """Tell what becomes of it where these messages are sent next."""
        given = messages if isinstance(messages, list) else list(messages)
        same = common_prefix(self.messages, given)
        return Step(same, given[same:])

    def take(self, step: Step) -> list[Message]:
        """Go on to the next request; return the messages that stand there no longer, or otherwise."""
        gone = self.messages[step.same :]
        del self.messages[step.same :]
        self.messages.extend(step.added)
        return gone


def common_prefix(before: list[Message], after: list[Message]) -> int:
    """Return how many messages two requests begin with in common.

    Compared by slices, at the speed of memory: requests of one session share their messages as objects.
    """
    low, high = 0, min(len(before), len(after))
    if (before if high == len(before) else before[:high]) == after[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle
    return low
