"""The sizes that layers decide by, where a default depends on the budget.

A value given by hand is obeyed as it is; `None` in the settings means the default, which never takes
more than its share of a small budget.
"""

import math

from cortex_cli.layers.view import View
from cortex_cli.settings import Settings

MAX_RESULT_TOKENS = 50_000
MAX_RESULT_SHARE = 0.25
"""Of the budget. Source of both: SPEC section 2."""

MAX_TURN_TOKENS = 150_000
MAX_TURN_SHARE = 0.60
"""Of the budget. Source of both: SPEC section 2."""

HOT_ZONE_MIN_TOKENS = 16_000
HOT_ZONE_SHARE = 0.5
"""Of the budget. Source of both: SPEC section 3."""

EXTENDED_RETENTION = 1.5
"""Factor on the hot zone of results that cannot be had again; 1.0 with an archive. Source: SPEC section 3."""

KEEP_RECENT = 6
"""Newest messages that stay verbatim. Source: SPEC section 4, point 1."""


def keep_recent(settings: Settings) -> int:
    """Return how many of the newest messages stay verbatim where there is room for them."""
    return KEEP_RECENT if settings.keep_recent_messages is None else settings.keep_recent_messages


def max_result_tokens(settings: Settings, budget: int) -> float:
    """Return the largest size of one result; infinite where the user turned the cap off with 0."""
    if settings.max_result_tokens is not None:
        return settings.max_result_tokens if settings.max_result_tokens > 0 else math.inf
    return min(MAX_RESULT_TOKENS, MAX_RESULT_SHARE * budget) if budget > 0 else MAX_RESULT_TOKENS


def max_turn_tokens(settings: Settings, budget: int) -> float:
    """Return the largest size of all results of one assistant message; infinite where the user turned it off with 0."""
    if settings.max_aggregate_turn_tokens is not None:
        return settings.max_aggregate_turn_tokens if settings.max_aggregate_turn_tokens > 0 else math.inf
    return min(MAX_TURN_TOKENS, MAX_TURN_SHARE * budget) if budget > 0 else MAX_TURN_TOKENS


def hot_zone_tokens(settings: Settings, budget: int) -> float:
    """Return how many of the newest tokens are left alone."""
    least: float
    if settings.hot_zone_min_tokens is not None:
        least = settings.hot_zone_min_tokens
    else:
        least = min(HOT_ZONE_MIN_TOKENS, HOT_ZONE_SHARE * budget)
    return max(least, budget * settings.hot_zone_ratio)


def retention(settings: Settings, *, is_archived: bool) -> float:
    """Return the factor by which the hot zone of non-reproducible results is larger."""
    if settings.extended_retention_multiplier is not None:
        return settings.extended_retention_multiplier
    return 1.0 if is_archived else EXTENDED_RETENTION


def utilization(tokens: int, view: View) -> float:
    """Return which share of the budget a count takes, in the model's own tokens; 0 where no budget is known."""
    return tokens * view.scale / view.budget if view.budget > 0 else 0.0
