"""Archives on media that cannot take them: read-only and full, for real, in a mount namespace of their own.

Where it cannot be kept, nothing is written: no transcript without its originals. What is there can still be read.
File modes do not stop the superuser; mounts do.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.cli.command import ROOT, SAMPLES, SMALL, cortex

READ_ONLY = "mount --bind {medium} {medium} && mount -o remount,ro,bind {medium}"
SMALL_DISK = "mount -t tmpfs -o size={size} none {medium}"
TINY = "32k"


@cache
def _may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    return (
        subprocess.run(["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0
    )


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not _may_mount(), reason="no mounts in a namespace of one's own here"),
]


def on(medium: Path, mount: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run the command line in a namespace in which a folder is another medium."""
    command = [sys.executable, "-m", "cortex_cli", *map(str, arguments)]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    return subprocess.run(
        ["unshare", "-Urm", "sh", "-c", f'{mount.format(medium=medium, size=TINY)} && exec "$@"', "sh", *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


ARCHIVES = pytest.mark.parametrize("name", ["a.sqlite", "originals/"])
SOURCE = SAMPLES / "claude-code.jsonl"


def compaction(medium: Path, name: str, out: Path) -> tuple[object, ...]:
    """Return the arguments of a compaction whose archive is on the medium."""
    return ("compact", SOURCE, *SMALL, "--archive", f"{medium}/{name}", "-o", out)


def assert_refused(done: "subprocess.CompletedProcess[str]", out: Path) -> None:
    """Exit code 2, two lines, no output."""
    assert done.returncode == 2, done.stderr
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert not out.exists()


@pytest.fixture
def medium(tmp_path: Path) -> Path:
    """Make the folder that another medium is mounted on."""
    folder = tmp_path / "medium"
    folder.mkdir()
    return folder


@ARCHIVES
def test_a_new_archive_on_a_read_only_medium(medium: Path, name: str, tmp_path: Path) -> None:
    """It cannot be made, and the run stops before it writes anything."""
    out = tmp_path / "out.jsonl"
    assert_refused(on(medium, READ_ONLY, *compaction(medium, name, out)), out)
    assert list(medium.iterdir()) == []


@ARCHIVES
def test_an_archive_on_a_read_only_medium(medium: Path, name: str, tmp_path: Path) -> None:
    """It takes nothing more, and gives everything back: search, an original, the whole input."""
    first, out, back = tmp_path / "first.jsonl", tmp_path / "out.jsonl", tmp_path / "back.jsonl"
    archive = f"{medium}/{name}"
    assert cortex(*compaction(medium, name, first)).exit_code == 0
    held = {path.name: path.read_bytes() for path in sorted(medium.rglob("*")) if path.is_file()}
    other = ("compact", SAMPLES / "pi.jsonl", *SMALL, "--archive", archive, "-o", out)
    assert_refused(on(medium, READ_ONLY, *other), out)
    found = on(medium, READ_ONLY, "recall", "billing", "--archive", archive)
    assert (found.returncode, "billing" in found.stdout) == (0, True)
    restored = on(medium, READ_ONLY, "restore", first, "--archive", archive, "-o", back)
    assert restored.returncode == 0, restored.stderr
    assert back.read_bytes() == SOURCE.read_bytes()
    now = {path.name: path.read_bytes() for path in sorted(medium.rglob("*")) if path.is_file()}
    assert {key: value for key, value in now.items() if not key.endswith(("-wal", "-shm"))} == {
        key: value for key, value in held.items() if not key.endswith(("-wal", "-shm"))
    }


@ARCHIVES
def test_a_disk_that_is_full(medium: Path, name: str, tmp_path: Path) -> None:
    """The originals come first: what has no room there costs nothing but the run."""
    out = tmp_path / "out.jsonl"
    assert_refused(on(medium, SMALL_DISK, *compaction(medium, name, out)), out)


def test_a_disk_that_is_full_where_the_output_goes(medium: Path, tmp_path: Path) -> None:
    """The archive has them already; the output is whole or not there, and a rerun adds nothing twice."""
    archive = tmp_path / "a.sqlite"
    mount = SMALL_DISK.replace("{size}", "4k")
    arguments = ("compact", SOURCE, *SMALL, "--archive", archive, "-o")
    done = on(medium, mount, *arguments, medium / "out.jsonl")
    assert done.returncode != 0
    assert done.stderr.startswith("error: ")
    assert list(medium.iterdir()) == []
    size = archive.stat().st_size
    assert cortex(*arguments, tmp_path / "out.jsonl").exit_code == 0
    assert archive.stat().st_size <= size + 65_536
    assert cortex("restore", tmp_path / "out.jsonl", "--archive", archive, "-o", tmp_path / "back").exit_code == 0
    assert (tmp_path / "back").read_bytes() == SOURCE.read_bytes()


FULL = f"{SMALL_DISK.replace('{size}', '4k')} && head -c 4096 /dev/zero > {{medium}}/full"


@pytest.mark.parametrize("mount", [READ_ONLY, FULL], ids=["read-only", "full"])
def test_a_memory_that_cannot_be_kept(medium: Path, mount: str, tmp_path: Path) -> None:
    """The state is written before the output: where it cannot be, the transcript is not compacted."""
    out = tmp_path / "out.jsonl"
    assert_refused(on(medium, mount, "observe", SOURCE, "--state", medium / "memory.json", "-o", out), out)
