"""Which messages belong together: calls with their results, turns, and where a cut splits nothing.

Results answer calls by id, adjacent or not. An id that comes again later (gateways repeat them from
turn to turn) joins within its turn, with the nearest earlier call that is still open. What is wrong with a
conversation is told by `validity`, what is done about it by `repair`.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from cortex_cli.growing import Growing, Snapshot
from cortex_cli.marks import RESULT_REMOVED
from cortex_cli.messages import Message, build

NO_RESULT = -1
"""Position of the result in a message of a tool that has none."""


class CallSite(NamedTuple):
    """Where a tool call stands."""

    message: int
    """Position of its assistant message."""
    part: int
    """Position in that message's `parts`."""


class ResultSite(NamedTuple):
    """Where a tool result stands, and what it is of."""

    part: int
    """Position in its message's `parts`."""
    tool: str
    """Name of the tool; empty where neither the result nor its call has it."""


class Pairing(NamedTuple):
    """Which result answers which call. All positions are indices into the messages that were paired."""

    answers: Mapping[int, CallSite]
    """Position of a result -> the call that it answers; every call is answered at most once."""
    repeats: Mapping[int, CallSite]
    """Position of a further result -> the call with its id, which had its answer before."""
    orphans: tuple[int, ...]
    """Results that no earlier call has the id of."""
    late: tuple[int, ...]
    """Answers with something that is no result between them and their call."""
    open_calls: tuple[CallSite, ...]
    """Calls without a result, in order."""
    live: int | None
    """Position of the assistant message whose open calls may still be answered: the newest message but for results."""
    shares_ids: bool
    """Two calls have the same id, near each other or not."""
    results: Mapping[int, ResultSite]
    """By the position of its message."""
    all_heads: Sequence[int]
    """`heads`, and behind them perhaps those of messages that came later."""
    size: int
    """How many messages were paired."""

    @property
    def dead_calls(self) -> tuple[CallSite, ...]:
        """Open calls that nobody will answer: something else was said since."""
        return tuple(site for site in self.open_calls if site.message != self.live)

    @property
    def heads(self) -> Sequence[int]:
        """Position of the first message of its group, for every message."""
        return self.all_heads[: self.size]


class Group(NamedTuple):
    """An assistant message with calls and all results that answer them, or one message alone.

    What repair puts between two answers, since they would be one without it, belongs to the first: it leaves with it.
    """

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
        self._waiting: dict[str, list[CallSite]] = {}
        """Open calls by id, in order."""
        self._given_up: list[CallSite] = []
        self._answered: dict[str, CallSite] = {}
        self._answers: dict[int, CallSite] = {}
        self._repeats: dict[int, CallSite] = {}
        self._orphans: list[int] = []
        self._late: list[int] = []
        self._results: dict[int, ResultSite] = {}
        self._heads: list[int] = []
        self._shares_ids = False
        self._newest = -1
        """Position of the newest message that is no result."""
        self._live: int | None = None
        self._turn = 0

    def take(self, messages: Sequence[Message], start: int) -> None:
        for position in range(start, len(messages)):
            message = messages[position]
            role = message.role
            if role == "tool":
                self._take_result(messages, position)
                continue
            head = self._newest = position
            self._live = position if role == "assistant" else None
            if role == "assistant":
                for index, part in enumerate(message.parts):
                    if part.kind == "call":
                        self._take_call(build(CallSite, (position, index)), part.call_id)
            elif role == "user":
                self._turn = position
                if _is_filler(message) and position and messages[position - 1].role == "assistant":
                    head -= 1
            self._heads.append(head)

    def _take_call(self, site: CallSite, call_id: str) -> None:
        waiting = self._waiting.get(call_id)
        self._shares_ids = self._shares_ids or waiting is not None or call_id in self._answered
        if waiting is None:
            self._waiting[call_id] = [site]
            return
        if waiting[-1].message < self._turn:  # it takes over the id from those of an earlier turn
            self._given_up += waiting
            waiting.clear()
        waiting.append(site)

    def _take_result(self, messages: Sequence[Message], position: int) -> None:
        call_id, tool, head = "", "", position
        place = NO_RESULT
        for index, part in enumerate(messages[position].parts):
            if part.kind == "result":
                place, call_id, tool = index, part.call_id, part.name
                break
        if (waiting := self._waiting.get(call_id)) is not None:
            site = waiting.pop(_first_of_newest(waiting) if len(waiting) > 1 else 0)
            if not waiting:
                del self._waiting[call_id]
            self._answers[position] = self._answered[call_id] = site
            head = site.message
            tool = tool or messages[head].parts[site.part].name
            if head != self._newest:
                self._late.append(position)
        elif (answered := self._answered.get(call_id)) is not None:
            self._repeats[position] = answered
            head = answered.message
        else:
            self._orphans.append(position)
        self._heads.append(head)
        if place != NO_RESULT:
            self._results[position] = build(ResultSite, (place, tool))

    def pairing(self) -> Pairing:
        still_open = [site for waiting in self._waiting.values() for site in waiting]
        return Pairing(
            answers=Snapshot(self._answers, _pairs.lock),
            repeats=Snapshot(self._repeats, _pairs.lock),
            orphans=tuple(self._orphans),
            late=tuple(self._late),
            open_calls=tuple(sorted(self._given_up + still_open)),
            live=self._live,
            shares_ids=self._shares_ids,
            results=Snapshot(self._results, _pairs.lock),
            all_heads=self._heads,
            size=len(self._heads),
        )


_pairs = Growing(_Pairs, _Pairs.pairing)


def pair_calls(messages: Sequence[Message]) -> Pairing:
    """Join every result with the nearest earlier call of its id that has no result yet."""
    return _pairs.over(messages)


def paired_as(messages: tuple[Message, ...], before: tuple[Message, ...]) -> tuple[Message, ...]:
    """Say of messages that only texts in results differ from what they were before; return them."""
    _pairs.note_same(messages, before)
    _cuts.note_same(messages, before)
    return messages


def _is_filler(message: Message) -> bool:
    """Tell whether a message of the user is what repair puts between two answers that would meet."""
    return len(message.parts) == 1 and message.parts[0].text == RESULT_REMOVED


def _first_of_newest(waiting: Sequence[CallSite]) -> int:
    """Return the place of the first call of the newest message that waits with an id."""
    at = len(waiting) - 1
    while at and waiting[at - 1].message == waiting[-1].message:
        at -= 1
    return at


def call_groups(messages: Sequence[Message], pairing: Pairing | None = None) -> tuple[Group, ...]:
    """Split a conversation into groups, in the order of their first messages.

    Args:
        messages: The conversation.
        pairing: What `pair_calls` says of it, where that is known already.

    Returns:
        Every message stands in exactly one group. A repeated result stands in its call's group, an orphan alone.
    """
    pairing = pair_calls(messages) if pairing is None else pairing
    members: dict[int, list[int]] = {}
    for position, head in enumerate(pairing.heads):
        if head == position:
            members[position] = [position]
        else:
            members[head].append(position)
    live = {site.message for site in pairing.open_calls if site.message == pairing.live}
    return tuple([build(Group, (tuple(found), start in live)) for start, found in members.items()])


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
        cuts = self._cuts
        for position, head in enumerate(islice(pairing.all_heads, start, pairing.size), start):
            if head == position:
                cuts.append(position)
            else:
                while cuts[-1] > head:
                    cuts.pop()

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
