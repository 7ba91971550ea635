"""Several attempts at one model call: which failures are tried again, and how long is waited between."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from cortex_cli.llm.circuit import CIRCUIT, Circuit
from cortex_cli.llm.client import ModelError

T = TypeVar("T")

RETRY_AFTER_CAP_SECONDS = 60.0
"""A provider that asks for a longer pause is not waited for this long at a time. Source: SPEC section 4."""

GROWTH = 2.0
"""Factor from one pause to the next."""

MAX_OVERFLOWS = 8
"""So often a prompt that is too long is halved, besides the attempts: down to 1/256."""

JITTER = 0.5
"""Share of a pause that is left to chance, so that many files do not come back at once."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """How stubborn to be."""

    limit: int = 3
    delay_seconds: float = 2.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    circuit: Circuit = field(default_factory=lambda: CIRCUIT)


class Refused(ModelError):
    """The model answered, and the answer cannot be used; asking again may help, without a pause."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, retry=True, retry_after_seconds=0.0)


async def attempt(
    endpoint: str,
    call: Callable[[], Awaitable[T]],
    attempts: Attempts,
    on_error: Callable[[int, ModelError], None],
) -> T:
    """Call until it succeeds, or the attempts are used up, or a failure says that trying again is of no use.

    Args:
        endpoint: For the circuit.
        call: One attempt.
        attempts: Limits.
        on_error: Told of each failed attempt, 1-based; after an overflow it sees to it that less is sent next time.

    Raises:
        ModelError: The last failure.
    """
    if left := attempts.circuit.seconds_left(endpoint):
        raise ModelError(f"it failed before, and is left alone for another {left:.0f} s")
    failures = overflows = 0
    while True:
        try:
            done = await call()
        except ModelError as error:
            on_error(failures + overflows + 1, error)
            if error.overflow:  # the endpoint is well, and the prompt has to shrink
                overflows += 1
                if overflows > MAX_OVERFLOWS:
                    raise
                continue
            failures += 1
            attempts.circuit.failed(endpoint, attempts.limit)
            if failures >= attempts.limit or not error.retry:
                raise
            await attempts.sleep(pause_seconds(failures, error, attempts.delay_seconds))
        else:
            attempts.circuit.succeeded(endpoint)
            return done


def pause_seconds(number: int, error: ModelError, delay_seconds: float) -> float:
    """Return how long to wait after the `number`-th failed attempt."""
    if error.retry_after_seconds is not None:
        return min(error.retry_after_seconds, RETRY_AFTER_CAP_SECONDS)
    pause = delay_seconds * GROWTH ** (number - 1)
    return pause * (1 - JITTER * random.random())
