"""Stores of live conversations: in memory, in SQLite, and a wrapper that compacts whatever it wraps.

The names are those of axio, so that an agent written for its stores runs over ours. Source: SPEC section 9.
"""

from cortex_cli.stores.auto import AutoCompactStore
from cortex_cli.stores.base import ContextStore, SessionInfo, Snapshot, SnapshotStore
from cortex_cli.stores.codecs import DICTS, Codec, axio_codec
from cortex_cli.stores.compacting import compact_context
from cortex_cli.stores.memory import MemoryContextStore
from cortex_cli.stores.sqlite import SQLiteContextStore

__all__ = [
    "DICTS",
    "AutoCompactStore",
    "Codec",
    "ContextStore",
    "MemoryContextStore",
    "SQLiteContextStore",
    "SessionInfo",
    "Snapshot",
    "SnapshotStore",
    "axio_codec",
    "compact_context",
]
