"""The events of one pass, in their order. Source: SPEC section 4, "Events and their order" and "Failure"."""

from typing import Any

from cortex_cli.live.events import Events
from cortex_cli.live.passing import Pass
from cortex_cli.messages import Message
from cortex_cli.pipeline import Run
from cortex_cli.summarizers.base import Summarizer, SummaryOutcome, SummaryRequest
from cortex_cli.tokens import count_messages


class Telling:
    """A summariser that tells what becomes of it.

    Args:
        events: Who listens.
        summarizer: Does the work.
        wants_record: The result record is asked for, whether anybody listens or not.
    """

    def __init__(self, events: Events, summarizer: Summarizer, *, wants_record: bool = False) -> None:
        self._events = events
        self._summarizer = summarizer
        self._wants_record = wants_record
        self.is_vetoed = False
        """A handler said no."""
        self.record: dict[str, Any] | None = None
        """The result record, where there was a summary, or the log took over, and somebody wants it."""
        self._is_announced = False

    async def __call__(self, request: SummaryRequest) -> SummaryOutcome | None:
        """Ask whether it may be, let it be written, and tell of every failed attempt."""
        if not self._is_announced:
            self._is_announced = True
            tokens = count_messages(request.messages, request.counter)
            earlier = sum(request.counter.count_text(summary.text) for summary in request.earlier)
            may_be = await self._events.emit(
                "before_compaction", turns=len(request.messages), estimated_tokens=tokens + earlier
            )
            self.is_vetoed = not may_be
        if self.is_vetoed:
            return None
        outcome = await self._summarizer(request)
        for event in outcome.events if outcome else ():
            if event["event"] == "error":
                await self._events.emit(**event)
        return outcome

    async def compacted(self, done: Pass) -> None:
        """Tell that a summary is ready, before anything is replaced."""
        if done.run is not None and done.run.changes_of("summary"):
            track = done.run.tracks["summary"]
            await self._events.emit(
                "post_compaction", tokens_before=track.tokens_before, tokens_after=track.tokens_after
            )

    async def replaced(self, done: Pass) -> None:
        """Tell what was replaced, and what came of it."""
        run = done.run
        if run is None:
            return
        if done.is_replaced:
            layers = [name for name in run.tracks if run.changes_of(name)]
            await self._events.emit("source_replaced", messages=list(done.known.history.values), layers=layers)
        name = next((name for name in ("summary", "observe") if run.changes_of(name)), "")
        if name and (self._wants_record or self._events.is_heard("result")):
            self.record = result_record(run, name, done.oldest_preserved)
            await self._events.emit("result", **self.record)
        for event in run.events:
            if event["event"] in ("degraded", "exhausted"):
                await self._events.emit(**event)


def result_record(run: Run, name: str, oldest: int | None) -> dict[str, Any]:
    """Return what a compaction by this layer came to. Source: SPEC section 4, "Result record".

    Args:
        run: The run that the layer acted in.
        name: The layer's.
        oldest: Index of the oldest preserved message in the caller's list, where it stands there.
    """
    track = run.tracks[name]
    preserved = [message for message in run.view.messages if message.counts_as_recent and message.position >= 0]
    summaries = (message for message in run.view.messages if message.synthetic in ("summary", "log"))
    summary = next(summaries, Message("user", ()))
    return {
        "tokens_before": track.tokens_before,
        "tokens_after": track.tokens_after,
        "turns_compacted": sum(change.message.position >= 0 for change in track.changes),
        "turns_preserved": len(preserved),
        "summary_tokens": run.counter.count_message(summary),
        "oldest_preserved_index": oldest,
        "oldest_preserved_time": preserved[0].time if preserved else "",
        "summary": summary.text,
        "summarizer": run.outcome.summarizer if run.outcome else "",
        "lost_facts": list(run.count_facts().lost),
    }
