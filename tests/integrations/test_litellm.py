"""The LiteLLM callback in LiteLLM's own calls, against a server on this machine that has a window."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cortex_cli import CompactionManager
from tests.integrations.scripted import SETTINGS, STEPS, TASK, WINDOW, check_pairs, count, long_result, run

pytest.importorskip("litellm", reason="`make test-integrations` installs it")

import litellm
from litellm.integrations.custom_logger import CustomLogger

from cortex_cli.integrations.litellm import CompactionCallback

pytestmark = [pytest.mark.integrations, pytest.mark.loopback, pytest.mark.filterwarnings("default")]


def text_of(message: dict[str, Any]) -> str:
    """Return what a model reads of a message."""
    calls = "".join(call["function"]["arguments"] for call in message.get("tool_calls") or ())
    return (message.get("content") or "") + calls


class Server(ThreadingHTTPServer):
    """Speaks OpenAI's API; refuses what is over its window."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[list[dict[str, Any]]] = []
        self.refused = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        tokens = count([text_of(message) for message in body["messages"]])
        if tokens > WINDOW:
            self.server.refused += 1
            return self.answer(400, {"error": {"message": "maximum context length", "type": "invalid_request_error"}})
        self.server.seen.append(body["messages"])
        message = {"role": "assistant", "content": "yes"}
        usage = {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        head = {"id": "x", "object": "chat.completion", "created": 1, "model": body["model"]}
        return self.answer(200, {**head, "choices": [choice], "usage": usage})

    def answer(self, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve while a test runs."""
    with Server() as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[CompactionManager]:
    """Install the callback; return the managers that it makes."""
    managers: list[CompactionManager] = []
    monkeypatch.setattr(litellm, "callbacks", [CompactionCallback(SETTINGS, prepare=managers.append)])
    return managers


async def ask(server: Server, messages: list[Any], **options: Any) -> Any:
    """Make a call as a program does."""
    base = f"http://127.0.0.1:{server.server_port}/v1"
    return await litellm.acompletion(
        model="openai/scripted", messages=messages, api_base=base, api_key="none", num_retries=0, **options
    )


def step(number: int) -> list[dict[str, Any]]:
    """Build one call of a tool and its result."""
    function = {"name": "search", "arguments": json.dumps({"number": number})}
    calls = [{"id": f"c{number}", "type": "function", "function": function}]
    return [
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": f"c{number}", "content": long_result(number)},
    ]


async def work_through(server: Server, start: list[Any], **options: Any) -> list[Any]:
    """Do a task of many calls; the program keeps its list whole."""
    messages = list(start)
    for number in range(STEPS):
        answer = await ask(server, messages, **options)
        assert answer.choices[0].message.content == "yes"
        messages += step(number)
    return messages


def check_sent(server: Server) -> None:
    """What was sent is valid and holds the task."""
    assert server.refused == 0
    for messages in server.seen:
        check_pairs(
            [call["id"] for one in messages for call in one.get("tool_calls") or ()],
            [one["tool_call_id"] for one in messages if one["role"] == "tool"],
        )
        assert any("src/main.py" in text_of(one) for one in messages)


START = [{"role": "system", "content": "You refactor."}, {"role": "user", "content": TASK}]


def test_it_is_a_callback_of_litellm() -> None:
    """LiteLLM asks no others."""
    assert isinstance(CompactionCallback(SETTINGS), CustomLogger)


def test_calls_stay_inside_the_window(server: Server, made: list[CompactionManager]) -> None:
    """What the program keeps grows over the window, what the server gets does not; its usage is taken in."""
    messages = run(work_through(server, START))
    assert count([text_of(message) for message in messages]) > 1.5 * WINDOW
    check_sent(server)
    assert all(sent[0] == START[0] for sent in server.seen)
    [_, manager] = made
    assert manager.status().last_call is not None


def test_without_the_callback_the_server_refuses(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above is one only if this fails."""
    monkeypatch.setattr(litellm, "callbacks", [])
    with pytest.raises(litellm.BadRequestError):
        run(work_through(server, START))


def test_sessions_are_kept_apart(server: Server, made: list[CompactionManager]) -> None:
    """By their session where they have one: two may begin with the same words."""

    async def work() -> None:
        await work_through(server, START, litellm_session_id="one")
        await work_through(server, START, metadata={"session_id": "two"})

    run(work())
    check_sent(server)
    assert len(made) == 3, "one to check the settings, one for each session"


def test_the_proxy_asks_it_too(made: list[CompactionManager]) -> None:
    """Its hook is another one, and its data a request."""
    messages = [*START, *(message for number in range(STEPS) for message in step(number))]

    async def work() -> list[Any]:
        callback: Any = litellm.callbacks[0]
        data = {"model": "gpt-4o", "messages": messages, "metadata": {"session_id": "p"}}
        return [
            await callback.async_pre_call_hook(None, None, data, "acompletion"),
            await callback.async_pre_call_hook(None, None, {"input": "x"}, "embeddings"),
        ]

    sent, other = run(work())
    assert other is None
    assert count([text_of(message) for message in sent["messages"]]) < WINDOW
    assert sent["metadata"] == {"session_id": "p"}
    assert len(made) == 2
