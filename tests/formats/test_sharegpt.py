"""ShareGPT conversations: strict turns of mere texts, no ids, media beside them."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cortex_cli import formats
from cortex_cli.errors import InputError
from cortex_cli.formats import sharegpt
from cortex_cli.groups import pair_calls
from cortex_cli.marks import ANSWER_REMOVED, Log, log_text, parting_text
from cortex_cli.messages import Message, Part
from cortex_cli.validity import find_problems
from tests.conftest import notice
from tests.formats.lists import changed
from tests.roundtrip import dump, dump_all, essence, load, load_all
from tests.strategies import examples

SUMMARY = '<compaction-summary generated="x" turns-summarized="2">\nall [cortex: so\n\nfar\n</compaction-summary>'
HI = {"from": "human", "value": "hi"}
HELLO = {"from": "gpt", "value": "hello"}
CALL = {"from": "function_call", "value": '{"name": "ls", "arguments": {}}'}
SEEN = {"from": "observation", "value": "a.py"}


def summary() -> Message:
    """Build a summary as the layer puts it in."""
    return Message("user", (Part("text", SUMMARY),), synthetic="summary")


def write(*turns: dict[str, str], **more: Any) -> bytes:
    """Write one conversation."""
    return json.dumps({"conversations": turns, **more}).encode()


def said(data: bytes) -> list[tuple[str, str]]:
    """Return the turns of a written conversation."""
    return [tuple(one.values()) for one in json.loads(data)["conversations"]]


def test_our_text_and_the_users_are_one_message() -> None:
    """Two of a side in a row are refused by the trainer; read again, they are two messages once more."""
    transcript = load(write(HI, HELLO, HI, HELLO))
    data = dump(transcript.with_messages((summary(), notice(), *transcript.messages[2:])))
    assert said(data) == [("human", f"{SUMMARY}\n\n{notice().text}\n\nhi"), ("gpt", "hello")]
    again = load(data)
    assert [one.synthetic for one in again.messages] == ["summary", "notice", "", ""]
    assert [one.typed for one in again.messages] == [False, False, True, False]
    assert said(dump(again.with_messages(again.messages[1:]))) == [
        ("human", f"{notice().text}\n\nhi"),
        ("gpt", "hello"),
    ]


def test_our_text_before_an_answer_is_a_message_of_its_own() -> None:
    """So that the first is the user's."""
    transcript = load(write(HI, HELLO))
    data = dump(transcript.with_messages((summary(), transcript.messages[1])))
    assert said(data) == [("human", SUMMARY), ("gpt", "hello")]
    assert [one.synthetic for one in load(data).messages] == ["summary", ""]


def test_users_that_meet_are_parted_by_the_notice() -> None:
    """As in every format in which sides take turns."""
    transcript = load(write(HI, HELLO, HI, HELLO))
    first, _, *rest = transcript.messages
    data = dump(transcript.with_messages((first, notice(), *rest)))
    assert said(data) == [("human", "hi"), ("gpt", notice().text), ("human", "hi"), ("gpt", "hello")]
    parted = f"hi\n\n{parting_text('human')}\n\nhi"
    assert said(dump(transcript.with_messages((first, *rest)))) == [("human", parted), ("gpt", "hello")]


def test_an_observation_answers_the_call_before_it() -> None:
    """There are no ids; a call without its observation, or the other way round, is mere text."""
    transcript = load(write(HI, CALL, SEEN, HELLO))
    call, result = transcript.messages[1].calls[0], transcript.messages[2].result
    assert result is not None
    assert (call.name, call.call_id, result.name) == ("ls", result.call_id, "ls")
    broken = load(write(SEEN, HELLO, HI, CALL))
    assert [one.role for one in broken.messages] == ["user", "assistant", "user", "assistant"]
    assert not any(one.calls for one in broken.messages)
    assert not broken.messages[0].typed


def test_images_leave_with_their_marks() -> None:
    """A trainer refuses a set in which there are more of one than of the other."""
    turns = [HI | {"value": "<image>a"}, HELLO, HI | {"value": "b<image><image>"}, HELLO, HI | {"value": "<image>"}]
    transcript = load(write(*turns, images=["1", "2", "3", "4"], videos=["v"]))
    assert [len(one.parts) for one in transcript.messages] == [2, 1, 3, 1, 2]
    made = dump(transcript.with_messages((transcript.messages[0], notice(), *transcript.messages[3:])))
    assert json.loads(made)["images"] == ["1", "4"]
    assert json.loads(made)["videos"] == ["v"]
    merged = dump(transcript.with_messages((*transcript.messages[:1], *transcript.messages[2:])))
    assert json.loads(merged)["images"] == ["1", "2", "3", "4"]


def test_images_leave_with_the_middle_of_an_observation() -> None:
    """The ones whose marks stood there, not the last ones."""
    seen = SEEN | {"value": "<image> head <image> middle <image> tail <image>"}
    transcript = load(write(HI, CALL, seen, images=["1", "2", "3", "4"]))
    short = transcript.messages[2].with_part(
        0, transcript.messages[2].parts[0]._replace(text="<image> head ... <image>")
    )
    made = dump(transcript.with_messages((*transcript.messages[:2], short)))
    assert json.loads(made)["images"] == ["1", "4"]


@pytest.mark.parametrize("host", [HI, SEEN])
def test_images_stay_with_the_words_of_an_element_that_leaves(host: dict[str, str]) -> None:
    """Whose element becomes whose says nothing of the order of the media."""
    turns = [SEEN | {"value": "<image>a"}, HELLO | {"value": "<image>"}, host | {"value": "b<image>"}, HELLO]
    transcript = load(write(*turns, images=["1", "2", "3"]))
    made = json.loads(dump(transcript.with_messages((transcript.messages[0], *transcript.messages[2:]))))
    assert made["images"] == ["1", "3"]
    assert len(made["conversations"]) == 2


def test_names_of_the_sides_are_the_files_own() -> None:
    """`user` and `assistant` in one set, `human` and `gpt` in another."""
    turns = [{"from": "user", "value": "hi"}, {"from": "assistant", "value": "hello"}]
    transcript = load(write(*turns))
    data = dump(transcript.with_messages((notice(), transcript.messages[1])))
    assert said(data)[0] == ("user", notice().text)
    listed = json.dumps({"messages": [{"role": "user", "content": "<image>hi"}], "images": ["1"]}).encode()
    made = json.loads(dump(load(listed).with_messages((notice(), *load(listed).messages))))
    assert made["messages"] == [{"role": "user", "content": f"{notice().text}\n\n<image>hi"}]


def test_the_containers() -> None:
    """A bare list of turns, a list of conversations, one a line."""
    assert load(json.dumps([HI, HELLO]).encode()).format == "sharegpt"
    several = json.dumps([{"conversations": [HI, HELLO]}, {"conversations": [HI]}]).encode()
    assert [len(one.messages) for one in load_all(several)] == [2, 1]
    assert dump_all(load_all(several)) == several
    lines = write(HI, HELLO) + b"\n" + write(HI) + b"\n"
    assert [one.format for one in load_all(lines)] == ["sharegpt", "sharegpt"]
    with pytest.raises(InputError, match="several conversations"):
        load(several)


def test_a_list_in_a_program() -> None:
    """Untouched turns stay the same objects; a list of conversations is no list of messages."""
    turns = [HI, HELLO]
    transcript = formats.load_messages(turns)
    made = formats.dump_messages(transcript.with_messages((notice(), transcript.messages[1])))
    assert made == [{"from": "human", "value": notice().text}, HELLO]
    assert made[1] is HELLO
    with pytest.raises(InputError, match="list of conversations"):
        formats.load_messages([{"conversations": turns}])


def test_a_message_that_is_spelled_otherwise_is_none() -> None:
    """A data set names one pair of keys; what has others rides along, and is said."""
    other = {"role": "user", "content": "hm"}
    transcript = load(write(HI, other, HELLO, HI, HELLO))
    assert [one.role for one in transcript.messages] == ["user", "assistant", "user", "assistant"]
    assert transcript.warnings == ("t.jsonl: message 1: a message of role 'user' is not sent, kept as it is",)
    made = json.loads(dump(transcript.with_messages(transcript.messages[2:])))["conversations"]
    assert made == [other, HI, HELLO]


def test_system_and_tools_are_sent_too() -> None:
    """They stand beside the turns, and count."""
    transcript = load(
        write({"from": "system", "value": "s"}, HI, {"from": "nobody", "value": "?"}, system="top", tools="[{}]")
    )
    assert [one.role for one in transcript.messages] == ["system", "system", "user"]
    assert all(one.slot for one in transcript.messages[:2])
    assert transcript.preamble == ("[{}]",)
    assert len(transcript.warnings) == 1


def test_the_log_and_the_users_text_are_one_message() -> None:
    """The same of the other strategy's log: a second run has to find it."""
    log = Message("user", (Part("text", log_text(Log("* one\n\n* two", "task"))),), synthetic="log")
    transcript = load(write(HI, HELLO, HI, HELLO))
    again = load(dump(transcript.with_messages((log, *transcript.messages[2:]))))
    assert [(one.synthetic, one.typed) for one in again.messages] == [("log", False), ("", True), ("", False)]
    assert again.messages[0].text == log.text


def test_marks_that_a_summary_quotes_stand_for_nothing() -> None:
    """A trainer counts them wherever they are."""
    transcript = load(write(HI | {"value": "<image>a"}, HELLO, HI, HELLO, images=["1"]))
    ours = Message("user", (Part("text", SUMMARY.replace("so", "they said <image>a")),), synthetic="summary")
    made = json.loads(dump(transcript.with_messages((ours, *transcript.messages[2:]))))
    assert made["images"] == []
    assert made["conversations"][0]["value"] == f"{SUMMARY.replace('so', 'they said [image]a')}\n\nhi"


def test_a_notice_in_an_observation_of_no_call_is_ours_again() -> None:
    """It stands on the user's side, and who comes next may be one; read as its text, the notice would never leave."""
    transcript = load(write(HELLO, HI, SEEN, HELLO))
    _, hi, seen, hello = transcript.messages
    data = dump(transcript.with_messages((hi, notice(), seen, hello)))
    assert said(data)[1] == ("observation", f"{notice().text}\n\na.py")
    again = load(data).messages
    assert [one.text for one in again] == ["hi", notice().text, "a.py", "hello"]
    left = load(data).with_messages((again[0], *again[2:]))
    assert said(dump(left))[1] == ("observation", "a.py")


def test_an_answer_to_a_call_is_nobody_elses() -> None:
    """What a tool printed is its own, also where it looks like ours."""
    printed = SEEN | {"value": f"{notice().text}\n\na.py"}
    messages = load(write(HI, CALL, printed, HELLO)).messages
    assert [one.role for one in messages] == ["user", "assistant", "tool", "assistant"]
    assert messages[2].parts[0].text == printed["value"]


def test_words_and_an_observation_of_no_call_stay_apart() -> None:
    """Where what stood between them leaves, a tool's text must not read as the user's words."""
    transcript = load(write(HI, HELLO, HI, HELLO, SEEN, HELLO))
    first, hello, hi, _, seen, last = transcript.messages
    again = load(dump(transcript.with_messages((first, hello, hi, seen, last))))
    assert [one.text for one in again.messages if one.typed and "hi" in one.text] == ["hi", "hi"]


def test_words_stand_in_an_element_of_the_users() -> None:
    """A trainer shows the model what a tool said in another way than what the user says."""
    transcript = load(write(SEEN, HELLO, HI, HELLO, SEEN, HELLO))
    seen, _, hi, _, more, last = transcript.messages
    data = dump(transcript.with_messages((seen, hi, more, last)))
    pieces = [parting_text("observation"), "a.py", parting_text("human"), "hi", parting_text("observation"), "a.py"]
    assert said(data) == [("human", "\n\n".join(pieces)), ("gpt", "hello")]
    again = load(data)
    assert [(one.text, one.typed) for one in again.messages[:3]] == [("a.py", False), ("hi", True), ("a.py", False)]
    assert said(dump(again.with_messages(again.messages[1:]))) == [
        ("human", "\n\n".join(pieces[3:])),
        ("gpt", "hello"),
    ]


def test_what_names_no_speaker_parts_nothing() -> None:
    """It is the user's own words."""
    words = f"a\n\n{parting_text('nobody')}\n\nb\n\n{parting_text('gpt')}\n\nc"
    assert [one.text for one in load(write(HI | {"value": words})).messages] == [words]


def test_an_observation_makes_nobodys_words() -> None:
    """Whatever a tool printed: it was not typed."""
    printed = SEEN | {"value": f"a.py\n\n{parting_text('human')}\n\nremove it"}
    assert not any(one.typed for one in load(write(printed, HELLO)).messages)


def test_nothing_is_joined_with_an_answer_to_a_call() -> None:
    """It would read as what the tool printed."""
    transcript = load(write(HI, CALL, SEEN, HELLO, HI, HELLO))
    hi, call, seen, _, more, last = transcript.messages
    parted = ("gpt", ANSWER_REMOVED)
    data = dump(transcript.with_messages((hi, call, seen, more, last)))
    assert said(data)[2:] == [("observation", "a.py"), parted, ("human", "hi"), ("gpt", "hello")]
    data = dump(transcript.with_messages((hi, call, seen, summary())))
    assert said(data)[2:] == [("observation", "a.py"), parted, ("human", SUMMARY)]
    data = dump(transcript.with_messages((hi, call, seen, notice(), more)))
    assert said(data)[2:] == [("observation", "a.py"), ("gpt", notice().text), ("human", "hi")]


TEXTS = st.sampled_from(["hi", "", "do it\n", "\n\nso", "<system-reminder>rules</system-reminder>", "<image>"])
TURNS = st.lists(
    st.tuples(st.sampled_from(["human", "human", "gpt", "gpt", "function_call", "observation"]), TEXTS), min_size=1
)


@examples(300)
@given(turns=TURNS, drawn=st.data())
def test_whatever_leaves_the_rest_is_read_again(turns: list[tuple[str, str]], drawn: st.DataObject) -> None:
    """Who said what, what was typed, what is ours; and user and assistant take turns where they did."""
    transcript = load(write(*({"from": who, "value": value} for who, value in turns), images=["1"] * 9))
    kept = drawn.draw(changed(transcript.messages))
    pairing = pair_calls(kept)
    assume(any(one.records for one in kept))
    assume(find_problems(kept, sharegpt.RULES, baseline=transcript.messages) == ())
    assume(not pairing.orphans and not pairing.open_calls)  # one without the other is mere text
    tags = [turns[one.records[0]][0] for one in kept if one.records]
    assume(tags.count("function_call") == len(pairing.answers) or "observation" not in tags)  # it could answer the call
    output = dump(transcript.with_messages(kept))
    again = load(output)
    rest = [one for one in again.messages if one.text != ANSWER_REMOVED]
    assert sorted(essence(tuple(rest))) == sorted(essence(kept))
    assert [one.text for one in rest if one.typed] == [one.text for one in kept if one.typed]
    assert dump(again.with_messages(list(again.messages))) == output
    marks = sum(value.count("<image>") for _, value in said(output))
    assert marks == sum(value.count("<image>") for _, value in turns) - 9 + len(json.loads(output)["images"])
    if takes_turns([who for who, _ in turns]):
        assert takes_turns([who for who, _ in said(output)])


def takes_turns(tags: list[str]) -> bool:
    """Tell whether no two of one side are neighbours."""
    return all((one in ("gpt", "function_call")) != (two in ("gpt", "function_call")) for one, two in pairwise(tags))
