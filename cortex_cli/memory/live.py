"""The memory of a live session: the steps of the engine in the background, at most one of each kind at a time.

    memory = LiveMemory(Memory(settings, counter, observer=..., reflector=..., emit=events.emit))
    result = await memory.transform(view)           # before a model call: after caps, before layer 1
    memory.turn_end(view)                           # after an answer and its results: returns at once
    result = await memory.before_truncation(view)   # where the failsafe is about to act
    await memory.trigger(view)                      # by hand: observe now all that is not observed
    memory.save(); memory.restore(data, messages=n); memory.abort(); await memory.settle(); memory.status()

`view.messages` may be the whole history each time, or what the last `transform` returned, grown: what the log
stands for is found in both. Observer, reflector and settings are attributes of `memory.memory`; what is set
there counts from the next step on. Source: SPEC section 6.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from cortex_cli.groups import safe_cuts
from cortex_cli.layers.view import View
from cortex_cli.memory.base import LogEntry
from cortex_cli.memory.engine import Memory
from cortex_cli.memory.state import MemoryState, dump_state, load_state
from cortex_cli.messages import LayerResult

_log = logging.getLogger("cortex_cli")


class LiveMemory:
    """Runs a memory's observations and reflections beside the session that it is of."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        memory.guard = self._guarded
        self._turn = asyncio.Lock()
        self._observation: asyncio.Task[None] | None = None
        self._reflection: asyncio.Task[None] | None = None
        self._calls: set[asyncio.Future[LogEntry]] = set()
        self._not_condensed = 0
        """Size of the log that could not be condensed: it is not tried again before it has grown."""

    @property
    def observes(self) -> bool:
        """Whether an observation is under way in the background."""
        return self._observation is not None and not self._observation.done()

    @property
    def reflects(self) -> bool:
        """Whether the log is being condensed in the background."""
        return self._reflection is not None and not self._reflection.done()

    async def transform(self, view: View) -> LayerResult:
        """Return the conversation as the model should see it.

        What the log stands for is out of it. From the activation ratio on the chunks are merged; if it is still too
        large, the rest but for the recent tail is observed at once. A failed observer leaves chunks and messages
        as they were.
        """
        async with self._turn:
            self._adopt(view)
            if self.memory.is_over_when_merged(view):
                await self._join(self._observation)  # paid for already, and sooner there than a new one
                await self._join_reflection(view)
            result = await self.memory.activate(view)
        self._start_reflection(view)
        return result

    def turn_end(self, view: View) -> None:
        """Start what is due in the background; needs a running event loop."""
        if self._turn.locked():  # a transform is observing already
            return
        self._adopt(view)
        messages = self.memory.place(view.messages)
        limits = self.memory.limits(view.with_messages(messages))
        end = safe_cuts(messages)[-1]
        if not self.observes and self.memory.unobserved_tokens(messages, end) >= max(limits.interval, 1):
            work = partial(self.memory.observe, messages, end, limits.piece)
            self._observation = asyncio.create_task(self._run(work, "observation"))
        self._start_reflection(view)

    async def before_truncation(self, view: View) -> LayerResult:
        """Observe what the failsafe would drop, once; where that fails, the conversation is as it was."""
        async with self._turn:
            self._adopt(view)
            await self._join(self._observation)
            return await self.memory.activate(view, is_forced=True)

    async def trigger(self, view: View) -> bool:
        """Observe now all that is not observed, open calls aside; nothing leaves before the next activation.

        Returns:
            Whether something was observed.
        """
        async with self._turn:
            self._adopt(view)
            await self._join(self._observation)
            before = self.memory.account.observations
            messages = self.memory.place(view.messages)
            await self.memory.observe(messages, safe_cuts(messages)[-1], self.memory.limits(view).piece)
            return self.memory.account.observations > before

    def abort(self) -> None:
        """Stop everything under way; what an author still answers is not taken in."""
        self.memory.epoch += 1
        for task in (self._observation, self._reflection, *self._calls):
            if task is not None:
                task.cancel()

    async def settle(self) -> None:
        """Wait for what is under way in the background."""
        await self._join(self._observation)
        await self._join(self._reflection)

    def save(self) -> dict[str, Any]:
        """Return the state as JSON values (`state.py`)."""
        return dump_state(self.memory.state)

    def restore(self, data: Any, *, messages: int | None = None) -> None:
        """Go on from a saved state; no model is asked.

        Args:
            data: As `save` returned it.
            messages: Length of the history: the watermark is not beyond it.

        Raises:
            InputError: It is no state, a damaged one, or one of a later version.
        """
        state = load_state(data, messages=messages)
        self.abort()
        self._not_condensed = 0
        self.memory.state = state

    def forget(self) -> None:
        """Start anew: the conversation is another, or was taken back to before what the log tells of."""
        known = self.memory.state
        self.abort()
        self._not_condensed = 0
        self.memory.state = MemoryState(session=known.session, recall=known.recall)

    def status(self) -> dict[str, Any]:
        """Return counts, the log as the model sees it, and what is under way."""
        state, slot = self.memory.state, self.memory.slot()
        return {
            "slot": slot.text if slot else "",
            "observation_tokens": state.observation_tokens,
            "generation": state.generation,
            "chunks": len(state.chunks),
            "chunk_tokens": sum(self.memory.counter.count_text(chunk.observations) for chunk in state.chunks),
            "watermark": state.watermark.position if state.watermark else 0,
            "observing": self.observes,
            "reflecting": self.reflects,
            "reflection_ready": state.reflection is not None,
            "failures": len(self.memory.account.failures),
        }

    def _adopt(self, view: View) -> None:
        if not self.memory.adopt(view.messages):
            _log.warning("the log in the conversation is not the one of this memory: the memory's own stays")

    async def _run(self, work: Callable[[], Awaitable[Any]], what: str) -> None:
        try:
            await work()
        except Exception:  # a mistake of ours must not end the session
            _log.exception("%s in the background failed", what)

    def _start_reflection(self, view: View) -> None:
        memory = self.memory
        tokens, limits = memory.state.observation_tokens, memory.limits(view)
        is_due = tokens >= limits.background_reflection > 0 and tokens > self._not_condensed
        if is_due and not self.reflects and memory.state.reflection is None:
            work = partial(self._reflect, memory.state.observations, tokens, limits.background_reflection)
            self._reflection = asyncio.create_task(self._run(work, "reflection"))

    async def _reflect(self, source: str, tokens: int, target_tokens: int) -> None:
        if not await self.memory.prepare_reflection(source, target_tokens):
            self._not_condensed = tokens

    async def _join_reflection(self, view: View) -> None:
        """Wait for a reflection that will be needed as soon as the chunks are in the log."""
        memory = self.memory
        coming = sum(memory.counter.count_text(chunk.observations) for chunk in memory.state.chunks)
        if memory.state.observation_tokens + coming >= memory.limits(view).reflection:
            await self._join(self._reflection)

    async def _join(self, task: "asyncio.Task[None] | None") -> None:
        """Wait for a task of ours, whatever becomes of it."""
        if task is not None and not task.done():
            await asyncio.wait((task,))

    async def _guarded(self, answer: Awaitable[LogEntry]) -> LogEntry:
        """Wait for an author so that `abort` can end it alone, without ending the session's own task."""
        call = asyncio.ensure_future(answer)
        self._calls.add(call)
        try:
            return await call
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return LogEntry(observations="", failure="aborted")
        finally:
            self._calls.discard(call)
