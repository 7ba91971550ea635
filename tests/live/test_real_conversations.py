"""Real conversations of every agent there is a transcript of, as if they were live: growing from call to call."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cortex_cli import CompactionManager, CortexError, DoesNotFitError, InputError, Settings, load
from cortex_cli.formats.containers import Layout
from cortex_cli.groups import safe_cuts
from cortex_cli.messages import Transcript
from cortex_cli.validity import COMMON_RULES, find_problems
from tests.conftest import PROJECT

pytestmark = pytest.mark.slow

FOLDER = PROJECT.parent / "shared" / "transcripts"

FILES_PER_FOLDER = 3
MAX_BYTES = 3_000_000
CALLS = 40
WINDOW = 20_000
"""Small, so that every layer has to act in the middle of real work."""


def folders() -> list[Any]:
    """Name the agents; one that skips where the shared folder is absent."""
    if not FOLDER.is_dir():
        return [pytest.param("", marks=pytest.mark.skip(reason="no ../shared beside the project"))]
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


def conversations(folder: str) -> Iterator[Transcript]:
    """Load the first few that hold one conversation of some length."""
    found = 0
    for path in sorted(path for path in Path(FOLDER, folder).rglob("*.json*") if path.stat().st_size < MAX_BYTES):
        try:
            transcript = load(path)
        except CortexError:  # several conversations, or a file beside one
            continue
        if len(transcript.messages) >= 10 and found < FILES_PER_FOLDER:
            found += 1
            yield transcript


async def go_live(transcript: Transcript, strategy: str) -> int:
    """Let the conversation grow; returns how many calls were made."""
    messages = transcript.messages
    settings = Settings(window=WINDOW, tokenizer="heuristic", strategy=strategy)
    manager = CompactionManager(settings)
    cuts = [at for at in safe_cuts(messages) if at and messages[at - 1].role != "assistant"]
    calls = 0
    for at in cuts[:: max(1, len(cuts) // CALLS)]:
        try:
            sent = await manager.transform(messages[:at])
        except DoesNotFitError:
            continue  # a system prompt, or what was typed, is larger than the window
        calls += 1
        assert find_problems(sent, COMMON_RULES) == ()
        assert manager.status().tokens <= WINDOW
        assert sent[-1].text == messages[at - 1].text or sent[-1].role == "tool"
        await manager.turn_end(messages[:at])
    await manager.close()
    return calls


@pytest.mark.parametrize("strategy", ["classic", "observational"])
@pytest.mark.parametrize("folder", folders())
def test_real_conversations_stay_valid_and_inside(folder: str, strategy: str) -> None:
    """Parallel calls, huge results, attachments, broken ends: whatever real agents have in their histories."""
    for transcript in conversations(folder):
        assert asyncio.run(go_live(transcript, strategy)) > 0


@pytest.mark.parametrize("folder", folders())
def test_real_lists_stay_lists(folder: str) -> None:
    """Lists of dicts, as the programs held them: the end is the same objects, the rest is of the same format."""
    for transcript in conversations(folder):
        layout = transcript.layout
        values = list(layout.box.values) if isinstance(layout, Layout) else []
        if len(values) < 10:
            continue
        manager = CompactionManager(Settings(window=WINDOW, tokenizer="heuristic"))
        try:
            sent = asyncio.run(manager.transform(values))
        except InputError:
            continue  # its values are no messages by themselves
        assert load(sent).format == load(values).format
        assert manager.status().tokens <= WINDOW
        if manager.status().compactions == 0 and manager.status().usage_ratio < 0.25:
            assert all(one is two for one, two in zip(sent, values, strict=True))
