"""Files are written whole or not at all, whatever happens."""

import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cortex_cli import files
from cortex_cli.errors import InputError, OutputError

ROOT = Path(__file__).resolve().parent.parent


def _snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _python(
    code: str, *arguments: object, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        preexec_fn=before,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_reads_a_file_with_its_stamp_and_mode(tmp_path: Path) -> None:
    """The stamp is what later tells that somebody else wrote to the file."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x\n")
    path.chmod(0o640)
    source = files.read_file(str(path))
    assert source.data == b"x\n"
    assert source.mode == 0o640
    assert source.stamp is not None
    assert source.stamp.size == 2
    files.refuse_if_changed(source)


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("missing.jsonl", "no such file", "check the path"),
        ("sesion.jsonl", "no such file", "did you mean"),
        ("folder", "is a directory", "cortex batch"),
    ],
)
def test_unreadable_input_says_where_and_how_to_mend(tmp_path: Path, name: str, message: str, hint: str) -> None:
    """A wrong path is the commonest mistake of all."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "session.jsonl").touch()
    path = str(tmp_path / name)
    with pytest.raises(InputError, match=message) as caught:
        files.read_file(path)
    assert str(caught.value).startswith(path)
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


def test_a_pipe_is_read_and_has_no_stamp(tmp_path: Path) -> None:
    """`cortex compact <(zcat old.jsonl.gz)` must work; such an input has no place beside it for an output."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = subprocess.Popen(["sh", "-c", f"printf hello > {pipe}"])
    source = files.read_file(str(pipe))
    writer.wait()
    assert source.data == b"hello"
    assert source.stamp is None


def test_writes_a_new_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    """No temporary file may stay behind."""
    path = tmp_path / "out.jsonl"
    assert files.write_file(path, iter([b"ab", b"c"]), mode=0o600) == 3
    assert _snapshot(tmp_path) == {"out.jsonl": b"abc"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_existing_output_stays_without_force(tmp_path: Path) -> None:
    """Nobody loses a file to a forgotten name."""
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"old")
    with pytest.raises(OutputError, match="already exists") as caught:
        files.write_file(path, [b"new"])
    assert "--force" in caught.value.hint
    assert _snapshot(tmp_path) == {"out.jsonl": b"old"}


def test_a_file_that_appears_while_we_write_is_not_overwritten(tmp_path: Path) -> None:
    """The check and the write are one step; two runs at once do not overwrite each other."""
    path = tmp_path / "out.jsonl"

    def chunks() -> Iterator[bytes]:
        yield b"ours"
        path.write_bytes(b"theirs")

    with pytest.raises(OutputError, match="already exists"):
        files.write_file(path, chunks())
    assert _snapshot(tmp_path) == {"out.jsonl": b"theirs"}


def test_force_keeps_the_mode_of_what_was_there(tmp_path: Path) -> None:
    """A private file stays private."""
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"old")
    path.chmod(0o640)
    files.write_file(path, [b"new"], overwrite=True, mode=0o600)
    assert _snapshot(tmp_path) == {"out.jsonl": b"new"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    """Without a mode of its own a file is as readable as any other that the user makes."""
    code = "import os, sys; from pathlib import Path; from cortex_cli import files; os.umask(0o027);"
    assert _python(code + "files.write_file(Path(sys.argv[1]), [b'x'])", tmp_path / "out").returncode == 0
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o640


@pytest.mark.parametrize("exists", [True, False])
def test_a_symlink_is_followed_and_kept(tmp_path: Path, exists: bool) -> None:
    """Session folders are often links to another disk."""
    (tmp_path / "disk").mkdir()
    real, link = tmp_path / "disk" / "real.jsonl", tmp_path / "link.jsonl"
    if exists:
        real.write_bytes(b"old")
    link.symlink_to(real)
    files.write_file(link, [b"new"], overwrite=True)
    assert link.is_symlink()
    assert _snapshot(tmp_path / "disk") == {"real.jsonl": b"new"}


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    """`-o /dev/null` must not turn the device into a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    assert files.write_file(pipe, [b"hello"]) == 5
    assert reader.communicate()[0] == b"hello"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_directory_is_never_replaced(tmp_path: Path) -> None:
    """`--force` is about files."""
    with pytest.raises(OutputError, match="directory"):
        files.write_file(tmp_path, [b"x"], overwrite=True)
    with pytest.raises(OutputError, match="no such file") as caught:
        files.write_file(tmp_path / "none" / "out", [b"x"])
    assert "folder" in caught.value.hint


def test_a_failure_while_the_contents_are_made_leaves_the_old_file(tmp_path: Path) -> None:
    """A bug in a format must not cost anybody a session."""
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"old")

    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        files.write_file(path, chunks(), overwrite=True)
    assert _snapshot(tmp_path) == {"out.jsonl": b"old"}


def test_in_place_keeps_the_old_contents(tmp_path: Path) -> None:
    """The backup is the way back, and no run may overwrite an earlier one."""
    path = tmp_path / "s.jsonl"
    for number in range(3):
        path.write_bytes(b"old %d" % number)
        backup = files.write_in_place(files.read_file(str(path)), [b"new"])
        assert backup.read_bytes() == b"old %d" % number
    names = {"s.jsonl", "s.jsonl.bak", "s.jsonl.bak.1", "s.jsonl.bak.2"}
    assert _snapshot(tmp_path).keys() == names


def test_in_place_through_a_symlink_keeps_link_mode_and_backup(tmp_path: Path) -> None:
    """The backup stands beside the file itself, where the space was paid for."""
    (tmp_path / "disk").mkdir()
    real, link = tmp_path / "disk" / "real.jsonl", tmp_path / "link.jsonl"
    real.write_bytes(b"old")
    real.chmod(0o600)
    link.symlink_to(real)
    backup = files.write_in_place(files.read_file(str(link)), [b"new"])
    assert link.is_symlink()
    assert _snapshot(tmp_path / "disk") == {"real.jsonl": b"new", "real.jsonl.bak": b"old"}
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert backup == real.with_name("real.jsonl.bak")


@pytest.mark.parametrize("how", ["append", "replace", "delete"])
def test_in_place_refuses_a_file_that_changed(tmp_path: Path, how: str) -> None:
    """What an agent wrote since we read is never lost."""
    path = tmp_path / "s.jsonl"
    path.write_bytes(b"old")
    source = files.read_file(str(path))
    if how == "append":
        path.write_bytes(b"old and more")
    elif how == "replace":
        (tmp_path / "other").write_bytes(b"OLD")
        os.utime(tmp_path / "other", ns=(source.stamp.modified_ns, source.stamp.modified_ns))  # type: ignore[union-attr]
        (tmp_path / "other").replace(path)
    else:
        path.unlink()
    before = _snapshot(tmp_path)
    with pytest.raises(OutputError, match="since it was read") as caught:
        files.write_in_place(source, [b"new"])
    assert caught.value.exit_code == 1
    assert _snapshot(tmp_path) == before


def test_without_hard_links_and_nameless_files_it_works_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT, many network shares and Windows have neither."""

    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    path = tmp_path / "s.jsonl"
    files.write_file(path, [b"one"])
    files.write_in_place(files.read_file(str(path)), [b"two"])
    with pytest.raises(OutputError, match="already exists"):
        files.write_file(path, [b"three"])
    assert _snapshot(tmp_path) == {"s.jsonl": b"two", "s.jsonl.bak": b"one"}


WRITE = """
import sys
from pathlib import Path
from cortex_cli import files
from cortex_cli.errors import OutputError
source = files.read_file(sys.argv[1])
try:
    files.write_in_place(source, iter([b"y" * 65536] * 64))
except OutputError as error:
    print(error, "|", error.hint)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("named", [False, True])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, named: bool) -> None:
    """The limit on file size fails a write in the middle, as a full disk does."""
    path = tmp_path / "s.jsonl"
    path.write_bytes(b"old")
    code = "import os; del os.O_TMPFILE\n" + WRITE if named else WRITE
    run = _python(code, path, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)))
    assert run.returncode == 1, run.stderr
    assert "too large" in run.stdout
    assert run.stderr == ""
    assert _snapshot(tmp_path) == {"s.jsonl": b"old"}


def test_a_really_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """The same on a file system that is full, where mounting one is allowed."""
    script = 'mount -t tmpfs -o size=1m none "$0" && cd "$0" && printf old >s && cd "$3" && "$1" -c "$2" "$0/s"'
    script += '; echo "$?"; ls -A "$0"; cat "$0/s"'
    unshare = shutil.which("unshare") or "unshare"
    command = [unshare, "-rm", "sh", "-c", script, str(tmp_path), sys.executable, WRITE, str(ROOT)]
    if shutil.which("unshare") is None or subprocess.run([unshare, "-rm", "true"], capture_output=True).returncode:
        pytest.skip("this machine allows no mounts of one's own")
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "disk is full" in run.stdout, run.stderr
    assert run.stdout.splitlines()[1:] == ["1", "s", "old"]


KILL = """
import sys
from cortex_cli import files
if sys.argv[2] == "named":
    import os
    del os.O_TMPFILE
print("ready", flush=True)
while True:
    source = files.read_file(sys.argv[1])
    letter = b"a" if source.data[:1] == b"b" else b"b"
    files.write_in_place(source, [letter * 50_000] * 4)
    for backup in files.Path(sys.argv[1]).parent.glob("*.bak*"):
        backup.unlink()
"""


def _kill_in_the_middle(code: str, *arguments: object) -> None:
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(random.uniform(0, 0.02))
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("kind", ["nameless", "named"])
def test_a_kill_at_any_moment_leaves_the_old_or_the_new_file(tmp_path: Path, kind: str) -> None:
    """Half a session is no session."""
    path = tmp_path / "s.jsonl"
    path.write_bytes(b"a" * 200_000)
    for _ in range(12):
        _kill_in_the_middle(KILL, path, kind)
        whole = (b"a" * 200_000, b"b" * 200_000)
        assert path.read_bytes() in whole
        assert all(backup.read_bytes() in whole for backup in tmp_path.glob("*.bak*"))


WRITE_NEW = """
import itertools, sys
from cortex_cli import files
print("ready", flush=True)
for number in itertools.count():
    files.write_file(files.Path(sys.argv[1]) / str(number), [b"x" * 50_000] * 4)
"""


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="files without a name are a thing of Linux")
def test_a_kill_while_a_new_file_is_written_leaves_nothing_half_done(tmp_path: Path) -> None:
    """A batch that is killed may be started again in the same folder: there is nothing to clean up."""
    for number in range(8):
        folder = tmp_path / str(number)
        folder.mkdir()
        _kill_in_the_middle(WRITE_NEW, folder)
        found = _snapshot(folder)
        assert set(found.values()) <= {b"x" * 200_000}
        assert sorted(found, key=int) == [str(index) for index in range(len(found))]


def test_a_folder_without_write_permission_is_an_error() -> None:
    """Neither a traceback nor a file somewhere else."""
    become_nobody = "import os\nif os.geteuid() == 0: os.setuid(65534)\n"  # rights do not bind the superuser
    imports, act = WRITE.split("source =")
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        folder = Path(name)
        (folder / "s.jsonl").write_bytes(b"old")
        (folder / "s.jsonl").chmod(0o644)
        folder.chmod(0o555)
        run = _python(f"{imports}{become_nobody}source ={act}", folder / "s.jsonl")
        folder.chmod(0o755)
        assert run.returncode == 1, run.stderr
        assert "permission denied" in run.stdout
        assert _snapshot(folder) == {"s.jsonl": b"old"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jsonl", "a.compacted.jsonl"),
        ("a.b.json", "a.b.compacted.json"),
        ("a.jsonl.gz", "a.compacted.jsonl.gz"),
        ("a.gz", "a.compacted.gz"),
        ("noending", "noending.compacted"),
        (".hidden", ".hidden.compacted"),
    ],
)
def test_the_output_is_named_after_the_input(name: str, expected: str) -> None:
    """The ending stays last, so that tools still know the file."""
    assert files.compacted_name(Path("d") / name) == Path("d") / expected
    assert files.is_product(expected)
    assert not files.is_product(name)


@pytest.mark.parametrize("name", ["a.jsonl.bak", "a.jsonl.bak.3"])
def test_backups_are_products(name: str) -> None:
    """A batch must not compact its own backups."""
    assert files.is_product(name)
    assert not files.is_product("a.bakery.jsonl")
