"""`cortex observe`, `--strategy observational`, `--state` and the comparison, as typed."""

import json
from pathlib import Path
from typing import Any

import pytest

from cortex_cli import load, marks
from tests.cli.command import SAMPLES, SMALL, cortex

SESSIONS = [SAMPLES / name for name in ("claude-code.jsonl", "codex.jsonl", "pi.jsonl", "openai.jsonl", "axio.json")]
OBSERVATIONAL = ("--strategy", "observational")


def log_in(path: Path) -> marks.Log:
    """Return the one log of a file."""
    (text,) = (message.text for message in load(path).messages if message.synthetic == "log")
    log = marks.parse_log(text)
    assert log is not None
    return log


def report_of(*arguments: object) -> dict[str, Any]:
    """Run a command that prints its report as JSON."""
    done = cortex(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.name)
def test_observe_puts_a_log_in_and_a_second_run_nothing(path: Path, tmp_path: Path) -> None:
    """Named, the layer acts however empty the window; on its own result it has nothing to do."""
    first, second = tmp_path / f"first{path.suffix}", tmp_path / f"second{path.suffix}"
    report = report_of("observe", path, "-o", first)
    assert report["strategy"] == "observational"
    (layer,) = report["layers"]
    assert layer["name"] == "observe"
    assert {change["action"] for change in layer["changes"]} == {"observed"}
    assert report["facts"]["found"] >= report["facts"]["kept"] > 0
    assert report["summarizer"] == "builtin"
    assert report["memory"]["log_tokens"] > 0
    assert log_in(first).observations.startswith("Date: ")
    again = report_of("observe", first, "-o", second)
    assert not again["layers"][0]["fired"]
    assert again["events"] == []
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.name)
def test_fit_climbs_with_the_log_in_the_place_of_the_summary(path: Path, tmp_path: Path) -> None:
    """What must fit does, and it is the log that stands for what left."""
    out = tmp_path / f"out{path.suffix}"
    done = cortex("compact", path, *OBSERVATIONAL, *SMALL, "-o", out, "--json")
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["output"]["tokens"] <= 8_000
    assert all(layer["name"] != "summary" for layer in report["layers"])
    assert log_in(out).observations


def test_state_goes_on_and_pays_only_for_what_is_new(tmp_path: Path) -> None:
    """The second run over the same file observes nothing and gives the same bytes; so does one over the result."""
    state, first = tmp_path / "memory.json", tmp_path / "first.jsonl"
    source = SAMPLES / "claude-code.jsonl"
    before = report_of("observe", source, "--state", state, "-o", first)
    assert any(event["event"] == "observation" for event in before["events"])
    saved = json.loads(state.read_bytes())
    assert saved["observations"] == log_in(first).observations
    for number, again in enumerate((source, first)):
        out = tmp_path / f"again{number}.jsonl"
        report = report_of("observe", again, "--state", state, "-o", out)
        assert report["events"] == []
        assert out.read_bytes() == first.read_bytes()
    assert json.loads(state.read_bytes()) == saved


def test_a_batch_observes_every_file_and_keeps_no_memory(tmp_path: Path) -> None:
    """Each has its own log, by a model too; what would join them is refused."""
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("claude-code.jsonl", "pi.jsonl"):
        (folder / name).write_bytes((SAMPLES / name).read_bytes())
    done = cortex("batch", folder, "-o", out, *OBSERVATIONAL, *SMALL, "--jobs", "1", "-q")
    assert done.exit_code == 0, done.stderr
    assert all(log_in(out / name).observations for name in ("claude-code.jsonl", "pi.jsonl"))
    refused = cortex("batch", folder, "-o", tmp_path / "other", *OBSERVATIONAL, "--state", tmp_path / "m.json")
    assert refused.exit_code == 2
    assert not (tmp_path / "other").exists()
    (tmp_path / "answer").write_text(SAID["whole"], encoding="utf-8")
    model = ("--summarizer", "command", "--llm-command", f"cat {tmp_path / 'answer'}", "--llm-concurrency", "1")
    done = cortex("batch", folder, "-o", tmp_path / "told", *OBSERVATIONAL, *SMALL, *model, "--jobs", "1", "-q")
    assert done.exit_code == 0, done.stderr
    assert ENTRY in log_in(tmp_path / "told" / "claude-code.jsonl").observations


def test_dry_run_leaves_the_state(tmp_path: Path) -> None:
    """Nothing is written means nothing."""
    cortex("observe", SAMPLES / "pi.jsonl", "--state", tmp_path / "memory.json", "--dry-run")
    assert list(tmp_path.iterdir()) == []


def test_what_the_archive_has_the_log_says_how_to_find(tmp_path: Path) -> None:
    """The agent that reads the log can look the originals up; restore gives the input back."""
    source, out, archive = SAMPLES / "claude-code.jsonl", tmp_path / "out.jsonl", tmp_path / "a.db"
    assert cortex("observe", source, "--archive", archive, "-o", out).exit_code == 0
    assert f"cortex recall WORDS --archive {archive}" in log_in(out).recall
    assert cortex("restore", out, "--archive", archive, "-o", tmp_path / "back").exit_code == 0
    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    again = report_of("observe", out, "-o", tmp_path / "again.jsonl")
    assert not again["layers"][0]["fired"]


def test_an_archive_given_later_adds_nothing_to_a_log_that_stands(tmp_path: Path) -> None:
    """Nothing new is observed, nothing is archived: the line of how to look things up would only cost tokens."""
    source, out, again, state = SAMPLES / "claude-code.jsonl", *(tmp_path / name for name in ("a", "b", "m.json"))
    assert cortex("observe", source, "-o", out, "--state", state).exit_code == 0
    for more in ((), ("--state", state)):
        assert cortex("observe", out, "-o", again, "-f", "--archive", tmp_path / "a.db", *more).exit_code == 0
        assert again.read_bytes() == out.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (("compact", "--state", "s.json"), "--state"),
        (("observe", "--state", "bad.json"), "bad.json"),
        (("observe", "--state", "missing/s.json"), "--state"),
        (("compact", "--layers", "summary,observe"), "--layers"),
        (("compact", "--strategy", "romantic"), "--strategy"),
        (("compact", "--compare-strategies", "-o", "x.jsonl"), "--compare-strategies"),
        (("observe", "--observer-model", "small"), "--observer-model"),
    ],
)
def test_what_does_not_go_is_told(arguments: tuple[str, ...], where: str, chdir_tmp: Path) -> None:
    """Exit code 2, what and where on one line, a hint, and nothing written."""
    (chdir_tmp / "bad.json").write_text("{")
    before = sorted(chdir_tmp.iterdir())
    done = cortex(arguments[0], SAMPLES / "pi.jsonl", *arguments[1:])
    assert done.exit_code == 2
    error, hint = done.stderr.splitlines()[:2]
    assert error.startswith("error: ")
    assert where in error
    assert hint.startswith("hint: ")
    assert sorted(chdir_tmp.iterdir()) == before


def test_a_state_is_of_one_conversation(tmp_path: Path) -> None:
    """Neither of several files nor of another session: its log would stand where it does not belong."""
    state = tmp_path / "memory.json"
    assert cortex("observe", SAMPLES / "pi.jsonl", "--state", state, "-o", tmp_path / "pi.jsonl").exit_code == 0
    before = state.read_bytes()
    several = cortex("observe", SAMPLES / "pi.jsonl", SAMPLES / "codex.jsonl", "--state", state, "-o", tmp_path)
    other = cortex("observe", SAMPLES / "codex.jsonl", "--state", state, "-o", tmp_path / "codex.jsonl")
    assert several.exit_code == other.exit_code == 2
    assert "another conversation" in other.stderr
    assert not (tmp_path / "codex.jsonl").exists()
    assert state.read_bytes() == before


def test_summaries_and_logs_follow_on_each_other(tmp_path: Path) -> None:
    """Who changes the strategy loses nothing: the one carries what the other knew."""
    source = SAMPLES / "claude-code.jsonl"
    log, summary, back = (tmp_path / f"{name}.jsonl" for name in ("log", "summary", "back"))
    assert cortex("observe", source, "-o", log).exit_code == 0
    facts = report_of("summarize", log, "--keep-recent", "1", "-o", summary)["facts"]
    assert facts["kept"] >= 0.8 * facts["found"] > 0
    kinds = [message.synthetic for message in load(summary).messages]
    assert kinds.count("summary") == 1
    assert "log" not in kinds
    assert cortex("observe", summary, "--keep-recent", "0", "-o", back).exit_code == 0


ENTRY = "* 🔴 (00:00) User wants the double billing BILL-2291 fixed"
SAID = {
    "whole": f"<observations>\nDate: Jan 02, 2026\n{ENTRY}\n</observations>\n<current-task>mend it</current-task>",
    "unclosed": f"<Observations>\nDate: Jan 02, 2026\n{ENTRY}",
    "plain": f"Date: Jan 02, 2026\n{ENTRY}",
    "empty": "<observations></observations>",
    "degenerate": "<observations>\n" + "* 🟢 (00:00) the same line again and again\n" * 40 + "</observations>",
    "long": "<observations>\n" + "".join(f"* 🟢 (00:00) word {at * 7919} of many\n" for at in range(20_000)),
}


@pytest.mark.parametrize("fallback", ["builtin", "none"])
@pytest.mark.parametrize("mode", [*SAID, "crash"])
def test_whatever_a_model_answers(mode: str, fallback: str, tmp_path: Path) -> None:
    """Its log is taken, or refused and told: then the built-in one stands there, or nothing has left."""
    answer, out = tmp_path / "answer", tmp_path / "out.jsonl"
    answer.write_text(SAID.get(mode, ""), encoding="utf-8")
    program = f"cat {answer}" if mode in SAID else "false"
    source = SAMPLES / "claude-code.jsonl"
    model = ("--summarizer", "command", "--llm-command", program, "--retry-delay", "0", "--fallback", fallback)
    report = report_of("observe", source, *model, "-o", out)
    if mode in ("whole", "unclosed", "plain"):
        assert log_in(out).observations == f"Date: Jan 02, 2026\n{ENTRY}"
        assert report["summarizer"] == "command cat"
    elif fallback == "builtin":
        assert log_in(out).observations.count("\n") > 5
        assert report["summarizer"].startswith("builtin (model failed: ")
    else:
        assert out.read_bytes() == source.read_bytes()
        assert "nothing was observed: " in report["layers"][0]["reason"]
    assert bool(report["warnings"]) == (mode not in ("whole", "unclosed", "plain"))


def test_strategies_side_by_side() -> None:
    """Tokens after, facts kept and prefix kept, of the same ledger, without a byte written."""
    source = SAMPLES / "claude-code.jsonl"
    report = report_of("compact", source, "--compare-strategies", *SMALL[:2])
    assert report["dry_run"]
    classic, observational = report["strategies"]
    assert (classic["strategy"], observational["strategy"]) == ("classic", "observational")
    assert classic["facts"]["found"] == observational["facts"]["found"] > 0
    assert observational["prefix"]["ratio"] > classic["prefix"]["ratio"]
    shown = cortex("compact", source, "--compare-strategies", *SMALL[:2])
    assert shown.exit_code == 0
    assert "prefix kept" in shown.stdout
    assert all(strategy in shown.stdout for strategy in ("classic", "observational"))
