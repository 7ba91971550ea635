"""What a live session knows from call to call: the kept history, the counts, and what can be saved of them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cortex_cli.errors import InputError
from cortex_cli.layers.failsafe import overflow_target
from cortex_cli.layers.view import View
from cortex_cli.live.dials import Dials
from cortex_cli.live.events import Event
from cortex_cli.live.passing import Call, Known, Reading, Terms, preamble_tokens, read_call, split_lead, view_of
from cortex_cli.live.status import STATE_VERSION, Status, dump_history, load_history
from cortex_cli.llm.overflow import Overflow
from cortex_cli.pipeline import Remember
from cortex_cli.summarizers.base import Summarizer

if TYPE_CHECKING:
    from cortex_cli.memory.live import LiveMemory

FORCED_SHARE = 0.25
"""Of the present size: where a forced compaction sets the threshold. A turn that is larger than this is split."""


class Keeping(Dials):
    """The memory between two calls; nothing here runs a layer."""

    def __init__(self, *args: Any, format: str = "auto", **more: Any) -> None:
        super().__init__(*args, **more)
        self._format = format
        self._known = Known()
        self._restored: Mapping[str, Any] | None = None
        self._counted = 0
        self._failures = 0
        self._compactions = 0
        self._lock = asyncio.Lock()
        self.on("error", self._note_error)
        self.on("observation", self._note_success)
        self.on("reflection", self._note_success)

    def status(self) -> Status:
        """Tell how the session stands."""
        call = self._known.call
        preamble = preamble_tokens(call.system, self._counter) if call else 0
        overhead = self._gauge.overhead(preamble)
        tokens = round((overhead + self._counted) * self._gauge.scale)
        budget = self._gauge.budget
        memory = self._memory.status() if self._memory else {}
        in_flight = {
            "pass": self._lock.locked(),
            "observation": memory.get("observing"),
            "reflection": memory.get("reflecting"),
        }
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
            slot_text=memory["slot"] if memory else "",
            observation_tokens=memory["observation_tokens"] if memory else 0,
            in_flight=tuple(name for name, runs in in_flight.items() if runs),
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
            "memory": self._memory.save() if self._memory else None,
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
                hint = "begin without it: what it saves is found anew"
                raise InputError(f"a saved state of version {state['version']}, not {STATE_VERSION}", hint=hint)
            history = state["history"]
            self._gauge.restore(state["gauge"])
            self._warmth.calls = [float(one) for one in state["calls"]]
            self._last_interaction = state["last_interaction"]
            self._restored = history if history and history["covered"] <= count else None
            if self._memory is not None and state.get("memory"):
                self._memory.restore(state["memory"], messages=None if self._restored else count)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("not a saved state of a live session", hint="pass what `save_state` returned") from error
        self._known = Known()

    def _terms(self, reading: Reading, summarizer: Summarizer, *, force: bool, overflow: Overflow | None) -> Terms:
        view = self._view(preamble_tokens(reading.call.system, self._counter))
        tokens = view.overhead_tokens + reading.count(self._counter)
        threshold = self._threshold()
        if force:
            threshold = min(threshold, FORCED_SHARE * tokens * view.scale / view.budget)
        settings = self._settings
        if force:
            settings = replace(settings, threshold=threshold, min_gain_ratio=None)
        elif threshold != settings.threshold:
            settings = replace(settings, threshold=threshold)
        terms = Terms(settings=settings, counter=self._counter, summarizer=summarizer, view=view)
        if self._memory is not None:
            terms = replace(terms, memory=self._memory.memory, remember=_remember(self._memory))
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

    def _read(self, call: Call) -> Reading:
        """Read what the caller has; of what was taken back the memory must not tell."""
        reading = read_call(self._recalled(call), call, format=self._format, prefer=self._prefer(call))
        if reading.history.is_other and self._memory is not None:
            self._memory.forget()
        return reading

    def _view_of(self, call: Call) -> View:
        """Return the conversation as the memory sees it between two calls."""
        reading = self._read(call)
        if reading.document is None:
            return self._view(0)
        return view_of(reading.document, call, self._terms(reading, self._summarizer, force=False, overflow=None))

    def _prefer(self, call: Call) -> str:
        """Return the format to take where the messages could be of several."""
        is_anthropic = call.system is not None or self._warmth.owner in ("anthropic", "bedrock")
        return "anthropic" if is_anthropic else ""

    def _note_error(self, _event: Event) -> None:
        self._failures += 1

    def _note_success(self, event: Event) -> None:
        if not str(event.get("author", "")).startswith("builtin ("):  # the one who wrote it stood in for a model
            self._failures = 0


def _remember(memory: "LiveMemory") -> Remember:
    from cortex_cli.live.observing import remember_live  # noqa: PLC0415 - start-up time: only this strategy needs it

    return remember_live(memory)
