"""The memory of one conversation: what is observed when, what leaves for it, when the log is condensed.

One engine for live sessions (`live.py` runs its steps in the background) and for files (`walk.py` awaits each).
All decisions are taken on values between two awaits: an author's answer is taken in only if the memory still
stands where it stood when it was asked for. Nothing leaves a conversation before its observation is in the log.
Source: SPEC section 6.
"""

import math
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from cortex_cli import clock
from cortex_cli.groups import cut_at_or_before, safe_cuts
from cortex_cli.layers.observe import must_stay, observed_result, plan_recent, should_activate
from cortex_cli.layers.view import View
from cortex_cli.memory.account import Account
from cortex_cli.memory.asking import answer_of, condense, newest_part, without_secrets
from cortex_cli.memory.base import LogEntry, Observer, ObserveRequest, Reflector, ReflectRequest
from cortex_cli.memory.identity import Mark, fingerprint, mark_at
from cortex_cli.memory.limits import Limits, limits_of, observation_size
from cortex_cli.memory.standing import Standing, is_observable
from cortex_cli.memory.state import Chunk, Hint, MemoryState, Reflection
from cortex_cli.messages import LayerResult, Message
from cortex_cli.settings import Settings
from cortex_cli.summarizers.boundaries import open_tags
from cortex_cli.tokens import Counter

Emit = Callable[..., Awaitable[Any]]
"""`await emit("observation", **details)`: tells whoever listens; never raises."""

Guard = Callable[[Awaitable[LogEntry]], Awaitable[LogEntry]]
"""Awaits an author's answer; where it was aborted, returns a failure in its place."""

MIN_OBSERVED_TOKENS = 200
"""Observations of less may be longer than what they note: a date and a sign take room too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An observation that was asked for."""

    request: ObserveRequest
    start: int
    """Position of its first message."""
    after: Mark | None
    """The watermark when it was asked for: the answer counts only while this is the watermark."""
    until: Mark
    messages: int
    tokens: int
    epoch: int


class Memory(Standing):
    """The memory of one conversation; its authors, settings and state may be replaced between two steps."""

    def __init__(
        self,
        settings: Settings,
        counter: Counter,
        *,
        observer: Observer,
        reflector: Reflector,
        state: MemoryState | None = None,
        recall: str = "",
        emit: Emit | None = None,
    ) -> None:
        super().__init__(settings, counter, state or MemoryState())
        self.observer = observer
        self.reflector = reflector
        self.epoch = 0
        """Counts what makes every answer still under way worthless: abort, restore."""
        self.account = Account()
        self.guard: Guard = _no_guard
        self._emit = emit
        self._recall = recall
        self._name_recall()

    def limits(self, view: View) -> Limits:
        """Return the sizes that decide for a view."""
        return self.limits_at(view, view.count(self.counter))

    def limits_at(self, view: View, tokens: int) -> Limits:
        """Return the sizes that decide for a conversation of so many tokens, overhead included."""
        return limits_of(view, self.settings, tokens)

    # observing

    def plan_observation(self, messages: tuple[Message, ...], end: int, piece_tokens: int) -> Ticket | None:
        """Plan the next observation: as much as may be observed at a time, up to a position.

        Returns:
            None where nothing before `end` is left to be observed.
        """
        start = self.position(messages)
        stop = next(self._pieces(messages, start, end, piece_tokens), start)
        observed = tuple(message for message in messages[start:stop] if is_observable(message))
        if stop <= start:
            return None
        tokens = sum(map(self.counter.count_message, observed))
        state = self.state
        log = "\n\n".join(filter(None, (state.observations, *(chunk.observations for chunk in state.chunks))))
        return Ticket(
            request=ObserveRequest(
                messages=observed,
                earlier=newest_part(log, self.settings.previous_observations_tokens, self.counter),
                max_tokens=observation_size(tokens),
                counter=self.counter,
                instruction=self.settings.observer_instruction,
            ),
            start=start,
            after=state.watermark,
            until=mark_at(messages, stop, start=start, before=state.watermark),
            messages=len(observed),
            tokens=tokens,
            epoch=self.epoch,
        )

    def _pieces(self, messages: tuple[Message, ...], start: int, end: int, most: int) -> Iterator[int]:
        """Yield where pieces end: at safe cuts, all about as large, at least one group; a small rest tells little."""
        cuts = safe_cuts(messages)
        stop = cut_at_or_before(cuts, end)
        sizes = [self.counter.count_message(message) for message in messages[start:stop]]
        share = sum(sizes) / max(1, math.ceil(sum(sizes) / most))
        tokens, last = 0, start
        for at in (cut for cut in cuts if start < cut <= stop):
            size = sum(sizes[last - start : at - start])
            if tokens and tokens + size > most:
                yield last
                tokens = 0
            tokens, last = tokens + size, at
            if tokens >= share:
                yield last
                tokens = 0
        if tokens:
            yield last

    async def observe_once(self, ticket: Ticket) -> bool:
        """Ask for one observation and take it in as a chunk; False where it failed or came too late."""
        if not ticket.messages:
            return self._take_chunk(ticket, LogEntry(observations=""))
        entry = await answer_of(self.guard(self.observer(ticket.request)), "observer")
        reason = entry.failure or self._refuse(ticket, entry)
        if not reason and self.settings.redact:
            entry = without_secrets(entry)
        self.account.add(entry)
        if reason:
            await self._failed("observer", reason)
            return False
        if not self._take_chunk(ticket, entry):
            return False
        self.account.observations += 1
        self.account.observed_messages += ticket.messages
        self.account.observed_tokens += ticket.tokens
        self.account.authors[entry.author] = None
        await self.emit(
            "observation",
            messages=ticket.messages,
            observed_tokens=ticket.tokens,
            tokens=self.counter.count_text(entry.observations),
            observations=entry.observations,
            author=entry.author,
        )
        return True

    def _refuse(self, ticket: Ticket, entry: LogEntry) -> str:
        """Tell why observations cannot be taken; empty where they can."""
        if not entry.observations.strip():
            return "the observations are empty"
        size = self.counter.count_text(entry.observations)
        if size > max(ticket.tokens, MIN_OBSERVED_TOKENS):
            return f"the observations have {size:,} tokens, what they note has {ticket.tokens:,}"
        return ""

    def _take_chunk(self, ticket: Ticket, entry: LogEntry) -> bool:
        if ticket.epoch != self.epoch or ticket.after != self.state.watermark:
            return False
        chunk = Chunk(
            observations=open_tags(entry.observations.strip()),
            observed_tokens=ticket.tokens,
            messages=ticket.messages,
            until=ticket.until,
            created_at=max((one.time for one in ticket.request.messages), default="") or self._now(),
            hint=Hint(entry.current_task, entry.suggested_response),
            author=entry.author,
        )
        self.state = replace(self.state, chunks=(*self.state.chunks, chunk))
        return True

    def _now(self) -> str:
        return self.settings.now or clock.utc_now()

    async def observe(self, messages: tuple[Message, ...], end: int, piece_tokens: int) -> bool:
        """Observe all that is not observed yet, up to a position, piece by piece.

        Returns:
            False where a piece failed; those before it stay.
        """
        last: Ticket | None = None
        while ticket := self.plan_observation(messages, end, piece_tokens):
            if last is not None and (ticket.after != last.until or ticket.start <= last.start):
                return False  # somebody else observed meanwhile; or the place is not found again
            if not await self.observe_once(ticket):
                return False
            last = ticket
        return True

    # the log takes over

    def merge(self) -> None:
        """Put the chunks into the log."""
        state = self.state
        if not state.chunks:
            return
        log = "\n\n".join(filter(None, (state.observations, *(chunk.observations for chunk in state.chunks))))
        hint = next((chunk.hint for chunk in reversed(state.chunks) if any(chunk.hint)), state.hint)
        merged = state.chunks[-1].until
        self.state = state.with_log(log, self.counter.count_text(log), chunks=(), merged=merged, hint=hint)
        self._name_recall()

    def _name_recall(self) -> None:
        """Let the log say how originals are looked up, unless it does."""
        if self._recall and not self.state.recall:
            self.state = replace(self.state, recall=self._recall)

    async def activate(self, view: View, *, is_due: bool = False, is_forced: bool = False) -> LayerResult:
        """Let the log take over, where the conversation is so large.

        Args:
            view: The conversation; with `target_tokens` the result should fit that.
            is_due: Put the chunks at hand into the log however much room there is.
            is_forced: Observe all but the recent tail however much room there is.

        Returns:
            The conversation with the log in its place; at least what is in the log already is out of it.
        """
        placed = self.place(view.messages)
        if not (is_due or is_forced) and not self._is_over(view, placed):
            return observed_result(view, placed, self._why_not(view, placed), self.counter)
        limits, epoch = self.limits(view), self.epoch
        before = self.account.observed_messages
        messages = self._merge_and_drop(view, placed)
        if is_forced or self._is_over(view, messages):
            plan = plan_recent(messages, self.counter, self.settings)
            start = self.position(messages)
            if any(at >= start and is_observable(messages[at]) for at in plan.summarized):
                await self.observe(messages, plan.tail, limits.piece)
            messages = self._merge_and_drop(view, self.place(messages))
        if self._is_over(view, messages):
            messages = self._drop_tail(view, messages)
        if epoch == self.epoch and await self.reflect(limits):
            messages = self.place(messages)
        return observed_result(view, messages, self.reason(before), self.counter)

    def is_over_when_merged(self, view: View) -> bool:
        """Tell whether the conversation is too large even when the chunks at hand are put into the log."""
        known = self.state
        messages = self.place(view.messages)
        is_over = self._is_over(view, messages) and self._is_over(view, self._merge_and_drop(view, messages))
        self.state = known
        return is_over

    def _is_over(self, view: View, messages: tuple[Message, ...]) -> bool:
        return should_activate(view.with_messages(messages), self.settings, self.counter)

    def _merge_and_drop(self, view: View, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """Merge the chunks and take out what they cover but for the recent tail; undone where that frees nothing."""
        if not self.state.chunks:
            return messages
        known = self.state
        partition = plan_recent(messages, self.counter, self.settings)
        stay = {*must_stay(messages), *range(partition.tail, len(messages))}
        done = self._merged_view(messages, stay)
        if view.with_messages(done).count(self.counter) < view.with_messages(messages).count(self.counter):
            return done
        done = self._merged_view(messages, must_stay(messages)) if self._is_over(view, messages) else messages
        if view.with_messages(done).count(self.counter) < view.with_messages(messages).count(self.counter):
            return done
        self.state = known
        return messages

    def _drop_tail(self, view: View, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """Take out of the recent tail, too, what is in the log."""
        known = self.state
        done = self._merged_view(messages, must_stay(messages))
        if view.with_messages(done).count(self.counter) < view.with_messages(messages).count(self.counter):
            return done
        self.state = known
        return messages

    def _merged_view(self, messages: tuple[Message, ...], stay: "set[int] | frozenset[int]") -> tuple[Message, ...]:
        self.merge()
        covered = self.merged_position(messages)
        kept = tuple(fingerprint(messages[at]) for at in range(covered) if at in stay and not messages[at].slot)
        self.state = replace(self.state, kept=kept)
        return self.place(messages)

    def _why_not(self, view: View, messages: tuple[Message, ...]) -> str:
        if view.budget <= 0:
            return "no budget is known"
        tokens = view.with_messages(messages).count(self.counter)
        used = tokens * view.scale / view.budget
        return f"{used:.1%} of the budget used, the log takes over at {self.settings.activation_ratio:.0%}"

    def reason(self, before: int) -> str:
        """Say what was done since so many messages were observed."""
        observed, log = self.account.observed_messages - before, self.state.observation_tokens
        why = self.account.failures[-1] if self.account.failures else ""
        if not observed and not log:
            return f"nothing was observed: {why}" if why else "nothing but the newest messages, which are kept"
        done = f"{observed} message{'s' if observed > 1 else ''} observed" if observed else "nothing new observed"
        has = f"{done}, the log has {log:,} tokens" if log else done
        notes = sum(self.counter.count_text(chunk.observations) for chunk in self.state.chunks)
        waits = f"notes of {notes:,} tokens wait, since in the log they would free nothing" if notes else ""
        return "; ".join(filter(None, (has, waits, why)))

    # condensing

    async def reflect(self, limits: Limits) -> bool:
        """Condense the log where it has grown so far; True where another log stands now."""
        if self.state.observation_tokens < limits.reflection:
            return False
        is_other = await self._use_reflection()
        if self.state.observation_tokens >= limits.reflection:
            is_other = await self.reflect_now(limits.background_reflection) or is_other
        return is_other

    async def reflect_now(self, target_tokens: int) -> bool:
        """Condense the log as it is, at once."""
        source = self.state.observations
        return await self.prepare_reflection(source, target_tokens) and await self._use_reflection()

    async def prepare_reflection(self, source: str, target_tokens: int) -> bool:
        """Condense a beginning of the log, and keep the result until it is needed.

        Returns:
            False where nothing valid came of it, or the log no longer begins with the source.
        """
        epoch = self.epoch
        found = await condense(
            source,
            target_tokens,
            self._ask_reflector,
            counter=self.counter,
            instruction=self.settings.reflector_instruction,
            on_failure=lambda reason: self._failed("reflector", reason),
        )
        if found is None or epoch != self.epoch or not self.state.observations.startswith(source):
            return False
        if self.settings.redact:
            found = without_secrets(found)
        text = open_tags(found.observations.strip())
        self.state = replace(self.state, reflection=Reflection(len(source), text))
        return True

    async def _ask_reflector(self, request: ReflectRequest) -> LogEntry:
        entry = await answer_of(self.guard(self.reflector(request)), "reflector")
        self.account.add(entry)
        return entry

    async def _use_reflection(self) -> bool:
        """Put a condensed log in the place of what it condensed; what was added since stays behind it."""
        state = self.state
        if state.reflection is None:
            return False
        added = state.observations[state.reflection.source_chars :].strip("\n")
        log = "\n\n".join(filter(None, (state.reflection.observations, added)))
        tokens = self.counter.count_text(log)
        if tokens >= state.observation_tokens:
            self.state = replace(state, reflection=None)
            return False
        self.state = state.with_log(log, tokens, reflection=None, generation=state.generation + 1)
        self.account.reflections += 1
        await self.emit(
            "reflection",
            tokens_before=state.observation_tokens,
            tokens_after=tokens,
            generation=self.state.generation,
        )
        return True

    async def _failed(self, role: str, reason: str) -> None:
        self.account.failures.append(reason)
        await self.emit("error", role=role, reason=reason)

    async def emit(self, event: str, **details: Any) -> None:
        """Take an event down, and tell whoever listens."""
        told = {key: value for key, value in details.items() if key != "observations"}
        self.account.events.append({"event": event, **told})
        if self._emit is not None:
            await self._emit(event, **details)


async def _no_guard(answer: Awaitable[LogEntry]) -> LogEntry:
    return await answer
