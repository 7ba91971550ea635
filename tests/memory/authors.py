"""Authors by script, and conversations in which every message holds a fact of its own that can be looked for."""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cortex_cli.layers.view import View
from cortex_cli.memory.base import LogEntry, ObserveRequest, ReflectRequest
from cortex_cli.memory.engine import Memory
from cortex_cli.memory.live import LiveMemory
from cortex_cli.memory.state import MemoryState
from cortex_cli.messages import Message
from cortex_cli.settings import Settings
from cortex_cli.tokens import HeuristicCounter
from tests.conftest import assistant, filler, live, tool_pair, user

FACT = re.compile(r"fact-\d+\b")
COUNTER = HeuristicCounter()
TINY = Settings(
    buffer_min_tokens=200,
    buffer_cap_tokens=600,
    keep_recent_messages=2,
    activation_ratio=0.9,
    reflection_ratio=0.2,
)
"""For windows of a few thousand tokens."""


def facts_in(messages: Iterable[Message]) -> set[str]:
    """Find the facts that a conversation holds, its log included."""
    return {fact for message in messages for part in message.parts for fact in FACT.findall(part.text)}


class Conversation:
    """Grows; knows all facts that were ever in it."""

    def __init__(self, *messages: Message) -> None:
        self.number = 0
        self.facts: set[str] = set()
        self.messages: tuple[Message, ...] = live(*messages)

    def say(self, *, chars: int = 400, steps: int = 1, text: str = "") -> None:
        """Let the user ask and the assistant work for some steps and answer."""
        turn = [user(f"{self._fact()} {text or filler(chars)}")]
        for _ in range(steps):
            pair = tool_pair(call_id=f"call_{self.number}", value=f"{self._fact()} {filler(chars)}")
            turn += pair
        self.add(*turn, assistant(f"{self._fact()} {filler(chars)}"))

    def ask(self, text: str = "and now?") -> None:
        """Let the user ask, without an answer yet."""
        self.add(user(f"{self._fact()} {text}"))

    def add(self, *messages: Message) -> None:
        """Append messages as a program would."""
        self.messages = live(*self.messages, *messages)

    def _fact(self) -> str:
        self.number += 1
        fact = f"fact-{self.number}"
        self.facts.add(fact)
        return fact


Behaviour = str | asyncio.Event | Callable[[Any], LogEntry]
"""`ok`, `fail`, `raise`, `empty`, `long`, an event to wait for before it is `ok`, or an answer."""


class Author:
    """An observer or reflector that does what its script says, and `ok` when the script is over."""

    def __init__(self, *script: Behaviour) -> None:
        self.script = list(script)
        self.requests: list[Any] = []

    async def __call__(self, request: Any) -> LogEntry:
        self.requests.append(request)
        step = self.script.pop(0) if self.script else "ok"
        if isinstance(step, asyncio.Event):
            await step.wait()
        elif callable(step):
            return step(request)
        elif step == "raise":
            raise RuntimeError("the author broke")
        elif step == "fail":
            return LogEntry(observations="", failure="the model is down")
        elif step == "empty":
            return LogEntry(observations="  \n")
        elif step == "long":
            return LogEntry(observations=filler(100_000))
        return self.answer(request)

    def answer(self, request: Any) -> LogEntry:
        raise NotImplementedError


class Scribe(Author):
    """Observes: notes the facts of the messages, and nothing else."""

    def answer(self, request: ObserveRequest) -> LogEntry:
        found = sorted(facts_in(request.messages), key=lambda fact: int(fact[5:]))
        lines = [f"* 🟢 (09:00) {fact}" for fact in found] or ["* 🟢 (09:00) nothing"]
        newest = found[-1] if found else ""
        return LogEntry(
            observations="\n".join(["Date: Jan 02, 2026", *lines]),
            current_task=f"work on {newest}",
            author="scribe",
        )


class Squeezer(Author):
    """Reflects: puts all facts of the log on one line."""

    def answer(self, request: ReflectRequest) -> LogEntry:
        found = dict.fromkeys(FACT.findall(request.observations))
        return LogEntry(observations="* " + " ".join(found), author="squeezer")


def view_of(messages: Sequence[Message], window: int = 2_000, **more: Any) -> View:
    """Build a view whose budget is its window."""
    return View(messages=tuple(messages), window=window, budget=window, **more)


def memory_of(
    *,
    settings: Settings = TINY,
    observer: Author | None = None,
    reflector: Author | None = None,
    state: MemoryState | None = None,
    **more: Any,
) -> Memory:
    """Build a memory with authors by script."""
    return Memory(
        settings,
        COUNTER,
        observer=observer or Scribe(),
        reflector=reflector or Squeezer(),
        state=state,
        **more,
    )


def live_memory(**more: Any) -> LiveMemory:
    """Build the live form of one."""
    return LiveMemory(memory_of(**more))


def size(messages: Iterable[Message]) -> int:
    """Count a conversation."""
    return sum(map(COUNTER.count_message, messages))
