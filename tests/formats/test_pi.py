"""pi sessions: what is live in them, and that a dump writes what pi reads as intended."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli import marks
from cortex_cli.errors import InputError
from cortex_cli.formats import pi
from cortex_cli.formats.source import Source
from cortex_cli.jsonedit import parse
from cortex_cli.messages import Message, Part, Transcript, Usage
from tests.pi_sessions import CASES, LEVEL, MODEL, SESSION, answered, bash, compaction, result, session, typed

NOTICE = Message("user", (Part("text", marks.notice_text(marks.Notice(3, 40))),), synthetic="notice")
SUMMARY = Message(
    "user", (Part("text", marks.summary_text(marks.Summary("2026-03-01T10:00:00Z", 2, "we did"))),), synthetic="summary"
)

TALK = [MODEL, typed("one"), answered("first", "a"), result("a"), LEVEL, typed("two"), answered("second", "b")]
TALK += [result("b", "long " * 50), answered("third")]


def load(data: bytes) -> Transcript:
    """Read a session."""
    return pi.load(Source(data, "t.jsonl"))


def dump(transcript: Transcript, **options: bool) -> bytes:
    """Write a session."""
    return b"".join(pi.dump(transcript, **options))


def objects(data: bytes) -> list[Any]:
    """Parse every line."""
    return [parse(one) for one in data.split(b"\n") if one]


def texts(transcript: Transcript) -> list[str]:
    """Return what the messages say."""
    return [(message.result or message.parts[0]).text for message in transcript.messages]


def path_of(data: bytes) -> list[Any]:
    """Follow the parents from the last entry, as pi does."""
    entries = [one for one in objects(data) if one["type"] != "session"]
    by_id = {one["id"]: one for one in entries}
    path = [entries[-1]]
    while parent := path[-1]["parentId"]:
        path.append(by_id[parent])
    return path[::-1]


def cut(transcript: Transcript, keep: int, *ours: Message, pinned: tuple[int, ...] = ()) -> Transcript:
    """Drop all but slots, pinned messages and the last few, as the layers do."""
    at = len(transcript.messages) - keep
    front = [message for message in transcript.messages[:at] if message.slot or message.position in pinned]
    return transcript.with_messages([*front, *(ours or (NOTICE,)), *transcript.messages[at:]])


class TestLoad:
    """What the model would be sent."""

    def test_the_live_path_is_that_of_the_last_entry(self) -> None:
        """A branch that was left is not sent."""
        assert texts(load(CASES["a branch without a summary"][0])) == ["one", "first", "two", "second"]

    def test_a_compaction_comes_first_whatever_stands_where(self) -> None:
        """Pi sends the summary, what it kept, what came after it."""
        transcript = load(CASES["compaction that kept the newest"][0])
        assert texts(transcript) == ["so far", "two", "second", "three", "third"]
        assert transcript.messages[0].synthetic == "summary"

    def test_version_1_counts_lines(self) -> None:
        """A compaction there keeps from a line on, the header among them."""
        transcript = load(CASES["version 1"][0])
        assert texts(transcript) == ["so far", "two", "second", "three", "third", "ok"]
        assert texts(load(CASES["version 1, compaction that kept nothing"][0])) == ["so far", "three", "third"]

    def test_our_own_texts_are_known_again(self) -> None:
        """Pi wraps what a compaction says; the message says what we wrote."""
        for ours in (NOTICE, SUMMARY):
            (message,) = load(session(compaction(ours.text))).messages
            assert (message.text, message.synthetic, message.typed) == (ours.text, ours.synthetic, False)

    def test_failed_answers_are_not_live(self) -> None:
        """Pi leaves them out of the next request, and writes nothing."""
        data = CASES["failed answers"][0]
        transcript = load(data)
        assert texts(transcript)[:3] == ["one", "two", "three"]
        assert dump(transcript.with_messages(list(transcript.messages))) == data

    def test_calls_without_a_result_get_the_one_pi_sends(self) -> None:
        """It stands in no record, so nothing of it is written."""
        closing = [message for message in load(CASES["failed answers"][0]).messages if message.synthetic]
        assert [(one.result.call_id, one.text or one.parts[0].text) for one in closing if one.result] == [
            ("b", "No result provided"),
            ("d", "No result provided"),
        ]
        assert all(message.records == () and message.position >= 0 for message in closing)

    def test_a_late_result_is_not_doubled(self) -> None:
        """Pi would send both; repair mends that."""
        transcript = load(session(typed("one"), answered("", "a"), typed("stop"), result("a", "late")))
        assert [message.role for message in transcript.messages] == ["user", "assistant", "user", "tool"]

    def test_only_the_words_of_the_user_are_typed(self) -> None:
        """Commands he ran and what extensions say are none."""
        transcript = load(CASES["commands of the user"][0])
        assert [message.text for message in transcript.messages if message.typed] == ["one", "two"]
        transcript = load(CASES["entries of extensions"][0])
        assert [message.slot for message in transcript.messages] == [True, True, False, False, False, False]

    def test_thinking_and_calls_with_a_signature_are_signed(self) -> None:
        """They are sent back to their model as they are, or not at all."""
        parts = load(CASES["thinking"][0]).messages[1].parts
        assert [(part.kind, part.signed) for part in parts] == [
            ("thinking", True),
            ("thinking", True),
            ("text", False),
            ("call", True),
        ]

    def test_usage_is_that_of_an_answer_later_than_any_compaction(self) -> None:
        """Kept answers report the size the session had."""
        assert load(session(typed("one"), answered("first", tokens=500), typed("two"))).usage == Usage(500, 2)
        stale = [compaction("so far", timestamp="2026-03-01T11:00:00.000Z"), typed("two"), answered("x", tokens=9)]
        assert load(session(*stale)).usage is None
        assert load(session(typed("one"), answered("", stop="error", tokens=7))).usage is None

    def test_header_and_model_are_read(self) -> None:
        """They decide the price."""
        transcript = load(session(*TALK))
        assert (transcript.session_id, transcript.model) == (SESSION, "claude-opus-4-5")
        assert load(session(MODEL, typed("one"))).model == "claude-opus-4-5"

    def test_a_path_that_begins_in_the_middle_is_told(self) -> None:
        """Pi sends nothing of what stands before, and neither says so."""
        transcript = load(CASES["a parent that is not there"][0])
        assert texts(transcript) == ["two", "x"]
        assert transcript.warnings == (
            "t.jsonl:4: its parent 'dead0000' is not in the file, pi sends only what follows",
        )

    def test_other_files_are_refused(self) -> None:
        """Pi takes a file without its header for empty."""
        headless = session(*TALK).split(b"\n", 1)[1]
        assert pi.detect(Source(headless)) == 0
        with pytest.raises(InputError, match="not a pi session"):
            load(headless)

    def test_a_circle_of_parents_ends(self) -> None:
        """Pi itself would hang."""
        assert len(load(session(typed("one", parentId="00000002"), typed("two"))).messages) == 2

    def test_different_entries_of_one_id_are_a_problem(self) -> None:
        """Pi sees the later one only."""
        assert [one.rule for one in pi.check(load(session(typed("one"), typed("two", id="00000001"))))] == [
            "ids_are_unique"
        ]
        assert list(pi.check(load(session(*TALK)))) == []


class TestEdits:
    """Changes in place."""

    @pytest.mark.parametrize("what", CASES)
    def test_untouched_files_are_the_same_bytes(self, what: str) -> None:
        """Whatever an entry holds."""
        data, _ = CASES[what]
        transcript = load(data)
        assert dump(transcript) == data
        assert dump(transcript.with_messages(list(transcript.messages))) == data

    def test_a_shortened_result_changes_only_its_values(self) -> None:
        """Details repeat the text for the screen; what else they hold stays."""
        long = "long " * 40
        details = {"truncation": {"content": long, "lines": 4}, "diff": "x" * 300}
        data = session(typed("one"), answered("", "a"), result("a", long, details), answered("done"))
        before = load(data)
        messages = list(before.messages)
        messages[2] = messages[2]._replace(parts=(messages[2].parts[0]._replace(text="short"),))
        assert dump(before.with_messages(messages)) == data.replace(long.encode(), b"short")

    @pytest.mark.parametrize("version", [None, 3])
    def test_children_of_a_removed_entry_follow_its_parent(self, version: int | None) -> None:
        """A broken link would cut off all that stands before it."""
        before = load(session(typed("one"), answered("first"), result("x", "orphan"), typed("two"), version=version))
        output = dump(before.with_messages([m for m in before.messages if m.result is None]))
        assert texts(load(output)) == ["one", "first", "two"]
        assert len(output.split(b"\n")) == len(before.records) - 1

    @pytest.mark.parametrize("what", ["compaction that kept the newest", "version 1"])
    def test_a_compaction_keeps_what_it_kept(self, what: str) -> None:
        """The entry that it names may be the one that leaves."""
        before = load(CASES[what][0])
        output = dump(before.with_messages([before.messages[0], *before.messages[2:]]))
        assert texts(load(output)) == [text for text in texts(before) if text != "two"]

    @pytest.mark.parametrize("version", [None, 3])
    def test_results_that_repair_wrote_stand_behind_their_call(self, version: int | None) -> None:
        """They are entries of the path like any other."""
        before = load(session(typed("one"), answered("", "a"), typed("stop"), result("a", "late"), version=version))
        closing = Message("tool", (Part("result", "late", name="read", call_id="a"),), synthetic="closing")
        output = dump(before.with_messages([*before.messages[:2], closing, before.messages[2]]))
        assert texts(load(output)) == ["one", '{"path":"a.py"}', "late", "stop"]
        assert [message.role for message in load(output).messages] == ["user", "assistant", "tool", "user"]

    def test_left_branches_hang_on_what_is_there(self) -> None:
        """No entry may point into nothing."""
        before = load(CASES["a branch"][0])
        output = dump(before.with_messages([m for m in before.messages if m.text != "first"]))
        entries = [one for one in objects(output) if one["type"] != "session"]
        ids = {one["id"] for one in entries}
        assert all(one["parentId"] is None or one["parentId"] in ids for one in entries)


class TestCarrier:
    """How a compaction is recorded."""

    def test_ours_then_what_stood_apart_then_the_tail(self) -> None:
        """Pi sends the compaction first, wherever slots and task stood."""
        before = load(session(bash("a.py"), *TALK))
        output = dump(cut(before, 3, pinned=(1,)))
        again = load(output)
        ran = texts(before)[0]
        assert texts(again) == [NOTICE.text, ran, "one", *texts(before)[-3:]]
        assert dump(again) == output
        assert [message.slot for message in again.messages[:3]] == [False, True, False]

    def test_the_tail_keeps_its_bytes_but_for_one_link(self) -> None:
        """What nobody touched stays as it is."""
        before = load(session(*TALK))
        first, *rest = before.records[before.messages[-3].records[0] :]
        output = dump(cut(before, 3))
        assert output.endswith(b"\n" + b"\n".join(rest))
        link = re.compile(rb'"parentId":"[0-9a-f]{8}"')
        assert link.sub(b"", first) in link.sub(b"", output)

    def test_the_sessions_own_entries_stay(self) -> None:
        """Model and thinking level are read from the path."""
        path = path_of(dump(cut(load(session(*TALK)), 3)))
        assert [one["type"] for one in path] == [
            "model_change",
            "thinking_level_change",
            "compaction",
            "message",
            "message",
            "message",
        ]

    def test_kept_history_is_the_past_of_the_compaction(self) -> None:
        """`--in-place` forgets nothing, and nothing of it is sent."""
        before = load(session(*TALK))
        output = dump(cut(before, 3), keep_history=True)
        assert texts(load(output)) == texts(load(dump(cut(before, 3))))
        start = before.messages[-3].records[0]
        assert output.startswith(b"\n".join(before.records[:start]))

    def test_its_time_is_the_newest(self) -> None:
        """Older answers are then no measure of the context, and pi does not compact again at once."""
        before = load(session(*TALK, typed("x"), answered("y", tokens=900)))
        assert before.usage is not None
        output = dump(cut(before, 3))
        (entry,) = (one for one in objects(output) if one["type"] == "compaction")
        assert entry["timestamp"] == objects(output)[-1]["timestamp"].replace(".000", "")
        assert load(output).usage is None

    def test_its_fields_are_those_pi_writes(self) -> None:
        """Pi's next compaction goes on from them."""
        before = load(session(*TALK))
        (entry,) = (one for one in objects(dump(cut(before, 3))) if one["type"] == "compaction")
        assert re.fullmatch("[0-9a-f]{8}", entry["id"])
        assert entry["firstKeptEntryId"] == objects(dump(cut(before, 3)))[-3]["id"]
        assert entry["details"] == {"readFiles": ["a.py"], "modifiedFiles": []}
        assert entry["tokensBefore"] > 0
        assert dump(cut(before, 3)) == dump(cut(load(session(*TALK)), 3))

    def test_an_earlier_compaction_stays_the_compaction(self) -> None:
        """Pi honours one: the notice follows as the message of an extension."""
        before = load(CASES["compaction that kept the newest"][0])
        output = dump(before.with_messages([before.messages[0], NOTICE, *before.messages[-2:]]))
        again = load(output)
        assert texts(again) == ["so far", NOTICE.text, "three", "third"]
        assert [message.synthetic for message in again.messages] == ["summary", "notice", "", ""]
        assert dump(again) == output

    def test_an_earlier_compaction_in_the_middle_gives_way(self) -> None:
        """It would be the newer one on the path."""
        before = load(CASES["compaction that kept the newest"][0])
        output = dump(before.with_messages([SUMMARY, *before.messages[2:]]))
        assert texts(load(output)) == [SUMMARY.text, "second", "three", "third"]
        assert sum(one["type"] == "compaction" for one in objects(output)) == 1

    def test_a_second_message_of_ours_follows(self) -> None:
        """A summary and a notice of one run, or the store's pair."""
        before = load(session(*TALK))
        answer = Message("assistant", (Part("text", marks.ACKNOWLEDGEMENT),), synthetic="acknowledgement")
        again = load(dump(cut(before, 0, SUMMARY, answer)))
        assert [message.synthetic for message in again.messages] == ["summary", "acknowledgement"]
        again = load(dump(cut(before, 3, SUMMARY, NOTICE)))
        assert [message.synthetic for message in again.messages[:2]] == ["summary", "notice"]

    def test_version_1_stays_version_1(self) -> None:
        """Pi migrates it when it opens it."""
        before = load(session(*TALK, version=None))
        for keep_history in (False, True):
            output = dump(cut(before, 3, pinned=(0,)), keep_history=keep_history)
            again = load(output)
            assert texts(again) == [NOTICE.text, "one", *texts(before)[-3:]]
            assert not any("id" in one for one in objects(output)[1:])

    def test_a_left_branch_leaves_with_what_stood_before(self) -> None:
        """What stands behind the cut stays, and hangs on what is there."""
        before = load(CASES["a branch"][0])
        output = dump(before.with_messages([NOTICE, *before.messages[-2:]]))
        entries = [one for one in objects(output) if one["type"] != "session"]
        ids = {one["id"] for one in entries}
        assert all(one["parentId"] is None or one["parentId"] in ids for one in entries)
        assert b"dead end" not in output
        assert texts(load(output)) == [NOTICE.text, "two", "second"]

    @pytest.mark.parametrize("torn", [b'{"type":"message","id":"x', b"", b"\n\n"])
    def test_damage_at_the_end_stays_at_the_end(self, torn: bytes) -> None:
        """An entry behind a torn one would be lost with it."""
        output = dump(cut(load(session(*TALK) + torn), 3))
        assert output.endswith(b"\n" + torn)
        assert texts(load(output))[0] == NOTICE.text

    def test_damage_in_the_middle_rides_along(self) -> None:
        """Nobody can say what it was."""
        lines = session(*TALK).split(b"\n")
        data = b"\n".join([*lines[:2], b'{"torn', *lines[2:-2], b"\xff\xfe", *lines[-2:]])
        output = dump(cut(load(data), 3))
        assert b'\n{"torn\n' in output
        assert b"\n\xff\xfe\n" in output


@given(order=st.permutations(range(len(TALK) - 1)), keep=st.integers(0, 8))
def test_entries_in_any_order_are_written_as_they_follow_each_other(order: list[int], keep: int) -> None:
    """Pi goes by the links: of lines that somebody sorted otherwise none may be lost for where it stands."""
    in_order = session(*TALK)
    header, *lines = in_order.splitlines(keepends=True)
    transcript = load(b"".join([header, *(lines[at] for at in order), lines[-1]]))
    assert texts(transcript) == texts(load(in_order))
    assert dump(cut(transcript, keep)) == dump(cut(load(in_order), keep))


def test_an_entry_without_a_link_is_given_one() -> None:
    """Pi takes it for a root: behind a compaction it is linked, and a damaged line ends in no traceback."""
    lines = session(*TALK).splitlines(keepends=True)
    lines[6] = re.sub(rb'"parentId":"[^"]*",?', b"", lines[6].replace(b'": ', b'":'))
    transcript = load(b"".join(lines))
    assert "parentId" not in parse(lines[6])
    assert texts(transcript) == texts(load(session(*TALK)))[-len(transcript.messages) :]
    assert texts(load(dump(cut(transcript, len(transcript.messages))))) == [NOTICE.text, *texts(transcript)]


def test_a_branch_that_was_left_does_not_come_back() -> None:
    """Pi goes on from the last entry of a file: what the user took back would be it where all behind it leaves."""
    transcript = load(CASES["a branch without a summary"][0])
    for ours in ((), (NOTICE,)):
        left = transcript.with_messages([*ours, transcript.messages[0]])
        assert texts(load(dump(left))) == [*(one.text for one in ours), "one"]
    assert texts(load(dump(cut(transcript, 3)))) == [NOTICE.text, "first", "two", "second"]
