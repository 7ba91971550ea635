"""A process that uses a store, for tests that need several of them, or one that is killed."""

import asyncio
import os
import re
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

from cortex_cli import AutoCompactStore, MemoryContextStore, SQLiteContextStore, compact_context
from cortex_cli.marks import ACKNOWLEDGEMENT
from tests.stores.talk import said, talk, texts

SESSION = "shared"
PROJECT_NAME = "test"
EVERY = 12
"""Messages between two compactions."""
PADDING = " padding" * 200
"""Makes a refill long enough to be hit by a kill."""

_NUMBERED = re.compile(r"(\w+)-(\d+)")
_COUNTED = re.compile(r"(\w+)=(\d+)")


def tally(history: list[dict[str, Any]]) -> dict[str, int]:
    """Count what every writer wrote, summaries included.

    Raises:
        AssertionError: A message is missing, twice there or in the wrong place.
    """
    counts: dict[str, int] = {}
    for at, text in enumerate(texts(history)):
        if text.startswith("summary:"):
            assert at == 0, "a summary stands at the beginning"
            counts.update((name, int(count)) for name, count in _COUNTED.findall(text))
        elif text != ACKNOWLEDGEMENT:
            found = _NUMBERED.match(text)
            assert found, text
            name, number = found[1], int(found[2])
            assert number == counts.get(name, 0), f"{name}-{number} after {counts.get(name, 0)} of them"
            counts[name] = number + 1
        else:
            assert at == 1, "an acknowledgement stands behind a summary"
    return counts


def remember(messages: list[dict[str, Any]], prompt: str) -> str:
    """Summarise by counting what every writer wrote."""
    del prompt
    return "summary: " + " ".join(f"{name}={count}" for name, count in tally(messages).items())


def remember_nothing(messages: list[dict[str, Any]], prompt: str) -> str:
    """Summarise somehow."""
    del messages, prompt
    return "summary:"


def open_store(path: str) -> SQLiteContextStore:
    """Open the session that all workers share."""
    return SQLiteContextStore(path, SESSION, project=PROJECT_NAME)


async def write(path: str, name: str, count: int) -> None:
    """Append so many messages, and say so after each."""
    store = open_store(path)
    for number in range(count):
        await store.append(said("user", f"{name}-{number}{PADDING}"))
        print(number, flush=True)
    await store.close()


async def churn(path: str, name: str, count: int) -> None:
    """Append, and compact every few messages."""
    await compact_context(MemoryContextStore(talk(20)), remember_nothing)  # what is loaded once is loaded now
    inner = open_store(path)
    store = AutoCompactStore(inner, remember, keep_recent=4, max_tokens=0)
    start = tally(await store.get_history()).get(name, 0)
    for number in range(start, start + count):
        await store.append(said("user", f"{name}-{number}{PADDING}"))
        print(number, flush=True)
        await store.add_context_tokens(1 if number % EVERY == EVERY - 1 else 0, 1)
    await store.close()


async def compact(path: str, name: str, count: int) -> None:
    """Compact once; the summary is not ready before a file is there."""
    del count

    async def wait(messages: list[dict[str, Any]], prompt: str) -> str:
        print("asked", flush=True)
        while not await asyncio.to_thread(Path(name).exists):
            await asyncio.sleep(0.01)
        return remember(messages, prompt)

    store = AutoCompactStore(open_store(path), wait, keep_recent=4, max_tokens=0)
    await store.add_context_tokens(1, 0)
    await store.close()


async def die(path: str, name: str, count: int) -> None:
    """Be killed in the middle of a refill: the old messages are gone, the new ones not there yet."""
    del name, count

    class Dying(SQLiteContextStore):
        def _shift(self, connection: sqlite3.Connection, by: int) -> None:
            super()._shift(connection, by)
            print("dying", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

    store = AutoCompactStore(Dying(path, SESSION, project=PROJECT_NAME), remember, keep_recent=4, max_tokens=0)
    await store.add_context_tokens(1, 0)


if __name__ == "__main__":
    task = {"write": write, "churn": churn, "compact": compact, "die": die}[sys.argv[1]]
    asyncio.run(task(sys.argv[2], sys.argv[3], int(sys.argv[4])))
