"""What a store of live conversations is: the protocol, with the names that axio uses.

A message is whatever the store's user hands in: a dict of a provider's API, or an object of axio's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

PREVIEW_CHARS = 80
"""Characters of the first user text that a list of sessions shows. Source: axio's `SessionInfo`."""

NO_PREVIEW = "(no preview)"
"""For a session without a user text. Source: as above."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One session in a list; fields as axio's."""

    session_id: str
    message_count: int
    preview: str
    """The beginning of the first user text."""
    created_at: str
    """`YYYY-MM-DD HH:MM:SS`, UTC."""
    input_tokens: int = 0
    output_tokens: int = 0


@runtime_checkable
class ContextStore(Protocol):
    """One conversation that an agent appends to and reads back before every model call."""

    @property
    def session_id(self) -> str:
        """Which conversation it is; unique in its store."""
        ...

    async def append(self, message: Any) -> None:
        """Put a message at the end."""
        ...

    async def get_history(self) -> list[Any]:
        """Return all messages, oldest first; a list of the caller's own."""
        ...

    async def clear(self) -> None:
        """Remove all messages, and the token counts."""
        ...

    async def fork(self) -> Self:
        """Return a copy under a new session id; what happens to one does not show in the other."""
        ...

    async def set_context_tokens(self, input_tokens: int, output_tokens: int) -> None:
        """Set the counts of what the conversation has cost, in tokens."""
        ...

    async def get_context_tokens(self) -> tuple[int, int]:
        """Return the counts (input, output)."""
        ...

    async def add_context_tokens(self, input_tokens: int, output_tokens: int) -> None:
        """Add one model call to the counts; `input_tokens` is the size of what the model was sent."""
        ...

    async def list_sessions(self) -> list[SessionInfo]:
        """Return the sessions beside this one and itself, newest first."""
        ...

    async def close(self) -> None:
        """Give back what it holds open; the conversation stays where it is kept."""
        ...


class Snapshot(NamedTuple):
    """A conversation as it stood at one moment."""

    messages: list[Any]
    keys: tuple[int, ...]
    """What the store knows each message by; never used twice in a conversation."""


@runtime_checkable
class SnapshotStore(ContextStore, Protocol):
    """A store that can put others in the place of its oldest messages in one step; both of ours can."""

    async def get_snapshot(self) -> Snapshot:
        """Return all messages and what they are known by."""
        ...

    async def replace_prefix(self, keys: Sequence[int], messages: Sequence[Any]) -> bool:
        """Put messages in the place of the oldest ones: all of it or nothing, token counts and the rest untouched.

        Args:
            keys: Of the messages to be replaced, from a snapshot's beginning.
            messages: What stands there instead.

        Returns:
            Whether it was done; not where the conversation no longer begins with these messages.
        """
        ...


def preview_of(contents: Iterable[Any]) -> str:
    """Return the beginning of the first text in the contents (a text, or a list of blocks) of user messages."""
    for content in contents:
        blocks = [{"text": content}] if isinstance(content, str) else content
        for block in blocks if isinstance(blocks, list) else ():
            text = block.get("text") if isinstance(block, dict) else None
            if isinstance(text, str) and text:
                return text if len(text) <= PREVIEW_CHARS else f"{text[:PREVIEW_CHARS]}..."
        return NO_PREVIEW
    return NO_PREVIEW


def clock() -> str:
    """Return the time as SQLite's `datetime('now')` writes it, which is what axio stores."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
