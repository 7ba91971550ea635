"""Asking the authors of a log: failures become values, a log is condensed level by level, the best answer wins."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

from cortex_cli.memory.base import LogEntry, ReflectRequest
from cortex_cli.summarizers.redact import redact_all
from cortex_cli.tokens import Counter

_log = logging.getLogger("cortex_cli")

LEVELS = range(5)
"""How strongly a log is condensed; so many calls at most. Source: SPEC section 6, "Reflection"."""

AskReflector = Callable[[ReflectRequest], Awaitable[LogEntry]]


async def answer_of(answer: Awaitable[LogEntry], role: str) -> LogEntry:
    """Wait for an author; one that raises has failed."""
    try:
        return await answer
    except Exception as error:  # somebody else's code may raise whatever it likes
        _log.warning("the %s failed", role, exc_info=True)
        return LogEntry(observations="", failure=f"{type(error).__name__}: {error}")


def without_secrets(entry: LogEntry) -> LogEntry:
    """Take secrets out of a piece of log."""
    (log, task, response), count = redact_all([entry.observations, entry.current_task, entry.suggested_response])
    if not count:
        return entry
    redacted = max(entry.redacted, count)
    return replace(entry, observations=log, current_task=task, suggested_response=response, redacted=redacted)


async def condense(
    source: str,
    target_tokens: int,
    ask: AskReflector,
    *,
    counter: Counter,
    instruction: str,
    on_failure: Callable[[str], Awaitable[None]],
) -> LogEntry | None:
    """Ask for a condensed log, ever more strongly, until it is small enough.

    Args:
        source: The log, or a beginning of it.
        target_tokens: Where it should get to.
        ask: Asks the reflector; never raises.
        counter: Counts.
        instruction: What the user wants kept.
        on_failure: Told why an answer is not taken.

    Returns:
        The first answer that gets there, else the smallest of those that are smaller than the source; None where
        there is none.
    """
    best: tuple[int, LogEntry] | None = None
    size = counter.count_text(source)
    for level in LEVELS:
        request = ReflectRequest(
            observations=source, max_tokens=target_tokens, level=level, counter=counter, instruction=instruction
        )
        entry = await ask(request)
        tokens = counter.count_text(entry.observations)
        reason = entry.failure or ("the condensed log is empty" if not entry.observations.strip() else "")
        if not reason and tokens >= size:
            reason = f"the condensed log has {tokens:,} tokens, before it had {size:,}"
        if reason:
            await on_failure(reason)
        elif best is None or tokens < best[0]:
            best = tokens, entry
        if best and best[0] <= target_tokens:
            break
    return best[1] if best else None


def newest_part(log: str, max_tokens: int, counter: Counter) -> str:
    """Return the newest lines of a log that fit."""
    kept: list[str] = []
    room = max_tokens
    for line in _lines_back(log):
        room -= counter.count_text(line + "\n")
        if room < 0:
            break
        kept.append(line)
    return "\n".join(reversed(kept)).strip("\n")


READ_BACK_CHARS = 16_384
"""Of a log, cut into lines at a time: more than what is shown of most; a whole one may have half a million."""


def _lines_back(log: str) -> Iterator[str]:
    """Yield lines, the newest first."""
    end = len(log)
    while end:
        start = log.rfind("\n", 0, max(0, end - READ_BACK_CHARS)) + 1
        yield from reversed(log[start:end].splitlines())
        end = start
