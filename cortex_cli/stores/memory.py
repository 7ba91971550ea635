"""A conversation in memory, for agents that need not outlive their process, and for tests."""

import copy
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, Self
from uuid import uuid4

from cortex_cli.errors import StoreError
from cortex_cli.stores.base import NO_PREVIEW, SessionInfo, Snapshot, clock, preview_of
from cortex_cli.stores.codecs import codec_for


class MemoryContextStore:
    """One conversation in memory. Messages are kept as they are, of whatever type.

    Args:
        history: What it begins with.
    """

    def __init__(self, history: Iterable[Any] | None = None) -> None:
        self._session_id = uuid4().hex
        self._created_at = clock()
        self._numbers = count()
        self._entries = [(next(self._numbers), message) for message in history or ()]
        self._tokens = (0, 0)

    @property
    def session_id(self) -> str:
        """Return which conversation it is."""
        return self._session_id

    async def append(self, message: Any) -> None:
        """Put a message at the end."""
        self._entries.append((next(self._numbers), message))

    async def get_history(self) -> list[Any]:
        """Return all messages; the list is the caller's own."""
        return [message for _, message in self._entries]

    async def clear(self) -> None:
        """Remove all messages, and the token counts."""
        self._entries.clear()
        self._tokens = (0, 0)

    async def fork(self) -> Self:
        """Return a deep copy under a new session id."""
        other = type(self)(copy.deepcopy(await self.get_history()))
        other._tokens = self._tokens
        return other

    async def set_context_tokens(self, input_tokens: int, output_tokens: int) -> None:
        """Set the token counts."""
        self._tokens = (input_tokens, output_tokens)

    async def get_context_tokens(self) -> tuple[int, int]:
        """Return the token counts (input, output)."""
        return self._tokens

    async def add_context_tokens(self, input_tokens: int, output_tokens: int) -> None:
        """Add to the token counts."""
        self._tokens = (self._tokens[0] + input_tokens, self._tokens[1] + output_tokens)

    async def list_sessions(self) -> list[SessionInfo]:
        """Return this one."""
        return [SessionInfo(self.session_id, len(self._entries), self._preview(), self._created_at, *self._tokens)]

    def _preview(self) -> str:
        try:
            messages = [codec_for(message).encode(message) for _, message in self._entries]
        except StoreError:  # messages of a kind that nobody can read may be kept all the same
            return NO_PREVIEW
        return preview_of(message.get("content") for message in messages if message["role"] == "user")

    async def close(self) -> None:
        """Do nothing: there is nothing to give back."""

    async def get_snapshot(self) -> Snapshot:
        """Return all messages and what they are known by."""
        return Snapshot(await self.get_history(), tuple(number for number, _ in self._entries))

    async def replace_prefix(self, keys: Sequence[int], messages: Sequence[Any]) -> bool:
        """Put messages in the place of the oldest ones, see `SnapshotStore`."""
        if [number for number, _ in self._entries[: len(keys)]] != list(keys):
            return False
        self._entries[: len(keys)] = [(next(self._numbers), message) for message in messages]
        return True
