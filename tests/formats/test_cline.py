"""Sessions of Cline's SDK."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cortex_cli import formats
from cortex_cli.errors import InputError
from cortex_cli.formats.source import Source
from cortex_cli.marks import Summary, summary_text
from cortex_cli.messages import Message, Part, Transcript, Usage
from tests.conftest import notice
from tests.roundtrip import dump, load

ASKED = {"id": "m1", "role": "user", "content": [{"type": "text", "text": "q"}], "ts": 1_767_312_000_000}
USE = {"type": "tool_use", "id": "t1", "name": "editor", "input": {"path": "a"}}
CALLED = {"id": "m2", "role": "assistant", "content": [USE], "ts": 1_767_312_001_000}


def answered(content: Any) -> dict[str, Any]:
    """Build the message with the result of the call."""
    result = {"type": "tool_result", "tool_use_id": "t1", "name": "editor", "content": content}
    return {"id": "m3", "role": "user", "content": [result], "ts": 1_767_312_002_000}


def summary(text: str) -> Message:
    """Build a summary as the layer puts it in."""
    tagged = summary_text(Summary("2026-01-02T00:00:00Z", 3, text))
    return Message("user", (Part("text", tagged),), synthetic="summary")


def read(*messages: Any, **top: Any) -> Transcript:
    """Read a session."""
    head = {"version": 1, "updated_at": "2026-01-02T00:00:00.000Z", "agent": "lead", "sessionId": "s1"}
    return load(json.dumps({**head, "messages": messages, **top}).encode())


def test_messages_are_anthropic_s_with_ids_and_times() -> None:
    """Files that the user names are part of what is sent."""
    file = {"type": "file", "path": "a", "content": "long"}
    told = {
        **CALLED,
        "modelInfo": {"id": "claude"},
        "metrics": {"inputTokens": 7, "outputTokens": 2, "cacheReadTokens": 5},
    }
    transcript = read({**ASKED, "content": [*ASKED["content"], file]}, told, answered("r"), system_prompt="be brief")  # type: ignore[misc]
    assert [(one.role, one.id) for one in transcript.messages] == [
        ("system", ""), ("user", "m1"), ("assistant", "m2"), ("tool", "m3"),
    ]  # fmt: skip
    assert [part.kind for part in transcript.messages[1].parts] == ["text", "opaque"]
    assert transcript.messages[1].time == "2026-01-02T00:00:00Z"
    assert (transcript.model, transcript.usage, transcript.session_id) == ("claude", Usage(9, 3), "s1")


def test_results_may_be_rows() -> None:
    """Objects without a type are no pieces of a content: their strings are what a tool said."""
    rows = [{"query": "a", "result": "long text", "success": True}]
    transcript = read(ASKED, CALLED, answered(rows))
    part = transcript.messages[2].parts[0]
    assert (part.json, part.media) == (True, ())
    edited = transcript.messages[2].with_part(0, part._replace(text=part.text.replace("long text", "s")))
    written = json.loads(dump(transcript.with_messages([*transcript.messages[:2], edited])))
    assert written["messages"][2]["content"][0]["content"] == [{"query": "a", "result": "s", "success": True}]


@pytest.mark.parametrize("kind", ["compaction", "compaction_summary"])
def test_cline_s_own_summary_is_one(kind: str) -> None:
    """Nobody typed it; a later summary carries it on."""
    transcript = read({**ASKED, "metadata": {"kind": kind, "summary": "x"}}, CALLED)
    assert (transcript.messages[0].synthetic, transcript.messages[0].typed) == ("summary", False)


def test_a_summary_of_ours_says_what_it_is() -> None:
    """Cline's next compaction updates the text that stands in the metadata."""
    transcript = read(ASKED, CALLED, answered("r"), ASKED | {"id": "m4"})
    written = json.loads(dump(transcript.with_messages([summary("what was"), transcript.messages[3]])))
    ours = written["messages"][0]
    assert ours["metadata"]["kind"] == "compaction_summary"
    assert ours["metadata"]["summary"] == "what was"
    assert ours["content"] == [{"type": "text", "text": summary("what was").text}]
    assert written["messages"][1] == ASKED | {"id": "m4"}


def projected(sidecar: dict[str, Any], source: list[Any]) -> list[Any] | None:
    """Do what the SDK does with a compaction and the messages beside it (`projectSessionCompactionState`)."""
    count, key = sidecar.get("source_message_count", -1), sidecar.get("source_last_message_key")
    if sidecar["version"] != 1 or not 0 < count <= len(source) or "source_prefix_hash" in sidecar:
        return None
    return [*sidecar["messages"], *source[count:]] if f"id:{source[count - 1]['id']}" == key else None


def test_what_is_written_can_stand_beside_the_messages() -> None:
    """The SDK takes a compaction that says what it was made of, and adds what came since."""
    source = [ASKED, CALLED, answered("r"), ASKED | {"id": "m4"}]
    transcript = read(*source)
    sidecar = json.loads(dump(transcript.with_messages([notice(3), transcript.messages[3]])))
    later = [*source, CALLED | {"id": "m5"}]
    assert projected(sidecar, later) == [sidecar["messages"][0], source[3], later[4]]
    again = load(json.dumps(sidecar).encode())
    assert [one.synthetic for one in again.messages] == ["notice", ""]
    smaller = json.loads(dump(again.with_messages([again.messages[0]])))
    assert (smaller["source_message_count"], smaller["source_last_message_key"]) == (4, "id:m4")


def test_a_result_between_a_sibling_and_words_of_the_user_goes_into_their_message() -> None:
    """Both stand in one message: before it the results would change their order."""
    both = {**CALLED, "content": [USE, {**USE, "id": "t2"}]}
    words = {"type": "text", "text": "and?"}
    first = answered("r")["content"][0]
    transcript = read(ASKED, both, {**answered("r"), "content": [first, words]})
    closing = Message("tool", (Part("result", "[none]", "editor", "t2"),))
    written = json.loads(dump(transcript.with_messages([*transcript.messages[:3], closing, transcript.messages[3]])))
    second = {"type": "tool_result", "tool_use_id": "t2", "content": "[none]"}
    assert written["messages"][2]["content"] == [first, second, words]


def test_a_file_that_is_written_over_is_no_compaction_of_itself() -> None:
    """Its next compaction would be tied to messages that are gone, and Cline would not take it."""
    transcript = read(ASKED, CALLED, answered("r"), ASKED | {"id": "m4"})
    shorter = transcript.with_messages([notice(3), transcript.messages[3]])
    assert "source_message_count" not in json.loads(b"".join(formats.dump(shorter, keep_history=True)))


def test_results_of_ours_are_blocks() -> None:
    """A dead call is closed in a message of its own."""
    transcript = read(ASKED, CALLED, ASKED | {"id": "m4"})
    closing = Message("tool", (Part("result", "r", "editor", "t1"),))
    written = json.loads(dump(transcript.with_messages([*transcript.messages[:2], closing, transcript.messages[2]])))
    assert written["messages"][2]["content"] == [{"type": "tool_result", "tool_use_id": "t1", "content": "r"}]


def test_real_sessions(shared: Path) -> None:
    """The manifest beside a session is none."""
    folder = shared / "transcripts/cline"
    for name in ("session__session.messages.json", "session__agentic.compaction.json"):
        data = (folder / name).read_bytes()
        transcript = load(data)
        assert transcript.format == "cline"
        assert hashlib.sha256(dump(transcript)).digest() == hashlib.sha256(data).digest()
    with pytest.raises(InputError):
        formats.detect(Source((folder / "session__session.json").read_bytes(), "t.json"))
