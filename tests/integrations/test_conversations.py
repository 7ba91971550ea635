"""What the integrations share, without any framework: messages in and out of a manager, whoever holds them."""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from cortex_cli import Settings
from cortex_cli.integrations.conversations import Conversations, Origins, Pair
from tests.integrations.scripted import SETTINGS, TASK, WINDOW, long_result, run


@dataclass
class Said:
    """A message of some framework."""

    value: dict[str, Any]
    extra: list[str] = field(default_factory=list)
    """What the framework keeps and the manager never sees."""


class Shape:
    """How it is read."""

    format = "openai"

    def encode(self, message: Said) -> Sequence[Any]:
        """Return a dict that is new each time, as a conversion makes it."""
        return (copy.deepcopy(message.value),)

    def decode(self, values: Sequence[Any], origins: Origins) -> list[Pair]:
        """Return messages."""
        return [(origins.find(value) or Said(value), (value,)) for value in values]


def task(steps: int) -> list[Said]:
    """Build a task of so many calls."""
    messages = [Said({"role": "user", "content": TASK}, ["mine"])]
    for number in range(steps):
        function = {"name": "read_file", "arguments": json.dumps({"path": f"src/part_{number}.py"})}
        calls = [{"id": f"c{number}", "type": "function", "function": function}]
        messages.append(Said({"role": "assistant", "content": None, "tool_calls": calls}, ["mine"]))
        result = {"role": "tool", "tool_call_id": f"c{number}", "content": long_result(number)}
        messages.append(Said(result, ["mine"]))
    return messages


def results(messages: list[Said]) -> dict[str, str]:
    """Return what every call gave."""
    return {one.value["tool_call_id"]: one.value["content"] for one in messages if one.value["role"] == "tool"}


@pytest.mark.parametrize("holder", ["keeps", "reads anew", "goes on with what it was given"])
def test_whoever_holds_the_messages(holder: str) -> None:
    """The same list, equal objects from a file, or what came back: untouched ones are the holder's own objects."""
    settings = replace(SETTINGS, layers=("summary", "micro", "failsafe"), trim_floor_ratio=0.6)
    conversation = Conversations(Shape(), settings, {}).of("one")
    whole, held = task(40), task(0)
    for step in range(41):
        given = copy.deepcopy(held) if holder == "reads anew" else list(held)
        sent = run(conversation.transform(given))
        assert conversation.manager.status().tokens <= WINDOW
        own = {id(message) for message in given}
        for message in sent:
            is_whole = message.value in [one.value for one in whole]
            assert (id(message) in own) or not is_whole, "an untouched message lost what only the framework knows"
        held = sent if holder == "goes on with what it was given" else held
        held = [*held, *whole[2 * step + 1 : 2 * step + 3]]
    status = conversation.manager.status()
    assert 0 < status.compactions <= 20, "what was decided once holds"


def test_what_is_changed_in_place_is_read_again() -> None:
    """Messages of frameworks are not frozen."""
    conversation = Conversations(Shape(), SETTINGS, {}).of("one")
    messages = task(2)
    run(conversation.transform(messages))
    messages[-1].value["content"] = "something else"
    sent = run(conversation.transform(messages))
    assert results(sent)["c1"] == "something else"


@pytest.mark.parametrize(
    ("settings", "window"),
    [(None, 128_000), (Settings(window=50_000), 50_000), (Settings(model="claude-haiku-4-5"), 200_000)],
)
def test_the_window_is_that_of_the_model_that_is_asked(settings: Settings | None, window: int) -> None:
    """Unless the settings name one."""
    conversation = Conversations(Shape(), settings, {}).of("one")
    run(conversation.transform(task(1), model="openai/gpt-4o"))
    assert conversation.manager.status().window == window


def test_usage_is_taken_in_once_for_each_answer() -> None:
    """Frameworks hand the same answer over again and again."""
    conversation = Conversations(Shape(), None, {}).of("one")
    run(conversation.transform(task(3)))
    answer = object()
    conversation.note_usage(answer, input_tokens=9_000)
    status = conversation.manager.status()
    assert status.overhead_tokens > 0
    conversation.note_usage(answer, input_tokens=100_000)
    assert conversation.manager.status().overhead_tokens == status.overhead_tokens
