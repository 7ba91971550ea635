"""What the failsafe puts between users that meet once it has dropped what was there.

The notice parts two of them: where it stands, else the first two that meet. Any others get an answer that says what
was there, since both would become one message without it. Only in formats where user and assistant take turns.
Source: SPEC section 10.
"""

from bisect import bisect_left
from collections.abc import Collection, Container, Sequence
from itertools import pairwise

from cortex_cli.messages import Message
from cortex_cli.seams import PARTING, Seams


def find_partings(messages: Sequence[Message], pinned: Container[int]) -> frozenset[int]:
    """Find the parting answers of an earlier run: between two messages that always stay."""
    return frozenset(
        at
        for at, message in enumerate(messages)
        if message.synthetic == "parting" and at - 1 in pinned and at + 1 in pinned
    )


class Meetings:
    """How many pairs of users meet, for any number of dropped groups."""

    def __init__(
        self, seams: Seams, heads: Sequence[int], groups: Sequence[int], pinned: Collection[int], marks: Container[int]
    ) -> None:
        """Look at what stays.

        Args:
            seams: Of the conversation.
            heads: Of every message that could leave, the first one of its group.
            groups: The first messages of those that may leave, oldest first.
            pinned: Positions of what always stays.
            marks: Positions of what earlier runs put in and this one writes anew.
        """
        self._seams = seams
        self._pinned = sorted(pinned)
        self._starts = groups
        may_leave = set(groups)
        leaving = {at for at, head in enumerate(heads) if head in may_leave}
        others = [at for at in range(len(seams.messages)) if at not in leaving and at not in pinned and at not in marks]
        self._first_other = others[0] if others else len(seams.messages)
        self._needed = [
            bisect_left(self._starts, after)  # so many groups must leave before the two meet
            for before, after in pairwise(self._pinned)
            if bisect_left(others, before) == bisect_left(others, after) and seams.meet(before, after)
        ]

    def count(self, dropped: int) -> int:
        """Count them once so many of the oldest groups are gone."""
        rest = min([self._first_other, *self._starts[dropped : dropped + 1]])
        front = bisect_left(self._pinned, rest)
        meets_rest = front > 0 and self._seams.meet(self._pinned[front - 1], rest)
        return sum(needed <= dropped for needed in self._needed) + meets_rest


def put_between(seams: Seams, kept: Sequence[int], place: int, notice: Message) -> list[Message]:
    """Put the notice, and what else must part two users, between the messages that stay.

    Args:
        seams: Of the conversation.
        kept: Positions of what stays, without what earlier runs put in.
        place: Index into `kept` of what the notice comes before, where it parts no others.
        notice: What was removed.
    """
    messages = seams.messages
    meetings = [at for at, pair in enumerate(pairwise([*kept, len(messages)]), start=1) if seams.meet(*pair)]
    if meetings and place not in meetings:
        place = meetings[0]
    done: list[Message] = [notice] if place == 0 else []
    for at, position in enumerate(kept, start=1):
        done.append(messages[position])
        if at == place:
            done.append(notice)
        elif at in meetings:
            earlier = messages[position + 1]
            done.append(earlier if earlier.synthetic == "parting" else PARTING)
    return done
