"""A conversation as text for a model to describe: fenced, budgeted, in chunks of whole turns.

Source: SPEC section 4, *ours*: input, untrusted text.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from cortex_cli.groups import turns
from cortex_cli.messages import Message, Part
from cortex_cli.summarizers.boundaries import open_tags
from cortex_cli.tokens import Counter
from cortex_cli.typed import is_machine_text

CLAMPS = (2_000, 500, 120)
"""Characters of a result, ever fewer until all fits; the last is one line. Source: SPEC section 4."""

HEAD_SHARE = 0.6
"""Of a clamp: the head; the rest is the tail. Source: SPEC section 4."""

MAX_ARGUMENT_CHARS = 1_000
"""Of a call's arguments: enough for a command or an edit's beginning."""


class Chunk(NamedTuple):
    """A piece of the conversation that one request can hold."""

    text: str
    tokens: int


Writer = Callable[[int, Message, int], str]
"""(number from 1, message, characters of a result) -> the message as it is shown."""


def serialize(
    messages: Sequence[Message], max_tokens: int, counter: Counter, write: Writer | None = None
) -> tuple[Chunk, ...]:
    """Write a conversation as entries, in as few chunks as the budget allows.

    Results shrink first; only when one line of each is still too much, the conversation is cut, between turns
    where that is possible.

    Args:
        messages: Oldest first.
        max_tokens: Of one chunk.
        counter: Counts.
        write: Instead of entries in tags.
    """
    write = write or _entry
    for clamp in CLAMPS:
        entries = [write(number, message, clamp) for number, message in enumerate(messages, 1)]
        text = "\n".join(entries)
        if (tokens := counter.count_text(text)) <= max_tokens:
            return (Chunk(text, tokens),)
    return tuple(_chunks(entries, messages, max_tokens, counter))


def _chunks(entries: list[str], messages: Sequence[Message], max_tokens: int, counter: Counter) -> Iterator[Chunk]:
    """Gather whole turns as long as they fit; a turn that is too large alone is cut between its messages."""
    starts = {turn.start for turn in turns(messages)}
    lines: list[str] = []
    size = 0
    for span in _spans(starts, len(entries)):
        units = ["\n".join(entries[at] for at in span)]
        if counter.count_text(units[0]) > max_tokens:
            units = [squeeze(entries[at], max_tokens, counter) for at in span]
        for unit in units:
            tokens = counter.count_text(unit) + 1
            if lines and size + tokens > max_tokens:
                yield Chunk("\n".join(lines), size)
                lines, size = [], 0
            lines.append(unit)
            size += tokens
    if lines:
        yield Chunk("\n".join(lines), size)


def _spans(starts: set[int], length: int) -> Iterator[range]:
    edges = sorted({0, *starts, length})
    yield from (range(start, end) for start, end in pairwise(edges))


def squeeze(entry: str, max_tokens: int, counter: Counter) -> str:
    """Clamp one entry until it is smaller than a chunk, or very short."""
    chars = len(entry)
    while counter.count_text(entry) >= max_tokens and chars > 64:
        chars //= 2
        entry = clamp_text(entry, chars)
    return entry


def _entry(number: int, message: Message, clamp: int) -> str:
    """Write a message as an entry; what a program put into a typed message gets an entry of its own."""
    head = f'<entry n="{number}" from="{message.role}"'
    time = f' time="{message.time}"' if message.time else ""
    if message.role != "user":
        return f"{head}{time}>\n{_body(message.parts, clamp)}\n</entry>"
    return "\n".join(
        f'{head} typed="{"yes" if is_typed else "no"}"{time}>\n{_body(parts, clamp)}\n</entry>'
        for is_typed, parts in voices(message)
    )


def voices(message: Message) -> Iterator[tuple[bool, Sequence[Part]]]:
    """Part what a program put into a user message from what the person typed: (is typed, parts)."""
    by_machine = [part for part in message.parts if not message.typed or is_machine_text(part.text)]
    typed = [part for part in message.parts if part not in by_machine]
    yield from ((is_typed, parts) for is_typed, parts in ((False, by_machine), (True, typed)) if parts)


def _body(parts: Sequence[Part], clamp: int) -> str:
    return "\n".join(filter(None, (_part(part, clamp) for part in parts)))


def _part(part: Part, clamp: int) -> str:
    if part.kind == "text":
        return open_tags(part.text)
    if part.kind == "call":
        return f"[calls {open_tags(part.name)} {open_tags(clamp_text(part.text, MAX_ARGUMENT_CHARS))}]"
    if part.kind == "result":
        what = "error from" if part.is_error else "result of"
        return f"[{what} {open_tags(part.name) or 'a tool'}] {open_tags(clamped(part.text, clamp))}"
    return "" if part.kind == "thinking" else f"[{part.kind} {open_tags(part.name)}]"


def clamped(text: str, clamp: int) -> str:
    """Shorten a result; the last clamp makes one line of it."""
    if clamp == CLAMPS[-1]:
        text = " ".join(text.split())
    return clamp_text(text, clamp)


def clamp_text(text: str, chars: int) -> str:
    """Shorten a text to about so many characters, 60 % of them from its head.

    What is said of the rest never begins a line: the margin that tells our lines from others would be gone there.
    """
    if len(text) <= chars:
        return text
    head = text[: int(chars * HEAD_SHARE)].rstrip()
    tail = text[len(text) - chars + int(chars * HEAD_SHARE) :]
    return f"{head} [... {len(text) - len(head) - len(tail)} characters left out ...] {tail}"
