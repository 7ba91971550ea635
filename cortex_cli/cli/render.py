"""The report of a run for people: one renderer for the terminal, plain text and tests."""

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain

from rich.console import Console, RenderableType
from rich.text import Text

from cortex_cli.cli.paint import (
    BAD,
    BAR_COLUMNS,
    CAREFUL,
    GOOD,
    LABEL,
    NAME,
    STRONG,
    bar,
    clipped,
    count,
    indented,
    line,
    number,
    percent,
    print_all,
    size,
    table,
    usd,
)
from cortex_cli.files import STDIO
from cortex_cli.report import ChangeReport, LayerReport, Report
from cortex_cli.targets import Written

MAX_TOOLS = 8
"""Tools named one by one; the others are one row."""

MAX_DROPPED = 8
"""Dropped typed messages that are quoted; `-v` quotes all."""

MAX_LOST = 8
"""Lost facts that are named; `-v` and the JSON report name all."""

NEARLY_FULL = 0.9
"""Share of the window from which a bar is a warning. Source: the failsafe's threshold, SPEC section 5."""


def print_report(console: Console, report: Report, written: Written, *, verbose: bool = False) -> None:
    """Print everything a person wants to know of one run."""
    renderables = chain(
        _head(report),
        _sizes(console, report),
        _layers(report),
        _tools(report),
        _dropped(report, verbose=verbose),
        _repairs(report),
        _changes(report) if verbose else (),
        _cost(report),
        _summary(report),
        _facts(report, verbose=verbose),
    )
    print_all(console, renderables)
    print_all(console, _ending(report, written, verbose=verbose), wrap=False)  # paths and commands are copied from here


def title_of(path: str, facts: str) -> Text:
    """Make the first line of a report: what it is about."""
    return line(("standard input" if path == STDIO else path, STRONG), (f"  {facts}", LABEL))


def window_style(ratio: float) -> str:
    """Colour a share of the window."""
    return BAD if ratio >= 1 else CAREFUL if ratio >= NEARLY_FULL else NAME


def _head(report: Report) -> Iterator[RenderableType]:
    side = report.input
    yield title_of(side.path, f"{side.format}, {count(side.messages, 'message')}, {size(side.bytes)}")
    yield Text()


def _sizes(console: Console, report: Report) -> Iterator[RenderableType]:
    columns = min(BAR_COLUMNS, max(10, console.width - 46))
    rows = []
    for label, side in (("before", report.input), ("after", report.output)):
        ratio = side.tokens * report.model_scale / report.window
        share = line((f"{percent(ratio)} of {_short(report.window)}", BAD if ratio >= 1 else ""))
        tokens = line((number(side.tokens), STRONG), " tokens")
        rows.append((line((label, LABEL)), bar(console, ratio, columns, window_style(ratio)), tokens, share))
    yield table(("", "", "", ""), rows, right=(2,))
    if report.saved_tokens or report.changed:
        messages = report.input.messages - report.output.messages
        gone = f", {count(messages, 'message')} fewer" if messages > 0 else ""
        yield indented(
            ("saved ", LABEL),
            (f"{number(report.saved_tokens)} tokens ({percent(max(0.0, report.saved_ratio))})", GOOD),
            gone,
        )
    yield from _notes_on_sizes(report)
    yield Text()


def _notes_on_sizes(report: Report) -> Iterator[RenderableType]:
    notes = [f"window {number(report.window)}: {report.window_source}"]
    if report.budget != report.window:
        notes.append(f"budget {number(report.budget)}")
    if report.input.overhead_tokens:
        notes.append(f"{number(report.input.overhead_tokens)} tokens are sent with every call and not in the file")
    if report.model_scale != 1:
        notes.append(f"shares count {report.model_scale:g} model tokens for one of ours: {report.model_scale_source}")
    for note in notes:
        yield indented((note, LABEL))


def _short(value: int) -> str:
    """Write a window as people say it: 200k, 1m."""
    for unit, name in ((1_000_000, "m"), (1_000, "k")):
        if value >= unit and value % unit == 0:
            return f"{value // unit}{name}"
    return number(value)


def _layers(report: Report) -> Iterator[RenderableType]:
    rows = [_layer_row(layer) for layer in report.layers]
    if rows:
        yield table(("layer", "before", "after", "saved", "why"), rows, right=(1, 2, 3))
        yield Text()


def _layer_row(layer: LayerReport) -> tuple[RenderableType, ...]:
    saved = layer.tokens_before - layer.tokens_after
    style = "" if layer.fired else LABEL
    return (
        line((layer.name, STRONG if layer.fired else LABEL)),
        line((number(layer.tokens_before), style)),
        line((number(layer.tokens_after), style)),
        line((number(saved), GOOD) if saved else ("-", LABEL)),
        line((layer.reason, style)),
    )


def _all_changes(report: Report) -> Iterator[ChangeReport]:
    return chain.from_iterable(layer.changes for layer in report.layers)


def _tools(report: Report) -> Iterator[RenderableType]:
    saved: Tally[str] = Tally()
    actions: defaultdict[str, Tally[str]] = defaultdict(Tally)
    for change in _all_changes(report):
        name = change.tool or ("(messages)" if change.message >= 0 else "(added)")
        saved[name] += change.tokens_before - change.tokens_after
        actions[name][change.action] += 1
    if not saved:
        return
    ranked = [name for name, _ in saved.most_common()]
    shown = ranked if len(ranked) <= MAX_TOOLS + 1 else ranked[:MAX_TOOLS]
    rows = [_tool_row(name, saved[name], actions[name]) for name in shown]
    if others := ranked[len(shown) :]:
        merged = sum((actions[name] for name in others), Tally[str]())
        rows.append(_tool_row(f"{len(others)} others", sum(saved[name] for name in others), merged))
    yield table(("tool", "changes", "saved", "how"), rows, right=(1, 2))
    yield Text()


def _tool_row(name: str, saved: int, actions: "Tally[str]") -> tuple[RenderableType, ...]:
    how = ", ".join(f"{times} {action}" for action, times in actions.most_common())
    return (line((clipped(name, 28), NAME)), number(actions.total()), line((number(saved), GOOD)), line((how, LABEL)))


def _dropped(report: Report, *, verbose: bool) -> Iterator[RenderableType]:
    typed = [change for change in _all_changes(report) if change.typed]
    for action, place in (("summarized", "the summary"), ("observed", "the log")):
        if told := sum(change.action == action for change in typed):
            are = "is" if told == 1 else "are"
            yield indented(f"{count(told, 'message')} that a person wrote {are} now in {place}")
            yield Text()
    left = [change for change in typed if change.action == "dropped"]
    if not left:
        return
    yield indented((f"{count(len(left), 'message')} that a person wrote left:", CAREFUL))
    shown = left if verbose or len(left) <= MAX_DROPPED + 1 else left[:MAX_DROPPED]
    rows = [(line((place_of(change), LABEL)), clipped(change.before, 200)) for change in shown]
    if len(shown) < len(left):
        rows.append((line(("", LABEL)), f"and {len(left) - len(shown)} more; -v shows them"))
    yield table(("", ""), rows)
    yield Text()


def place_of(change: ChangeReport) -> str:
    """Say where a change stands in the input."""
    if change.message < 0:
        return "added"
    return f"message {change.message}" + (f", line {change.line}" if change.line > 1 else "")


def _repairs(report: Report) -> Iterator[RenderableType]:
    if not report.repairs:
        return
    yield indented((f"{count(len(report.repairs), 'repair')} made first:", CAREFUL))
    rows = [
        (line((place_of(one), LABEL)), one.tool or "message", clipped(one.before or one.after, 120))
        for one in report.repairs
    ]
    yield table(("", "", ""), rows)
    yield Text()


def _changes(report: Report) -> Iterator[RenderableType]:
    rows = [
        (layer.name, str(change.message), str(change.line or "-"), change.tool or "-", change.action, *_two(change))
        for layer in report.layers
        for change in layer.changes
    ]
    if rows:
        yield table(("layer", "message", "line", "tool", "action", "before", "after"), rows, right=(1, 2, 5, 6))
        yield Text()


def _two(change: ChangeReport) -> tuple[str, str]:
    return number(change.tokens_before), number(change.tokens_after)


def _cost(report: Report) -> Iterator[RenderableType]:
    cost = report.cost
    if not cost:
        return
    text = f"{usd(cost['per_call_before_usd'])} -> {usd(cost['per_call_after_usd'])}"
    yield indented(
        ("cost of a call  ", LABEL), (text, STRONG), (f"  ({cost['model']}, input read from the cache)", LABEL)
    )
    if cost["cache_rewrite_usd"]:
        calls = cost["break_even_calls"]
        paid = "never paid back" if calls is None else f"paid back after {count(calls, 'call')}"
        yield indented(
            ("writing the cache anew costs ", LABEL), usd(cost["cache_rewrite_usd"]), (f" once, {paid}", LABEL)
        )
    yield Text()


def _summary(report: Report) -> Iterator[RenderableType]:
    """Say who wrote the summary, what it cost, and how many secrets were kept out of it."""
    if not report.summarizer:
        return
    notes = []
    if bill := report.extra.get("summary_cost"):
        tokens = f"{number(bill['input_tokens'])} tokens in, {number(bill['output_tokens'])} out"
        notes += [count(bill["calls"], "call"), tokens, *([usd(bill["usd"])] if bill["usd"] is not None else [])]
    if secrets := report.extra.get("redacted_secrets"):
        notes.append(f"{count(secrets, 'secret')} redacted")
    what = "log by  " if report.strategy == "observational" else "summary by  "
    yield indented((what, LABEL), report.summarizer, (f"  ({', '.join(notes)})" if notes else "", LABEL))
    yield Text()


def _facts(report: Report, *, verbose: bool) -> Iterator[RenderableType]:
    facts = report.facts
    if not facts.found:
        return
    style = CAREFUL if facts.lost else GOOD
    yield indented(("facts  ", LABEL), (f"{number(facts.kept)} of {number(facts.found)} kept", style))
    shown = facts.lost if verbose or len(facts.lost) <= MAX_LOST + 1 else facts.lost[:MAX_LOST]
    for lost in shown:
        yield indented(("lost  ", CAREFUL), clipped(lost, 200))
    if len(shown) < len(facts.lost):
        yield indented(("lost  ", CAREFUL), f"and {number(len(facts.lost) - len(shown))} more; -v names them")
    yield Text()


def _ending(report: Report, written: Written, *, verbose: bool) -> Iterator[RenderableType]:
    if verbose:
        seconds = f"{report.elapsed_seconds:.2f} s, counted by {report.counter} ({report.tokenizer})"
        yield indented((seconds, LABEL))
    yield from (line(("warning: ", CAREFUL), warning) for warning in report.warnings)
    yield line((_what_was_done(report), STRONG), *_where(report, written))
    yield from hints((*report.hints, *written.hints))


def hints(texts: Iterable[str]) -> Iterator[RenderableType]:
    """Make the lines that say what could be done next."""
    return (line(("hint: ", NAME), text) for text in texts)


def _what_was_done(report: Report) -> str:
    if not report.changed:
        return "nothing to do"
    return "would save" if report.dry_run else "done"


def _where(report: Report, written: Written) -> Iterator[str | tuple[str, str]]:
    if report.dry_run:
        yield (
            f" {number(report.saved_tokens)} tokens; nothing was written" if report.changed else "; nothing was written"
        )
    elif not written.path:
        yield "; nothing was written"
    elif written.path == STDIO:
        yield f"; {size(written.size_bytes)} on standard output"
    else:
        was = f", was {size(report.input.bytes)}" if report.changed else ", the input's bytes"
        yield from ("; wrote ", (written.path, NAME), f" ({size(written.size_bytes)}{was})")
    if written.backup:
        yield from ("; what it was is in ", (written.backup, NAME))
