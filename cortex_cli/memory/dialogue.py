"""Messages as an observing model is shown them: dated, with roles and times, calls and results in one line each.

Only our own lines begin at the left margin, so that nothing in a message can pass for another. Times are UTC.
Source: SPEC section 6, "Observer input".
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import orjson

from cortex_cli.memory.log import day_and_time, heading
from cortex_cli.messages import Message, Part
from cortex_cli.summarizers.boundaries import harmless, indented
from cortex_cli.summarizers.serialize import Chunk, clamped, serialize, voices
from cortex_cli.tokens import Counter

MAX_ARGUMENTS = 5
MAX_ARGUMENT_CHARS = 80
"""Shown of a call. Source: SPEC section 6."""

HEADING_TOKENS = 16
"""A date in front of each chunk, generously."""


def dialogue(messages: Sequence[Message], max_tokens: int, counter: Counter) -> tuple[Chunk, ...]:
    """Write messages in as few chunks as the cap allows, each under the date it begins at.

    Args:
        messages: Oldest first.
        max_tokens: Of one chunk.
        counter: Counts.
    """
    days = [day_and_time(message.time)[0] for message in messages]
    changes = {number for number, (before, day) in enumerate(pairwise(days), 2) if day and day != before}

    def write(number: int, message: Message, clamp: int) -> str:
        date = f"{heading(days[number - 1])}\n" if number in changes else ""
        return date + _entry(message, clamp)

    chunks = serialize(messages, max(1, max_tokens - HEADING_TOKENS), counter, write)
    return tuple(_dated(chunks, heading(next(filter(None, days), "")), counter))


def _dated(chunks: Sequence[Chunk], date: str, counter: Counter) -> list[Chunk]:
    """Put the date that holds at its beginning in front of each chunk."""
    dated: list[Chunk] = []
    for chunk in chunks:
        text = chunk.text if chunk.text.startswith("Date: ") else f"{date}\n{chunk.text}"
        date = [line for line in text.split("\n") if line.startswith("Date: ")][-1]
        dated.append(Chunk(text, counter.count_text(text)))
    return dated


def _entry(message: Message, clamp: int) -> str:
    time = day_and_time(message.time)[1]
    when = f" ({time})" if time else ""
    return "\n".join(f"**{role}{when}**: {_body(parts, clamp)}" for role, parts in _voices(message))


def _voices(message: Message) -> list[tuple[str, Sequence[Part]]]:
    """Return who says what in a message."""
    if message.synthetic == "summary":
        return [("earlier summary", message.parts)]
    if message.role != "user":
        return [(message.role, message.parts)]
    return [("user" if is_typed else "program", parts) for is_typed, parts in voices(message)]


def _body(parts: Sequence[Part], clamp: int) -> str:
    return "\n  ".join(filter(None, (_part(part, clamp) for part in parts)))


def _part(part: Part, clamp: int) -> str:
    if part.kind == "text":
        return indented(part.text)
    if part.kind == "call":
        return f"[Tool Call: {harmless(part.name)}] {harmless(_arguments(part.text))}"
    if part.kind == "result":
        error = ", error" if part.is_error else ""
        return f"[Tool Result: {harmless(part.name) or 'unknown'}{error}] {indented(clamped(part.text, clamp))}"
    return "" if part.kind == "thinking" else f"[{part.kind} {harmless(part.name)}]".replace(" ]", "]")


def _arguments(text: str) -> str:
    """Shorten a call's arguments: the first few, each to its beginning."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        return _short(text, MAX_ARGUMENTS * MAX_ARGUMENT_CHARS)
    shown = ", ".join(f'"{name}": {_value(one)}' for name, one in list(value.items())[:MAX_ARGUMENTS])
    more = len(value) - MAX_ARGUMENTS
    return f"{{{shown}, ... {more} more}}" if more > 0 else f"{{{shown}}}"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return orjson.dumps(_short(value, MAX_ARGUMENT_CHARS)).decode()
    return _short(orjson.dumps(value).decode(), MAX_ARGUMENT_CHARS)


def _short(text: str, chars: int) -> str:
    return text if len(text) <= chars else f"{text[:chars]}…"
