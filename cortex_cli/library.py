"""Load and dump for programs: paths, bytes, lines and plain lists of message dicts."""

from collections.abc import Iterable, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from cortex_cli import files, folders, formats, packing
from cortex_cli.formats.source import Source
from cortex_cli.messages import Transcript

Loadable = str | PathLike[str] | bytes | Sequence[Any]
"""A path, a file's bytes, its lines (bytes or str), or a list of message dicts."""


def load(source: Loadable, *, format: str = "auto") -> Transcript:
    """Read one transcript.

    Args:
        source: A path; the bytes of a file, of an `.eval` log too; its lines; or messages as a program holds them for
            its provider (OpenAI, Anthropic, Gemini, Bedrock, axio, pi): dicts or the package's objects.
        format: A format's name, or `auto`.

    Raises:
        InputError: It cannot be read, is of no known format, or holds several conversations (see `load_all`).
        OptionError: There is no such format.
    """
    if _is_plain(source):
        return formats.load_messages(source, format)  # type: ignore[arg-type]
    return formats.load(_as_source(source), format)


def load_all(source: Loadable, *, format: str = "auto") -> tuple[Transcript, ...]:
    """Read every conversation of a data set (one a line, or one an item of a list), or the only one of a file.

    Raises:
        InputError: It cannot be read, or is of no known format.
        OptionError: There is no such format.
    """
    if _is_plain(source):
        return (formats.load_messages(source, format),)  # type: ignore[arg-type]
    return formats.load_all(_as_source(source), format)


def dump(
    transcript: Transcript,
    path: str | PathLike[str] | None = None,
    *,
    overwrite: bool = False,
    keep_history: bool = False,
) -> Any:
    """Write a transcript in the format it was read in.

    Args:
        transcript: As `load` or `compact` returned it.
        path: Where to; its name says how it is compressed, if at all. None: return it instead.
        overwrite: Whether a file that is there may be replaced.
        keep_history: Leave what stood before a compaction in the file, where its format has a place for it.

    Returns:
        With a path the bytes written, as a number. Without one the file's bytes; for a transcript that was
        loaded from a list of messages the list, untouched messages being the same objects.

    Raises:
        OutputError: It could not be written; what was there is unharmed.
        OptionError: It is to be an `.eval` log, and was read from none.
    """
    if path is None and formats.is_plain(transcript):
        return formats.dump_messages(transcript)
    chunks = formats.dump(transcript, keep_history=keep_history)
    if path is None:
        return b"".join(chunks)
    target = Path(fspath(path))
    if folders.is_session(transcript.path):
        return folders.write(target, chunks, like=transcript.path, overwrite=overwrite)
    return files.write_file(target, packing.pack(chunks, str(target), _packed(transcript, target)), overwrite=overwrite)


def _packed(transcript: Transcript, target: Path) -> bytes | None:
    """Return the file that a transcript was read from, where the output takes more from it than the transcript."""
    is_zip = packing.form_of(str(target), None) == packing.ZIP and Path(transcript.path).is_file()
    return files.read_file(transcript.path).packed if is_zip else None


def _is_plain(source: Loadable) -> bool:
    return not isinstance(source, str | PathLike | bytes) and not all(isinstance(one, str | bytes) for one in source)


def _as_source(source: Any) -> Source:
    if isinstance(source, bytes):
        return Source(packing.unpack(source, files.STDIO))
    if isinstance(source, str | PathLike):
        read = folders.read_source(fspath(source))
        return Source(read.data, read.path)
    return Source(_join(source))


def _join(lines: Iterable[str | bytes]) -> bytes:
    ends = (b"\n", b"\r")
    encoded = [line.encode() if isinstance(line, str) else line for line in lines]
    return b"".join(line if line.endswith(ends) else line + b"\n" for line in encoded)


def register_format(format: formats.Format) -> None:
    """Make a format of yours known to `load`, `dump` and all that uses them in this process.

    Args:
        format: An object, a module will do, with `NAME`, `detect`, `load` and `dump` as `formats.Format` tells; it
            is asked before the built-in ones, and replaces one of the same name.
    """
    formats.register(format)
