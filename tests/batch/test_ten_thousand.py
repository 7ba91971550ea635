"""An archive of ten thousand transcripts: all good ones done, all bad ones named, whatever happens on the way."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cortex_cli.batch.paths import MANIFEST_NAME
from tests.cli.command import ROOT, SAMPLES
from tests.conftest import assistant, call, filler, live, result, user
from tests.writers import WRITERS

FILES = 10_000
DAMAGED = 50

MOST_BYTES = 300_000_000
"""Memory of any process: interpreter and modules take 60 MB, the JSON report of 10,000 files about 40 MB."""

OPTIONS = ("--tokenizer", "heuristic", "--window", "4k", "--layers", "cap,micro", "--hot-zone-min", "500")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """Write the archive, mixed formats and sizes in nested folders.

    Returns:
        Its folder, and the names of the damaged files.
    """
    root = tmp_path_factory.mktemp("archive") / "in"
    texts = dict(_texts())
    names = sorted(texts)
    chance = random.Random(11)
    bad = set(chance.sample(range(FILES), DAMAGED))
    damaged = set()
    for number in range(FILES):
        name = chance.choice(names)
        path = root / f"{number % 97:02}" / f"{number:05}{Path(name).suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number in bad:
            path = path.with_suffix(".jsonl")
            path.write_bytes(b'{"role": "user", "content": "torn\n{"role": "assistant"\n')
            damaged.add(path.relative_to(root).as_posix())
        else:
            path.write_bytes(texts[name])
    return root, damaged


def _texts() -> Iterator[tuple[str, bytes]]:
    """Yield (name with its ending, transcript): every format in three sizes, most of them small."""
    for size in (1, 2, 12):
        conversation = live(
            *(
                message
                for turn in range(size)
                for message in (
                    user(f"please look at src/module_{turn}.py"),
                    assistant(call("Bash", f"call_{turn}")),
                    result(f"call_{turn}", filler(900), name="Bash"),
                    assistant(f"module {turn} is fine"),
                )
            )
        )
        for name, (_, write) in WRITERS.items():
            data = write(conversation)
            ending = ".jsonl" if data.count(b"\n") > 1 else ".json"
            yield f"{name}-{size}{ending}", data
    for path in SAMPLES.glob("*.json*"):
        yield path.name, path.read_bytes()


def start(root: Path, output: Path, *more: str) -> "subprocess.Popen[str]":
    """Start a batch over the archive."""
    command = [sys.executable, "-m", "cortex_cli", "batch", str(root), "-o", str(output), *OPTIONS, "--jobs", "2"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(root.parent), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([*command, *more], env=environment, stdout=-1, stderr=-1, text=True, start_new_session=True)


def files_of(folder: Path) -> dict[str, bytes]:
    """Return everything below a folder but the manifest, which tells times."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != MANIFEST_NAME}


def watch(process: "subprocess.Popen[str]", peaks: list[int]) -> None:
    """Note the most memory that any process of a batch has had, in bytes; Linux tells."""
    while process.poll() is None:
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, IndexError, ValueError):
                if os.getsid(int(folder.name)) == process.pid:
                    peaks.append(int((folder / "status").read_text().partition("VmHWM:")[2].split()[0]) * 1024)
        time.sleep(0.5)


@pytest.fixture(scope="module")
def clean(archive: tuple[Path, set[str]]) -> dict[str, bytes]:
    """Run over it without a mishap, and return the result."""
    root, damaged = archive
    output = root.parent / "clean"
    peaks: list[int] = []
    with start(root, output, "--json") as process:
        watching = threading.Thread(target=watch, args=(process, peaks))
        watching.start()
        stdout, stderr = process.communicate(timeout=900)
        watching.join()
    assert process.returncode == 1, stderr
    assert max(peaks, default=0) < MOST_BYTES
    report = json.loads(stdout)
    assert report["totals"]["files"] == FILES - DAMAGED
    assert {Path(one["path"]).relative_to(root).as_posix() for one in report["failed"]} == damaged
    for name in damaged:
        assert f"error: {root / name}:" in stderr
    return files_of(output)


def test_all_good_ones_are_done_and_the_bad_ones_named(archive: tuple[Path, set[str]], clean: dict[str, bytes]) -> None:
    """One line for each bad file, with the line in it; everything else has its result."""
    root, damaged = archive
    assert clean.keys() == files_of(root).keys() - damaged


def test_three_kills_and_a_rerun_give_the_same_tree(archive: tuple[Path, set[str]], clean: dict[str, bytes]) -> None:
    """Power cuts do not count as runs: nothing is left out, half-written, or done a second time to a result."""
    root, _ = archive
    output = root.parent / "killed"
    chance = random.Random(5)
    for kill in (os.killpg, os.kill, os.killpg):
        done = len(list(output.rglob("*.json*")))
        with start(root, output, "-q") as process:
            wanted = done + chance.randrange(200, 2000)
            while len(list(output.rglob("*.json*"))) < wanted and process.poll() is None:
                time.sleep(0.1)
            kill(process.pid, signal.SIGKILL)
            process.communicate(timeout=60)
        assert not list(output.rglob("*.tmp"))
    with start(root, output, "-q") as process:
        _, stderr = process.communicate(timeout=900)
    assert process.returncode == 1, stderr
    assert files_of(output) == clean
