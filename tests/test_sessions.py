"""Sessions by name, and forks that their client can find."""

import json
import os
import re
from pathlib import Path

import pytest

from cortex_cli import sessions
from cortex_cli.errors import InputError, OptionError

OLD = "5e55101d-0000-4000-8000-000000000001"


def _touch(path: Path, age: int, content: str = "{}\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    return path


def _claude(home: Path, number: int, age: int = 0) -> Path:
    return _touch(home / ".claude" / "projects" / "-w" / f"{OLD[:-1]}{number}.jsonl", age)


def test_last_is_what_was_written_to_last(tmp_path: Path) -> None:
    """Most people mean the session that they just left."""
    environment = {"HOME": str(tmp_path)}
    _claude(tmp_path, 1, age=50)
    newest = _claude(tmp_path, 2, age=10)
    _claude(tmp_path, 3, age=90)
    _touch(newest.with_name("agent-12.jsonl"), 0)  # a subagent's, not a session of its own
    found = sessions.find_session("claude-code:last", environment)
    assert found.path == newest
    assert found.id == f"{OLD[:-1]}2"


@pytest.mark.parametrize(
    ("client", "path"),
    [
        ("claude-code", f".claude/projects/-w/{OLD}.jsonl"),
        ("codex", f".codex/sessions/2026/01/02/rollout-2026-01-02T00-00-00-{OLD}.jsonl"),
        ("pi", f".pi/agent/sessions/--w--/2026-01-02T00-00-00-250Z_{OLD}.jsonl"),
    ],
)
def test_every_client_by_last_id_and_beginning_of_id(client: str, path: str, tmp_path: Path) -> None:
    """An id is long; its beginning is what people copy."""
    written = _touch(tmp_path / path, 0)
    for name in ("last", OLD, OLD[:6]):
        assert sessions.find_session(f"{client}:{name}", {"HOME": str(tmp_path)}).path == written


def test_a_moved_home_is_found(tmp_path: Path) -> None:
    """Clients let their folder be moved, and so does this."""
    written = _touch(tmp_path / "cc" / "projects" / "-w" / f"{OLD}.jsonl", 0)
    environment = {"HOME": "/nowhere", "CLAUDE_CONFIG_DIR": str(tmp_path / "cc")}
    assert sessions.find_session("claude-code:last", environment).path == written


def test_unknown_and_doubtful_names_are_errors(tmp_path: Path) -> None:
    """Never another session than the one that was meant."""
    environment = {"HOME": str(tmp_path)}
    with pytest.raises(InputError, match="no sessions below") as missing:
        sessions.find_session("codex:last", environment)
    assert "CODEX_HOME" in missing.value.hint
    _claude(tmp_path, 1)
    _claude(tmp_path, 2)
    with pytest.raises(OptionError, match="2 sessions begin so"):
        sessions.find_session(f"claude-code:{OLD[:4]}", environment)
    with pytest.raises(InputError, match="no session 'lats'") as mistyped:
        sessions.find_session("claude-code:lats", environment)
    assert "'last'" in mistyped.value.hint
    with pytest.raises(InputError, match="no session ''"):
        sessions.find_session("claude-code:", environment)


def test_only_names_of_clients_are_session_names() -> None:
    """A path with a colon in it is a path."""
    assert sessions.is_session_name("claude-code:last")
    assert not sessions.is_session_name("c:/x.jsonl")
    assert not sessions.is_session_name("codex")
    assert not sessions.is_session_name("-")


def _lines(*objects: object) -> bytes:
    return b"".join(json.dumps(one, separators=(",", ":")).encode() + b"\n" for one in objects)


CLAUDE = _lines(
    {"parentUuid": None, "cwd": "/home/dev/my app", "sessionId": OLD, "type": "user", "message": {"content": OLD}},
    {"parentUuid": None, "sessionId": OLD, "message": {"content": f'it says {{"sessionId":"{OLD}"}}'}},
)


def test_a_fork_has_a_new_id_in_its_name_and_in_every_record(tmp_path: Path) -> None:
    """The client knows a session by its id; the texts that quote the old one stay as they are."""
    fork = sessions.fork(CLAUDE, "claude-code", OLD, "/elsewhere/s.jsonl", {"HOME": str(tmp_path)})
    first, second = map(json.loads, fork.data.splitlines())
    assert fork.id != OLD
    assert fork.path == tmp_path / ".claude" / "projects" / "-home-dev-my-app" / f"{fork.id}.jsonl"
    assert (first["sessionId"], first["message"]["content"]) == (fork.id, OLD)
    assert second["message"]["content"] == f'it says {{"sessionId":"{OLD}"}}'
    assert fork.command == f"claude --resume {fork.id}"
    assert fork.folder == "/home/dev/my app"


def test_forking_the_same_twice_is_the_same_fork_unless_it_went_on(tmp_path: Path) -> None:
    """What was said in a fork since must not be overwritten."""
    environment = {"HOME": str(tmp_path)}
    fork = sessions.fork(CLAUDE, "claude-code", OLD, "s.jsonl", environment)
    _touch(fork.path, 0, fork.data.decode())
    assert sessions.fork(CLAUDE, "claude-code", OLD, "s.jsonl", environment) == fork
    with fork.path.open("ab") as stream:
        stream.write(b'{"type":"user"}\n')
    assert sessions.fork(CLAUDE, "claude-code", OLD, "s.jsonl", environment).path != fork.path


def test_a_session_at_home_is_forked_beside_itself(tmp_path: Path) -> None:
    """Claude Code lists by the folder that a session lies in, whatever its records say of it."""
    path = _claude(tmp_path, 1)
    fork = sessions.fork(CLAUDE, "claude-code", OLD, str(path), {"HOME": str(tmp_path)})
    assert fork.path.parent == path.parent


def test_forks_of_codex_and_pi_have_the_names_that_these_look_for(tmp_path: Path) -> None:
    """The time in the name is the session's own, so that the same input gives the same fork."""
    meta = {"id": OLD, "timestamp": "2026-01-02T03:04:05.250Z", "cwd": "/w"}
    line = {"timestamp": "2026-01-02T03:04:05.250Z", "type": "session_meta", "payload": meta}
    codex = sessions.fork(_lines(line), "codex", OLD, "s.jsonl", {"HOME": str(tmp_path)})
    expected = rf"{tmp_path}/.codex/sessions/2026/01/02/rollout-2026-01-02T03-04-05-{codex.id}.jsonl"
    assert str(codex.path) == expected
    assert json.loads(codex.data)["payload"]["id"] == codex.id
    header = {"type": "session", "version": 3, "id": OLD, "timestamp": "2026-01-02T03:04:05.250Z", "cwd": "/home/dev"}
    pi = sessions.fork(_lines(header), "pi", OLD, "s.jsonl", {"HOME": str(tmp_path)})
    assert re.fullmatch(rf"2026-01-02T03-04-05-250Z_{pi.id}\.jsonl", pi.path.name)
    assert pi.path.parent == tmp_path / ".pi" / "agent" / "sessions" / "--home-dev--"


def test_a_fork_of_the_gemini_cli_stands_with_its_project(tmp_path: Path) -> None:
    """Its records do not say of which project they are: elsewhere nobody knows."""
    head = {"sessionId": OLD, "projectHash": "p"}
    data = _lines(head, {"id": "m", "timestamp": "2026-01-02T03:04:05.000Z", "type": "user", "content": "q"})
    chats = tmp_path / ".gemini/tmp/app/chats"
    chats.mkdir(parents=True)
    (chats.parent / ".project_root").write_text("/home/dev/my app")
    path = chats / f"session-2026-01-01T00-00-{OLD[:8]}.jsonl"
    path.write_bytes(data)
    fork = sessions.fork(data, "gemini-cli", OLD, str(path), {"HOME": str(tmp_path)})
    assert fork.path == chats / f"session-2026-01-02T03-04-{fork.id[:8]}.jsonl"
    assert json.loads(fork.data.splitlines()[0]) == {**head, "sessionId": fork.id}
    assert (fork.command, fork.folder) == (f"gemini --resume {fork.id}", "/home/dev/my app")
    with pytest.raises(OptionError, match="of which project"):
        sessions.fork(data, "gemini-cli", OLD, "/elsewhere/s.jsonl", {"HOME": str(tmp_path)})
    with pytest.raises(OptionError, match="no session of a client"):
        sessions.fork(data, "gemini", OLD, str(path), {"HOME": str(tmp_path)})


def test_what_is_no_session_cannot_be_forked(tmp_path: Path) -> None:
    """There is no client that would look for it."""
    with pytest.raises(OptionError, match="no session of a client"):
        sessions.fork(b"{}", "openai", "x", "s.json", {"HOME": str(tmp_path)})
    with pytest.raises(OptionError, match="carries no id"):
        sessions.fork(b"{}", "codex", "", "s.json", {"HOME": str(tmp_path)})
