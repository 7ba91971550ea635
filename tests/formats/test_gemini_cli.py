"""Sessions of the Gemini CLI."""

import json
from typing import Any

import pytest

from cortex_cli import formats
from cortex_cli.formats.gemini_records import ACKNOWLEDGEMENT
from cortex_cli.formats.source import Source
from cortex_cli.messages import Message, Part, Transcript, Usage
from tests.conftest import notice
from tests.formats.test_gemini import answer
from tests.roundtrip import load

HEAD = {"sessionId": "s1", "projectHash": "p1", "startTime": "2026-01-02T00:00:00Z"}


def user(id: str, content: Any = "q") -> dict[str, Any]:
    """Build a record of the user's."""
    return {"id": id, "timestamp": "2026-01-02T00:00:00Z", "type": "user", "content": content}


def model(id: str, content: Any = "a", **more: Any) -> dict[str, Any]:
    """Build a record of an answer."""
    return {"id": id, "timestamp": "2026-01-02T00:00:01Z", "type": "gemini", "content": content, **more}


def call(id: str, *result: Any, **more: Any) -> dict[str, Any]:
    """Build a call, with its result where one is given."""
    written = {"id": id, "name": "f", "args": {"n": 1}, **more}
    return {**written, "result": result[0]} if result else written


def lines(*values: Any) -> bytes:
    """Write a session as lines."""
    return b"".join(json.dumps(value, separators=(",", ":")).encode() + b"\n" for value in (HEAD, *values))


def document(*values: Any) -> bytes:
    """Write a session as a document."""
    return json.dumps({**HEAD, "messages": values}).encode()


def ids(transcript: Transcript) -> list[str]:
    """Return the ids of what is sent."""
    return [message.id for message in transcript.messages]


def write(transcript: Transcript, *messages: Message, keep_history: bool = False) -> list[Any]:
    """Write other messages and return the lines."""
    data = b"".join(formats.dump(transcript.with_messages(messages), keep_history=keep_history))
    return [json.loads(line) for line in data.splitlines()]


def change(message: Message, text: str) -> Message:
    """Return a result with another text."""
    return message.with_part(0, message.parts[0]._replace(text=text))


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        ([user("a"), model("b"), user("a", "again")], ["a", "b"]),
        ([user("a"), model("b"), user("c"), {"$rewindTo": "b"}, user("d")], ["a", "d"]),
        ([user("a"), model("b"), {"$rewindTo": "nobody"}, user("d")], ["d"]),
        ([user("a"), {"$set": {"messages": [user("b"), model("c")]}}, user("d")], ["b", "c", "d"]),
        ([user("a"), {"$set": {"messages": [user("b"), model("c")]}}, {"$rewindTo": "c"}, user("d")], ["b", "d"]),
        ([user("a"), {"$set": {"messages": []}}, user("d")], ["d"]),
        ([user("a"), {"$set": {"summary": "x"}}, {"id": "i", "type": "info", "content": "x"}, user("d")], ["a", "d"]),
        ([user("a", "/help"), user("b", "  "), user("c", "<session_context>x</session_context>"), user("d")], ["d"]),
        ([user("a"), model("b", ""), user("d")], ["a", "d"]),
    ],
)
def test_lines_are_replayed_as_the_client_does(values: list[Any], sent: list[str]) -> None:
    """What was replaced, taken back or never sent is no part of the conversation."""
    transcript = load(lines(*values))
    assert ids(transcript) == sent
    kept = transcript.messages[-1]
    data = b"".join(formats.dump(transcript.with_messages([notice(9), kept])))
    assert [message.text for message in load(data).messages] == [notice(9).text, kept.text]


def test_a_document_on_one_line_is_a_session() -> None:
    """The client takes old documents over; `messages` may stand in the first line too."""
    values = [user("a"), model("b")]
    for data in (document(*values), json.dumps({**HEAD, "messages": values}).encode() + b"\n" + lines(user("c"))):
        assert ids(load(data))[:2] == ["a", "b"]


def test_calls_and_results_stand_in_one_record() -> None:
    """Layers see them apart; they leave together. Thoughts are not sent back."""
    thoughts = [{"subject": "Plan", "description": "look first"}]
    record = model("b", "I look", thoughts=thoughts, toolCalls=[call("x", "plain"), call("y", [answer(id="y")])])
    for data in (lines(user("a"), record, user("c")), document(user("a"), record, user("c"))):
        transcript = load(data)
        assert [(one.role, one.text or one.parts[0].text) for one in transcript.messages] == [
            ("user", "q"), ("assistant", "I look"), ("tool", "plain"), ("tool", "r"), ("user", "q"),
        ]  # fmt: skip
        assert [part.kind for part in transcript.messages[1].parts] == ["text", "call", "call"]
        assert len({message.records for message in transcript.messages[1:4]}) == 1


def test_results_are_edited_in_all_their_copies() -> None:
    """The client repeats a batch's results in each of its calls, and keeps a text to show."""
    both = [answer({"output": "long text"}, id="x"), answer({"output": "other"}, id="y")]
    calls = [call("x", both, resultDisplay="long text"), call("y", both, resultDisplay={"diff": "long text, other"})]
    transcript = load(lines(user("a"), model("b", toolCalls=calls)))
    asked, said, first, second = transcript.messages
    *_, record = write(transcript, asked, said, change(first, "s"), second)
    short = [answer({"output": "s"}, id="x"), both[1]]
    assert [one["result"] for one in record["toolCalls"]] == [short, short]
    assert [one["resultDisplay"] for one in record["toolCalls"]] == ["s", {"diff": "long text, other"}]


def test_earlier_versions_of_an_edited_record_leave() -> None:
    """The client writes an answer again for each result; a copy of the whole text would stay behind."""
    versions = [model("b", toolCalls=[call("x")]), model("b", toolCalls=[call("x", "long")])]
    transcript = load(lines(user("a"), *versions, user("c")))
    asked, said, result, other = transcript.messages
    written = write(transcript, asked, said, change(result, "s"), other)
    assert [line.get("id") for line in written] == [None, "a", "b", "c"]
    passed = load(lines(user("a"), versions[0], user("c"), versions[1]))
    asked, said, result, other = passed.messages
    assert ids(passed) == ["a", "b", "", "c"]
    written = write(passed, asked, said, change(result, "s"), other)
    assert [line.get("id") for line in written] == [None, "a", "b", "c", "b"]


def test_a_compaction_is_a_set_with_an_acknowledgement() -> None:
    """As the client records its own; what is no message stays, the tail keeps its bytes."""
    values = [user("a"), {"$set": {"summary": "x"}}, model("b"), user("c"), model("d"), {"$set": {"lastUpdated": "z"}}]
    transcript = load(lines(*values))
    head, side, carrier, *tail = write(transcript, notice(2), *transcript.messages[2:])
    assert (head, side, tail) == (HEAD, values[1], values[3:])
    ours, word = carrier["$set"]["messages"]
    assert (ours["type"], ours["content"], ours["timestamp"]) == (
        "user",
        [{"text": notice(2).text}],
        values[0]["timestamp"],
    )
    assert (word["type"], word["content"]) == ("gemini", [{"text": ACKNOWLEDGEMENT}])
    assert ours["id"] != word["id"]
    no_word = write(transcript, notice(2), transcript.messages[3])[2]
    assert len(no_word["$set"]["messages"]) == 1
    whole = write(transcript, notice(2), *transcript.messages[2:], keep_history=True)
    assert whole == [HEAD, *values[:3], carrier, *values[3:]]


def test_what_stands_before_ours_goes_into_the_set() -> None:
    """The client forgets all records before a `$set`."""
    transcript = load(lines(user("a", "task"), model("b"), user("c"), model("d")))
    written = write(transcript, transcript.messages[0], notice(1), transcript.messages[3])
    assert [one["content"] for one in written[1]["$set"]["messages"]] == ["task", [{"text": notice(1).text}]]
    again = load(b"\n".join(json.dumps(line).encode() for line in written))
    assert [one.text for one in again.messages] == ["task", notice(1).text, "a"]


def test_a_second_compaction_replaces_the_first() -> None:
    """Its acknowledgement is part of it, and leaves with it."""
    data = lines(
        {"$set": {"messages": [user("a", notice(2).text), model("b", ACKNOWLEDGEMENT)]}}, user("c"), model("d")
    )
    transcript = load(data)
    assert [one.synthetic for one in transcript.messages] == ["notice", "", ""]
    written = write(transcript, notice(3), transcript.messages[2])
    assert [line.get("id") for line in written] == [None, None, "d"]
    assert notice(2).text not in json.dumps(written)
    old = load(document(user("a", notice(2).text), model("b", ACKNOWLEDGEMENT), user("c"), model("d")))
    (session,) = write(old, notice(3), old.messages[2])
    assert [one["content"] for one in session["messages"]] == [[{"text": notice(3).text}], "a"]


def test_the_client_s_own_summary_is_one() -> None:
    """Nobody typed it; a later summary carries it on."""
    snapshot = "<state_snapshot><overall_goal>x</overall_goal></state_snapshot>"
    transcript = load(
        lines({"$set": {"messages": [user("a", [{"text": snapshot}]), model("b", ACKNOWLEDGEMENT)]}}, user("c"))
    )
    assert [(one.synthetic, one.typed) for one in transcript.messages] == [("summary", False), ("", True)]


def test_nothing_is_taken_back_when_lines_leave() -> None:
    """A `$rewindTo` whose record is gone makes the client forget everything."""
    values = [user("a"), model("b"), user("c"), {"$rewindTo": "c"}, user("d"), model("e")]
    transcript = load(lines(*values))
    written = write(transcript, *transcript.messages[:1], *transcript.messages[2:])
    assert written == [HEAD, values[0], *values[4:]]


def test_results_of_ours_stand_in_the_record_of_their_call() -> None:
    """There is no other place for them, and the rest of the call keeps its bytes."""
    data = lines(user("a"), model("b", toolCalls=[call("x", big=12345678901234567890123), call("y", None)]), user("c"))
    closings = [Message("tool", (Part("result", "[none]", "f", one),)) for one in ("x", "y")]
    for source in (data, document(*(json.loads(line) for line in data.splitlines()[1:]))):
        transcript = load(source)
        asked, said, other = transcript.messages
        output = b"".join(formats.dump(transcript.with_messages([asked, said, *closings, other])))
        assert output.count(b"12345678901234567890123") == source.count(b"12345678901234567890123")
        assert [one.parts[0].text for one in load(output).messages[2:4]] == ["[none]", "[none]"]


def test_calls_in_the_content_are_the_answer_s_own() -> None:
    """After a compaction the client writes them there, signatures and all; results of ours follow in a record."""
    signed = {"functionCall": {"id": "x", "name": "f", "args": {}}, "thoughtSignature": "c2ln"}
    transcript = load(lines(user("a"), model("b", [signed], toolCalls=[call("x", [answer(id="x")])]), user("c")))
    assert [part.signed for part in transcript.messages[1].calls] == [True]
    assert transcript.messages[2].parts[0].text == "r"
    open_call = load(lines(user("a"), model("b", [signed]), user("c")))
    asked, said, other = open_call.messages
    closing = Message("tool", (Part("result", "[none]", "f", "x"),))
    written = write(open_call, asked, said, closing, other)
    assert written[3]["content"] == [answer({"output": "[none]"}, id="x")]


def test_usage_is_that_of_the_newest_answer_since_the_compaction() -> None:
    """Records that a `$set` holds were said before it, in another context."""
    tokens = {"tokens": {"total": 70}, "model": "gemini-3"}
    transcript = load(lines(user("a"), model("b", **tokens), user("c")))
    assert (transcript.usage, transcript.model, transcript.session_id) == (Usage(70, 2), "gemini-3", "s1")
    assert load(lines({"$set": {"messages": [user("a"), model("b", **tokens)]}})).usage is None


def test_detection() -> None:
    """Old documents have no hash of the project in tests of the client."""
    for data in (lines(user("a")), document(), json.dumps({**HEAD}).encode()):
        assert formats.detect(Source(data, "t")).format.NAME == "gemini-cli"
