"""Sessions of the manager's own agent."""

import json
from typing import Any

import pytest

from cortex_cli.messages import Message, Part, Transcript
from tests.conftest import notice
from tests.roundtrip import dump, load

META = {"id": "s1", "mode": "build", "provider": "p", "model": "m", "cwd": "/", "createdAt": 1, "updatedAt": 2}


def said(role: str, text: str = "x") -> dict[str, Any]:
    """Build a message of pi's."""
    stop = {"stopReason": "stop"} if role == "assistant" else {}
    return {"role": role, "content": [{"type": "text", "text": text}], "timestamp": 1_767_312_000_000, **stop}


HISTORY = [said("user", "q0"), *(said("assistant" if at % 2 else "user", f"x{at}") for at in range(1, 10))]


def read(watermark: int = 4, **meta: Any) -> Transcript:
    """Read a session of ten messages, so many of them observed."""
    state = {"observations": "Date: Jan 1, 2026\n* it began", "bufferedChunks": [], "bufferWatermark": watermark}
    files = {"history.json": HISTORY, "meta.json": {**META, "contextTokenCount": 9_000, **meta}}
    return load(json.dumps({**files, "observations.json": state}).encode())


def written(transcript: Transcript, *messages: Message) -> Any:
    """Write other messages and return the document."""
    return json.loads(dump(transcript.with_messages(messages)))


def test_the_log_is_a_slot() -> None:
    """The agent sends it before the history; it stands in no message of it."""
    transcript = read()
    assert (transcript.format, transcript.model, transcript.session_id) == ("cortex-session", "m", "s1")
    assert (transcript.messages[0].slot, transcript.messages[0].records) == (True, ())
    assert [one.text for one in transcript.messages[1:3]] == ["q0", "x1"]


@pytest.mark.parametrize(
    ("watermark", "kept", "moved"),
    [
        (4, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 5),  # the notice stands before all, and nothing unobserved left
        (4, [3, 4, 5, 6, 7, 8, 9, 10], 3),  # two observed ones left: the notice stands for them
        (4, [7, 8, 9, 10], 0),  # it stands for unobserved ones too
        (4, [1, 7, 8, 9, 10], 0),  # it stands before the task
        (8, [8, 9, 10], 2),
        (99, [9, 10], 3),
        (0, [9, 10], 0),
    ],
)
def test_the_watermark_moves_with_the_history(watermark: int, kept: list[int], moved: int) -> None:
    """At activation the agent drops what is observed: never anything that nobody has read."""
    transcript = read(watermark)
    messages = [transcript.messages[at] for at in kept]
    done = written(transcript, transcript.messages[0], notice(2), *messages)
    assert done["observations.json"]["bufferWatermark"] == moved
    dropped = done["history.json"][:moved]
    unread = [one for at, one in enumerate(HISTORY) if at >= watermark]
    assert not [one for one in dropped if one in unread]


def test_the_size_shrinks_with_the_history() -> None:
    """The agent would compact at once what it takes for full."""
    transcript = read()
    done = written(transcript, transcript.messages[0], *transcript.messages[9:])
    assert 0 < done["meta.json"]["contextTokenCount"] < 9_000
    assert done["meta.json"]["updatedAt"] == 2


def test_what_the_agent_cannot_load_is_said() -> None:
    """It gives up on a session without all of its meta data."""
    assert any("no cwd" in warning for warning in read(cwd=None).warnings)
    assert read().warnings == ()


def test_results_of_ours_are_pi_s() -> None:
    """A closed call has its result right behind it."""
    transcript = read()
    closing = Message("tool", (Part("result", "r", "f", "a"),))
    done = written(transcript, *transcript.messages[:3], closing, *transcript.messages[3:])
    assert done["history.json"][2]["role"] == "toolResult"
    assert done["observations.json"]["bufferWatermark"] == 5
