"""How long a recorded session has been idle, and whether a provider's prompt cache may still hold it.

Source: SPEC sections 7 and 8. Only `--cache` and `--adaptive` ask; without `--now` it is the clock's time that
counts, since a file that its client wrote a minute ago is warm.
"""

import time
from dataclasses import replace
from typing import NamedTuple

from cortex_cli.cache import NO_CACHE, CacheOption, adaptive_threshold, cache_ttl_seconds, is_cold, parse_cache_option
from cortex_cli.formats.times import to_milliseconds, to_utc
from cortex_cli.messages import Transcript
from cortex_cli.settings import Settings

MINUTE_SECONDS = 60


class Timing(NamedTuple):
    """What follows from the times in a transcript."""

    cache: CacheOption | None = None
    """What `--cache` says; None: it was not given."""
    call_age_seconds: float | None = None
    """Since the newest answer; None: none has a time."""
    idle_seconds: float | None = None
    """Since the newest message that a person typed; None: none has a time."""

    @property
    def ttl_seconds(self) -> int:
        """How long the cache lives unused."""
        return cache_ttl_seconds(*self.cache) if self.cache else NO_CACHE.short_ttl_seconds

    @property
    def is_warm(self) -> bool:
        """Whether something is cached that would be lost."""
        return not is_cold(self.ttl_seconds, self.call_age_seconds)

    def adapt(self, settings: Settings) -> Settings:
        """Lower the threshold where the session is idle and the settings ask for it."""
        if not settings.adaptive:
            return settings
        return replace(settings, threshold=adaptive_threshold(settings.threshold, self.idle_seconds))

    def hints(self, settings: Settings) -> tuple[str, ...]:
        """Say what the times did to the run."""
        found = []
        if self.cache:
            found.append(f"the prompt cache of {self.cache.provider} is {self._said_of_cache()}")
        if settings.adaptive:
            lower = self.adapt(settings).threshold
            since = "nobody typed" if self.idle_seconds is None else f"nobody typed for {_minutes(self.idle_seconds)}"
            if lower < settings.threshold:
                found.append(f"{since}: summaries start at {lower:.0%} of the budget, not at {settings.threshold:.0%}")
        return tuple(found)

    def _said_of_cache(self) -> str:
        if self.ttl_seconds <= 0:
            return (
                "not kept with this retention" if self.cache and self.cache.retention == "none" else "not reckoned with"
            )
        if self.call_age_seconds is None:
            return "taken for cold: no answer has a time"
        age, ttl = _minutes(self.call_age_seconds), _minutes(self.ttl_seconds)
        state = "warm, layer 1 waits" if self.is_warm else "cold"
        return f"{state}: the last call was {age} ago, it lives {ttl}"


NO_TIMING = Timing()


def measure_timing(transcript: Transcript, settings: Settings) -> Timing:
    """Read a transcript's times."""
    if not (settings.cache or settings.adaptive):
        return NO_TIMING
    now = to_milliseconds(to_utc(settings.now)) / 1000 if settings.now else time.time()
    answers = (one.time for one in transcript.loaded if one.role == "assistant" and not one.synthetic)
    typed = (one.time for one in transcript.loaded if one.typed)
    newest_answer, newest_typed = max(answers, default=""), max(typed, default="")
    return Timing(
        parse_cache_option(settings.cache) if settings.cache else None,
        _age(now, newest_answer),
        _age(now, newest_typed),
    )


def _age(now: float, moment: str) -> float | None:
    return now - to_milliseconds(moment) / 1000 if moment else None


def _minutes(seconds: float) -> str:
    if seconds < 2 * MINUTE_SECONDS:
        return f"{seconds:.0f} s"
    minutes = seconds / MINUTE_SECONDS
    return f"{minutes:.0f} min" if minutes < 2 * MINUTE_SECONDS else f"{minutes / MINUTE_SECONDS:,.0f} h"
