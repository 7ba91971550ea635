"""A growing list is read piece by piece to what reading it whole gives, and known again whoever keeps it."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.growing import common_length
from cortex_cli.live.document import read_document, shell_of
from cortex_cli.live.history import History
from cortex_cli.typed import finish
from tests.live.conversations import SHAPES, conversation, read, step, user
from tests.strategies import examples


def pieces(shape):
    """Elements of a conversation as they may come."""
    return st.lists(
        st.sampled_from(
            [
                [user("go on")],
                [user("<system-reminder>be quick</system-reminder>")],
                step(shape, 1, "result"),
                step(shape, 2, "a", "b"),
                step(shape, 3, '{"output":"x"}'),
                [{"role": "assistant", "content": "done"}],
                [user("[cortex: 3 earlier messages (~40 tokens) removed to fit]")],
            ]
        ),
        max_size=8,
    )


@pytest.mark.parametrize("shape", SHAPES)
@examples(60)
@given(data=st.data())
def test_reading_piece_by_piece_is_reading_whole(shape, data):
    """Repeated ids, notices and untyped beginnings included."""
    values, known = [user("first")] if data.draw(st.booleans()) else [], None
    for piece in data.draw(pieces(shape)):
        values = [*values, *copy.deepcopy(piece)]
        known = read_document(values, front=0, format=shape, known=known)
        assert known.messages == read(values, shape)
        assert list(known.render(known.messages)) == values


@pytest.mark.parametrize("shape", SHAPES)
def test_a_format_that_shows_late_is_recognised(shape):
    """The first words of a conversation could be of any format."""
    known = read_document([user("hi")], front=0, format="auto")
    values = [user("hi"), {"role": "assistant", "content": "hello"}, user("look")]
    known = read_document(values, front=0, format="auto", known=known)
    values += step(shape, 1, "found")
    assert read_document(values, front=0, format="auto", known=known).messages == read(values, shape)


def test_a_prompt_that_changes_from_call_to_call_is_all_that_is_read_anew():
    """Many agents put the time into their system prompt."""
    values = [{"role": "system", "content": "It is 10:00."}, *conversation("openai", 3)]
    known = read_document(values, front=1, format="openai")
    later = [{"role": "system", "content": "It is 10:01."}, *values[1:]]
    found = read_document(later, front=1, format="openai", known=known)
    assert found.messages == read(later, "openai")
    assert all(one is two for one, two in zip(found.messages[1:], known.messages[1:], strict=True))


def test_an_element_that_was_edited_in_place_is_noticed():
    """Agents put cache marks into messages that they sent before."""
    values = conversation("anthropic", 2)
    shells = [shell_of(value) for value in values]
    assert common_length(shells, values) == len(values)
    values[2]["content"][0]["cache_control"] = {"type": "ephemeral"}
    assert common_length(shells, values) == 2


def test_own_messages_come_out_as_they_went_in():
    """Positions and slots are the caller's affair."""
    messages = [one._replace(position=7) for one in finish(read(conversation("openai", 2), "openai"))]
    document = read_document(messages, front=0, format="auto")
    assert all(one is two for one, two in zip(document.render(document.messages), messages, strict=True))


def compacted(history, count):
    """Let our summary take the place of the first `count` values."""
    rest = list(range(count, len(history.values)))
    return history.compacted(["S", *(history.values[at] for at in rest)], [-1, *rest])


def test_the_whole_list_is_known_again():
    """The caller appends to what it has had from the start."""
    history = compacted(History().follow(["a", "b", "c", "d"]), 2).returned(["S", "c'", "d"])
    assert history.follow(["a", "b", "c", "d", "e"]).values == ("S", "c", "d", "e")


def test_what_was_returned_is_known_again():
    """The caller goes on with the result; what was only sent so (c') stays what it was."""
    history = compacted(History().follow(["a", "b", "c", "d"]), 2).returned(["S", "c'", "d", "injected"])
    went_on = history.follow(["S", "c'", "d", "injected", "e"])
    assert went_on.values == ("S", "c", "d", "e")
    assert went_on.follow(["S", "c'", "d", "injected", "e", "f"]).values == ("S", "c", "d", "e", "f")


def test_what_was_saved_is_known_again():
    """The caller takes the history of `source_replaced` for its own."""
    history = compacted(History().follow(["a", "b", "c", "d"]), 2).returned(["S", "c'", "d"])
    assert history.follow(["S", "c", "d", "e"]).values == ("S", "c", "d", "e")


def test_a_step_back_keeps_the_summary():
    """The user edits the last message; what was summarised is older."""
    history = compacted(History().follow(["a", "b", "c", "d"]), 2).returned(["S", "c", "d"])
    assert history.follow(["a", "b", "c", "x"]).values == ("S", "c", "x")
    assert history.follow(["a", "b", "x"]).values == ("S", "x")
    assert history.follow(["a", "b"]).values == ("a", "b")  # the answer is wanted to b, not to a summary


def test_another_beginning_is_another_conversation():
    """A summary of what is not there would be a lie."""
    history = compacted(History().follow(["a", "b", "c", "d"]), 2).returned(["S", "c", "d"])
    assert history.follow(["a", "x", "c", "d"]).values == ("a", "x", "c", "d")


def test_marks_for_the_cache_may_move():
    """Agents mark their newest message in every call, and take the mark off again; no summary is lost by that."""
    values = conversation("anthropic", 4)
    values[2]["content"][0]["cache_control"] = {"type": "ephemeral"}
    history = compacted(History().follow(values), 3).returned([])
    moved = copy.deepcopy(values)
    del moved[2]["content"][0]["cache_control"]
    moved[8]["content"][0]["cache_control"] = {"type": "ephemeral"}
    followed = history.follow([*moved, user("more")])
    assert followed.values == ("S", *moved[3:], user("more"))
    assert followed.values[-2] is moved[8]
    assert followed.follow([*moved, user("more")]).values == followed.values


def test_a_copied_list_gives_the_copies_back():
    """The caller's objects of today are what it gets, not those of a list that it has thrown away."""
    values = conversation("openai", 2)
    history = History().follow(values)
    copied = copy.deepcopy(values)
    followed = history.follow(copied)
    assert all(one is two for one, two in zip(followed.values, copied, strict=True))


MOVES = st.lists(
    st.tuples(st.sampled_from(["add", "back", "compact", "sent"]), st.integers(1, 3)), min_size=1, max_size=10
)


def followed(moves, wrapped):
    """Follow a caller's list through what may happen to it; return what is kept after each step."""
    values, history, kept, number = [], History(), [], 0
    for move, count in moves:
        if move == "back":
            values = values[:-count]
        else:
            values = [*values, *(wrapped(f"{number + at}") for at in range(count))]
            number += count
        history = history.follow(values)
        if move == "compact" and len(history.values) > count:
            places = [-1, *range(count, len(history.values))]
            history = history.compacted([wrapped("S"), *history.values[count:]], places)
        sent = history.values if move != "sent" else (wrapped("X"), *history.values[1:])
        is_untouched = len(sent) == len(values) and all(one is two for one, two in zip(sent, values, strict=True))
        history = history.returned(sent, is_untouched=is_untouched)
        if move == "sent" and count == 1:
            values = list(sent)
        kept.append((history.values, tuple(history.origins), history.sent, tuple(history.sent_at), history.solid))
    return kept


@given(MOVES)
def test_what_cannot_be_edited_is_followed_as_what_can(moves):
    """Texts and our own messages are compared with less work than dicts; what is kept is the same."""
    plain = followed(moves, lambda text: text)
    dicts = followed(moves, lambda text: {"text": text})
    unwrapped = [
        (
            tuple(one["text"] for one in values),
            origins,
            tuple(one["text"] for one in sent),
            sent_at,
            solid,
        )
        for values, origins, sent, sent_at, solid in dicts
    ]
    assert plain == unwrapped
