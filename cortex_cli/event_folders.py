"""OpenHands conversations as they stand on disk: a folder with a file for each event, read and written as a list.

`events/event-NNNNN-<id>.json`, numbered from 0 without gaps, `base_state.json` beside the folder. The files keep their
bytes. A new folder appears whole or not at all; in place the old events stay beside the new ones, as a backup.
Source: the event log of openhands-sdk.
"""

import re
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from cortex_cli import files
from cortex_cli.errors import InputError, OutputError
from cortex_cli.files import InputFile
from cortex_cli.formats.source import BOM
from cortex_cli.jsonedit import parse
from cortex_cli.jsonscan import item_spans

EVENTS = "events"
"""Name of the folder with the events."""

_NAME = re.compile(r"event-(\d{5,})-[0-9A-Za-z-]+\.json\Z")


def is_folder(path: str | Path) -> bool:
    """Tell whether a path is a conversation's folder, or the folder of its events: no two have the same number."""
    numbers = [place.name.split("-")[1] for place in _paths(Path(path))]
    return bool(numbers) and len(set(numbers)) == len(numbers)


def is_member(path: str | Path) -> bool:
    """Tell whether a file is one event of such a folder."""
    file = Path(path)
    return _NAME.match(file.name) is not None and is_folder(file.parent)


def _home(folder: Path) -> Path:
    """Return the folder that holds the events."""
    return folder / EVENTS if (folder / EVENTS).is_dir() else folder


def _paths(folder: Path) -> Iterator[Path]:
    """Yield the files of events, in their order."""
    home = _home(folder)
    try:
        names = [entry.name for entry in home.iterdir()] if home.is_dir() else []
    except OSError:
        return
    found = [(int(match[1]), name) for name in names if (match := _NAME.match(name))]
    yield from (home / name for _, name in sorted(found))


def read(path: str) -> InputFile:
    """Read a conversation's events as one list.

    Raises:
        InputError: A file of it cannot be read, or is not JSON.
    """
    pieces: list[bytes] = []
    newest = InputFile(b"", path)
    for place in _paths(Path(path)):
        newest = files.read_file(str(place))
        body = newest.data.removeprefix(BOM)
        try:
            parse(body)
        except ValueError as error:
            hint = "OpenHands cannot read the conversation either"
            raise InputError("not JSON", where=str(place), hint=hint) from error
        pieces.append(body)
    return InputFile(b"[" + b",".join(pieces) + b"]", path, newest.stamp, newest.mode)


def _write_events(home: Path, data: bytes) -> int:
    """Write a file for each event of a list."""
    home.mkdir()
    size = 0
    for number, (start, end) in enumerate(item_spans(data, ())):
        body = data[start:end]
        own_id = re.sub(r"[^0-9A-Za-z-]", "-", str(parse(body).get("id", "")))
        size += files.write_file(home / f"event-{number:05d}-{own_id}.json", [body])
    return size


def write(path: Path, data: bytes, like: Path, *, overwrite: bool = False) -> int:
    """Write a conversation as a folder of its own, and return the size of its events in bytes.

    Args:
        path: The new folder.
        data: The list of events.
        like: The conversation that it was made from; what else stands in its folder is copied.
        overwrite: Replace an existing folder.

    Raises:
        OutputError: It exists (without `overwrite`), or cannot be written.
    """
    if path.exists() and not overwrite:
        hint = "`--force` overwrites it, `-o PATH` writes elsewhere"
        raise OutputError("already exists", where=str(path), hint=hint)
    try:
        with files.temporary_folder(path) as made:
            new = made / "new"
            if _home(like) == like:
                size = _write_events(new, data)
            else:
                shutil.copytree(like, new, ignore=lambda folder, _names: [EVENTS] if Path(folder) == like else [])
                size = _write_events(new / EVENTS, data)
            if path.exists():
                path.rename(made / "old")
            new.rename(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot be written: {reason}", where=str(path), hint="`-o PATH` writes elsewhere") from error
    return size


def write_in_place(source: InputFile, data: bytes) -> Path:
    """Put new events in the place of the old ones, and return where the old ones are kept.

    Raises:
        OutputError: The conversation has changed since it was read, or cannot be written.
    """
    if read(source.path).data != source.data:
        hint = "nothing was written; run it again when nobody writes to it"
        raise OutputError("the conversation has changed since it was read", where=source.path, hint=hint)
    home = _home(Path(source.path))
    names = (home.with_name(f"{home.name}.bak{f'.{number}' if number else ''}") for number in count())
    backup = next(name for name in names if not name.exists())
    try:
        with files.temporary_folder(home) as made:
            _write_events(made / "new", data)
            home.rename(backup)
            (made / "new").rename(home)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot be written: {reason}", where=source.path, hint="use -o PATH") from error
    return backup
