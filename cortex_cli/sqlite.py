"""What our SQLite files share: how they are opened, how long is waited, what is one step, what failures are called."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

WAIT_SECONDS = 60.0
"""How long one process waits for another to finish writing; a session of 50 MB takes about five seconds."""

PAUSE_SECONDS = 0.02
"""Between two tries where SQLite does not wait by itself."""

MAGIC = b"SQLite format 3\0"
"""Source: https://www.sqlite.org/fileformat.html#the_database_header"""

_TAKEN = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

_REASONS = {
    sqlite3.SQLITE_BUSY: "is locked",
    sqlite3.SQLITE_LOCKED: "is locked",
    sqlite3.SQLITE_READONLY: "is read-only",
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_NOTADB: "is no SQLite file",
}


def code_of(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; 0 where the error has none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def reason_of(error: sqlite3.Error) -> str:
    """Say what is wrong with a file, to stand behind its name."""
    return _REASONS.get(code_of(error), f"cannot be used: {error}")


def storable(path: str) -> str:
    """SQLite holds no half surrogates, with which Python names bytes of paths that are not UTF-8."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def connect(where: str, *, uri: bool = False, wait_seconds: float = WAIT_SECONDS) -> sqlite3.Connection:
    """Open a file; transactions are begun by hand, any thread may use the connection."""
    return sqlite3.connect(where, uri=uri, timeout=wait_seconds, isolation_level=None, check_same_thread=False)


def use_wal(connection: sqlite3.Connection, wait_seconds: float) -> None:
    """Let readers read while one writes. The switch itself asks for the whole file and does not wait by itself."""
    deadline = time.monotonic() + wait_seconds
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if code_of(error) not in _TAKEN or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing, and nobody else writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
