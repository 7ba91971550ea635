"""Compact with an archive, restore: the input, byte for byte; and never an output without its originals."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from cortex_cli.archive import Archive
from cortex_cli.archiving import Recording
from cortex_cli.compaction import compact
from cortex_cli.errors import DoesNotFitError
from cortex_cli.files import InputFile
from cortex_cli.report import merge_reports
from cortex_cli.settings import DEFAULT_LAYERS, Settings
from cortex_cli.tokens import make_counter
from tests.bench.sessions import claude_code_session
from tests.cli.command import ROOT, SAMPLES, SMALL, cortex
from tests.conftest import tool_pair, transcript, user
from tests.roundtrip import dump_all, load_all
from tests.test_shared_transcripts import EACH_FILE, UNFIT, WINDOWS

COUNTER = make_counter("heuristic")
HEURISTIC = ("--tokenizer", "heuristic")
KILLS = 50


@EACH_FILE
@pytest.mark.parametrize(
    ("window", "layers"),
    [
        (16_000, ("cap", "micro", "failsafe")),
        pytest.param(8_000, DEFAULT_LAYERS, marks=pytest.mark.slow),
        pytest.param(8_000, ("cap", "micro", "observe", "failsafe"), marks=pytest.mark.slow),
    ],
    ids=["bare", "all", "observe"],
)
def test_every_file_comes_back(path: Path, name: str, window: int, layers: tuple[str, ...], tmp_path: Path) -> None:
    """Whatever the format, the layers and the size: what a compaction changes is restored to the byte."""
    del name
    data = path.read_bytes()
    settings = Settings(
        window=window, tokenizer="heuristic", layers=layers, archive=str(tmp_path / "a.sqlite"), now="2026-03-01"
    )
    recording = Recording.of(settings)
    assert recording is not None
    try:
        results = [compact(one, settings, counter=COUNTER, persist=recording.persist) for one in load_all(data)]
    except DoesNotFitError:
        if window >= WINDOWS[0] and path.name not in UNFIT:
            raise
        pytest.skip("what must stay is too large for the window")
    report = merge_reports([one.report for one in results])
    done = [one.transcript for one in results]
    output = dump_all(done)
    keep = recording.keeper(InputFile(data, str(path)), done, report)
    assert (keep is None) == (not report.changed)
    if keep is not None:
        keep(output, "out")
        assert Archive(settings.archive).restore(output).data == data


@pytest.mark.parametrize("sample", sorted(path.name for path in SAMPLES.glob("*.json*")))
@pytest.mark.parametrize("place", [(), ("--in-place",), ("--fork",)])
def test_samples_come_back(sample: str, place: tuple[str, ...], chdir_tmp: Path) -> None:
    """Over the input and in a session of its own, too."""
    session = chdir_tmp / sample
    shutil.copy(SAMPLES / sample, session)
    done = cortex("compact", session, *SMALL, *place, "--archive", "a.sqlite", "--report", "none")
    if done.exit_code == 2 and place == ("--fork",):
        pytest.skip("no client has sessions of this format")
    assert done.exit_code == 0, done.stderr
    [run] = Archive("a.sqlite").runs()
    assert Archive("a.sqlite").restore(Path(run.output).read_bytes()).data == (SAMPLES / sample).read_bytes()
    assert run.about["settings"]["archive"] == "a.sqlite"


def test_replacements_name_their_originals(chdir_tmp: Path) -> None:
    """An agent that reads the output must be able to follow every reference in it."""
    (chdir_tmp / "s.jsonl").write_bytes(claude_code_session(400_000))
    for place in ("a.sqlite", "kept/"):
        done = cortex(
            "micro", "s.jsonl", *HEURISTIC, "--window", "60k", "--archive", place, "-o", "-", "--report", "none"
        )
        assert done.exit_code == 0
        report = cortex("micro", "s.jsonl", *HEURISTIC, "--window", "60k", "--archive", place, "--json", "--dry-run")
        refs = {part.split('"')[0] for part in report.stdout.split('"ref": "')[1:]} - {""}
        assert refs
        for ref in refs:
            hit = Archive(place).read(ref)
            assert hit is not None
            assert ref in done.stdout
            assert place == "a.sqlite" or Path(ref).read_text(encoding="utf-8") == hit.text


def test_every_reference_is_of_what_a_tool_said() -> None:
    """A result shortened twice names the first text, also where its first mark had no room for a name."""
    lines = [[f"line {n}: value {n * 7919}" for n in range(size)] for size in range(6, 60, 3)]
    pairs = [tool_pair(call_id=f"c{at}", value="\n".join(one)) for at, one in enumerate(lines)]
    source = transcript(user("go"), *pairs, user("go on"))
    for fit in range(600, 4_000, 100):
        kept: dict[str, str] = {}

        def keep(content: str, *_: object, kept: dict[str, str] = kept) -> str:
            kept[f"{hash(content) & 0xFFFF_FFFF:08x}"] = content
            return f"{hash(content) & 0xFFFF_FFFF:08x}"

        settings = Settings(window=40_000, tokenizer="heuristic", layers=("cap", "micro", "failsafe"), fit=fit)
        report = compact(source, settings, counter=COUNTER, persist=keep).report
        changes = [one for layer in report.layers for one in layer.changes if one.ref]
        assert all(kept[one.ref] == source.messages[one.message].parts[0].text for one in changes)


def test_a_dry_run_makes_no_archive(chdir_tmp: Path) -> None:
    """It writes nothing, nowhere."""
    assert cortex("compact", SAMPLES / "openai.jsonl", *SMALL, "--archive", "a.sqlite", "--dry-run").exit_code == 0
    assert list(chdir_tmp.iterdir()) == []


def test_no_output_without_its_originals(chdir_tmp: Path) -> None:
    """What was asked to be kept is kept, or nothing happens."""
    archive, output = chdir_tmp / "a.sqlite", chdir_tmp / "out.jsonl"
    archive.write_text("this is a text and no archive")
    args = ("compact", SAMPLES / "openai.jsonl", *SMALL, "-o", output)
    done = cortex(*args, "--archive", archive)
    assert (done.exit_code, output.exists()) == (2, False)
    assert done.stderr.startswith(f"error: {archive}: is no SQLite file\nhint: ")
    done = cortex(*args, "--archive", chdir_tmp / "no" / "a.sqlite")
    assert (done.exit_code, output.exists()) == (2, False)


def test_a_full_disk_leaves_no_output(chdir_tmp: Path) -> None:
    """The originals come first, so what does not fit costs nothing."""
    (chdir_tmp / "s.jsonl").write_bytes(claude_code_session(600_000))
    script = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "from cortex_cli.cli.main import run; run()"
    )
    args = ("compact", "s.jsonl", *HEURISTIC, "--window", "20k", "--archive", "a.sqlite", "-o", "out.jsonl")
    done = subprocess.run([sys.executable, "-c", script, *args], env=_environment(), capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: a.sqlite: the archive ")
    assert len(done.stderr.splitlines()) == 2
    assert not (chdir_tmp / "out.jsonl").exists()


def test_a_batch_writes_one_archive(chdir_tmp: Path) -> None:
    """Several processes at once, and every file comes back."""
    (chdir_tmp / "in").mkdir()
    for number in range(4):
        (chdir_tmp / "in" / f"{number}.jsonl").write_bytes(claude_code_session(150_000, seed=number))
    args = ("batch", "in", "-o", "out", *HEURISTIC, "--window", "20k", "--archive", "a.sqlite", "--jobs", "2", "-q")
    done = subprocess.run([sys.executable, "-m", "cortex_cli", *args], env=_environment(), check=False)
    assert done.returncode == 0
    for number in range(4):
        output = (chdir_tmp / "out" / f"{number}.jsonl").read_bytes()
        assert Archive("a.sqlite").restore(output).data == (chdir_tmp / "in" / f"{number}.jsonl").read_bytes()


def test_a_failing_callback_costs_only_the_reference() -> None:
    """In a program an archive is a help, not a condition."""

    def fail(*_args: object) -> str:
        raise OSError("no space")

    settings = Settings(
        window=1000, tokenizer="heuristic", layers=("cap",), max_result_tokens=100, bookend_max_chars=50
    )
    done = compact(transcript(user("go"), tool_pair(chars=4000)), settings, persist=fail)
    [change] = done.report.layers[0].changes
    assert (change.action, change.ref) == ("cap", "")


@pytest.mark.slow
def test_killed_at_any_moment(chdir_tmp: Path) -> None:
    """At every moment an output that is there has its originals, and the archive is sound."""
    session = chdir_tmp / "s.jsonl"
    session.write_bytes(claude_code_session(1_500_000))
    args = ("compact", "s.jsonl", *HEURISTIC, "--window", "20k", "--archive", "a.sqlite", "-o", "out.jsonl", "--force")
    command = [sys.executable, "-m", "cortex_cli", *args, "--report", "none"]
    started = time.monotonic()
    subprocess.run(command, env=_environment(), check=True)
    whole = time.monotonic() - started
    random = Random(1)
    for _ in range(KILLS):
        for path in chdir_tmp.glob("a.sqlite*"):
            path.unlink()
        (chdir_tmp / "out.jsonl").unlink(missing_ok=True)
        process = subprocess.Popen(command, env=_environment())
        time.sleep(random.uniform(0.2, 1.05) * whole)
        process.send_signal(signal.SIGKILL)
        process.wait()
        _check_after_kill(session)
    subprocess.run(command, env=_environment(), check=True)
    _check_after_kill(session)


def _check_after_kill(session: Path) -> None:
    if Path("a.sqlite").exists() and Path("a.sqlite").stat().st_size:
        with closing(sqlite3.connect("a.sqlite")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    if Path("out.jsonl").exists():
        assert Archive("a.sqlite").restore(Path("out.jsonl").read_bytes()).data == session.read_bytes()


def _environment() -> Mapping[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
