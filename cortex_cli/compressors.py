"""Ways to compress: gzip, bzip2, xz, and zstd with Python 3.14 or the package backports.zstd; how much is unpacked.

Which of them a file is stored by is for `packing`, and for `zipped_logs` of the entries of an archive.
"""

import io
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

from cortex_cli.errors import InputError, OptionError

GZIP_BITS = 31
"""A window of 15 bits, and 16 for the header and trailer of gzip. Source: zlib's deflateInit2."""

BLOCK_BYTES = 1 << 20
"""How much is unpacked at a time, so that a limit is noticed before memory is."""

FREE_BYTES = 256 << 20
"""So much is unpacked of anything."""

MAX_RATIO = 1000
"""What unpacks to more times its size was made to fill a memory: deflate reaches 1032, with the same byte only."""

MAX_BYTES = 4 << 30
"""More is never held in memory at once; data sets, which are read line by line, may be larger."""


class Kind(NamedTuple):
    """One way to compress."""

    module: str
    """Has `open`; imported when it is needed."""
    packer: Callable[[Any], Any]
    """Makes of the module an object with `compress` and `flush`."""
    error: str = ""
    """Name of the module's own error, where it has one."""


ZSTD = Kind(
    "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd",
    lambda zstd: zstd.ZstdCompressor(),
    "ZstdError",
)

KINDS = {
    # no name and no time in the header: the same contents give the same bytes
    ".gz": Kind("gzip", lambda _: zlib.compressobj(wbits=GZIP_BITS)),
    ".bz2": Kind("bz2", lambda bz2: bz2.BZ2Compressor()),
    ".xz": Kind("lzma", lambda lzma: lzma.LZMACompressor(), "LZMAError"),
    ".zst": ZSTD,
}
"""Ending of a file's name -> how it is compressed."""


def module_of(kind: Kind) -> Any:
    """Import what compresses.

    Raises:
        OptionError: The package is missing.
    """
    try:
        return import_module(kind.module)
    except ImportError:
        hint = "pip install 'cortex-cli[zstd]', or decompress it first"
        raise OptionError(f"the package {kind.module} is needed for this file", hint=hint) from None


def limit_of(size: int) -> int:
    """Return how large the contents of a compressed file of that size may be, both in bytes."""
    return min(MAX_BYTES, max(FREE_BYTES, MAX_RATIO * size))


def too_large(path: str, limit: int) -> InputError:
    """Build the error for contents beyond their limit, in bytes."""
    hint = "if it is no mistake, unpack it; a data set with a conversation a line may have any size then"
    return InputError(f"unpacks to more than {limit >> 20:,} MB, which no transcript does", where=path, hint=hint)


def decompress(kind: Kind, data: bytes, path: str) -> bytes:
    """Return what a text compressed by that kind holds; `path` is for errors.

    Raises:
        InputError: It is damaged or cut short, of another kind, or holds more than `limit_of` its size.
        OptionError: A package is missing.
    """
    limit = limit_of(len(data))
    pieces: list[bytes] = []
    size = 0
    with told(kind, path):
        stream = module_of(kind).open(io.BytesIO(data))
        while piece := stream.read(BLOCK_BYTES):
            size += len(piece)
            if size > limit:
                raise too_large(path, limit)
            pieces.append(piece)
    return b"".join(pieces)


@contextmanager
def told(kind: Kind | None, path: str) -> Iterator[None]:
    """Say what is wrong with a compressed file in one line."""
    try:
        yield
    except Exception as error:
        if not _is_damage(error, kind):
            raise
        hint = "decompress what can be saved of it with its own tool"
        raise InputError(f"cannot be decompressed: {error}", where=path, hint=hint) from error


def _is_damage(error: Exception, kind: Kind | None) -> bool:
    """Tell an error of the contents from one of the disk, which has a number, and from a bug."""
    if kind is None or getattr(error, "errno", None) is not None:
        return False
    return isinstance(error, EOFError | OSError | zlib.error) or type(error).__name__ == kind.error
