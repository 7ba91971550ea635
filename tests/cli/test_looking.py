"""The commands that look and change nothing: stats, show, diff, models."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.command import SAMPLES, SMALL, cortex

OPENAI = SAMPLES / "openai.jsonl"


@pytest.fixture
def pair(chdir_tmp: Path) -> tuple[Path, Path]:
    """Return a transcript and its compaction."""
    path = chdir_tmp / "s.jsonl"
    shutil.copy(OPENAI, path)
    assert cortex("compact", path, *SMALL, "--layers", "cap,micro,failsafe", "-q").exit_code == 0
    return path, chdir_tmp / "s.compacted.jsonl"


def test_diff_of_a_compaction(pair: tuple[Path, Path]) -> None:
    """What left and what changed, as the report of the compaction had it."""
    result = cortex("diff", *pair)
    data = json.loads(cortex("diff", *pair, "--json").stdout)
    assert result.exit_code == 0
    assert len(data["changed"]) > 5
    assert {one["role"] for one in data["changed"]} == {"tool"}
    assert data["same"] + len(data["changed"]) + len(data["left"]) == data["input"]["messages"]
    assert f"{data['same']} same, {len(data['changed'])} changed" in result.stdout
    assert "+ ... [~" in result.stdout


def test_diff_of_what_left(pair: tuple[Path, Path]) -> None:
    """Dropped messages are listed with the beginning of their text."""
    path, output = pair
    assert cortex("failsafe", path, "--fit", "5k", "-o", output, "-f", "-q").exit_code == 0
    result = cortex("diff", path, output)
    assert "messages left" in result.stdout
    assert "1 message came" in result.stdout
    assert "[cortex: " in result.stdout


def test_stats_and_the_report_count_the_same(pair: tuple[Path, Path]) -> None:
    """Two figures for one file would be one lie."""
    path, output = pair
    report = json.loads(cortex("compact", path, *SMALL, "--layers", "cap,micro,failsafe", "-n", "--json").stdout)
    before, after = (json.loads(cortex("stats", one, "--window", "32k", "--json").stdout) for one in (path, output))
    assert before["input"]["tokens"] == report["input"]["tokens"]
    assert after["input"]["tokens"] == report["output"]["tokens"]
    assert before["input"].keys() <= report["input"].keys()
    assert before["window"] == report["window"] == 32_000


def test_show_a_part(pair: tuple[Path, Path]) -> None:
    """Positions are those that `--until` of a compaction takes."""
    path, _ = pair
    result = cortex("show", path, "--from", "1", "--until", "3")
    headings = [line for line in result.stdout.splitlines() if " · " in line]
    assert headings == ["1 · Assistant", "2 · Result of Bash"]
    missing = cortex("show", path, "--from", "400")
    assert missing.exit_code == 2
    assert "no message" in missing.stderr


def test_models_by_name_part_and_provider() -> None:
    """A window and a price without looking them up on the web."""
    one = json.loads(cortex("models", "claude-sonnet-4-5", "--json").stdout)["models"]
    assert [model["name"] for model in one] == ["claude-sonnet-4-5"]
    assert one[0]["window"] == 200_000
    assert len(json.loads(cortex("models", "sonnet", "--json").stdout)["models"]) > 1
    assert len(json.loads(cortex("models", "--json").stdout)["models"]) > 100
    assert "cache read" in cortex("models", "claude-sonnet-4-5").stdout
    assert "claude-sonnet-4-5" in cortex("models", "anthropic").stdout


def test_a_session_by_its_name(chdir_tmp: Path) -> None:
    """`codex:last` is what people type who do not know where their agent keeps things."""
    folder = chdir_tmp / ".codex" / "sessions" / "2026" / "01" / "02"
    folder.mkdir(parents=True)
    name = "rollout-2026-01-02T00-00-00-5e55101d-0000-4000-8000-000000000001.jsonl"
    shutil.copy(SAMPLES / "codex.jsonl", folder / name)
    data = json.loads(cortex("stats", "codex:last", "--json", env={"HOME": str(chdir_tmp)}).stdout)
    assert data["input"]["path"] == str(folder / name)
    forked = cortex("compact", "codex:last", *SMALL, "--fork", env={"HOME": str(chdir_tmp)})
    assert forked.exit_code == 0
    assert len(list(folder.glob("*.jsonl"))) == 2
    assert "codex resume" in " ".join(forked.stderr.split())
    missing = cortex("stats", "pi:last", env={"HOME": str(chdir_tmp)})
    assert missing.exit_code == 2
    assert missing.stderr.startswith("error: pi:last: no sessions below")


@pytest.mark.parametrize("name", ["pi.jsonl", "claude-code.jsonl"])
def test_check_promises_no_repair_of_what_only_a_person_can_mend(name: str, chdir_tmp: Path) -> None:
    """Of two lines with one id only the user can say which of them the others follow."""
    lines = [json.loads(line) for line in (SAMPLES / name).read_text().splitlines()]
    key = "id" if name == "pi.jsonl" else "uuid"
    other = next(one for one in lines if one["type"] == "user" or "message" in one)
    lines.insert(lines.index(other), {**other, key: lines[-1][key]})
    path = chdir_tmp / name
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    result = cortex("check", path)
    assert result.exit_code == 1
    assert "is that of line" in result.stdout
    assert "by hand" in result.stdout
    assert "--fix" not in result.stdout


def test_check_of_several_files_tells_each_and_goes_on(pair: tuple[Path, Path]) -> None:
    """A folder is checked in one command, as linters are run: every line names its file, the worst decides the code."""
    path, output = pair
    Path("calls.jsonl").write_text('{"role":"user","content":"hi"}\n{"role":"tool","tool_call_id":"x","content":"y"}\n')
    Path("text.jsonl").write_text("hello\n")
    good = cortex("check", path, output)
    assert (good.exit_code, good.stderr) == (0, "")
    assert [line.rpartition(": ")[2] for line in good.stdout.splitlines()] == ["valid", "valid"]
    result = cortex("check", "text.jsonl", path, "calls.jsonl", output)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: text.jsonl:1: not JSON")
    assert "1 of 4 inputs failed" in result.stderr
    assert "calls.jsonl:2: problem: " in result.stdout
    assert f"{output}: openai, " in result.stdout
    data = json.loads(cortex("check", "text.jsonl", path, "calls.jsonl", "--json").stdout)
    assert data["totals"] == {"files": 2, "problems": 1, "failed": 1}
    assert [one["input"]["path"] for one in data["files"]] == [str(path), "calls.jsonl"]
    assert data["failed"][0]["path"] == "text.jsonl"
