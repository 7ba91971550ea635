"""How contents stand on a disk: compressed (`.gz`, `.bz2`, `.xz`, `.zst`) as their name says, or in the zip of a log.

A zip is known by its first bytes, since standard input has no name and no JSON text begins so; it leaves as a zip,
unless the output is named `.json` or `.jsonl`.
"""

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import BinaryIO

from cortex_cli import compressors
from cortex_cli.errors import OptionError

ENDINGS = tuple(compressors.KINDS)
"""They stand behind the ending that names the format."""

ZIP = ".eval"
"""How inspect-ai names the zips that it writes."""

_ZIP_BEGINS = (b"PK\x03\x04", b"PK\x05\x06")
"""With an entry, or without any."""

_TEXT_ENDINGS = (".json", ".jsonl")


def ending_of(path: str) -> str:
    """Return the ending that says how a file is compressed; empty where it is not."""
    ending = PurePath(path).suffix.lower()
    return ending if ending in compressors.KINDS else ""


def unpacked_name(name: str) -> str:
    """Return a file's name without the ending that says how it is compressed."""
    return name[: len(name) - len(ending_of(name))]


def is_zip(data: bytes) -> bool:
    """Tell whether a file is a zip, by its first bytes."""
    return data.startswith(_ZIP_BEGINS)


def is_packed(data: bytes, path: str) -> bool:
    """Tell whether the bytes of a file of that name are compressed, or a zip."""
    return bool(ending_of(path)) or is_zip(data)


def form_of(path: str, packed: bytes | None) -> str:
    """Return in which form contents are written to a file of that name: an ending of ours, `.eval`, or empty for none.

    Args:
        path: Of the output; `-` for standard output.
        packed: The input as it stands on the disk, where it is packed.
    """
    name = path.lower()
    if ending := ending_of(path):
        return ending
    stays_zip = packed is not None and is_zip(packed) and not name.endswith(_TEXT_ENDINGS)
    return ZIP if stays_zip or name.endswith(ZIP) else ""


def unpack(data: bytes, path: str) -> bytes:
    """Return the contents of a compressed file, or of a zip as one JSON document; others as they are.

    Raises:
        InputError: It is damaged or cut short, not what its name says, or holds too much.
        OptionError: A package is missing.
    """
    kind = compressors.KINDS.get(ending_of(path))
    if kind is not None:
        return compressors.decompress(kind, data, path)
    if not is_zip(data):
        return data
    from cortex_cli import zipped_logs  # noqa: PLC0415  # start-up time: few inputs are zips

    return zipped_logs.read(data, path)


def read_lines(stream: BinaryIO, path: str) -> Iterator[bytes]:
    """Yield the lines of a file with their line feeds, unpacked where its name says that it is compressed.

    Raises:
        InputError: It is damaged or cut short, or not what its name says.
        OptionError: A package is missing.
    """
    kind = compressors.KINDS.get(ending_of(path))
    with compressors.told(kind, path):
        yield from compressors.module_of(kind).open(stream) if kind else stream


def pack(chunks: Iterable[bytes], path: str, packed: bytes | None = None) -> Iterator[bytes]:
    """Yield contents as they stand in a file of that name.

    Args:
        chunks: The contents.
        path: The name; `-` for standard output.
        packed: The input that they were made of, as it stands on the disk; a zip takes its other entries from there.

    Raises:
        OptionError: The name is that of a zip, and the input was none; or a package is missing.
    """
    form = form_of(path, packed)
    if form == ZIP:
        if packed is None or not is_zip(packed):
            hint = f"name it `.json`; `inspect log convert` makes {form} files of those"
            raise OptionError(f"only a {form} file can become one", where=path, hint=hint)
        from cortex_cli import zipped_logs  # noqa: PLC0415  # as above

        yield zipped_logs.write(b"".join(chunks), packed, path)
        return
    kind = compressors.KINDS.get(form)
    if kind is None:
        yield from chunks
        return
    packer = kind.packer(compressors.module_of(kind))
    for chunk in chunks:
        if compressed := packer.compress(chunk):
            yield compressed
    yield packer.flush()
