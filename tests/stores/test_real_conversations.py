"""Real conversations through the SQLite store and a compaction."""

import json
from pathlib import Path

import pytest

from cortex_cli import SQLiteContextStore, compact_context, find_problems, load
from cortex_cli.validity import COMMON_RULES
from tests.stores.talk import fill, run

FOLDERS = ("axio", "anthropic-messages", "openai-chat")


def conversations(shared: Path, folder: str) -> list[list[dict[str, object]]]:
    """Return the files that are plain lists of messages."""
    found = []
    for path in sorted((shared / "transcripts" / folder).iterdir()):
        if path.suffix == ".json" and path.stat().st_size < 1_000_000:
            value = json.loads(path.read_bytes())
            messages = value.get("messages") if isinstance(value, dict) else value
            if isinstance(messages, list) and all(isinstance(one, dict) and "role" in one for one in messages):
                found.append(messages)
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_real_conversations_are_kept_and_compacted(folder: str, shared: Path, tmp_path: Path) -> None:
    """Equal when they come back; valid when the old part has become a summary."""
    found = conversations(shared, folder)
    assert found or folder != "axio"
    for number, messages in enumerate(found):

        async def work(session: str, messages: list[dict[str, object]]) -> None:
            store = await fill(SQLiteContextStore(tmp_path / "a.db", session), messages)
            assert await store.get_history() == messages
            compacted = await compact_context(store)
            assert await store.get_history() == messages
            await store.close()
            if compacted is not None:
                before = load(messages)
                after = load(compacted, format=before.format)
                assert len(compacted) <= len(messages) + 1
                known = {problem.rule for problem in find_problems(before.messages, COMMON_RULES)}
                assert {problem.rule for problem in find_problems(after.messages, COMMON_RULES)} <= known

        run(work(str(number), messages))
