"""What the list of sessions says of each."""

import json
import os
from pathlib import Path

import pytest

from cortex_cli import session_list, sessions
from cortex_cli.formats import load
from cortex_cli.formats.source import Source
from cortex_cli.settings import Settings
from cortex_cli.tokens import make_counter
from tests.cli.command import SAMPLES, cortex

ID = "5e55101d-0000-4000-8000-00000000000{}"
NOW = 1_700_000_000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home with a session of each client that has a sample, one hour apart, the oldest first."""
    claude = tmp_path / ".claude" / "projects" / "-w" / f"{ID.format(1)}.jsonl"
    codex = (
        tmp_path / ".codex" / "sessions" / "2026" / "01" / "02" / f"rollout-2026-01-02T00-00-00-{ID.format(2)}.jsonl"
    )
    pi = tmp_path / ".pi" / "agent" / "sessions" / "--w--" / f"2026-01-02T00-00-00-250Z_{ID.format(3)}.jsonl"
    for number, (path, sample) in enumerate(((claude, "claude-code"), (codex, "codex"), (pi, "pi"))):
        path.parent.mkdir(parents=True)
        path.write_bytes((SAMPLES / f"{sample}.jsonl").read_bytes())
        os.utime(path, (NOW + number * 3600, NOW + number * 3600))
    return tmp_path


def listed(home: Path, **options: object) -> list[dict[str, object]]:
    """Run the command and read what it prints."""
    arguments = [text for name, value in options.items() for text in (f"--{name}", value)]
    result = cortex("sessions", "--json", *arguments, env={"HOME": str(home)})
    assert result.exit_code == 0, result.output
    found: list[dict[str, object]] = json.loads(result.stdout)["sessions"]
    return found


def test_the_newest_of_all_clients_stands_first(home: Path) -> None:
    """People look for what they did last, whichever agent it was."""
    rows = listed(home)
    assert [row["client"] for row in rows] == ["pi", "codex", "claude-code"]
    assert [row["source"] for row in rows][1] == f"codex:{ID.format(2)}"
    assert len(listed(home, limit=2)) == 2


def test_figures_are_those_of_a_dry_run(home: Path) -> None:
    """What the list promises is what a compaction does."""
    [row] = [row for row in listed(home, window="32k") if row["client"] == "claude-code"]
    report = json.loads(cortex("compact", str(row["path"]), "--dry-run", "--json", "--window", "32k").stdout)
    assert (row["tokens"], row["saved_tokens"]) == (report["input"]["tokens"], report["saved_tokens"])
    assert row["utilization"] == pytest.approx(report["input"]["tokens"] * report["model_scale"] / 32_000, abs=1e-3)


def test_nothing_is_written(home: Path) -> None:
    """Looking at sessions must not touch them: clients resume them."""
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in home.rglob("*") if path.is_file()}
    cortex("sessions", "--fit", "10%", env={"HOME": str(home)})
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in home.rglob("*") if path.is_file()}


def test_a_broken_session_is_named_and_the_others_are_listed(home: Path) -> None:
    """One bad file of hundreds is no reason to show nothing."""
    bad = home / ".claude" / "projects" / "-w" / f"{ID.format(9)}.jsonl"
    bad.write_bytes(b"\x00\x01 nothing to read\n")
    errors = {row["id"]: row["error"] for row in listed(home)}
    assert errors[ID.format(9)]
    assert [error for error in errors.values() if error] == [errors[ID.format(9)]]


def test_only_one_project_or_client(home: Path) -> None:
    """A machine holds hundreds of sessions of dozens of projects."""
    [row] = [row for row in listed(home) if row["client"] == "codex"]
    assert [one["id"] for one in listed(home, project=row["project"]) if one["client"] == "codex"] == [row["id"]]
    assert cortex("sessions", "--project", "/no/such", env={"HOME": str(home)}).exit_code == 2
    result = cortex("sessions", "codx", env={"HOME": str(home)})
    assert result.exit_code == 2
    assert "'codex'" in result.output
    only = cortex("sessions", "pi", "--json", env={"HOME": str(home)})
    assert [one["client"] for one in json.loads(only.stdout)["sessions"]] == ["pi"]


def test_no_sessions_at_all_is_said_with_the_places_looked_at(tmp_path: Path) -> None:
    """An empty table would leave the user guessing."""
    result = cortex("sessions", env={"HOME": str(tmp_path)})
    assert result.exit_code == 2
    assert str(tmp_path / ".claude") in result.output
    assert "hint:" in result.output


@pytest.mark.parametrize(
    ("added", "title"),
    [
        ([], "Build the thing"),
        ([{"type": "summary", "summary": "A thing is built", "leafUuid": "u1"}], "A thing is built"),
        ([{"type": "summary", "summary": "Of another session", "leafUuid": "u9"}], "Build the thing"),
        ([{"type": "ai-title", "aiTitle": "Thing", "sessionId": "s"}], "Thing"),
        (
            [
                {"type": "custom-title", "customTitle": "Mine", "sessionId": "s"},
                {"type": "ai-title", "aiTitle": "Thing", "sessionId": "s"},
            ],
            "Mine",
        ),
    ],
)
def test_a_title_is_the_one_its_client_shows(added: list[dict[str, str]], title: str) -> None:
    """Users know their sessions by the names their client shows: the user's own, the client's, the first request."""
    user = {
        "parentUuid": None,
        "sessionId": "s",
        "type": "user",
        "message": {"role": "user", "content": "Build\nthe thing"},
        "uuid": "u1",
        "timestamp": "2026-01-02T00:00:00Z",
    }
    data = "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in (user, *added)).encode()
    assert session_list.title_of(load(Source(data, "s.jsonl"))) == title


def test_codex_names_its_threads_in_an_index(home: Path) -> None:
    """The rollout itself holds no name."""
    index = home / ".codex" / "session_index.jsonl"
    names = ("First", "Renamed")
    lines = [json.dumps({"id": ID.format(2), "thread_name": name, "updated_at": "x"}) for name in names]
    index.write_text("\n".join([*lines, "{torn"]))
    assert {row["title"] for row in listed(home) if row["client"] == "codex"} == {"Renamed"}


def test_gemini_sessions_are_found_by_the_beginning_of_their_id(tmp_path: Path) -> None:
    """Gemini puts eight characters of the id into the file's name, and the project's folder beside the chats."""
    chats = tmp_path / ".gemini" / "tmp" / "thing" / "chats"
    chats.mkdir(parents=True)
    (chats / "session-2026-01-02T00-00-5e55101d.json").write_text("{}")
    [found] = session_list.newest_sessions({"HOME": str(tmp_path)})
    assert (found.client, found.id) == ("gemini", "5e55101d")
    moved = {"HOME": "/nowhere", "GEMINI_CLI_HOME": str(tmp_path)}
    assert sessions.find_session("gemini:last", moved).path == found.path


def test_projects_match_by_folder_or_name() -> None:
    """`--project .` is what people type; a bare name is the second."""
    assert session_list.matches_project("/w/thing", "thing")
    assert session_list.matches_project("/w/thing/sub", "/w/thing")
    assert not session_list.matches_project("/w/things", "/w/thing")
    assert not session_list.matches_project("/w/other", "thing")
    assert session_list.matches_project("/anything", "")


def test_a_model_is_never_asked(home: Path) -> None:
    """A list that sends every session of a machine to a model would be a catastrophe."""
    settings = Settings(summarizer="openai", llm_url="http://127.0.0.1:9", llm_model="m", fit=1000)
    rows = session_list.list_and_measure(
        session_list.newest_sessions({"HOME": str(home)}), settings, make_counter("heuristic")
    )
    assert all(row.report is None or row.report.summarizer in ("", "builtin") for row in rows)
