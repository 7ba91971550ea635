"""The ladder of `--fit`: which layer runs next, and how hard, until the result is small enough.

Source: SPEC section 5.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from cortex_cli.layers.sizes import hot_zone_tokens
from cortex_cli.settings import Settings, Share, Size

HOT_ZONE_SHARES = (0.5, 0.25, 0.0)
"""How much of the hot zone is left on each harder rung. Source: SPEC section 5."""

BOOKEND_CHARS = (512, 256, 0)
"""Bookends on each harder rung, characters a side. Source: SPEC section 5."""


class Rung(NamedTuple):
    """One step."""

    layer: str
    settings: Settings
    budget: int
    """What layer 1 measures distances by, tokens."""


def target_tokens(size: Size, tokens: int, overhead_tokens: int) -> int:
    """Return what the result may have; 0: nothing was asked for.

    Args:
        size: As `--fit` gave it. A share is of the messages, the overhead on top: what is sent besides them
            cannot be compacted, and is often more than they are.
        tokens: Of the input, overhead included.
        overhead_tokens: Sent with every call and not in the file.
    """
    if isinstance(size, Share):
        return overhead_tokens + int(size.ratio * (tokens - overhead_tokens))
    return size


def ladder(settings: Settings, budget: int, target: int) -> Iterator[Rung]:
    """Yield the steps in order; the caller stops as soon as the result fits.

    Layer 1 measures distance by the target where that is smaller than the budget, and has no floor:
    what must fit cannot wait for a utilization that belongs to a larger window.
    """
    yield Rung("cap", settings, budget)
    near = min(budget, target)
    eager = replace(settings, trim_floor_ratio=0.0)
    yield Rung("micro", eager, near)
    yield Rung("summary", eager, near)
    zone = hot_zone_tokens(settings, near)
    for share, chars in zip(HOT_ZONE_SHARES, BOOKEND_CHARS, strict=True):
        harder = replace(
            eager,
            hot_zone_min_tokens=int(zone * share),
            hot_zone_ratio=0.0,
            bookend_max_chars=min(chars, settings.bookend_max_chars),
            bookend_min_chars=min(chars, settings.bookend_min_chars),
            rescue=settings.rescue and chars > 0,  # with no room for lines layer 1 goes by age alone, as far as it can
        )
        yield Rung("micro", harder, near)
    yield Rung("summary", eager, near)
    yield Rung("failsafe", settings, budget)
