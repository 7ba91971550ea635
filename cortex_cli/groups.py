"""Which messages belong together: calls with their results, turns, and where a cut splits nothing.

Results answer calls by id, adjacent or not. An id that comes again later (gateways repeat them from
turn to turn) joins within its turn, with the nearest earlier call that is still open. What is wrong with a
conversation is told by `validity`, what is done about it by `repair`.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cortex_cli.growing import Growing, Snapshot
from cortex_cli.messages import Message, build


class CallSite(NamedTuple):
    """Where a tool call stands."""

    message: int
    """Position of its assistant message."""
    part: int
    """Position in that message's `parts`."""


class Pairing(NamedTuple):
    """Which result answers which call. All positions are indices into the messages that were paired."""

    answers: Mapping[int, CallSite]
    """Position of a result -> the call that it answers; every call is answered at most once."""
    repeats: Mapping[int, CallSite]
    """Position of a further result -> the call with its id, which had its answer before."""
    orphans: tuple[int, ...]
    """Results that no earlier call has the id of."""
    open_calls: tuple[CallSite, ...]
    """Calls without a result, in order."""
    live: int | None
    """Position of the assistant message whose open calls may still be answered: the newest message but for results."""

    @property
    def dead_calls(self) -> tuple[CallSite, ...]:
        """Open calls that nobody will answer: something else was said since."""
        return tuple(site for site in self.open_calls if site.message != self.live)


class Group(NamedTuple):
    """An assistant message with calls and all results that answer them, or one message alone."""

    members: tuple[int, ...]
    """Positions of its messages, ascending; results need not be adjacent."""
    is_open: bool = False
    """It may still get results: a cut after it would part them from their call."""

    @property
    def start(self) -> int:
        """Position of its first message."""
        return self.members[0]

    @property
    def end(self) -> int:
        """Position after its last message; messages of other groups may stand between."""
        return self.members[-1] + 1


class _Pairs:
    """Joins results with calls, message by message."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[list[CallSite]]] = {}
        """Open calls by id, those of one message together."""
        self._given_up: list[CallSite] = []
        self._answered: dict[str, CallSite] = {}
        self._answers: dict[int, CallSite] = {}
        self._repeats: dict[int, CallSite] = {}
        self._orphans: list[int] = []
        self._live: int | None = None
        self._turn = 0

    def take(self, messages: Sequence[Message], start: int) -> None:
        for position in range(start, len(messages)):
            message = messages[position]
            role = message.role
            if role == "tool":
                self._take_result(position, message)
            elif role == "assistant":
                self._live = position
                for index, part in enumerate(message.parts):
                    if part.kind == "call":
                        site = build(CallSite, (position, index))
                        if by_message := self._waiting.get(part.call_id):
                            self._given_up += _await_again(site, self._turn, by_message)
                        else:
                            self._waiting[part.call_id] = [[site]]
            else:
                self._live = None
                self._turn = position if role == "user" else self._turn

    def _take_result(self, position: int, message: Message) -> None:
        result = message.result
        call_id = result.call_id if result else ""
        if open_calls := self._waiting.get(call_id):
            self._answers[position] = self._answered[call_id] = open_calls[-1].pop(0)
            if not open_calls[-1]:
                open_calls.pop()
            if not open_calls:
                del self._waiting[call_id]
        elif call_id in self._answered:
            self._repeats[position] = self._answered[call_id]
        else:
            self._orphans.append(position)

    def pairing(self) -> Pairing:
        still_open = [site for by_message in self._waiting.values() for sites in by_message for site in sites]
        open_calls = tuple(sorted(self._given_up + still_open))
        answers, repeats = Snapshot(self._answers, _pairs.lock), Snapshot(self._repeats, _pairs.lock)
        return Pairing(answers, repeats, tuple(self._orphans), open_calls, self._live)


_pairs = Growing(_Pairs, _Pairs.pairing)


def pair_calls(messages: Sequence[Message]) -> Pairing:
    """Join every result with the nearest earlier call of its id that has no result yet."""
    return _pairs.over(messages)


def _await_again(site: CallSite, turn: int, by_message: list[list[CallSite]]) -> list[CallSite]:
    """Note a call whose id others wait with; return those of an earlier turn, whose id it takes over."""
    given_up: list[CallSite] = []
    if by_message[-1][0].message < turn:
        given_up = [site for sites in by_message for site in sites]
        by_message.clear()
    if by_message and by_message[-1][0].message == site.message:
        by_message[-1].append(site)
    else:
        by_message.append([site])
    return given_up


def call_groups(messages: Sequence[Message], pairing: Pairing | None = None) -> tuple[Group, ...]:
    """Split a conversation into groups, in the order of their first messages.

    Args:
        messages: The conversation.
        pairing: What `pair_calls` says of it, where that is known already.

    Returns:
        Every message stands in exactly one group. A repeated result stands in its call's group, an orphan alone.
    """
    pairing = pair_calls(messages) if pairing is None else pairing
    sites = dict(pairing.repeats.items()) | dict(pairing.answers.items())
    members: dict[int, list[int]] = {}
    for position in range(len(messages)):
        site = sites.get(position)
        members.setdefault(site.message if site else position, []).append(position)
    live = {site.message for site in pairing.open_calls if site.message == pairing.live}
    return tuple(Group(tuple(found), start in live) for start, found in members.items())


def group_of(groups: Sequence[Group]) -> dict[int, Group]:
    """Return the group of every position."""
    return {position: group for group in groups for position in group.members}


def safe_cuts(messages: Sequence[Message]) -> tuple[int, ...]:
    """Find where a conversation may be cut in two without splitting a group.

    Returns:
        Ascending positions of a first kept message, 0 always among them. `len(messages)` (keep nothing)
        is not, where the newest calls wait for their results.
    """
    return _cuts.over(messages)


class _Cuts:
    """Takes every place for a cut until a result shows that it stands within a group."""

    def __init__(self) -> None:
        self._cuts: list[int] = []
        self._length = 0
        self._pairing: Pairing | None = None

    def take(self, messages: Sequence[Message], start: int) -> None:
        self._pairing = pairing = pair_calls(messages)
        self._length = len(messages)
        for position in range(start, len(messages)):
            self._cuts.append(position)
            if messages[position].role == "tool" and (
                site := pairing.answers.get(position) or pairing.repeats.get(position)
            ):
                while self._cuts[-1] > site.message:
                    self._cuts.pop()

    def cuts(self) -> tuple[int, ...]:
        pairing = self._pairing
        is_open = pairing is not None and any(site.message == pairing.live for site in pairing.open_calls)
        if pairing is None or pairing.live is None or not is_open:
            return (*self._cuts, self._length)
        return tuple(self._cuts[: bisect_right(self._cuts, pairing.live)])


_cuts = Growing(_Cuts, _Cuts.cuts)


def cut_at_or_before(cuts: Sequence[int], at: int) -> int:
    """Move a wanted cut back to the nearest safe one: to before the call, where it fell inside a group.

    Args:
        cuts: What `safe_cuts` found.
        at: The wanted position of the first kept message, 0 or more.
    """
    return cuts[bisect_right(cuts, at) - 1]


def turns(messages: Sequence[Message]) -> tuple[range, ...]:
    """Return the positions of every turn: a typed user message and all up to the next.

    What stands before the first typed message is in no turn.
    """
    starts = [position for position, message in enumerate(messages) if message.typed]
    return tuple(map(range, starts, [*starts[1:], len(messages)]))
