"""A client's own sessions in a batch: those in use are left alone, and nothing else is touched."""

import json
import os
import re
import time
from pathlib import Path

import pytest

from cortex_cli.batch.homes import parse_age
from cortex_cli.errors import OptionError
from tests.cli.command import SAMPLES, SMALL, cortex

ID = "5e55101d-0000-4000-8000-00000000000{}"
DAY = 86_400
OPTIONS = (*SMALL, "--tokenizer", "heuristic")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home: three sessions of Claude Code (10 days, 1 day and a minute old), one of Codex, other files."""
    projects = tmp_path / "home" / ".claude" / "projects" / "-w"
    projects.mkdir(parents=True)
    for number, age in enumerate((10 * DAY, DAY, 60), 1):
        add(projects / f"{ID.format(number)}.jsonl", SAMPLES / "claude-code.jsonl", age)
    (projects.parent.parent / "settings.json").write_text("{}")
    (projects / "notes.jsonl").write_text("{}\n")
    codex = tmp_path / "home" / ".codex" / "sessions" / "2026" / "01" / "02"
    codex.mkdir(parents=True)
    add(codex / f"rollout-2026-01-02T00-00-00-{ID.format(9)}.jsonl", SAMPLES / "codex.jsonl", DAY)
    return tmp_path / "home"


def add(path: Path, sample: Path, age: float) -> None:
    """Put a session there that was written to some seconds ago."""
    own = path.stem[-36:].encode()
    path.write_bytes(re.sub(rb'("sessionId": ?")[^"]+', rb"\g<1>" + own, sample.read_bytes()))
    moment = time.time() - age
    os.utime(path, (moment, moment))


def snapshot(home: Path) -> dict[str, bytes]:
    """Return everything below the clients' homes."""
    folders = (home / ".claude", home / ".codex")
    return {str(one.relative_to(home)): one.read_bytes() for top in folders for one in top.rglob("*") if one.is_file()}


def run(home: Path, *arguments: object) -> dict[str, object]:
    """Run a batch and return its report."""
    result = cortex("batch", *arguments, *OPTIONS, "--json", env={"HOME": str(home), "XDG_STATE_HOME": ""})
    assert result.exit_code == 0, result.stderr
    report: dict[str, object] = json.loads(result.stdout)
    return report


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    """Return the names of what is new or differs."""
    return {name for name, data in after.items() if before.get(name) != data}


def test_in_place_touches_idle_sessions_only(home: Path) -> None:
    """One that was written to a minute ago may be open; its client would write on over ours."""
    before = snapshot(home)
    report = run(home, "--claude-code", "--in-place")
    done = {f".claude/projects/-w/{ID.format(number)}.jsonl" for number in (1, 2)}
    assert changed(before, snapshot(home)) == done | {f"{name}.bak" for name in done}
    assert [one["path"] for one in report["in_use"]] == [str(home / f".claude/projects/-w/{ID.format(3)}.jsonl")]  # type: ignore[attr-defined]


def test_forks_are_new_sessions_and_are_not_forked_again(home: Path) -> None:
    """A batch every night must not fork its own forks."""
    before = snapshot(home)
    assert run(home, "--claude-code", "--fork")["totals"]["changed"] == 2  # type: ignore[index]
    after = snapshot(home)
    made = changed(before, after)
    assert len(made) == 2
    assert before.items() <= after.items()
    for name in made:
        assert Path(name).stem.encode() in after[name]
        moment = time.time() - DAY
        os.utime(home / name, (moment, moment))
    again = run(home, "--claude-code", "--fork")
    assert again["totals"]["files"] == 0  # type: ignore[index]
    assert snapshot(home) == after


def test_the_manifest_stands_outside_the_clients_folder(home: Path) -> None:
    """Nothing but sessions and their backups goes there."""
    run(home, "--codex", "--in-place")
    assert (home / ".local" / "state" / "cortex" / "batch" / "codex" / "cortex-batch.jsonl").is_file()
    assert run(home, "--codex", "--in-place")["totals"]["finished_before"] == 1  # type: ignore[index]


def test_sessions_keep_their_time(home: Path) -> None:
    """Clients list sessions by it, and resume the newest."""
    times = {path: path.stat().st_mtime_ns for path in (home / ".claude").rglob("*.jsonl")}
    run(home, "--claude-code", "--in-place")
    assert times == {path: path.stat().st_mtime_ns for path in times}


def test_only_old_sessions_or_those_of_a_project(home: Path) -> None:
    """What people clean up is what they have not used for a while."""
    old = run(home, "--claude-code", "--dry-run", "--older-than", "7d")
    assert old["totals"]["files"] == 1  # type: ignore[index]
    assert run(home, "--claude-code", "--dry-run", "--project", "/no/such")["totals"]["files"] == 0  # type: ignore[index]
    assert run(home, "--claude-code", "-o", home / "out", "--older-than", "7d")["totals"]["files"] == 1  # type: ignore[index]
    assert (home / "out" / "projects" / "-w" / f"{ID.format(1)}.jsonl").is_file()


def test_what_does_not_go_together_is_refused(home: Path) -> None:
    """Each in one line with what to do."""
    for arguments in (
        ("--claude-code", "--codex", "--dry-run"),
        ("--dry-run",),
        (str(home), "--pi", "--dry-run"),
        (str(home), "--fork"),
        (str(home), "--dry-run", "--older-than", "7d"),
        ("--claude-code", "--dry-run", "--older-than", "soon"),
        ("--claude-code", "--fork", "--in-place"),
    ):
        result = cortex("batch", *arguments, env={"HOME": str(home)})
        assert result.exit_code == 2, arguments
        assert "hint:" in result.stderr


@pytest.mark.parametrize(
    ("text", "seconds"), [("7d", 7 * DAY), ("12h", 43_200), ("30min", 1_800), ("1.5w", 10.5 * DAY)]
)
def test_ages(text: str, seconds: float) -> None:
    """As people write them."""
    assert parse_age(text) == seconds
    with pytest.raises(OptionError):
        parse_age(f"{text} ago")
