"""Content kept once and compressed together: a piece is known by its hash, many stand in one block.

Records are read back all together, so their blocks are large and compress well; texts are read back one by
one while somebody waits, so theirs are small and fast.
"""

import lzma
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal, NamedTuple

HASH_BYTES = 16

ASKED_AT_ONCE = 500
"""Values of one question. SQLite takes 999 where it is old. Source: https://www.sqlite.org/limits.html"""

CACHED_BLOCKS = 64
"""Blocks kept open while a search looks into texts."""

Kind = Literal["text", "record"]

_LZMA: list[dict[str, int]] = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 8 << 20}]
"""Half the size of zlib's usual, since it looks back over a whole block; measured on sessions of 50 MB."""


class _Packing(NamedTuple):
    block_bytes: int
    pack: Callable[[bytes], bytes]
    unpack: Callable[[bytes], bytes]


_PACKINGS: dict[Kind, _Packing] = {
    "text": _Packing(1 << 16, lambda data: zlib.compress(data, 6), zlib.decompress),
    "record": _Packing(
        8 << 20,
        lambda data: lzma.compress(data, lzma.FORMAT_RAW, filters=_LZMA),
        lambda data: lzma.decompress(data, lzma.FORMAT_RAW, filters=_LZMA),
    ),
}


def hash_of(data: bytes) -> bytes:
    """Return what a piece of content is known by."""
    return sha256(data).digest()[:HASH_BYTES]


class Packed(NamedTuple):
    """A block ready to be stored."""

    data: bytes
    pieces: tuple[tuple[bytes, int, int], ...]
    """(hash, start, size) of each piece in it."""


def pack(kind: Kind, pieces: Iterable[tuple[bytes, bytes]]) -> Iterator[Packed]:
    """Put pieces, each with its hash, together into compressed blocks."""
    packing = _PACKINGS[kind]
    waiting: list[bytes] = []
    index: list[tuple[bytes, int, int]] = []
    size = 0
    for name, data in pieces:
        if size and size + len(data) > packing.block_bytes:
            yield Packed(packing.pack(b"".join(waiting)), tuple(index))
            waiting, index, size = [], [], 0
        waiting.append(data)
        index.append((name, size, len(data)))
        size += len(data)
    if index:
        yield Packed(packing.pack(b"".join(waiting)), tuple(index))


def unknown(connection: sqlite3.Connection, kind: Kind, names: Sequence[bytes]) -> set[bytes]:
    """Return those of the hashes that are not stored yet."""
    return set(names) - ids_of(connection, kind, names).keys()


def ids_of(connection: sqlite3.Connection, kind: Kind, names: Sequence[bytes]) -> dict[bytes, int]:
    """Return hash -> id of what is stored."""
    return {name: number for number, name in select_in(connection, f"SELECT id, hash FROM {kind} WHERE hash", names)}


def select_in(connection: sqlite3.Connection, select: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Ask for all rows whose last named column has one of the values, in questions of a legal length."""
    for start in range(0, len(values), ASKED_AT_ONCE):
        some = values[start : start + ASKED_AT_ONCE]
        yield from connection.execute(f"{select} IN ({','.join('?' * len(some))})", some)


def store(connection: sqlite3.Connection, kind: Kind, blocks: Iterable[Packed]) -> set[bytes]:
    """Write blocks inside a transaction; what another process stored meanwhile is not stored again.

    Returns:
        The hashes that are new.
    """
    new: set[bytes] = set()
    for block in blocks:
        missing = unknown(connection, kind, [name for name, _, _ in block.pieces])
        if not missing:
            continue
        number = connection.execute("INSERT INTO block (data) VALUES (?)", (block.data,)).lastrowid
        rows = [(name, number, start, size) for name, start, size in block.pieces if name in missing]
        connection.executemany(f"INSERT INTO {kind} (hash, block, start, size) VALUES (?, ?, ?, ?)", rows)
        new |= missing
    return new


class Reader:
    """Reads pieces back; the blocks last used stay open."""

    def __init__(self, connection: sqlite3.Connection, kind: Kind) -> None:
        self._connection = connection
        self._kind = kind
        self._block = lru_cache(CACHED_BLOCKS if kind == "text" else 1)(self._load)

    def _load(self, number: int) -> bytes:
        row = self._connection.execute("SELECT data FROM block WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise sqlite3.DatabaseError("a block is missing")
        try:
            return _PACKINGS[self._kind].unpack(row[0])
        except (zlib.error, lzma.LZMAError) as error:
            raise sqlite3.DatabaseError(f"a block is damaged ({error})") from error

    def read(self, number: int) -> bytes:
        """Return a piece by its id."""
        return next(data for _, data in self.read_all([number]))

    def read_all(self, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Yield (id, content), block by block."""
        rows = select_in(self._connection, f"SELECT block, start, size, id FROM {self._kind} WHERE id", numbers)
        for number, start, size, piece in sorted(rows):
            yield piece, self._block(number)[start : start + size]
