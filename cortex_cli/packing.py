"""Compressed files: `.gz`, `.bz2`, `.xz` and, `.zst` with Python 3.14 or the package backports.zstd, in and out."""

import io
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import PurePath
from typing import Any, BinaryIO, NamedTuple

from cortex_cli.errors import InputError, OptionError

GZIP_BITS = 31
"""A window of 15 bits, and 16 for the header and trailer of gzip. Source: zlib's deflateInit2."""


class _Kind(NamedTuple):
    """One way to compress."""

    module: str
    """Has `open`; imported when it is needed."""
    packer: Callable[[Any], Any]
    """Makes of the module an object with `compress` and `flush`."""
    error: str = ""
    """Name of the module's own error, where it has one."""


_KINDS = {
    # no name and no time in the header: the same contents give the same bytes
    ".gz": _Kind("gzip", lambda _: zlib.compressobj(wbits=GZIP_BITS)),
    ".bz2": _Kind("bz2", lambda bz2: bz2.BZ2Compressor()),
    ".xz": _Kind("lzma", lambda lzma: lzma.LZMACompressor(), "LZMAError"),
    ".zst": _Kind(
        "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd",
        lambda zstd: zstd.ZstdCompressor(),
        "ZstdError",
    ),
}

ENDINGS = tuple(_KINDS)
"""They stand behind the ending that names the format."""


def _module(kind: _Kind) -> Any:
    try:
        return import_module(kind.module)
    except ImportError:
        hint = "pip install 'cortex-cli[zstd]', or decompress it first"
        raise OptionError(f"the package {kind.module} is needed for this file", hint=hint) from None


def ending_of(path: str) -> str:
    """Return the ending that says how a file is compressed; empty where it is not."""
    ending = PurePath(path).suffix.lower()
    return ending if ending in _KINDS else ""


def unpacked_name(name: str) -> str:
    """Return a file's name without the ending that says how it is compressed."""
    return name[: len(name) - len(ending_of(name))]


def unpack(data: bytes, path: str) -> bytes:
    """Return the contents of a compressed file; others as they are.

    Raises:
        InputError: It is damaged or cut short, or not what its name says.
        OptionError: A package is missing.
    """
    kind = _KINDS.get(ending_of(path))
    if kind is None:
        return data
    with _told(path):
        contents: bytes = _module(kind).open(io.BytesIO(data)).read()
        return contents


def read_lines(stream: BinaryIO, path: str) -> Iterator[bytes]:
    """Yield the lines of a file with their line feeds, unpacked where its name says that it is compressed.

    Raises:
        InputError: It is damaged or cut short, or not what its name says.
        OptionError: A package is missing.
    """
    kind = _KINDS.get(ending_of(path))
    with _told(path):
        yield from _module(kind).open(stream) if kind else stream


def pack(chunks: Iterable[bytes], path: str) -> Iterator[bytes]:
    """Yield contents as they stand in a file of that name."""
    kind = _KINDS.get(ending_of(path))
    if kind is None:
        yield from chunks
        return
    packer = kind.packer(_module(kind))
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Say what is wrong with a compressed file in one line."""
    try:
        yield
    except Exception as error:
        if not _is_damage(error, _KINDS.get(ending_of(path))):
            raise
        hint = "decompress what can be saved of it with its own tool"
        raise InputError(f"cannot be decompressed: {error}", where=path, hint=hint) from error


def _is_damage(error: Exception, kind: _Kind | None) -> bool:
    """Tell an error of the contents from one of the disk, which has a number, and from a bug."""
    if kind is None or getattr(error, "errno", None) is not None:
        return False
    return isinstance(error, EOFError | OSError | zlib.error) or type(error).__name__ == kind.error
