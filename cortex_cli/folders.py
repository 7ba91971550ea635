"""A session that is a folder of files: read as one JSON document with a member for each, and written as the folder.

The members keep their bytes. A new folder appears whole or not at all; in a folder that is there each file is
replaced whole, the history last: a crash between leaves more to be observed again, never less.
"""

from collections.abc import Iterable
from pathlib import Path

from cortex_cli import event_folders, files
from cortex_cli.errors import InputError, OutputError
from cortex_cli.files import InputFile
from cortex_cli.formats.cortex_session import HISTORY, META, STATE
from cortex_cli.formats.source import BOM
from cortex_cli.jsonedit import encode, parse
from cortex_cli.jsonscan import end_of, read_key, skip

MEMBERS = (STATE, META, HISTORY)
"""Files of a session, in the order in which they are written."""


def is_session(path: str | Path) -> bool:
    """Tell whether a path is the folder of a session."""
    folder = Path(path)
    return ((folder / HISTORY).is_file() and (folder / META).is_file()) or event_folders.is_folder(folder)


def is_member(path: str | Path) -> bool:
    """Tell whether a file is one of a session's, whose others have to follow it."""
    file = Path(path)
    return (file.name in MEMBERS and is_session(file.parent)) or event_folders.is_member(file)


def read_source(path: str) -> InputFile:
    """Read a file, or the folder of a session.

    Raises:
        InputError: It cannot be read.
    """
    return read(path) if is_session(path) else files.read_file(path)


def read(path: str) -> InputFile:
    """Read a session's folder as one document.

    Raises:
        InputError: A file of it cannot be read, or is not JSON.
    """
    if event_folders.is_folder(path):
        return event_folders.read(path)
    pieces: list[bytes] = []
    history = files.read_file(str(Path(path) / HISTORY))
    for name in reversed(MEMBERS):
        place = Path(path) / name
        if name != STATE or place.is_file():
            data = history.data if name == HISTORY else files.read_file(str(place)).data
            pieces.append(encode(name) + b":" + _checked(data.removeprefix(BOM), place))
    return InputFile(b"{" + b",".join(pieces) + b"}", path, history.stamp, history.mode)


def _checked(data: bytes, place: Path) -> bytes:
    try:
        parse(data)
    except ValueError as error:
        raise InputError("not JSON", where=str(place), hint="its agent cannot read the session either") from error
    return data


def split(data: bytes) -> dict[str, bytes]:
    """Take the document of a session apart: name of each file -> its contents, white space around them included."""
    found: dict[str, bytes] = {}
    at = skip(data, data.index(b"{") + 1)
    while data[at : at + 1] != b"}":
        key, start = read_key(data, at)
        stop = skip(data, end_of(data, start))
        found[key] = data[data.rindex(b":", at, start) + 1 : stop]
        at = skip(data, stop + 1) if data[stop : stop + 1] == b"," else stop
    return {name: found[name] for name in MEMBERS if name in found}


def write(path: Path, chunks: Iterable[bytes], *, like: str = "", overwrite: bool = False) -> int:
    """Write a session's folder, and return the size of its files in bytes.

    Args:
        path: The new folder.
        chunks: The document.
        like: The folder that it was made from.
        overwrite: Whether a folder that is there may be replaced.

    Raises:
        OutputError: It exists (without `overwrite`), or cannot be written.
    """
    if event_folders.is_folder(like or path):
        return event_folders.write(path, b"".join(chunks), Path(like or path), overwrite=overwrite)
    members = split(b"".join(chunks))
    if path.exists() and not overwrite:
        hint = "`--force` overwrites it, `-o PATH` writes elsewhere"
        raise OutputError("already exists", where=str(path), hint=hint)
    if path.exists():
        return sum(files.write_file(path / name, [data], overwrite=True) for name, data in members.items())
    try:
        with files.temporary_folder(path) as made:
            new = made / "new"
            new.mkdir()
            size = sum(files.write_file(new / name, [data]) for name, data in members.items())
            new.rename(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot be written: {reason}", where=str(path), hint="`-o PATH` writes elsewhere") from error
    return size


def write_in_place(source: InputFile, chunks: Iterable[bytes]) -> Path:
    """Write over the files of a session that differ, and return where its old history is kept.

    Raises:
        OutputError: The folder has changed since it was read, or cannot be written.
    """
    if event_folders.is_folder(source.path):
        return event_folders.write_in_place(source, b"".join(chunks))
    now = split(b"".join(chunks))
    if read(source.path).data != source.data:
        hint = "nothing was written; run it again when nobody writes to it"
        raise OutputError("the session has changed since it was read", where=source.path, hint=hint)
    before = split(source.data)
    backup = Path(source.path)
    for name in MEMBERS:
        if name in now and now[name] != before.get(name):
            backup = files.write_in_place(files.read_file(str(Path(source.path) / name)), [now[name]])
    return backup
