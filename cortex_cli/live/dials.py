"""What of a live session can be set while it runs, and what follows from it: sizes, threshold, cache, completer."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from cortex_cli.cache import Retention, adaptive_threshold, parse_cache_option
from cortex_cli.compaction import builtin_summarizer
from cortex_cli.errors import OptionError
from cortex_cli.layers.view import Persist, View, forgiving
from cortex_cli.live.completing import Complete, client_of, guarded, summarizer_from
from cortex_cli.live.events import Events, Handler
from cortex_cli.live.gauge import Gauge
from cortex_cli.live.warmth import Warmth
from cortex_cli.llm.client import Client
from cortex_cli.memory.base import Observer, Reflector
from cortex_cli.settings import Settings, Size
from cortex_cli.summarizers.base import BUILTIN, Summarizer
from cortex_cli.tokens import Counter, make_counter

if TYPE_CHECKING:
    from cortex_cli.memory.live import LiveMemory


class Dials:
    """The settings of one session. Sizes are in tokens, times in seconds of the clock."""

    def __init__(
        self,
        settings: Settings | None,
        *,
        summarizer: Summarizer | None = None,
        complete: Complete | Client | None = None,
        observer: Observer | None = None,
        reflector: Reflector | None = None,
        counter: Counter | None = None,
        persist: Persist | None = None,
        recall: str = "",
        adaptive: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings or Settings()
        self._counter = counter or make_counter(self._settings.tokenizer)
        self._persist = _once(forgiving(persist)) if persist else None
        self._is_adaptive = adaptive
        self._clock = clock
        self._events = Events()
        self._gauge = Gauge(self._settings.model, self._counter.name, self._settings.window, self._settings.budget)
        self._warmth = Warmth(self._settings.model)
        self._last_interaction: float | None = None
        if self._settings.cache:
            self._warmth.set(*parse_cache_option(self._settings.cache))
        has_author = any(one is not None for one in (summarizer, complete, observer, reflector))
        if not has_author and self._settings.summarizer != BUILTIN:
            raise OptionError(
                f"summarizer {self._settings.summarizer!r} was named and none handed in",
                hint="hand in `summarizer=summarizer_of(settings, os.environ)`, or an observer and a reflector",
            )
        self._recall = recall
        self._memory: LiveMemory | None = None
        self.set_completer(complete, summarizer=summarizer, observer=observer, reflector=reflector)
        self.set_budget(self._settings.budget)

    def on(self, event: str, handler: Handler) -> Callable[[], None]:
        """Add a handler, sync or async; it must not call the manager's own async methods.

        Args:
            event: One of `live.events.EVENTS`.
            handler: Called with the event, a dict. One of `before_compaction` that returns False prevents it.

        Returns:
            A function that takes it away again.

        Raises:
            OptionError: There is no such event.
        """
        return self._events.on(event, handler)

    def set_last_interaction(self, at: float | None = None) -> None:
        """Say when the user was last here, in seconds of the clock; default: now. New typed messages say so too."""
        self._last_interaction = self._clock() if at is None else at

    def set_cache(self, provider: str, retention: Retention = "short") -> None:
        """Say whose prompt cache is used; an empty provider: find out from model and usage.

        Raises:
            OptionError: The name or the retention is not known.
        """
        self._warmth.set(provider, retention)

    def set_budget(self, budget: Size) -> None:
        """Set the smaller limit for layers 1 and 2, in tokens; 0: the window.

        Raises:
            OptionError: It is larger than the window.
        """
        before, self._gauge.budget_set = self._gauge.budget_set, budget
        try:
            self._gauge.budget  # noqa: B018 - read to be checked
        except OptionError:
            self._gauge.budget_set = before
            raise

    def set_model_window(self, window: int) -> None:
        """Set the model's window, in tokens; 0: as known of the model.

        Raises:
            OptionError: The budget is larger.
        """
        before, self._gauge.window_set = self._gauge.window_set, window
        try:
            self.set_budget(self._gauge.budget_set)
        except OptionError:
            self._gauge.window_set = before
            raise

    def set_model(self, model: str) -> None:
        """Go on with another model: its window, tokenizer and cache.

        Raises:
            OptionError: The budget is larger than its window.
        """
        before, budget = self._gauge, self._gauge.budget_set
        self._gauge = Gauge(model, self._counter.name, self._settings.window, budget)
        try:
            self.set_budget(budget)
        except OptionError:
            self._gauge = before
            raise
        self._settings = replace(self._settings, model=model)
        self._warmth.model, self._warmth.calls = model, []

    def set_utility_window(self, window: int) -> None:
        """Set the window of the model that writes summaries, in tokens; 0: as known of it."""
        self._settings = replace(self._settings, utility_window_tokens=window)
        summarizer, observer, reflector = self._authors
        self.set_completer(self._complete, summarizer=summarizer, observer=observer, reflector=reflector)

    def set_completer(
        self,
        complete: Complete | Client | None = None,
        *,
        summarizer: Summarizer | None = None,
        observer: Observer | None = None,
        reflector: Reflector | None = None,
    ) -> None:
        """Set who writes summaries, or observes and reflects: a model for all, or each by itself.

        What is not given is built in.
        """
        self._complete, self._authors = complete, (summarizer, observer, reflector)
        client = client_of(complete) if complete is not None else None
        if summarizer is None and client is not None:
            summarizer = summarizer_from(client, self._settings)
        self._summarizer = guarded(summarizer, self._settings) if summarizer else builtin_summarizer
        if self._settings.strategy == "observational":
            self._memory = self._remember(client, observer, reflector)

    def _remember(self, client: Client | None, observer: Observer | None, reflector: Reflector | None) -> "LiveMemory":
        """Return the memory with these authors; one that goes on keeps its state."""
        from cortex_cli.live.observing import live_memory  # noqa: PLC0415 - start-up time: only this strategy needs it

        return live_memory(
            self._settings,
            self._counter,
            client=client,
            observer=observer,
            reflector=reflector,
            emit=self._events.emit,
            recall=self._recall,
            known=self._memory,
        )

    def _threshold(self) -> float:
        """The layer-2 threshold that holds now."""
        if not (self._is_adaptive or self._settings.adaptive):
            return self._settings.threshold
        idle = None if self._last_interaction is None else self._clock() - self._last_interaction
        return adaptive_threshold(self._settings.threshold, idle)

    def _view(self, preamble_tokens: int) -> View:
        """Sizes, cache and persist callback for the layers, without messages."""
        return View(
            messages=(),
            window=self._gauge.window,
            budget=self._gauge.budget,
            overhead_tokens=self._gauge.overhead(preamble_tokens),
            scale=self._gauge.scale,
            cache_is_warm=not self._warmth.is_cold(self._clock()),
            persist=self._persist,
        )


def _once(persist: Persist) -> Persist:
    """Put every text away once, however often layer 1 comes by."""
    known: dict[tuple[str, int, int], str] = {}

    def persist_once(content: str, tool: str, category: str, call_id: str, index: int) -> str:
        key = (call_id, hash(content), len(content))
        if key not in known:
            known[key] = persist(content, tool, category, call_id, index)
        return known[key]

    return persist_once
