"""Replayed sessions for people."""

from collections.abc import Sequence
from itertools import pairwise

from rich.console import Console, RenderableType
from rich.text import Text

from cortex_cli.cli.paint import (
    BAD,
    CAREFUL,
    GOOD,
    LABEL,
    NAME,
    STRONG,
    count,
    line,
    number,
    percent,
    print_all,
    table,
    usd,
)
from cortex_cli.cli.render import title_of
from cortex_cli.replaying.results import Replay, StrategyResult, pareto_front
from cortex_cli.replaying.sweep import cheapest

CHART_COLUMNS = 48
"""Width of the line of context sizes."""

WHOLE_DOLLARS = 1000
"""From here on cents are left out, so that the table keeps to 80 columns."""

_BARS = " \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
_BARS_ASCII = " .:-=+*#@"


def print_replay(console: Console, replay: Replay, *, least_facts: float | None = None) -> None:
    """Print what each strategy did to one session.

    Args:
        console: Where to.
        replay: The results.
        least_facts: Name the cheapest that keeps this share of facts; None: no sweep was asked for.
    """
    facts = [f"{replay.format}, {count(replay.calls, 'call')}"]
    print_all(console, [title_of(replay.path, ", ".join(facts)), Text()])
    print_all(console, [_table(replay)])
    print_all(console, [Text(), line(("context over the calls", LABEL))])
    print_all(console, _chart(console, replay))
    print_all(console, [Text(), *_notes(replay, least_facts)])


def _table(replay: Replay) -> RenderableType:
    front = {one.name for one in pareto_front(replay.strategies)}
    is_compared = len(replay.strategies) > 1
    rows = [_row(one, replay.window, is_best=is_compared and one.name in front) for one in replay.strategies]
    header = ("strategy", "peak", "sent", "cached", "cuts", "breaks", "cost", "facts", "at end")
    return table(header, rows, right=tuple(range(1, 9)), indent=0)


def _row(one: StrategyResult, window: int, *, is_best: bool) -> Sequence[object]:
    return (
        line((one.name, STRONG if is_best else NAME)),
        line((_short(one.peak_tokens), BAD if one.peak_tokens > window else "")),
        _short(one.sent_tokens),
        percent(one.cached_ratio),
        number(one.compactions),
        line((number(one.breaks), CAREFUL if one.breaks else "")),
        line((_bill(one.cost_usd), GOOD if is_best else "")),
        percent(one.facts_ratio),
        line((percent(one.final_facts_ratio), BAD if one.final_facts_ratio < 0.5 else "")),
    )


def _short(value: int) -> str:
    """Write a number of tokens in at most six characters."""
    if value < 10_000_000:
        return f"{value / 1000:,.0f}k"
    return f"{value / 1_000_000:.1f}M" if value < 1_000_000_000 else f"{value / 1_000_000_000:.1f}B"


def _bill(cost: float | None) -> str:
    if cost is None:
        return "-"
    return usd(cost) if cost < WHOLE_DOLLARS else f"${cost:,.0f}"


def _chart(console: Console, replay: Replay) -> list[Text]:
    """Draw a line for each strategy: the size of its requests, of the largest of all."""
    top = max((one.peak_tokens for one in replay.strategies), default=0) or 1
    width = max(map(len, (one.name for one in replay.strategies)), default=0)
    bars = _BARS if (console.encoding or "").lower().startswith("utf") else _BARS_ASCII
    columns = max(10, min(CHART_COLUMNS, console.width - width - 2))
    lines = []
    for one in replay.strategies:
        sizes = [call.charge.tokens for call in one.calls]
        drawn = "".join(bars[-(-size * (len(bars) - 1) // top)] for size in _sampled(sizes, columns))
        lines.append(line((one.name.ljust(width), NAME), "  ", drawn))
    return lines


def _sampled(sizes: Sequence[int], columns: int) -> list[int]:
    """Return the largest size of each stretch of calls."""
    if len(sizes) <= columns:
        return list(sizes)
    edges = [len(sizes) * at // columns for at in range(columns + 1)]
    return [max(sizes[start:end]) for start, end in pairwise(edges)]


def _notes(replay: Replay, least_facts: float | None) -> list[Text]:
    notes = []
    if least_facts is not None:
        found = cheapest(replay.strategies, least_facts)
        told = f"{found.name}, {usd(found.cost_usd or 0)}" if found else "none"
        notes.append(line(f"cheapest that keeps {percent(least_facts)} of the facts: ", (told, STRONG)))
    model = (
        f"{replay.model}, window {number(replay.window)}, cache {replay.retention}" if replay.model else "model unknown"
    )
    notes.append(line((f"priced as {model}", LABEL)))
    if replay.calibration is not None:
        said = (
            f"recorded input is {replay.calibration:.2f} of the simulated one (middle of {replay.recorded_calls} calls)"
        )
        notes.append(line((said, LABEL)))
    meaning = "facts: share the model still saw, over all calls and at the last"
    notes.append(line((f"{meaning}; bold: none is cheaper and keeps more", LABEL)))
    if over := [one.name for one in replay.strategies if one.peak_tokens > replay.window]:
        notes.append(line((f"over the window, so the provider would have refused calls: {', '.join(over)}", CAREFUL)))
    for one in replay.strategies:
        if one.failure:
            notes.append(line((f"{one.name} ended after {len(one.calls)} calls: {one.failure}", BAD)))
    notes += [line((f"warning: {warning}", CAREFUL)) for warning in replay.warnings]
    return notes
