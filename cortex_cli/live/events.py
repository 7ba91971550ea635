"""What a live session tells of itself, and who listens. Handlers are somebody else's code: they may fail."""

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from cortex_cli.errors import OptionError, name_hint

_log = logging.getLogger("cortex_cli")

EVENTS = (
    "before_compaction",
    "error",
    "post_compaction",
    "source_replaced",
    "result",
    "degraded",
    "exhausted",
    "observation",
    "reflection",
)
"""Names, those of one compaction in their order. Source: SPEC sections 4 (events, failure) and 6."""

Event = dict[str, Any]
"""What a handler is handed: `event` and what belongs to it."""

Handler = Callable[[Event], Awaitable[Any] | Any]
"""Sync or async. Of `before_compaction` it is waited for, and False means: leave it."""


class Events:
    """The handlers of one session."""

    def __init__(self) -> None:
        self._handlers: dict[str, list[Handler]] = {name: [] for name in EVENTS}

    def on(self, event: str, handler: Handler) -> Callable[[], None]:
        """Add a handler.

        Args:
            event: One of `EVENTS`; hyphens will do.
            handler: Called with the event.

        Returns:
            A function that takes it away again.

        Raises:
            OptionError: There is no such event.
        """
        name = event.replace("-", "_")
        if name not in self._handlers:
            raise OptionError(f"no event {event!r}", hint=name_hint(name, EVENTS))
        handlers = self._handlers[name]
        handlers.append(handler)

        def off() -> None:
            if handler in handlers:
                handlers.remove(handler)

        return off

    def is_heard(self, event: str) -> bool:
        """Tell whether anybody listens."""
        return bool(self._handlers[event])

    async def emit(self, event: str, **details: Any) -> bool:
        """Tell every handler, one after the other, in the order in which they were added.

        Returns:
            False where one of them returned False.
        """
        answers = [await _call(handler, {"event": event, **details}) for handler in tuple(self._handlers[event])]
        return not any(answer is False for answer in answers)


async def _call(handler: Handler, event: Event) -> Any:
    try:
        answer = handler(event)
        return await answer if inspect.isawaitable(answer) else answer
    except Exception:  # whatever it raises is its own affair
        _log.warning("a handler of %s failed", event["event"], exc_info=True)
        return None
