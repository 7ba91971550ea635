"""A lock that one process holds on a file, and that its death lets go of, whatever killed it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

fcntl: ModuleType | None = None
with contextlib.suppress(ImportError):  # not on Windows
    import fcntl
msvcrt: ModuleType | None = None
with contextlib.suppress(ImportError):  # only on Windows
    import msvcrt


class BusyError(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def hold(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock on a file as long as the block runs; the file is made where it is missing.

    Args:
        path: The file.
        wait: Until nobody else holds it.

    Raises:
        BusyError: Another process holds it.
        OSError: The file cannot be opened for writing.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        _lock(descriptor, wait=wait)
        yield
    finally:
        os.close(descriptor)  # which lets go


def _lock(descriptor: int, *, wait: bool) -> None:
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif msvcrt is not None:
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    except OSError as error:
        raise BusyError from error
