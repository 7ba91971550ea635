"""Which users would become one message if what is between them left, where user and assistant take turns.

Decides who must be parted, and what parts them where nothing else does; who puts it there is the layers' and repair's
matter, how it is written `formats.alternation`'s. Source: SPEC section 10.
"""

from collections.abc import Sequence
from itertools import accumulate

from cortex_cli.marks import ANSWER_REMOVED
from cortex_cli.messages import Message, Part

PARTING = Message("assistant", (Part("text", ANSWER_REMOVED),), synthetic="parting")
"""Stands between two users where an answer was."""


class Seams:
    """The users of one conversation, who may come to meet."""

    def __init__(self, messages: Sequence[Message], *, is_followed: bool = False) -> None:
        """Look at who speaks.

        Args:
            messages: The conversation.
            is_followed: Whether something comes behind them that is not looked at; it may be a user's.
        """
        self.messages = messages
        self._is_followed = is_followed
        self._answers = list(accumulate((message.role == "assistant" for message in messages), initial=0))

    def meet(self, before: int, after: int) -> bool:
        """Tell whether two messages become one where all between them leaves; neighbours already stay two.

        Args:
            before: A position.
            after: A later one; the number of messages for what comes behind them.
        """
        if self._answers[after] == self._answers[before] or not is_said(self.messages[before]):
            return False
        return self._is_followed if after == len(self.messages) else is_said(self.messages[after])


def is_said(message: Message) -> bool:
    """Tell whether it is a user message that load would not part from its neighbour; it knows ours by their form."""
    return message.role == "user" and not message.synthetic
