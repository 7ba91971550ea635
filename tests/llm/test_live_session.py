"""A live session against a real server: its own counts, window and refusals, by the providers' packages."""

import asyncio
from typing import Any

import pytest

from cortex_cli import CompactionManager, Settings
from tests.conftest import filler
from tests.live.conversations import Shape, assert_valid, user
from tests.llm.conftest import CONTEXT_TOKENS

pytestmark = [pytest.mark.slow, pytest.mark.loopback]

CALLS = 14
NOTE_CHARS = 700
"""Of each message: about every eighth call the window is full."""


async def ask_openai(url: str, messages: list[Any]) -> Any:
    """Ask with OpenAI's package."""
    openai = pytest.importorskip("openai")
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        return await client.chat.completions.create(model="smollm2", messages=messages, max_tokens=1)


async def ask_anthropic(url: str, messages: list[Any]) -> Any:
    """Ask with Anthropic's package."""
    anthropic = pytest.importorskip("anthropic")
    async with anthropic.AsyncAnthropic(base_url=url, api_key="none", max_retries=0) as client:
        return await client.messages.create(model="smollm2", messages=messages, max_tokens=1)


@pytest.mark.parametrize(("shape", "ask"), [("openai", ask_openai), ("anthropic", ask_anthropic)])
def test_a_session_learns_a_window_that_nobody_told(server: str, shape: Shape, ask: Any) -> None:
    """One refusal teaches it; none is refused twice, and what the server counts stays inside from then on."""

    async def loop() -> None:
        manager = CompactionManager(Settings(keep_recent_messages=3), format=shape)
        history: list[Any] = []
        refused: list[int] = []
        for number in range(CALLS):
            history.append(user(f"Remember port {7000 + number}. {filler(NOTE_CHARS)}"))
            messages = await manager.transform(history)
            assert_valid(messages, shape)
            try:
                answer = await ask(server, messages)
            except Exception as error:
                messages = await manager.handle_overflow(error) or []
                refused.append(number)
            if refused[-1:] == [number]:
                assert_valid(messages, shape)
                answer = await ask(server, messages)
            manager.update_usage(answer)
            history.append({"role": "assistant", "content": f"Noted {number}."})
        status = manager.status()
        assert len(refused) == 1
        assert status.window == CONTEXT_TOKENS
        assert status.compactions >= 2

    asyncio.run(loop())
