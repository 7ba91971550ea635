"""Where a summary ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.groups import call_groups
from cortex_cli.layers.partition import plan_partition
from cortex_cli.messages import Message, Part


def user(text: str = "do it") -> Message:
    return Message("user", (Part("text", text),), typed=True)


def assistant(*call_ids: str) -> Message:
    calls = tuple(Part("call", "{}", name="Read", call_id=one) for one in call_ids)
    return Message("assistant", (Part("text", "ok"), *calls))


def result(call_id: str) -> Message:
    return Message("tool", (Part("result", "text", name="Read", call_id=call_id),))


SUMMARY = Message("user", (Part("text", "earlier"),), synthetic="summary")
RULES = Message("system", (Part("text", "rules"),), slot=True)


def plan(messages, keep=6, tokens=0, room=None):
    return plan_partition(
        messages, [10] * len(messages), keep_recent_messages=keep, keep_recent_tokens=tokens, room_tokens=room
    )


def test_cut_moves_back_to_before_the_call():
    """A result without its call is refused by every API."""
    messages = [user(), assistant(), user(), assistant("a", "b"), result("a"), result("b"), assistant()]
    assert plan(messages, keep=2).tail == 2  # the latest typed message stays too


def test_latest_typed_message_is_never_given_away():
    """What the user asked last is what the model works on."""
    messages = [
        user("old"),
        assistant(),
        user("new"),
        *[m for i in range(5) for m in (assistant(str(i)), result(str(i)))],
    ]
    assert plan(messages, keep=1).tail == 2


def test_a_turn_too_large_to_keep_is_split():
    """One endless turn must not make compaction impossible."""
    turn = [m for i in range(20) for m in (assistant(str(i)), result(str(i)))]
    messages = [RULES, user("old"), assistant(), user("new"), *turn]
    found = plan(messages, keep=4, room=200)
    assert found.pinned == 3
    assert found.tail == len(messages) - 4
    assert 3 not in found.summarized
    assert 0 not in found.summarized


def test_an_earlier_summary_alone_is_nothing_to_summarise():
    """A second run with nothing new must change no byte."""
    found = plan([RULES, SUMMARY, user(), assistant()], keep=2)
    assert found.summarized == ()
    assert "earlier summary" in found.reason


def test_slots_and_synthetic_messages_do_not_count_as_recent():
    """Otherwise our own texts would push real ones out."""
    messages = [user("a"), assistant(), SUMMARY, RULES, user("b"), assistant()]
    assert plan(messages, keep=3).tail == 1


@pytest.mark.parametrize(("tokens", "tail"), [(25, 4), (10, 4), (1000, 0)])
def test_recent_can_be_counted_in_tokens(tokens, tail):
    """The tail as a token budget is the alternative unit."""
    messages = [user(), assistant(), user(), assistant(), user(), assistant()]
    assert plan(messages, tokens=tokens).tail == tail


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(0, 10), st.none() | st.integers(0, 300))
def test_no_group_is_ever_split(shape, keep, room):
    """The one property that every cut must have."""
    messages: list[Message] = []
    for n, width in enumerate(shape):
        ids = [f"{n}-{i}" for i in range(width)]
        messages += [user()] if width == 3 else []
        messages += [assistant(*ids), *map(result, ids)]
    found = plan(messages, keep=keep, room=room)
    gone = set(found.summarized)
    for group in call_groups(messages):
        assert len(gone & set(group.members)) in (0, len(group.members))
