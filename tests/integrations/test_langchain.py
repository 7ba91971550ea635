"""The LangChain middleware in LangChain's own agent, with a scripted model that has a window."""

from collections.abc import Sequence
from typing import Any

import pytest

from cortex_cli import CompactionManager, OptionError, Settings
from tests.integrations.scripted import ANSWER, SETTINGS, STEPS, TASK, WINDOW, check_pairs, count, long_result, run

pytest.importorskip("langchain", reason="`make test-integrations` installs it")

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

from cortex_cli.integrations.langchain import CompactionMiddleware

pytestmark = pytest.mark.integrations


@tool
def search(number: int) -> str:
    """Search the code."""
    return long_result(number)


class TooLongError(Exception):
    """What OpenAI says, in its words."""

    status_code = 400

    def __init__(self, tokens: int, limit: int) -> None:
        known = f"This model's maximum context length is {limit} tokens."
        super().__init__(f"{known} However, your messages resulted in {tokens} tokens.")


class Scripted(BaseChatModel):
    """Calls the tool again and again, then answers; refuses what is over its window."""

    window: int = WINDOW
    seen: list[list[BaseMessage]] = []  # noqa: RUF012 - pydantic copies it for every model
    refused: int = 0

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        del tools, kwargs
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        del args, kwargs
        texts = [
            message.text + "".join(str(call["args"]) for call in getattr(message, "tool_calls", []))
            for message in messages
        ]
        tokens = count(texts)
        if tokens > self.window:
            self.refused += 1
            raise TooLongError(tokens, self.window)
        self.seen.append(list(messages))
        done = len(self.seen) - 1
        calls = (
            [{"name": "search", "args": {"number": done}, "id": f"call_{done}"}] if done % (STEPS + 1) < STEPS else []
        )
        usage = {"input_tokens": tokens, "output_tokens": 5, "total_tokens": tokens + 5}
        answer = AIMessage("" if calls else ANSWER, tool_calls=calls, usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=answer)])


def check_sent(model: Scripted) -> None:
    """What was sent is valid, begins with the task or a summary, and holds the task."""
    for messages in model.seen:
        said = [one for one in messages if not isinstance(one, SystemMessage)]
        check_pairs(
            [call["id"] for one in said if isinstance(one, AIMessage) for call in one.tool_calls],
            [one.tool_call_id for one in said if isinstance(one, ToolMessage)],
        )
        assert isinstance(said[0], HumanMessage)
        assert any("src/main.py" in one.text for one in said)


@pytest.mark.parametrize("is_async", [True, False])
def test_an_agent_stays_inside_the_window(is_async: bool) -> None:
    """A task that would take twice the window runs to its end; the state keeps every message as it was."""
    model = Scripted()
    middleware = CompactionMiddleware(SETTINGS)
    agent = create_agent(
        model, [search], system_prompt="You refactor.", middleware=[middleware], checkpointer=InMemorySaver()
    )
    config = {"configurable": {"thread_id": "t"}, "recursion_limit": 100}
    given = {"messages": [HumanMessage(TASK)]}
    found = run(agent.ainvoke(given, config)) if is_async else agent.invoke(given, config)
    history = found["messages"]
    assert history[-1].text == ANSWER
    assert model.refused == 0
    assert [one.text for one in history if isinstance(one, ToolMessage)] == [long_result(n) for n in range(STEPS)]
    assert count([one.text for one in history]) > 1.5 * WINDOW
    check_sent(model)


def test_threads_are_kept_apart() -> None:
    """One middleware serves all conversations of a program."""
    made: list[CompactionManager] = []
    model = Scripted()
    agent = create_agent(
        model, [search], middleware=[CompactionMiddleware(SETTINGS, prepare=made.append)], checkpointer=InMemorySaver()
    )
    for thread in ("one", "two"):
        config = {"configurable": {"thread_id": thread}, "recursion_limit": 100}
        agent.invoke({"messages": [HumanMessage(f"{TASK} ({thread})")]}, config)
    assert len(made) == 3, "one to check the settings, one for each thread"
    assert model.refused == 0
    check_sent(model)
    assert not any("(one)" in one.text for messages in model.seen[STEPS + 1 :] for one in messages)


def test_a_second_turn_goes_on(tmp_path: Any) -> None:
    """With the same thread: what was decided before is done again, and nothing new is said of old results."""
    del tmp_path
    model = Scripted()
    agent = create_agent(model, [search], middleware=[CompactionMiddleware(SETTINGS)], checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "t"}, "recursion_limit": 100}
    agent.invoke({"messages": [HumanMessage(TASK)]}, config)
    found = agent.invoke({"messages": [HumanMessage("And now the documents.")]}, config)
    assert found["messages"][-1].text == ANSWER
    assert model.refused == 0
    check_sent(model)


@pytest.mark.parametrize("is_async", [True, False])
def test_a_refusal_is_made_good(is_async: bool) -> None:
    """The window is smaller than anyone knew: the provider's own words tell."""
    model = Scripted(window=2_500)
    middleware = CompactionMiddleware(Settings(window=200_000))
    agent = create_agent(model, [search], middleware=[middleware])
    given = {"messages": [HumanMessage(TASK)]}
    config = {"recursion_limit": 100}
    found = run(agent.ainvoke(given, config)) if is_async else agent.invoke(given, config)
    assert found["messages"][-1].text == ANSWER
    assert 0 < model.refused < STEPS
    check_sent(model)


def test_other_errors_are_raised() -> None:
    """They are none of ours."""

    class Down(Scripted):
        def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
            del args, kwargs
            raise ConnectionError("down")

    agent = create_agent(Down(), [search], middleware=[CompactionMiddleware(SETTINGS)])
    with pytest.raises(ConnectionError, match="down"):
        agent.invoke({"messages": [HumanMessage(TASK)]})


def test_untouched_messages_are_the_same_objects() -> None:
    """Whatever a provider's package keeps in them survives."""
    seen: list[list[BaseMessage]] = []
    middleware = CompactionMiddleware(SETTINGS)

    class Request:
        def __init__(self) -> None:
            self.messages = [HumanMessage("hello", id="1"), AIMessage("hi", id="2"), HumanMessage("go on", id="3")]
            self.system_prompt, self.model = None, "gpt-4o"

        def override(self, *, messages: list[BaseMessage]) -> Any:
            seen.append(messages)
            return self

    request = Request()
    middleware.wrap_model_call(request, lambda given: given)
    assert all(one is other for one, other in zip(seen[0], request.messages, strict=True))


def test_settings_that_cannot_be_used_are_told_at_once() -> None:
    """Not in the middle of the first call."""
    with pytest.raises(OptionError):
        CompactionMiddleware(Settings(summarizer="openai"))
