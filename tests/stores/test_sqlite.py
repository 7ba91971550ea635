"""The SQLite store: axio's layout, read and written; sessions, projects, damage."""

import base64
import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli import SQLiteContextStore, StoreError
from cortex_cli.errors import ExitCode
from cortex_cli.stores import layout
from tests.stores.talk import answered, called, fill, run, said, talk, texts

AXIO_SCHEMA = """
CREATE TABLE axio_context_messages (  id INTEGER PRIMARY KEY AUTOINCREMENT,  session_id TEXT NOT NULL,
  project TEXT NOT NULL,  position INTEGER NOT NULL,  role TEXT NOT NULL,  content TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (datetime('now')),  UNIQUE(session_id, position));
CREATE INDEX idx_axio_context_messages_session ON axio_context_messages(session_id);
CREATE INDEX idx_axio_context_messages_project ON axio_context_messages(project);
CREATE TABLE axio_context_tokens (  session_id TEXT NOT NULL,  project TEXT NOT NULL,
  input_tokens INTEGER NOT NULL DEFAULT 0,  output_tokens INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(session_id, project));
"""
"""As FORMATS section 9 gives it."""


def ask(path: Path, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run a statement of SQL on the file."""
    with closing(sqlite3.connect(path)) as database, database:
        return database.execute(statement, values).fetchall()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a file may be made."""
    return tmp_path / "deep" / "store.db"


@pytest.fixture
def axio_file(tmp_path: Path) -> Path:
    """Return a file as axio leaves it: a bare payload of an early version, a plain one, a compressed one."""
    file = tmp_path / "axio.db"
    long = json.dumps([{"type": "text", "text": "long " * 200}])
    rows = [
        ("user", json.dumps([{"type": "text", "text": "early"}])),
        ("assistant", "plain:" + json.dumps(called("a")["content"])),
        ("user", "plain:" + json.dumps(answered("a")["content"])),
        ("assistant", "gzip:" + base64.b64encode(gzip.compress(long.encode(), compresslevel=6)).decode()),
    ]
    with closing(sqlite3.connect(file)) as database, database:
        database.executescript(AXIO_SCHEMA)
        for position, row in enumerate(rows):
            database.execute(
                "INSERT INTO axio_context_messages (session_id, project, position, role, content, created_at) "
                "VALUES ('s', '/p', ?, ?, ?, '2026-01-02 03:04:05')",
                (position, *row),
            )
        database.execute("INSERT INTO axio_context_tokens VALUES ('s', '/p', 11, 22)")
    return file


AXIO_TALK = [said("user", "early"), called("a"), answered("a"), said("assistant", "long " * 200)]


async def history(path: Path, session: str = "s") -> list[Any]:
    """Read a session."""
    store = SQLiteContextStore(path, session)
    try:
        return await store.get_history()
    finally:
        await store.close()


def test_a_file_of_axio_is_read(axio_file: Path) -> None:
    """All three ways in which it ever wrote a payload; the project is found by the session."""

    async def work() -> None:
        store = SQLiteContextStore(axio_file, "s")
        assert await store.get_history() == AXIO_TALK
        assert await store.get_context_tokens() == (11, 22)
        [info] = await store.list_sessions()
        assert (info.session_id, info.preview, info.created_at) == ("s", "early", "2026-01-02 03:04:05")
        await store.close()

    run(work())


def test_a_file_of_axio_is_written(axio_file: Path) -> None:
    """As axio itself would have: the next position, the payload by its size."""

    async def work() -> None:
        store = SQLiteContextStore(axio_file, "s")
        await fill(store, [said("user", "short"), said("assistant", "x" * 600)])
        await store.add_context_tokens(1, 1)
        await store.close()

    run(work())
    rows = ask(axio_file, "SELECT position, project, role, content FROM axio_context_messages WHERE position > 3")
    assert [row[:3] for row in rows] == [(4, "/p", "user"), (5, "/p", "assistant")]
    assert rows[0][3] == 'plain:[{"type": "text", "text": "short"}]'
    assert json.loads(gzip.decompress(base64.b64decode(rows[1][3].removeprefix("gzip:")))) == [
        {"type": "text", "text": "x" * 600}
    ]
    assert ask(axio_file, "SELECT * FROM axio_context_tokens") == [("s", "/p", 12, 23)]


def test_the_tables_are_axios(path: Path, axio_file: Path) -> None:
    """Column by column, so that axio opens a file that we made."""
    run(fill(SQLiteContextStore(path), talk(1)))
    for table in ("axio_context_messages", "axio_context_tokens"):
        columns = f"SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('{table}')"
        assert ask(path, columns) == ask(axio_file, columns)
    unique = "SELECT name FROM pragma_index_list('axio_context_messages') ORDER BY name"
    assert ask(path, unique) == ask(axio_file, unique)
    assert ask(path, "PRAGMA journal_mode") == [("wal",)]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
BLOCKS = st.lists(
    st.fixed_dictionaries(
        {"type": st.just("text"), "text": st.text(st.characters(), max_size=900)},
        optional={"cortex": st.just({"name": "x"}) | VALUES, "cortex_text": VALUES},
    )
    | st.dictionaries(st.sampled_from(["type", "text", "cortex", "cortex_text", "data"]), VALUES, max_size=4),
    max_size=3,
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "tool"])},
    optional={"content": st.text(st.characters()) | BLOCKS | VALUES, "tool_calls": VALUES, "name": st.text()},
)


@given(MESSAGES)
def test_any_message_comes_back(message: dict[str, Any]) -> None:
    """Of any provider, lone surrogates and keys of our own included."""
    assert layout.from_row(*layout.to_row(message)) == message


def test_a_name_with_half_a_surrogate_pair_is_refused(path: Path) -> None:
    """SQLite has no form for it, neither has axio; in texts, which are JSON, it is stored."""
    with pytest.raises(StoreError, match=r"'us\\ud800er' cannot be stored"):
        run(SQLiteContextStore(path).append({"role": "us\ud800er", "content": "x"}))
    with pytest.raises(StoreError, match="half a surrogate pair"):
        run(SQLiteContextStore(path, "\ud800").append(said("user", "x")))


def test_a_folder_whose_name_is_not_utf8_is_a_project(odd_folder: Path) -> None:
    """Its sessions are listed together, the file lying in it or not."""
    store = SQLiteContextStore(odd_folder / "store.db")
    run(fill(store, talk(1)))
    other = SQLiteContextStore(odd_folder / "store.db")
    assert [one.session_id for one in run(other.list_sessions())] == [store.session_id]


@given(MESSAGES)
def test_axio_finds_blocks_in_every_row(message: dict[str, Any]) -> None:
    """One message of another kind must not break its list of sessions."""
    blocks = layout.blocks_of(layout.to_row(message)[1])
    assert all(isinstance(block, dict) and isinstance(block["type"], str) for block in blocks)


def test_a_hole_is_closed(axio_file: Path) -> None:
    """It counts rows for the next position: with a hole its next append would collide."""
    ask(axio_file, "DELETE FROM axio_context_messages WHERE position = 1")
    ask(axio_file, "UPDATE axio_context_messages SET position = position + 7 WHERE position = 3")
    run(fill(SQLiteContextStore(axio_file, "s"), [said("user", "new")]))
    assert ask(axio_file, "SELECT position FROM axio_context_messages ORDER BY id") == [(0,), (1,), (2,), (3,)]
    assert texts(run(history(axio_file)))[0::3] == ["early", "new"]


def test_a_compacted_session_keeps_its_age(axio_file: Path) -> None:
    """Else the oldest project jumps to the top of the list; rows that stay are not written again."""
    before = ask(axio_file, "SELECT id, content FROM axio_context_messages WHERE position = 3")

    async def work() -> None:
        store = SQLiteContextStore(axio_file, "s")
        keys = (await store.get_snapshot()).keys
        assert await store.replace_prefix(keys[:3], [said("user", "summary"), said("assistant", "ok")])
        assert (await store.list_sessions())[0].created_at == "2026-01-02 03:04:05"
        await store.close()

    run(work())
    assert ask(axio_file, "SELECT id, content FROM axio_context_messages WHERE position = 2") == before


def test_sessions_are_listed_by_project_newest_first(path: Path) -> None:
    """Several sessions share a file, and another project's do not show."""

    async def work() -> list[str]:
        for name in ("one", "two"):
            await fill(SQLiteContextStore(path, name, project="/p"), [said("user", name)])
        await fill(SQLiteContextStore(path, "three", project="/other"), talk(1))
        return [info.session_id for info in await SQLiteContextStore(path, "two").list_sessions()]

    assert run(work()) == ["two", "one"]


def test_a_new_session_belongs_to_the_current_folder(path: Path, chdir_tmp: Path) -> None:
    """As axio's; an old one keeps its project wherever it is opened."""
    run(fill(SQLiteContextStore(path), talk(1)))
    assert ask(path, "SELECT project FROM axio_context_messages") == [(str(chdir_tmp.resolve()),)]


def test_a_damaged_message_is_named(axio_file: Path) -> None:
    """Which one, and where; the other sessions are still listed."""
    ask(axio_file, "UPDATE axio_context_messages SET content = 'gzip:AAAA' WHERE position = 0")
    with pytest.raises(StoreError, match="message 0 of session 's' is damaged") as caught:
        run(history(axio_file))
    assert (caught.value.where, caught.value.exit_code) == (str(axio_file), ExitCode.BAD_INPUT)
    [info] = run(SQLiteContextStore(axio_file, "s").list_sessions())
    assert info.preview == "(no preview)"


@pytest.mark.parametrize("payload", ["plain:", "plain:{}", "gzip:H4sIAAAA", "gzip:x", "[", "gzip:" + "QUJD" * 9])
def test_damage_of_every_kind_is_told(payload: str) -> None:
    """Whatever gzip, base64 and JSON raise."""
    with pytest.raises(ValueError, match=r"."):
        layout.from_row("user", payload)


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    """And is not harmed."""
    file = tmp_path / "notes.txt"
    file.write_text("these are notes and no database\n" * 9)
    with pytest.raises(StoreError, match="is no SQLite file") as caught:
        run(history(file))
    assert caught.value.hint
    assert file.read_text().startswith("these are notes")


def test_tables_of_another_make_are_refused(tmp_path: Path) -> None:
    """One line, no traceback of SQL."""
    file = tmp_path / "other.db"
    ask(file, "CREATE TABLE axio_context_messages (id INTEGER PRIMARY KEY, body TEXT)")
    with pytest.raises(StoreError, match="cannot be used: no such column"):
        run(history(file))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(StoreError) as caught:
        run(history(tmp_path))
    assert str(tmp_path) in str(caught.value)


def test_a_closed_store_says_so(path: Path) -> None:
    """Closing twice is harmless."""

    async def work() -> None:
        store = SQLiteContextStore(path)
        await store.close()
        await store.close()
        await store.append(said("user", "x"))

    with pytest.raises(StoreError, match="was closed"):
        run(work())


@pytest.mark.parametrize("message", [{"content": "x"}, "text", 7, {"role": "user", "content": b"bytes"}])
def test_what_is_no_message_is_refused(path: Path, message: Any) -> None:
    """Before anything is written; the hint says what to hand in."""
    with pytest.raises(StoreError) as caught:
        run(SQLiteContextStore(path).append(message))
    assert caught.value.hint
