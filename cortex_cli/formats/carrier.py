"""How a session file takes up a compaction: which messages the record of it carries, and where the kept tail begins.

One rule for all session formats. The order that a client reads back is: slots that stood before, our
message, kept messages that stood apart, the tail. Source: SPEC section 11.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cortex_cli.messages import Message

OURS = ("summary", "log", "notice", "acknowledgement")
"""What a layer writes in the place of what it took out."""


class Carrier(NamedTuple):
    """A compacted conversation, as it goes into a session file."""

    slots: tuple[Message, ...]
    """Slots that stood before the tail, in their order."""
    ours: tuple[Message, ...]
    """New messages that stand for what left; at least one."""
    apart: tuple[Message, ...]
    """Other kept messages that something left between them and the tail: they move behind ours."""
    tail: tuple[Message, ...]
    """What stays where it is."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """All of it, in the order that a client reads it back."""
        return (*self.slots, *self.ours, *self.apart, *self.tail)

    @property
    def first_record(self) -> int | None:
        """Record that the carrier comes directly before; None where no tail is left."""
        return next((message.records[0] for message in self.tail if message.records), None)


def is_ours(message: Message) -> bool:
    """Tell whether a layer wrote a message in the place of others."""
    return message.position < 0 and message.synthetic in OURS


def plan_carrier(messages: Sequence[Message], *, after_record: int = -1) -> Carrier | None:
    """Split a compacted conversation.

    Args:
        messages: The conversation as it is now.
        after_record: Messages that stand in this record or before it cannot stay where they are (they are part of
            an earlier compaction).

    Returns:
        None where no layer put a message in the place of others.
    """
    last = max((index for index, message in enumerate(messages) if is_ours(message)), default=None)
    if last is None:
        return None
    before = [message for message in messages[:last] if not is_ours(message)]
    slots = [message for message in before if message.slot]
    apart = [message for message in before if not message.slot]
    tail = list(messages[last + 1 :])
    while apart and tail and _follows(apart[-1], tail[0]):
        tail.insert(0, apart.pop())
    cut = max(_new_results(tail), _standing_apart(tail), _bound(tail, after_record))
    ours = tuple(message for message in messages if is_ours(message))
    return Carrier(tuple(slots), ours, (*apart, *tail[:cut]), tuple(tail[cut:]))


def _follows(message: Message, next_message: Message) -> bool:
    return 0 <= message.position == next_message.position - 1


def _new_results(tail: Sequence[Message]) -> int:
    """Count the results at the start that repair wrote: their call stands before."""
    return next((i for i, message in enumerate(tail) if message.records or message.role != "tool"), len(tail))


def _standing_apart(tail: Sequence[Message]) -> int:
    """Count the messages at the start that lost what came right after them: the task of a split turn, slots."""
    count = 0
    while count + 1 < len(tail) and tail[count].role in ("user", "system") and tail[count + 1].position >= 0:
        if _follows(tail[count], tail[count + 1]):
            break
        count += 1
    return count


def _bound(tail: Sequence[Message], record: int) -> int:
    return max((i + 1 for i, message in enumerate(tail) if message.records and message.records[0] <= record), default=0)
