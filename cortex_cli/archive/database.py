"""The archive's SQLite file: its tables, how it is opened, and what its failures are called."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from cortex_cli.errors import ArchiveError
from cortex_cli.sqlite import MAGIC, WAIT_SECONDS, code_of, connect, reason_of, transaction, use_wal

APPLICATION_ID = 0x63747861
"""Tells our files from other SQLite files: `ctxa`."""

VERSION = 1
"""Of the tables; a newer one is refused."""

SCHEMA = """
CREATE TABLE block (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE text (
    id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, block INTEGER NOT NULL, start INTEGER NOT NULL,
    size INTEGER NOT NULL
);
CREATE TABLE record (
    id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, block INTEGER NOT NULL, start INTEGER NOT NULL,
    size INTEGER NOT NULL
);
CREATE TABLE run (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, made TEXT NOT NULL, input TEXT NOT NULL, output TEXT NOT NULL,
    input_sha256 TEXT NOT NULL, output_sha256 TEXT NOT NULL, input_bytes INTEGER NOT NULL,
    output_bytes INTEGER NOT NULL, receipt BLOB NOT NULL, steps BLOB NOT NULL, segments BLOB NOT NULL
);
CREATE INDEX run_output ON run (output_sha256);
CREATE TABLE removed (run INTEGER NOT NULL, line INTEGER NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (run, line))
    WITHOUT ROWID;
CREATE TABLE place (
    text INTEGER NOT NULL, run INTEGER NOT NULL, message INTEGER NOT NULL, part INTEGER NOT NULL,
    line INTEGER NOT NULL, message_id TEXT NOT NULL, role TEXT NOT NULL, tool TEXT NOT NULL, time TEXT NOT NULL,
    PRIMARY KEY (text, run, message, part)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE search USING fts5(body, content='', columnsize=0, detail=none, tokenize='trigram');
"""


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Turn what SQLite and the disk say into errors with a hint.

    Raises:
        ArchiveError: Anything failed inside.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise ArchiveError(f"the archive {reason_of(error)}", where=str(path), hint=_hint(error)) from error
    except OSError as error:
        reason = f"the archive cannot be written: {error.strerror or error}"
        raise ArchiveError(reason, where=str(path), hint="no transcript was written; name another place") from error


_HINTS = {
    sqlite3.SQLITE_BUSY: "another process writes to it; run it again when that is done",
    sqlite3.SQLITE_LOCKED: "another process writes to it; run it again when that is done",
    sqlite3.SQLITE_READONLY: "you need the right to write it and its folder; or name another archive",
    sqlite3.SQLITE_FULL: "the disk is full; no transcript was written without its originals",
    sqlite3.SQLITE_IOERR: "the disk failed or is full; no transcript was written without its originals",
    sqlite3.SQLITE_CANTOPEN: "check the path, and the right to write in its folder",
    sqlite3.SQLITE_CORRUPT: "restore it from a backup, or name another archive",
    sqlite3.SQLITE_NOTADB: "name a file that `--archive` made, or a new one",
}


def _hint(error: sqlite3.Error) -> str:
    return _HINTS.get(code_of(error), "restore it from a backup, or name another archive")


def check_header(path: Path) -> None:
    """Refuse a file that is no archive, without opening it as one.

    Raises:
        ArchiveError: It is something else, or cannot be read.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(100)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ArchiveError(f"the archive cannot be read: {reason}", where=str(path), hint="check the path") from error
    if head and not head.startswith(MAGIC):
        raise ArchiveError("is no SQLite file", where=str(path), hint=_HINTS[sqlite3.SQLITE_NOTADB])


def open_for_reading(path: Path, *, may_be_empty: bool = False) -> sqlite3.Connection:
    """Open an archive that must be there; call it inside `telling`.

    Args:
        path: Of the file.
        may_be_empty: Take a file without tables too, as a kill at the first moment leaves it.

    Raises:
        ArchiveError: It is not there, or is no archive of ours.
    """
    if not path.exists():
        raise ArchiveError("there is no such archive", where=str(path), hint="name the one that --archive was given")
    check_header(path)
    where = f"file:{quote(os.fsencode(path.resolve()))}"
    try:
        connection = connect(f"{where}?mode=ro", uri=True)
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        if code_of(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        # a WAL file needs a place for its index even to be read; on a read-only medium nobody writes it
        connection = connect(f"{where}?immutable=1", uri=True)
    try:
        if _has_tables(connection):
            _check_version(connection, path)
        elif not may_be_empty:
            raise ArchiveError("the archive is empty", where=str(path), hint="no compaction was written to it yet")
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_writing(path: Path, *, wait_seconds: float = WAIT_SECONDS) -> sqlite3.Connection:
    """Open an archive, or make it; call it inside `telling`.

    Raises:
        ArchiveError: The file is something else.
    """
    if path.exists():
        check_header(path)
    connection = connect(str(path), wait_seconds=wait_seconds)
    try:
        use_wal(connection, wait_seconds)
        connection.execute("PRAGMA synchronous=FULL")  # the transcript is synced too: its originals must not be later
        _make_tables(connection)
        _check_version(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(connection: sqlite3.Connection) -> None:
    if _has_tables(connection):
        return
    with transaction(connection):
        if _has_tables(connection):
            return  # another process was faster
        for statement in SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={VERSION}")


def _has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise ArchiveError("is an SQLite file, and no archive", where=str(path), hint=_HINTS[sqlite3.SQLITE_NOTADB])
    if version > VERSION:
        hint = "upgrade cortex, or name another archive"
        raise ArchiveError(f"was made by a newer version (tables {version})", where=str(path), hint=hint)
