"""Ctrl-C while several processes work: at the worst moment, and to all of them at once as a terminal sends it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import ROOT, SAMPLES

# Python's `wait` takes the locks of all futures one after the other; an exception in between leaves them taken.
WORST_MOMENT = """
import concurrent.futures._base as base, os, signal

def enter(self):
    for number, future in enumerate(self.futures):
        future._condition.acquire()
        if not number and os.path.exists({there!r}):
            os.kill(os.getpid(), signal.SIGINT)

base._AcquireFutures.__enter__ = enter
"""


def start(folder: Path, *arguments: object) -> "subprocess.Popen[str]":
    """Start the command in a process group of its own; `sitecustomize.py` in the folder is run by it."""
    paths = f"{folder}{os.pathsep}{ROOT}"
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": paths}
    command = [sys.executable, "-m", "cortex_cli", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=-1, stderr=-1, text=True, start_new_session=True
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with forty transcripts and one data set in it."""
    data = (SAMPLES / "openai.jsonl").read_bytes()
    (tmp_path / "in").mkdir()
    for number in range(40):
        (tmp_path / f"in/{number:02}.jsonl").write_bytes(data)
    line = b'{"messages": [' + b",".join(data.splitlines()) + b"]}\n"
    (tmp_path / "set.jsonl").write_bytes(line * 400)
    return tmp_path


@pytest.mark.parametrize("source", ["in", "set.jsonl"])
def test_an_interrupt_never_hangs(folder: Path, source: str) -> None:
    """What is under way is finished, nothing else is begun."""
    (folder / "sitecustomize.py").write_text(WORST_MOMENT.format(there=str(folder / "out")))
    process = start(folder, "batch", source, "-o", "out", "--fit", "8k", "--jobs", "2", "-q")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")
    written = list(folder.glob("out/*.jsonl"))
    assert len(written) < 40
    assert not list(folder.glob("out/*.tmp*"))


@pytest.mark.parametrize("pause", [0.3, 0.6, 0.9, 1.5])
def test_an_interrupt_of_all_processes_says_nothing(folder: Path, pause: float) -> None:
    """While they start, while they prepare, and while they walk the strategies."""
    session = folder / "long.jsonl"
    session.write_bytes((SAMPLES / "openai.jsonl").read_bytes() * 60)
    process = start(folder, "replay", session, "--jobs", "2")
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=pause)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "", "")
