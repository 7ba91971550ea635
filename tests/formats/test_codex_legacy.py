"""Old Codex sessions."""

import json
from typing import Any

import pytest

from cortex_cli.messages import Transcript
from tests.conftest import notice
from tests.roundtrip import dump, load

HEAD = {"id": "s1", "timestamp": "2025-06-01T00:00:00Z", "instructions": "be brief", "git": {}}
ASKED = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "q"}]}
CALL = {"type": "function_call", "call_id": "a", "name": "shell", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "a", "output": '{"output":"r","metadata":{"exit_code":0}}'}
STATE = {"record_type": "state"}


def lines(*values: Any) -> bytes:
    """Write a session as lines."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in (HEAD, *values))


def document(*values: Any) -> bytes:
    """Write a session as the client in TypeScript did."""
    return json.dumps({"session": HEAD, "items": [value for value in values if value != STATE]}).encode()


@pytest.mark.parametrize("write", [lines, document])
def test_items_below_a_header(write: Any) -> None:
    """The header's instructions are sent besides them; states are none."""
    transcript: Transcript = load(write(STATE, ASKED, CALL, STATE, OUTPUT, ASKED))
    assert (transcript.format, transcript.session_id, transcript.preamble) == ("codex-legacy", "s1", ("be brief",))
    assert [one.role for one in transcript.messages] == ["user", "assistant", "tool", "user"]
    data = dump(transcript.with_messages([notice(2), transcript.messages[3]]))
    ours = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": notice(2).text}]}
    if write is lines:
        assert [json.loads(line) for line in data.splitlines()] == [HEAD, STATE, STATE, ours, ASKED]
    else:
        assert json.loads(data) == {"session": HEAD, "items": [ours, ASKED]}


def test_rollouts_and_bare_items_are_something_else() -> None:
    """Newer lines have a payload; without a header they are a program's items."""
    line = {"timestamp": "2026-01-01T00:00:00Z", "type": "response_item", "payload": ASKED}
    assert load(json.dumps(line).encode()).format == "codex"
    assert load(json.dumps([ASKED, CALL, OUTPUT]).encode()).format == "openai-responses"
