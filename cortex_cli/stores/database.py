"""One SQLite file of a store: opened when first needed, shared by a session and its forks, used in threads."""

import asyncio
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from cortex_cli.errors import StoreError
from cortex_cli.sqlite import code_of, connect, reason_of, transaction, use_wal
from cortex_cli.stores.layout import SCHEMA

T = TypeVar("T")

_CHECK = "check the path, the disk and the right to write"

_HINTS = {
    sqlite3.SQLITE_BUSY: "another process holds it; try again when that is done",
    sqlite3.SQLITE_LOCKED: "another process holds it; try again when that is done",
    sqlite3.SQLITE_CORRUPT: "restore it from a backup, or name another file",
    sqlite3.SQLITE_NOTADB: "name a file that a store made, or a new one",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_ERROR: "the tables are of another make; name another file",
}


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Turn what SQLite and the disk say into errors with a hint.

    Raises:
        StoreError: Anything failed inside.
    """
    try:
        yield
    except sqlite3.Error as error:
        hint = _HINTS.get(code_of(error), _CHECK)
        raise StoreError(f"the store {reason_of(error)}", where=str(path), hint=hint) from error
    except UnicodeEncodeError as error:
        reason = f"{error.object!a} cannot be stored: half a surrogate pair is in it"
        raise StoreError(reason, where=str(path), hint="a role, a session's id and a project are whole text") from error
    except OSError as error:
        reason = f"the store cannot be opened: {error.strerror or error}"
        raise StoreError(reason, where=str(path), hint=_CHECK) from error


class Database:
    """One open file. It is closed when its last user lets go of it, or is gone.

    Args:
        path: Of the file; it and its folder are made where they are missing.
        wait_seconds: How long to wait for another process that writes.
    """

    def __init__(self, path: Path, wait_seconds: float) -> None:
        self.path = path
        self._wait_seconds = wait_seconds
        self._connection: sqlite3.Connection | None = None
        self._close: Callable[[], object] = lambda: None
        self._lock = threading.Lock()
        self._users = 0

    def join(self) -> "Database":
        """Count one more user."""
        self._users += 1
        return self

    def leave(self) -> None:
        """Count one user less; wait for what runs, and close the file behind the last."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._connection = None
                self._close()

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something in a thread, so that a locked file holds up nobody but the caller."""
        return await asyncio.to_thread(self._run, work)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something in a thread, in one transaction: all of it or nothing."""

        def whole(connection: sqlite3.Connection) -> T:
            with transaction(connection):
                return work(connection)

        return await asyncio.to_thread(self._run, whole)

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock, telling(self.path):
            if self._connection is None:
                self._connection = self._open()
            return work(self._connection)

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = connect(str(self.path), wait_seconds=self._wait_seconds)
        try:
            use_wal(connection, self._wait_seconds)
            connection.execute("PRAGMA synchronous=FULL")  # what was appended is still there after a power cut
            with transaction(connection):
                for statement in SCHEMA:
                    connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        self._close = weakref.finalize(self, connection.close)
        return connection
