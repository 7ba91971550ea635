"""Large inputs in memory that the system hands out in large pages.

A bytes object of 50 MB takes 12,000 pages of 4 kB, asked for one by one and given back one by one, which takes longer
than to copy what is read into them. Only lines are held so: a document is parsed whole, for which bytes are needed.
"""

import contextlib
import mmap
from typing import Any, BinaryIO

LARGE_BYTES = 8 << 20
"""A file of so many bytes, four of the usual large pages, is worth the trouble."""

HEAD_BYTES = 1 << 18
"""Of a file that is looked at to tell lines from a document."""

_BETWEEN_LINES = (b"}\n{", b"}\r\n{")
"""Of JSON Lines; in a document a comma stands between two objects."""


class LargeBytes(mmap.mmap):
    """Bytes in memory of this process's own, of no file; what is cut out of it is `bytes`."""

    def startswith(self, beginning: bytes) -> bool:
        """Tell whether it begins so, as `bytes` does."""
        return self[: len(beginning)] == beginning

    def __reduce__(self) -> tuple[Any, ...]:  # to another process it goes as what it holds
        return bytes, (self[:],)


def read_whole(stream: BinaryIO, size: int) -> bytes | LargeBytes:
    """Read a regular file to its end.

    Args:
        stream: At its beginning.
        size: Of the file when it was opened; it may be another by now.
    """
    if size < LARGE_BYTES or not hasattr(mmap, "MADV_HUGEPAGE"):
        return stream.read()
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    if not any(between in head for between in _BETWEEN_LINES):
        return stream.read()
    memory = LargeBytes(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError):  # a system without large pages gives small ones
        memory.madvise(mmap.MADV_HUGEPAGE)
    count = stream.readinto(memory)  # type: ignore[attr-defined]  # regular files have it
    more = stream.read()
    return memory if count == size and not more else memory[:count] + more
