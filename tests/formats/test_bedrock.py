"""Amazon Bedrock Converse."""

import json
from typing import Any

import pytest

from cortex_cli import formats
from cortex_cli.formats import detect
from cortex_cli.formats.source import Source
from cortex_cli.messages import Message, Part, Transcript
from tests.conftest import notice
from tests.formats.sdk import validate_bedrock
from tests.roundtrip import dump, load

ASKED = {"role": "user", "content": [{"text": "q"}]}
USE = {"toolUse": {"toolUseId": "a", "name": "f", "input": {"n": 1}}}
CALLED = {"role": "assistant", "content": [USE]}


def result(*pieces: Any, **more: Any) -> dict[str, Any]:
    """Build a user's message with one result."""
    return {"role": "user", "content": [{"toolResult": {"toolUseId": "a", "content": list(pieces), **more}}]}


def read(*messages: Any, **top: Any) -> Transcript:
    """Read a request."""
    return load(json.dumps({"messages": messages, "inferenceConfig": {}, **top}).encode())


def written(transcript: Transcript, *messages: Message) -> list[Any]:
    """Write other messages and return the values; they are what `botocore` sends."""
    values: list[Any] = json.loads(dump(transcript.with_messages(messages)))["messages"]
    validate_bedrock(values)
    return values


@pytest.mark.parametrize(
    ("block", "kind", "signed"),
    [
        ({"text": "t"}, "text", False),
        ({"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}}, "thinking", True),
        ({"reasoningContent": {"redactedContent": "c2VjcmV0"}}, "thinking", True),
        ({"image": {"format": "png", "source": {"bytes": "AAAA"}}}, "media", False),
        ({"document": {"format": "txt", "name": "d", "source": {"bytes": "AAAA"}}}, "media", False),
        ({"cachePoint": {"type": "default"}}, "opaque", False),
        ({"novel": {}}, "opaque", False),
        ("bare", "opaque", False),
    ],
)
def test_blocks_are_read(block: Any, kind: str, signed: bool) -> None:
    """What is not known is counted and never edited."""
    part = read(ASKED, {"role": "assistant", "content": [block]}).messages[1].parts[0]
    assert (part.kind, part.signed) == (kind, signed)


@pytest.mark.parametrize(
    ("pieces", "text", "is_json", "edited"),
    [
        ([{"text": "long"}], "long", False, [{"text": "s"}]),
        ([{"text": "long"}, {"json": {"b": 1}}], 'long\n{"b":1}', False, [{"text": "s"}]),
        ([{"json": {"b": 1}}, {"text": "long"}], '{"b":1}\nlong', False, [{"text": "s"}]),
        ([{"json": {"output": "long", "n": 1}}], '{"output":"long","n":1}', True, [{"json": {"output": "s", "n": 1}}]),
        ([{"image": {"format": "png", "source": {"bytes": "AAAA"}}}], "", False, [{"text": "s"}]),
        ([], "", False, [{"text": "s"}]),
    ],
)
def test_results_are_edited_piece_by_piece(pieces: list[Any], text: str, is_json: bool, edited: list[Any]) -> None:
    """A JSON value stays one, several pieces become one text, images go."""
    transcript = read(ASKED, CALLED, result(*pieces, status="error"))
    part = transcript.messages[2].parts[0]
    assert (part.text, part.json, part.is_error, part.name) == (text, is_json, True, "f")
    new = part._replace(text=text.replace("long", "s") if is_json else "s", media=())
    values = written(transcript, *transcript.messages[:2], transcript.messages[2]._replace(parts=(new,)))
    assert values[2] == result(*edited, status="error")


def test_ours_join_their_neighbours() -> None:
    """Turns are strict: our text goes before the user's own, behind results."""
    said = {"role": "assistant", "content": [{"text": "a"}]}
    transcript = read(ASKED, CALLED, result({"text": "r"}), said, ASKED)
    user, call, _, answer, other = transcript.messages
    closing = Message("tool", (Part("result", "r", call_id="a"),))
    assert written(transcript, user, call, closing, answer, notice(2), other) == [
        ASKED, CALLED, result({"text": "r"}), said,
        {"role": "user", "content": [{"text": notice(2).text}, {"text": "q"}]},
    ]  # fmt: skip


def test_system_and_tools_are_counted() -> None:
    """Both are sent with every call."""
    tools = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {}}}}]}
    transcript = read(ASKED, system=[{"text": "be brief"}], toolConfig=tools, modelId="m")
    assert (transcript.messages[0].role, transcript.messages[0].slot, transcript.messages[0].text) == (
        "system",
        True,
        "be brief",
    )
    assert len(transcript.preamble) == 1
    assert transcript.model == "m"


@pytest.mark.parametrize("value", [[ASKED], {"messages": [ASKED]}, {"output": {"message": CALLED}}])
def test_detection_by_blocks_without_a_type(value: Any) -> None:
    """No other format's blocks have none."""
    assert detect(Source(json.dumps(value).encode(), "t.json")).format.NAME == "bedrock-converse"


def test_messages_of_a_program_hold_bytes() -> None:
    """The package takes media as bytes, and must get bytes back; untouched messages are the same objects."""
    picture = {"image": {"format": "png", "source": {"bytes": b"\x00\xff"}}}
    messages = [ASKED, CALLED, result({"text": "long"}, picture), {"role": "assistant", "content": [{"text": "a"}]}]
    transcript = formats.load_messages(messages)
    assert transcript.format == "bedrock-converse"
    first, called, found, said = transcript.messages
    edited = found.with_part(0, found.parts[0]._replace(text="s"))
    written = formats.dump_messages(transcript.with_messages([notice(1), first, called, edited, said]))
    validate_bedrock(written)
    assert written[2] == result({"text": "s"}, picture)
    assert written[1] is CALLED
