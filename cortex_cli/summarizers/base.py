"""What a summariser is handed and what it gives back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from cortex_cli.marks import Summary
from cortex_cli.messages import Message
from cortex_cli.report import Facts, add_bills
from cortex_cli.tokens import Counter

BUILTIN = "builtin"

KEY_VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
"""Looked at only where the provider's own address is used: a key never goes elsewhere unasked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRequest:
    """One prefix to be replaced."""

    messages: tuple[Message, ...]
    """What the summary replaces, oldest first, without earlier summaries."""
    earlier: tuple[Summary, ...]
    """Summaries that stand before it, oldest first; to be carried and updated."""
    max_tokens: int
    """What the summary may take, its ledger included."""
    counter: Counter
    following: tuple[Message, ...] = ()
    """What stays verbatim after it: newer statements there replace older ones in what is summarised."""
    given_up: int = 0
    """How many of `messages`, the newest, had stayed verbatim had there been room: what they ask for is still open."""
    focus: str = ""
    """What the user wants looked at most."""
    fills: bool = False
    """Whether a result of a certain size was asked for: then room that is left in the summary is nobody's gain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryOutcome:
    """A summary, or the news that there is none: then `text` is empty and `failure` says why."""

    text: str
    """The body, without the tags around it."""
    facts: Facts
    summarizer: str
    """For the report: `builtin`, `openai gpt-...`, `builtin (model failed: ...)`."""
    warnings: tuple[str, ...] = ()
    events: tuple[dict[str, Any], ...] = ()
    cost: dict[str, Any] | None = None
    """Usage and price of the model calls, where there were any."""
    redacted: int = 0
    """Secrets that were taken out of what was sent and of the text."""
    failure: str = ""
    """Why no model wrote it, where one should have."""

    def after(self, earlier: "SummaryOutcome | None") -> "SummaryOutcome":
        """Return this outcome with what an earlier one of the same run took, cost and warned of."""
        if earlier is None:
            return self
        return replace(
            self,
            warnings=tuple(dict.fromkeys((*earlier.warnings, *self.warnings))),
            events=(*earlier.events, *self.events),
            cost=add_bills((earlier.cost, self.cost)),
            redacted=max(earlier.redacted, self.redacted),
        )


Summarizer = Callable[[SummaryRequest], Awaitable[SummaryOutcome | None]]
"""None: nothing could be said in the space there was."""
