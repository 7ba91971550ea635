"""A store that compacts itself: when, once, without losing what comes meanwhile, and what happens when it fails."""

import asyncio
import copy
import threading
from pathlib import Path
from typing import Any

import pytest

from cortex_cli import AutoCompactStore, ContextStore, MemoryContextStore, SQLiteContextStore
from cortex_cli.marks import ACKNOWLEDGEMENT
from cortex_cli.stores import Codec, SnapshotStore
from tests.stores.talk import Made, fill, makers, run, said, summed, talk, texts


class Plain:
    """A store of somebody else: no snapshots, and a refill that may be made to fail."""

    def __init__(self) -> None:
        self.session_id = "plain"
        self.messages: list[Any] = []
        self.tokens = (0, 0)
        self.fails_at = -1

    async def append(self, message: Any) -> None:
        await asyncio.sleep(0)
        if len(self.messages) == self.fails_at:
            self.fails_at = -1
            raise OSError("the disk is full")
        self.messages.append(message)

    async def get_history(self) -> list[Any]:
        await asyncio.sleep(0)
        return copy.deepcopy(self.messages)

    async def clear(self) -> None:
        self.messages, self.tokens = [], (0, 0)

    async def fork(self) -> "Plain":
        return copy.deepcopy(self)

    async def set_context_tokens(self, input_tokens: int, output_tokens: int) -> None:
        self.tokens = (input_tokens, output_tokens)

    async def get_context_tokens(self) -> tuple[int, int]:
        return self.tokens

    async def add_context_tokens(self, input_tokens: int, output_tokens: int) -> None:
        self.tokens = (self.tokens[0] + input_tokens, self.tokens[1] + output_tokens)

    async def list_sessions(self) -> list[Any]:
        return []

    async def close(self) -> None:
        self.messages = []


@pytest.fixture(params=["memory", "sqlite", "plain"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    """Return how a store is made: each of ours, and somebody else's."""
    return {**makers(tmp_path), "plain": Plain}[request.param]


class Slow:
    """A summariser that waits until it is told to go on."""

    def __init__(self) -> None:
        self.began, self.may_end, self.calls = asyncio.Event(), asyncio.Event(), 0

    async def __call__(self, messages: list[Any], prompt: str) -> str:
        self.calls += 1
        self.began.set()
        await self.may_end.wait()
        return summed(messages, prompt)


SUMMARY = ["summary of 10", ACKNOWLEDGEMENT, "msg-10", "msg-11", "msg-12", "msg-13"]


def test_a_large_call_compacts(make: Made) -> None:
    """Summary and recent messages; what it cost so far stays known."""

    async def work() -> None:
        store = AutoCompactStore(await fill(make(), talk(14)), summed, keep_recent=4, max_tokens=100)
        await store.set_context_tokens(1000, 50)
        await store.add_context_tokens(101, 7)
        assert texts(await store.get_history()) == SUMMARY
        assert await store.get_context_tokens() == (1101, 57)
        await store.append(said("user", "on"))
        assert texts(await store.get_history())[-1] == "on"
        await store.close()

    run(work())


@pytest.mark.parametrize("tokens", [0, 99, 100])
def test_a_call_within_the_limit_does_not(make: Made, tokens: int) -> None:
    """The limit itself is within."""

    async def work() -> None:
        store = AutoCompactStore(await fill(make(), talk(14)), summed, keep_recent=4, max_tokens=100)
        await store.add_context_tokens(tokens, 999)
        assert await store.get_history() == talk(14)
        await store.close()

    run(work())


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ({}, 96_000),
        ({"threshold": 0.5}, 64_000),
        ({"window": 200_000}, 150_000),
        ({"max_tokens": 5, "window": 200_000}, 5),
        ({"max_tokens": 0}, 0),
    ],
)
def test_the_limit(options: dict[str, Any], limit: int) -> None:
    """What is given, else three quarters of the window, which is 128,000 where nobody knows it."""
    assert AutoCompactStore(MemoryContextStore(), **options).max_tokens == limit


def test_what_is_appended_during_the_summary_stays(make: Made) -> None:
    """The store stays writable while a model takes its time."""

    async def work() -> None:
        slow = Slow()
        store = AutoCompactStore(await fill(make(), talk(14)), slow, keep_recent=4, max_tokens=0)
        task = asyncio.ensure_future(store.add_context_tokens(1, 1))
        await slow.began.wait()
        await store.append(said("user", "meanwhile"))
        assert len(await store.get_history()) == 15
        await store.add_context_tokens(0, 5)
        slow.may_end.set()
        await task
        assert texts(await store.get_history()) == [*SUMMARY, "meanwhile"]
        assert await store.get_context_tokens() == (1, 6)
        await store.close()

    run(work())


def test_a_long_conversation_holds_nobody_up() -> None:
    """Reading and counting it takes long: that is not done in the thread of the event loop."""
    threads: set[int] = set()

    def encode(message: Any) -> dict[str, Any]:
        threads.add(threading.get_ident())
        return dict(message)

    async def work() -> int:
        inner = MemoryContextStore(talk(14))
        inner.codec = Codec(encode, dict)  # type: ignore[attr-defined]
        await AutoCompactStore(inner, summed, max_tokens=0).add_context_tokens(1, 0)
        assert len(await inner.get_history()) == 8
        return threading.get_ident()

    assert run(work()) not in threads
    assert threads


def test_triggers_at_once_compact_once(make: Made) -> None:
    """Parallel calls of one agent report their size together."""

    async def work() -> None:
        slow = Slow()
        store = AutoCompactStore(await fill(make(), talk(14)), slow, keep_recent=4, max_tokens=0)
        tasks = [asyncio.ensure_future(store.add_context_tokens(1, 0)) for _ in range(5)]
        await slow.began.wait()
        await asyncio.sleep(0.01)
        slow.may_end.set()
        await asyncio.gather(*tasks)
        assert slow.calls == 1
        assert texts(await store.get_history()) == SUMMARY
        assert await store.get_context_tokens() == (5, 0)
        await store.close()

    run(work())


def test_a_trigger_after_a_failure_tries_again(make: Made) -> None:
    """Once for all that asked together; the next call may have more luck."""

    async def work() -> None:
        calls = 0

        async def unlucky(messages: list[Any], prompt: str) -> str:
            nonlocal calls
            calls += 1
            await asyncio.sleep(0.01)
            if calls == 1:
                raise TimeoutError
            return summed(messages, prompt)

        store = AutoCompactStore(await fill(make(), talk(14)), unlucky, keep_recent=4, max_tokens=0)
        await asyncio.gather(store.add_context_tokens(1, 0), store.add_context_tokens(1, 0))
        assert (calls, await store.get_history()) == (1, talk(14))
        await store.add_context_tokens(1, 0)
        assert (calls, texts(await store.get_history())) == (2, SUMMARY)
        await store.close()

    run(work())


def test_a_cancelled_trigger_leaves_the_work_to_who_waits(make: Made) -> None:
    """One agent is stopped in the middle of the summary; the other's call was too large all the same."""

    async def work() -> None:
        slow = Slow()
        store = AutoCompactStore(await fill(make(), talk(14)), slow, keep_recent=4, max_tokens=0)
        first, second = (asyncio.ensure_future(store.add_context_tokens(1, 0)) for _ in range(2))
        await slow.began.wait()
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert await store.get_history() == talk(14)
        slow.may_end.set()
        await second
        assert first.cancelled()
        assert texts(await store.get_history()) == SUMMARY
        await store.close()

    run(work())


def test_a_history_that_changed_is_not_overwritten(make: Made) -> None:
    """Cleared, or compacted by another process, while the summary was written."""

    async def work() -> None:
        slow = Slow()
        inner = await fill(make(), talk(14))
        store = AutoCompactStore(inner, slow, keep_recent=4, max_tokens=0)
        task = asyncio.ensure_future(store.add_context_tokens(1, 0))
        await slow.began.wait()
        await store.clear()
        await store.append(said("user", "anew"))
        slow.may_end.set()
        await task
        assert texts(await store.get_history()) == ["anew"]
        await store.close()

    run(work())


def test_a_fork_compacts_itself_too(make: Made) -> None:
    """With the same limit, summariser and number of recent messages."""

    async def work() -> None:
        store = AutoCompactStore(await fill(make(), talk(14)), summed, keep_recent=4, max_tokens=100)
        fork = await store.fork()
        assert isinstance(fork, AutoCompactStore)
        await fork.add_context_tokens(101, 0)
        assert texts(await fork.get_history()) == SUMMARY
        assert await store.get_history() == talk(14)
        await fork.close()
        await store.close()

    run(work())


def test_it_is_a_store_itself(make: Made) -> None:
    """What it does not decide it leaves to the store inside."""

    async def work() -> None:
        inner = make()
        store = AutoCompactStore(inner)
        assert isinstance(store, ContextStore)
        assert store.session_id == inner.session_id
        await store.append(said("user", "x"))
        assert await inner.get_history() == await store.get_history()
        assert await store.list_sessions() == await inner.list_sessions()
        await store.clear()
        assert await inner.get_history() == []
        await store.close()

    run(work())


def test_no_session_is_left_over(tmp_path: Path) -> None:
    """Neither of a compaction that worked, nor of one that failed or was stopped."""

    async def work() -> list[str]:
        inner = await fill(SQLiteContextStore(tmp_path / "a.db", "only"), talk(14))
        slow = Slow()
        stopped = asyncio.ensure_future(AutoCompactStore(inner, slow, max_tokens=0).add_context_tokens(1, 0))
        await slow.began.wait()
        during = [info.session_id for info in await inner.list_sessions()]
        stopped.cancel()
        await asyncio.gather(stopped, return_exceptions=True)
        await AutoCompactStore(inner, lambda _messages, _prompt: "", max_tokens=0).add_context_tokens(1, 0)
        await AutoCompactStore(inner, summed, max_tokens=0).add_context_tokens(1, 0)
        after = [info.session_id for info in await inner.list_sessions()]
        await inner.close()
        return during + after

    assert run(work()) == ["only", "only"]


def test_somebody_elses_store_is_filled_again_after_a_failure() -> None:
    """Its refill is no single step; what was there is put back before the failure is told."""

    async def work() -> None:
        inner = await fill(Plain(), talk(14))
        assert not isinstance(inner, SnapshotStore)
        inner.tokens, inner.fails_at = (3, 4), 2
        store = AutoCompactStore(inner, summed, keep_recent=4, max_tokens=0)
        with pytest.raises(OSError, match="disk is full"):
            await store.add_context_tokens(1, 0)
        assert (inner.messages, inner.tokens) == (talk(14), (4, 4))

    run(work())


def test_a_refill_is_not_broken_off() -> None:
    """A cancelled agent must not leave somebody else's store half filled."""

    async def work() -> None:
        inner = await fill(Plain(), talk(14))
        refilling = asyncio.Event()
        clear = inner.clear

        async def noted() -> None:
            await clear()
            refilling.set()

        inner.clear = noted
        store = AutoCompactStore(inner, summed, keep_recent=4, max_tokens=0)
        task = asyncio.ensure_future(store.add_context_tokens(1, 0))
        await refilling.wait()
        task.cancel()
        late = asyncio.ensure_future(store.append(said("user", "late")))
        await asyncio.gather(task, return_exceptions=True)
        await late
        assert texts(await store.get_history()) == [*SUMMARY, "late"]

    run(work())


def test_a_store_that_cannot_be_cleared_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """It is what axio's base class says where a store has no `clear`."""

    async def refuse() -> None:
        raise NotImplementedError

    async def work() -> None:
        inner = await fill(Plain(), talk(14))
        inner.clear = refuse
        await AutoCompactStore(inner, summed, max_tokens=0).add_context_tokens(1, 0)
        assert inner.messages == talk(14)

    run(work())
    assert "cannot be cleared" in caplog.text
