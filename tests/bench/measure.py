"""Measures CPU seconds and peak memory: of a function in this process, of a command in a child.

CPU seconds rather than wall clock, because a machine that does other work too stretches only the latter; the
best of several runs, because noise only ever adds.
"""

import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson

PROJECT = Path(__file__).resolve().parent.parent.parent

MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024
"""Unit of `ru_maxrss`. Source: getrusage(2)."""

REFERENCE_LOOP_SECONDS = 0.035
"""What `_loop` takes on the machine whose limits the project states; absolute limits are scaled by it."""


class Run(NamedTuple):
    """What one child process took."""

    cpu_seconds: float
    peak_bytes: int


def cpu_seconds(work: Callable[[], object], *, repeat: int = 3) -> float:
    """Return the least CPU time that the work took in this process."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


@contextmanager
def collecting_as_the_command() -> Iterator[None]:
    """Let the collector of cycles run as seldom as the command lets it, for what is a limit of the command's.

    Otherwise it looks through all that the tests hold as well, which the command never has.
    """
    before = gc.get_threshold()
    from cortex_cli.cli import GC_THRESHOLD  # noqa: PLC0415 - to import it sets it, for all that is measured later too

    gc.set_threshold(GC_THRESHOLD)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def run_cortex(*arguments: str | Path, repeat: int = 3) -> Run:
    """Run the command and return its least CPU time and its largest memory."""
    runs = [run_child([sys.executable, "-m", "cortex_cli", *map(str, arguments)]) for _ in range(repeat)]
    return Run(min(run.cpu_seconds for run in runs), max(run.peak_bytes for run in runs))


_WATCH = """
import resource, subprocess, sys
run = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss, run.returncode, run.stderr.decode(errors="replace"), sep="\\n")
"""
"""A child starts with the peak memory of who started it (Linux keeps it over exec), so a small process does."""


_BYTECODE = tempfile.TemporaryDirectory(prefix="cortex-bench-")
"""Compiled modules, which an installed package has too; the first run fills it."""


def run_child(command: Sequence[str]) -> Run:
    """Run a command to its end, output discarded.

    Raises:
        AssertionError: It failed.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": str(PROJECT), "PYTHONPYCACHEPREFIX": _BYTECODE.name}
    watch = [sys.executable, "-c", _WATCH, *command]
    answer = subprocess.run(watch, capture_output=True, text=True, check=True, env=environment).stdout
    seconds, peak, code, errors = answer.split("\n", 3)
    assert code == "0", f"{command}: {errors}"
    return Run(float(seconds), int(peak) * MAXRSS_BYTES)


def floor_seconds(path: Path) -> float:
    """Return what it takes to parse every line of a file with orjson and write it again, in this process.

    Nothing that reads JSON can be faster.
    """
    lines = [line for line in path.read_bytes().split(b"\n") if line]

    def parse_and_write() -> None:
        for line in lines:
            orjson.dumps(orjson.loads(line))

    return cpu_seconds(parse_and_write)


_PARSE_AND_WRITE = """
import sys, orjson
with open(sys.argv[1], "rb") as lines:
    for line in lines:
        orjson.dumps(orjson.loads(line))
"""


def process_floor_seconds(path: Path) -> float:
    """Return what the floor takes in a process of its own, beyond starting it.

    Other than in this one, the lines have to be read from the file and all memory is new, as for the command.
    """
    program = [sys.executable, "-c", _PARSE_AND_WRITE]
    whole, start = (min(run_child([*program, str(each)]).cpu_seconds for _ in range(3)) for each in (path, os.devnull))
    return whole - start


def loading_seconds() -> float:
    """Return what it takes to load the default tokenizer, in a process that has not done so yet."""
    module = "cortex_cli.tokens.engines"
    loads = [run_child([sys.executable, "-c", f"import {module} as e; e.load_engine('o200k_base')"]) for _ in range(3)]
    starts = [run_child([sys.executable, "-c", f"import {module}"]) for _ in range(3)]
    return min(run.cpu_seconds for run in loads) - min(run.cpu_seconds for run in starts)


def slowness() -> float:
    """Return how much slower than the reference machine this one is, at least 1."""
    return max(1.0, cpu_seconds(_loop, repeat=5) / REFERENCE_LOOP_SECONDS)


def _loop() -> int:
    total = 0
    for number in range(1_000_000):
        total += number & 7
    return total
