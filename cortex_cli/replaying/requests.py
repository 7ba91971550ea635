"""Requests of one session, each as what became of the one before: what stays at its beginning, and what follows."""

from collections.abc import Sequence
from typing import NamedTuple

from cortex_cli.growing import common_length
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
        self._whole: Sequence[Message] = ()
        """The same, as it was handed over to `step_to`."""
        self._next: Sequence[Message] = ()

    def step_to(self, messages: Sequence[Message]) -> Step:
        """Tell what becomes of it where these messages are sent next."""
        same = common_length(self._whole or self.messages, messages)
        self._next = messages
        return Step(same, messages[same:])

    def take(self, step: Step) -> list[Message]:
        """Go on to the next request; return the messages that stand there no longer, or otherwise."""
        gone = self.messages[step.same :]
        del self.messages[step.same :]
        self.messages.extend(step.added)
        self._whole, self._next = self._next, ()
        return gone
