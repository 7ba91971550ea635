"""A transcript for a terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from cortex_cli.cli.paint import BAD, CAREFUL, GOOD, LABEL, NAME, STRONG, block, count, line, print_all
from cortex_cli.messages import Message, Part, Transcript
from cortex_cli.reading import excerpt, heading, media_of

STYLES = {"user": f"{STRONG} {GOOD}", "assistant": f"{STRONG} {NAME}", "system": f"{STRONG} {CAREFUL}", "tool": LABEL}
"""Of the headings, by role."""

INDENT = (0, 0, 0, 2)
"""Padding of what stands below a heading."""


def print_messages(console: Console, transcript: Transcript, messages: Sequence[Message], *, full: bool) -> None:
    """Print messages, each under its heading."""
    for message in messages:
        print_all(console, _message(message, full=full))
    print_all(console, (line(("warning: ", CAREFUL), warning) for warning in transcript.warnings))


def _message(message: Message, *, full: bool) -> Iterator[RenderableType]:
    yield line((heading(message), STYLES[message.role]))
    for part in message.parts:
        yield from (Padding(one, INDENT) for one in _part(part, full=full))
    yield Text()


def _part(part: Part, *, full: bool) -> Iterator[RenderableType]:
    if part.kind == "text":
        yield block(part.text)
    elif part.kind == "thinking":
        yield block(part.text or "(thinking, signature only)", f"{LABEL} italic")
    elif part.kind == "call":
        yield line((f"{part.name} ", NAME), (part.text, LABEL))
    elif part.kind == "opaque":
        yield line((f"({part.name or 'opaque'})", LABEL))
    elif part.kind == "result":
        yield from _result(part, full=full)
    if part.media:
        yield line((media_of(part), CAREFUL))


def _result(part: Part, *, full: bool) -> Iterator[RenderableType]:
    head, left_out, tail = excerpt(part.text, full=full)
    style = BAD if part.is_error else ""
    if head:
        yield block("\n".join(head), style)
    if left_out:
        yield line((f"... {count(left_out, 'line')}; -v shows them", f"{LABEL} italic"))
        yield block("\n".join(tail), style)
