"""Bytes in and out of files: read whole, write whole or not at all, keep a backup, name the output.

What a file means is for others. Here it is settled that a full disk or a kill at any moment leaves
the old file or the new one, that symlinks are followed and kept, and that modes stay.
"""

import contextlib
import errno
import itertools
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from shlex import quote
from typing import BinaryIO, NamedTuple

from cortex_cli import packing
from cortex_cli.errors import InputError, OutputError, nearest
from cortex_cli.temporary_files import BLOCK_BYTES, NO_LINKS, temporary_file

STDIO = "-"
"""Standard input or output, where a path could stand."""

_MARK = ".compacted"
_BACKUP = ".bak"


class Stamp(NamedTuple):
    """What tells one state of a file from another."""

    size: int
    modified_ns: int
    inode: int
    device: int


class InputFile(NamedTuple):
    """One input, read whole."""

    data: bytes
    """Unpacked, where it is compressed or a zip."""
    path: str
    """As the user named it; `-` for standard input."""
    stamp: Stamp | None = None
    """None for what is not a regular file: standard input, a pipe, a device."""
    mode: int | None = None
    """Permission bits, for a new file with the same contents; None for what is not a regular file."""
    packed: bytes | None = None
    """As it came, where `data` did not."""

    @property
    def raw(self) -> bytes:
        """The bytes of the file itself."""
        return self.data if self.packed is None else self.packed


@contextlib.contextmanager
def open_input(path: str) -> Iterator[tuple[BinaryIO, InputFile]]:
    """Open a file to be read piece by piece: the stream as it stands on the disk, and the file without its data.

    Raises:
        InputError: It is missing, a directory, or not readable.
    """
    try:
        stream = Path(path).open("rb")  # noqa: SIM115  # closed below; what is done with it has errors of its own
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    with stream:
        status = os.fstat(stream.fileno())
        is_regular = stat.S_ISREG(status.st_mode)
        known = (_stamp_of(status), stat.S_IMODE(status.st_mode)) if is_regular else ()
        yield stream, InputFile(b"", path, *known)


def read_file(path: str) -> InputFile:
    """Read a file whole.

    Raises:
        InputError: It is missing, a directory, not readable, or compressed and damaged.
        OptionError: It is compressed, and the package for that is missing.
    """
    with open_input(path) as (stream, file):
        try:
            data = stream.read()
        except OSError as error:
            raise _unreadable(path, error) from error
    return _unpacked(file._replace(data=data))


def _unpacked(file: InputFile) -> InputFile:
    """Return a file with its contents; one that is not regular is packed by its bytes only, whatever its name."""
    if packing.is_packed(file.data, STDIO if file.stamp is None else file.path):
        return file._replace(data=packing.unpack(file.data, file.path), packed=file.data)
    return file


def read_stream(stream: BinaryIO) -> InputFile:
    """Read standard input to its end; a zip is unpacked, and refused, as `read_file` does."""
    return _unpacked(InputFile(stream.read(), STDIO))


def write_stream(stream: BinaryIO, chunks: Iterable[bytes]) -> int:
    """Write to standard output and return the number of bytes."""
    size = 0
    for chunk in chunks:
        stream.write(chunk)
        size += len(chunk)
    stream.flush()
    return size


def write_file(path: Path, chunks: Iterable[bytes], *, overwrite: bool = False, mode: int | None = None) -> int:
    """Write a file whole or not at all, and return its size in bytes.

    Args:
        path: A symlink is followed; the file that it names is written, and the link stays.
        chunks: The contents; whatever fails while they are made leaves what was there.
        overwrite: Replace an existing file; it keeps its mode and, where allowed, its owner.
        mode: Permission bits of a new file; None: what the umask gives.

    Raises:
        OutputError: The file exists (without `overwrite`), or it cannot be written.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # /dev/null, a pipe: there is nothing to replace
            with path.open("wb") as stream:
                return write_stream(stream, chunks)
        target = Path(os.path.realpath(path))
        if not overwrite and target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        with temporary_file(target, mode) as temporary:
            size = temporary.write(chunks)
            temporary.publish(overwrite=overwrite)
        return size
    except OSError as error:
        raise _unwritable(path, error) from error


def write_in_place(source: InputFile, chunks: Iterable[bytes]) -> Path:
    """Write over an input file and return where its old contents are kept.

    Raises:
        OutputError: The file has changed since it was read, or cannot be written; it is as it was.
    """
    target = Path(os.path.realpath(source.path))
    try:
        with temporary_file(target, source.mode) as temporary:
            temporary.write(chunks)
            refuse_if_changed(source)
            backup = _back_up(target)
            refuse_if_changed(source)
            temporary.publish(overwrite=True)
        return backup
    except OSError as error:
        raise _unwritable(source.path, error) from error


def refuse_if_changed(source: InputFile) -> None:
    """Raise where a file is not what it was when it was read.

    Raises:
        OutputError: Size, time or inode differ, or the file is gone.
    """
    try:
        now = _stamp_of(Path(source.path).stat())
    except OSError as error:
        raise OutputError(
            "the file is gone since it was read", where=source.path, hint="nothing was written; run it again"
        ) from error
    if now != source.stamp:
        raise OutputError(
            "the file has changed since it was read",
            where=source.path,
            hint="nothing was written; run it again when nobody writes to it",
        )


def compacted_name(path: Path) -> Path:
    """Return where the compaction of a file goes: `NAME.compacted.EXT`, beside it."""
    ending = path.suffix
    if packing.ending_of(path.name):
        ending = Path(path.stem).suffix + ending
    stem = path.name.removesuffix(ending) if ending else path.name
    return path.with_name(f"{stem}{_MARK}{ending}")


def is_product(name: str) -> bool:
    """Tell whether a file name is one that we give to outputs and backups."""
    return f"{_MARK}." in name or name.endswith(_MARK) or f"{_BACKUP}." in f"{name}."


def _stamp_of(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev)


def _unreadable(path: str, error: OSError | ValueError) -> InputError:
    if isinstance(error, IsADirectoryError) or Path(path).is_dir():
        return InputError(
            "is a directory", where=path, hint=f"`cortex batch {quote(path)}` takes all transcripts below it"
        )
    if isinstance(error, FileNotFoundError):
        near = _nearest(Path(path))
        return InputError("no such file", where=path, hint=f"did you mean `{near}`?" if near else "check the path")
    if isinstance(error, PermissionError):
        return InputError("permission denied", where=path, hint="you need the right to read it")
    return InputError(_reason(error), where=path, hint="check the path")


def _nearest(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    close = nearest(path.name, names, near=0.8)  # file names of one folder are alike anyway
    return str(path.with_name(close)) if close else ""


_HINTS = {
    errno.EEXIST: "`--force` overwrites it, `-o PATH` writes elsewhere",
    errno.ENOSPC: "the disk is full; what was there is unharmed",
    errno.EDQUOT: "your quota is used up; what was there is unharmed",
    errno.EFBIG: "the file would be too large here; what was there is unharmed",
    errno.ENOENT: "the folder does not exist; make it first",
    errno.ENOTDIR: "a part of the path is not a folder",
    errno.EACCES: "you need the right to write in its folder; `-o PATH` writes elsewhere",
    errno.EPERM: "you need the right to write in its folder; `-o PATH` writes elsewhere",
    errno.EROFS: "the file system is read-only; `-o PATH` writes elsewhere",
    errno.EISDIR: "it is a directory; name a file",
}


def _unwritable(path: Path | str, error: OSError) -> OutputError:
    known = error.errno or 0
    message = "already exists" if known == errno.EEXIST else f"cannot be written: {_reason(error)}"
    return OutputError(message, where=str(path), hint=_HINTS.get(known, "what was there is unharmed"))


def _reason(error: OSError | ValueError) -> str:
    text = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return text[:1].lower() + text[1:]


@contextlib.contextmanager
def temporary_folder(beside: Path) -> Iterator[Path]:
    """Make a hidden folder beside a path; in the end it is gone, with what is left in it."""
    import tempfile  # noqa: PLC0415 - start-up time: 1 ms, and few sessions are folders

    with tempfile.TemporaryDirectory(dir=beside.parent, prefix=f".{beside.name}.") as made:
        yield Path(made)


def _back_up(target: Path) -> Path:
    """Keep the file that stands at `target` under the first free backup name."""
    for number in itertools.count():
        backup = target.with_name(f"{target.name}{_BACKUP}{f'.{number}' if number else ''}")
        try:
            _keep(target, backup)
        except FileExistsError:
            continue
        return backup
    raise AssertionError  # `count` has no end


def _keep(target: Path, backup: Path) -> None:
    try:
        os.link(target, backup)  # the old file itself: no copy that could be cut short, no space needed
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _copy(target, backup)


def _copy(target: Path, backup: Path) -> None:
    with target.open("rb") as old, backup.open("xb") as new:
        try:
            shutil.copyfileobj(old, new, BLOCK_BYTES)
            new.flush()
            os.fsync(new.fileno())
        except BaseException:
            backup.unlink()
            raise
    shutil.copystat(target, backup)
