"""What a replay found: per call, per strategy, per session."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cortex_cli.cache import Retention
from cortex_cli.messages import Message
from cortex_cli.replaying.billing import Charge
from cortex_cli.replaying.pieces import Piece, Recorded

VERSION = 1
"""Of the JSON report."""


class ReplayedCall(NamedTuple):
    """One call under one strategy; tokens as the model counts them."""

    answer: int
    """Position of the recorded answer."""
    time: float
    charge: Charge
    by_role: dict[str, int]
    """Tokens sent of each role; `overhead` is what is sent besides the messages."""
    cut: str
    """What was compacted before this call, one line; empty for nothing."""
    facts_known: int
    """Facts that had been said by then."""
    facts_kept: int
    """Of these, still in what is sent."""
    pieces: tuple[Piece, ...] = ()
    """What the cut did to single messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyResult:
    """A session under one strategy."""

    name: str
    calls: tuple[ReplayedCall, ...]
    failure: str = ""
    """Why it ended early."""

    @property
    def peak_tokens(self) -> int:
        """Largest request."""
        return max((call.charge.tokens for call in self.calls), default=0)

    @property
    def sent_tokens(self) -> int:
        """Of all requests together."""
        return sum(call.charge.tokens for call in self.calls)

    @property
    def cached_ratio(self) -> float:
        """Share of what was sent that was read from the cache."""
        return sum(call.charge.cached for call in self.calls) / self.sent_tokens if self.sent_tokens else 0.0

    @property
    def compactions(self) -> int:
        """Calls before which something was compacted."""
        return sum(bool(call.cut) for call in self.calls)

    @property
    def breaks(self) -> int:
        """Calls that found less in a living cache than was put there."""
        return sum(call.charge.is_break for call in self.calls)

    @property
    def cost_usd(self) -> float | None:
        """Of all calls; None where no price is known."""
        prices = [call.charge.usd for call in self.calls]
        return sum(usd for usd in prices if usd is not None) if None not in prices else None

    @property
    def facts_ratio(self) -> float:
        """Share of the facts known at a call that the model still saw, over all calls."""
        known = sum(call.facts_known for call in self.calls)
        return sum(call.facts_kept for call in self.calls) / known if known else 1.0

    @property
    def final_facts_ratio(self) -> float:
        """The same at the last call."""
        last = self.calls[-1] if self.calls else None
        return last.facts_kept / last.facts_known if last and last.facts_known else 1.0

    def to_json(self, recorded: Recorded | None = None) -> dict[str, Any]:
        """Return the entry of the JSON report.

        Args:
            recorded: The session's messages: with them each cut tells what it did to single messages.
        """
        cost = self.cost_usd
        return {
            "name": self.name,
            "peak_tokens": self.peak_tokens,
            "sent_tokens": self.sent_tokens,
            "cached_ratio": round(self.cached_ratio, 4),
            "compactions": self.compactions,
            "cache_breaks": self.breaks,
            "cost_usd": None if cost is None else round(cost, 6),
            "facts_ratio": round(self.facts_ratio, 4),
            "final_facts_ratio": round(self.final_facts_ratio, 4),
            "failure": self.failure,
            "calls": [_call_to_json(call, recorded) for call in self.calls],
        }


def _call_to_json(call: ReplayedCall, recorded: Recorded | None) -> dict[str, Any]:
    charge = call.charge
    told: dict[str, Any] = {
        "message": call.answer,
        "time": call.time,
        "tokens": charge.tokens,
        "cached": charge.cached,
        "written": charge.written,
        "cache_break": charge.is_break,
        "usd": None if charge.usd is None else round(charge.usd, 8),
        "by_role": call.by_role,
        "cut": call.cut,
        "facts_known": call.facts_known,
        "facts_kept": call.facts_kept,
    }
    if recorded is not None and call.cut:
        told["pieces"] = [recorded.piece_to_json(piece) for piece in call.pieces]
    return told


def pareto_front(results: Sequence[StrategyResult]) -> tuple[StrategyResult, ...]:
    """Return those that no other one beats in both cost and kept facts, the cheapest first."""
    priced = [one for one in results if one.cost_usd is not None and not one.failure]
    priced.sort(key=lambda one: (one.cost_usd or 0.0, -one.facts_ratio))
    front: list[StrategyResult] = []
    for one in priced:
        if not front or one.facts_ratio > front[-1].facts_ratio:
            front.append(one)
    return tuple(front)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A session under several strategies."""

    path: str
    format: str
    model: str
    window: int
    retention: Retention
    calls: int
    scale: float
    """The model's tokens for one of ours."""
    calibration: float | None
    """Recorded input tokens of a call over those simulated for it, the middle of all calls; None: none recorded."""
    recorded_calls: int
    strategies: tuple[StrategyResult, ...]
    warnings: tuple[str, ...] = field(default=())
    messages: tuple[Message, ...] = field(default=(), repr=False)
    """Of the session."""

    def to_json(self, *, texts: bool = False) -> dict[str, Any]:
        """Return the JSON report.

        Args:
            texts: Each cut tells what it did to single messages, with the beginnings of their texts.
        """
        recorded = Recorded(self.messages) if texts else None
        front = {one.name for one in pareto_front(self.strategies)}
        return {
            "version": VERSION,
            "command": "replay",
            "input": {"path": self.path, "format": self.format},
            "model": self.model,
            "window": self.window,
            "retention": self.retention,
            "calls": self.calls,
            "model_scale": self.scale,
            "calibration": None if self.calibration is None else round(self.calibration, 4),
            "recorded_calls": self.recorded_calls,
            "strategies": [{**one.to_json(recorded), "front": one.name in front} for one in self.strategies],
            "warnings": list(self.warnings),
        }
