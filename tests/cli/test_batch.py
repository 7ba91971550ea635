"""Whole directories: good files are done, bad ones named, others left alone."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cortex_cli.batch.paths import MANIFEST_NAME
from tests.cli.command import ROOT, SAMPLES, SMALL, cortex

READY = tuple(path.stem for path in SAMPLES.glob("*.json*"))


@pytest.fixture
def tree(chdir_tmp: Path) -> Path:
    """Return a folder of samples, a damaged file, and files that are no transcripts."""
    root = chdir_tmp / "in"
    (root / "deep").mkdir(parents=True)
    for path in SAMPLES.glob("*.json*"):
        shutil.copy(path, root / "deep" / path.name)
    (root / "bad.jsonl").write_bytes(b'{"role": "user"\n\xff\xfe nothing\n')
    (root / "package.json").write_text('{"name": "x", "version": "1"}\n')
    (root / "README.md").write_text("# x\n")
    return root


def _files(folder: Path) -> dict[str, bytes]:
    """Return everything below a folder but the manifest, which tells times."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if name != MANIFEST_NAME}


def test_a_tree_is_mirrored_and_bad_files_are_named(tree: Path) -> None:
    """One broken file among a thousand costs one line, not the run."""
    before = _files(tree)
    result = cortex("batch", tree, "-o", "out", *SMALL, "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert _files(tree) == before
    assert _files(Path("out")).keys() == {name for name in before if name.startswith("deep/")}
    assert [one["path"] for one in report["failed"]] == [str(tree / "bad.jsonl")]
    assert f"error: {tree}/bad.jsonl:1: " in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: 1 of ")
    assert report["totals"] | {"files": len(READY), "failed": 1, "skipped": 2} == report["totals"]
    saved = report["totals"]["saved_tokens"]
    assert saved == sum(one["saved_tokens"] for one in report["files"]) > 0
    for key in ("format", "age", "directory"):
        assert sum(one["saved_tokens"] for one in report["sums"][key]) == saved
    assert [one["name"] for one in report["sums"]["age"]] == ["under a day"]


def test_a_file_that_was_named_and_is_no_transcript_is_an_error(tree: Path) -> None:
    """Who names a file wants that file: "0 transcripts" and success would be taken for done. In a folder it is none."""
    plain = cortex("compact", tree / "package.json")
    assert cortex("batch", tree, "--exclude", "bad.jsonl", "-o", "out").exit_code == 0
    for options in (("-o", "out"), ("-o", "new"), ("--dry-run",)):
        named = cortex("batch", tree / "package.json", *options)
        assert named.exit_code == 1
        assert plain.stderr.splitlines()[:2] == named.stderr.splitlines()[:2]
    assert not Path("out/package.json").exists()


def test_in_place_keeps_backups_and_a_second_run_changes_nothing(tree: Path) -> None:
    """Done once, a tree stays as it is."""
    (tree / "bad.jsonl").unlink()
    before = _files(tree)
    assert cortex("batch", tree, "--in-place", *SMALL).exit_code == 0
    after = _files(tree)
    assert {name.removesuffix(".bak") for name in after} == before.keys()
    assert all(after[f"{name}.bak"] == before[name] for name in before if f"{name}.bak" in after)
    assert cortex("batch", tree, "--in-place", *SMALL).exit_code == 0
    assert _files(tree) == after


def test_dry_run_prints_the_savings_and_writes_nothing(tree: Path) -> None:
    """How much would it be? is the first question."""
    (tree / "bad.jsonl").unlink()
    before = _files(tree)
    result = cortex("batch", tree, "--dry-run", *SMALL)
    assert (result.exit_code, result.stderr) == (0, "")
    assert _files(tree) == before
    assert f"{len(READY)} transcripts" in result.stdout
    assert "2 other files left alone" in result.stdout
    assert "deep/codex.jsonl" in result.stdout


def test_several_processes_do_the_same_as_one(tree: Path) -> None:
    """The result does not depend on who made it."""
    options = (*SMALL, "--tokenizer", "heuristic", "-q")
    one = cortex("batch", tree, "-o", "one", *options, "--jobs", "1")
    two = cortex("batch", tree, "-o", "two", *options, "--jobs", "2")
    assert (one.exit_code, two.exit_code) == (1, 1)
    assert _files(Path("one")) == _files(Path("two"))
    assert sorted(one.stderr.splitlines()) == sorted(two.stderr.splitlines())


def test_outputs_of_others_need_force(tree: Path) -> None:
    """A file that no batch wrote is one error, and the others are done."""
    (tree / "bad.jsonl").unlink()
    theirs = Path("out/deep/codex.jsonl")
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    assert cortex("batch", tree, "-o", "out", *SMALL, "-q").exit_code == 1
    again = cortex("batch", tree, "-o", "out", *SMALL, "-q")
    assert again.exit_code == 1
    assert again.stderr.count("already exists") == 1
    assert theirs.read_text() == "mine"
    assert cortex("batch", tree, "-o", "out", *SMALL, "-q", "--force").exit_code == 0
    assert theirs.read_text() != "mine"


def test_an_interrupt_leaves_whole_files_only(chdir_tmp: Path) -> None:
    """Files under way are finished, no others begun, and no process stays behind."""
    root = chdir_tmp / "in"
    root.mkdir()
    for number in range(300):
        shutil.copy(SAMPLES / "openai.jsonl", root / f"{number:03}.jsonl")
    command = [sys.executable, "-m", "cortex_cli", "batch", str(root), "-o", "out", *SMALL, "--jobs", "2"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(chdir_tmp)}
    with subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, start_new_session=True) as process:
        deadline = time.monotonic() + 30
        while not list(Path("out").glob("0*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert b"Traceback" not in stderr
    done = _files(Path("out"))
    assert 0 < len(done) < 300
    assert len(set(done.values())) == 1
