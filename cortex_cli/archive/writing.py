"""One run into the archive: prepared without a lock, written in one transaction."""

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from cortex_cli.archive import blocks, delta
from cortex_cli.archive.texts import Removed, encoded, searchable
from cortex_cli.jsonedit import parse
from cortex_cli.sqlite import storable, transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What one run was."""

    input: str
    """Path; `-` for standard input."""
    output: str
    made: str
    """ISO 8601, UTC."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Command, version, settings, changes: as JSON."""


TextsOf = Callable[[Sequence[int]], Iterable[Removed]]
"""(0-based indices of the input's segments that left) -> the texts that left."""


class _Record(NamedTuple):
    line: int
    """1-based, of its first segment."""
    name: bytes
    data: bytes


def put_run(connection: sqlite3.Connection, before: bytes, after: bytes, texts_of: TextsOf, receipt: Receipt) -> None:
    """Write a run; the same one a second time adds nothing."""
    digests = sha256(before).hexdigest(), sha256(after).hexdigest()
    key = blocks.hash_of("\0".join([*digests, receipt.input, receipt.output]).encode("utf-8", "surrogateescape"))
    if connection.execute("SELECT 1 FROM run WHERE key = ?", (key,)).fetchone():
        return
    old, new = delta.split(before), delta.split(after)
    steps = delta.compare(old, new)
    gone = [step for step in steps if not step.kept]
    records = [_record(step, old) for step in gone]
    texts = list(texts_of([at for step in gone for at in range(step.first, step.first + step.length)]))
    row = (
        key,
        receipt.made,
        storable(receipt.input),
        storable(receipt.output),
        *digests,
        len(before),
        len(after),
        _packed(receipt.about),
        _packed([[int(step.kept), step.first, step.length] for step in steps]),
        delta.hashes(new),
    )
    _write(connection, row, records, texts)


def put_text(connection: sqlite3.Connection, text: Removed, made: str) -> None:
    """Write one text of a session that has no file; all such belong to one run without input and output."""
    row = (b"live", made, "", "", "", "", 0, 0, _packed({}), _packed([]), b"")
    _write(connection, row, (), [text])


def _record(step: delta.Step, segments: Sequence[bytes]) -> _Record:
    data = b"".join(segments[step.first : step.first + step.length])
    return _Record(step.first + 1, blocks.hash_of(data), data)


def _packed(value: Any) -> bytes:
    try:
        data = orjson.dumps(value, default=str)
    except TypeError:  # half surrogates: in a path that is not UTF-8, in a tool's name
        data = json.dumps(value, default=str).encode()
    return zlib.compress(data)


def unpacked(data: bytes) -> Any:
    """Return the JSON value of a packed column."""
    try:
        return parse(zlib.decompress(data))
    except (zlib.error, ValueError) as error:
        raise sqlite3.DatabaseError(f"a receipt is damaged ({error})") from error


def _write(
    connection: sqlite3.Connection, row: tuple[Any, ...], records: Sequence[_Record], texts: Sequence[Removed]
) -> None:
    named = [(blocks.hash_of(data := encoded(text.text)), data, text) for text in texts]
    contents = {name: data for name, data, _ in named}
    originals = {record.name: record.data for record in records}
    packed_texts = _pack_unknown(connection, "text", contents)
    packed_records = _pack_unknown(connection, "record", originals)
    with transaction(connection):
        connection.execute(
            "INSERT OR IGNORE INTO run (key, made, input, output, input_sha256, output_sha256, input_bytes,"
            " output_bytes, receipt, steps, segments) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        [run] = connection.execute("SELECT id FROM run WHERE key = ?", row[:1]).fetchone()
        blocks.store(connection, "record", packed_records)
        record_ids = blocks.ids_of(connection, "record", list(originals))
        connection.executemany(
            "INSERT OR IGNORE INTO removed (run, line, record) VALUES (?, ?, ?)",
            [(run, record.line, record_ids[record.name]) for record in records],
        )
        new = blocks.store(connection, "text", packed_texts)
        text_ids = blocks.ids_of(connection, "text", list(contents))
        connection.executemany(
            "INSERT INTO search (rowid, body) VALUES (?, ?)",
            [(text_ids[name], searchable(text.text)) for name, text in _first_of_each(named) if name in new],
        )
        connection.executemany(
            "INSERT OR IGNORE INTO place (text, run, message, part, line, message_id, role, tool, time)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(text_ids[name], run, *_place(text)) for name, _, text in named],
        )


def _pack_unknown(
    connection: sqlite3.Connection, kind: blocks.Kind, contents: dict[bytes, bytes]
) -> list[blocks.Packed]:
    missing = blocks.unknown(connection, kind, list(contents))
    return list(blocks.pack(kind, ((name, data) for name, data in contents.items() if name in missing)))


def _first_of_each(named: Sequence[tuple[bytes, bytes, Removed]]) -> list[tuple[bytes, Removed]]:
    first: dict[bytes, Removed] = {}
    for name, _, text in named:
        first.setdefault(name, text)
    return list(first.items())


def _place(text: Removed) -> tuple[int, int, int, str, str, str, str]:
    names = (searchable(one) for one in (text.message_id, text.role, text.tool, text.time))
    message_id, role, tool, time = names
    # records off the live path have no message: their line tells them apart
    message, part = (text.message, text.part) if text.message >= 0 else (-1, text.line)
    return message, part, text.line, message_id, role, tool, time
