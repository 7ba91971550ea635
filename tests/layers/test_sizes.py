"""Defaults shrink with the budget; what is given by hand does not."""

import math

from cortex_cli.layers.sizes import hot_zone_tokens, max_result_tokens, max_turn_tokens, retention, utilization
from cortex_cli.layers.view import View
from cortex_cli.settings import Settings


def test_defaults_and_their_shares() -> None:
    """A window of 16k would otherwise be all hot zone, and no result ever too large."""
    settings = Settings()
    assert (max_result_tokens(settings, 1_000_000), max_result_tokens(settings, 16_000)) == (50_000, 4_000)
    assert (max_turn_tokens(settings, 1_000_000), max_turn_tokens(settings, 100_000)) == (150_000, 60_000)
    assert (hot_zone_tokens(settings, 200_000), hot_zone_tokens(settings, 16_000)) == (16_000, 8_000)
    assert hot_zone_tokens(settings, 1_000_000) == 50_000
    assert (max_result_tokens(settings, 0), max_turn_tokens(settings, 0)) == (50_000, 150_000)


def test_given_values_are_obeyed() -> None:
    """The user knows better."""
    settings = Settings(max_result_tokens=9, max_aggregate_turn_tokens=8, hot_zone_min_tokens=7, hot_zone_ratio=0.0)
    assert (max_result_tokens(settings, 10), max_turn_tokens(settings, 10), hot_zone_tokens(settings, 10)) == (9, 8, 7)
    off = Settings(max_result_tokens=0, max_aggregate_turn_tokens=-1)
    assert max_result_tokens(off, 10) == max_turn_tokens(off, 10) == math.inf


def test_retention() -> None:
    """What can be read back need not stay longer."""
    assert retention(Settings(), is_archived=False) == 1.5
    assert retention(Settings(), is_archived=True) == 1.0
    assert retention(Settings(extended_retention_multiplier=2.0), is_archived=True) == 2.0


def test_utilization() -> None:
    """In the model's own tokens, of the budget."""
    assert utilization(100, View(messages=(), window=900, budget=400, scale=2.0)) == 0.5
    assert utilization(100, View(messages=(), window=900, budget=0)) == 0.0
