"""Where messages stand in a file, and what of it stays when they change."""

import json
from typing import Any

import pytest

from cortex_cli import formats
from cortex_cli.errors import TranscriptError
from cortex_cli.messages import Transcript
from tests.conftest import notice
from tests.roundtrip import dump, load

ONE = b'{"role":"user","content":"one","n":1.10}'
TWO = b'{"role":"assistant","content":"two"}'
TOOL = b'{"role":"tool","tool_call_id":"a","content":"r"}'
OURS = json.dumps({"role": "user", "content": notice().text}, separators=(",", ":")).encode()


def read(data: bytes) -> Transcript:
    """Read chat messages."""
    return load(data, "openai")


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_survive(end: bytes, last: bool) -> None:
    """New lines end like the others; a missing last line feed stays missing."""
    tail = end if last else b""
    transcript = read(end.join([ONE, TWO, TOOL]) + tail)
    one, two, tool = transcript.messages
    assert dump(transcript.with_messages((one, notice(), two, tool))) == end.join([ONE, OURS, TWO, TOOL]) + tail
    assert dump(transcript.with_messages((notice(), one, two))) == end.join([OURS, ONE, TWO]) + tail
    assert dump(transcript.with_messages((two, tool, notice()))) == end.join([TWO, TOOL, OURS]) + tail


def test_other_lines_stay_where_they_are() -> None:
    """A BOM, blank lines, records of somebody else, damage: all of it rides along."""
    parts = [b"\xef\xbb\xbf" + ONE, b"", b'{"meta": 1.10}', b"[1]", TWO + TWO, TWO, b'{"role":"user","con']
    transcript = read(b"\n".join(parts))
    assert [message.records for message in transcript.messages] == [(0,), (5,)]
    output = dump(transcript.with_messages((notice(), transcript.messages[1])))
    assert output == b"\n".join([b"\xef\xbb\xbf", *parts[1:5], OURS, TWO, parts[6]]).replace(b"\xbf\n", b"\xbf", 1)
    assert [warning.split(":")[1] for warning in transcript.warnings] == ["5", "7", "3", "4"]


def test_invalid_utf8_is_read_with_replacements() -> None:
    """As the clients read it; its own bytes stay."""
    for data in (
        TWO + b'\n{"role":"tool","content":"a\xffb","tool_call_id":"a"}',
        b'[{"role":"user","content":"a\xffb"}]',
    ):
        transcript = read(data)
        assert transcript.messages[-1].parts[0].text == "a\ufffdb"
        assert "invalid UTF-8" in transcript.warnings[0]
        assert b"a\xffb" in dump(transcript.with_messages((*transcript.messages, notice())))


def test_lines_with_invalid_utf8_are_edited() -> None:
    """Only the named value is written anew."""
    transcript = read(b"\n".join([ONE, TWO, b'{"role":"tool","x":"\xff","content":"long","tool_call_id":"a"}']))
    result = transcript.messages[2].parts[0]
    shorter = transcript.messages[2]._replace(parts=(result._replace(text="s"),))
    assert dump(transcript.with_messages((*transcript.messages[:2], shorter))).endswith(
        b'{"role":"tool","x":"\xff","content":"s","tool_call_id":"a"}'
    )


def test_documents_keep_their_layout() -> None:
    """Indentation and everything beside the messages is the user's."""
    data = (
        b'{\n  "seed": 1.0,\n  "messages": [\n    '
        + ONE
        + b",\n    "
        + TWO
        + b",\n    "
        + TOOL
        + b'\n  ],\n  "n": 1\n}\n'
    )
    transcript = read(data)
    one, two, tool = transcript.messages
    assert dump(transcript.with_messages((one, two, tool, notice()))) == data.replace(TOOL, TOOL + b",\n    " + OURS)
    assert dump(transcript.with_messages((one, tool))) == data.replace(TWO + b",\n    ", b"")
    assert [transcript.line_of(message) for message in (one, two, tool)] == [4, 5, 6]


def test_a_line_and_a_line_of_a_document_have_numbers() -> None:
    """Errors and reports name them."""
    lines = read(b"\n".join([b"", ONE, TOOL]))
    assert [lines.line_of(message) for message in lines.messages] == [2, 3]
    document = read(b"[" + ONE + b"," + TOOL + b"]\n")
    assert [document.line_of(message) for message in document.messages] == [1, 1]


def test_one_line_is_a_file_of_lines() -> None:
    """The next message goes into a line of its own."""
    transcript = read(ONE + b"\n")
    assert dump(transcript.with_messages((notice(), *transcript.messages))) == OURS + b"\n" + ONE + b"\n"


@pytest.mark.parametrize(
    "value",
    [
        {"choices": [{"message": {"role": "assistant", "content": "a"}}]},
        {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "a"}]},
    ],
)
def test_a_recorded_answer_takes_no_other_message(value: dict[str, Any]) -> None:
    """There is no list to put it in; an error says so, instead of a file that is neither."""
    transcript = load(json.dumps(value).encode())
    with pytest.raises(TranscriptError, match="one recorded answer"):
        dump(transcript.with_messages((notice(), *transcript.messages)))


def test_a_recorded_answer_is_edited_in_place() -> None:
    """Where its thinking is dropped, say."""
    data = b'{"choices": [{"message": {"role":"assistant","reasoning_content":"t","content":"a"}, "n": 1.10}]}'
    transcript = load(data)
    answer = transcript.messages[0]
    output = dump(transcript.with_messages((answer._replace(parts=answer.parts[1:]),)))
    assert output == data.replace(b'"reasoning_content":"t",', b"")


def test_long_files_leave_in_pieces() -> None:
    """A large file is not held twice."""
    transcript = read(b"\n".join([ONE, TWO, TOOL] * 1000))
    pieces = list(formats.dump(transcript.with_messages(transcript.messages[:-1])))
    assert len(pieces) > 1
    assert b"".join(pieces) == b"\n".join([ONE, TWO, TOOL] * 1000).removesuffix(b"\n" + TOOL)


def test_of_many_strays_only_some_are_named() -> None:
    """A thousand warnings are none."""
    transcript = read(b"\n".join([ONE, TOOL, *[b'{"x":1}'] * 20]))
    assert len(transcript.warnings) == 6
    assert transcript.warnings[-1] == "15 more of that kind"
