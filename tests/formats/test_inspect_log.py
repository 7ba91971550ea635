"""Logs of inspect-ai: samples as conversations, texts behind references, and what repeats them."""

import json
from typing import Any

import pytest

from cortex_cli.errors import InputError
from tests.conftest import filler, notice
from tests.roundtrip import dump, dump_all, load, load_all

LONG = filler(3000)
CALL = {"id": "c", "function": "ls", "arguments": {"n": 1.50}}
MESSAGES: list[dict[str, Any]] = [
    {"id": "m1", "role": "user", "content": "go"},
    {"id": "m2", "role": "assistant", "content": [{"type": "reasoning", "reasoning": "hm", "signature": "s"}],
     "tool_calls": [CALL], "model": "gpt-x"},
    {"id": "m3", "role": "tool", "content": "attachment://aa", "tool_call_id": "c", "function": "ls",
     "error": {"type": "timeout", "message": "late"}},
    {"id": "m4", "role": "assistant", "content": "done"},
]  # fmt: skip


def sample(**more: Any) -> dict[str, Any]:
    """Build a sample."""
    events = [
        {"event": "model", "input": [{"content": LONG}], "tools": [{"name": "ls"}]},
        {"event": "tool", "result": "attachment://aa"},
    ]
    output = {"usage": {"total_tokens": 70}}
    return {
        "id": 1,
        "epoch": 1,
        "messages": MESSAGES,
        "events": events,
        "attachments": {"aa": LONG},
        "output": output,
        **more,
    }


def log(*samples: dict[str, Any]) -> bytes:
    """Build a log."""
    return json.dumps(
        {"version": 2, "status": "success", "eval": {"model": "m"}, "samples": samples}, indent=1
    ).encode()


def test_what_a_sample_holds() -> None:
    """References are read as the texts they stand for."""
    transcript = load(log(sample(uuid="u")))
    user, answer, result, last = transcript.messages
    assert (user.typed, user.id, last.text) == (True, "m1", "done")
    assert [(part.kind, part.signed) for part in answer.parts] == [("thinking", True), ("call", False)]
    assert result.result is not None
    assert (result.result.text, result.result.name, result.result.is_error) == (LONG, "ls", True)
    assert (transcript.model, transcript.session_id, transcript.preamble) == ("gpt-x", "u", ('{"name":"ls"}',))
    assert transcript.usage is not None
    assert (transcript.usage.tokens, transcript.usage.messages) == (70, 4)


def test_what_repeats_a_result_shrinks_with_it() -> None:
    """Events hold every request whole; they are most of a log."""
    transcript = load(log(sample()))
    result = transcript.messages[2]
    short = result.with_part(0, result.parts[0]._replace(text="short"))
    made = json.loads(dump(transcript.with_messages((*transcript.messages[:2], short, transcript.messages[3]))))[
        "samples"
    ][0]
    assert made["messages"][2]["content"] == "short"
    assert made["attachments"] == {"aa": "short"}
    assert made["events"][0]["input"][0]["content"] == "short"
    assert made["events"][1] == sample()["events"][1]


def test_samples_are_conversations_of_their_own() -> None:
    """With everything between them as it was."""
    data = log(sample(), {"id": 2, "epoch": 1, "messages": []}, sample(id=3))
    transcripts = load_all(data)
    assert [len(one.messages) for one in transcripts] == [4, 4]
    assert dump_all(transcripts) == data
    changed = transcripts[1].with_messages((notice(), *transcripts[1].messages[1:]))
    made = json.loads(dump_all([transcripts[0], changed]))
    assert made["samples"][0] == sample()
    assert made["samples"][2]["messages"][0] == {"content": notice().text, "role": "user"}
    with pytest.raises(InputError, match="several conversations"):
        load(data)


def test_parts_that_leave_and_parts_that_change() -> None:
    """Thinking of finished turns, arguments, texts, in place."""
    transcript = load(log(sample()))
    answer = transcript.messages[1]
    edited = answer._replace(parts=(answer.parts[1]._replace(text='{"n":2}'),))
    made = json.loads(dump(transcript.with_messages((transcript.messages[0], edited, *transcript.messages[2:]))))
    assert made["samples"][0]["messages"][1]["content"] == []
    assert made["samples"][0]["messages"][1]["tool_calls"][0]["arguments"] == {"n": 2}
    without = answer._replace(parts=answer.parts[:1])
    made = json.loads(dump(transcript.with_messages((transcript.messages[0], without, transcript.messages[3]))))
    assert made["samples"][0]["messages"][1]["tool_calls"] == []


def test_a_sample_alone_and_logs_without_one() -> None:
    """Samples stand alone in an archive; a log of a failed run has none."""
    assert len(load(json.dumps(sample()).encode()).messages) == 4
    with pytest.raises(InputError, match="without samples"):
        load(log({"id": 1}))
    with pytest.raises(InputError):
        load(log())
