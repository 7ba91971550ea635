"""A live session through the layers: what an agent calls before and after every model call.

Lists go in and come out; the agent's own is never touched. What is decided stands in the layers, what is
remembered from call to call in `live/`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cortex_cli.errors import CortexError, DoesNotFitError
from cortex_cli.layers.caps import cap
from cortex_cli.layers.view import Persist
from cortex_cli.live.completing import Complete
from cortex_cli.live.keeping import Keeping
from cortex_cli.live.passing import (
    Call,
    Pass,
    run_pass,
)
from cortex_cli.live.refusals import BAD_REQUEST, error_status, error_text
from cortex_cli.live.telling import Telling
from cortex_cli.live.usage import read_usage
from cortex_cli.llm.client import Client
from cortex_cli.llm.overflow import Overflow, find_overflow
from cortex_cli.memory.base import Observer, Reflector
from cortex_cli.messages import Message, Part
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import Summarizer
from cortex_cli.tokens import Counter

if TYPE_CHECKING:
    pass


class CompactionManager(Keeping):
    """Keeps one conversation inside its window.

    Lists of OpenAI or Anthropic message dicts, of a provider package's objects or of `Message`s go in and come
    out; untouched ones are the same objects. The caller may keep its own list whole, or go on with what it was
    given: both are known again by their beginning. Calls may overlap; they are made one after the other.

    Args:
        settings: As for files; `fit` and `until` mean nothing here.
        summarizer: Writes summaries; default: the built-in one.
        complete: Instead of it a model: a client, or `async (system, prompt, max_tokens) -> text`. With observational
            memory it observes and reflects.
        observer: Writes observations, where the strategy is observational memory.
        reflector: Condenses them.
        counter: Default: the one the settings name.
        persist: Puts an original away before it is shortened, `(content, tool, category, call id, index) -> path`.
        recall: How the agent looks originals up, one line for the model; see `recall_tool`.
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
        observer: Observer | None = None,
        reflector: Reflector | None = None,
        counter: Counter | None = None,
        persist: Persist | None = None,
        recall: str = "",
        format: str = "auto",
        adaptive: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            settings,
            summarizer=summarizer,
            complete=complete,
            observer=observer,
            reflector=reflector,
            counter=counter,
            persist=persist,
            recall=recall,
            adaptive=adaptive,
            format=format,
            clock=clock,
        )
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
        return list(await self.request(messages, system=system, slots=slots, injected=injected))

    async def request(
        self, messages: Sequence[Any], *, system: Any = None, slots: Sequence[Any] = (), injected: Sequence[Any] = ()
    ) -> Sequence[Any]:
        """Return what to send, not to be changed: as `transform`, without the copy that is the caller's own."""
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
        """Take in what was answered, results included: called behind every answer, or when the agent waits.

        With observational memory it is here that observations begin, in the background.
        """
        if self._memory is None:
            return
        async with self._alone():
            view = self._view_of(replace(self._newest_call(None), messages=messages, injected=()))
            if view.messages:
                self._memory.turn_end(view)

    async def trigger_observation(self, messages: Sequence[Any] | None = None) -> bool:
        """Observe all that is not observed yet, whatever the sizes.

        Args:
            messages: The conversation; default: that of the newest call.

        Returns:
            Whether anything was observed; False, too, where the strategy is another.
        """
        if self._memory is None:
            return False
        async with self._alone():
            view = self._view_of(replace(self._newest_call(messages), injected=()))
            return bool(view.messages) and await self._memory.trigger(view)

    async def settle(self) -> None:
        """Wait for what is observed and condensed in the background."""
        if self._memory is not None:
            await self._memory.settle()

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
            telling = Telling(self._events, self._summarizer, wants_record=True)
            await self._pass(self._newest_call(messages), telling, force=force)
            return telling.record

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
        overflow = find_overflow(error_text(error), error_status(error) or BAD_REQUEST)
        if overflow is None:
            return None
        async with self._alone():
            self._learn(overflow)
            call = self._newest_call(messages)
            try:
                return list(self._hand_out(await self._pass(call, overflow=overflow)))
            except DoesNotFitError as error:  # not with room to spare, then; what it says of its size is known now
                limit = int(self._gauge.window / self._gauge.scale)
                if error.smallest_tokens > limit:
                    raise
                return list(self._hand_out(await self._pass(call, must_fit=limit)))

    def cap_tool_result(self, text: str, *, tool: str = "", call_id: str = "") -> str:
        """Shorten one result that is far too long, before it becomes part of the history."""
        part = Part("result", text, name=tool, call_id=call_id)
        view = self._view(0)
        capped = cap(view.with_messages((Message("tool", (part,), position=0),)), self._settings, self._counter)
        result = capped.messages[0].result
        return result.text if result else text

    async def close(self) -> None:
        """Stop what runs in the background, wait for a call under way, and refuse further ones."""
        if self._memory is not None:
            self._memory.abort()
            await self._memory.settle()
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

    async def _pass(
        self,
        call: Call,
        telling: Telling | None = None,
        *,
        force: bool = False,
        overflow: Overflow | None = None,
        must_fit: int = 0,
    ) -> Pass:
        """Run the layers, and keep what came of it once everything went well."""
        reading = self._read(call)
        if reading.is_typed:
            self._last_interaction = self._clock()
        telling = telling or Telling(self._events, self._summarizer)
        terms = self._terms(reading, telling, force=force, overflow=overflow)
        done = await run_pass(reading, replace(terms, must_fit=must_fit) if must_fit else terms)
        await telling.compacted(done)
        self._known, self._restored = done.known, None
        self._gauge.is_edited = self._gauge.is_edited or done.is_edited
        self._compactions += done.is_replaced
        run = done.run
        if run is not None and run.changes_of("summary") and run.outcome is not None and not run.outcome.failure:
            self._failures = 0
        await telling.replaced(done)
        return done

    def _hand_out(self, done: Pass) -> Sequence[Any]:
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
