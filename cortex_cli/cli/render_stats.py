"""The sizes of a transcript for people."""

from collections.abc import Iterator, Sequence
from itertools import chain

from rich.console import Console, RenderableType
from rich.text import Text

from cortex_cli.cli.paint import (
    CAREFUL,
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
)
from cortex_cli.cli.render import title_of, window_style
from cortex_cli.stats import Item, Share, Stats

BAR_COLUMNS = 20
"""Width of the bars in the tables."""


def print_stats(console: Console, stats: Stats) -> None:
    """Print where the tokens are."""
    print_all(
        console,
        chain(
            _head(console, stats),
            _shares(console, "role", stats.by_role, stats.tokens, "messages"),
            _shares(console, "part", stats.by_kind, stats.tokens, "parts"),
            _shares(console, "results of", stats.by_tool, stats.tokens, "results"),
            _biggest(console, stats.biggest),
            (line(("warning: ", CAREFUL), warning) for warning in stats.warnings),
        ),
    )


def _head(console: Console, stats: Stats) -> Iterator[RenderableType]:
    yield title_of(stats.path, f"{stats.format}, {count(stats.messages, 'message')}, {size(stats.bytes)}")
    yield Text()
    used = f"{percent(stats.utilization)} of {number(stats.window)}"
    style = window_style(stats.utilization)
    gauge = bar(console, stats.utilization, BAR_COLUMNS, style)
    yield line("  ", (number(stats.tokens), STRONG), " tokens  ") + gauge + line("  ", used)
    notes = [f"window: {stats.window_source}", f"counted by {stats.counter} ({stats.tokenizer})"]
    if stats.model:
        notes.append(f"model {stats.model}")
    if stats.model_scale != 1:
        notes.append(f"1 token of ours is about {stats.model_scale:g} of the model's")
    notes.append(f"{count(stats.turns, 'message')} typed by a person")
    if stats.overhead_tokens:
        notes.append(f"{number(stats.overhead_tokens)} tokens are sent with every call and not in the file")
    yield from (indented((note, LABEL)) for note in notes)
    yield Text()


def _shares(console: Console, title: str, shares: Sequence[Share], whole: int, items: str) -> Iterator[RenderableType]:
    if not shares:
        return
    rows = []
    for share in shares:
        ratio = share.tokens / whole if whole else 0.0
        gauge = bar(console, ratio, BAR_COLUMNS, NAME)
        name = line((clipped(share.name, 28), NAME))
        rows.append((name, number(share.items), line((number(share.tokens), STRONG)), percent(ratio), gauge))
    yield table((title, items, "tokens", "share", ""), rows, right=(1, 2, 3))
    yield Text()


def _biggest(console: Console, items: Sequence[Item]) -> Iterator[RenderableType]:
    if not items:
        return
    columns = max(16, console.width - 48)
    rows = [
        (
            line((number(item.tokens), STRONG)),
            str(item.message),
            str(item.line),
            line((clipped(item.tool or item.kind, 16), NAME)),
            line((clipped(item.preview, columns), LABEL)),
        )
        for item in items
    ]
    yield table(("tokens", "message", "line", "what", "begins with"), rows, right=(0, 1, 2))
    yield Text()
