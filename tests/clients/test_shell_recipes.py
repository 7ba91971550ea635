"""The recipes of the README, run as they stand there, with the real llm and a model on loopback."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import wire
from tests.clients import server as model
from tests.clients.harness import CACHE
from tests.clients.server import serving
from tests.conftest import PROJECT, assistant, live, tool_pair, user

pytestmark = pytest.mark.clients

RECIPES = re.search(
    r"## In a shell\n.*?```sh\n(.*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), re.DOTALL
)
SUMMARY = (
    "<summary>## Primary request and intent\nThe port must stay 8473; never edit migrations/.\n"
    "## Current work\nAll forty steps are done, and the tests pass.</summary>"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Make a home with a long session of Claude Code in it, and `cortex` on the path."""
    if not (CACHE / "py/bin/llm").exists():
        pytest.skip("llm is not installed: run `make test-clients`")
    folder = tmp_path / ".claude/projects/-home-dev-app"
    folder.mkdir(parents=True)
    turns = [user("The port must stay 8473; never edit migrations/."), assistant("Understood.")]
    for n in range(40):
        turns += [user(f"What of step {n}?"), *tool_pair("Read", call_id=f"toolu_{n}", chars=6_000), assistant("Done.")]
    (folder / f"{wire.SESSION}.jsonl").write_bytes(wire.claude_code(live(*turns)))
    program = tmp_path / "bin/cortex"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={PROJECT} exec {sys.executable} -m cortex_cli "$@"\n')
    program.chmod(0o755)
    return tmp_path


def shell(home: Path, port: int, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a shell that knows the recipes."""
    settings = home / "llm"
    settings.mkdir()
    known = f"- model_id: local\n  model_name: local\n  api_base: http://127.0.0.1:{port}/v1\n"
    (settings / "extra-openai-models.yaml").write_text(known)
    (settings / "keys.json").write_text('{"openai": "none"}')
    (settings / "default_model.txt").write_text("local")
    path = os.pathsep.join((str(home / "bin"), os.environ["PATH"], str(CACHE / "py/bin")))
    environ = {"PATH": path, "HOME": str(home), "LLM_USER_PATH": str(settings), "LANG": "C.UTF-8"}
    assert RECIPES is not None
    script = f"set -eo pipefail\n{RECIPES[1]}\n{command}\n"
    return subprocess.run(
        ["bash", "-c", script], env=environ, cwd=home, capture_output=True, text=True, timeout=100, check=False
    )


def prompt_of(body: dict[str, Any]) -> str:
    """Return what the model was asked."""
    return "\n".join(message["content"] for message in body["messages"])


def test_a_long_session_can_be_asked_about(home: Path) -> None:
    """It fits, and the answer is printed."""
    with serving() as server:
        done = shell(home, server.port, "ask-session 'What is left to do?'")
    assert done.stdout.strip() == model.ANSWER, done.stderr
    [body] = server.bodies
    prompt = prompt_of(body)
    assert "What is left to do?" in prompt
    assert "never edit migrations/" in prompt
    assert len(prompt) < 4 * 25_000


def test_llm_writes_the_summary(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session's fork holds its words, and can be resumed."""
    monkeypatch.setattr(model, "ANSWER", SUMMARY)
    monkeypatch.setitem(model.REPLIES, "/chat/completions", _whole)
    with serving() as server:
        done = shell(home, server.port, "compact-session")
    assert done.returncode == 0, done.stderr
    assert "claude --resume" in done.stdout + done.stderr
    assert "What of step 3?" in prompt_of(server.bodies[0])
    [fork] = [path for path in home.glob(".claude/projects/*/*.jsonl") if path.stem != wire.SESSION]
    assert "All forty steps are done" in fork.read_text()


def _whole(_: dict[str, Any]) -> tuple[bytes, str]:
    """Answer at once, as llm asks for with `--no-stream`."""
    message = {"role": "assistant", "content": SUMMARY}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    reply = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "local",
        "choices": [choice],
        "usage": usage,
    }
    return json.dumps(reply).encode(), "application/json"
