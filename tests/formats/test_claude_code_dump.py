"""A changed Claude Code session: edits in place, links mended, a compaction recorded as the client records its own."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.formats import claude_code
from cortex_cli.formats.source import Source
from cortex_cli.groups import safe_cuts
from cortex_cli.marks import ACKNOWLEDGEMENT, Notice, notice_text
from cortex_cli.messages import Message, Part, Transcript
from cortex_cli.repair import repair
from cortex_cli.tokens import make_counter
from tests.claude_sessions import SESSION_ID, Session, random_session, uuid_of
from tests.roundtrip import as_read_back, essence
from tests.strategies import examples

LONG = "line of output\n" * 100


def load(data: bytes) -> Transcript:
    """Read a session."""
    return claude_code.load(Source(data, "s.jsonl"))


def dump(transcript: Transcript, *, keep_history: bool = False) -> bytes:
    """Write a session."""
    return b"".join(claude_code.dump(transcript, keep_history=keep_history))


def records(data: bytes) -> list[dict[str, Any]]:
    """Parse all lines."""
    return [json.loads(line) for line in data.split(b"\n") if line.strip()]


def edited(session: Session, text: str, *, keep_media: bool = True) -> Transcript:
    """Give the first result another text."""
    transcript = load(session.data())
    messages = list(transcript.messages)
    at = next(i for i, message in enumerate(messages) if message.role == "tool")
    part = messages[at].parts[0]._replace(text=text)
    messages[at] = messages[at]._replace(parts=(part if keep_media else part._replace(media=()),))
    return transcript.with_messages(messages)


def dropped(
    session: Session | bytes, drop: slice, text: str = "", *, place: int | None = None, more: tuple[Message, ...] = ()
) -> Transcript:
    """Drop messages and put a notice where they stood, or at `place` of what is left."""
    transcript = load(session if isinstance(session, bytes) else session.data())
    messages = list(transcript.messages)
    count = len(messages[drop])
    del messages[drop]
    ours = Message("user", (Part("text", text or notice_text(Notice(count, 99))),), synthetic="notice")
    place = drop.start if place is None else place
    return transcript.with_messages([*messages[:place], ours, *more, *messages[place:]])


def long_session() -> Session:
    """Write a session of four turns, with a step of two calls in the third."""
    session = Session().raw({"type": "permission-mode", "permissionMode": "default", "sessionId": SESSION_ID})
    session.user("task", name="task").call("t1").result("t1", LONG).assistant("done one")
    session.user("second").progress().thinking(answer="b").call("t2", "b").result("t2").assistant("done two")
    session.raw({"type": "file-history-snapshot", "messageId": "m", "snapshot": {}})
    session.user("third", name="third").call("p1", "c", name="p1").call("p2", "c", name="p2")
    session.result("p1", "one", parent="p1").result("p2", "two", parent="p2", name="r2").progress()
    return session.assistant("done three", name="three").user("fourth").assistant("done four")


def check_read_back(transcript: Transcript, data: bytes) -> Transcript:
    """The file says what was decided, and a second dump of it changes nothing."""
    again = load(data)
    assert essence(again.messages) == essence(as_read_back(transcript))
    assert dump(again) == data
    assert list(claude_code.check(again)) == []
    ids = {record.get("uuid") for record in records(data)}
    assert {record["parentUuid"] for record in records(data) if record.get("parentUuid")} <= ids
    assert all(line.startswith(b'{"parentUuid":') for line in data.split(b"\n") if b'"uuid":' in line)
    return again


def test_an_edited_result_changes_only_its_text() -> None:
    """Order of keys, spelling of numbers and everything unknown stays."""
    session = Session().user("go").call("c1").result("c1", LONG, copy="Error: " + LONG, odd=1.10, big=10**22).user("x")
    before, after = session.lines[2], dump(edited(session, "short")).split(b"\n")[2]
    assert after.startswith(before[: before.index(b"line of")] + b'short"}]},"toolUseResult":"Error: ')
    assert after.endswith(before[before.index(b',"odd"') :])
    assert dump(edited(session, "short")).split(b"\n")[3] == session.lines[3]


@pytest.mark.parametrize(
    ("content", "text", "expected"),
    [
        ("ab", "x", "x"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "x", [{"type": "text", "text": "x"}]),
        ([{"type": "tool_reference", "tool_name": "T"}], "x", "first"),
        ([], "x", [{"type": "text", "text": "x"}]),
        (None, "x", "x"),
    ],
)
def test_every_form_of_content_is_edited(content: Any, text: str, expected: Any) -> None:
    """Strings, lists of texts, lists without one."""
    session = Session().user("go").call("c1").result("c1", content, copy="").user("x")
    found = records(dump(edited(session, text)))[2]["message"]["content"][0]["content"]
    assert found == ([{"type": "text", "text": text}, *content] if expected == "first" else expected)


def test_a_result_without_content_gets_one() -> None:
    """The API allows a result to be empty."""
    session = Session().user("go").call("c1").user([{"type": "tool_result", "tool_use_id": "c1"}]).user("x")
    assert records(dump(edited(session, "x")))[2]["message"]["content"][0]["content"] == "x"


def test_dropped_media_leave_the_content() -> None:
    """Their text says that they were there."""
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR"}}
    session = Session().user("go").call("c1").result("c1", [{"type": "text", "text": "a"}, image], copy="").user("x")
    found = records(dump(edited(session, "a\n[gone]", keep_media=False)))[2]["message"]["content"][0]["content"]
    assert found == [{"type": "text", "text": "a\n[gone]"}]


def test_the_clients_own_copy_loses_only_its_long_strings() -> None:
    """It is not sent, and often larger than the result; the client shows short values of it."""
    copy = {"stdout": LONG, "file": {"content": LONG + "x", "lines": [1, 2.0]}, "flag": True, "short": "stays"}
    session = Session().user("go").call("c1").result("c1", LONG, copy=copy).user("x")
    found = records(dump(edited(session, "short")))[2]["toolUseResult"]
    assert found["stdout"] == "short"
    assert found["file"]["content"].startswith("line of")
    assert len(found["file"]["content"]) == 256
    assert {**found, "file": found["file"]["lines"], "stdout": 0} == {
        "stdout": 0,
        "file": [1, 2.0],
        "flag": True,
        "short": "stays",
    }


def test_arguments_change_where_they_differ() -> None:
    """`--trim-inputs` shortens one string; the call stays the client's own JSON."""
    transcript = load(Session().user("go").call("c1").result("c1").user("x").data())
    call = transcript.messages[1].parts[0]
    messages = [
        message._replace(parts=(call._replace(text='{"command":"l"}'),)) if message.role == "assistant" else message
        for message in transcript.messages
    ]
    assert b'"input":{"command":"l"}' in dump(transcript.with_messages(messages))


def test_a_record_that_leaves_hands_its_children_on() -> None:
    """Thinking stands in records of its own, in the middle of the chain."""
    session = Session().user("go", name="go").thinking("hm", "a").call("c1", "a", name="c1").result("c1").user("x")
    transcript = load(session.data())
    calls = transcript.messages[1]
    messages = [calls._replace(parts=calls.parts[1:]) if one is calls else one for one in transcript.messages]
    data = dump(transcript.with_messages(messages))
    assert records(data)[1]["parentUuid"] == uuid_of("go")
    assert len(records(data)) == 4
    check_read_back(transcript.with_messages(messages), data)


def test_one_of_several_blocks_leaves_alone() -> None:
    """Some clients write thinking and call into one record."""
    blocks = [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "yes"}]
    session = Session().user("go").record("assistant", message={"id": "a", "role": "assistant", "content": blocks})
    transcript = load(session.user("x").data())
    messages = [one._replace(parts=one.parts[1:]) if one.role == "assistant" else one for one in transcript.messages]
    assert records(dump(transcript.with_messages(messages)))[1]["message"]["content"] == blocks[1:]


def test_a_line_that_came_twice_leaves_twice() -> None:
    """Else the first one would come back to life."""
    session = Session().user("go").assistant("a", name="a").assistant("b").user("x")
    session.lines.insert(1, session.lines[1])
    transcript = load(session.data())
    left = [message for message in transcript.messages if message.text != "a"]
    assert "a" not in [message.text for message in load(dump(transcript.with_messages(left))).messages]


@pytest.mark.parametrize("keep_history", [False, True])
def test_a_branch_that_was_left_does_not_come_back(keep_history: bool) -> None:
    """Where all that followed it leaves it would be the newest of the file: what the user took back would be sent."""
    session = Session().user("task", name="task").assistant("left").user("taken back")
    session.at("task").assistant("said").user("more").assistant("done")
    changed = dropped(session, slice(1, None), place=0)
    assert [one.text for one in load(dump(changed, keep_history=keep_history)).messages if one.typed] == ["task"]
    shorter = changed.with_messages(changed.loaded[:1])
    assert [one.text for one in load(dump(shorter)).messages] == ["task"]


def test_a_branch_does_not_come_back_with_its_end_that_came_twice() -> None:
    """The client reads the later line in the place of the first: where that leaves, the branch would be the newest."""
    session = Session().user("task", name="task").assistant("said").user("more").assistant("done")
    session.at("task").user("taken back").assistant("left")
    session.lines.insert(1, session.lines[-1])
    assert [one.text for one in load(session.data()).messages] == ["task", "said", "more", "done"]
    changed = dropped(session.data(), slice(1, 2))
    check_read_back(changed, dump(changed))


@pytest.mark.parametrize("keep_history", [False, True])
def test_a_line_that_came_twice_changes_twice(keep_history: bool) -> None:
    """Else two different records would have one id, which no input has that `check` finds sound."""
    session = long_session()
    session.lines = [one for line in session.lines for one in ((line, line) if b'"user"' in line else (line,))]
    transcript = load(session.data())
    assert list(claude_code.check(transcript)) == []
    shorter = [
        one._replace(parts=(one.parts[0]._replace(text="short"),)) if one.role == "tool" else one
        for one in transcript.messages
    ]
    for changed in (transcript.with_messages(shorter), dropped(session, slice(1, 8))):
        data = dump(changed, keep_history=keep_history)
        assert list(claude_code.check(load(data))) == []
        check_read_back(changed, data)


def test_a_compaction_is_recorded_as_the_clients_own() -> None:
    """Header, side records, boundary, our text, the pinned task, the tail: each hangs on the one before."""
    session = long_session()
    compacted = dropped(session, slice(1, 8))
    data = dump(compacted)
    found = records(data)
    kinds = [record.get("subtype") or record["type"] for record in found]
    assert kinds[:5] == ["permission-mode", "file-history-snapshot", "compact_boundary", "user", "user"]
    assert kinds[5:] == [record["type"] for record in records(session.data())[12:]]
    boundary, summary, task = found[2:5]
    assert (boundary["parentUuid"], boundary["logicalParentUuid"]) == (None, None)
    assert boundary["compactMetadata"]["trigger"] == "manual"
    assert (summary["parentUuid"], task["parentUuid"]) == (boundary["uuid"], summary["uuid"])
    assert (summary["isCompactSummary"], summary["isVisibleInTranscriptOnly"]) == (True, True)
    assert summary["timestamp"] == found[-1]["timestamp"]
    assert found[5]["parentUuid"] == task["uuid"]
    assert [record["sessionId"] for record in found[2:]] == [SESSION_ID] * len(found[2:])
    again = check_read_back(compacted, data)
    assert [message.text for message in again.messages[:3]] == [notice_text(Notice(7, 99)), "task", "third"]
    assert again.usage is None


def test_the_same_compaction_gives_the_same_bytes() -> None:
    """New ids follow from session, text and cut; nothing of it is random."""
    session = long_session()
    assert dump(dropped(session, slice(1, 8))) == dump(dropped(session, slice(1, 8)))
    assert dump(dropped(session, slice(1, 8))) != dump(dropped(session, slice(1, 8), "another summary"))


def test_a_later_compaction_takes_the_place_of_the_earlier_one() -> None:
    """One boundary, one text; what it says adds up is the layer's matter."""
    once = dump(dropped(long_session(), slice(1, 8)))
    again = load(once)
    kept = [message for message in again.messages if message.synthetic != "notice"]
    del kept[1:6]
    notice = Message("user", (Part("text", notice_text(Notice(12, 500))),), synthetic="notice")
    twice = again.with_messages([kept[0], notice, *kept[1:]])
    data = dump(twice)
    check_read_back(twice, data)
    assert data.count(b"compact_boundary") == 1
    assert data.count(b"removed to fit") == 1


def test_history_is_kept_where_it_is_asked_for() -> None:
    """What stood before stays byte for byte, but for the task, which moves behind the boundary."""
    session = long_session()
    compacted = dropped(session, slice(1, 8))
    data = dump(compacted, keep_history=True)
    check_read_back(compacted, data)
    lines = [one for one in session.lines[:12] if b'"content":"task"' not in one]
    assert data.startswith(b"\n".join(lines) + b"\n")
    assert records(data)[11]["logicalParentUuid"] == records(session.data())[12]["parentUuid"]
    later = dropped(data, slice(2, 7), place=1)
    check_read_back(later, dump(later, keep_history=True))


def test_the_noted_leaf_follows_the_compaction() -> None:
    """The client would go back to a leaf of before and find the whole history there."""
    session = long_session().leaf("three")
    session.lines.insert(14, session.lines.pop())  # noted while the third turn ran
    session.lines[14] = session.lines[14].replace(uuid_of("three").encode(), uuid_of("task").encode())
    compacted = dropped(session, slice(1, 8), place=0)
    for keep_history in (False, True):
        check_read_back(compacted, dump(compacted, keep_history=keep_history))


def test_a_summary_and_its_answer() -> None:
    """The store's style: the acknowledgement is an answer of the client's own making."""
    answer = Message("assistant", (Part("text", ACKNOWLEDGEMENT),), synthetic="acknowledgement")
    text = '<compaction-summary generated="2026-01-01T00:00:00Z" turns-summarized="8">\nS\n</compaction-summary>'
    compacted = dropped(long_session(), slice(0, 8), text, more=(answer,))
    data = dump(compacted)
    assert [message.synthetic for message in check_read_back(compacted, data).messages[:2]] == [
        "summary",
        "acknowledgement",
    ]
    assert records(data)[4]["message"]["model"] == "<synthetic>"


def test_a_compaction_that_leaves_no_tail() -> None:
    """Then the record of it ends the file."""
    compacted = dropped(long_session(), slice(0, 99))
    check_read_back(compacted, dump(compacted))


def kept_by_the_client() -> Session:
    """Write a session whose own compaction preserved three records."""
    names = {"headUuid": uuid_of("k1"), "anchorUuid": uuid_of("boundary summary"), "tailUuid": uuid_of("k3")}
    session = Session().user("go").assistant("sure").user("k1", name="k1").thinking("k2", "k", name="k2")
    session.assistant("k3", "k", name="k3").user("not kept").assistant("gone")
    return session.boundary("summary", preservedSegment=names).user("y").assistant("z").user("last").assistant("end")


def test_a_second_compaction_unrolls_what_the_client_preserved() -> None:
    """Its records stand before the old boundary, which must not cut them off."""
    for drop in (slice(0, 1), slice(1, 2), slice(0, 2), slice(3, 5)):
        compacted = dropped(kept_by_the_client(), drop)
        for keep_history in (False, True):
            check_read_back(compacted, dump(compacted, keep_history=keep_history))


@pytest.mark.parametrize("form", ["preservedSegment", "preservedMessages"])
@pytest.mark.parametrize("leaves", [["k1"], ["k2"], ["k2", "k3"], ["k1", "k2"], ["k1", "k2", "k3"]])
def test_what_leaves_a_preserved_part_leaves_its_list(form: str, leaves: list[str]) -> None:
    """The client keeps all that is listed or, where one record is missing, nothing at all."""
    session = kept_by_the_client()
    if form == "preservedMessages":
        ids = [uuid_of(name) for name in ("k1", "k2", "k3")]
        listed = {"preservedMessages": {"anchorUuid": uuid_of("boundary summary"), "uuids": ids, "allUuids": ids}}
        at = next(i for i, one in enumerate(session.lines) if b"compactMetadata" in one)
        record = json.loads(session.lines[at])
        session.lines[at] = json.dumps({**record, "compactMetadata": listed}, separators=(",", ":")).encode()
    transcript = load(session.data())
    parts = {one: tuple(part for part in one.parts if part.text not in leaves) for one in transcript.messages}
    left = transcript.with_messages([one._replace(parts=parts[one]) for one in transcript.messages if parts[one]])
    check_read_back(left, dump(left))


def closing(call_id: str) -> Message:
    """Write the result that repair gives a dead call."""
    return Message("tool", (Part("result", "interrupted", name="Bash", call_id=call_id),), synthetic="closing")


def test_a_result_for_a_dead_call_hangs_on_its_call() -> None:
    """Behind the results that are there, as a line of the client's own."""
    session = Session().user("go").call("c1", "a", name="c1").call("c2", "a", name="c2")
    session.result("c2", parent="c2").call("c3").result("c3")
    transcript = load(session.data())
    messages = [*transcript.messages[:3], closing("c1"), *transcript.messages[3:]]
    data = dump(transcript.with_messages(messages))
    record = records(data)[4]
    assert (record["parentUuid"], record["sourceToolAssistantUUID"]) == (uuid_of("c1"), uuid_of("c1"))
    check_read_back(transcript.with_messages(messages), data)


def test_a_result_for_the_newest_call_does_not_hide_its_neighbours() -> None:
    """At the end of the file a child of the call would be the newest leaf."""
    session = Session().user("go").call("c1", "a", name="c1").call("c2", "a", name="c2").result("c2", parent="c2")
    transcript = load(session.data())
    closed = transcript.with_messages([*transcript.messages, closing("c1")])
    check_read_back(closed, dump(closed))


def _with_bom(data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data


def _with_crlf(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def _torn(data: bytes) -> bytes:
    return data + b'{"parentUuid":"x","type":"us'


def _with_blanks(data: bytes) -> bytes:
    return data.replace(b"\n", b"\n\n", 6)


def _without_last_line_feed(data: bytes) -> bytes:
    return data.removesuffix(b"\n")


@pytest.mark.parametrize("damage", [_with_bom, _with_crlf, _torn, _with_blanks, _without_last_line_feed])
def test_damage_rides_along_through_a_compaction(damage: Callable[[bytes], bytes]) -> None:
    """Blank lines, a torn end, foreign line ends: as they were, and new lines like their neighbours."""
    data = damage(long_session().data())
    compacted = dropped(data, slice(1, 8))
    output = dump(compacted)
    assert essence(load(output).messages) == essence(as_read_back(compacted))
    assert output.startswith(data[:5])
    assert output.endswith(data[-30:])
    assert (output.count(b"\r\n") == output.count(b"\n")) is (damage is _with_crlf)


def test_an_agents_own_file_stays_a_side_chain() -> None:
    """Also in the lines that a compaction adds; with a main line in it, all else would no longer be read."""
    session = Session()
    for number in range(4):
        session.user(f"do {number}", isSidechain=True, agentId="a1").assistant("did", isSidechain=True, agentId="a1")
    compacted = dropped(session, slice(1, 5))
    check_read_back(compacted, dump(compacted))
    assert all(record["isSidechain"] and record["agentId"] == "a1" for record in records(dump(compacted)))


@examples(60)
@given(seed=st.integers(0, 10**6), drawn=st.data())
def test_random_sessions_come_back_as_decided(seed: int, drawn: st.DataObject) -> None:
    """Whatever tree they were: what was dropped, pinned, closed or stripped of thinking is what the file then says."""
    transcript = load(random_session(seed).data())
    messages = list(repair(transcript.messages, claude_code.RULES, make_counter("heuristic")).messages)
    if drawn.draw(st.booleans()):
        messages = [_without_thinking(message) for message in messages]
    cut = drawn.draw(st.sampled_from([cut for cut in safe_cuts(messages) if cut < len(messages)] or [0]))
    if cut:
        slots = [message for message in messages[:cut] if message.slot]
        pinned = [
            message for message in messages[:cut] if message.typed and not message.slot and drawn.draw(st.booleans())
        ]
        notice = Message("user", (Part("text", notice_text(Notice(cut, 9))),), synthetic="notice")
        ours = [notice, *pinned] if drawn.draw(st.booleans()) else [*pinned, notice]
        messages = [*slots, *ours, *messages[cut:]]
    decided = transcript.with_messages(messages)
    output = dump(decided, keep_history=drawn.draw(st.booleans()))
    again = load(output)
    assert essence(again.messages) == essence(as_read_back(decided))
    assert dump(again) == output


def _without_thinking(message: Message) -> Message:
    if message.role != "assistant":
        return message
    return message._replace(parts=tuple(part for part in message.parts if part.kind != "thinking"))
