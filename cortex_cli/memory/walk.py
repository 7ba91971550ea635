"""A recorded session through the memory, as if it were live: call by call, each step awaited.

Before every model call of the recording the log takes over where it is due; after every answer what is not observed
is noted, in pieces as large as a live session's would have been. The result depends on nothing but its input.

An observation is asked for when it is known to be needed: before the log takes over, or at the end where the
state is saved. So a session that never fills its window costs nothing. The recent tail is not observed, so that
the next run over the result does not note it twice.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from cortex_cli.errors import InputError
from cortex_cli.groups import cut_at_or_before, safe_cuts
from cortex_cli.layers.observe import observed_result, should_activate
from cortex_cli.layers.sizes import keep_recent
from cortex_cli.layers.view import View
from cortex_cli.memory.engine import Memory
from cortex_cli.memory.standing import is_observable
from cortex_cli.messages import LayerResult, Message
from cortex_cli.settings import Settings


async def observe_session(
    memory: Memory, view: View, *, is_forced: bool = False, is_saved: bool = False, session: str = ""
) -> LayerResult:
    """Walk a session.

    Args:
        memory: With the state that the session goes on from.
        view: The whole session.
        is_forced: At its end all but the recent tail is observed, however much room there is.
        is_saved: The state is used again: what is due is observed even if the log does not take over in this run.
        session: Names the session; empty where nothing does.

    Raises:
        InputError: The state tells of another conversation.
    """
    is_same_session = bool(session) and memory.state.session == session
    if not memory.adopt(view.messages) or not (is_same_session or memory.is_of(view.messages)):
        raise InputError("the memory is of another conversation", hint="name another --state, or leave it out")
    memory.state = replace(memory.state, session=session or memory.state.session)
    placed = replace(view, messages=memory.place(view.messages))
    is_over = should_activate(placed, memory.settings, memory.counter)
    if not (is_forced or is_saved or is_over):
        result = await memory.activate(view)
        return observed_result(view, result.messages, result.reason, memory.counter)
    walk = _Walk(memory, placed, is_forced=is_forced, is_over=is_over)
    before = memory.account.observed_messages
    messages = await walk.run(is_saved=is_saved)
    return observed_result(view, messages, memory.reason(before), memory.counter)


class _Walk:
    """One session on its way; positions are of its messages as they were at the start."""

    def __init__(self, memory: Memory, view: View, *, is_forced: bool, is_over: bool) -> None:
        self.memory = memory
        self.view = view
        self.is_forced = is_forced
        self.is_over = is_over
        """The session as it is fills its window: at its end, too, the log takes over."""
        self.messages = view.messages
        self.cuts = safe_cuts(self.messages)
        sizes = [memory.counter.count_message(message) for message in self.messages]
        self.totals = list(accumulate(sizes, initial=0))
        noted = (size if is_observable(one) else 0 for one, size in zip(self.messages, sizes, strict=True))
        self.notable = list(accumulate(noted, initial=0))
        self.tails = _Tails(self.messages, self.totals, self.cuts, memory.settings)
        self.base: tuple[Message, ...] = ()
        """The conversation as it was when the log last took over."""
        self.since = 0
        """What came behind it begins here."""
        self.base_tokens = view.overhead_tokens + view.following_tokens
        self.observed = memory.position(self.messages)
        """Up to here messages are observed, or will be."""
        self.due: list[int] = []
        """Where the observations end that are to be asked for."""
        self.retry_tokens = 0
        """Where the log could not make room: it tries again from this size on."""
        self.pause = 1
        """Intervals until then, more each time."""

    async def run(self, *, is_saved: bool) -> tuple[Message, ...]:
        """Go to the end, and return what the next call would see."""
        end = len(self.messages)
        for at in self.cuts:
            if at and self.messages[at - 1].role in ("assistant", "tool"):
                self._note_due(at)
            if 0 < at < end and self.messages[at].role == "assistant" and self._is_full(at):
                await self._activate(at)
        if is_saved or self.is_forced or self.is_over:
            await self._observe_due(end)
        await self._activate(end, is_last=True)
        return self.base

    def _tokens(self, at: int) -> int:
        return self.base_tokens + self.totals[at] - self.totals[self.since]

    def _is_over(self, at: int) -> bool:
        return self._tokens(at) * self.view.scale >= self.memory.settings.activation_ratio * self.view.budget

    def _is_full(self, at: int) -> bool:
        return self._tokens(at) >= self.retry_tokens and self._is_over(at)

    def _context(self, at: int) -> tuple[Message, ...]:
        return (*self.base, *self.messages[self.since : at])

    def _note_due(self, at: int) -> None:
        """Take down that an observation is due, where so much is not observed."""
        tail = self.tails.start(at)
        if tail <= self.observed:
            return
        if (
            self.notable[tail] - self.notable[self.observed]
            >= self.memory.limits_at(self.view, self._tokens(at)).interval
        ):
            self.due.append(tail)
            self.observed = tail

    async def _observe_due(self, at: int) -> None:
        """Ask for the observations that are due, up to one that fails; what it was of is part of a later one."""
        context = self._context(at)
        piece = self.memory.limits_at(self.view, self._tokens(at)).piece
        for end in self.due:
            if not await self.memory.observe(context, len(context) - (at - end), piece):
                break
        self.due = []

    async def _activate(self, at: int, *, is_last: bool = False) -> None:
        """Let the log take over where it is due."""
        if not is_last:
            await self._observe_due(at)
        view = replace(self.view, messages=self._context(at), target_tokens=self.view.target_tokens if is_last else 0)
        is_due = is_last and self.is_over
        result = await self.memory.activate(view, is_due=is_due, is_forced=is_last and self.is_forced)
        self.base, self.since = result.messages, at
        own = sum(map(self.memory.counter.count_message, self.base))
        self.base_tokens = self.view.overhead_tokens + self.view.following_tokens + own
        self.observed = max(at - (len(self.base) - self.memory.position(self.base)), 0)
        self.pause = 2 * self.pause if self._is_over(at) else 1
        interval = self.memory.limits_at(self.view, self.base_tokens).interval
        self.retry_tokens = self.base_tokens + self.pause * interval if self._is_over(at) else 0


class _Tails:
    """Where the recent tail of every beginning of a session starts."""

    def __init__(
        self, messages: Sequence[Message], totals: Sequence[int], cuts: Sequence[int], settings: Settings
    ) -> None:
        self._totals = totals
        self._cuts = cuts
        self._tokens = settings.keep_recent_tokens
        self._count = keep_recent(settings)
        self._counted = [at for at, message in enumerate(messages) if message.counts_as_recent]

    def start(self, end: int) -> int:
        """Return where the tail of the messages before `end` starts."""
        if self._tokens:
            wanted = bisect_left(self._totals, self._totals[end] - self._tokens)
        else:
            before = bisect_left(self._counted, end)
            if before <= self._count:
                return 0
            wanted = self._counted[before - self._count] if self._count else end
        return cut_at_or_before(self._cuts, min(wanted, end))
