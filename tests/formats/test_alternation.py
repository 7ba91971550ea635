"""Who shares a message where user and assistant take turns."""

import json
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.formats import rules_of
from cortex_cli.marks import ANSWER_REMOVED
from cortex_cli.messages import Message, Part, Transcript
from cortex_cli.repair import repair
from cortex_cli.seams import PARTING
from cortex_cli.tokens import make_counter
from tests.conftest import notice
from tests.formats.lists import ELEMENTS, OURS, changed
from tests.roundtrip import dump, load
from tests.strategies import examples

NOTICE = {"type": "text", "text": notice().text}
SUMMARY = next(message for message in OURS if message.synthetic == "summary")


def text(value: str) -> dict[str, Any]:
    """Build a text block."""
    return {"type": "text", "text": value}


def says(role: str, *blocks: Any) -> dict[str, Any]:
    """Build a message; a lone string is its content."""
    return {"role": role, "content": blocks[0] if isinstance(blocks[0], str) else list(blocks)}


def read(*values: dict[str, Any], indent: int | None = None) -> Transcript:
    """Read a list of messages."""
    return load(json.dumps(values, indent=indent).encode(), "anthropic")


def written(transcript: Transcript, *messages: Message) -> list[Any]:
    """Write other messages and return the values."""
    return list(json.loads(dump(transcript.with_messages(messages))))


TALK = [says("user", text("one")), says("assistant", "two"), says("user", "three"), says("assistant", "four")]


def test_ours_is_the_first_part_of_the_next_user_message() -> None:
    """Two user messages in a row are refused by some providers."""
    transcript = read(*TALK)
    output = written(transcript, SUMMARY, *transcript.messages[2:])
    assert output == [says("user", text(SUMMARY.text), text("three")), TALK[3]]
    again = read(*output)
    assert [(one.synthetic, one.text) for one in again.messages[:2]] == [("summary", SUMMARY.text), ("", "three")]
    assert [one.typed for one in again.messages[:2]] == [False, True]


def test_a_notice_behind_the_task_is_its_first_part_and_is_read_back_behind_it() -> None:
    """That is where the failsafe put it, and where the next run must find it."""
    transcript = read(*TALK)
    output = written(transcript, transcript.messages[0], notice(), transcript.messages[3])
    assert output == [says("user", NOTICE, text("one")), TALK[3]]
    assert [(one.synthetic, one.text) for one in read(*output).messages[:2]] == [("", "one"), ("notice", notice().text)]


def test_a_notice_behind_a_summary_is_read_back_there() -> None:
    """Then it does not belong behind the first typed message."""
    transcript = read(*TALK)
    again = read(*written(transcript, SUMMARY, notice(), *transcript.messages[2:]))
    assert [one.synthetic for one in again.messages[:3]] == ["summary", "notice", ""]


def test_a_notice_behind_a_summary_and_the_task_is_read_back_there() -> None:
    """The task of a split turn: with a summary before it nothing would put the notice back behind it."""
    transcript = read(*TALK)
    kept = (SUMMARY, transcript.messages[0], notice(), transcript.messages[3])
    output = written(transcript, *kept)
    assert output == [says("user", text(SUMMARY.text), text("one"), NOTICE), TALK[3]]
    assert [one.text for one in read(*output).messages] == [one.text for one in kept]


def test_a_notice_behind_rules_is_read_back_there() -> None:
    """Nobody typed them: load would take a notice in front of them for one that was written there."""
    rules = says("user", "<system-reminder>rules</system-reminder>")
    transcript = read(rules, *TALK[1:])
    output = written(transcript, transcript.messages[0], notice(), transcript.messages[3])
    assert output == [says("user", text(rules["content"]), NOTICE), TALK[3]]
    assert [one.text for one in read(*output).messages] == [rules["content"], notice().text, "four"]


def test_lines_that_meet_are_joined_whatever_stands_in_them() -> None:
    """A BOM before the first and bytes that are no UTF-8 in the second belong to the file, not to the message."""
    first, second = json.dumps(says("user", "one")), json.dumps(says("user", "three")).encode()
    data = b"\xef\xbb\xbf" + first.encode() + b"\n" + json.dumps(TALK[1]).encode() + b"\n"
    transcript = load(data + second[:-1] + b', "x": "\xff"}\n', "anthropic")
    output = dump(transcript.with_messages((transcript.messages[0], transcript.messages[2])))
    assert json.loads(output.removeprefix(b"\xef\xbb\xbf")) == says("user", text("one"), text("three"))


def test_users_that_meet_get_the_notice_between_them() -> None:
    """As an answer: so neither of them is edited."""
    transcript = read(*TALK)
    output = written(transcript, transcript.messages[0], notice(), *transcript.messages[2:])
    assert output == [TALK[0], says("assistant", NOTICE), *TALK[2:]]
    again = read(*output)
    assert [(one.role, one.synthetic) for one in again.messages[:2]] == [("user", ""), ("assistant", "notice")]


def test_a_slot_and_the_task_that_meet_get_the_notice_between_them() -> None:
    """The failsafe puts it there where they take turns; what else changes later leaves the three as they are."""
    rules = says("user", text("<system-reminder>rules</system-reminder>"))
    transcript = read(rules, says("assistant", "ok"), *TALK)
    kept = [transcript.messages[0], notice(), transcript.messages[2], transcript.messages[5]]
    output = written(transcript, *kept)
    assert output == [rules, says("assistant", NOTICE), TALK[0], TALK[3]]
    again = read(*output)
    assert [one.synthetic for one in again.messages] == ["", "notice", "", ""]
    assert written(again, *again.messages[:3]) == output[:3]
    assert written(again, again.messages[0], notice(5), *again.messages[2:]) == [
        rules, says("assistant", text(notice(5).text)), TALK[0], TALK[3],
    ]  # fmt: skip


def test_an_answer_parts_a_slot_and_the_task_where_the_notice_parts_others() -> None:
    """It is known again, so that the next run neither counts it as said nor puts in a second one."""
    rules = says("user", text("<system-reminder>rules</system-reminder>"))
    transcript = read(rules, says("assistant", "ok"), *TALK)
    slot, task, three = (transcript.messages[at] for at in (0, 2, 4))
    output = written(transcript, slot, PARTING, task, notice(), three, transcript.messages[5])
    assert output == [rules, says("assistant", text(ANSWER_REMOVED)), TALK[0], says("assistant", NOTICE), *TALK[2:]]
    again = read(*output)
    assert [one.synthetic for one in again.messages] == ["", "parting", "", "notice", "", ""]
    assert [one.typed for one in again.messages] == [False, False, True, False, True, False]


def test_a_notice_in_front_of_a_task_that_was_not_pinned_is_the_same_to_whoever_reads_it() -> None:
    """The bytes are those of one behind the task: it is read there, written where it was, and left behind an answer."""
    transcript = read(*TALK)
    output = written(transcript, notice(), *transcript.messages[2:])
    assert output == [says("user", NOTICE, text("three")), TALK[3]]
    again = read(*output)
    assert [one.synthetic for one in again.messages] == ["", "notice", ""]
    assert written(again, *again.messages[:2]) == output[:1]
    parted = [says("user", text("<system-reminder>rules</system-reminder>")), says("assistant", NOTICE), *TALK[2:]]
    transcript = read(*parted)
    assert [one.synthetic for one in transcript.messages] == ["", "notice", "", ""]
    assert written(transcript, *transcript.messages[:3]) == parted[:3]


@pytest.mark.parametrize("indent", [None, 2])
def test_users_that_meet_without_a_notice_become_one(indent: int | None) -> None:
    """That is what the API itself makes of them; blocks keep their bytes."""
    transcript = read(TALK[0], TALK[1], says("user", text("three"), text("more")), TALK[3], indent=indent)
    output = dump(transcript.with_messages((transcript.messages[0], *transcript.messages[2:])))
    assert json.loads(output) == [says("user", text("one"), text("three"), text("more")), TALK[3]]
    assert b'"text": "three"' in output  # a space that only the input has


def test_string_contents_become_blocks_when_they_are_shared() -> None:
    """A string has no room for a part."""
    transcript = read(says("user", "one"), TALK[1], TALK[2], TALK[3])
    kept = (transcript.messages[0], SUMMARY, *transcript.messages[2:])
    assert written(transcript, *kept) == [says("user", text("one"), text(SUMMARY.text), text("three")), TALK[3]]


def test_neighbours_of_one_role_in_the_input_stay_apart() -> None:
    """Nobody touched them: their bytes are theirs."""
    transcript = read(says("user", "zero"), *TALK)
    output = written(transcript, *transcript.messages[:2], notice(), transcript.messages[4])
    assert output == [says("user", "zero"), says("user", NOTICE, text("one")), TALK[3]]


def test_closing_results_come_first_in_their_message() -> None:
    """Results directly follow their call, in front of everything else, ours too."""
    use = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "b", "content": "r"}
    transcript = read(TALK[0], says("assistant", use, use | {"id": "b"}), says("user", result, text("go on")))
    closing = Message("tool", (Part("result", "interrupted", call_id="a"),), synthetic="closing")
    closed = {"type": "tool_result", "tool_use_id": "a", "content": "interrupted"}
    output = written(transcript, *transcript.messages[:3], closing, notice(), *transcript.messages[3:])
    assert output[2] == says("user", result, closed, NOTICE, text("go on"))


def test_closing_results_without_a_user_get_a_message() -> None:
    """Where an answer follows, or nothing."""
    use = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    closing = Message("tool", (Part("result", "interrupted", call_id="a"),), synthetic="closing")
    closed = says("user", {"type": "tool_result", "tool_use_id": "a", "content": "interrupted"})
    transcript = read(TALK[0], says("assistant", use), says("assistant", "hm"))
    output = written(transcript, *transcript.messages[:2], closing, transcript.messages[2])
    assert output == [TALK[0], says("assistant", use), closed, says("assistant", "hm")]
    transcript = read(TALK[0], says("assistant", use))
    assert written(transcript, *transcript.messages, closing)[2] == closed


def test_an_acknowledgement_follows_its_summary() -> None:
    """The store's own form of a compaction."""
    transcript = read(*TALK)
    ack = Message("assistant", (Part("text", "Understood, context restored."),), synthetic="acknowledgement")
    output = written(transcript, SUMMARY, ack, *transcript.messages[2:])
    assert output == [says("user", text(SUMMARY.text)), says("assistant", text(ack.text)), *TALK[2:]]
    assert [one.synthetic for one in read(*output).messages[:2]] == ["summary", "acknowledgement"]


def test_our_words_stand_behind_thinking() -> None:
    """An answer must begin with its thinking; two that meet become one."""
    thinking = {"type": "thinking", "thinking": "t", "signature": "s"}
    transcript = read(TALK[0], says("assistant", "two"), TALK[2], says("assistant", thinking, text("four")))
    ack = Message("assistant", (Part("text", "ok"),))
    assert written(transcript, transcript.messages[0], ack, transcript.messages[3])[1] == says(
        "assistant", thinking, text("ok"), text("four")
    )
    assert written(transcript, *transcript.messages[:2], transcript.messages[3])[1] == says(
        "assistant", text("two"), thinking, text("four")
    )


@cache
def said_by(name: str, role: str) -> st.SearchStrategy[Any]:
    """Make messages of one role."""
    return ELEMENTS[name].filter(lambda one: one["role"] == role)


@st.composite
def talks(draw: st.DrawFn, name: str) -> list[Any]:
    """Draw a conversation in which user and assistant take turns."""
    roles = ("user", "assistant")
    size = draw(st.integers(2, 8))
    return [draw(said_by(name, roles[at % 2])) for at in range(size)]


@pytest.mark.parametrize("name", ["anthropic", "axio"])
@examples(60)
@given(drawn=st.data())
def test_who_took_turns_takes_turns(name: str, drawn: st.DataObject) -> None:
    """Whatever is dropped, edited or put in."""
    transcript = load(json.dumps(drawn.draw(talks(name))).encode(), name)
    output = dump(transcript.with_messages(drawn.draw(changed(transcript.messages))))
    roles = [value["role"] for value in json.loads(output)]
    assert all(one != two for one, two in pairwise(roles))


@pytest.mark.parametrize(
    ("name", "asking"),
    [
        ("anthropic", {"type": "tool_use", "id": "a", "name": "f", "input": {}}),
        ("bedrock-converse", {"toolUse": {"toolUseId": "a", "name": "f", "input": {}}}),
    ],
)
def test_a_message_that_says_nothing_can_take_a_result_in(name: str, asking: dict[str, Any]) -> None:
    """It has no content at all, not even an empty one: a damaged file is repaired, and ends in no traceback."""
    values = [says("user", {"text": "one"}), says("assistant", asking), {"role": "user", "x": 1.0}]
    transcript = load(json.dumps(values).encode(), name)
    mended = repair(transcript.messages, rules_of(name), make_counter("heuristic")).messages
    assert json.loads(dump(transcript.with_messages(mended)))[2].keys() == {"role", "x", "content"}
