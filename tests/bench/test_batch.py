"""What a second core brings to a batch, and what a gigabyte of conversations takes (`make bench`)."""

import os
import subprocess
import sys
import time

import pytest

from tests.bench.measure import PROJECT, run_child
from tests.bench.sessions import claude_code_session
from tests.cli.test_batch_dataset import conversation

pytestmark = pytest.mark.bench

FILES = 200
"""So many that starting the processes weighs little: an archive has thousands."""

FILE_BYTES = 1_000_000

GAIN_FAST = 1.4
GAIN_TIKTOKEN = 1.7
"""Throughput of two processes over one, with the fast counter and with tiktoken. Source: the project's targets."""

DATASET_BYTES = 1_000_000_000
DATASET_PEAK_BYTES = 500_000_000
"""Of one process, while it goes by. Source: the same."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Write files of a megabyte, no two alike: what was counted once is not counted again."""
    folder = tmp_path_factory.mktemp("tree")
    for number in range(FILES):
        (folder / f"{number}.jsonl").write_bytes(claude_code_session(FILE_BYTES, seed=number + 1))
    return folder


def seconds(tree, modules, *more):
    """Return the wall-clock time of a dry run: only that shows a second core."""
    command = [
        sys.executable,
        "-m",
        "cortex_cli",
        "batch",
        str(tree),
        "--dry-run",
        "-q",
        "--layers",
        "cap,micro,failsafe",
    ]
    begun = time.perf_counter()
    subprocess.run([*command, *more], check=True, env={**os.environ, "PYTHONPATH": f"{modules}{os.pathsep}{PROJECT}"})
    return time.perf_counter() - begun


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core")
@pytest.mark.parametrize(("engine", "least"), [("fast", GAIN_FAST), ("tiktoken", GAIN_TIKTOKEN)])
def test_two_processes(note, tree, engine, least, tmp_path):
    """A laptop has two cores at least; the second must not idle."""
    if engine == "tiktoken":
        (tmp_path / "toktok.py").write_text("raise ImportError('not installed here')\n")
    one, two = (min(seconds(tree, tmp_path, "--jobs", jobs) for _ in range(2)) for jobs in ("1", "2"))
    note(f"time of two processes, {engine}, one takes 1", two / one, 1 / least, "")


@pytest.mark.slow
def test_a_gigabyte_of_conversations(note, tmp_path):
    """What goes by is let go."""
    path = tmp_path / "big.jsonl"
    block = b"".join(conversation(number, 200) for number in range(60))
    with path.open("wb") as stream:
        while stream.tell() < DATASET_BYTES:
            stream.write(block)
    command = [
        "batch",
        str(path),
        "-o",
        str(tmp_path / "out.jsonl"),
        "--tokenizer",
        "heuristic",
        "--layers",
        "cap,micro",
    ]
    run = run_child([sys.executable, "-m", "cortex_cli", *command, "--jobs", "2"])
    note("peak memory, 1 GB of conversations", run.peak_bytes / 1e6, DATASET_PEAK_BYTES / 1e6, "MB")
    with path.open("rb") as before, (tmp_path / "out.jsonl").open("rb") as after:
        assert sum(1 for _ in before) == sum(1 for _ in after)
