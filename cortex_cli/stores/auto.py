"""A store that compacts itself when what the model was sent grows too large. Source: SPEC section 9."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Self

from cortex_cli.stores.asking import StoreSummarizer, window_of
from cortex_cli.stores.base import ContextStore, SessionInfo, Snapshot, SnapshotStore
from cortex_cli.stores.compacting import KEEP_RECENT, Compacted, compact_messages

THRESHOLD = 0.75
"""Share of the window above which a conversation is compacted. Source: SPEC section 9."""

_log = logging.getLogger("cortex_cli")


class AutoCompactStore:
    """Wraps any store and puts a summary in the place of its old messages when a call was too large.

    The summary is written from a snapshot, so that the store stays writable meanwhile; what was appended in the
    meantime stays. Ours are refilled in one step: a crash leaves the old history or the new one, whole. Of any
    other store the history is cleared and appended anew, which a crash can interrupt.

    Args:
        inner: Where the conversation is.
        summarizer: Who writes summaries, see `compact_context`.
        keep_recent: Newest messages that stay.
        max_tokens: A call with more input than this starts a compaction; default: `threshold` of the window.
        threshold: Share of the window, 0-1.
        window: Of the model, in tokens; default: as a transport of axio says, else 128,000.
        prompt: As in `compact_context`.
    """

    def __init__(
        self,
        inner: ContextStore,
        summarizer: StoreSummarizer | None = None,
        *,
        keep_recent: int = KEEP_RECENT,
        max_tokens: int | None = None,
        threshold: float = THRESHOLD,
        window: int | None = None,
        prompt: str | None = None,
    ) -> None:
        self.inner = inner
        self._summarizer = summarizer
        self._keep_recent = keep_recent
        self._window = window or window_of(summarizer)
        self._prompt = prompt
        self._threshold = threshold
        self.max_tokens = int(self._window * threshold) if max_tokens is None else max_tokens
        self._compacting = asyncio.Lock()
        self._attempts = 0
        self._refilling = asyncio.Lock()

    @property
    def session_id(self) -> str:
        """Return the session of the store inside."""
        return self.inner.session_id

    @property
    def codec(self) -> Any:
        """Return how the store inside writes messages; None where it does not say."""
        return getattr(self.inner, "codec", None)

    async def append(self, message: Any) -> None:
        """Put a message at the end; not while another store is being refilled."""
        async with self._refilling:
            await self.inner.append(message)

    async def get_history(self) -> list[Any]:
        """Return all messages, oldest first."""
        async with self._refilling:
            return await self.inner.get_history()

    async def clear(self) -> None:
        """Remove all messages, and the token counts."""
        async with self._refilling:
            await self.inner.clear()

    async def fork(self) -> Self:
        """Return a copy that compacts itself too."""
        async with self._refilling:
            forked = await self.inner.fork()
        return type(self)(
            forked,
            self._summarizer,
            keep_recent=self._keep_recent,
            max_tokens=self.max_tokens,
            threshold=self._threshold,
            window=self._window,
            prompt=self._prompt,
        )

    async def set_context_tokens(self, input_tokens: int, output_tokens: int) -> None:
        """Set the token counts."""
        await self.inner.set_context_tokens(input_tokens, output_tokens)

    async def get_context_tokens(self) -> tuple[int, int]:
        """Return the token counts (input, output)."""
        return await self.inner.get_context_tokens()

    async def add_context_tokens(self, input_tokens: int, output_tokens: int) -> None:
        """Add one model call to the counts, and compact where its input was larger than the limit.

        Returns when that is done. Where one is under way, it is waited for and no second one is made. A summary
        that fails is logged, and the history stays as it is.
        """
        await self.inner.add_context_tokens(input_tokens, output_tokens)
        if input_tokens > self.max_tokens:
            await self._compact_once()

    async def list_sessions(self) -> list[SessionInfo]:
        """Return the sessions of the store inside."""
        return await self.inner.list_sessions()

    async def close(self) -> None:
        """Close the store inside."""
        await self.inner.close()

    async def _compact_once(self) -> None:
        asked_at = self._attempts
        async with self._compacting:
            if self._attempts != asked_at:
                return  # another one asked at the same time, and it is done
            await self._compact()
            self._attempts += 1  # not where it was cancelled: whoever waits does it then

    async def _compact(self) -> None:
        snapshot = await self._take_snapshot()
        done = await compact_messages(
            snapshot.messages,
            self._summarizer,
            keep_recent=self._keep_recent,
            prompt=self._prompt,
            codec=self.codec,
            window=self._window,
        )
        if done is None:
            return
        # cancelled in the middle, another store would be left half filled
        if await asyncio.shield(asyncio.ensure_future(self._refill(snapshot, done))):
            _log.info("%d messages of session %s became %d", done.replaced, self.session_id, len(done.new))
        else:
            _log.info("session %s was changed meanwhile: the summary is not used", self.session_id)

    async def _take_snapshot(self) -> Snapshot:
        if isinstance(self.inner, SnapshotStore):
            return await self.inner.get_snapshot()
        return Snapshot(list(await self.inner.get_history()), ())

    async def _refill(self, snapshot: Snapshot, done: Compacted) -> bool:
        async with self._refilling:
            if isinstance(self.inner, SnapshotStore):
                return await self.inner.replace_prefix(snapshot.keys[: done.replaced], done.new)
            return await self._refill_other(snapshot, done)

    async def _refill_other(self, snapshot: Snapshot, done: Compacted) -> bool:
        old = list(await self.inner.get_history())
        if old[: done.replaced] != snapshot.messages[: done.replaced]:
            return False
        tokens = await self.inner.get_context_tokens()
        try:
            await self.inner.clear()
        except NotImplementedError:  # what axio's base class says where a store has no `clear`
            _log.warning("a %s cannot be cleared, and so not be compacted", type(self.inner).__name__)
            return False
        try:
            await self._fill([*done.new, *old[done.replaced :]], tokens)
        except BaseException:
            await self.inner.clear()
            await self._fill(old, tokens)
            raise
        return True

    async def _fill(self, messages: Sequence[Any], tokens: tuple[int, int]) -> None:
        for message in messages:
            await self.inner.append(message)
        await self.inner.set_context_tokens(*tokens)
