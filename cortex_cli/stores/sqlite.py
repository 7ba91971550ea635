"""Conversations in an SQLite file of axio's layout: either of the two reads and writes what the other wrote.

Any number of sessions, stores and processes may use one file at once.
"""

import sqlite3
from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from cortex_cli.errors import StoreError
from cortex_cli.sqlite import WAIT_SECONDS, storable
from cortex_cli.stores import layout
from cortex_cli.stores.base import NO_PREVIEW, SessionInfo, Snapshot, clock, preview_of
from cortex_cli.stores.codecs import DICTS, Codec
from cortex_cli.stores.database import Database

_MESSAGES = "axio_context_messages"
_TOKENS = "axio_context_tokens"

_INSERT = (
    f"INSERT INTO {_MESSAGES} (session_id, project, position, role, content, created_at) VALUES (?, ?, ?, ?, ?, ?)"
)


class SQLiteContextStore:
    """One session of an SQLite file.

    Args:
        path: Of the file; made where it is missing.
        session_id: Which conversation; default: a new one.
        project: Groups sessions in `list_sessions`; default: the project of the session where it has one, else
            the current folder.
        codec: How messages become dicts; default: they are dicts. `axio_codec()` takes axio's own objects.
        wait_seconds: How long to wait for another process that writes.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        session_id: str | None = None,
        *,
        project: str | None = None,
        codec: Codec = DICTS,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._session_id = session_id or uuid4().hex
        self._project = project
        self._folder = storable(str(Path.cwd().resolve()))
        self.codec = codec
        self._database: Database | None = Database(Path(fspath(path)), wait_seconds).join()

    @property
    def session_id(self) -> str:
        """Return which conversation it is."""
        return self._session_id

    async def append(self, message: Any) -> None:
        """Put a message at the end; it is on the disk when this returns.

        Raises:
            StoreError: It is no message, or the file cannot be written.
        """
        role, payload = layout.to_row(self.codec.encode(message))

        def insert(connection: sqlite3.Connection) -> None:
            position = self._make_dense(connection)
            connection.execute(_INSERT, (*self._names(connection), position, role, payload, clock()))

        await self._open_database.write(insert)

    async def get_history(self) -> list[Any]:
        """Return all messages, oldest first.

        Raises:
            StoreError: The file cannot be read, or a message in it is damaged.
        """
        return (await self.get_snapshot()).messages

    async def clear(self) -> None:
        """Remove all messages of the session, and its token counts."""

        def delete(connection: sqlite3.Connection) -> None:
            names = self._names(connection)
            connection.execute(f"DELETE FROM {_MESSAGES} WHERE session_id = ?", (self._session_id,))
            connection.execute(f"DELETE FROM {_TOKENS} WHERE session_id = ? AND project = ?", names)

        await self._open_database.write(delete)

    async def fork(self) -> Self:
        """Copy the session to a new one in the same file."""
        database = self._open_database
        other = uuid4().hex

        def duplicate(connection: sqlite3.Connection) -> str:
            session, project = self._names(connection)
            connection.execute(
                f"INSERT INTO {_MESSAGES} (session_id, project, position, role, content) "
                f"SELECT ?, project, position, role, content FROM {_MESSAGES} WHERE session_id = ? ORDER BY position",
                (other, session),
            )
            connection.execute(
                f"INSERT INTO {_TOKENS} (session_id, project, input_tokens, output_tokens) "
                f"SELECT ?, project, input_tokens, output_tokens FROM {_TOKENS} WHERE session_id = ? AND project = ?",
                (other, session, project),
            )
            return project

        project = await database.write(duplicate)
        forked = type(self)(database.path, other, project=project, codec=self.codec)
        forked._database = database.join()
        return forked

    async def set_context_tokens(self, input_tokens: int, output_tokens: int) -> None:
        """Set the token counts."""
        await self._write_tokens(input_tokens, output_tokens, "excluded.input_tokens", "excluded.output_tokens")

    async def add_context_tokens(self, input_tokens: int, output_tokens: int) -> None:
        """Add to the token counts."""
        await self._write_tokens(
            input_tokens,
            output_tokens,
            "input_tokens + excluded.input_tokens",
            "output_tokens + excluded.output_tokens",
        )

    async def _write_tokens(self, input_tokens: int, output_tokens: int, new_input: str, new_output: str) -> None:
        statement = (
            f"INSERT INTO {_TOKENS} (session_id, project, input_tokens, output_tokens) VALUES (?, ?, ?, ?) "
            "ON CONFLICT(session_id, project) "
            f"DO UPDATE SET input_tokens = {new_input}, output_tokens = {new_output}"
        )

        def upsert(connection: sqlite3.Connection) -> None:
            connection.execute(statement, (*self._names(connection), input_tokens, output_tokens))

        await self._open_database.write(upsert)

    async def get_context_tokens(self) -> tuple[int, int]:
        """Return the token counts (input, output)."""

        def select(connection: sqlite3.Connection) -> tuple[int, int]:
            row = connection.execute(
                f"SELECT input_tokens, output_tokens FROM {_TOKENS} WHERE session_id = ? AND project = ?",
                self._names(connection),
            ).fetchone()
            return (int(row[0]), int(row[1])) if row else (0, 0)

        return await self._open_database.read(select)

    async def list_sessions(self) -> list[SessionInfo]:
        """Return the sessions of the same project that have messages, newest first."""

        def select(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(
                "SELECT m.session_id, COUNT(*), MIN(m.created_at) AS created, "
                "COALESCE(t.input_tokens, 0), COALESCE(t.output_tokens, 0), "
                f"(SELECT content FROM {_MESSAGES} WHERE session_id = m.session_id AND role = 'user' "
                "ORDER BY position LIMIT 1) "
                f"FROM {_MESSAGES} m LEFT JOIN {_TOKENS} t ON t.session_id = m.session_id AND t.project = m.project "
                "WHERE m.project = ? GROUP BY m.session_id ORDER BY created DESC, MAX(m.id) DESC",
                (self._names(connection)[1],),
            ).fetchall()

        rows = await self._open_database.read(select)
        return [
            SessionInfo(session, count, _preview(payload), created, int(used), int(said))
            for session, count, created, used, said, payload in rows
        ]

    async def close(self) -> None:
        """Let go of the file; it is closed when all forks have done so too."""
        database, self._database = self._database, None
        if database is not None:
            database.leave()

    async def get_snapshot(self) -> Snapshot:
        """Return all messages and what they are known by."""
        database = self._open_database

        def select(connection: sqlite3.Connection) -> list[tuple[int, str, str, int]]:
            return connection.execute(
                f"SELECT id, role, content, position FROM {_MESSAGES} WHERE session_id = ? ORDER BY position",
                (self._session_id,),
            ).fetchall()

        rows = await database.read(select)
        messages = []
        for _, role, payload, position in rows:
            try:
                messages.append(self.codec.decode(layout.from_row(role, payload)))
            except (ValueError, KeyError, TypeError) as error:
                reason = f"message {position} of session {self._session_id!r} is damaged: {error}"
                raise StoreError(reason, where=str(database.path), hint="restore the file from a backup") from error
        return Snapshot(messages, tuple(row[0] for row in rows))

    async def replace_prefix(self, keys: Sequence[int], messages: Sequence[Any]) -> bool:
        """Put messages in the place of the oldest ones, see `SnapshotStore`: one transaction.

        What stays keeps its rows and times; what is new takes the time of the oldest that it replaces, so that
        the session keeps its age.
        """
        rows = [layout.to_row(self.codec.encode(message)) for message in messages]

        def replace(connection: sqlite3.Connection) -> bool:
            self._make_dense(connection)
            old = connection.execute(
                f"SELECT id, created_at FROM {_MESSAGES} WHERE session_id = ? AND position < ? ORDER BY position",
                (self._session_id, len(keys)),
            ).fetchall()
            if [row[0] for row in old] != list(keys):
                return False
            names, made = self._names(connection), min((row[1] for row in old), default=clock())
            connection.execute(
                f"DELETE FROM {_MESSAGES} WHERE session_id = ? AND position < ?", (self._session_id, len(keys))
            )
            self._shift(connection, len(rows) - len(keys))
            new = [(*names, position, *row, made) for position, row in enumerate(rows)]
            connection.executemany(_INSERT, new)
            return True

        return await self._open_database.write(replace)

    @property
    def _open_database(self) -> Database:
        if self._database is None:
            raise StoreError("the store was closed", hint="make a new one for the same session")
        return self._database

    def _names(self, connection: sqlite3.Connection) -> tuple[str, str]:
        """Return the session and its project, which is found when it is first needed."""
        if self._project is None:
            select = " UNION ALL ".join(
                f"SELECT project FROM {table} WHERE session_id = :id" for table in (_MESSAGES, _TOKENS)
            )
            row = connection.execute(f"{select} LIMIT 1", {"id": self._session_id}).fetchone()
            self._project = row[0] if row else self._folder
        return self._session_id, self._project

    def _make_dense(self, connection: sqlite3.Connection) -> int:
        """Return the next position. axio takes the number of rows for it, so that a hole would make it collide."""
        count, last = connection.execute(
            f"SELECT COUNT(*), MAX(position) FROM {_MESSAGES} WHERE session_id = ?", (self._session_id,)
        ).fetchone()
        if count and last != count - 1:
            ids = connection.execute(
                f"SELECT id FROM {_MESSAGES} WHERE session_id = ? ORDER BY position", (self._session_id,)
            ).fetchall()
            # by way of negative positions: each row must be alone in its place at every moment
            for sign in ("-1 - ?", "?"):
                numbered = ((position, row[0]) for position, row in enumerate(ids))
                connection.executemany(f"UPDATE {_MESSAGES} SET position = {sign} WHERE id = ?", numbered)
        return int(count)

    def _shift(self, connection: sqlite3.Connection, by: int) -> None:
        """Move all rows of the session, by way of negative positions as in `_make_dense`."""
        update = f"UPDATE {_MESSAGES} SET position = -1 - position"
        connection.execute(f"{update} WHERE session_id = ?", (self._session_id,))
        connection.execute(f"{update} + ? WHERE session_id = ?", (by, self._session_id))


def _preview(payload: str | None) -> str:
    try:
        return preview_of([layout.blocks_of(payload)]) if payload else NO_PREVIEW
    except ValueError:  # a damaged message must not hide the other sessions
        return NO_PREVIEW
