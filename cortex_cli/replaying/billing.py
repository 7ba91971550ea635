"""What calls cost with a prompt cache: what of each request the provider still holds, and the price of the rest."""

from collections.abc import Callable
from typing import NamedTuple

from cortex_cli import costs
from cortex_cli.cache import CACHE_RULES, NO_CACHE, CacheRule, Retention, is_cold
from cortex_cli.messages import Message
from cortex_cli.models import Model
from cortex_cli.replaying.requests import Step


class Blocks(NamedTuple):
    """In which pieces a provider caches."""

    minimum_tokens: int
    """A shorter prefix is not cached."""
    step_tokens: int
    """What is cached is a multiple of this."""


BLOCKS = {
    "anthropic": Blocks(1024, 1),
    "bedrock": Blocks(1024, 1),
    "openai": Blocks(1024, 128),
}
"""By provider. Sources: https://platform.claude.com/docs/en/build-with-claude/prompt-caching (1,024 tokens for most
models; marks on every turn, as agents set them, so that every earlier request is found again) and
https://platform.openai.com/docs/guides/prompt-caching (1,024, then steps of 128)."""

NO_BLOCKS = Blocks(0, 1)


class Charge(NamedTuple):
    """One request as the provider bills it, in its own tokens."""

    tokens: int
    cached: int
    """Of these, read from the cache."""
    written: int
    """Of these, written to it."""
    is_break: bool
    """Less was found in a living cache than the call before had put there."""
    usd: float | None
    """None where no price is known; recorded output included."""


class Biller:
    """One endpoint with one session: bills its requests in their order.

    Args:
        model: Whose prices apply; None: none are known.
        provider: Whose cache it is; empty: nobody's.
        retention: How long the cache keeps what is written.
        size_of: Tokens of a message in the provider's own count.
        overhead_tokens: Sent in front of every request: system prompt, tool schemas.
    """

    def __init__(
        self,
        model: Model | None,
        provider: str,
        retention: Retention,
        size_of: Callable[[Message], int],
        overhead_tokens: int,
    ) -> None:
        self._model = model
        self._retention = retention
        self._rule: CacheRule = CACHE_RULES.get(provider, NO_CACHE)
        self._blocks = BLOCKS.get(provider, NO_BLOCKS)
        self._size_of = size_of
        self._overhead = overhead_tokens
        self._ends: list[int] = []
        """Tokens up to the end of each message that was sent."""
        self._last: float | None = None

    def call(self, step: Step, output_tokens: int, now: float) -> Charge:
        """Bill one request.

        Args:
            step: From the request before to this one.
            output_tokens: Of the recorded answer.
            now: Seconds since 1970.
        """
        held = self._tokens(step.same) if self._last is not None else 0
        whole = self._in_blocks(self._tokens(len(self._ends))) if self._last is not None else 0
        ttl = self._rule.ttl_seconds(self._retention)
        age = None if self._last is None else now - self._last
        cached = 0 if is_cold(ttl, age) else self._in_blocks(held)
        is_break = not is_cold(ttl, age) and cached < whole
        del self._ends[step.same :]
        total = self._tokens(step.same)
        for message in step.added:
            total += self._size_of(message)
            self._ends.append(total)
        self._last = now
        written = total - cached if ttl > 0 and total >= self._blocks.minimum_tokens else 0
        return Charge(total, cached, written, is_break, self._price(total, cached, written, output_tokens))

    def _tokens(self, count: int) -> int:
        return self._ends[count - 1] if count else self._overhead

    def _in_blocks(self, tokens: int) -> int:
        if tokens < self._blocks.minimum_tokens:
            return 0
        return tokens - tokens % self._blocks.step_tokens

    def _price(self, total: int, cached: int, written: int, output_tokens: int) -> float | None:
        if self._model is None:
            return None
        return costs.price_of_call(
            self._model, total, cached, output_tokens, written_tokens=written, retention=self._retention
        )
