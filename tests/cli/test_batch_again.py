"""A batch run again: what is done stays done, what is new, changed or failed is done, whatever ended the last run."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cortex_cli.batch import local
from cortex_cli.batch.job import Job, Outcome
from cortex_cli.batch.paths import MANIFEST_NAME
from cortex_cli.settings import Settings
from cortex_cli.targets import Target
from cortex_cli.tokens import make_counter
from tests.cli.command import ROOT, SAMPLES, SMALL, cortex

OPTIONS = (*SMALL, "--tokenizer", "heuristic", "--jobs", "1")


@pytest.fixture
def tree(chdir_tmp: Path) -> Path:
    """Return a folder of four transcripts."""
    root = chdir_tmp / "in"
    (root / "deep").mkdir(parents=True)
    for number in range(4):
        shutil.copy(SAMPLES / "openai.jsonl", root / "deep" / f"{number}.jsonl")
    return root


def run(*arguments: object, code: int = 0) -> dict[str, int]:
    """Run a batch and return its totals."""
    result = cortex("batch", *arguments, *OPTIONS, "--json")
    assert result.exit_code == code, result.stderr
    totals: dict[str, int] = json.loads(result.stdout)["totals"]
    return totals


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """Read a manifest."""
    return [json.loads(line) for line in (folder / MANIFEST_NAME).read_text().splitlines()]


def files_of(folder: Path) -> dict[str, bytes]:
    """Return everything below a folder but the manifest, which tells times."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != MANIFEST_NAME}


def test_a_second_run_does_nothing(tree: Path) -> None:
    """Millions of files are not read again because three came in."""
    assert run(tree, "-o", "out")["files"] == 4
    times = {path: path.stat().st_mtime_ns for path in Path("out/deep").iterdir()}
    again = run(tree, "-o", "out")
    assert (again["files"], again["finished_before"]) == (0, 4)
    assert times == {path: path.stat().st_mtime_ns for path in Path("out/deep").iterdir()}


def test_new_changed_failed_and_lost_files_are_done(tree: Path) -> None:
    """Each of the reasons for which a result may be missing."""
    bad = tree / "bad.jsonl"
    bad.write_bytes(b'{"role": "user"\n')
    assert run(tree, "-o", "out", code=1)["failed"] == 1
    shutil.copy(SAMPLES / "openai.jsonl", tree / "new.jsonl")
    shutil.copy(SAMPLES / "anthropic.json", tree / "deep" / "0.jsonl")
    Path("out/deep/1.jsonl").unlink()
    totals = run(tree, "-o", "out", code=1)
    assert (totals["files"], totals["failed"], totals["finished_before"]) == (3, 1, 2)
    shutil.copy(SAMPLES / "openai.jsonl", bad)
    assert run(tree, "-o", "out")["files"] == 1


def test_a_touched_file_is_not_a_changed_file(tree: Path) -> None:
    """A checkout gives everything a new time."""
    run(tree, "-o", "out")
    os.utime(tree / "deep" / "0.jsonl", (1, 1))
    assert run(tree, "-o", "out")["finished_before"] == 4


@pytest.mark.parametrize("place", [("-o", "out"), ("--in-place",)])
def test_what_is_no_transcript_is_looked_at_once(tree: Path, place: tuple[str, ...]) -> None:
    """A folder of exports holds large files that are none; one that has changed may be one now."""
    other = tree / "other.json"
    other.write_text('{"name": "x"}')
    assert run(tree, *place)["finished_before"] == 0
    again = run(tree, *place)
    assert (again["files"], again["finished_before"]) == (0, 5)
    shutil.copy(SAMPLES / "openai.jsonl", other)
    assert run(tree, *place)["files"] == 1


def test_other_settings_are_another_batch(tree: Path) -> None:
    """What was done for 8k is not what is asked for with 6k; our own outputs need no force."""
    run(tree, "-o", "out")
    before = files_of(Path("out"))
    assert run(tree, "-o", "out", "--keep-recent", "2")["files"] == 4
    assert files_of(Path("out")) != before


def test_an_edited_output_is_not_ours_any_more(tree: Path) -> None:
    """Somebody's work on a result outweighs a rerun."""
    run(tree, "-o", "out")
    Path("out/deep/2.jsonl").write_text("my own\n")
    assert run(tree, "-o", "out", "--keep-recent", "2", code=1)["failed"] == 1
    assert Path("out/deep/2.jsonl").read_text() == "my own\n"


def test_in_place_runs_know_their_own_results(tree: Path) -> None:
    """A file that was made smaller has changed, and is done all the same."""
    run(tree, "--in-place")
    before = files_of(tree)
    assert run(tree, "--in-place")["finished_before"] == 4
    assert files_of(tree) == before


def test_retry_failed_leaves_everything_else_alone(tree: Path) -> None:
    """After an outage, the rest of the archive is not looked at again."""
    (tree / "bad.jsonl").write_bytes(b'{"role": "user"\n')
    run(tree, "-o", "out", code=1)
    shutil.copy(SAMPLES / "openai.jsonl", tree / "bad.jsonl")
    shutil.copy(SAMPLES / "openai.jsonl", tree / "new.jsonl")
    assert run(tree, "-o", "out", "--retry-failed")["files"] == 1
    assert not Path("out/new.jsonl").exists()


def test_the_manifest_says_what_happened(tree: Path) -> None:
    """It is read by people and their scripts."""
    (tree / "bad.jsonl").write_bytes(b'{"role": "user"\n')
    (tree / "other.json").write_text('{"name": "x"}')
    run(tree, "-o", "out", code=1)
    last = {line["path"]: line for line in lines_of(Path("out"))}
    assert {name: line["result"] for name, line in last.items()} == {
        **{f"deep/{number}.jsonl": "done" for number in range(4)},
        "bad.jsonl": "failed",
        "other.json": "skipped",
    }
    done = last["deep/0.jsonl"]
    assert done["tokens_after"] < done["tokens_before"]
    assert done["bytes"] == (tree / "deep" / "0.jsonl").stat().st_size
    assert done["time"].endswith("Z")
    assert "bad.jsonl:" in last["bad.jsonl"]["error"]


def test_a_torn_manifest_is_read_on(tree: Path) -> None:
    """A power cut may leave half a line; only that file is done again."""
    run(tree, "-o", "out")
    manifest = Path("out") / MANIFEST_NAME
    manifest.write_bytes(manifest.read_bytes()[:-20])
    totals = run(tree, "-o", "out")
    assert (totals["files"], totals["finished_before"]) == (1, 3)
    assert lines_of(Path("out"))[-1]["result"] == "done"


def test_a_manifest_of_a_newer_version_is_refused(tree: Path) -> None:
    """What it says cannot be known."""
    Path("out").mkdir()
    (Path("out") / MANIFEST_NAME).write_text('{"version": 99, "path": "x", "result": "done"}\n')
    result = cortex("batch", tree, "-o", "out")
    assert result.exit_code == 2
    assert "newer version" in result.stderr
    assert "hint:" in result.stderr


def start(tree: Path, *more: str) -> "subprocess.Popen[bytes]":
    """Start a batch as a process of its own."""
    command = [sys.executable, "-m", "cortex_cli", "batch", str(tree), "-o", "out", *SMALL, "--tokenizer", "heuristic"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(tree)}
    return subprocess.Popen([*command, *more], env=environment, stdout=-1, stderr=-1, start_new_session=True)


def wait_for(pattern: str, count: int = 1) -> None:
    """Wait until the batch has written files."""
    deadline = time.monotonic() + 30
    while len(list(Path("out").glob(pattern))) < count and time.monotonic() < deadline:
        time.sleep(0.01)


def test_two_batches_do_not_write_to_one_directory(tree: Path) -> None:
    """Both would do everything, and each would take the other's outputs for somebody else's."""
    for number in range(40):
        shutil.copy(SAMPLES / "openai.jsonl", tree / f"{number:03}.jsonl")
    with start(tree, "--jobs", "1") as first:
        wait_for("0*")
        os.killpg(first.pid, signal.SIGSTOP)  # it is in the middle for as long as the second needs
        try:
            second = cortex("batch", tree, "-o", "out", *OPTIONS)
        finally:
            os.killpg(first.pid, signal.SIGCONT)
        assert first.wait(60) == 0
    assert second.exit_code == 1
    assert "another batch is writing here" in second.stderr


@pytest.mark.slow
def test_kills_at_any_moment_and_a_rerun_give_the_tree_of_a_clean_run(tree: Path) -> None:
    """All processes or the first one alone: no half files, nothing left out, no outputs taken for somebody else's."""
    for number in range(120):
        shutil.copy(SAMPLES / "openai.jsonl", tree / f"{number:03}.jsonl")
    assert cortex("batch", tree, "-o", "clean", *OPTIONS).exit_code == 0
    chance = random.Random(7)
    for kill in (os.killpg, os.kill, os.kill):
        with start(tree, "--jobs", "2") as process:
            wait_for("*.jsonl", 1 + len(list(Path("out").glob("*.jsonl"))))
            time.sleep(chance.random() * 0.2)
            kill(process.pid, signal.SIGKILL)
            process.communicate(timeout=30)
    with start(tree, "--jobs", "2") as process:
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert files_of(Path("out")) == files_of(Path("clean"))


def deadly(job: Job) -> Outcome:
    """Stand for a file on which the process dies; it stands in this module so that workers can import it."""
    if "deadly" in job.name:
        os.kill(os.getpid(), signal.SIGKILL)
    return Outcome(job, "done", {})


@pytest.mark.slow
def test_a_file_that_kills_its_process_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory may run out on one of a million; which one it was is found by trying those under way one by one."""
    monkeypatch.setattr(local, "_run_in_worker", deadly)
    names = [f"{number}{'-deadly' if number in (5, 17) else ''}.jsonl" for number in range(30)]
    jobs = [Job(str(tmp_path / name), Target("none"), Settings(), name=name) for name in names]
    outcomes = {one.job.name: one.status for one in local.run_jobs(jobs, processes=2)}
    assert outcomes == {name: "failed" if "deadly" in name else "done" for name in names}


def dies_when_done(job: Job) -> Outcome:
    """Stand for a process that is lost between writing a result and telling of it; the next try goes well."""
    outcome = local.run_anywhere(job, make_counter("heuristic"))
    mark = Path(f"{job.path}.died")
    if job.name == "a.jsonl" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return outcome


@pytest.mark.slow
def test_a_result_of_a_try_that_died_is_replaced_and_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second try finds what the first left in its place; what stood there before the run stays refused."""
    monkeypatch.setattr(local, "_run_in_worker", dies_when_done)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "theirs.jsonl").write_text("keep me")
    names = ["a.jsonl", "theirs.jsonl", "b.jsonl"]
    for name in names:
        shutil.copy(SAMPLES / "openai.jsonl", tmp_path / name)
    settings = Settings(tokenizer="heuristic", window=4000)
    jobs = [Job(str(tmp_path / name), Target("file", tmp_path / "out" / name), settings, name=name) for name in names]
    outcomes = {one.job.name: one for one in local.run_jobs(jobs, processes=2)}
    assert {name: one.status for name, one in outcomes.items()} == {
        "a.jsonl": "done",
        "theirs.jsonl": "failed",
        "b.jsonl": "done",
    }
    assert "already exists" in outcomes["theirs.jsonl"].error
    assert (tmp_path / "out" / "theirs.jsonl").read_text() == "keep me"
