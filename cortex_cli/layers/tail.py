"""How many of the newest messages stay verbatim where the result must be small. Pure; source: SPEC section 4, "Size".

A summary that gets too little says little of what holds, and what the newest messages say of it is only what was said
last. So the tail gives way: what leaves it is summarised with the rest. Where there is room to spare, more messages
stay than usual, the results among them by their ends and telling lines: that says more of them than a summary does.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from cortex_cli.messages import Message

RESULT_TOKENS = 50
"""Of a tool result in a tail that has to be small: the later rungs of `--fit` leave a placeholder of it, which comes
before a message leaves."""

LEAST_SUMMARIZED = 0.25
"""Of the messages' tokens, which a summary stands for at least: less is not worth one."""

SHARE_OF_REPLACED = 0.20
"""What a summary takes of the text that it stands for. Source: SPEC section 4, "Size"."""


class Room(NamedTuple):
    """What is left for a summary and the messages that stay."""

    tokens: int
    """For both together; slots and what is sent besides messages are off already."""
    summary: int
    """What the summary should have of it, where there is so much to say."""
    least: tuple[int, ...] = ()
    """Tokens of each message once layer 1 has shortened its result; empty: no more stays than usual."""
    summary_min: int = 0
    """What a summary takes however little it replaces, where more stays than usual."""


class Tail(NamedTuple):
    """A tail, and the summary beside it."""

    start: int
    """Position of its first message."""
    summary_tokens: int
    """What the summary needs of the room."""


def start_of_tail(
    messages: Sequence[Message], sizes: Sequence[int], cuts: Sequence[int], typed: int | None, room: Room
) -> int:
    """Find the longest tail beside which a summary has its room; the newest message stays however large it is.

    Args:
        messages: The live path.
        sizes: Tokens of each message.
        cuts: Where the tail may start, ascending; the first keeps all that should be kept.
        typed: Position of the latest typed message, which stays in any case; None: there is none.
        room: What there is.

    Returns:
        One of `cuts`.
    """
    newest = max((i for i, message in enumerate(messages) if message.counts_as_recent), default=0)
    possible = [cut for cut in cuts if cut == cuts[0] or cut <= newest]
    for cut in possible:
        kept = [i for i in range(len(messages)) if (i >= cut or i == typed) and not messages[i].slot]
        replaced = [i for i in range(cut) if i != typed and not messages[i].slot]
        wanted = min(room.summary, int(sum(_condensed(messages[i], sizes[i]) for i in replaced)))
        if wanted + sum(_least_tokens(messages[i], sizes[i]) for i in kept) <= room.tokens:
            return cut
    return possible[-1]


def longest_tail(messages: Sequence[Message], cuts: Sequence[int], sizes: Sequence[int], room: Room) -> Tail | None:
    """Find the longest tail that has room beside a summary of all before it, however short its results become.

    Args:
        messages: The live path.
        cuts: Where the tail may start, ascending.
        sizes: Tokens of each message.
        room: What there is.

    Returns:
        None where none has room.
    """
    told = accumulate(map(_told, messages, sizes, room.least))
    needs = [0, *(max(room.summary_min, int(tokens)) for tokens in told)]
    kept = [0 if one.slot else size for one, size in zip(messages, room.least, strict=True)]
    left = [room.tokens - tokens for tokens in accumulate(reversed(kept), initial=0)][::-1]
    before = [*accumulate((0 if one.slot else size for one, size in zip(messages, sizes, strict=True)), initial=0)]
    least = LEAST_SUMMARIZED * before[-1]
    return next((Tail(cut, needs[cut]) for cut in cuts if before[cut] >= least and needs[cut] <= left[cut]), None)


def _told(message: Message, size: int, least: int) -> float:
    """Return what a summary needs for a message: all that a person said, of a result no more than stays of it else."""
    if message.slot:
        return 0.0
    return size if message.typed else min(_condensed(message, size), least)


def _least_tokens(message: Message, size: int) -> int:
    """Return what a kept message takes once its results have been shortened as far as they can be."""
    return min(size, RESULT_TOKENS) if message.role == "tool" else size


def _condensed(message: Message, size: int) -> float:
    """Return what a summary needs for a message; an earlier summary is condensed already."""
    return size if message.synthetic else SHARE_OF_REPLACED * size
