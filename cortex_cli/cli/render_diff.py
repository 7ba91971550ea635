"""How two transcripts differ, for people."""

from collections.abc import Iterator, Sequence
from itertools import chain

from rich.console import Console, RenderableType
from rich.text import Text

from cortex_cli.cli.paint import (
    CAREFUL,
    GOOD,
    LABEL,
    NAME,
    STRONG,
    clipped,
    count,
    line,
    number,
    percent,
    print_all,
    table,
)
from cortex_cli.cli.render_changes import compare as compare_texts
from cortex_cli.comparing import Difference, Edited, changed_parts, tool_of
from cortex_cli.messages import Message, Transcript

MAX_ROWS = 20
"""Messages that left or came, listed one by one; `-v` lists all."""


def print_difference(console: Console, found: Difference, *, verbose: bool) -> None:
    """Print what left, what came, and the edited texts."""
    print_all(
        console,
        chain(
            _edits(found, verbose=verbose),
            _listed(console, found, "left", found.left, found.before, verbose=verbose),
            _listed(console, found, "came", found.came, found.after, verbose=verbose),
            _verdict(found),
        ),
    )


def _edits(found: Difference, *, verbose: bool) -> Iterator[RenderableType]:
    for one in found.edited:
        yield _title(found, one)
        for before, after in changed_parts(one):
            texts = (before.text if before else "", after.text if after else "")
            yield compare_texts(texts[0].splitlines(), texts[1].splitlines(), verbose=verbose)
        yield Text()


def _title(found: Difference, one: Edited) -> RenderableType:
    sizes = [number(found.counter.count_message(message)) for message in one]
    place = (f"message {one.before.position} -> {one.after.position}", LABEL)
    return line(place, "  ", (_who(one.before), NAME), "  ", (" -> ".join(sizes) + " tokens", LABEL))


def _who(message: Message) -> str:
    return tool_of(message) or message.role


def _listed(
    console: Console, found: Difference, what: str, messages: Sequence[Message], where: Transcript, *, verbose: bool
) -> Iterator[RenderableType]:
    if not messages:
        return
    shown = messages if verbose or len(messages) <= MAX_ROWS + 1 else messages[:MAX_ROWS]
    columns = max(16, console.width - 46)
    rows = [
        (
            str(message.position),
            str(where.line_of(message) or "-"),
            number(found.counter.count_message(message)),
            line((_who(message), NAME)),
            line((clipped(_first_text(message), columns), CAREFUL if message.typed else LABEL)),
        )
        for message in shown
    ]
    yield line((f"{count(len(messages), 'message')} {what}", STRONG))
    yield table(("message", "line", "tokens", "who", "begins with"), rows, right=(0, 1, 2))
    if len(shown) < len(messages):
        yield line("  ", (f"... {len(messages) - len(shown)} more; -v lists them", f"{LABEL} italic"))
    yield Text()


def _first_text(message: Message) -> str:
    return next((part.text or part.name for part in message.parts if part.text or part.name), "")


def _verdict(found: Difference) -> Iterator[RenderableType]:
    saved = found.tokens_before - found.tokens_after
    ratio = saved / found.tokens_before if found.tokens_before else 0.0
    tallies = f"{found.same} same, {len(found.edited)} changed, {len(found.left)} left, {len(found.came)} came"
    yield line((tallies, STRONG))
    sizes = f"{number(found.tokens_before)} -> {number(found.tokens_after)} tokens"
    yield line((sizes, LABEL), (f"  ({percent(ratio)} less)" if saved > 0 else "", GOOD))
