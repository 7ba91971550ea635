"""Logs of Claude Code's print mode."""

import json
from typing import Any

from cortex_cli import formats
from cortex_cli.formats.source import Source
from cortex_cli.messages import Message, Part, Transcript, Usage
from tests.conftest import notice
from tests.roundtrip import dump, load

INIT = {"type": "system", "subtype": "init", "session_id": "s1", "model": "claude", "tools": ["Read"]}
USAGE = {"input_tokens": 5, "output_tokens": 2}
END = {"type": "result", "subtype": "success", "session_id": "s1", "modelUsage": {"claude": {"contextWindow": 200000}}}


def line(role: str, *blocks: Any, answer: str = "", parent: str | None = None, **more: Any) -> dict[str, Any]:
    """Build a line with a message."""
    inner = {"role": role, "content": list(blocks), **({"id": answer, "usage": USAGE} if answer else {})}
    return {"type": role, "message": inner, "parent_tool_use_id": parent, "session_id": "s1", **more}


def text(said: str) -> dict[str, Any]:
    """Build a block."""
    return {"type": "text", "text": said}


def use(call_id: str) -> dict[str, Any]:
    """Build a block."""
    return {"type": "tool_use", "id": call_id, "name": "Read", "input": {}}


def result(call_id: str, said: str = "r") -> dict[str, Any]:
    """Build a block."""
    return {"type": "tool_result", "tool_use_id": call_id, "content": said}


def read(*values: Any) -> Transcript:
    """Read a log."""
    return load(b"".join(json.dumps(value).encode() + b"\n" for value in values))


def test_lines_of_an_answer_are_one_message() -> None:
    """Also where the result of its first call is printed before its second call."""
    transcript = read(
        INIT,
        line("assistant", text("I look"), answer="a1"),
        line("assistant", use("x"), answer="a1"),
        line("user", result("x"), tool_use_result={"stdout": "r"}),
        line("assistant", use("y"), answer="a1"),
        line("user", result("y")),
        line("assistant", text("done"), answer="a2"),
        END,
    )
    assert [(one.role, one.records) for one in transcript.messages] == [
        ("assistant", (1, 2, 4)), ("tool", (3,)), ("tool", (5,)), ("assistant", (6,)),
    ]  # fmt: skip
    assert (transcript.model, transcript.session_id, transcript.window) == ("claude", "s1", 200_000)
    assert transcript.usage == Usage(7, 4)


def test_what_is_not_sent() -> None:
    """A subagent's conversation is another one; what stands before a boundary was compacted away."""
    boundary = {"type": "system", "subtype": "compact_boundary", "session_id": "s1", "compact_metadata": {}}
    transcript = read(
        INIT,
        line("user", text("old")),
        boundary,
        line("user", text("go on")),
        line("user", text("x"), parent="toolu_1"),
    )
    assert [one.text for one in transcript.messages] == ["go on"]


def test_copies_of_a_result_shrink_with_it() -> None:
    """They are not sent, and would keep the file large."""
    copied = {"stdout": "long text", "lines": ["long text"], "other": "kept as it is, and longer", "n": 1}
    transcript = read(
        INIT, line("assistant", use("x"), answer="a"), line("user", result("x", "long text"), tool_use_result=copied)
    )
    part = transcript.messages[1].parts[0]
    edited = transcript.messages[1].with_part(0, part._replace(text="s"))
    *_, last = dump(transcript.with_messages([transcript.messages[0], edited])).splitlines()
    assert json.loads(last)["tool_use_result"] == {**copied, "stdout": "s", "lines": ["s"]}
    assert json.loads(last)["message"]["content"] == [result("x", "s")]


def test_ours_are_lines_of_the_same_session() -> None:
    """The same each time."""
    transcript = read(
        INIT, line("user", text("q")), line("assistant", use("x"), answer="a"), line("user", text("go on"))
    )
    closing = Message("tool", (Part("result", "[none]", "Read", "x"),))
    first, said, last = transcript.messages
    data = dump(transcript.with_messages([notice(2), first, said, closing, last]))
    written = [json.loads(one) for one in data.splitlines()]
    assert [one.get("session_id") for one in written] == ["s1"] * 6
    assert written[1]["message"] == {"role": "user", "content": [text(notice(2).text)]}
    assert written[4]["message"]["content"] == [result("x", "[none]")]
    assert len({one["uuid"] for one in written if "uuid" in one}) == 2
    assert data == dump(transcript.with_messages([notice(2), first, said, closing, last]))


def test_the_array_of_a_verbose_run() -> None:
    """`--output-format json --verbose` prints the same lines as one list."""
    values = [INIT, line("user", text("q")), line("assistant", text("a"), answer="x"), END]
    transcript = load(json.dumps(values).encode())
    assert (transcript.format, len(transcript.messages)) == ("claude-code-stream", 2)


def test_sessions_are_not_logs() -> None:
    """They spell the session's id otherwise."""
    record = {
        "parentUuid": None,
        "sessionId": "s1",
        "type": "user",
        "message": {"role": "user", "content": "q"},
        "uuid": "u",
    }
    assert formats.detect(Source(json.dumps(record).encode(), "t")).format.NAME == "claude-code"
