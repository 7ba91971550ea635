"""Where a result may go, and what becomes of it there: a file, over its input, a new session, a stream, nowhere."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from shlex import quote
from typing import BinaryIO, Literal, NamedTuple

from cortex_cli import files, folders, formats, packing
from cortex_cli.errors import OptionError, OutputError
from cortex_cli.files import STDIO, InputFile
from cortex_cli.holders import find_holder
from cortex_cli.messages import Transcript
from cortex_cli.sessions import find_client_of, fork
from cortex_cli.settings import Settings

Keep = Callable[[bytes, str], None]
"""(output, its path) -> stores what the output takes away."""


class Target(NamedTuple):
    """Where one result goes."""

    kind: Literal["file", "in-place", "fork", "stream", "none"]
    path: Path = Path()
    """Of a file."""
    overwrite: bool = False
    """Replace a file that is there."""
    stream: BinaryIO | None = None
    """Of a stream."""
    environment: Mapping[str, str] = {}
    """For a fork: where its client keeps sessions."""

    def keeps_history(self, settings: Settings) -> bool:
        """Whether what stood before a compaction stays in the file. Source: SPEC section 11."""
        return settings.keep_history or self.kind == "in-place"


class Written(NamedTuple):
    """What became of one result."""

    path: str
    """Empty where nothing was written; `-` for a stream."""
    size_bytes: int
    backup: str = ""
    """Where the old contents are kept."""
    hints: tuple[str, ...] = ()


def write_result(
    source: InputFile,
    chunks: Callable[[], Iterable[bytes]],
    target: Target,
    transcript: Transcript,
    *,
    changed: bool,
    keep: Keep | None = None,
) -> Written:
    """Write one result to its target.

    Args:
        source: The input.
        chunks: Makes the bytes of the result; called once.
        target: Where it goes.
        transcript: The result (of a data set the first), for its format and session id.
        changed: Whether the result differs from the input.
        keep: Stores what the result takes away, before it is written; if that fails nothing is written.

    Raises:
        ArchiveError: The originals cannot be stored.
        OutputError: It cannot be written, the input has changed since it was read, or its client has it open.
        OptionError: The target does not go with this input.
    """
    if target.kind == "none":
        return Written("", sum(map(len, _stored(source, chunks(), source.path, changed=changed))))
    if target.kind == "in-place":
        return _write_in_place(source, chunks, keep, changed=changed)
    if target.kind == "fork":
        return _write_fork(source, b"".join(chunks()), target, transcript, keep)
    if target.kind == "stream":
        assert target.stream is not None
        contents = _stored(source, _kept(chunks, STDIO, keep), STDIO, changed=changed)
        return Written(STDIO, files.write_stream(target.stream, contents))
    if target.path.exists() and source.stamp is not None and target.path.samefile(source.path):
        raise OptionError(
            "the output is the input", where=str(target.path), hint="use --in-place, which keeps a backup"
        )
    if folders.is_session(source.path):
        kept = _kept(chunks, target.path, keep)
        size = folders.write(target.path, kept, like=source.path, overwrite=target.overwrite)
        return Written(str(target.path), size, hints=_hints(source, transcript) if changed else ())
    contents = _stored(source, _kept(chunks, target.path, keep), target.path, changed=changed)
    size = files.write_file(target.path, contents, overwrite=target.overwrite, mode=source.mode)
    return Written(str(target.path), size, hints=_hints(source, transcript) if changed else ())


def _hints(source: InputFile, transcript: Transcript) -> tuple[str, ...]:
    """A client knows a session by its id, and this file has the id of its input."""
    client = find_client_of(transcript.format)
    if client is None or source.path == STDIO:
        hint = formats.hint_of(transcript.format)
        return (hint,) if hint else ()
    return (f"{client.name} cannot resume it under this name; with --fork it becomes a session of its own",)


def _kept(chunks: Callable[[], Iterable[bytes]], path: str | Path, keep: Keep | None) -> Iterable[bytes]:
    """Return the contents, once what they take away is in the archive."""
    if keep is None:
        return chunks()
    data = b"".join(chunks())
    keep(data, STDIO if path == STDIO else os.path.realpath(path))
    return [data]


def _stored(source: InputFile, chunks: Iterable[bytes], path: str | Path, *, changed: bool) -> Iterable[bytes]:
    """Return contents as they stand in a file of that name: packed where it says so, or as the input was."""
    packed = source.packed
    if (
        packed is not None
        and not changed
        and packing.form_of(source.path, packed) == packing.form_of(str(path), packed)
    ):
        return [packed]
    return packing.pack(chunks, str(path), packed)


def _write_in_place(
    source: InputFile, chunks: Callable[[], Iterable[bytes]], keep: Keep | None, *, changed: bool
) -> Written:
    if source.stamp is None:
        raise OutputError("is no regular file", where=source.path, hint="use -o PATH")
    if not changed:
        return Written("", len(source.raw))
    if folders.is_member(source.path):
        hint = f"name the folder, so that the other files follow: `{quote(str(Path(source.path).parent))}`"
        raise OptionError("is one file of a session", where=source.path, hint=hint)
    if holder := find_holder(Path(source.path)):
        hint = "close it first, or use --fork or -o PATH"
        raise OutputError(f"{holder} has the session open", where=source.path, hint=hint)
    if folders.is_session(source.path):
        data = b"".join(_kept(chunks, source.path, keep))
        return Written(source.path, len(data), backup=str(folders.write_in_place(source, [data])))
    contents = _stored(source, _kept(chunks, source.path, keep), source.path, changed=changed)
    backup = files.write_in_place(source, contents)
    return Written(source.path, Path(source.path).stat().st_size, backup=str(backup))


def _write_fork(source: InputFile, data: bytes, target: Target, transcript: Transcript, keep: Keep | None) -> Written:
    new = fork(data, transcript.format, transcript.session_id, source.path, target.environment)
    if keep is not None:
        keep(new.data, os.path.realpath(new.path))
    if not new.path.exists():
        make_folder(new.path.parent)
        files.write_file(new.path, [new.data], mode=source.mode)
    folder = f"cd {quote(new.folder)} && " if new.folder else ""
    return Written(str(new.path), len(new.data), hints=(f"resume it: `{folder}{new.command}`",))


def make_folder(folder: Path) -> None:
    """Make a folder and those above it.

    Raises:
        OutputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot be made: {error.strerror}", where=str(folder), hint="use -o PATH") from error
