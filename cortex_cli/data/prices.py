"""Windows and prices of models, from genai-prices, in a form that costs nothing to load.

genai-prices takes 0.25 s to import, as long as compacting a session of many megabytes. So `build.py` keeps
an extract of it in this folder. Where a newer genai-prices is installed than the extract was made from, the
extract is made again, in memory, from that.

The extract is JSON Lines: the version, then two lines for each provider, what it is known by and its models.
"""

import zlib
from datetime import UTC, time
from functools import cache, cached_property
from importlib.util import find_spec
from os import listdir
from pathlib import Path
from typing import Any, NamedTuple

import orjson

PRICES_FILE = Path(__file__).parent / "prices.jsonl.z"

PRICE_KEYS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_long": "cache_write_1h_mtok",
}
"""Our name of a price -> genai-prices' own. US dollars for a million tokens of text."""

NOON = time(12, tzinfo=UTC)
"""Stands for the time of day, so that a report does not depend on the hour."""

MISSING_WINDOWS = {"gemini-3-pro-preview": 1_048_576}
"""Windows of models in use that genai-prices does not state. Source: https://ai.google.dev/gemini-api/docs/models."""


class Provider:
    """Who offers models."""

    def __init__(self, head: bytes, models: bytes) -> None:
        known: dict[str, Any] = orjson.loads(head)
        self.id: str = known["id"]
        self.model_match: list[Any] | None = known["model_match"]
        """The rule for names of its models."""
        self.provider_match: list[Any] | None = known["provider_match"]
        """The rule for its own name."""
        self.fallback: list[str] = known["fallback"]
        """Ids of providers whose models it offers too."""
        self._models = models

    @cached_property
    def models(self) -> list[dict[str, Any]]:
        """`{"id", "match", "window", "prices": [[start date or "", {price: [[from tokens, usd], ...]}]]}` of each.

        Parsed when they are asked for: all providers' take 8 ms, and most runs ask one.
        """
        found: list[dict[str, Any]] = orjson.loads(self._models)
        return found


class PriceList(NamedTuple):
    """The extract."""

    version: str
    """Of the genai-prices that it was made from."""
    providers: tuple[Provider, ...]


@cache
def read_prices() -> PriceList:
    """Return the extract, once per process."""
    packed = _parse(zlib.decompress(PRICES_FILE.read_bytes()))
    if _as_numbers(installed_version()) > _as_numbers(packed.version):
        return _parse(extract(installed_version()))
    return packed


def _parse(text: bytes) -> PriceList:
    version, *lines = text.split(b"\n")
    return PriceList(orjson.loads(version), tuple(map(Provider, lines[::2], lines[1::2])))


def installed_version() -> str:
    """Return the version of the installed genai-prices without importing it (or importlib.metadata: 0.05 s)."""
    spec = find_spec("genai_prices")
    if spec is None or spec.origin is None:
        return ""
    folder = Path(spec.origin).parent.parent
    start, end = "genai_prices-", ".dist-info"
    found = listdir(folder)  # noqa: PTH208 - hundreds of names, and every command of a known model asks
    names = [name for name in found if name.startswith(start) and name.endswith(end)]
    return max((name[len(start) : -len(end)] for name in names), key=_as_numbers, default="")


def extract(version: str) -> bytes:
    """Make the extract from the installed package; 0.25 s."""
    from genai_prices.data import providers  # noqa: PLC0415 - start-up time, see above

    windows = MISSING_WINDOWS | {
        _plain(model.id): model.context_window
        for provider in reversed(providers)
        for model in provider.models
        if model.context_window
    }  # some providers leave out what another states of the same model
    lines: list[Any] = [version]
    for one in providers:
        lines += [_provider(one), [_model(model, windows) for model in one.models]]
    return b"\n".join(map(orjson.dumps, lines))


def _provider(provider: Any) -> dict[str, Any]:
    return {
        "id": provider.id,
        "model_match": _rule(provider.model_match),
        "provider_match": _rule(provider.provider_match),
        "fallback": provider.fallback_model_providers or [],
    }


def _model(model: Any, windows: dict[str, int]) -> dict[str, Any]:
    return {
        "id": model.id,
        "match": _rule(model.match),
        "window": model.context_window or windows.get(_plain(model.id), 0),
        "prices": _prices(model.prices),
    }


def _plain(name: str) -> str:
    """Spell one model alike wherever it is offered."""
    return name.lower().rsplit("/", 1)[-1].replace(".", "-").removesuffix("-latest")


def _rule(clause: Any) -> list[Any] | None:
    """Turn a clause into `[kind, argument]`, as in genai-prices, for names in lower case."""
    if clause is None:
        return None
    ((name, value),) = vars(clause).items()
    kind = name.rstrip("_")
    if isinstance(value, list):
        return [kind, [_rule(one) for one in value]]
    return [kind, value if kind == "regex" else value.lower()]


def _prices(prices: Any) -> list[list[Any]]:
    """Return every price with the date it holds from; of prices by the time of day, those at noon UTC."""
    if not isinstance(prices, list):
        return [["", _rates(prices)]]
    return [
        [str(getattr(one.constraint, "start_date", "")), _rates(one.prices)]
        for one in prices
        if not hasattr(one.constraint, "start_time") or one.constraint.start_time <= NOON < one.constraint.end_time
    ]


def _rates(prices: Any) -> dict[str, list[list[float]]]:
    rates = {}
    for name, key in PRICE_KEYS.items():
        value = vars(prices).get(key)
        if value is None:
            continue
        tiers = [[0, float(getattr(value, "base", value))]]
        tiers += [[tier.start, float(tier.price)] for tier in getattr(value, "tiers", [])]
        rates[name] = tiers
    return rates


def _as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
