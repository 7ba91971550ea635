"""A scripted agent: the same turns, results, pauses and facts under every policy of what is sent."""

import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from tests.bench.tool_output import Run, Tools
from tests.live.conversations import Shape, texts
from tests.simulation.provider import Provider, Refused

PAUSES_SECONDS = (4, 45)
"""Between two calls of a running turn."""

LONG_PAUSES_SECONDS = (480, 7_200)
"""Somebody went to lunch."""

TURNS_BETWEEN_PROMPTS = 11
TURNS_BETWEEN_LONG_PAUSES = 40

SUBJECTS = (
    "staging port",
    "invoice prefix",
    "release branch",
    "support mailbox",
    "retry limit",
    "metrics bucket",
    "queue name",
    "schema version",
    "feature flag",
    "licence owner",
)


class Turn(NamedTuple):
    """One call of the model and what its tools said."""

    pause_seconds: float
    prompt: str
    """Typed before it; empty: the agent goes on by itself."""
    reminder: str
    """Injected into this call only; empty: nothing."""
    text: str
    runs: tuple[Run, ...]


class Fact(NamedTuple):
    """Something that must not be forgotten."""

    turn: int
    subject: str
    value: str


class Script(NamedTuple):
    """A whole session."""

    turns: tuple[Turn, ...]
    facts: tuple[Fact, ...]


def write_script(count: int, seed: int = 7) -> Script:
    """Write a session of so many turns."""
    source = random.Random(seed)
    tools = Tools(source, "/home/dev/shop")
    facts = [
        Fact(source.randrange(count * at // len(SUBJECTS), count * (at + 1) // len(SUBJECTS)), subject, _value(source))
        for at, subject in enumerate(SUBJECTS)
    ]
    by_turn = {fact.turn: fact for fact in facts}
    return Script(tuple(_turn(at, source, tools, by_turn.get(at)) for at in range(count)), tuple(facts))


def _value(source: random.Random) -> str:
    return f"{source.choice('KQRXZ')}{source.randint(1000, 9999)}-{source.randint(10, 99)}"


def _turn(at: int, source: random.Random, tools: Tools, fact: Fact | None) -> Turn:
    prompt = ""
    if fact:
        prompt = f"Remember: the {fact.subject} is {fact.value}. Then go on with {tools.word()}.py."
    elif at % TURNS_BETWEEN_PROMPTS == 0:
        prompt = f"Now look at {tools.word()}.py. {tools.words(25)}"
    is_long = at and at % TURNS_BETWEEN_LONG_PAUSES == 0
    return Turn(
        source.uniform(*(LONG_PAUSES_SECONDS if is_long else PAUSES_SECONDS)),
        prompt,
        f"<system-reminder>{at} of the budget's calls are used.</system-reminder>" if at % 5 == 0 else "",
        tools.words(20),
        tuple(tools.run() for _ in range(source.choice((1, 1, 1, 2, 3)))),
    )


class Policy(NamedTuple):
    """What stands between the agent's history and what is sent."""

    send: Callable[[list[Any], list[Any]], Awaitable[list[Any]]]
    """(history, injected) -> the request."""
    used: Callable[[dict[str, Any]], None]
    """Told of the usage of every call."""
    overflow: Callable[[Exception], Awaitable[list[Any] | None]]
    """Asked for another request when one was refused."""
    turned: Callable[[list[Any]], Awaitable[None]]
    """Told that a turn has ended."""


class Clock:
    """The session's time."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Outcome(NamedTuple):
    """How a session went."""

    sent: list[Any]
    """The last request."""
    rejected_twice: int
    """Calls that were refused again after the policy had its say."""
    largest_tokens: int

    def forgotten(self, facts: Sequence[Fact]) -> list[Fact]:
        """Return the facts that the last request does not hold."""
        whole = "\n".join(texts(self.sent))
        return [fact for fact in facts if fact.value not in whole]


async def run_session(script: Script, provider: Provider, policy: Policy, clock: Clock) -> Outcome:
    """Let the agent work through the script."""
    history: list[Any] = [{"role": "user", "content": "Keep the shop running. Work through what I name."}]
    sent: list[Any] = []
    rejected_twice = largest = 0
    for number, turn in enumerate(script.turns):
        clock.now += turn.pause_seconds
        if turn.prompt:
            _say(history, turn.prompt, provider.shape)
        injected = [{"role": "user", "content": turn.reminder}] if turn.reminder else []
        sent = await policy.send(history, injected)
        answer = list(_answer(number, turn, provider.shape))
        output_tokens = 40 + 30 * len(turn.runs)
        try:
            usage = provider.call(sent, output_tokens, clock.now, unmarked=len(injected))
        except Refused as error:
            again = await policy.overflow(error)
            if again is None:
                raise
            try:
                sent, usage = again, provider.call(again, output_tokens, clock.now, unmarked=len(injected))
            except Refused:
                rejected_twice += 1
                continue
        largest = max(largest, sum(usage.get(key, 0) for key in INPUT_KEYS))
        clock.now += 2
        policy.used(usage)
        history += answer
        await policy.turned(history)
    return Outcome(sent, rejected_twice, largest)


INPUT_KEYS = ("prompt_tokens", "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def _say(history: list[Any], text: str, shape: Shape) -> None:
    if shape == "anthropic" and history[-1]["role"] == "user" and isinstance(history[-1]["content"], list):
        history[-1] = {"role": "user", "content": [*history[-1]["content"], {"type": "text", "text": text}]}
    elif shape == "anthropic" and history[-1]["role"] == "user":
        history[-1] = {"role": "user", "content": f"{history[-1]['content']}\n\n{text}"}
    else:
        history.append({"role": "user", "content": text})


def _answer(number: int, turn: Turn, shape: Shape) -> Iterator[Any]:
    ids = [f"call_{number}_{at}" for at in range(len(turn.runs))]
    if shape == "openai":
        calls = [
            {"id": one, "type": "function", "function": {"name": run.tool, "arguments": _json(run.arguments)}}
            for one, run in zip(ids, turn.runs, strict=True)
        ]
        yield {"role": "assistant", "content": turn.text, "tool_calls": calls}
        for one, run in zip(ids, turn.runs, strict=True):
            yield {"role": "tool", "tool_call_id": one, "content": run.output or "(no output)"}
        return
    uses = [
        {"type": "tool_use", "id": one, "name": run.tool, "input": run.arguments}
        for one, run in zip(ids, turn.runs, strict=True)
    ]
    results = [
        {"type": "tool_result", "tool_use_id": one, "content": run.output or "(no output)"}
        for one, run in zip(ids, turn.runs, strict=True)
    ]
    yield {"role": "assistant", "content": [{"type": "text", "text": turn.text}, *uses]}
    yield {"role": "user", "content": results}


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
