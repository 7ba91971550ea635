"""What the real Claude Code prints in print mode is read as the session that it keeps at the same time."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.clients.claude_code import prepare
from tests.clients.harness import PROMPT, TIMEOUT_SECONDS, Room
from tests.clients.server import ANSWER, serving
from tests.clients.sessions import after_failsafe
from tests.roundtrip import dump, load

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("claude")]

SESSION = {
    "parentUuid": None, "isSidechain": False, "userType": "external", "cwd": "/w", "version": "2.1.30", "gitBranch": "",
    "sessionId": "5e55101d-0000-4000-8000-000000000001", "type": "user",
    "message": {"role": "user", "content": "hello"},
    "uuid": "00000000-0000-4000-8000-000000000001", "timestamp": "2026-01-02T00:00:00.000Z",
}  # fmt: skip


def printed(root: Path, *options: str) -> bytes:
    """Run Claude Code on a session and return what it prints."""
    work = root / "home" / "work"
    work.mkdir(parents=True)
    with serving() as server:
        launch = prepare(json.dumps(SESSION).encode() + b"\n", Room(root / "home", work, server.port))
        at = launch.command.index("--output-format")
        command = [*launch.command[:at], *launch.command[at + 2 :], *options]
        env = {"PATH": os.environ["PATH"], "HOME": str(root / "home"), **launch.env}
        run = subprocess.run(
            command,
            cwd=work,
            env=env,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    return run.stdout


@pytest.mark.parametrize("form", ["stream-json", "json"])
def test_what_is_printed_is_a_log(tmp_path: Path, form: str) -> None:
    """As lines and as one list; what is no message rides along."""
    data = printed(tmp_path, "--output-format", form, "--verbose")
    transcript = load(data)
    assert transcript.format == "claude-code-stream"
    assert dump(transcript) == data
    assert [(one.role, one.text) for one in transcript.messages][-1] == ("assistant", ANSWER)
    assert transcript.session_id
    assert transcript.model.startswith("claude-")
    assert transcript.window > 0
    assert dump(after_failsafe(transcript))


def test_replayed_prompts_are_messages(tmp_path: Path) -> None:
    """With partial messages strewn in, which are no messages."""
    data = printed(tmp_path, "--output-format", "stream-json", "--verbose", "--include-partial-messages")
    assert b'"stream_event"' in data
    transcript = load(data)
    assert [one.text for one in transcript.messages if one.role == "assistant"] == [ANSWER]
    assert not any(PROMPT in one.text for one in transcript.messages if one.role == "assistant")
