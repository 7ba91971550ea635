"""Where a summary ends and the kept tail begins. Pure; source: SPEC section 4, point 1."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from cortex_cli.groups import cut_at_or_before, safe_cuts
from cortex_cli.layers.tail import Room, longest_tail, start_of_tail
from cortex_cli.messages import Message


class Partition(NamedTuple):
    """What is summarised and what stays."""

    summarized: tuple[int, ...]
    """Positions that the summary replaces; empty: there is nothing to summarise."""
    pinned: int | None
    """Of a split turn: position of its typed message, which stays verbatim right after the summary."""
    tail: int
    """Position of the first message of the kept tail."""
    reason: str = ""
    """Why there is nothing to summarise."""
    given_up: int = 0
    """How many of the newest messages are summarised for want of room, which else had stayed."""
    summary_tokens: int = 0
    """What the summary needs where the tail took the rest of the room; 0: all that the tail leaves is the summary's."""


def plan_partition(
    messages: Sequence[Message],
    sizes: Sequence[int],
    *,
    keep_recent_messages: int,
    keep_recent_tokens: int = 0,
    room_tokens: int | None = None,
    fit: Room | None = None,
) -> Partition:
    """Choose the cut.

    Args:
        messages: The live path.
        sizes: Tokens of each message.
        keep_recent_messages: Newest counted messages to keep verbatim; >= 0.
        keep_recent_tokens: Keep as many of the newest messages as fit in this instead; 0: count messages.
        room_tokens: What all kept messages together may take; None: no budget is known, no turn is split.
        fit: What there is for the summary and the kept messages; where it is too little for both, fewer of the newest
            messages are kept, and more than asked for where it is enough for them. None: as many as asked for.

    Returns:
        A partition that splits no call from its results and never gives the latest typed message away.
    """
    cuts = safe_cuts(messages)
    tail = cut_at_or_before(cuts, _wanted_cut(messages, sizes, keep_recent_messages, keep_recent_tokens))
    typed = max((i for i, message in enumerate(messages) if message.typed), default=None)
    wanted = tail
    if fit is not None:
        tail = start_of_tail(messages, sizes, cuts[bisect_left(cuts, tail) :], typed, fit)
    longer = None
    if fit is not None and fit.least and tail == wanted:
        longer = longest_tail(messages, cuts[: bisect_left(cuts, tail)], sizes, fit)
        tail = longer.start if longer else tail
    pinned = None
    if typed is not None and typed < tail:
        whole_turn = cut_at_or_before(cuts, typed)
        if room_tokens is None or _kept_tokens(messages, sizes, whole_turn) <= room_tokens:
            tail = whole_turn
        else:
            pinned = typed
    chosen = tuple(i for i in range(tail) if i != pinned and not messages[i].slot)
    if all(messages[i].synthetic for i in chosen):
        why = "nothing but an earlier summary" if chosen else "nothing"
        return Partition((), None, tail, f"{why} before the {len(messages) - tail} messages that are kept")
    given_up = sum(messages[i].counts_as_recent for i in range(wanted, tail) if i != pinned)
    return Partition(chosen, pinned, tail, given_up=given_up, summary_tokens=longer.summary_tokens if longer else 0)


def _wanted_cut(messages: Sequence[Message], sizes: Sequence[int], count: int, tokens: int) -> int:
    """Find the first message to keep, before groups and turns are looked at."""
    if tokens:
        backwards = accumulate(reversed(sizes))
        return len(messages) - sum(total <= tokens for total in backwards)
    counted = [i for i, message in enumerate(messages) if message.counts_as_recent]
    if count <= 0:
        return len(messages)
    return counted[-count] if count <= len(counted) else 0


def _kept_tokens(messages: Sequence[Message], sizes: Sequence[int], tail: int) -> int:
    return sum(size for i, size in enumerate(sizes) if i >= tail or messages[i].slot)
