"""A live session through the layers: what an agent calls before and after every model call.

Lists go in and come out; the agent's own is never touched. What is decided stands in the layers, what is
remembered from call to call in `live/`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from cortex_cli.errors import CortexError, InputError
from cortex_cli.layers.caps import cap
from cortex_cli.layers.failsafe import overflow_target
from cortex_cli.layers.view import Persist
from cortex_cli.live.completing import Complete
from cortex_cli.live.dials import Dials
from cortex_cli.live.passing import (
    Call,
    Known,
    Pass,
    Reading,
    Terms,
    preamble_tokens,
    read_call,
    run_pass,
    split_lead,
)
from cortex_cli.live.refusals import error_status, error_text
from cortex_cli.live.status import STATE_VERSION, Status, dump_history, load_history
from cortex_cli.live.telling import Telling
from cortex_cli.live.usage import read_usage
from cortex_cli.llm.client import Client
from cortex_cli.llm.overflow import Overflow, find_overflow
from cortex_cli.messages import Message, Part
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import Summarizer
from cortex_cli.tokens import Counter

FORCED_SHARE = 0.25
"""Of the present size: where a forced compaction sets the threshold. A turn that is larger than this is split."""


class CompactionManager(Dials):
    """Keeps one conversation inside its window.

    Lists of OpenAI or Anthropic message dicts, of a provider package's objects or of `Message`s go in and come
    out; untouched ones are the same objects. The caller may keep its own list whole, or go on with what it was
    given: both are known again by their beginning. Calls may overlap; they are made one after the other.

    Args:
        settings: As for files; `fit` and `until` mean nothing here.
        summarizer: Writes summaries; default: the built-in one.
        complete: Instead of it a model: a client, or `async (system, prompt, max_tokens) -> text`.
        counter: Default: the one the settings name.
        persist: Puts an original away before it is shortened, `(content, tool, category, call id, index) -> path`.
        format: Of the message dicts: `openai`, `anthropic`, ...; `auto` looks at them.
        adaptive: Lower the threshold for sessions that nobody is waiting for. Source: SPEC section 8.
        clock: The time, in seconds; default: `time.time`.

    Raises:
        OptionError: The settings name a model and no summariser was handed in, or a size or name is not usable.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        summarizer: Summarizer | None = None,
        complete: Complete | Client | None = None,
        counter: Counter | None = None,
        persist: Persist | None = None,
        format: str = "auto",
        adaptive: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            settings,
            summarizer=summarizer,
            complete=complete,
            counter=counter,
            persist=persist,
            adaptive=adaptive,
            clock=clock,
        )
        self._format = format
        self._known = Known()
        self._restored: Mapping[str, Any] | None = None
        self._counted = 0
        self._failures = 0
        self._compactions = 0
        self._record: dict[str, Any] | None = None
        self._lock = asyncio.Lock()
        self._holder: asyncio.Task[Any] | None = None
        self._is_closed = False

    async def transform(
        self, messages: Sequence[Any], *, system: Any = None, slots: Sequence[Any] = (), injected: Sequence[Any] = ()
    ) -> list[Any]:
        """Return what to send: called before every model call.

        Args:
            messages: The conversation, oldest first.
            system: A system prompt that is sent beside the messages (text or blocks), to be counted.
            slots: Messages to be sent in front, kept by every layer.
            injected: Messages to be sent behind, in this call only.

        Raises:
            DoesNotFitError: Not even what must stay fits into the window.
            InputError: The messages are of no known format.
        """
        async with self._alone():
            call = Call(messages=messages, system=system, slots=slots, injected=injected)
            return self._hand_out(await self._pass(call))

    def update_usage(self, usage: Any = None, *, input_tokens: int = 0) -> None:
        """Take in what the call took: called after every model call.

        Args:
            usage: The provider's usage, or its answer, as dict or object: OpenAI (both APIs) or Anthropic.
            input_tokens: Or just the number, cached ones included.
        """
        found = read_usage({"prompt_tokens": input_tokens} if usage is None else usage)
        self._warmth.note_answer(self._clock(), found if usage is not None else None)
        if found is not None and self._counted:
            self._gauge.observe(self._counted, found.input_tokens)

    async def turn_end(self, messages: Sequence[Any]) -> None:
        """Take in a finished turn: called when the agent has answered and waits for the user."""
        del messages

    async def trigger_observation(self) -> bool:
        """Observe now, whatever the sizes; tell whether anything was observed."""
        return False

    async def check_and_compact(
        self, messages: Sequence[Any] | None = None, *, force: bool = False
    ) -> dict[str, Any] | None:
        """Compact between calls, where it is due.

        Args:
            messages: The conversation; default: that of the newest call.
            force: Whether it is due or not.

        Returns:
            The result record; None where nothing was summarised.
        """
        async with self._alone():
            self._record = None
            await self._pass(self._newest_call(messages), force=force)
            return self._record

    async def handle_overflow(self, error: Any, messages: Sequence[Any] | None = None) -> list[Any] | None:
        """Return what to send instead of a request that the provider refused as too long.

        Args:
            error: What the provider's package raised, or the error's text or body.
            messages: The conversation; default: that of the newest call.

        Returns:
            None where the error is another one.

        Raises:
            DoesNotFitError: Not even what must stay fits.
        """
        overflow = find_overflow(error_text(error), error_status(error))
        if overflow is None:
            return None
        async with self._alone():
            self._learn(overflow)
            return self._hand_out(await self._pass(self._newest_call(messages), overflow=overflow))

    def cap_tool_result(self, text: str, *, tool: str = "", call_id: str = "") -> str:
        """Shorten one result that is far too long, before it becomes part of the history."""
        part = Part("result", text, name=tool, call_id=call_id)
        view = self._view(0)
        capped = cap(view.with_messages((Message("tool", (part,), position=0),)), self._settings, self._counter)
        result = capped.messages[0].result
        return result.text if result else text

    def status(self) -> Status:
        """Tell how the session stands."""
        call = self._known.call
        preamble = preamble_tokens(call.system, self._counter) if call else 0
        overhead = self._gauge.overhead(preamble)
        tokens = round((overhead + self._counted) * self._gauge.scale)
        budget = self._gauge.budget
        return Status(
            strategy=self._settings.strategy,
            messages=len(self._known.history.values),
            tokens=tokens,
            usage_ratio=tokens / budget,
            window=self._gauge.window,
            utility_window=self._settings.utility_window_tokens,
            budget=budget,
            threshold=self._threshold(),
            scale=self._gauge.scale,
            overhead_tokens=overhead,
            cache_provider=self._warmth.owner,
            cache_retention=self._warmth.retention,
            cache_ttl_seconds=self._warmth.ttl_seconds,
            is_cold=self._warmth.is_cold(self._clock()),
            best_retention=self._warmth.best_retention(),
            last_call=self._warmth.last_call,
            last_interaction=self._last_interaction,
            failures=self._failures,
            compactions=self._compactions,
            in_flight=("pass",) if self._lock.locked() else (),
        )

    def save_state(self) -> dict[str, Any]:
        """Return what is needed to go on later, as JSON values.

        Raises:
            InputError: The history was compacted, and its messages are no plain values.
        """
        return {
            "version": STATE_VERSION,
            "history": dump_history(self._known),
            "calls": list(self._warmth.calls),
            "last_interaction": self._last_interaction,
            "gauge": self._gauge.to_json(),
        }

    def restore_state(self, state: Mapping[str, Any], count: int) -> None:
        """Go on with a saved state; asks no model.

        Args:
            state: As `save_state` returned it, perhaps by way of a file.
            count: How many messages the caller's history has now. A compaction that covers more does not hold.

        Raises:
            InputError: It is no such state.
        """
        try:
            if state["version"] != STATE_VERSION:
                raise InputError(f"a saved state of version {state['version']}, not {STATE_VERSION}")
            history = state["history"]
            self._gauge.restore(state["gauge"])
            self._warmth.calls = [float(one) for one in state["calls"]]
            self._last_interaction = state["last_interaction"]
            self._restored = history if history and history["covered"] <= count else None
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("not a saved state of a live session") from error
        self._known = Known()

    async def close(self) -> None:
        """Wait for what runs, and refuse further calls."""
        async with self._lock:
            self._is_closed = True

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Let one call at a time see and change what is known."""
        task = asyncio.current_task()
        if task is not None and self._holder is task:
            raise CortexError("a handler called the manager that it listens to", hint="do it after the event")
        async with self._lock:
            if self._is_closed:
                raise CortexError("the manager is closed")
            self._holder = task
            try:
                yield
            finally:
                self._holder = None

    async def _pass(self, call: Call, *, force: bool = False, overflow: Overflow | None = None) -> Pass:
        """Run the layers, and keep what came of it once everything went well."""
        is_anthropic = call.system is not None or self._warmth.owner in ("anthropic", "bedrock")
        prefer = "anthropic" if is_anthropic else ""
        reading = read_call(self._recalled(call), call, format=self._format, prefer=prefer)
        if reading.is_typed:
            self._last_interaction = self._clock()
        telling = Telling(self._events, self._summarizer)
        done = await run_pass(reading, self._terms(reading, telling, force=force, overflow=overflow))
        await telling.compacted(done)
        self._known, self._restored = done.known, None
        self._gauge.is_edited = self._gauge.is_edited or done.is_edited
        self._compactions += done.is_replaced
        if done.run is not None and (outcome := done.run.outcome) is not None:
            errors = sum(event["event"] == "error" for event in outcome.events)
            self._failures = self._failures + errors if outcome.failure else 0
        self._record = await telling.replaced(done) or self._record
        return done

    def _terms(self, reading: Reading, telling: Telling, *, force: bool, overflow: Overflow | None) -> Terms:
        view = self._view(preamble_tokens(reading.call.system, self._counter))
        tokens = view.overhead_tokens + reading.count(self._counter)
        threshold = self._threshold()
        if force:
            threshold = min(threshold, FORCED_SHARE * tokens * view.scale / view.budget)
        settings = replace(self._settings, threshold=threshold)
        terms = Terms(settings=settings, counter=self._counter, summarizer=telling, view=view)
        if overflow is None:
            return terms
        return replace(terms, must_fit=overflow_target(tokens, view, settings, overflow.excess_tokens))

    def _recalled(self, call: Call) -> Known:
        """Return what is known, after a restart with what was saved, if these are the messages that it belongs to."""
        found = load_history(self._restored, split_lead(call.messages)[1]) if self._restored else None
        return Known(history=found[0], trims=found[1]) if found else self._known

    def _newest_call(self, messages: Sequence[Any] | None) -> Call:
        known = self._known.call or Call(messages=())
        return known if messages is None else replace(known, messages=messages)

    def _hand_out(self, done: Pass) -> list[Any]:
        self._counted = done.counted
        self._warmth.note_call(self._clock())
        return done.sent

    def _learn(self, overflow: Overflow) -> None:
        """Take in what a refusal says of the sizes."""
        if overflow.limit_tokens:
            self._gauge.learn_window(overflow.limit_tokens)
        if self._counted:
            at_least = (overflow.limit_tokens or self._gauge.window) + 1
            self._gauge.observe(self._counted, (overflow.limit_tokens and overflow.used_tokens) or at_least)
