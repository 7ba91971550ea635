"""What the tests of integrations share: a task of many calls with long results, and what must hold of what is sent."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from cortex_cli import Settings, make_counter

T = TypeVar("T")

STEPS = 20
"""Calls that the scripted model makes before it answers."""

WINDOW = 6_000
"""Tokens that it takes."""

TASK = "Rename the module src/app.py to src/main.py and keep every test green."
ANSWER = "All done."

SETTINGS = Settings(window=WINDOW, hot_zone_min_tokens=800)


def long_result(number: int) -> str:
    """Return what the tool says: about 700 tokens."""
    lines = [f"src/file_{number}_{line}.py:{line}: def function_{line}(argument)" for line in range(40)]
    return "\n".join(lines)


def count(texts: Sequence[str]) -> int:
    """Count what a model would be sent."""
    counter = make_counter("o200k_base")
    return sum(counter.count_text(text) for text in texts)


def check_pairs(calls: Sequence[str], results: Sequence[str]) -> None:
    """Every call has its result, in order, and no result stands alone."""
    assert list(calls) == list(results)


def run(work: Awaitable[T]) -> T:
    """Run a coroutine to its end."""

    async def wait() -> T:
        return await work

    return asyncio.run(wait())
