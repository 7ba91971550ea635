"""The history processor in Pydantic AI's own agent, with a scripted model that has a window."""

from dataclasses import replace
from typing import Any

import pytest

from cortex_cli import CompactionManager, Settings
from tests.integrations.scripted import ANSWER, SETTINGS, STEPS, TASK, WINDOW, check_pairs, count, long_result, run

pytest.importorskip("pydantic_ai", reason="`make test-integrations` installs it")

from pydantic_ai import Agent, BinaryContent
from pydantic_ai.capabilities import ProcessHistory
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.usage import RequestUsage

from cortex_cli.integrations.pydantic_ai import history_processor

pytestmark = pytest.mark.integrations


def text_of(part: Any) -> str:
    """Return what a model reads of a part."""
    if part.part_kind == "tool-call":
        return str(part.args_as_json_str())
    return part.model_response_str() if part.part_kind == "tool-return" else str(part.content)


class Scripted:
    """Calls the tool again and again, then answers; notes what it was sent."""

    def __init__(self) -> None:
        self.seen: list[list[ModelMessage]] = []

    def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        assert info.function_tools
        self.seen.append(list(messages))
        number = len(self.seen)
        usage = RequestUsage(input_tokens=count([text_of(part) for one in messages for part in one.parts]))
        if number % (STEPS + 1):
            part: Any = ToolCallPart("search", {"number": number}, f"c{number}")
            return ModelResponse([ThinkingPart("hm", signature="s"), part], usage=usage)
        return ModelResponse([TextPart(ANSWER)], usage=usage)


def agent_with(model: Scripted, **options: Any) -> Any:
    """Build an agent that is kept inside its window."""
    processor = history_processor(SETTINGS, **options)
    agent = Agent(FunctionModel(model), instructions="You refactor.", capabilities=[ProcessHistory(processor)])

    @agent.tool_plain
    def search(number: int) -> str:
        """Search the code."""
        return long_result(number)

    return agent


def check_sent(model: Scripted) -> None:
    """What was sent is valid, within the window, and holds the task."""
    for messages in model.seen:
        parts = [part for message in messages for part in message.parts]
        check_pairs(
            [part.tool_call_id for part in parts if part.part_kind == "tool-call"],
            [part.tool_call_id for part in parts if part.part_kind == "tool-return"],
        )
        assert count([text_of(part) for part in parts]) <= WINDOW
        assert messages[0].kind == "request"
        assert messages[-1].kind == "request"
        assert any("src/main.py" in text_of(part) for part in parts)
        calling = [one for one in messages if any(part.part_kind == "tool-call" for part in one.parts)]
        assert all(one.parts[0].part_kind == "thinking" and one.parts[0].signature == "s" for one in calling)


def test_an_agent_stays_inside_the_window() -> None:
    """A task that would take twice the window runs to its end, and a second one behind it."""
    model = Scripted()
    agent = agent_with(model)

    async def work() -> list[Any]:
        first = await agent.run(TASK)
        second = await agent.run("And now the documents.", message_history=first.all_messages())
        return [first.output, second.output]

    assert run(work()) == [ANSWER, ANSWER]
    assert len(model.seen) == 2 * (STEPS + 1)
    check_sent(model)


def test_a_history_that_was_stored_goes_on() -> None:
    """Read from a file again, its messages are other objects that say the same."""
    model = Scripted()
    agent = agent_with(model)

    async def work() -> None:
        first = await agent.run(TASK)
        stored = ModelMessagesTypeAdapter.validate_json(ModelMessagesTypeAdapter.dump_json(first.all_messages()))
        await agent.run("And now the documents.", message_history=stored)

    run(work())
    check_sent(model)


def test_conversations_are_kept_apart() -> None:
    """Runs that have nothing to do with each other do not share a manager."""
    made: list[CompactionManager] = []
    model = Scripted()
    agent = agent_with(model, prepare=made.append)

    async def work() -> None:
        await agent.run(f"{TASK} (one)")
        await agent.run(f"{TASK} (two)")

    run(work())
    assert len(made) == 3, "one to check the settings, one for each"
    check_sent(model)


LONG = "line of a file that was read\n" * 300

HISTORY: list[ModelMessage] = [
    ModelRequest([SystemPromptPart("rules"), UserPromptPart(["look", BinaryContent(b"png", media_type="image/png")])]),
    ModelResponse([TextPart("I look."), ToolCallPart("read", '{"path": "a"}', "a"), ToolCallPart("read", {}, "b")]),
    ModelRequest([ToolReturnPart("read", LONG, "a", metadata={"kept": 1}), ToolReturnPart("read", {"n": 1}, "b")]),
    ModelResponse([TextPart("Now I know. " * 100)]),
    ModelRequest([UserPromptPart("go on")]),
]


def test_untouched_messages_are_the_same_objects() -> None:
    """Times, usage and what a provider keeps in them survive."""
    found = run(history_processor(Settings(window=200_000))(list(HISTORY)))
    assert all(one is other for one, other in zip(found, HISTORY, strict=True))


def test_only_the_part_that_is_trimmed_is_written_anew() -> None:
    """Its neighbours, and its own other fields, stay."""
    settings = Settings(window=3_000, hot_zone_min_tokens=10, trim_floor_ratio=0.1, layers=("micro",))
    found = run(history_processor(settings)(list(HISTORY)))
    assert [one is other for one, other in zip(found, HISTORY, strict=True)] == [True, True, False, True, True]
    new, old = found[2].parts[0], HISTORY[2].parts[0]
    assert len(new.content) < len(LONG)
    assert replace(new, content=LONG) == old
    assert found[2].parts[1] is HISTORY[2].parts[1]
    assert HISTORY[2].parts[0].content == LONG  # type: ignore[union-attr]


def test_a_summary_stands_between_rules_and_the_rest() -> None:
    """As a request of its own; the rules stay where they were."""
    settings = Settings(window=3_000, keep_recent_messages=1, threshold=0.1, layers=("summary",))
    history = [HISTORY[0], *HISTORY[1:4], ModelRequest([UserPromptPart("and then?")]), *HISTORY[1:]]
    found = run(history_processor(settings)(history))
    kinds = [[part.part_kind for part in one.parts] for one in found[:2]]
    assert kinds[0] == ["system-prompt"]
    assert found[1].parts[0].content.startswith("<compaction-summary")
    assert found[-1] is HISTORY[4]
