"""OpenHands conversations as they stand on disk: a folder with a file for each event, read and written as a list.

Of the SDK `events/event-NNNNN-<id>.json`, numbered from 0 without gaps; of the older server `events/<id>.json`, the ids
being numbers, with pages of copies in `event_cache`, which would be read in the place of new events and therefore do
not stay. The files keep their bytes. A new folder appears whole or not at all; in place the old events stay beside the
new ones, as a backup. Source: the event log of openhands-sdk, `EventStore` of openhands-ai before 1.0.
"""

import re
import shutil
from itertools import count
from pathlib import Path
from typing import Any

from cortex_cli import files
from cortex_cli.errors import InputError, OutputError
from cortex_cli.files import InputFile
from cortex_cli.formats.openhands_events import is_event
from cortex_cli.formats.source import BOM
from cortex_cli.jsonedit import parse
from cortex_cli.jsonscan import item_spans

EVENTS = "events"
"""Name of the folder with the events."""

CACHE = "event_cache"
"""Name of the folder with the older server's copies of them."""

_NAME = re.compile(r"event-(\d{5,})-[0-9A-Za-z-]+\.json\Z")
_NAME_V0 = re.compile(r"(\d+)\.json\Z")


def is_folder(path: str | Path) -> bool:
    """Tell whether a path is a conversation's folder, or the folder of its events: no two have the same number."""
    places = _paths(Path(path))
    numbers = [_number(place.name) for place in places]
    return bool(numbers) and len(set(numbers)) == len(numbers) and (_is_named(places[0]) or _is_v0(places[0]))


def is_member(path: str | Path) -> bool:
    """Tell whether a file is one event of such a folder."""
    file = Path(path)
    return _number(file.name) >= 0 and (_is_named(file) or _is_v0(file)) and is_folder(file.parent)


def _number(name: str) -> int:
    """Return the number of an event by the name of its file; -1 where it is none."""
    match = _NAME.match(name) or _NAME_V0.match(name)
    return int(match[1]) if match else -1


def _is_named(place: Path) -> bool:
    """Tell whether a file's name alone says that it is an event."""
    return _NAME.match(place.name) is not None


def _is_v0(place: Path) -> bool:
    """Tell whether a file is an event of the older server: many things are called `1.json`."""
    try:
        value = parse(place.read_bytes())
    except (OSError, ValueError):
        return False
    return _is_event_v0(value, place)


def _is_event_v0(value: Any, place: Path) -> bool:
    return is_event(value) and value["id"] == _number(place.name)


def _home(folder: Path) -> Path:
    """Return the folder that holds the events."""
    return folder / EVENTS if (folder / EVENTS).is_dir() else folder


def _paths(folder: Path) -> list[Path]:
    """Return the files of events, in their order; of the older server where there are none of the SDK."""
    home = _home(folder)
    try:
        names = [entry.name for entry in home.iterdir()] if home.is_dir() else []
    except OSError:
        return []
    named = [name for name in names if _NAME.match(name)] or [name for name in names if _NAME_V0.match(name)]
    return [home / name for name in sorted(named, key=lambda name: (_number(name), name))]


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
        hint = "OpenHands cannot read the conversation either"
        try:
            value = parse(body)
        except ValueError as error:
            raise InputError("not JSON", where=str(place), hint=hint) from error
        if not (_is_named(place) or _is_event_v0(value, place)):
            raise InputError("not the event of that number", where=str(place), hint=hint)
        pieces.append(body)
    return InputFile(b"[" + b",".join(pieces) + b"]", path, newest.stamp, newest.mode)


def _write_events(home: Path, data: bytes) -> int:
    """Write a file for each event of a list."""
    home.mkdir()
    size = 0
    for number, (start, end) in enumerate(item_spans(data, ())):
        body = data[start:end]
        own_id = parse(body).get("id", "")
        named = re.sub(r"[^0-9A-Za-z-]", "-", str(own_id))
        name = f"{own_id}.json" if type(own_id) is int else f"event-{number:05d}-{named}.json"
        size += files.write_file(home / name, [body])
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
                shutil.copytree(
                    like, new, ignore=lambda folder, _names: [EVENTS, CACHE] if Path(folder) == like else []
                )
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
    backup = _free_backup(home)
    try:
        with files.temporary_folder(home) as made:
            _write_events(made / "new", data)
            cache = home.with_name(CACHE)
            if home.name == EVENTS and cache.is_dir():
                cache.rename(_free_backup(cache))
            home.rename(backup)
            (made / "new").rename(home)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot be written: {reason}", where=source.path, hint="use -o PATH") from error
    return backup


def _free_backup(folder: Path) -> Path:
    """Return the first name of a backup that is free."""
    names = (folder.with_name(f"{folder.name}.bak{f'.{number}' if number else ''}") for number in count())
    return next(name for name in names if not name.exists())
