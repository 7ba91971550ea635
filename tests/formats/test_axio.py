"""axio messages."""

import json
from typing import Any

from cortex_cli.messages import Message, Part, Transcript
from tests.conftest import notice
from tests.roundtrip import dump, load

TALK: list[dict[str, Any]] = [
    {"role": "system", "content": [{"type": "text", "text": "s"}]},
    {"role": "user", "content": [{"type": "text", "text": "q"}]},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {"n": 1}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "r", "is_error": False}]},
]


def read(*values: dict[str, Any]) -> Transcript:
    """Read messages."""
    return load(json.dumps(values).encode(), "axio")


def test_messages_are_read() -> None:
    """Blocks as in Anthropic's API, the system prompt among the messages."""
    transcript = read(*TALK)
    assert [(one.role, one.slot, one.parts[0].kind) for one in transcript.messages] == [
        ("system", True, "text"), ("user", False, "text"), ("assistant", False, "call"), ("tool", False, "result"),
    ]  # fmt: skip
    assert transcript.messages[3].parts[0].name == "f"


def test_media_are_flat() -> None:
    """Their type and data stand in the block itself."""
    blocks = [{"type": kind, "media_type": f"{kind}/x", "data": "AAAA"} for kind in ("image", "audio", "video")]
    media = [part.media[0].type for part in read({"role": "user", "content": blocks}).messages[0].parts]
    assert media == ["image/x", "audio/x", "video/x"]


def test_our_results_say_whether_they_failed() -> None:
    """Axio's own reader raises where `is_error` is missing."""
    transcript = read(*TALK[:3])
    closing = Message("tool", (Part("result", "interrupted", call_id="a"),), synthetic="closing")
    output = json.loads(dump(transcript.with_messages((*transcript.messages, closing))))
    block = {"type": "tool_result", "tool_use_id": "a", "content": "interrupted", "is_error": False}
    assert output[3] == {"role": "user", "content": [block]}


def test_our_text_shares_the_users_message() -> None:
    """User and assistant take turns; content is always a list."""
    transcript = read(*TALK)
    output = json.loads(dump(transcript.with_messages((*transcript.messages[:2], notice(), *transcript.messages[2:]))))
    assert output[1]["content"] == [{"type": "text", "text": notice().text}, TALK[1]["content"][0]]


def test_unknown_blocks_ride_along() -> None:
    """A newer axio may know more types."""
    part = read({"role": "user", "content": [{"type": "novel", "x": 1}]}).messages[0].parts[0]
    assert (part.kind, part.name) == ("opaque", "novel")


def test_reasoning_is_thinking_and_signed_calls_are_signed() -> None:
    """Since axio 0.12: byte-equal or gone, and `--drop-thinking` takes it out."""
    reasoning = {"type": "reasoning", "text": "hm", "redacted": False, "id": "r", "signature": "s"}
    signed_call = {**TALK[2]["content"][0], "signature": "s", "provider": "google"}
    transcript = read(TALK[1], {"role": "assistant", "content": [reasoning, signed_call]}, TALK[3])
    assert [(part.kind, part.signed) for part in transcript.messages[1].parts] == [("thinking", True), ("call", True)]
