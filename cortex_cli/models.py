"""What is known of models: windows, prices, cache rules, and how their tokens compare with o200k's.

Windows and prices come from genai-prices, offline. Names are taken as transcripts and gateways spell them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Any

from cortex_cli.cache import CACHE_RULES, NO_CACHE, CacheRule
from cortex_cli.data.prices import Provider, read_prices
from cortex_cli.errors import nearest

DEFAULT_WINDOW = 200_000
"""Tokens, where neither option, file nor model tells. Source: DESIGN section 4."""

CLAUDE_CODE_WINDOW = 200_000
"""Tokens that Claude Code uses of any model without the suffix `[1m]`. Source: DESIGN section 4."""

MILLION_SUFFIX = "[1m]"
"""How Claude Code marks a model that it runs with `MILLION_WINDOW`."""

MILLION_WINDOW = 1_000_000

CLAUDE_SCALE = 1.16
"""Claude tokens for one o200k token of transcript text, up to Opus 4.6. Source: TOKENS.md, an unverified public
reconstruction."""

NEWER_CLAUDE_SCALE = 1.48
"""The same since Opus 4.7. Source: TOKENS.md; Anthropic's token counting page says about 30 % above the older."""

NEWER_CLAUDE = (4, 7)
"""First version with the newer tokenizer. Source:
https://platform.claude.com/docs/en/build-with-claude/token-counting."""

Rate = tuple[tuple[int, float], ...]
"""US dollars for a million tokens: (from how many tokens of input on, price), ascending. The last that a call
exceeds holds for all of its tokens."""


@dataclass(frozen=True)
class Model:
    """One model at one provider."""

    name: str
    provider: str
    window: int
    """Tokens; 0 where it is not known."""
    rates: dict[str, Rate]
    """By kind: input, output, cache_read, cache_write, cache_write_long; absent where not known."""
    token_scale: float = 1.0
    """How many tokens this model counts for one of o200k_base; 1.0 where it is not known."""
    token_scale_source: str = ""

    def price(self, kind: str, input_tokens: int = 0) -> float | None:
        """Return US dollars for a million tokens in a call of so many input tokens; None where not known."""
        found = None
        for start, usd in self.rates.get(kind, ()):
            if input_tokens > start or found is None:
                found = usd
        return found

    @cached_property
    def cache(self) -> CacheRule:
        """How its cache lives (by provider) and is billed (by its own prices, where the list has them)."""
        rule = CACHE_RULES.get("bedrock" if self.provider == "aws" else self.provider, NO_CACHE)
        return rule._replace(
            short_write_factor=self._factor("cache_write", rule.short_write_factor),
            long_write_factor=self._factor("cache_write_long", rule.long_write_factor),
            read_factor=self._factor("cache_read", rule.read_factor),
        )

    def _factor(self, kind: str, otherwise: float) -> float:
        base, listed = self.price("input"), self.price(kind)
        return round(listed / base, 4) if base and listed is not None else otherwise

    def to_json(self) -> dict[str, Any]:
        """Return what `cortex models --json` prints of it."""
        return {
            "name": self.name,
            "provider": self.provider,
            "window": self.window,
            "usd_per_million_tokens": {kind: self.price(kind) for kind in self.rates},
            "tiers": {kind: list(map(list, rate)) for kind, rate in self.rates.items() if len(rate) > 1},
            "cache": self.cache._asdict(),
            "token_scale": self.token_scale,
            "token_scale_source": self.token_scale_source,
        }


@cache
def find_model(name: str) -> Model | None:
    """Return the model of that name; None where it is not known.

    Takes what transcripts and gateways write: a provider in front (`anthropic/...`, `bedrock/us.anthropic...`),
    a date, `@...` or `-latest` behind, Claude Code's `[1m]`.
    """
    wanted = name.strip().lower()
    is_million = wanted.endswith(MILLION_SUFFIX)
    wanted = wanted.removesuffix(MILLION_SUFFIX).strip()
    for provider, spelling in _readings(wanted):
        entry = _find_entry(provider, spelling)
        if entry is not None:
            return _as_model(provider.id, entry, spelling, MILLION_WINDOW if is_million else 0)
    return None


def list_models(provider: str = "") -> tuple[Model, ...]:
    """Return every known model, of one provider or of all."""
    return tuple(
        _as_model(one.id, entry, entry["id"], 0)
        for one in read_prices().providers
        if provider in ("", one.id)
        for entry in one.models
    )


def nearest_model(name: str) -> str:
    """Return the known name most like an unknown one; empty where none is like it."""
    return nearest(name.lower().rsplit("/", 1)[-1], (model.name for model in list_models()))


def unknown_model_warning(name: str) -> str:
    """Return the warning for a model that is not known; empty for one that is, or for no name."""
    if not name or find_model(name) is not None:
        return ""
    near = nearest_model(name)
    guess = f", did you mean {near!r}?" if near else ""
    return f"model {name!r} is not known{guess}"


def window_for(
    window: int, *, stated: int = 0, model: str = "", recorded_model: str = "", format: str = ""
) -> tuple[int, str]:
    """Decide the context window. Source: DESIGN section 4, `--window`.

    Args:
        window: What the user set; 0: nothing.
        stated: What the file itself says; 0: nothing.
        model: The model that the user named.
        recorded_model: The model of the file's newest answer.
        format: The file's format; Claude Code runs every model with 200k unless told otherwise.

    Returns:
        Tokens, and where they come from, for the report.
    """
    if window:
        return window, "--window"
    if stated:
        return stated, "stated in the file"
    if model:
        return _window_of(model, "--model")
    if not recorded_model:
        return DEFAULT_WINDOW, "default"
    size, source = _window_of(recorded_model, "the file's model")
    if format == "claude-code" and not recorded_model.lower().endswith(MILLION_SUFFIX) and size > CLAUDE_CODE_WINDOW:
        return CLAUDE_CODE_WINDOW, f"Claude Code with {recorded_model}"
    return size, source


def scale_for(name: str, tokenizer: str = "o200k_base") -> tuple[float, str]:
    """Return how many tokens a model counts for one of ours, and the source; 1.0 where that is not known.

    Args:
        name: The model's name; it need not be in the price list.
        tokenizer: What we count with; nothing is known of the heuristic's error.
    """
    version = _claude_version(name.lower())
    if version is None or tokenizer == "heuristic":
        return 1.0, ""
    if version >= NEWER_CLAUDE:
        return NEWER_CLAUDE_SCALE, "estimate for Claude's newer tokenizer (public reconstruction)"
    return CLAUDE_SCALE, "estimate for Claude up to Opus 4.6 (public reconstruction)"


def _window_of(name: str, option: str) -> tuple[int, str]:
    found = find_model(name)
    if found is None:
        return DEFAULT_WINDOW, f"default ({option} {name} is not known)"
    if not found.window:
        return DEFAULT_WINDOW, f"default (no window is known of {option} {name})"
    return found.window, f"{option} {name}"


_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d)(?:[-.](\d{1,2}))?(?![\d])")


def _claude_version(name: str) -> tuple[int, int] | None:
    """Read (4, 5) out of `claude-sonnet-4-5-20250929`, `claude-3-5-haiku`, `anthropic.claude-v2`."""
    if "claude" not in name:
        return None
    match = _VERSION.search(name)
    return (int(match[1]), int(match[2] or 0)) if match else (0, 0)


def _as_model(provider: str, entry: dict[str, Any], spelling: str, window: int) -> Model:
    scale, source = scale_for(spelling)
    rates = {kind: tuple(map(tuple, tiers)) for kind, tiers in _rates_of_today(entry["prices"]).items()}
    return Model(entry["id"], provider, window or entry["window"], rates, scale, source)


def _rates_of_today(prices: list[list[Any]]) -> dict[str, Any]:
    """Return the last prices that hold already."""
    today = datetime.now(UTC).date().isoformat()
    held = [rates for start, rates in prices if start <= today]
    rates: dict[str, Any] = (held or [prices[0][1]])[-1]
    return rates


def _readings(name: str) -> Iterator[tuple[Provider, str]]:
    """Yield (provider, spelling) in the order of trust: named provider, provider by name, then any."""
    providers = read_prices().providers
    rest = name
    while True:
        front, slash, behind = rest.partition("/")
        if slash:
            named = [one for one in providers if one.id == front]
            named += [one for one in providers if _matches(one.provider_match, front)]
            yield from ((one, behind) for one in named)
        yield from ((one, rest) for one in providers if _matches(one.model_match, rest))
        if not slash:
            break
        rest = behind
    for spelling in _plainer(rest):
        yield from ((one, spelling) for one in providers if _matches(one.model_match, spelling))
        yield from ((one, spelling) for one in providers)
        yield from ((one, f"{maker}/{spelling}") for maker, one in _makers(spelling))
    if rest != name:
        yield from ((one, name) for one in providers)


def _makers(name: str) -> Iterator[tuple[str, Provider]]:
    """Yield (maker, provider) of models that are listed as `maker/name`."""
    for provider in read_prices().providers:
        for entry in provider.models:
            maker, slash, model = entry["id"].partition("/")
            if slash and model.lower() == name:
                yield maker, provider


_SUFFIX = re.compile(r"(?:[-@](?:20\d{6}|20\d\d-\d\d-\d\d)|-latest|:[a-z]+|-v\d+(?::\d+)?)$")


def _plainer(name: str) -> Iterator[str]:
    """Yield the name, then again with each date, `-latest` or variant taken off its end."""
    yield name
    while (shorter := _SUFFIX.sub("", name)) != name:
        name = shorter
        yield name


def _find_entry(provider: Provider, name: str) -> dict[str, Any] | None:
    own = (provider, *(one for one in read_prices().providers if one.id in provider.fallback))
    for spelling in (name, _with_dashed_date(name)):
        for one in own:
            for entry in one.models:
                if _matches(entry["match"], spelling):
                    found: dict[str, Any] = entry
                    return found
    return None


def _with_dashed_date(name: str) -> str:
    """Spell `-20251211` as `-2025-12-11`, as price lists do."""
    return re.sub(r"-(20\d\d)(\d\d)(\d\d)(?=-|:|$)", r"-\1-\2-\3", name)


def _matches(rule: list[Any] | None, text: str) -> bool:
    """Apply a rule of the price list: `[kind, argument]`."""
    if rule is None:
        return False
    kind, value = rule
    match kind:
        case "equals":
            return bool(text == value)
        case "starts_with":
            return text.startswith(value)
        case "ends_with":
            return text.endswith(value)
        case "contains":
            return value in text
        case "regex":
            return re.search(value, text) is not None
        case "or":
            return any(_matches(one, text) for one in value)
        case "and":
            return all(_matches(one, text) for one in value)
    raise ValueError(f"unknown rule {kind!r} in the price list")
