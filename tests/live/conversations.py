"""Conversations as agents hold them: lists of message dicts, growing step by step, in the two common shapes."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal

from cortex_cli import formats
from cortex_cli.messages import Message
from cortex_cli.validity import find_problems
from tests.conftest import filler

Shape = Literal["openai", "anthropic"]

SHAPES: tuple[Shape, ...] = ("openai", "anthropic")


def user(text: str) -> dict[str, Any]:
    """A message of the user."""
    return {"role": "user", "content": text}


def step(shape: Shape, number: int, *results: str, text: str = "", tool: str = "Bash") -> list[dict[str, Any]]:
    """One answer with a call for each result, and the results."""
    ids = [f"call_{number}_{at}" for at in range(len(results))]
    said = text or f"step {number}"
    if shape == "openai":
        function = {"name": tool, "arguments": f'{{"n":{number}}}'}
        calls = [{"id": one, "type": "function", "function": dict(function)} for one in ids]
        answers = [
            {"role": "tool", "tool_call_id": one, "content": value} for one, value in zip(ids, results, strict=True)
        ]
        return [{"role": "assistant", "content": said, "tool_calls": calls}, *answers]
    uses = [{"type": "tool_use", "id": one, "name": tool, "input": {"n": number}} for one in ids]
    done = [
        {"type": "tool_result", "tool_use_id": one, "content": value} for one, value in zip(ids, results, strict=True)
    ]
    return [
        {"role": "assistant", "content": [{"type": "text", "text": said}, *uses]},
        {"role": "user", "content": done},
    ]


def conversation(
    shape: Shape, steps: int, *, chars: int = 3000, task: str = "Mend the parser."
) -> list[dict[str, Any]]:
    """A task and so many steps with two results each."""
    return [user(task), *(one for number in range(steps) for one in step(shape, number, filler(chars), filler(200)))]


def read(values: list[Any], shape: Shape) -> tuple[Message, ...]:
    """What a list says, by the format's own reader."""
    return formats.load_messages(values, shape).messages


def assert_valid(values: list[Any], shape: Shape) -> None:
    """A provider would take it."""
    assert find_problems(read(values, shape), formats.rules_of(shape)) == ()
    roles = [value["role"] for value in values if value["role"] not in ("system", "developer")]
    assert roles[0] == "user"
    if shape == "anthropic":
        assert all(one != two for one, two in pairwise(roles))


def texts(values: list[Any]) -> Iterator[str]:
    """Every text in a value, at any depth."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from texts(list(value.values()))
        elif isinstance(value, list):
            yield from texts(value)
