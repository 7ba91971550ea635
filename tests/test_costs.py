"""Costs: what a compaction saves on each call and what breaking the cache costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.costs import estimate_cost
from cortex_cli.models import Model, find_model

CLAUDE = Model(
    "c",
    "anthropic",
    200_000,
    {"input": ((0, 3.0),), "cache_read": ((0, 0.3),), "cache_write": ((0, 3.75),)},
)


def test_cost_of_a_usual_compaction():
    """100k become 40k of which 10k stay cached: 30k are written anew, and pay back within six calls."""
    cost = estimate_cost(CLAUDE, 100_000, 40_000, 10_000)
    assert cost.per_call_before_usd == pytest.approx(0.03)
    assert cost.per_call_after_usd == pytest.approx(0.012)
    assert cost.cache_rewrite_usd == pytest.approx(30_000 * 3.45 / 1e6)
    assert cost.break_even_calls == 6
    assert cost.to_json()["break_even_calls"] == 6


def test_claude_scale_makes_calls_dearer():
    """Prices are per token of the model, counts are ours."""
    scaled = estimate_cost(CLAUDE, 100_000, 40_000, 10_000, scale=1.5)
    assert scaled.per_call_before_usd == pytest.approx(0.045)


def test_provider_without_cache_pays_full_price_and_rewrites_for_nothing():
    """Without a cache there is none to break."""
    plain = Model("p", "nobody", 0, {"input": ((0, 2.0),)})
    cost = estimate_cost(plain, 100_000, 50_000, 0)
    assert cost.per_call_before_usd == pytest.approx(0.2)
    assert cost.cache_rewrite_usd == 0
    assert cost.break_even_calls == 0


def test_provider_factors_stand_in_for_missing_cache_prices():
    """SPEC 7 knows what OpenAI's cache costs where the list does not."""
    cost = estimate_cost(Model("p", "openai", 0, {"input": ((0, 2.0),)}), 100_000, 50_000, 0)
    assert cost.per_call_before_usd == pytest.approx(0.1)
    assert cost.cache_rewrite_usd == pytest.approx(0.05)


def test_getting_under_a_price_tier_counts():
    """Over 200k tokens every token costs double; that is part of the saving."""
    cost = estimate_cost(find_model("claude-sonnet-4-5"), 250_000, 150_000, 0)
    assert cost.per_call_before_usd == pytest.approx(250_000 * 0.6 / 1e6)
    assert cost.per_call_after_usd == pytest.approx(150_000 * 0.3 / 1e6)


def test_nothing_saved_never_pays():
    """A rewrite without a saving has no break-even."""
    assert estimate_cost(CLAUDE, 100, 100, 0).break_even_calls is None


def test_no_price_no_cost():
    """An unknown price is not zero."""
    assert estimate_cost(Model("m", "p", 0, {}), 10, 5, 0) is None


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_costs_are_never_negative(before, after, first):
    """Whatever a run did, a report must not show negative prices."""
    cost = estimate_cost(CLAUDE, before, after, first)
    assert min(cost.per_call_before_usd, cost.per_call_after_usd, cost.cache_rewrite_usd) >= 0
    assert cost.break_even_calls is None or cost.break_even_calls >= 0
