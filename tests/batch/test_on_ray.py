"""The same batch on a real Ray on this machine: the same results, whatever happens to its workers."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cortex_cli.batch.paths import MANIFEST_NAME
from tests.cli.command import ROOT, SAMPLES, cortex
from tests.hostile import SOUND
from tests.llm.test_faults import GOOD
from tests.writers import WRITERS

FILES = 300
OPTIONS = ("--tokenizer", "heuristic", "--window", "4k", "--layers", "cap,micro", "--hot-zone-min", "500")
TIMES = ("time", "seconds", "modified_ns")

needs_ray = pytest.mark.ray


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write transcripts of all formats, three of them damaged."""
    root = tmp_path_factory.mktemp("ray") / "in"
    writers = [WRITERS[name][1] for name in sorted(WRITERS)]
    for number in range(FILES):
        data = writers[number % len(writers)](SOUND)
        path = root / f"{number % 7}" / f"{number}{'.jsonl' if data.count(10) > 1 else '.json'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'{"role": "user"\n{"role":\n' if number in (5, 77, 205) else data)
    return root


def start(root: Path, output: str, *more: str, options: tuple[str, ...] = OPTIONS) -> "subprocess.Popen[str]":
    """Start a batch."""
    command = [sys.executable, "-m", "cortex_cli", "batch", str(root), "-o", str(root.parent / output), *options, *more]
    environment = {"PATH": os.environ["PATH"], "HOME": str(root.parent), "PYTHONPATH": str(ROOT), "MY_KEY": "sk-x"}
    return subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, text=True, start_new_session=True)


def finish(process: "subprocess.Popen[str]", code: int) -> str:
    """Wait for its end and return what it printed."""
    stdout, stderr = process.communicate(timeout=240)
    assert process.returncode == code, stderr
    return stdout


def files_of(folder: Path) -> dict[str, bytes]:
    """Return everything below a folder but the manifest."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != MANIFEST_NAME}


def results(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the last line of each file in the manifest, without times."""
    lines = [json.loads(line) for line in (folder / MANIFEST_NAME).read_text().splitlines()]
    return {line["path"]: {key: line[key] for key in line if key not in TIMES} for line in lines}


@pytest.fixture(scope="module")
def local(archive: Path) -> Path:
    """Run it with the local engine."""
    finish(start(archive, "local"), 1)
    return archive.parent / "local"


@needs_ray
def test_ray_and_local_processes_do_the_same(archive: Path, local: Path) -> None:
    """Outputs and manifest are identical."""
    finish(start(archive, "cluster", "--engine", "ray", "--jobs", "2"), 1)
    assert files_of(archive.parent / "cluster") == files_of(local)
    assert results(archive.parent / "cluster") == results(local)


def workers() -> Iterator[int]:
    """Yield the processes that work on a task right now; Ray names them after it."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "cmdline").read_bytes().startswith(b"ray::_run"):
                yield int(folder.name)


@needs_ray
def test_a_lost_worker_costs_nothing(archive: Path, local: Path) -> None:
    """A node goes away in the middle; its files are done elsewhere."""
    output = archive.parent / "lost"
    killed: list[int] = []

    def kill() -> None:
        while len(list(output.rglob("*.json*"))) < FILES // 10:
            time.sleep(0.02)
        while not killed and process.poll() is None:  # between two tasks a worker has another name
            for worker in workers():
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                    killed.append(worker)
                    return

    with start(archive, "lost", "--engine", "ray", "--jobs", "2") as process:
        watching = threading.Thread(target=kill, daemon=True)
        watching.start()
        finish(process, 1)
    assert killed
    assert files_of(output) == files_of(local)
    assert results(output) == results(local)


@needs_ray
@pytest.mark.loopback
def test_model_calls_are_limited_over_the_cluster(llmock: Any, tmp_path: Path) -> None:
    """One actor keeps count for all workers."""
    llmock.reply(GOOD, times=None).delay(0.1, times=None)
    root = tmp_path / "in"
    root.mkdir()
    for number in range(6):
        (root / f"{number}.jsonl").write_bytes((SAMPLES / "openai.jsonl").read_bytes())
    model = ("--summarizer", "openai", "--llm-url", llmock.base_url("openai"), "--llm-model", "gpt-4o-mini")
    options = (*model, "--llm-key-env", "MY_KEY", "--window", "32k", "--fit", "8k", "--llm-concurrency", "1")
    finish(start(root, "out", "--engine", "ray", "--jobs", "2", options=options), 0)
    spans = sorted((one.started_at, one.ended_at) for one in llmock.requests)
    assert len(spans) == 6
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))


def test_an_engine_that_is_not_there_is_one_line(chdir_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray is an extra; its address goes with it."""
    (chdir_tmp / "in").mkdir()
    monkeypatch.setitem(sys.modules, "ray", None)
    missing = cortex("batch", "in", "--dry-run", "--engine", "ray")
    assert missing.exit_code == 2
    assert "cortex-cli[ray]" in missing.stderr
    assert cortex("batch", "in", "--dry-run", "--engine", "rya").exit_code == 2
    assert cortex("batch", "in", "--dry-run", "--address", "auto").exit_code == 2
    monkeypatch.undo()
