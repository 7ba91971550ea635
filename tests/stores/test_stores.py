"""What every store does, in memory and in SQLite."""

from pathlib import Path
from typing import Any

import pytest

from cortex_cli import ContextStore, MemoryContextStore, SessionInfo
from cortex_cli.stores import SnapshotStore
from tests.stores.talk import Made, fill, makers, run, said, talk, texts


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    """Return how a store is made."""
    return makers(tmp_path)[request.param]


def test_what_is_appended_comes_back(make: Made) -> None:
    """In order, equal, and in a list that the caller may change."""

    async def work() -> None:
        store = await fill(make(), talk(5))
        (await store.get_history()).clear()
        assert await store.get_history() == talk(5)
        await store.close()

    run(work())


def test_a_store_is_what_the_protocol_says(make: Made) -> None:
    """Whoever writes against the protocol may be given any of them."""
    assert isinstance(make(), ContextStore)
    assert isinstance(make(), SnapshotStore)


def test_sessions_have_ids_of_their_own(make: Made) -> None:
    """Two stores are two conversations unless a session is named."""
    assert make().session_id != make().session_id


def test_clear_takes_messages_and_counts(make: Made) -> None:
    """A cleared session begins anew."""

    async def work() -> tuple[Any, Any]:
        store = await fill(make(), talk(3))
        await store.set_context_tokens(5, 6)
        await store.clear()
        found = await store.get_history(), await store.get_context_tokens()
        await store.close()
        return found

    assert run(work()) == ([], (0, 0))


def test_counts_are_set_and_added(make: Made) -> None:
    """Every model call adds to what the conversation cost."""

    async def work() -> Any:
        store = make()
        assert await store.get_context_tokens() == (0, 0)
        await store.add_context_tokens(3, 4)
        await store.set_context_tokens(10, 1)
        await store.add_context_tokens(3, 4)
        found = await store.get_context_tokens()
        await store.close()
        return found

    assert run(work()) == (13, 5)


def test_a_fork_goes_its_own_way(make: Made) -> None:
    """Messages and counts are copied, and what comes later shows on neither side."""

    async def work() -> None:
        store = await fill(make(), talk(2))
        await store.set_context_tokens(7, 8)
        fork = await store.fork()
        assert fork.session_id != store.session_id
        assert await fork.get_history() == talk(2)
        assert await fork.get_context_tokens() == (7, 8)
        await fork.append(said("user", "only here"))
        await fork.add_context_tokens(1, 1)
        await store.append(said("user", "only there"))
        assert texts(await fork.get_history())[-1] == "only here"
        assert texts(await store.get_history())[-1] == "only there"
        assert await store.get_context_tokens() == (7, 8)
        await store.close()
        assert len(await fork.get_history()) == 3, "a fork outlives what it was made from"
        await fork.close()

    run(work())


def test_a_session_is_listed(make: Made) -> None:
    """With the beginning of what the user said first."""

    async def work() -> list[SessionInfo]:
        store = await fill(make(), [said("system", "s"), said("user", "word " * 40), said("assistant", "yes")])
        await store.set_context_tokens(7, 8)
        found: list[SessionInfo] = await store.list_sessions()
        await store.close()
        return found

    [info] = run(work())
    assert (info.message_count, info.input_tokens, info.output_tokens) == (3, 7, 8)
    assert info.preview == ("word " * 40)[:80] + "..."
    assert info.created_at.startswith("20")


def test_a_beginning_is_replaced(make: Made) -> None:
    """What a compaction does; the counts stay, and what was appended since."""

    async def work() -> None:
        store = await fill(make(), talk(6))
        await store.set_context_tokens(7, 8)
        snapshot = await store.get_snapshot()
        await store.append(said("user", "late"))
        assert await store.replace_prefix(snapshot.keys[:4], [said("user", "summary")])
        assert texts(await store.get_history()) == ["summary", "msg-4", "msg-5", "late"]
        assert await store.get_context_tokens() == (7, 8)
        await store.append(said("user", "later"))
        assert texts(await store.get_history())[-1] == "later"
        await store.close()

    run(work())


def test_a_beginning_may_grow(make: Made) -> None:
    """Two messages in the place of one: nothing collides."""

    async def work() -> None:
        store = await fill(make(), talk(3))
        keys = (await store.get_snapshot()).keys
        assert await store.replace_prefix(keys[:1], [said("user", "a"), said("assistant", "b"), said("user", "c")])
        assert texts(await store.get_history()) == ["a", "b", "c", "msg-1", "msg-2"]
        await store.close()

    run(work())


def test_a_changed_beginning_is_not_replaced(make: Made) -> None:
    """Somebody else compacted or cleared meanwhile: the summary is of something that is gone."""

    async def work() -> None:
        store = await fill(make(), talk(4))
        keys = (await store.get_snapshot()).keys
        assert await store.replace_prefix(keys[:2], [said("user", "first")])
        assert not await store.replace_prefix(keys[:2], [said("user", "second")])
        assert texts(await store.get_history()) == ["first", "msg-2", "msg-3"]
        await store.clear()
        assert not await store.replace_prefix(keys[2:3], [said("user", "third")])
        assert await store.get_history() == []
        await store.close()

    run(work())


def test_memory_keeps_anything() -> None:
    """Whatever an agent's messages are; only a summary needs to read them."""
    store = MemoryContextStore([object(), object()])
    [info] = run(store.list_sessions())
    assert (info.message_count, info.preview) == (2, "(no preview)")
