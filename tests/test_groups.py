"""Grouping decides what may be dropped together: a mistake here breaks every layer's output."""

from hypothesis import given

from cortex_cli.groups import (
    CallSite,
    Group,
    Pairing,
    call_groups,
    cut_at_or_before,
    group_of,
    pair_calls,
    paired_as,
    safe_cuts,
    turns,
)
from cortex_cli.marks import RESULT_REMOVED
from cortex_cli.messages import Message
from tests.conftest import assistant, call, live, result, user
from tests.strategies import MESSAGES, answer


def members(*messages: Message) -> list[tuple[int, ...]]:
    """Return the members of every group."""
    return [group.members for group in call_groups(messages)]


def test_parallel_results_join_their_message() -> None:
    """One answer with three calls is one group, else a cut would leave calls unanswered."""
    talked = [user("go"), answer("a", "b", "c"), result("b"), result("a"), result("c"), assistant("ok")]
    assert members(*talked) == [(0,), (1, 2, 3, 4), (5,)]


def test_results_need_not_be_adjacent() -> None:
    """Codex answers a call while others are pending; the groups then reach into each other."""
    talked = [answer("a"), answer("b"), result("a"), user("wait"), result("b"), assistant("ok")]
    assert members(*talked) == [(0, 2), (1, 4), (3,), (5,)]
    assert safe_cuts(talked) == (0, 5, 6)


def test_what_parts_two_answers_leaves_with_the_first() -> None:
    """Repair's word between two answers parts nothing once one is gone, and would be read back as the user's first."""
    word = user(RESULT_REMOVED, typed=False)
    talked = [user("go"), assistant("one"), word, answer("a"), result("a"), word, user("on"), assistant(RESULT_REMOVED)]
    assert members(*talked) == [(0,), (1, 2), (3, 4), (5,), (6,), (7,)]
    assert safe_cuts(talked) == (0, 1, 3, 5, 6, 7, 8)


def test_repeated_ids_pair_within_their_turn() -> None:
    """Gateways give `call_1` anew in every turn: pairing over the whole file would join strangers."""
    talked = [user("1"), answer("x"), result("x"), user("2"), answer("x"), result("x")]
    assert members(*talked) == [(0,), (1, 2), (3,), (4, 5)]


def test_nearest_open_call_is_answered() -> None:
    """A dead call must not take the result of a later call with the same id."""
    pairing = pair_calls([answer("x"), user("again"), answer("x"), result("x"), user("thanks")])
    assert pairing.answers == {3: CallSite(2, 0)}
    assert pairing.dead_calls == (CallSite(0, 0),)


def test_calls_of_one_turn_share_an_id() -> None:
    """Where a gateway repeats an id within a turn, both calls keep a result of their own."""
    pairing = pair_calls([user("go"), answer("x"), answer("x"), result("x"), result("x")])
    assert pairing.answers == {3: CallSite(2, 0), 4: CallSite(1, 0)}


def test_equal_ids_in_one_message_are_answered_in_order() -> None:
    """Two calls of one id and two results: each call has its own."""
    pairing = pair_calls([answer("x", "x"), result("x"), result("x")])
    assert pairing.answers == {1: CallSite(0, 0), 2: CallSite(0, 1)}


def test_second_result_repeats_and_unknown_is_orphan() -> None:
    """Repair removes both, for different reasons; a group takes its repeats along."""
    pairing = pair_calls([result("a"), answer("a"), result("a"), result("a")])
    assert (pairing.orphans, pairing.repeats) == ((0,), {3: CallSite(1, 0)})
    assert members(result("a"), answer("a"), result("a"), result("a")) == [(0,), (1, 2, 3)]


def test_results_without_a_name_take_that_of_their_call() -> None:
    """Ids may come again: the nearest open call is meant."""
    messages = live(
        user("a"),
        *(assistant(call("Read", "1")), result("1", "x", name="")),
        *(assistant(call("Bash", "1")), result("1", "y", name="")),
        result("2", "z", name=""),
        result("3", "z", name="Grep"),
    )
    found = pair_calls(messages).results
    assert {position: site.tool for position, site in found.items()} == {2: "Read", 4: "Bash", 5: "", 6: "Grep"}


def test_what_stands_between_a_call_and_its_answer_makes_it_late() -> None:
    """Some formats want results right behind their call; results of the same message may stand between."""
    pairing = pair_calls([answer("a", "b"), result("b"), result("a"), answer("c"), user("wait"), result("c")])
    assert pairing.late == (5,)
    assert not pairing.shares_ids


def test_ids_are_shared_however_far_apart() -> None:
    """Only then two calls of one answer can have the same."""
    assert pair_calls([answer("a"), result("a"), user("on"), answer("a"), result("a")]).shares_ids
    assert pair_calls([answer("a", "a")]).shares_ids


@given(MESSAGES)
def test_shortened_results_pair_as_before(messages: tuple[Message, ...]) -> None:
    """What a layer says of its own work is what a look at all of it finds, also when more is said behind it."""
    pair_calls(messages)
    safe_cuts(messages)
    short = [
        message.with_part(0, message.parts[0].with_text("s")) if message.result is message.parts[0] else message
        for message in messages
    ]
    noted = paired_as(tuple(short), messages)
    grown = (*noted, user("more"))
    for known, plain in ((noted, [*noted]), (grown, [*grown])):
        assert _shown(pair_calls(known)) == _shown(pair_calls(plain))
        assert safe_cuts(known) == safe_cuts(plain)


def _shown(pairing: Pairing) -> tuple[object, ...]:
    """Return all that is told of pairs."""
    maps = (dict(one.items()) for one in (pairing.answers, pairing.repeats, pairing.results))
    return (*maps, pairing.orphans, pairing.late, pairing.open_calls, pairing.live, pairing.shares_ids, pairing.heads)


def test_only_the_live_tail_is_open() -> None:
    """Calls that wait for their results keep their place; calls that something was said after are dead."""
    tail = [user("go"), answer("a", "b"), result("a")]
    assert call_groups(tail) == (Group((0,)), Group((1, 2), is_open=True))
    assert pair_calls([*tail, user("stop")]).dead_calls == (CallSite(1, 1),)
    assert pair_calls([*tail, assistant("hm")]).dead_calls == (CallSite(1, 1),)


def test_nothing_may_be_cut_behind_an_open_call() -> None:
    """Its result comes later and would find no call."""
    assert safe_cuts([user("go"), answer("a", "b"), result("a")]) == (0, 1)


def test_cut_moves_back_to_before_the_call() -> None:
    """The summary's partition: a tail never begins with a result."""
    talked = [user("go"), answer("a", "b"), result("a"), result("b"), assistant("ok")]
    cuts = safe_cuts(talked)
    assert [cut_at_or_before(cuts, at) for at in range(6)] == [0, 1, 1, 1, 4, 5]


def test_turn_begins_with_typed_text() -> None:
    """Rules and reminders that the client sends as a user begin no turn."""
    rules = user("<system-reminder>x</system-reminder>")
    talked = live(rules, user("one"), answer("a"), result("a"), rules, user("two"))
    assert turns(talked) == (range(1, 5), range(5, 6))


@given(MESSAGES)
def test_every_message_is_in_one_group(messages: tuple[Message, ...]) -> None:
    """What is dropped by groups is dropped once, and nothing is forgotten."""
    groups = call_groups(messages)
    assert sorted(position for group in groups for position in group.members) == list(range(len(messages)))
    assert set(group_of(groups)) == set(range(len(messages)))


@given(MESSAGES)
def test_safe_cuts_are_all_that_split_no_group(messages: tuple[Message, ...]) -> None:
    """Neither a cut too many (breaks pairs) nor one too few (drops more than needed)."""
    groups = call_groups(messages)
    expected = tuple(
        cut
        for cut in range(len(messages) + 1)
        if all(group.end <= cut or group.start >= cut for group in groups)
        and not any(group.is_open and group.start < cut for group in groups)
    )
    assert safe_cuts(messages) == expected
