"""Asking the built-in authors for a log."""

from cortex_cli.memory.base import LogEntry, ObserveRequest, ReflectRequest
from cortex_cli.memory.condensing import reflect
from cortex_cli.memory.observing import observe
from cortex_cli.messages import Message
from cortex_cli.tokens import HeuristicCounter
from tests.conftest import live

COUNTER = HeuristicCounter()
SIGNS = "🔴🟡🟢✅"
LINES = ("Date: ", *(f"* {sign} " for sign in SIGNS), "  * -> ")
"""How the lines of a log begin."""


def at(time: str, message: Message) -> Message:
    """Say when a message was said, `DDThh:mm` of January 2026."""
    return message._replace(time=f"2026-01-{time}:00Z")


def observed(*messages: Message | list[Message], earlier: str = "", max_tokens: int = 2_000) -> LogEntry:
    """Put messages on record."""
    request = ObserveRequest(messages=live(*messages), earlier=earlier, max_tokens=max_tokens, counter=COUNTER)
    return observe(request)


def reflected(observations: str, *, level: int = 0, max_tokens: int = 2_000) -> LogEntry:
    """Condense a log."""
    return reflect(ReflectRequest(observations=observations, max_tokens=max_tokens, level=level, counter=COUNTER))


def is_in_form(log: str) -> bool:
    """Tell whether every line is one of the log's."""
    return all(line.startswith(LINES) for line in log.split("\n") if line)
