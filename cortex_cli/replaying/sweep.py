"""A grid over one setting: which value is the cheapest that keeps enough."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from cortex_cli.errors import OptionError, name_hint
from cortex_cli.replaying.policies import Strategy, find_strategy
from cortex_cli.replaying.results import StrategyResult, pareto_front
from cortex_cli.settings import knobs
from cortex_cli.settings_load import load_settings

MAX_VALUES = 50
"""A finer grid is a slip: every value walks the whole session."""


class Sweep(NamedTuple):
    """One setting over a range."""

    key: str
    values: tuple[str, ...]


def parse_sweep(text: str) -> Sweep:
    """Read `KEY=A:B:STEP`, both ends included.

    Raises:
        OptionError: It is none, the key is no setting, or it has too many values.
    """
    key, _, numbers = text.partition("=")
    known = {knob.key: knob for knob in knobs()}
    if key not in known:
        raise OptionError(f"no setting {key!r}", where="--sweep", hint=name_hint(key, known))
    try:
        first, last, step = (Decimal(number) for number in numbers.split(":"))
    except (ValueError, InvalidOperation):
        hint = "write KEY=A:B:STEP, as threshold=0.5:0.9:0.1"
        raise OptionError(f"{text!r} is no range", where="--sweep", hint=hint) from None
    if step <= 0 or last < first or (last - first) / step >= MAX_VALUES:
        raise OptionError(
            f"{numbers!r} is no range of 1 to {MAX_VALUES} values", where="--sweep", hint="check the step"
        )
    count = int((last - first) / step) + 1
    return Sweep(key, tuple(str((first + step * at).normalize()) for at in range(count)))


def strategies_of(sweep: Sweep, base: str = "classic") -> tuple[Strategy, ...]:
    """Return a strategy for each value of a sweep.

    Raises:
        OptionError: A value is not one of the setting.
    """
    strategy = find_strategy(base)
    if strategy.changes is None:
        raise OptionError(
            f"{base} has no settings", where="--sweep", hint="sweep micro, classic, observational or failsafe"
        )
    found = []
    for value in sweep.values:
        read = load_settings(flags={sweep.key: value}).settings
        changes = {**strategy.changes, sweep.key: getattr(read, sweep.key)}
        found.append(Strategy(f"{base} {sweep.key}={value}", strategy.help, changes))
    return tuple(found)


def cheapest(results: Sequence[StrategyResult], least_facts: float) -> StrategyResult | None:
    """Return the cheapest that keeps at least this share of facts; None where none does."""
    return next((one for one in pareto_front(results) if one.facts_ratio >= least_facts), None)
