"""The prompt cache of a live session: whose it is, how long it lives, whether it is warm. Source: SPEC section 7."""

from dataclasses import dataclass, field
from statistics import median

from cortex_cli import cache, models
from cortex_cli.cache import CACHE_RULES, NO_CACHE, CacheRule, Retention
from cortex_cli.errors import OptionError, name_hint, nearest
from cortex_cli.live.usage import CallUsage

LARGEST_MINIMUM_TOKENS = 4_096
"""Requests of this size are cached by every model, where they are at all.
Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

REMEMBERED_CALLS = 32
"""Newest calls whose distance tells which retention is best."""


@dataclass(slots=True)
class Warmth:
    """What is known of the cache."""

    model: str = ""
    provider: str = ""
    """As set; empty: not set."""
    retention: Retention = "short"
    seen: str = ""
    """The provider whose shape usage had, since it told of cached tokens."""
    is_unused: bool = False
    """A large request was neither read from the cache nor written to it: nobody asked for that."""
    calls: list[float] = field(default_factory=list)
    """When the newest calls were made, seconds."""

    def set(self, provider: str, retention: Retention = "short") -> None:
        """Say whose cache it is; an empty provider: find out.

        Raises:
            OptionError: The retention is not known, or the provider's name is a slip.
        """
        name = provider.strip().lower()
        if name not in CACHE_RULES and nearest(name, CACHE_RULES):
            raise OptionError(f"unknown cache provider {provider!r}", hint=name_hint(name, CACHE_RULES))
        cache.parse_cache_option(f"anthropic:{retention}")  # providers that nobody knows have a retention too
        self.provider, self.retention = name, retention

    @property
    def owner(self) -> str:
        """The provider: as set, else the model's own, else the one whose usage tells of cached tokens."""
        if self.provider:
            return self.provider
        if self.is_unused:
            return ""
        known = models.find_model(self.model) if self.model else None
        return ("bedrock" if known.provider == "aws" else known.provider) if known else self.seen

    @property
    def rule(self) -> CacheRule:
        """How the cache lives and is billed; a model's own price list wins."""
        known = models.find_model(self.model) if self.model else None
        rule = CACHE_RULES.get(self.owner, NO_CACHE)
        if known is None:
            return rule
        listed = known.cache
        return rule._replace(
            short_write_factor=listed.short_write_factor,
            long_write_factor=listed.long_write_factor,
            read_factor=listed.read_factor,
        )

    @property
    def ttl_seconds(self) -> int:
        """How long an entry lives unused; 0: there is none."""
        return self.rule.ttl_seconds(self.retention)

    @property
    def last_call(self) -> float | None:
        """When the newest call was made."""
        return self.calls[-1] if self.calls else None

    def is_cold(self, now: float) -> bool:
        """Tell whether nothing is cached that would be lost."""
        return cache.is_cold(self.ttl_seconds, None if self.last_call is None else now - self.last_call)

    def note_call(self, now: float) -> None:
        """Remember that a call is made now."""
        self.calls = [*self.calls[1 - REMEMBERED_CALLS :], now]

    def note_answer(self, now: float, usage: CallUsage | None) -> None:
        """Remember that the newest call was answered now."""
        if self.calls:
            self.calls[-1] = max(self.calls[-1], now)
        else:
            self.note_call(now)
        if usage and usage.shape:
            touched = usage.cached_tokens + usage.written_tokens
            self.seen = usage.shape if touched else self.seen
            wants_asking = usage.shape == "anthropic"  # OpenAI's caches by itself, and its first call reads nothing
            self.is_unused = wants_asking and not touched and usage.input_tokens >= LARGEST_MINIMUM_TOKENS

    def best_retention(self) -> Retention:
        """Choose the retention for calls that come as they did."""
        gaps = [later - earlier for earlier, later in zip(self.calls, self.calls[1:], strict=False)]
        return cache.best_retention(self.owner, median(gaps) if gaps else 0.0, self.rule)
