"""The hook of Claude Code as its client runs it: what it keeps, what it hands back, and that it breaks nothing."""

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from cortex_cli.formats import claude_code as claude_code_format
from cortex_cli.formats.source import Source
from cortex_cli.integrations.claude_code_hook import KEPT_DAYS, MAX_CONTEXT_CHARS, SETTINGS, facts_of
from cortex_cli.summarizers.ledger import parse_ledger
from tests import wire
from tests.cli.command import cortex, spawn
from tests.conftest import assistant, live, tool_pair, user
from tests.summarizers.attacks import EACH, EVIL, conversation

RULE = "Never edit anything below migrations/."
SESSION = (
    user(f"Please move the staging port. {RULE} The staging port is 8473."),
    *tool_pair("Bash", value="E   AssertionError: boom\n3 failed in 2s"),
    assistant("It failed once."),
    user("The staging port is now 9001."),
    assistant("Understood."),
)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return the folder for state."""
    return tmp_path / "state"


def event(name: str, session: str = wire.SESSION, **more: Any) -> str:
    """Write what the client writes to a hook."""
    return json.dumps({"session_id": session, "hook_event_name": name, "cwd": "/", **more})


def ran(state: Path, stdin: str | bytes) -> tuple[str, str]:
    """Run the hook; it never fails."""
    result = cortex("hook", "claude-code", stdin=stdin, env={"XDG_STATE_HOME": str(state)})
    assert result.exit_code == 0
    return result.stdout, result.stderr


def kept(state: Path, session_file: Path) -> str:
    """Let the hook keep the facts of a session; return what it keeps."""
    out, err = ran(state, event("PreCompact", transcript_path=str(session_file), trigger="auto"))
    assert out == ""
    assert "cortex: kept " in err
    return (state / "cortex/claude-code" / f"{wire.SESSION}.md").read_text()


def handed_back(state: Path) -> str:
    """Return what the hook gives the client after a compaction."""
    out, _ = ran(state, event("SessionStart", source="compact"))
    answer = json.loads(out)["hookSpecificOutput"]
    assert answer["hookEventName"] == "SessionStart"
    return str(answer["additionalContext"])


def written(tmp_path: Path, data: bytes) -> Path:
    """Write a session's file."""
    path = tmp_path / f"{wire.SESSION}.jsonl"
    path.write_bytes(data)
    return path


def test_facts_are_kept_and_handed_back(state: Path, tmp_path: Path) -> None:
    """What a compaction loses is there again, as it holds now."""
    path = written(tmp_path, wire.claude_code(live(*SESSION)))
    ledger = kept(state, path)
    assert f"user: {RULE}" in ledger
    assert "9001" in ledger
    assert "8473" not in ledger
    assert ledger in handed_back(state)


def test_the_next_compaction_carries_them_on(state: Path, tmp_path: Path) -> None:
    """The second time the session's file holds the beginning no more, only the client's own summary."""
    kept(state, written(tmp_path, wire.claude_code(live(*SESSION))))
    later = live(user("Use tabs in Makefiles. The staging port is now 7007."), assistant("Done."))
    ledger = kept(state, written(tmp_path, wire.claude_code(later)))
    said = [fact.text for fact in parse_ledger(ledger) if fact.kind == "user"]
    assert RULE in said
    assert "Use tabs in Makefiles." in said
    assert "The staging port is now 7007." in said
    assert not any("9001" in text for text in said)


def test_the_context_is_what_the_client_takes_whole(state: Path, tmp_path: Path) -> None:
    """A longer one would be put into a file that nobody reads."""
    rules = [user(f"Never change table_{n}; its owner is team {n * 7} in room {n * 31}.") for n in range(600)]
    turns = [message for rule in rules for message in (rule, assistant("Understood."))]
    kept(state, written(tmp_path, wire.claude_code(live(*turns))))
    assert MAX_CONTEXT_CHARS * 0.9 < len(handed_back(state)) <= MAX_CONTEXT_CHARS


def test_what_is_kept_is_private(state: Path, tmp_path: Path) -> None:
    """A ledger quotes the session, without its secrets."""
    secret = "AKIA" + "ABCDEFGHIJKLMNOP"
    session = live(user(f"The staging key must stay {secret}, never change it."), assistant("Yes."))
    ledger = kept(state, written(tmp_path, wire.claude_code(session)))
    assert secret not in ledger
    folder = state / "cortex/claude-code"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()] == [0o600]


def test_old_ledgers_are_forgotten(state: Path, tmp_path: Path) -> None:
    """A folder that only grows is a leak."""
    path = written(tmp_path, wire.claude_code(live(*SESSION)))
    kept(state, path)
    folder = state / "cortex/claude-code"
    old, young = folder / "old.md", folder / "young.md"
    for file, days in ((old, KEPT_DAYS + 1), (young, KEPT_DAYS - 1)):
        file.write_text("x")
        then = time.time() - days * 86_400
        os.utime(file, (then, then))
    kept(state, path)
    assert not old.exists()
    assert young.exists()


@pytest.mark.parametrize(
    "stdin",
    [
        event("SessionStart", source="startup"),
        event("SessionStart", source="resume"),
        event("PostToolUse"),
        event("SessionStart", session="never-compacted", source="compact"),
    ],
)
def test_other_events_get_no_answer(state: Path, stdin: str) -> None:
    """Whatever is printed at a session's start becomes context."""
    assert ran(state, stdin)[0] == ""


@pytest.mark.parametrize(
    ("stdin", "told"),
    [
        ("", "not JSON"),
        (b"\xff\x00", "not JSON"),
        ("[1]", "no JSON object"),
        (event("PreCompact"), "names no transcript"),
        (event("PreCompact", session="../../etc/x", transcript_path="/x"), "names no session"),
        (event("PreCompact", transcript_path="/nowhere/x.jsonl"), "/nowhere/x.jsonl"),
        (event("PreCompact", transcript_path="/"), "/"),
    ],
)
def test_whatever_goes_wrong_the_client_goes_on(state: Path, stdin: str | bytes, told: str) -> None:
    """Exit 0, nothing on standard output, one line on standard error."""
    out, err = ran(state, stdin)
    assert out == ""
    assert told in err
    assert err.count("\n") == 1


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A full or read-only disk is no reason to stop a session."""
    (tmp_path / "file").write_text("")
    path = written(tmp_path, wire.claude_code(live(*SESSION)))
    out, err = ran(tmp_path / "file", event("PreCompact", transcript_path=str(path)))
    assert out == ""
    assert "Not a directory" in err


def test_without_a_home(tmp_path: Path) -> None:
    """Neither is a bare environment; nor a configuration file of somebody's that is broken."""
    (tmp_path / "cortex.toml").write_text("what = is this")
    done = spawn("hook", "claude-code", input=event("PreCompact").encode(), cwd=tmp_path, env={"HOME": ""})
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr == b"cortex: no home folder\n"


def test_a_wrong_call_does_not_stop_a_compaction() -> None:
    """Exit code 2 would: the client takes it for a veto."""
    result = cortex("hook", "cursor", stdin=event("PreCompact"))
    assert result.exit_code == 1
    assert "hint: " in result.stderr


def test_the_settings_can_be_pasted() -> None:
    """They are what the documentation shows."""
    assert json.loads(cortex("hook", "claude-code", "--print-settings").stdout) == SETTINGS


@EACH
def test_tools_cannot_speak_for_the_user(attack: str) -> None:
    """What is handed back is trusted: only typed words are the user's."""
    data = wire.claude_code(conversation(attack))
    facts = facts_of(claude_code_format.load(Source(data)))
    assert facts
    assert not any(EVIL in fact.text for fact in facts if fact.kind in ("user", "decided"))
