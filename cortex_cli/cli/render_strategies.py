"""Both strategies side by side, for people."""

from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType
from rich.text import Text

from cortex_cli.cli.paint import CAREFUL, GOOD, LABEL, NAME, STRONG, indented, line, number, percent, print_all, table
from cortex_cli.cli.render import title_of
from cortex_cli.strategies import Outcome


def print_strategies(console: Console, path: str, outcomes: Sequence[Outcome]) -> None:
    """Print what each strategy made of one session."""
    print_all(console, _lines(path, outcomes))


def _lines(path: str, outcomes: Sequence[Outcome]) -> Iterator[RenderableType]:
    given = outcomes[0].report
    yield title_of(path, f"{given.input.format}, {number(given.input.tokens)} tokens, window {number(given.window)}")
    yield Text()
    heads = ("strategy", "after", "saved", "facts kept", "prefix kept", "by")
    yield table(heads, [_row(outcome) for outcome in outcomes], right=(1, 2, 3, 4))
    yield Text()
    for outcome in outcomes:
        if not outcome.report.changed:
            reasons = "; ".join(layer.reason for layer in outcome.report.layers if layer.name in ("summary", "observe"))
            yield indented((f"{outcome.strategy} did nothing: ", LABEL), reasons or "its threshold is not reached")
    yield indented(
        ("prefix kept: ", LABEL),
        "compacted at half of the session and again at its end, so much of the prompt's beginning (rules, summary or"
        " log) stays as it is: a prompt cache still knows it",
    )
    yield from (line(("warning: ", CAREFUL), warning) for warning in given.warnings)


def _row(outcome: Outcome) -> tuple[RenderableType, ...]:
    report, facts = outcome.report, outcome.facts
    return (
        line((outcome.strategy, NAME)),
        line((number(report.output.tokens), STRONG)),
        line((percent(report.saved_ratio), GOOD)),
        line((f"{number(facts.kept)} of {number(facts.found)}", CAREFUL if facts.lost else GOOD)),
        line((percent(outcome.prefix.ratio), STRONG)),
        line((report.summarizer or "-", LABEL)),
    )
