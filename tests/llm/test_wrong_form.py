"""Answers that are JSON and still not what the API promises."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cortex_cli.llm import anthropic, openai
from cortex_cli.llm.client import Answer, CompletionRequest, ModelError, gather

REQUEST = CompletionRequest(system="", prompt="", max_tokens=10)


async def stream(*events: Any) -> AsyncIterator[dict[str, Any]]:
    """Yield events as a server would send them."""
    for event in events:
        yield event


def read(answer: Answer, *events: Any) -> str:
    """Read an answer to its end."""
    return asyncio.run(gather(answer, stream(*events), REQUEST, None)).text


@pytest.mark.parametrize(
    "event",
    [
        {"choices": ["none"], "usage": "much"},
        {"choices": [{"delta": "text"}]},
        {"choices": [{"message": [1]}]},
        {"choices": [{"finish_reason": ["stop"]}]},
        {"usage": {"prompt_tokens_details": 3}},
    ],
)
def test_openai_answers_of_a_wrong_form_are_failures(event: dict[str, Any]) -> None:
    """A gateway's oddity must end in the fallback, not in a traceback."""
    with pytest.raises(ModelError, match="form"):
        read(openai._Answer(), event)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message_start", "message": None},
        {"type": "message_delta", "delta": "end_turn"},
        {"type": "message_delta", "usage": 7},
        {"type": "content_block_delta", "delta": [1]},
        {"type": "message", "content": [1]},
        {"type": "message_start", "message": {"usage": {"input_tokens": "many"}}},
    ],
)
def test_anthropic_answers_of_a_wrong_form_are_failures(event: dict[str, Any]) -> None:
    """The same for the other API."""
    with pytest.raises(ModelError, match="form"):
        read(anthropic._Answer(), event)


def test_an_answer_that_does_not_end_is_given_up() -> None:
    """A server that ignores the limit would fill the memory."""
    event = {"choices": [{"delta": {"content": "x" * 60}}]}
    with pytest.raises(ModelError, match="does not end"):
        read(openai._Answer(), *[event] * 5)
