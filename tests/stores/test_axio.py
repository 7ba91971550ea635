"""Against the real axio package: its agent over our stores, its files read by ours and ours by it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cortex_cli import AutoCompactStore, MemoryContextStore, SQLiteContextStore, StoreError, axio_codec, compact_context
from cortex_cli.marks import ACKNOWLEDGEMENT
from tests.stores.talk import LONG, called, run, said, summed, talk

try:
    import axio_context_sqlite
    from axio.agent import Agent
    from axio.blocks import ImageBlock, ReasoningBlock, TextBlock, ToolResultBlock, ToolUseBlock
    from axio.compaction import AutoCompactStore as AxioAutoCompactStore
    from axio.messages import Message
    from axio.testing import StubTransport, make_echo_tool, make_text_response, make_tool_use_response
    from axio.types import Usage
except ImportError:
    pytest.skip("axio is not installed (`pip install --group axio`, Python 3.12)", allow_module_level=True)

PROJECT = "/p"

EVERY_BLOCK = [
    Message("user", [TextBlock("look"), ImageBlock("image/png", b"\x89PNG")]),
    Message("assistant", [ReasoningBlock("hm", signature="s", id="r"), ToolUseBlock("c", "echo", {"msg": "é" * 600})]),
    Message("user", [ToolResultBlock("c", [TextBlock("seen"), ImageBlock("image/gif", b"GIF")], is_error=True)]),
    Message("assistant", [TextBlock("done")]),
]
"""All kinds of blocks, short and long."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a file may be made."""
    return tmp_path / "chat.db"


def ours(path: Path, session: str = "s") -> SQLiteContextStore:
    """Open a session with our store."""
    return SQLiteContextStore(path, session, project=PROJECT, codec=axio_codec())


@asynccontextmanager
async def opened(path: Path, session: str = "s") -> AsyncIterator[Any]:
    """Open a session with its own store, and close the file whatever happens: its thread would not end."""
    connection = await axio_context_sqlite.connect(path)
    try:
        yield axio_context_sqlite.SQLiteContextStore(connection, session, PROJECT)
    finally:
        await connection.close()


def shown(sessions: list[Any]) -> set[tuple[Any, ...]]:
    """Return what a list of sessions shows; of those made in one second any may be the newest."""
    return {(one.session_id, one.message_count, one.preview, one.created_at, one.input_tokens) for one in sessions}


def text_of(message: Any) -> str:
    """Return the text of one of axio's messages."""
    return "".join(block.text for block in message.content if isinstance(block, TextBlock))


def test_its_objects_come_back(path: Path) -> None:
    """Equal, block by block."""

    async def work() -> Any:
        store = ours(path)
        for message in EVERY_BLOCK:
            await store.append(message)
        found = await store.get_history()
        await store.close()
        return found

    assert run(work()) == EVERY_BLOCK


def test_its_objects_are_not_taken_for_dicts(path: Path) -> None:
    """The hint says how a store takes them."""
    with pytest.raises(StoreError, match="is a Message") as caught:
        run(SQLiteContextStore(path).append(EVERY_BLOCK[0]))
    assert "axio_codec()" in caught.value.hint


def test_it_reads_what_we_wrote(path: Path) -> None:
    """Messages, counts and the list of sessions; and it appends behind them."""

    async def work() -> None:
        store = ours(path)
        for message in EVERY_BLOCK:
            await store.append(message)
        await store.set_context_tokens(3, 4)
        async with opened(path) as theirs:
            assert await theirs.get_history() == EVERY_BLOCK
            assert await theirs.get_context_tokens() == (3, 4)
            await theirs.append(Message("user", [TextBlock("from axio")]))
            fork = await theirs.fork()
            assert shown(await store.list_sessions()) == shown(await theirs.list_sessions())
            assert await ours(path, fork.session_id).get_history() == await store.get_history()
            assert text_of((await store.get_history())[-1]) == "from axio"
            await store.append(Message("assistant", [TextBlock("from us")]))
            assert text_of((await theirs.get_history())[-1]) == "from us"
            await store.close()

    run(work())


def test_it_reads_what_we_compacted(path: Path) -> None:
    """And goes on appending: the positions are as it counts them."""

    async def work() -> None:
        store = AutoCompactStore(ours(path), summed, keep_recent=4, max_tokens=0)
        for message in talk(14):
            await store.append(Message.from_dict(message))
        await store.add_context_tokens(1, 0)
        async with opened(path) as theirs:
            await theirs.append(Message("user", [TextBlock("on")]))
            expected = ["summary of 10", ACKNOWLEDGEMENT, "msg-10", "msg-11", "msg-12", "msg-13", "on"]
            assert [text_of(message) for message in await theirs.get_history()] == expected
            assert [text_of(message) for message in await store.get_history()] == expected
            await store.close()

    run(work())


def test_messages_of_other_apis_do_not_stop_it(path: Path) -> None:
    """It reads their texts, and its list of sessions still works."""

    async def work() -> None:
        store = SQLiteContextStore(path, "openai", project=PROJECT)
        calls = [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
        await store.append({"role": "user", "content": "plain text"})
        await store.append({"role": "assistant", "content": None, "tool_calls": calls})
        async with opened(path, "openai") as theirs:
            assert text_of((await theirs.get_history())[0]) == "plain text"
            assert [info.preview for info in await theirs.list_sessions()] == ["plain text"]
            await store.close()

    run(work())


def responses(count: int) -> list[Any]:
    """Script a model that calls a tool again and again, and reports how large its input was."""
    calls = [
        make_tool_use_response("echo", f"c{n}", {"msg": f"step {n} {LONG}"}, usage=Usage(1000 * n, 5))
        for n in range(count)
    ]
    return [*calls, make_text_response("all done", usage=Usage(1000 * count, 5))]


@pytest.mark.parametrize("kind", ["memory", "sqlite", "theirs"])
def test_its_agent_runs_over_our_store(kind: str, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A turn of twelve calls, compacted on the way; the model is never sent a broken history."""
    seen: list[list[Any]] = []

    class Transport(StubTransport):
        def stream(self, messages: list[Any], tools: list[Any], system: str) -> Any:
            seen.append(list(messages))
            return super().stream(messages, tools, system)

    async def work() -> tuple[str, list[Any], tuple[int, int]]:
        async with opened(path) as theirs:
            inner: Any = {
                "memory": MemoryContextStore,
                "sqlite": lambda: ours(path),
                "theirs": lambda: theirs,
            }[kind]()
            store = AutoCompactStore(inner, max_tokens=5_000)
            agent = Agent(system="You are helpful.", transport=Transport(responses(12)), tools=[make_echo_tool()])
            answer = await agent.run("Rename the module in src/app.py.", store)  # type: ignore[arg-type]  # not its subclass
            history, tokens = await store.get_history(), await store.get_context_tokens()
            await store.close()
            return answer, history, tokens

    with caplog.at_level(logging.INFO):
        answer, history, tokens = run(work())
    assert answer == "all done"
    assert tokens == (sum(1000 * n for n in range(13)), 13 * 5)
    assert all(isinstance(message, Message) for message in history)
    assert "src/app.py" in text_of(history[0]), "the built-in summary says what was asked"
    assert len(history) < 26, "it was compacted"
    for messages in seen:
        blocks = [block for message in messages for block in message.content]
        calls = [block.id for block in blocks if isinstance(block, ToolUseBlock)]
        results = [block.tool_use_id for block in blocks if isinstance(block, ToolResultBlock)]
        assert calls == results
        assert messages[0].role == "user"
        assert all(one.role != other.role for one, other in pairwise(messages))
    assert "became" in caplog.text
    assert "WARNING" not in caplog.text


def test_its_transport_writes_summaries(path: Path) -> None:
    """As in its own store: the same first arguments do the same."""

    async def work(kind: Any, inner: Any) -> list[str]:
        for message in talk(14):
            await inner.append(Message.from_dict(message))
        store = kind(inner, StubTransport([make_text_response("what was said")]), keep_recent=4, max_tokens=1)
        await store.add_context_tokens(2, 0)
        return [text_of(message) for message in await store.get_history()]

    theirs = run(work(AxioAutoCompactStore, MemoryContextStore()))
    assert run(work(AutoCompactStore, MemoryContextStore())) == theirs
    assert run(work(AutoCompactStore, ours(path))) == theirs


def test_its_transport_may_fail(caplog: pytest.LogCaptureFixture) -> None:
    """Warned, and the history stays."""
    store = MemoryContextStore(talk(14))
    assert run(compact_context(store, StubTransport([[ConnectionError("down")]]))) is None  # type: ignore[arg-type]
    assert "down" in caplog.text


def test_dicts_are_summarised_by_its_transport() -> None:
    """A store of dicts need not know of its objects."""
    store = MemoryContextStore([*talk(8), called("a")])
    transport: Any = StubTransport([make_text_response("what was said")])
    found = run(compact_context(store, transport, keep_recent=2))
    assert found is not None
    assert found[0] == said("user", "what was said") or found[0]["content"] == "what was said"


def test_one_of_its_writers_and_one_of_ours(path: Path) -> None:
    """On one session at once: nothing collides, both lock the file in the same way."""

    async def write(store: Any, name: str) -> None:
        for number in range(20):
            await store.append(Message("user", [TextBlock(f"{name}-{number}")]))

    async def work() -> list[str]:
        store = ours(path)
        async with opened(path) as theirs:
            await asyncio.gather(write(store, "ours"), write(theirs, "theirs"))
            found = [text_of(message) for message in await store.get_history()]
        await store.close()
        return found

    found = run(work())
    for name in ("ours", "theirs"):
        assert [one for one in found if one.startswith(name)] == [f"{name}-{number}" for number in range(20)]
