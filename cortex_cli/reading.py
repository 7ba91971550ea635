"""A transcript as a text to read: Markdown, and the pieces that every such text is made of."""

import re
from collections.abc import Iterator, Sequence

from cortex_cli.messages import Message, Part, Transcript

HEAD_LINES = 12
"""Lines of a long result that are shown from its beginning."""

TAIL_LINES = 6
"""Lines of it that are shown from its end."""

_TITLES = {"user": "User", "assistant": "Assistant", "system": "System", "tool": "Result"}
_BACKTICKS = re.compile("`+")


def to_markdown(transcript: Transcript, messages: Sequence[Message], *, full: bool = False) -> Iterator[str]:
    """Yield a transcript as Markdown, one message at a time.

    Args:
        transcript: Where the messages come from.
        messages: Those to show.
        full: Long results whole, not their beginning and end.
    """
    yield f"# {transcript.path or transcript.format}\n"
    for message in messages:
        yield f"\n## {heading(message)}\n"
        for part in message.parts:
            yield f"\n{_part_as_markdown(part, full=full)}\n"


def heading(message: Message) -> str:
    """Say whose message it is, where it stands, and when it was written."""
    title = _TITLES[message.role]
    result = message.result
    if result is not None:
        title = f"{title} of {result.name or 'unknown'}" + (" (error)" if result.is_error else "")
    kind = f" ({message.synthetic})" if message.synthetic else " (machine text)" if _is_machine_text(message) else ""
    place = "added" if message.position < 0 else str(message.position)
    pieces = (place, f"{title}{kind}", message.time, message.id)
    return " · ".join(piece for piece in pieces if piece)


def _is_machine_text(message: Message) -> bool:
    return message.role == "user" and not message.typed and bool(message.text)


def excerpt(text: str, *, full: bool = False) -> tuple[list[str], int, list[str]]:
    """Split a text into (lines of its beginning, number of lines left out, lines of its end)."""
    lines = text.splitlines()
    if full or len(lines) <= HEAD_LINES + TAIL_LINES + 1:
        return lines, 0, []
    return lines[:HEAD_LINES], len(lines) - HEAD_LINES - TAIL_LINES, lines[-TAIL_LINES:]


def media_of(part: Part) -> str:
    """Name the media in a part."""
    return ", ".join(f"[{media.type}, ~{media.tokens} tokens]" for media in part.media)


def _part_as_markdown(part: Part, *, full: bool) -> str:
    if part.kind == "text":
        return part.text
    if part.kind == "thinking":
        return "\n".join(f"> {line}" for line in part.text.splitlines()) or "> (thinking, signature only)"
    if part.kind == "call":
        return f"**{part.name}**\n\n{_fenced(part.text, 'json' if part.json else '')}"
    if part.kind == "media":
        return media_of(part)
    text = _shortened(part.text, full=full) if part.kind == "result" else f"({part.name or 'opaque'})"
    return "\n\n".join(piece for piece in (_fenced(text) if text else "", media_of(part)) if piece)


def _shortened(text: str, *, full: bool) -> str:
    head, left_out, tail = excerpt(text, full=full)
    middle = [f"... {left_out} lines ..."] if left_out else []
    return "\n".join((*head, *middle, *tail))


def _fenced(text: str, language: str = "") -> str:
    """Put a text into a fence that nothing in it closes."""
    longest = max(map(len, _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
