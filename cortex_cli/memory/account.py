"""What the authors of a memory did and cost, for reports."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from cortex_cli.memory.base import LogEntry
from cortex_cli.report import add_bills

REMEMBERED_EVENTS = 1_000
"""A live session may go on for days."""


def _newest() -> deque[Any]:
    return deque(maxlen=REMEMBERED_EVENTS)


@dataclass(slots=True)
class Account:
    """Filled as the authors are asked."""

    observations: int = 0
    """Pieces of log that were taken in."""
    observed_messages: int = 0
    observed_tokens: int = 0
    reflections: int = 0
    """Condensed logs that were taken in."""
    calls: int = 0
    """How often an author was asked."""
    failures: deque[str] = field(default_factory=_newest)
    """Why pieces were not taken in, in order."""
    authors: dict[str, None] = field(default_factory=dict)
    """In order of their first piece."""
    warnings: dict[str, None] = field(default_factory=dict)
    events: deque[dict[str, Any]] = field(default_factory=_newest)
    cost: dict[str, Any] | None = None
    """Usage and price of all model calls."""
    redacted: int = 0

    @property
    def author(self) -> str:
        """Who wrote the log, for the report."""
        return ", ".join(self.authors)

    def add(self, entry: LogEntry) -> None:
        """Take down what an author did, whether or not its piece is taken in."""
        self.calls += 1
        self.warnings.update(dict.fromkeys(entry.warnings))
        self.events.extend(entry.events)
        self.cost = add_bills((self.cost, entry.cost))
        self.redacted += entry.redacted
