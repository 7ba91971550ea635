"""`cortex recall` and `cortex restore`: what left can be found, read and put back."""

import json
from pathlib import Path

import pytest

from tests.bench.sessions import claude_code_session
from tests.cli.command import SAMPLES, cortex, spawn

ARCHIVE = ("--archive", "a.sqlite")


@pytest.fixture
def session(chdir_tmp: Path) -> Path:
    """Return a session compacted to out.jsonl, its originals in a.sqlite."""
    path = chdir_tmp / "s.jsonl"
    path.write_bytes(claude_code_session(300_000))
    done = cortex("compact", path, "--tokenizer", "heuristic", "--window", "20k", *ARCHIVE, "-o", "out.jsonl", "-q")
    assert done.exit_code == 0, done.stderr
    return path


def test_what_was_removed_is_found_and_printed_whole(session: Path) -> None:
    """Search, take the id, read the original: the way of people and of agents."""
    found = cortex("recall", "test", *ARCHIVE, "--limit", 2)
    lines = found.stdout.splitlines()
    assert found.exit_code == 0
    assert lines[0].startswith("[")
    assert "(20" in lines[0]
    assert lines[-1].endswith("additional results omitted)")
    assert f"    from {session}:" in found.stdout
    data = json.loads(cortex("recall", "test", *ARCHIVE, "--json").stdout)
    first = data["results"][0]
    assert len(data["results"]) == 10
    assert spawn("recall", "--id", first["ref"], *ARCHIVE).stdout.decode() == first["text"]
    assert json.loads(cortex("recall", "--id", first["ref"], *ARCHIVE, "--json").stdout)["text"] == first["text"]


def test_an_archive_takes_half_surrogates(odd_folder: Path) -> None:
    """Python names what is not UTF-8 in a path by them, and a broken encoder puts them anywhere."""
    lines = (SAMPLES / "openai.jsonl").read_text().replace('"Bash"', '"B\\ud800ash"')
    source, output = odd_folder / "in.jsonl", odd_folder / "out.jsonl"
    source.write_text(lines)
    for number in range(2):
        done = cortex("compact", source, "-o", output, "-f", *ARCHIVE, "--fit", ("50%", "40%")[number], "-q")
        assert (done.exit_code, done.stderr) == (0, "")
    assert cortex("recall", "error", *ARCHIVE).exit_code == 0
    assert cortex("restore", "--list", *ARCHIVE, "--json").exit_code == 0
    assert cortex("restore", output, *ARCHIVE, "-o", "back.jsonl").exit_code == 0
    assert Path("back.jsonl").read_text() == lines


def test_filters_choose(session: Path) -> None:
    """Which tool, and when."""
    del session
    results = json.loads(cortex("recall", "e", *ARCHIVE, "--tool", "bash", "--json").stdout)["results"]
    assert {one["tool"] for one in results} == {"Bash"}
    assert cortex("recall", "test", *ARCHIVE, "--since", "2031-01-01").exit_code == 1
    assert cortex("recall", "test", *ARCHIVE, "--until", "2031-01-01").exit_code == 0


def test_nothing_found_is_said_and_is_exit_1(session: Path) -> None:
    """A script must be able to tell."""
    del session
    done = cortex("recall", "zzqqxx vvkkjj", *ARCHIVE)
    assert (done.exit_code, done.stdout) == (1, "No results found for your query.\n")
    done = cortex("recall", "--id", "00000000", *ARCHIVE)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "00000000" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("recall", "x"),
        ("recall", *ARCHIVE),
        ("recall", "x", "--id", "y", *ARCHIVE),
        ("recall", "x", "--since", "yesterday", *ARCHIVE),
        ("recall", "x", "--archive", "missing.sqlite"),
        ("restore", "out.jsonl"),
        ("restore", *ARCHIVE),
        ("restore", "s.jsonl", *ARCHIVE),
        ("restore", "out.jsonl", "--archive", "s.jsonl"),
    ],
    ids=" ".join,
)
def test_bad_input_is_two_lines_and_exit_2(session: Path, arguments: tuple[str, ...]) -> None:
    """What, and how to mend it."""
    del session
    done = cortex(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]


def test_the_input_comes_back(session: Path) -> None:
    """To a stream, or to a file that is not there yet."""
    data = session.read_bytes()
    assert spawn("restore", "out.jsonl", *ARCHIVE).stdout == data
    assert cortex("restore", "out.jsonl", *ARCHIVE, "-o", "back.jsonl").exit_code == 0
    assert Path("back.jsonl").read_bytes() == data
    assert cortex("restore", "out.jsonl", *ARCHIVE, "-o", "back.jsonl").exit_code == 1


def test_a_session_that_went_on_is_restored_by_force_only(session: Path) -> None:
    """The client has appended to it: its lines must not be lost unseen."""
    with Path("out.jsonl").open("ab") as stream:
        stream.write(b'{"type":"user","text":"and on"}\n')
    refused = cortex("restore", "out.jsonl", *ARCHIVE, "-o", "back.jsonl")
    assert refused.exit_code == 2
    assert "edited since" in refused.stderr
    done = cortex("restore", "out.jsonl", *ARCHIVE, "-o", "back.jsonl", "--force")
    assert (done.exit_code, "1 records more" in done.stderr) == (0, True)
    assert Path("back.jsonl").read_bytes() == session.read_bytes() + b'{"type":"user","text":"and on"}\n'


def test_runs_are_listed(session: Path) -> None:
    """Which file was made of which, and when."""
    listed = cortex("restore", "--list", *ARCHIVE).stdout
    assert listed.count("\n") == 1
    assert f"{session} -> {session.with_name('out.jsonl')}" in listed
    [run] = json.loads(cortex("restore", "--list", *ARCHIVE, "--json").stdout)["runs"]
    assert run["about"]["input"]["sha256"] == run["input_sha256"]
