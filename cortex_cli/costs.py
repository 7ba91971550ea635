"""What a compaction saves on every later call, and what breaking the prompt cache costs once."""

from math import ceil
from typing import Any, NamedTuple

from cortex_cli.cache import Retention
from cortex_cli.models import Model

MILLION = 1_000_000
"""Prices are for so many tokens."""


class Cost(NamedTuple):
    """The price of a compaction, US dollars."""

    model: str
    per_call_before_usd: float
    """Input of one call as things were, everything read from the cache where the provider has one."""
    per_call_after_usd: float
    cache_rewrite_usd: float
    """What the first call after the compaction costs more than the ones after it."""
    break_even_calls: int | None
    """After how many calls the compaction has paid for itself; None: it never does."""

    def to_json(self) -> dict[str, Any]:
        """Return the entry of the JSON report. Source: DESIGN section 5."""
        return {
            "model": self.model,
            "per_call_before_usd": round(self.per_call_before_usd, 6),
            "per_call_after_usd": round(self.per_call_after_usd, 6),
            "cache_rewrite_usd": round(self.cache_rewrite_usd, 6),
            "break_even_calls": self.break_even_calls,
        }


def estimate_cost(
    model: Model,
    tokens_before: int,
    tokens_after: int,
    first_changed_token: int,
    *,
    scale: float = 1.0,
    retention: Retention = "short",
    is_cold: bool = False,
) -> Cost | None:
    """Estimate what a compaction costs and saves.

    Args:
        model: Whose prices apply.
        tokens_before: Input of a call before, in tokens of our counter.
        tokens_after: Input of a call after.
        first_changed_token: Everything in front of it stays in the cache.
        scale: Tokens of the model for one of ours.
        retention: How long the cache keeps what is written; none: every call pays the input price.
        is_cold: Nothing is cached now, so the next call writes everything, compacted or not.

    Returns:
        None where no price is known.
    """
    if model.price("input") is None:
        return None
    before, after = round(tokens_before * scale), round(tokens_after * scale)
    kept = after if is_cold else min(round(first_changed_token * scale), after)
    read = _input_price if retention == "none" else _read_price
    read_before, read_after = read(model, before), read(model, after)
    per_call_before, per_call_after = before * read_before / MILLION, after * read_after / MILLION
    rewrite = (after - kept) * max(0.0, _write_price(model, after, retention) - read_after) / MILLION
    saved = per_call_before - per_call_after
    calls = None if saved <= 0 else ceil(round(rewrite / saved, 9))  # rounded: 3.0000000001 calls are 3
    return Cost(model.name, per_call_before, per_call_after, rewrite, calls)


def price_of_call(
    model: Model,
    input_tokens: int,
    cached_tokens: int,
    output_tokens: int,
    *,
    written_tokens: int = 0,
    retention: Retention = "short",
) -> float | None:
    """Return what one model call costs, US dollars.

    Args:
        model: Whose prices apply.
        input_tokens: As the provider counted, cached ones included.
        cached_tokens: Of these, read from the cache.
        output_tokens: As the provider counted.
        written_tokens: Of the input, written to the cache.
        retention: How long the cache keeps what is written.

    Returns:
        None where no price is known.
    """
    answer = model.price("output", input_tokens)
    if model.price("input", input_tokens) is None or answer is None:
        return None
    fresh = (input_tokens - cached_tokens - written_tokens) * _input_price(model, input_tokens)
    written = written_tokens * _write_price(model, input_tokens, retention)
    read = cached_tokens * _read_price(model, input_tokens)
    return (fresh + written + read + output_tokens * answer) / MILLION


def _read_price(model: Model, input_tokens: int) -> float:
    listed = model.price("cache_read", input_tokens)
    return listed if listed is not None else _input_price(model, input_tokens) * model.cache.read_factor


def _write_price(model: Model, input_tokens: int, retention: Retention) -> float:
    if retention == "none":
        return _input_price(model, input_tokens)
    is_long = retention == "long"
    listed = model.price("cache_write_long" if is_long else "cache_write", input_tokens)
    factor = model.cache.long_write_factor if is_long else model.cache.short_write_factor
    return listed if listed is not None else _input_price(model, input_tokens) * factor


def _input_price(model: Model, input_tokens: int) -> float:
    return model.price("input", input_tokens) or 0.0
