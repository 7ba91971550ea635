"""A file on its way to its place: written in the folder where it is to be, there whole or not at all.

A kill at any moment leaves what was there, and where the system can, no trace of what was not finished.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

BLOCK_BYTES = 1 << 20
"""How much is written at once."""

NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})
"""What a file system without hard links answers to one."""

_OS_BINARY = getattr(os, "O_BINARY", 0)


class Temporary:
    """A file that is being written, in the folder where it is to be."""

    def __init__(self, target: Path, mode: int | None) -> None:
        self.target = target
        self.old = target.stat() if target.exists() else None
        if self.old is not None and stat.S_ISDIR(self.old.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if self.old is not None:
            mode = stat.S_IMODE(self.old.st_mode)
        self.mode = mode
        self.name: Path | None = None
        """None while the file has no name: a kill then leaves nothing behind."""
        self.descriptor = self._open(0o666 if mode is None else 0o600)

    def _open(self, mode: int) -> int:
        if hasattr(os, "O_TMPFILE"):
            with contextlib.suppress(OSError):  # not every file system has them
                return os.open(self.target.parent, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, mode)
        self.name = self._fresh_name()
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | _OS_BINARY | getattr(os, "O_CLOEXEC", 0)
        return os.open(self.name, flags, mode)

    def _fresh_name(self) -> Path:
        # not made from the target's name, which may be as long as a name can be
        return self.target.with_name(f".cortex-{os.getpid()}-{os.urandom(6).hex()}.tmp")

    def write(self, chunks: Iterable[bytes]) -> int:
        """Write everything, down to the disk."""
        size = 0
        with os.fdopen(self.descriptor, "wb", buffering=BLOCK_BYTES, closefd=False) as stream:
            for chunk in chunks:
                stream.write(chunk)
                size += len(chunk)
        self._take_over()
        os.fsync(self.descriptor)
        if self.name is not None:
            self._let_go()  # Windows renames no open file
        return size

    def _let_go(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _take_over(self) -> None:
        """Give the new file the mode and owner of the old one."""
        if not hasattr(os, "fchmod"):
            return  # Windows keeps rights with the folder
        if self.old is not None and (self.old.st_uid, self.old.st_gid) != (os.geteuid(), os.getegid()):
            with contextlib.suppress(OSError):  # only the superuser may give files away
                os.fchown(self.descriptor, self.old.st_uid, self.old.st_gid)
        if self.mode is not None:
            os.fchmod(self.descriptor, self.mode)

    def publish(self, *, overwrite: bool) -> None:
        """Let the target be the new file, in one step."""
        if not overwrite:
            self._publish_new()
        else:
            if self.name is None:
                name = self._fresh_name()
                self._link(name)
                self.name = name
            self.name.replace(self.target)
            self.name = None
        _sync_folder(self.target.parent)

    def _publish_new(self) -> None:
        try:
            self._link(self.target)
        except FileExistsError:
            raise
        except OSError as error:
            if self.name is None or error.errno not in NO_LINKS:
                raise
            if self.target.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            self.name.replace(self.target)
            self.name = None

    def _link(self, name: Path) -> None:
        """Give the file one more name; never over an existing one."""
        if self.name is not None:
            os.link(self.name, name)
            return
        folder = os.open(self.target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:  # with a folder descriptor, since without one Python calls link(2), which would link the symlink in /proc
            os.link(f"/proc/self/fd/{self.descriptor}", name.name, dst_dir_fd=folder, follow_symlinks=True)
        finally:
            os.close(folder)

    def close(self) -> None:
        """Let go; a file that was not published is gone."""
        self._let_go()
        if self.name is not None:
            with contextlib.suppress(OSError):
                self.name.unlink()


@contextlib.contextmanager
def temporary_file(target: Path, mode: int | None) -> Iterator[Temporary]:
    """Open a file that is to be at `target`; unless it is published, nothing of it is left.

    Args:
        target: Where it is to be; what is there keeps its mode and owner.
        mode: Permission bits of a new file; None: what the umask gives.
    """
    temporary = Temporary(target, mode)
    try:
        yield temporary
    finally:
        temporary.close()


def _sync_folder(folder: Path) -> None:
    """Let a new name survive a power cut."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with contextlib.suppress(OSError):  # some file systems refuse; the file itself is on the disk
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
