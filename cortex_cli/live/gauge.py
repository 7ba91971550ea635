"""How full a live session is: its window and budget, and what the provider's own counts teach about ours.

A provider's count of a request is taken as `scale * (overhead + our count)`: the overhead is what is sent and not
shown to us (tool schemas), the scale how the model's tokenizer counts against ours. Source: SPEC section 1.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cortex_cli import models, sizing
from cortex_cli.errors import OptionError
from cortex_cli.settings import Size

_log = logging.getLogger("cortex_cli")

MIN_GROWTH_TOKENS = 4_000
"""Two calls must lie so far apart before their difference says anything of the tokenizer."""

SCALE_RANGE = (0.5, 3.0)
"""What a scale may be: beyond it the two calls were not of one conversation."""

DROP_RATIO = 0.5
"""Usage that falls below this share of the last without a compaction is worth a word. Source: DESIGN section 6."""


class Measured(NamedTuple):
    """One call that the provider counted."""

    counted: int
    """Our count of its messages."""
    stated: int
    """The provider's count of its input."""


@dataclass(slots=True)
class Gauge:
    """The sizes of one session, in tokens; changes with what is learned and set."""

    model: str
    tokenizer: str
    window_set: int
    """As the user said; 0: the model's."""
    budget_set: Size
    newest: Measured | None = None
    smallest: Measured | None = None
    """The call with the fewest tokens: with the newest it gives the scale."""
    is_edited: bool = False
    """Something was taken out since the newest call: its count no longer holds to the token."""
    _scale: float = field(default=0.0)

    @property
    def window(self) -> int:
        """The model's limit."""
        return models.window_for(self.window_set, model=self.model)[0]

    @property
    def budget(self) -> int:
        """The smaller limit for layers 1 and 2.

        Raises:
            OptionError: It is larger than the window.
        """
        budget = sizing.resolve_size(self.budget_set, self.window) or self.window
        if budget > self.window:
            raise OptionError(f"the budget {budget} is larger than the window {self.window}", hint="raise window too")
        return budget

    @property
    def scale(self) -> float:
        """What the model counts for one token of ours: measured, else as known of the model."""
        return self._scale or models.scale_for(self.model, self.tokenizer)[0]

    def overhead(self, preamble_tokens: int) -> int:
        """Return what is sent besides the messages, in our tokens.

        Args:
            preamble_tokens: Our count of what is known of it.
        """
        if self.newest is None:
            return preamble_tokens
        measured = round(self.newest.stated / self.scale) - self.newest.counted
        return max(0, measured) if self.is_edited else measured

    def observe(self, counted: int, stated: int) -> None:
        """Take in what a call really took.

        Args:
            counted: Our count of the messages that were sent.
            stated: The provider's count of the request.
        """
        last = self.newest
        if last and not self.is_edited and stated < DROP_RATIO * last.stated:
            _log.warning(
                "usage fell from %d to %d tokens and nothing was compacted: is this the same conversation?",
                last.stated,
                stated,
            )
            self.smallest = None
        self.newest = Measured(counted, stated)
        self.is_edited = False
        if self.smallest is None or counted < self.smallest.counted:
            self.smallest = self.newest
        growth = counted - self.smallest.counted
        if growth >= MIN_GROWTH_TOKENS:
            scale = (stated - self.smallest.stated) / growth
            self._scale = min(max(scale, SCALE_RANGE[0]), SCALE_RANGE[1])

    def learn_window(self, limit: int) -> None:
        """Obey a limit that the provider states, where it is below what we took for the window."""
        if 0 < limit < self.window:
            _log.warning(
                "the provider's limit is %d tokens, not %d: that is the window from now on", limit, self.window
            )
            if sizing.resolve_size(self.budget_set, self.window) > limit:
                self.budget_set = limit
            self.window_set = limit

    def to_json(self) -> dict[str, Any]:
        """Return what was measured."""
        return {"newest": self.newest, "smallest": self.smallest, "is_edited": self.is_edited, "scale": self._scale}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with what was measured before."""
        self.newest, self.smallest = (Measured(*state[key]) if state[key] else None for key in ("newest", "smallest"))
        self.is_edited, self._scale = bool(state["is_edited"]), float(state["scale"])
