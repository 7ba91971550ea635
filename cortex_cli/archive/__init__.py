"""Originals of what compactions removed, in one SQLite file: put, search, restore.

Everything is known by its content's hash and kept once, so that a rerun adds nothing. A run is written in one
transaction, before its transcript is. A folder in the place of a file holds the same file, and every text as
a plain file of its own beside it, for agents that read files.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from os import PathLike, fspath
from pathlib import Path
from typing import Any, NamedTuple

from cortex_cli import clock, files
from cortex_cli.archive import blocks, database, delta, writing
from cortex_cli.archive.search import Filter, Found, Hit, Place, Searcher
from cortex_cli.archive.texts import Removed, decoded, encoded
from cortex_cli.archive.writing import Receipt, TextsOf
from cortex_cli.errors import ArchiveError, OutputError
from cortex_cli.sqlite import WAIT_SECONDS, storable

__all__ = ["Archive", "Filter", "Found", "Hit", "Place", "Receipt", "Removed", "Restored", "Run"]

DATABASE_NAME = "archive.sqlite"
"""The SQLite file in a folder."""

REF_CHARS = 16
"""Hexadecimal digits of a text's hash that recall it: 64 bits tell the texts of any archive apart."""

MIN_REF_CHARS = 6
"""Fewer digits may be typed where they are enough."""


class Run(NamedTuple):
    """One run in the archive."""

    id: int
    made: str
    input: str
    output: str
    input_sha256: str
    output_sha256: str
    input_bytes: int
    output_bytes: int
    about: dict[str, Any]


class Restored(NamedTuple):
    """An input put together again."""

    data: bytes
    run: Run
    edited: bool = False
    """The file was no longer what the run wrote."""
    lost: int = 0
    """Records deleted from an edited file since the run, which stand nowhere else."""
    added: int = 0
    """Records that came to an edited file since."""


class Archive:
    """One archive.

    Args:
        path: Of the SQLite file, or of a folder; a path that ends in a separator is a folder to be made.
        wait_seconds: How long to wait for another process that writes.
    """

    def __init__(self, path: str | PathLike[str], *, wait_seconds: float = WAIT_SECONDS) -> None:
        text = fspath(path)
        self.path = Path(text)
        self.folder = self.path.absolute() if self.path.is_dir() or text.endswith((os.sep, "/")) else None
        """Where each text is a plain file; None in an archive of one file."""
        self.database = self.path / DATABASE_NAME if self.folder else self.path
        self._wait_seconds = wait_seconds

    def check(self) -> None:
        """Refuse what is no archive, before any work; one that is not there yet is fine.

        Raises:
            ArchiveError: It is something else, damaged, or of a newer version; or its folder is missing.
        """
        if self.database.exists():
            with self._reading(may_be_empty=True):
                return
        parent = (self.folder or self.database).parent
        if not parent.is_dir():
            raise ArchiveError("the archive's folder does not exist", where=str(parent), hint="make it first")

    def ref_of(self, text: str) -> str:
        """Return how a text is recalled, stored or not: an id, or in a folder the path of its file."""
        return self._ref(blocks.hash_of(encoded(text)))

    def _ref(self, name: bytes) -> str:
        ref = name.hex()[:REF_CHARS]
        return str(self.folder / f"{ref}.txt") if self.folder else ref

    def put(self, content: str, tool: str = "", category: str = "", call_id: str = "", index: int = -1) -> str:
        """Store one text now and return its reference: the persist callback of a live session.

        Args:
            content: The whole text.
            tool: What said it.
            category: Of the tool; not kept.
            call_id: Of the call that it answers.
            index: Position of its message.

        Raises:
            ArchiveError: It cannot be written.
        """
        del category  # the reference does not depend on it
        made = clock.utc_now()
        text = Removed(content, index, 0, message_id=call_id, role="tool", tool=tool, time=made)
        with self._writing() as connection:
            self._write_plain([text])
            writing.put_text(connection, text, made)
        return self.ref_of(content)

    def put_run(self, before: bytes, after: bytes, texts_of: TextsOf, receipt: Receipt) -> None:
        """Store all that one run takes out of an input, before its output is written.

        Args:
            before: The input.
            after: The output, byte for byte.
            texts_of: Says which texts left.
            receipt: What the run was.

        Raises:
            ArchiveError: It cannot be written; then nothing of it is.
        """

        def plain_first(lines: Any) -> Iterable[Removed]:
            texts = list(texts_of(lines))
            self._write_plain(texts)
            return texts

        with self._writing() as connection:
            writing.put_run(connection, before, after, plain_first, receipt)

    def _write_plain(self, texts: Iterable[Removed]) -> None:
        """Write the texts as files that an agent can open."""
        if self.folder is None:
            return
        for text in texts:
            path = Path(self.ref_of(text.text))
            if not path.exists():
                try:
                    files.write_file(path, [encoded(text.text)], overwrite=True)
                except OutputError as error:
                    raise ArchiveError(str(error), hint=error.hint) from error

    def find(self, query: str, wanted: Filter | None = None, *, limit: int = 10) -> Found:
        """Find texts: as typed, else by all words, else by the words that tell most.

        Raises:
            ArchiveError: The archive is not there or cannot be read.
        """
        with self._reading() as connection:
            return Searcher(connection, self._ref).find(query, wanted or Filter(), limit)

    def read(self, ref: str) -> Hit | None:
        """Return one text whole; None if there is none of that reference.

        Args:
            ref: As a transcript or a result names it, or the first digits of it.

        Raises:
            ArchiveError: The archive cannot be read, or several texts begin with these digits.
        """
        digits = Path(ref).name.removesuffix(".txt").lower()
        if len(digits) < MIN_REF_CHARS or not all(digit in "0123456789abcdef" for digit in digits):
            return None
        low = digits.ljust(2 * blocks.HASH_BYTES, "0")[: 2 * blocks.HASH_BYTES]
        high = digits.ljust(2 * blocks.HASH_BYTES, "f")[: 2 * blocks.HASH_BYTES]
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT id, hash FROM text WHERE hash BETWEEN ? AND ? LIMIT 2",
                (bytes.fromhex(low), bytes.fromhex(high)),
            ).fetchall()
            if not rows:
                return None
            if len(rows) > 1:
                raise ArchiveError(f"several texts begin with {digits!r}", where=str(self.path), hint="give more of it")
            [(number, name)] = rows
            text = decoded(blocks.Reader(connection, "text").read(number))
            [place, *_] = Searcher(connection, self._ref).places([number])[number]
            return Hit(self._ref(name), text, 0, place)

    def runs(self) -> tuple[Run, ...]:
        """Return all runs, the oldest first.

        Raises:
            ArchiveError: The archive is not there or cannot be read.
        """
        with self._reading() as connection:
            return tuple(map(_run, connection.execute(f"{_SELECT_RUN} WHERE key != ? ORDER BY id", (b"live",))))

    def restore(self, output: bytes, path: str = "", *, force: bool = False) -> Restored:
        """Put the input together again from which an output was made.

        Args:
            output: The output's bytes.
            path: Where it stands, to know an edited one again.
            force: Put the originals back where they still fit into a file that was edited since.

        Raises:
            ArchiveError: There is no such run, or the file was edited since; or the archive is damaged.
        """
        digest = sha256(output).hexdigest()
        with self._reading() as connection:
            row = connection.execute(f"{_SELECT_RUN} WHERE output_sha256 = ? ORDER BY id DESC", (digest,)).fetchone()
            if row is not None:
                return self._restore(connection, _run(row), output)
            run = self._run_of_path(connection, path)
            if run is None:
                hint = f"`cortex restore --list --archive {self.path}` shows the runs"
                raise ArchiveError("no run in the archive wrote this file", where=path or "-", hint=hint)
            if not force:
                reason = f"the file was edited since the run of {run.made} wrote it"
                hint = "--force puts the originals back where they still fit"
                raise ArchiveError(reason, where=path, hint=hint)
            return self._restore_edited(connection, run, output)

    def _run_of_path(self, connection: sqlite3.Connection, path: str) -> Run | None:
        if not path:
            return None
        select = f"{_SELECT_RUN} WHERE output = ? ORDER BY id DESC"
        row = connection.execute(select, (storable(os.path.realpath(path)),)).fetchone()
        return _run(row) if row else None

    def _restore(self, connection: sqlite3.Connection, run: Run, output: bytes) -> Restored:
        steps, _, load = self._steps(connection, run)
        data = delta.apply(steps, delta.split(output), load)
        if sha256(data).hexdigest() != run.input_sha256:
            hint = "restore the archive from a backup"
            raise ArchiveError("what was put together is not the input: the archive is damaged", hint=hint)
        return Restored(data, run)

    def _restore_edited(self, connection: sqlite3.Connection, run: Run, output: bytes) -> Restored:
        steps, segments, load = self._steps(connection, run)
        mended = delta.apply_edited(steps, segments, delta.split(output), load)
        return Restored(mended.data, run, True, mended.lost, mended.added)

    def _steps(self, connection: sqlite3.Connection, run: Run) -> tuple[list[delta.Step], bytes, delta.Load]:
        row = connection.execute("SELECT steps, segments FROM run WHERE id = ?", (run.id,)).fetchone()
        steps = [delta.Step(bool(kept), first, length) for kept, first, length in writing.unpacked(row[0])]
        places = dict(connection.execute("SELECT line, record FROM removed WHERE run = ?", (run.id,)))
        records = dict(blocks.Reader(connection, "record").read_all(list(set(places.values()))))

        def load(step: delta.Step) -> bytes:
            try:
                return records[places[step.first + 1]]
            except KeyError:
                raise sqlite3.DatabaseError(f"the record of line {step.first + 1} is missing") from None

        return steps, row[1], load

    @contextmanager
    def _reading(self, *, may_be_empty: bool = False) -> Iterator[sqlite3.Connection]:
        with (
            database.telling(self.path),
            closing(database.open_for_reading(self.database, may_be_empty=may_be_empty)) as connection,
        ):
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with database.telling(self.path):
            if self.folder is not None:
                self.folder.mkdir(exist_ok=True)
            with closing(database.open_for_writing(self.database, wait_seconds=self._wait_seconds)) as connection:
                yield connection


_SELECT_RUN = "SELECT id, made, input, output, input_sha256, output_sha256, input_bytes, output_bytes, receipt FROM run"


def _run(row: tuple[Any, ...]) -> Run:
    return Run(*(*row[:-1], writing.unpacked(row[-1])))
