"""A session that its client has open is not written over."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cortex_cli.errors import OutputError
from cortex_cli.files import read_file
from cortex_cli.holders import find_holder
from cortex_cli.messages import Transcript
from cortex_cli.targets import Target, write_result

ID = "5e55101d-0000-4000-8000-000000000001"


@pytest.fixture
def claude_session(tmp_path: Path) -> Path:
    """Return a session in Claude Code's folder."""
    path = tmp_path / ".claude" / "projects" / "-w" / f"{ID}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("{}\n")
    (tmp_path / ".claude" / "sessions").mkdir()
    return path


def _register(session: Path, pid: int, session_id: str = ID) -> None:
    record = session.parents[2] / "sessions" / f"{pid}.json"
    record.write_text(json.dumps({"pid": pid, "sessionId": session_id}))


def test_a_running_claude_code_holds_its_session(claude_session: Path) -> None:
    """It writes the process and the session into its folder while it runs."""
    _register(claude_session, os.getpid())
    assert find_holder(claude_session) == f"Claude Code (process {os.getpid()})"


def test_a_claude_code_that_ended_holds_nothing(claude_session: Path) -> None:
    """After a crash its record stays; another session's record is no hold on this one."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    _register(claude_session, ended.pid)
    _register(claude_session, os.getpid(), session_id="another")
    (claude_session.parents[2] / "sessions" / "torn.json").write_text('{"pid":')
    assert find_holder(claude_session) == ""


def test_a_running_codex_holds_its_session(tmp_path: Path) -> None:
    """It locks a file named after the session."""
    fcntl = pytest.importorskip("fcntl")
    path = tmp_path / "sessions" / "2026" / "01" / "02" / f"rollout-2026-01-02T00-00-00-{ID}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("{}\n")
    lock = tmp_path / "thread-writer-locks" / f"{ID}.lock"
    lock.parent.mkdir()
    with lock.open("w") as stream:
        assert find_holder(path) == ""
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert find_holder(path) == "Codex"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux tells who has a file open")
def test_any_program_that_has_the_file_open_is_named(tmp_path: Path) -> None:
    """An agent we know nothing of writes to its session all the same."""
    path = tmp_path / "s.jsonl"
    path.write_text("{}\n")
    code = "import sys; f = open(sys.argv[1], 'a'); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert f"(process {holder.pid})" in find_holder(path)
        source = read_file(str(path))
        with pytest.raises(OutputError, match="has the session open") as caught:
            write_result(source, lambda: [b"new"], Target("in-place"), Transcript("openai", ()), changed=True)
        holder.communicate(b"")
    assert caught.value.exit_code == 1
    assert path.read_text() == "{}\n"
    assert find_holder(path) == ""
