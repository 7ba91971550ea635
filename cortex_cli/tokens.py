"""How large a text is for a model: exact counts, a heuristic, and estimates for media.

Every text is counted once and remembered. Counters are always passed in.
"""

from collections.abc import Iterable
from typing import Protocol

from cortex_cli.messages import Message, Part

CHARS_PER_TOKEN = 4
"""Code points to a token, for the heuristic. Source: SPEC section 1."""


class Counter(Protocol):
    """Counts tokens; one instance is shared by everything that handles one transcript."""

    name: str
    """What the user asked for: `o200k_base`, `cl100k_base`, `heuristic`."""
    engine: str
    """What counts: `tiktoken 0.14.0`, `toktok-rs 0.3.0`, `heuristic`."""

    def count_text(self, text: str) -> int:
        """Count one text."""
        ...

    def count_message(self, message: Message) -> int:
        """Count all of a message that the model would be sent."""
        ...


def counted_texts(part: Part) -> tuple[str, ...]:
    """Return the texts of a part that count: a call's name and arguments, else its text."""
    return (part.name, part.text) if part.kind == "call" else (part.text,)


def count_messages(messages: Iterable[Message], counter: Counter) -> int:
    """Count messages."""
    return sum(map(counter.count_message, messages))
