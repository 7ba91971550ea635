"""Whoever writes for a live session: a summariser, a model client or a plain function; and what if it fails."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count

from cortex_cli.compaction import builtin_summarizer
from cortex_cli.live.refusals import is_lasting
from cortex_cli.llm.client import Client, Completion, CompletionRequest, ModelError, OnText
from cortex_cli.llm.overflow import find_overflow
from cortex_cli.report import Facts
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import BUILTIN, Summarizer, SummaryOutcome, SummaryRequest

_log = logging.getLogger("cortex_cli")

Complete = Callable[[str, str, int], Awaitable[str]]
"""`await complete(system, prompt, max_tokens)` -> the model's answer; whatever it raises is a failed call."""

_numbers = count(1)


class CompleterClient:
    """A client around a function of the caller's."""

    model = ""

    def __init__(self, complete: Complete) -> None:
        self._complete = complete
        self.name = "completer"
        self.endpoint = f"completer {next(_numbers)}"  # one that fails must not open the circuit of another

    async def complete(self, request: CompletionRequest, on_text: OnText | None = None) -> Completion:
        """Ask once.

        Raises:
            ModelError: The function raised.
        """
        try:
            text = await self._complete(request.system, request.prompt, request.max_tokens)
        except ModelError:
            raise
        except Exception as error:  # somebody else's code, and any package's errors
            overflow = find_overflow(str(error))
            limit = (overflow.limit_tokens or 0) if overflow else 0
            retry = not is_lasting(error)
            raise ModelError(str(error), retry=retry, overflow=overflow is not None, limit_tokens=limit) from error
        if on_text:
            on_text(text)
        return Completion(text=text, stop="end")


def client_of(complete: Complete | Client) -> Client:
    """Return a client as it is, a function in one."""
    return complete if hasattr(complete, "endpoint") else CompleterClient(complete)  # type: ignore[return-value]


def summarizer_from(complete: Complete | Client, settings: Settings) -> Summarizer:
    """Let a model write the summaries: with our prompt, our checks, retries and the circuit."""
    from cortex_cli.summarizers.model import make_summarizer  # noqa: PLC0415 - httpx takes 0.1 s to import

    made = make_summarizer(settings, {}, client=client_of(complete))
    assert made is not None  # with a client there is one
    return made


def guarded(summarizer: Summarizer, settings: Settings) -> Summarizer:
    """Make whatever a summariser raises a failed attempt, followed by what the settings want."""

    async def summarize(request: SummaryRequest) -> SummaryOutcome | None:
        try:
            return await summarizer(request)
        except Exception as error:  # somebody else's code; a cancellation is none of these
            _log.warning("the summariser failed", exc_info=True)
            reason = str(error) or type(error).__name__
        events = ({"event": "error", "attempt": 1, "reason": reason},)
        warning = f"summariser failed: {reason}"
        if settings.fallback == BUILTIN and not settings.strict:
            outcome = await builtin_summarizer(request)
            if outcome is not None:
                name = f"builtin ({warning})"
                return replace(outcome, summarizer=name, warnings=(warning,), events=events, failure=reason)
        return SummaryOutcome(
            text="", facts=Facts(), summarizer=f"none ({warning})", warnings=(warning,), events=events, failure=reason
        )

    return summarize
