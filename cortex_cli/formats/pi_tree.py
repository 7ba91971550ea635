"""The entries of a pi session and the path through them that pi sends: its leaf is the last entry of the file.

Version 1 files have no ids: their entries are a chain in file order. Source: pi's `session-manager.ts`,
FORMATS section 6.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cortex_cli.formats.contents import text_of

SPOKEN = ("message", "custom_message", "branch_summary", "compaction")
"""Types of entries that can be part of what is sent; all others are the session's own."""


class Entry(NamedTuple):
    """One line of a session behind the header."""

    record: int
    id: str
    parent: str
    """Empty for a root."""
    kind: str
    """`type` of the line."""
    value: dict[str, Any]


class Tree(NamedTuple):
    """A session as it stands in its file."""

    header: dict[str, Any]
    version: int
    entries: tuple[Entry, ...]
    """In file order."""
    path: tuple[Entry, ...]
    """From the root to the leaf."""
    compaction: int | None
    """Position in `path` of the compaction in effect."""
    first_kept: int
    """Position in `path` of the first entry kept from before that compaction; its own position if none is."""
    objects: tuple[int, ...]
    """Records that hold an object, the header's first: what version 1 counts."""

    @property
    def compaction_record(self) -> int:
        """Record of the compaction in effect, -1 where there is none."""
        return -1 if self.compaction is None else self.path[self.compaction].record

    @property
    def live(self) -> Iterator[Entry]:
        """The entries whose messages are sent, in the order they are sent."""
        if self.compaction is None:
            yield from self.path
            return
        yield self.path[self.compaction]
        yield from self.path[self.first_kept : self.compaction]
        yield from self.path[self.compaction + 1 :]

    def with_records(self, places: Mapping[int, int]) -> "Tree":
        """Return the same tree in a file where some entries stand in other lines: record -> its place."""
        moved = [entry._replace(record=places.get(entry.record, entry.record)) for entry in self.entries]
        path = tuple(entry._replace(record=places[entry.record]) for entry in self.path)
        return self._replace(entries=tuple(sorted(moved, key=lambda entry: entry.record)), path=path)


def read_tree(lines: Iterable[tuple[int, dict[str, Any]]]) -> Tree | None:
    """Read the lines of a session; None where the first is no header, pi takes such a file for empty."""
    values = list(lines)
    if not values or not is_header(values[0][1]):
        return None
    header = values[0][1]
    version = header.get("version")
    version = version if isinstance(version, int) and version > 0 else 1
    entries = tuple(_entries(values, version))
    path = _walk(entries)
    compaction = max((at for at, entry in enumerate(path) if entry.kind == "compaction"), default=None)
    first_kept = 0 if compaction is None else _first_kept(path, compaction)
    return Tree(header, version, entries, path, compaction, first_kept, tuple(record for record, _ in values))


def is_header(value: Any) -> bool:
    """Tell whether a line is what a session begins with."""
    return isinstance(value, dict) and value.get("type") == "session" and isinstance(value.get("id"), str)


def _entries(values: Sequence[tuple[int, dict[str, Any]]], version: int) -> Iterator[Entry]:
    parent = ""
    ids: dict[int, str] = {}
    for index, (record, value) in enumerate(values):
        kind = value.get("type")
        if kind == "session" or not isinstance(kind, str):
            continue
        if version >= 2:
            yield Entry(record, text_of(value.get("id")), text_of(value.get("parentId")), kind, value)
            continue
        ids[index] = f"line {record + 1}"
        if kind == "compaction" and isinstance(kept := value.get("firstKeptEntryIndex"), int):
            value = {**value, "firstKeptEntryId": ids.get(kept, "")}
        yield Entry(record, ids[index], parent, kind, value)
        parent = ids[index]


def _walk(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Follow the parents from the last entry; of equal ids the later entry counts, as in pi."""
    by_id = {entry.id: entry for entry in entries}
    path: list[Entry] = []
    seen: set[int] = set()
    entry = by_id[entries[-1].id] if entries else None
    while entry is not None and entry.record not in seen:
        seen.add(entry.record)
        path.append(entry)
        entry = by_id.get(entry.parent) if entry.parent else None
    return tuple(reversed(path))


def _first_kept(path: Sequence[Entry], compaction: int) -> int:
    kept = path[compaction].value.get("firstKeptEntryId")
    return next((at for at in range(compaction) if kept and path[at].id == kept), compaction)
