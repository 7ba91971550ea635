"""The README's agent, as pasted, against a server that answers as OpenAI does."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.conftest import PROJECT

pytest.importorskip("openai")
pytestmark = pytest.mark.loopback

SECTION = (PROJECT / "README.md").read_text(encoding="utf-8").partition("## In your agent")[2]


class Server(HTTPServer):
    """Answers chat completions with what it was asked last, and keeps the requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(self.server, Server)
        self.server.requests.append(request)
        message = {"role": "assistant", "content": f"You said: {request['messages'][-1]['content'][:40]}"}
        usage = {"prompt_tokens": 20_000 * len(request["messages"]), "completion_tokens": 9, "total_tokens": 20_009}
        answer = {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": request["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": usage,
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def test_the_agent_of_the_readme_works_as_pasted(server: Server) -> None:
    """Ten lines and a key are all that it takes."""
    code = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)[0]
    environment = {
        **os.environ,
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{server.server_port}/v1",
        "PYTHONPATH": str(PROJECT),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], input="hello\nagain\n\n", capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "> You said: hello\n> You said: again\n> "
    assert [len(request["messages"]) for request in server.requests] == [1, 3]
