"""Where results go and what is said about them: the contract of DESIGN section 4."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import ROOT, SAMPLES, SMALL, cortex, spawn

OPENAI = SAMPLES / "openai.jsonl"


@pytest.fixture
def session(chdir_tmp: Path) -> Path:
    """Return a transcript of its own in an empty current folder."""
    path = chdir_tmp / "s.jsonl"
    shutil.copy(OPENAI, path)
    path.chmod(0o600)
    return path


def names(folder: Path) -> set[str]:
    """Return what stands in a folder."""
    return {path.name for path in folder.iterdir()}


def test_a_file_gets_its_result_beside_it(session: Path) -> None:
    """The input is never touched, and the result is as private as it."""
    before = session.read_bytes()
    result = cortex("compact", session, *SMALL)
    output = session.with_name("s.compacted.jsonl")
    assert (result.exit_code, result.stdout) == (0, "")
    assert names(session.parent) == {"s.jsonl", "s.compacted.jsonl"}
    assert session.read_bytes() == before
    assert output.stat().st_size < len(before)
    assert output.stat().st_mode & 0o777 == 0o600
    assert str(output) in " ".join(result.stderr.split())


def test_an_existing_output_needs_force(session: Path) -> None:
    """A second run asks before it takes the place of the first."""
    output = session.with_name("s.compacted.jsonl")
    output.write_bytes(b"precious")
    result = cortex("compact", session, *SMALL)
    assert result.exit_code == 1
    assert "already exists" in result.stderr
    assert "--force" in result.stderr
    assert output.read_bytes() == b"precious"
    assert cortex("compact", session, *SMALL, "--force").exit_code == 0
    assert output.read_bytes() != b"precious"


def test_standard_input_goes_to_standard_output(session: Path) -> None:
    """The way of pipes: data on one stream, words on the other."""
    data = session.read_bytes()
    by_pipe = cortex("compact", *SMALL, stdin=data)
    by_dash = cortex("compact", "-", *SMALL, stdin=data)
    by_file = cortex("compact", session, *SMALL, "-o", "-")
    assert by_pipe.exit_code == 0
    assert by_pipe.stdout_bytes == by_dash.stdout_bytes == by_file.stdout_bytes
    assert len(by_pipe.stdout_bytes) < len(data)
    assert "standard input" in by_pipe.stderr
    assert names(session.parent) == {"s.jsonl"}


def test_no_input_at_all_is_said() -> None:
    """A program that silently waits for a terminal looks like one that hangs."""
    ours, theirs = os.openpty()
    done = spawn("compact", stdin=theirs)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: no input\nhint: name a file or a session")


def test_a_pipe_named_as_a_file_has_no_place_beside_it(session: Path) -> None:
    """`cortex compact <(zcat old.jsonl.gz)`: the result goes where the pipe's would."""
    command = f"{sys.executable} -m cortex_cli compact <(cat {session}) --tokenizer heuristic {' '.join(SMALL)}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", command], cwd=session.parent, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert 0 < len(done.stdout) < session.stat().st_size
    assert names(session.parent) == {"s.jsonl"}


def test_in_place_keeps_a_backup(session: Path) -> None:
    """The way back is one `mv`."""
    before = session.read_bytes()
    result = cortex("compact", session, *SMALL, "--in-place")
    assert result.exit_code == 0
    assert names(session.parent) == {"s.jsonl", "s.jsonl.bak"}
    assert session.with_name("s.jsonl.bak").read_bytes() == before
    assert len(session.read_bytes()) < len(before)
    assert "s.jsonl.bak" in " ".join(result.stderr.split())


@pytest.mark.parametrize("name", ["claude-code", "codex", "pi"])
def test_a_session_in_place_keeps_what_its_client_no_longer_reads(name: str, chdir_tmp: Path) -> None:
    """The client's own way: the past stays in the file, before the mark from which it reads."""
    path = chdir_tmp / "s.jsonl"
    shutil.copy(SAMPLES / f"{name}.jsonl", path)
    before = path.read_bytes()
    assert cortex("compact", path, *SMALL, "-o", "short.jsonl", "-q").exit_code == 0
    assert cortex("compact", path, *SMALL, "--keep-history", "-o", "long.jsonl", "-q").exit_code == 0
    assert cortex("compact", path, *SMALL, "--in-place", "-q").exit_code == 0
    assert path.read_bytes() == Path("long.jsonl").read_bytes()
    assert len(path.read_bytes()) > len(before) / 2 > len(Path("short.jsonl").read_bytes())
    short, long = (json.loads(cortex("stats", one, "--json").stdout)["input"] for one in ("short.jsonl", "long.jsonl"))
    assert (short["messages"], short["tokens"]) == (long["messages"], long["tokens"])


def test_in_place_with_nothing_to_do_writes_nothing(session: Path) -> None:
    """No change, no backup, no new time of writing."""
    before = session.stat().st_mtime_ns
    result = cortex("compact", session, "--in-place")
    assert result.exit_code == 0
    assert "nothing to do; nothing was written" in result.stderr
    assert session.stat().st_mtime_ns == before
    assert names(session.parent) == {"s.jsonl"}


def test_nothing_to_do_gives_the_inputs_bytes(session: Path) -> None:
    """A script can rely on an output, and the user is told what would act."""
    result = cortex("compact", session)
    assert result.exit_code == 0
    assert session.with_name("s.compacted.jsonl").read_bytes() == session.read_bytes()
    assert "nothing to do" in result.stderr
    assert "--fit" in result.stderr


def test_dry_run_writes_nothing_and_reports_on_standard_output(session: Path) -> None:
    """What would happen is then what was asked for."""
    result = cortex("compact", session, *SMALL, "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "nothing was written" in result.stdout
    assert names(session.parent) == {"s.jsonl"}


def test_json_is_the_report_as_data(session: Path) -> None:
    """The names are a contract with whoever reads it."""
    result = cortex("compact", session, *SMALL, "--json")
    report = json.loads(result.stdout)
    assert result.stderr == ""
    assert list(report)[:3] == ["version", "command", "dry_run"]
    assert report["command"] == "compact"
    assert report["input"]["path"] == str(session)
    assert report["input"]["bytes"] == session.stat().st_size
    assert report["output"]["path"] == str(session.with_name("s.compacted.jsonl"))
    assert report["output"]["bytes"] == session.with_name("s.compacted.jsonl").stat().st_size
    assert report["output"]["tokens"] <= 8_000 < report["input"]["tokens"]
    assert report["saved_tokens"] == report["input"]["tokens"] - report["output"]["tokens"]
    assert {change["action"] for layer in report["layers"] for change in layer["changes"]} >= {"cap", "summarized"}


def test_json_and_data_cannot_both_have_standard_output(session: Path) -> None:
    """Mixed, neither could be read."""
    for arguments in ([session, "-o", "-"], ["-"]):
        result = cortex("compact", *arguments, "--json", stdin=session.read_bytes())
        assert result.exit_code == 2
        assert "standard output has the transcript already" in result.stderr
    assert cortex("compact", "-", "--json", "--dry-run", stdin=session.read_bytes()).exit_code == 0


@pytest.mark.parametrize("form", ["rich", "text", "json", "none"])
def test_forms_of_the_report(session: Path, form: str) -> None:
    """Data stays on standard output whatever the report looks like."""
    result = cortex(
        "compact", session, *SMALL, "-o", "-", "--report", form, env={"NO_COLOR": "", "TERM": "xterm-256color"}
    )
    assert result.stdout_bytes.startswith(b'{"role"')
    assert ("\x1b[" in result.stderr) == (form == "rich")
    assert (result.stderr == "") == (form == "none")
    assert form != "json" or json.loads(result.stderr)["command"] == "compact"


def test_the_report_can_go_to_a_file(session: Path) -> None:
    """For a log, beside what people read."""
    result = cortex("compact", session, *SMALL, "--report-file", "r.json")
    assert result.exit_code == 0
    assert json.loads((session.parent / "r.json").read_text())["command"] == "compact"
    assert "saved" in result.stderr
    again = cortex("compact", session, *SMALL, "--dry-run", "--report-file", "r.json")
    assert again.exit_code == 1
    assert "r.json: already exists" in again.stderr


def test_the_report_can_be_a_page(session: Path) -> None:
    """To be looked at and passed on: with the texts, which the JSON report leaves out."""
    assert cortex("compact", session, *SMALL, "-q", "--report-file", "r.html").exit_code == 0
    page = (session.parent / "r.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "<del " in page


def test_the_page_of_several_inputs_has_their_sums(session: Path) -> None:
    """Of many, the sums are wanted first."""
    other = session.with_name(f"other{session.suffix}")
    other.write_bytes(session.read_bytes())
    result = cortex("compact", session, other, *SMALL, "-n", "-q", "--report-file", "r.html")
    assert result.exit_code == 0
    assert "By tool" in (session.parent / "r.html").read_text()


def test_quiet_says_nothing(session: Path) -> None:
    """In scripts only failures speak."""
    result = cortex("compact", session, *SMALL, "-q")
    assert (result.exit_code, result.output) == (0, "")


def test_what_cannot_fit_ends_with_3_and_writes_nothing(session: Path) -> None:
    """The smallest size that can be reached is the most useful answer."""
    result = cortex("compact", session, "--fit", "100")
    assert result.exit_code == 3
    assert "smallest size" in result.stderr
    assert names(session.parent) == {"s.jsonl"}


def test_fit_in_percent_of_the_input(session: Path) -> None:
    """Half of what it is, whatever that is."""
    report = json.loads(cortex("compact", session, "--fit", "50%", "--json", "--dry-run").stdout)
    assert report["output"]["tokens"] <= report["input"]["tokens"] * 0.5


def test_several_sources(session: Path) -> None:
    """A bad one is named, the good ones are done, and the code tells that something failed."""
    bad = session.with_name("bad.jsonl")
    bad.write_bytes(b"no transcript\n")
    other = session.with_name("t.jsonl")
    shutil.copy(session, other)
    result = cortex("compact", session, bad, other, *SMALL, "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert names(session.parent) >= {"s.compacted.jsonl", "t.compacted.jsonl"}
    assert [one["input"]["path"] for one in report["files"]] == [str(session), str(other)]
    assert [one["path"] for one in report["failed"]] == [str(bad)]
    assert report["totals"]["files"] == 2
    assert result.stderr.splitlines()[-1] == "error: 1 of 3 inputs failed"


def test_several_sources_into_a_directory(session: Path) -> None:
    """One output file for two inputs would lose one of them."""
    other = session.with_name("t.jsonl")
    shutil.copy(session, other)
    refused = cortex("compact", session, other, *SMALL, "-o", "one.jsonl")
    assert (refused.exit_code, "2 inputs and one output" in refused.stderr) == (2, True)
    (session.parent / "out").mkdir()
    assert cortex("compact", session, other, *SMALL, "-o", "out").exit_code == 0
    assert names(session.parent / "out") == {"s.compacted.jsonl", "t.compacted.jsonl"}


def test_the_output_must_not_be_the_input(session: Path) -> None:
    """Not even with --force: only --in-place keeps a backup."""
    before = session.read_bytes()
    result = cortex("compact", session, *SMALL, "-o", session, "--force")
    assert result.exit_code == 2
    assert "--in-place" in result.stderr
    assert session.read_bytes() == before


def test_micro_acts_below_the_floor_unless_the_floor_is_given(session: Path) -> None:
    """Who asks for a layer by name wants it to act."""
    options = ("--window", "64k", "--hot-zone-min", "2k", "--dry-run", "--json")
    acted = json.loads(cortex("micro", session, *options).stdout)
    asleep = json.loads(cortex("micro", session, *options, "--trim-floor", "0.9").stdout)
    assert [layer["name"] for layer in acted["layers"]] == ["cap", "micro"]
    assert acted["saved_tokens"] > 0
    assert asleep["saved_tokens"] == 0
    (session.parent / "cortex.toml").write_text("trim_floor_ratio = 0.9\n")
    assert json.loads(cortex("micro", session, *options).stdout)["saved_tokens"] > 0


def test_failsafe_alone(session: Path) -> None:
    """It drops the oldest messages, and names what a person had written."""
    result = cortex("failsafe", session, "--fit", "8k", "--dry-run")
    report = json.loads(cortex("failsafe", session, "--fit", "8k", "--dry-run", "--json").stdout)
    assert [layer["name"] for layer in report["layers"] if layer["fired"]] == ["failsafe"]
    assert report["output"]["tokens"] <= 8_000
    assert "dropped" in result.stdout


def test_until_leaves_the_rest_alone(session: Path) -> None:
    """What stands at and after the message is the same bytes."""
    lines = session.read_bytes().splitlines(keepends=True)
    result = cortex("compact", session, "--window", "16k", "--until", "10", "-o", "-", "-q")
    assert result.stdout_bytes != session.read_bytes()
    assert result.stdout_bytes.endswith(b"".join(lines[10:]))


def test_settings_come_from_file_and_environment_too(session: Path) -> None:
    """A project sets its window once."""
    (session.parent / "cortex.toml").write_text("fit = 8000\n")
    assert json.loads(cortex("compact", session, "-n", "--json").stdout)["output"]["tokens"] <= 8_000
    environment = {"CORTEX_FIT": "12k"}
    tokens = json.loads(cortex("compact", session, "-n", "--json", env=environment).stdout)["output"]["tokens"]
    assert 8_000 < tokens <= 12_000


def test_a_data_set_of_conversations(session: Path) -> None:
    """One conversation a line: each is compacted, none moves to another line."""
    messages = [json.loads(line) for line in session.read_bytes().splitlines()]
    row = json.dumps({"messages": messages})
    session.write_text(f"{row}\n{row}\n")
    report = json.loads(cortex("compact", session, *SMALL, "--json").stdout)
    lines = session.with_name("s.compacted.jsonl").read_text().splitlines()
    assert len(lines) == 2
    assert lines[0] == lines[1]
    assert report["input"]["messages"] == 2 * len(messages)
    assert report["input"]["bytes"] == 2 * len(row) + 2
    assert report["output"]["tokens"] <= 2 * 8_000


def hostile(value: str) -> list[dict[str, Any]]:
    """Make a conversation whose every text tries to act on the terminal."""
    function = {"name": f"Ba{value}sh", "arguments": json.dumps({"c": value})}
    call = {"id": f"c{value}", "type": "function", "function": function}
    return [
        {"role": "user", "content": f"go {value}"},
        {"role": "assistant", "content": f"I {value}", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"c{value}", "content": f"{value} line\n" * 2000},
        {"role": "assistant", "content": f"done {value}"},
        {"role": "user", "content": f"thanks {value}"},
    ]


EVIL = "\x1b[31m\x1b]0;owned\x07\x9b2J\r\u202e[bold][/x]:boom: \x00\ud83d"


@pytest.mark.parametrize("command", ["compact", "stats", "show", "check", "diff", "batch"])
def test_nothing_in_a_transcript_acts_on_the_terminal(command: str, chdir_tmp: Path) -> None:
    """Tool output carries escape sequences; one of them could hide what the report says."""
    folder = chdir_tmp / "f\x1b[31molder"
    folder.mkdir()
    path = folder / "e\x1b[31mvil\u202e.jsonl"
    path.write_text("\n".join(map(json.dumps, hostile(EVIL))) + "\n")
    arguments: dict[str, list[object]] = {
        "compact": [path, "-n", "-v", "--show-diff", "--window", "4k", "--hot-zone-min", "10"],
        "batch": [folder, "-n", "-v", "--window", "4k"],
        "diff": [path, path, "-v"],
        "show": [path, "-v"],
    }
    result = cortex(command, *arguments.get(command, [path]), env={"NO_COLOR": "1"})
    assert result.exit_code == 0, result.stderr
    assert not set(result.output) & set("\x1b\x07\x9b\r\u202e\x00\ud83d")


def test_output_survives_a_terminal_that_is_not_utf_8(session: Path) -> None:
    """A report must not end in a traceback because of a bar."""
    for encoding in ("ascii", "cp1252"):
        options = ("--tokenizer", "heuristic", "-n", "--show-diff")
        done = spawn("compact", session, *SMALL, *options, env={"PYTHONIOENCODING": encoding})
        assert done.returncode == 0, done.stderr
        assert b"#" in done.stdout
        done = spawn("stats", session, "--json", *options[:2], env={"PYTHONIOENCODING": encoding})
        assert json.loads(done.stdout)["command"] == "stats"
