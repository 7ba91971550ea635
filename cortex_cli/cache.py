"""Prompt caches: how long one lives, what it costs, and what follows from how long a session has been idle.

Pure decisions; the caller knows the time. Source: SPEC sections 7 and 8.
"""

from typing import Literal, NamedTuple, get_args

from cortex_cli.errors import OptionError, name_hint

Retention = Literal["none", "short", "long"]


class CacheRule(NamedTuple):
    """How one provider's prompt cache lives and is billed."""

    short_ttl_seconds: int = 0
    """0: there is no cache to reckon with."""
    long_ttl_seconds: int = 0
    short_write_factor: float = 1.0
    """Price of writing to the cache, as a multiple of the input price."""
    long_write_factor: float = 1.0
    read_factor: float = 1.0
    """Price of reading from the cache, as a multiple of the input price."""

    def ttl_seconds(self, retention: Retention) -> int:
        """Return how long an entry lives unused; 0: not at all."""
        return {"none": 0, "short": self.short_ttl_seconds, "long": self.long_ttl_seconds}[retention]


_ANTHROPIC = CacheRule(5 * 60, 60 * 60, 1.25, 2.0, 0.1)

NO_CACHE = CacheRule()
"""For Google, Mistral, Azure and every provider not listed."""

CACHE_RULES = {
    "anthropic": _ANTHROPIC,
    "bedrock": _ANTHROPIC,
    "openai": CacheRule(10 * 60, 24 * 60 * 60, 1.0, 1.0, 0.5),
    "google": NO_CACHE,
    "mistral": NO_CACHE,
    "azure": NO_CACHE,
}
"""By provider. Source: SPEC section 7. A model's own price list wins, see `models.Model.cache`."""

SHORT_RETENTION_MARGIN = 0.9
"""Share of the short TTL that the usual interval between calls may take. Source: SPEC section 7."""

RECENT_SECONDS = 5 * 60
"""Shorter idle times leave the threshold alone. Source: SPEC section 8."""

MODERATE_SECONDS = 30 * 60
"""Up to here the threshold falls by `MODERATE_REDUCTION`, beyond by `IDLE_REDUCTION`. Source: SPEC section 8."""

MODERATE_REDUCTION = 0.10
IDLE_REDUCTION = 0.20


class CacheOption(NamedTuple):
    """What `--cache` says."""

    provider: str
    retention: Retention


def parse_cache_option(value: str, *, where: str = "") -> CacheOption:
    """Read `PROVIDER[:none|short|long]`; the provider alone means short.

    Args:
        value: What was given.
        where: As what, for the error.

    Raises:
        OptionError: The provider or the retention is not known.
    """
    provider, _, retention = value.strip().lower().partition(":")
    if provider not in CACHE_RULES:
        raise OptionError(f"unknown cache provider {provider!r}", hint=name_hint(provider, CACHE_RULES), where=where)
    for known in get_args(Retention):
        if known == (retention or "short"):
            return CacheOption(provider, known)
    hint = name_hint(retention, get_args(Retention))
    raise OptionError(f"unknown cache retention {retention!r}", hint=hint, where=where)


def cache_ttl_seconds(provider: str, retention: Retention) -> int:
    """Return how long a provider keeps a prompt that is not used; 0: it does not."""
    return CACHE_RULES.get(provider, NO_CACHE).ttl_seconds(retention)


def is_cold(ttl_seconds: float, age_seconds: float | None) -> bool:
    """Tell whether a cache holds nothing worth keeping.

    Args:
        ttl_seconds: As `cache_ttl_seconds` says.
        age_seconds: Since the last call; None: no call is recorded.
    """
    return ttl_seconds <= 0 or age_seconds is None or age_seconds >= ttl_seconds


def best_retention(provider: str, interval_seconds: float, rule: CacheRule | None = None) -> Retention:
    """Choose the retention for calls that come so far apart.

    Args:
        provider: Whose cache it is.
        interval_seconds: The usual time from one call to the next.
        rule: With the prices of a model's own list; default: the provider's.
    """
    rule = rule or CACHE_RULES.get(provider, NO_CACHE)
    if rule.short_ttl_seconds <= 0 or rule.read_factor >= min(1.0, rule.short_write_factor):
        return "none"  # what is read costs as much as what is sent anew
    if rule.long_write_factor <= rule.short_write_factor:  # the long one costs nothing more, as at OpenAI
        return "long"
    return "short" if interval_seconds <= SHORT_RETENTION_MARGIN * rule.short_ttl_seconds else "long"


def adaptive_threshold(base: float, idle_seconds: float | None) -> float:
    """Lower a threshold for a session that nobody is waiting for.

    Args:
        base: The layer-2 threshold, 0-1.
        idle_seconds: Since the last interaction; None: there was none.

    Returns:
        The threshold to use, never below 0.
    """
    if idle_seconds is None or idle_seconds >= MODERATE_SECONDS:
        return max(0.0, base - IDLE_REDUCTION)
    if idle_seconds >= RECENT_SECONDS:
        return max(0.0, base - MODERATE_REDUCTION)
    return base
