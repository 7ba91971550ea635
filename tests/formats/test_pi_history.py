"""pi's plain message history."""

import json
from typing import Any

import pytest

from cortex_cli.formats.pi_history import read_messages
from cortex_cli.messages import Message, Part, Transcript, Usage
from tests.conftest import notice
from tests.roundtrip import dump, load

STAMP = {"timestamp": 1767323046678}
USAGE = {"input": 1, "output": 2, "cacheRead": 30, "cacheWrite": 4}
CALL = {"type": "toolCall", "id": "a", "name": "Read", "arguments": {"path": "x"}}
TALK: list[dict[str, Any]] = [
    {"role": "user", "content": "q", **STAMP},
    {"role": "assistant", "content": [CALL], "model": "m", "usage": USAGE, "stopReason": "toolUse", **STAMP},
    {"role": "toolResult", "toolCallId": "a", "toolName": "Read", "content": [{"type": "text", "text": "r"}],
     "isError": True, **STAMP},
]  # fmt: skip


def read(*values: dict[str, Any]) -> Transcript:
    """Read a history."""
    return load(json.dumps(values).encode(), "pi-history")


def test_messages_are_read() -> None:
    """Roles, tool names, errors and times are in the file."""
    transcript = read(*TALK)
    result = transcript.messages[2].parts[0]
    assert [message.role for message in transcript.messages] == ["user", "assistant", "tool"]
    assert (result.text, result.name, result.call_id, result.is_error) == ("r", "Read", "a", True)
    assert transcript.messages[1].calls[0].text == '{"path":"x"}'
    assert transcript.messages[0].time == "2026-01-02T03:04:06.678Z"
    assert (transcript.model, transcript.usage) == ("m", Usage(37, 2))


def test_plain_values_are_a_live_path() -> None:
    """Conformance cases and live sessions hand in lists."""
    messages = read_messages(TALK)
    assert [message.position for message in messages] == [0, 1, 2]
    assert [message.typed for message in messages] == [True, False, False]


@pytest.mark.parametrize("reason", ["error", "aborted"])
def test_failed_answers_are_not_sent(reason: str) -> None:
    """Pi leaves them out of the next request, so they are not part of the live path, and stay in the file."""
    failed = TALK[1] | {"stopReason": reason}
    transcript = read(TALK[0], failed, {"role": "user", "content": "again", **STAMP})
    assert [message.role for message in transcript.messages] == ["user", "user"]
    assert transcript.warnings == ()
    output = json.loads(dump(transcript.with_messages((notice(), *transcript.messages))))
    assert output[2] == failed


@pytest.mark.parametrize(
    ("value", "text", "synthetic"),
    [
        ({"role": "bashExecution", "command": "ls", "output": "a", "exitCode": 2},
         "Ran `ls`\n```\na\n```\n\nCommand exited with code 2", ""),
        ({"role": "bashExecution", "command": "ls", "output": "", "cancelled": True, "truncated": True,
          "fullOutputPath": "/t"},
         "Ran `ls`\n(no output)\n\n(command cancelled)\n\n[Output truncated. Full output: /t]", ""),
        ({"role": "compactionSummary", "summary": "all"},
         "The conversation history before this point was compacted into the following summary:\n\n"
         "<summary>\nall\n</summary>", "summary"),
        ({"role": "branchSummary", "summary": "b"},
         "The following is a summary of a branch that this conversation came back from:\n\n"
         "<summary>\nb</summary>", ""),
        ({"role": "custom", "customType": "x", "content": "note"}, "note", ""),
    ],
)  # fmt: skip
def test_machine_messages_are_sent_as_the_users(value: dict[str, Any], text: str, synthetic: str) -> None:
    """Pi turns them into texts; nobody typed them."""
    message = read(TALK[0], value).messages[1]
    assert (message.role, message.text, message.typed, message.synthetic) == ("user", text, False, synthetic)


def test_excluded_commands_are_not_sent() -> None:
    """The user ran them for himself."""
    value = {"role": "bashExecution", "command": "ls", "output": "a", "excludeFromContext": True}
    assert len(read(TALK[0], value).messages) == 1


def test_signatures_forbid_edits() -> None:
    """Thinking and calls can carry them."""
    blocks = [{"type": "thinking", "thinking": "t", "thinkingSignature": "s"}, CALL | {"thoughtSignature": "s"}]
    parts = read(TALK[0], TALK[1] | {"content": [*blocks, {"type": "image", "data": "", "mimeType": "image/png"}]})
    assert [(part.kind, part.signed) for part in parts.messages[1].parts] == [
        ("thinking", True), ("call", True), ("media", False),
    ]  # fmt: skip


def test_our_messages_have_all_that_pi_requires() -> None:
    """Missing fields make pi's own code fail later, far from here."""
    transcript = read(*TALK[:2])
    closing = Message("tool", (Part("result", "interrupted", name="Read", call_id="a", is_error=True),))
    ack = Message("assistant", (Part("text", "ok"),), synthetic="acknowledgement")
    output = json.loads(dump(transcript.with_messages((notice(), ack, *transcript.messages, closing))))
    assert output[0] == {
        "role": "user",
        "content": [{"type": "text", "text": notice().text}],
        "timestamp": 1767323046678,
    }
    assert output[1].keys() >= {"api", "provider", "model", "usage", "stopReason", "timestamp"}
    assert output[4] == {
        "role": "toolResult", "toolCallId": "a", "toolName": "Read",
        "content": [{"type": "text", "text": "interrupted"}], "isError": True, **STAMP,
    }  # fmt: skip


def test_results_and_arguments_are_edited_in_place() -> None:
    """Everything else of the record keeps its bytes."""
    data = json.dumps(TALK).replace('"x"', '"x", "n": 1.10').encode()
    transcript = load(data, "pi-history")
    call, result = transcript.messages[1].parts[0], transcript.messages[2].parts[0]
    shorter = transcript.messages[1]._replace(parts=(call._replace(text=call.text.replace('"x"', '"y"')),))
    answer = transcript.messages[2]._replace(parts=(result._replace(text="s"),))
    expected = data.replace(b'"x"', b'"y"').replace(b'"text": "r"', b'"text": "s"')
    assert dump(transcript.with_messages((transcript.messages[0], shorter, answer))) == expected
