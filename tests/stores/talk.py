"""What the tests of stores share: conversations, summarisers, stores of both kinds."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from cortex_cli.stores import MemoryContextStore, SQLiteContextStore

T = TypeVar("T")
Made = Callable[..., Any]

LONG = "Some words that make this message as long as messages are. " * 12


def run(work: Awaitable[T]) -> T:
    """Run a coroutine to its end."""

    async def wait() -> T:
        return await work

    return asyncio.run(wait())


def said(role: str, value: str) -> dict[str, Any]:
    """Build a message of axio's kind."""
    return {"role": role, "content": [{"type": "text", "text": value}]}


def talk(count: int, *, text: str = "") -> list[dict[str, Any]]:
    """Build user and assistant in turn: `msg-0`, `msg-1`, ..."""
    return [said("assistant" if number % 2 else "user", f"msg-{number}{text}") for number in range(count)]


def called(call_id: str, name: str = "read") -> dict[str, Any]:
    """Build an assistant message with one call."""
    return {"role": "assistant", "content": [{"type": "tool_use", "id": call_id, "name": name, "input": {"n": 1}}]}


def answered(*call_ids: str) -> dict[str, Any]:
    """Build a user message with results."""
    blocks = [{"type": "tool_result", "tool_use_id": one, "content": "out", "is_error": False} for one in call_ids]
    return {"role": "user", "content": blocks}


def texts(history: list[dict[str, Any]]) -> list[str]:
    """Return the first text of every message."""
    return [m["content"] if isinstance(m["content"], str) else m["content"][0].get("text", "") for m in history]


async def fill(store: Any, messages: list[dict[str, Any]]) -> Any:
    """Append all."""
    for message in messages:
        await store.append(message)
    return store


def makers(folder: Path) -> dict[str, Made]:
    """Return how a new store of each kind is made."""
    return {
        "memory": MemoryContextStore,
        "sqlite": lambda: SQLiteContextStore(folder / "store.db", project="test"),
    }


def summed(messages: list[Any], prompt: str) -> str:
    """Summarise by counting; the signature of a function that writes summaries."""
    del prompt
    return f"summary of {len(messages)}"
