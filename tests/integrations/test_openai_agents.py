"""The session for the OpenAI Agents SDK under the SDK's own runner, with a scripted model."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.scripted import ANSWER, SETTINGS, STEPS, TASK, WINDOW, check_pairs, count, long_result, run

pytest.importorskip("agents", reason="`make test-integrations` installs it")

from agents import Agent, Model, ModelResponse, RunConfig, Runner, SQLiteSession, Usage, function_tool
from agents.memory import Session
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from cortex_cli.integrations.openai_agents import CompactionSession

pytestmark = pytest.mark.integrations


@function_tool
def search(number: int) -> str:
    """Search the code."""
    return long_result(number)


def text_of(item: Any) -> str:
    """Return all that a model reads of an item."""
    content = item.get("content") or item.get("output") or item.get("arguments") or ""
    return content if isinstance(content, str) else "".join(str(piece.get("text", "")) for piece in content)


class Scripted(Model):
    """Calls the tool again and again, then answers."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.seen: list[list[Any]] = []
        self.turn = 0

    async def get_response(
        self, system_instructions: str | None, input: Any, *args: Any, **kwargs: Any
    ) -> ModelResponse:
        del args, kwargs
        self.seen.append(input)
        tokens = count([system_instructions or "", *map(text_of, input)])
        self.turn += 1
        usage = Usage(requests=1, input_tokens=tokens, output_tokens=5, total_tokens=tokens + 5)
        number = len(self.seen)
        if self.turn <= self.steps:
            arguments = json.dumps({"number": number})
            item: Any = ResponseFunctionToolCall(
                type="function_call", call_id=f"c{number}", name="search", arguments=arguments
            )
        else:
            self.turn = 0
            piece = ResponseOutputText(type="output_text", text=ANSWER, annotations=[])
            item = ResponseOutputMessage(
                id=f"m{number}", type="message", role="assistant", status="completed", content=[piece]
            )
        return ModelResponse(output=[item], usage=usage, response_id=None)

    def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


def check_sent(model: Scripted) -> None:
    """What was sent is valid and within the window."""
    for items in model.seen:
        check_pairs(
            [item["call_id"] for item in items if item.get("type") == "function_call"],
            [item["call_id"] for item in items if item.get("type") == "function_call_output"],
        )
        assert count([text_of(item) for item in items]) <= WINDOW


RUN = RunConfig(tracing_disabled=True)


def test_it_is_a_session_of_the_sdk() -> None:
    """The runner takes nothing else."""
    assert isinstance(CompactionSession(SQLiteSession("s")), Session)


def test_turns_stay_inside_the_window(tmp_path: Path) -> None:
    """Turn by turn: what is stored grows over the window, what is sent does not."""

    async def work() -> tuple[Scripted, list[Any]]:
        inner = SQLiteSession("s", tmp_path / "s.db")
        session = CompactionSession(inner, SETTINGS)
        model = Scripted(steps=2)
        agent = Agent(name="a", instructions="You refactor.", model=model, tools=[search])
        for number in range(STEPS):
            done = await Runner.run(agent, f"{TASK} Part {number}.", session=session, run_config=RUN)
            assert done.final_output == ANSWER
        items = await inner.get_items()
        assert await session.get_items(limit=3) == items[-3:]
        return model, items

    model, items = run(work())
    assert count([text_of(item) for item in items]) > 2 * WINDOW
    assert [text_of(item) for item in items if item.get("role") == "user"] == [
        f"{TASK} Part {n}." for n in range(STEPS)
    ]
    check_sent(model)


def test_one_long_run_stays_inside_the_window(tmp_path: Path) -> None:
    """The SDK reads a session once for a run; the filter works before every call."""

    async def work() -> tuple[Scripted, list[Any]]:
        inner = SQLiteSession("s", tmp_path / "s.db")
        session = CompactionSession(inner, SETTINGS)
        model = Scripted(steps=STEPS)
        agent = Agent(name="a", instructions="You refactor.", model=model, tools=[search])
        config = RunConfig(tracing_disabled=True, call_model_input_filter=session.input_filter)
        for _ in range(2):
            done = await Runner.run(agent, TASK, session=session, run_config=config, max_turns=50)
            assert done.final_output == ANSWER
        return model, await inner.get_items()

    model, items = run(work())
    outputs = [text_of(item) for item in items if item.get("type") == "function_call_output"]
    assert all(long_result(number + 1) in outputs for number in range(STEPS)), "what is stored stays whole"
    check_sent(model)


def test_items_are_taken_and_removed(tmp_path: Path) -> None:
    """All but reading is left to the session inside."""

    async def work() -> None:
        inner = SQLiteSession("s", tmp_path / "s.db")
        session = CompactionSession(inner)
        assert session.session_id == "s"
        assert await session.get_items() == []
        items: list[Any] = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
        await session.add_items(items)
        assert await session.get_items() == items
        assert await session.pop_item() == items[1]
        await session.clear_session()
        assert await inner.get_items() == []
        session.session_settings = None
        assert session.session_settings is None

    run(work())
