"""The lines that the README offers for pasting, run as they stand with a scripted model in each framework."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.scripted import ANSWER, TASK, run
from tests.test_docs import FRAMEWORKS, README

pytestmark = [pytest.mark.integrations, pytest.mark.filterwarnings("default")]

EXAMPLES = {
    match[1]: code
    for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    if (match := re.search(rf"from {FRAMEWORKS}\.(\w+) import", code))
}


@pytest.fixture(autouse=True)
def _event_loop() -> Iterator[None]:
    """Close the loop that the frameworks' synchronous faces use and leave open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()
    asyncio.set_event_loop(None)


def pasted(name: str, **names: Any) -> dict[str, Any]:
    """Run an example with what it takes for given."""
    exec(EXAMPLES[name], names)
    return names


def test_there_is_one_for_every_framework() -> None:
    """Else one of the tests below tests nothing."""
    assert EXAMPLES.keys() == {"langchain", "openai_agents", "pydantic_ai", "litellm"}


def test_langchain() -> None:
    """The agent answers."""
    pytest.importorskip("langchain")
    from tests.integrations.test_langchain import Scripted, search  # noqa: PLC0415 - needs the package

    agent = pasted("langchain", model=Scripted(window=100_000), tools=[search])["agent"]
    found = agent.invoke({"messages": [("user", TASK)]}, {"recursion_limit": 100})
    assert found["messages"][-1].text == ANSWER


def test_openai_agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends, and the session is stored."""
    agents = pytest.importorskip("agents")
    from tests.integrations.test_openai_agents import Scripted  # noqa: PLC0415 - needs the package

    agents.set_tracing_disabled(True)
    monkeypatch.chdir(tmp_path)
    names = pasted("openai_agents", agent=agents.Agent(name="a", model=Scripted(steps=0)))
    assert names["result"].final_output == ANSWER
    assert len(run(names["session"].inner.get_items())) == 2


def test_pydantic_ai() -> None:
    """The agent answers."""
    pytest.importorskip("pydantic_ai")
    from pydantic_ai.models.test import TestModel  # noqa: PLC0415 - needs the package

    agent = pasted("pydantic_ai", model=TestModel(custom_output_text=ANSWER))["agent"]
    assert agent.run_sync(TASK).output == ANSWER


def test_litellm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call is made."""
    litellm = pytest.importorskip("litellm")
    monkeypatch.setattr(litellm, "callbacks", [])
    pasted("litellm")
    call = litellm.acompletion(model="gpt-4o", messages=[{"role": "user", "content": TASK}], mock_response=ANSWER)
    assert run(call).choices[0].message.content == ANSWER
    assert len(litellm.callbacks) == 1
