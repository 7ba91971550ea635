"""Models for people."""

from collections.abc import Sequence

from rich.console import Console

from cortex_cli.cli.paint import LABEL, NAME, STRONG, line, number, print_all, table
from cortex_cli.models import Model

_KINDS = ("input", "output", "cache_read", "cache_write")


def print_models(console: Console, models: Sequence[Model]) -> None:
    """Print one line for each model."""
    rows = [
        (
            line((model.name, NAME)),
            line((model.provider, LABEL)),
            number(model.window) if model.window else "-",
            *(_price(model, kind) for kind in _KINDS),
        )
        for model in models
    ]
    header = ("model", "provider", "window", "input", "output", "read", "write")
    print_all(console, [table(header, rows, right=(2, 3, 4, 5, 6), indent=0)])
    print_all(console, [line(("US dollars for a million tokens; read and write: of the prompt cache", LABEL))])


def _price(model: Model, kind: str) -> str:
    price = model.price(kind)
    return "-" if price is None else f"{price:g}"


def print_model(console: Console, model: Model) -> None:
    """Print all that is known of one model."""
    cache = model.cache
    rows = [
        ("provider", model.provider),
        ("window", f"{number(model.window)} tokens" if model.window else "not known"),
        *((kind.replace("_", " "), _tiers(model, kind)) for kind in model.rates),
        ("cache lives", f"{_span(cache.short_ttl_seconds)} short, {_span(cache.long_ttl_seconds)} long"),
        ("cache write", f"{cache.short_write_factor:g} x input short, {cache.long_write_factor:g} x long"),
        ("cache read", f"{cache.read_factor:g} x input"),
    ]
    if model.token_scale != 1:
        rows.append(("tokens", f"about {model.token_scale:g} for one of o200k_base: {model.token_scale_source}"))
    print_all(console, [line((model.name, STRONG)), table(("", ""), [(line((k, LABEL)), v) for k, v in rows])])


def _tiers(model: Model, kind: str) -> str:
    """Write a price, with the input sizes from which another one holds."""
    first, *more = model.rates[kind]
    return f"${first[1]:g} a million tokens" + "".join(f", ${usd:g} above {number(start)}" for start, usd in more)


def _span(seconds: int) -> str:
    if not seconds:
        return "none"
    return f"{seconds // 3600} h" if seconds >= 3600 else f"{seconds // 60} min"
