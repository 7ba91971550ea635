"""The sessions on this machine for people."""

from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType
from rich.text import Text

from cortex_cli.cli.paint import (
    BAD,
    CAREFUL,
    GOOD,
    LABEL,
    NAME,
    STRONG,
    clipped,
    indented,
    line,
    number,
    percent,
    print_all,
    tail_of,
)
from cortex_cli.cli.render import window_style
from cortex_cli.session_list import Listed, age_seconds, shorten_home

ID_CHARS = 8
"""Of an id, at least: enough to tell it from the others, and to type."""

_WIDTHS = (7, 12, 8, 7)
"""Columns of age, tokens, share of the window, savings."""

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
"""Seconds in a unit of age."""


def print_sessions(console: Console, listed: Sequence[Listed], *, now_seconds: float, total: int, home: str) -> None:
    """Print two lines for each session, the newest first: its sizes, and what it is about.

    Args:
        console: Where to.
        listed: In order.
        now_seconds: Since 1970, for the ages.
        total: How many sessions there are.
        home: The user's own folder.
    """
    names = _short_names(listed)
    width = max(map(len, names))
    print_all(console, [_head(width)])
    for one, name in zip(listed, names, strict=True):
        room = max(ID_CHARS, console.width - width - sum(_WIDTHS) - 2)
        sizes = _sizes(one, _age(age_seconds(one.session, now_seconds)))
        project = (tail_of(shorten_home(one.project, home), room), LABEL)
        print_all(console, [line((name.ljust(width), NAME), *sizes, "  ", project), _about(one, console.width - 2)])
    print_all(console, _notes(listed, names, total))


def _short_names(listed: Sequence[Listed]) -> list[str]:
    """Return what to type for each: no more of an id than tells it from the others that begin like it."""
    ids = [one.session.id for one in listed]
    return [
        f"{one.session.client}:{one.session.id[: max(ID_CHARS, _shared_chars(one.session.id, ids) + 1)]}"
        for one in listed
    ]


def _shared_chars(own: str, ids: Sequence[str]) -> int:
    others = (other for other in ids if other != own)
    return max(
        (next((i for i in range(len(own)) if own[i] != other[i : i + 1]), len(own)) for other in others), default=0
    )


def _head(width: int) -> Text:
    titles = ("age", "tokens", "window", "saves")
    cells = (title.rjust(columns) for title, columns in zip(titles, _WIDTHS, strict=True))
    return line(("session".ljust(width), LABEL), *((cell, LABEL) for cell in cells), ("  in", LABEL))


def _sizes(one: Listed, age: str) -> Iterator[tuple[str, str]]:
    texts, styles = (age, "-", "-", "-"), (LABEL,) * 4
    if one.report is not None:
        saved = percent(one.report.saved_ratio) if one.report.saved_tokens else "-"
        texts = (age, number(one.report.input.tokens), percent(one.utilization), saved)
        styles = (LABEL, STRONG, window_style(one.utilization), GOOD if one.report.saved_tokens else LABEL)
    for text, style, columns in zip(texts, styles, _WIDTHS, strict=True):
        yield text.rjust(columns), style


def _about(one: Listed, columns: int) -> RenderableType:
    if one.error:
        return indented((one.error, BAD))
    return indented((clipped(one.title or "(nothing typed)", columns), ""))


def _notes(listed: Sequence[Listed], names: Sequence[str], total: int) -> Iterator[Text]:
    yield line()
    for one, name in zip(listed, names, strict=True):
        if one.held_by:
            yield line((f"{name} is open in {one.held_by}", CAREFUL))
    if len(listed) < total:
        yield line((f"the newest {len(listed)} of {total}; --limit shows more", LABEL))
    yield line(("saves: what `cortex compact SESSION --fork` would free now; add --fit 50% for more", LABEL))


def _age(seconds: float) -> str:
    """Write an age in its largest unit."""
    return next((f"{seconds / unit:.0f} {name}" for unit, name in _UNITS if seconds >= unit), "now")
