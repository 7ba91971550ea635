"""What an observer and a reflector are handed, and what they give back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from cortex_cli.messages import Message
from cortex_cli.tokens import Counter


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveRequest:
    """Messages to be put on record."""

    messages: tuple[Message, ...]
    """Oldest first, not observed yet."""
    earlier: str
    """The log so far, or its newest part: context, not to be repeated."""
    max_tokens: int
    """What the new observations may take."""
    counter: Counter
    instruction: str = ""
    """What the user wants the observer to look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReflectRequest:
    """A log to be condensed."""

    observations: str
    max_tokens: int
    """The log is to be smaller than this."""
    level: int
    """0-4: how strongly to condense. Source: SPEC section 6, "Reflection"."""
    counter: Counter
    instruction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """A piece of log, or the news that there is none: then `observations` is empty and `failure` says why."""

    observations: str
    current_task: str = ""
    suggested_response: str = ""
    author: str = "builtin"
    """For the report: `builtin`, `openai gpt-...`."""
    failure: str = ""
    warnings: tuple[str, ...] = ()
    events: tuple[dict[str, Any], ...] = ()
    cost: dict[str, Any] | None = None
    """Usage and price of the model calls, where there were any."""
    redacted: int = 0
    """Secrets that were taken out of what was sent and of the text."""


Observer = Callable[[ObserveRequest], Awaitable[LogEntry]]
Reflector = Callable[[ReflectRequest], Awaitable[LogEntry]]
"""Failures are values, not exceptions; whoever calls one that raises all the same treats it as a failure."""
