"""Repair makes every conversation legal and takes away nothing that is sound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.marks import INTERRUPTED, RESULT_REMOVED
from cortex_cli.messages import Media, Message
from cortex_cli.repair import Repair, repair
from cortex_cli.tokens import count_messages, make_counter
from cortex_cli.typed import is_typed_text
from cortex_cli.validity import Rules, find_problems, is_excerpt
from tests.conftest import assistant, call, live, result, user
from tests.strategies import MESSAGES, answer

COUNTER = make_counter("heuristic")
LOOSE = Rules()
STRICT = Rules(alternates=True, results_directly_after_call=True)


def mend(*messages: Message, rules: Rules = LOOSE) -> Repair:
    """Repair a conversation."""
    return repair(live(*messages), rules, COUNTER)


def texts(done: Repair) -> list[str]:
    """Return the text of the first part of every message, calls by their id."""
    return [part.call_id if part.kind == "call" else part.text for part in (one.parts[0] for one in done.messages)]


def test_sound_conversations_are_returned_themselves() -> None:
    """Nothing to do must cost no byte."""
    messages = live(user("go"), answer("a"), result("a", "1"), answer("b"))
    done = repair(messages, STRICT, COUNTER)
    assert done.messages is messages
    assert done.changes == ()


def test_orphans_leave() -> None:
    """The API refuses results that no call asked for."""
    done = mend(user("go"), result("a", "lost words"), assistant("hm"))
    assert texts(done) == ["go", "hm"]
    (change,) = done.changes
    assert (change.action, change.message.position, change.before, change.tokens_after) == (
        "repaired",
        1,
        "lost words",
        0,
    )


def test_dead_calls_are_closed_behind_their_siblings() -> None:
    """The result stands where the API looks for it, and says that it is none."""
    done = mend(user("go"), answer("a", "b"), result("a", "1"), user("stop"))
    assert texts(done) == ["go", "a", "1", INTERRUPTED, "stop"]
    closing = done.messages[3]
    assert (closing.synthetic, closing.parts[0].call_id, closing.position) == ("closing", "b", -1)
    assert [(one.message.position, one.part, one.after) for one in done.changes] == [(1, 1, INTERRUPTED)]


def test_open_calls_of_the_live_tail_stay_open() -> None:
    """Their results are on the way."""
    assert mend(user("go"), answer("a", "b"), result("a", "1")).changes == ()


def test_second_result_leaves() -> None:
    """One result a call: the first is what the model has seen."""
    done = mend(user("go"), answer("a"), result("a", "1"), result("a", "2"), assistant("ok"))
    assert texts(done) == ["go", "a", "1", "ok"]


def test_second_call_of_an_id_leaves_with_its_result() -> None:
    """Ids are what joins them; two of one id in one message cannot be told apart."""
    first, second = call(call_id="a", record=1), call(call_id="a", record=2)
    done = mend(user("go"), assistant(first, second, records=(1, 2)), result("a", "1"), result("a", "2"), user("so"))
    assert texts(done) == ["go", "a", "1", "so"]
    assert done.messages[1].parts == (first,)
    assert done.messages[1].records == (1,)


def test_answers_without_anything_between_are_one() -> None:
    """Codex sends them as one; where an orphan stood between them, its removal must not make a new fault."""
    first, again = answer("b"), answer("b", text="so")
    done = mend(user("go"), first, result("a"), again, result("b", "1"), result("b", "2"))
    assert texts(done) == ["go", "so", "1"]
    done = mend(user("go"), first, result("a"), first, result("b", "1"), user("so"))
    assert texts(done) == ["go", "b", "1", "so"]


def test_messages_written_twice_leave_once() -> None:
    """Two writers on one file leave whole records twice."""
    twice = [user("go", id="1", records=(one,)) for one in (0, 1)]
    assert texts(mend(*twice, assistant("ok"))) == ["go", "ok"]


def test_what_was_written_twice_leaves_though_another_message_has_its_id() -> None:
    """Else dropping that other one would show a repetition that was there all the time."""
    said = [user(text, id="1", records=(at,)) for at, text in enumerate(["go", "more", "more", "go", "more"])]
    assert texts(mend(*said, assistant("ok"))) == ["go", "more", "ok"]


def test_pieces_of_one_record_are_no_repetition() -> None:
    """A message may say the same twice."""
    said = [user("go", id="1", records=(at,)) for at in (0, 0, 1)]
    assert texts(mend(*said, assistant("ok"))) == ["go", "go", "ok"]


def test_late_result_becomes_the_closing_one() -> None:
    """Where results must follow directly, a late one keeps its words and takes its legal place."""
    late = [user("go"), answer("a"), user("wait"), result("a", "found it"), assistant("ok")]
    assert texts(mend(*late)) == ["go", "a", "wait", "found it", "ok"]
    assert texts(mend(*late, rules=STRICT)) == ["go", "a", "found it", "wait", "ok"]


def test_a_late_result_is_still_what_a_tool_said() -> None:
    """So it counts among the newest and is observed, as it will be when the file is read again."""
    done = mend(user("go"), answer("a"), user("wait"), result("a", "found it"), rules=STRICT)
    assert (done.messages[2].parts[0].text, done.messages[2].synthetic) == ("found it", "")
    closed = mend(user("go"), answer("a"), user("wait"), result("a", "x", synthetic="closing"), rules=STRICT)
    assert closed.messages[2].synthetic == "closing"


def test_what_the_client_assumes_stays_behind_what_is_written() -> None:
    """That is where it stands when the written file is read again: so the tokens behind every result are the same."""
    assumed = result("b", "No result provided", synthetic="closing")
    done = mend(user("go"), answer("a", "b", "c"), assumed, user("wait"), result("a", "late"), rules=STRICT)
    assert texts(done) == ["go", "a", "late", INTERRUPTED, "No result provided", "wait"]


def test_an_image_of_a_late_result_is_named() -> None:
    """It cannot move along, so the text says that it was there."""
    late = result("a", "seen", is_error=True)
    late = late._replace(parts=(late.parts[0]._replace(media=(Media("image/png", 300, 1),)),))
    done = mend(user("go"), answer("a"), user("wait"), late, rules=STRICT)
    assert texts(done) == ["go", "a", "seen\n[image removed: image/png, ~300 tokens]", "wait"]
    assert done.messages[2].parts[0].is_error
    assert done.changes[0].tokens_after < done.changes[0].tokens_before


def test_answers_do_not_meet_where_an_orphan_stood() -> None:
    """Alternating formats keep a word of machine text in its place."""
    done = mend(user("go"), assistant("one"), result("a", "x"), assistant("two"), rules=STRICT)
    assert texts(done) == ["go", "one", RESULT_REMOVED, "two"]
    assert not is_typed_text(RESULT_REMOVED)


def test_last_message_is_not_repaired_away() -> None:
    """An excerpt of one result is returned as it is, and the report says so."""
    messages = live(result("a", "x"))
    done = repair(messages, LOOSE, COUNTER)
    assert done.messages is messages
    assert done.changes == ()
    assert done.is_refused
    assert "returned as it is" in done.warnings[0]


ANY_RULES = pytest.mark.parametrize("rules", [LOOSE, STRICT])


@ANY_RULES
@given(messages=MESSAGES)
def test_repaired_conversations_are_valid(messages: tuple[Message, ...], rules: Rules) -> None:
    """Every later step relies on it."""
    done = repair(messages, rules, COUNTER)
    assert find_problems(done.messages, rules) == ()
    assert bool(done.changes) == (done.messages is not messages)


@ANY_RULES
@given(messages=MESSAGES)
def test_repair_is_idempotent(messages: tuple[Message, ...], rules: Rules) -> None:
    """A second run finds nothing to do."""
    done = repair(messages, rules, COUNTER)
    again = repair(done.messages, rules, COUNTER)
    assert again.messages is done.messages


@ANY_RULES
@given(messages=MESSAGES)
def test_repair_touches_only_what_is_broken(messages: tuple[Message, ...], rules: Rules) -> None:
    """What was said stays, in order; a result that stays is the same; sizes in the report add up."""
    done = repair(messages, rules, COUNTER)
    said = [(one.position, one.text) for one in messages if one.text]
    assert [(one.position, one.text) for one in done.messages if one.text and one.position >= 0] == said
    kept = [one for one in done.messages if one.role == "tool" and one.position >= 0]
    assert all(one is messages[one.position] for one in kept)
    grown = sum(change.tokens_after - change.tokens_before for change in done.changes)
    fillers = count_messages((m for m in done.messages if m.text == RESULT_REMOVED), COUNTER)
    surplus = count_messages(done.messages, COUNTER) - count_messages(messages, COUNTER) - grown - fillers
    assert surplus == 0


@given(st.lists(st.builds(result, st.sampled_from("ab"), st.just("x")), max_size=4))
def test_results_alone_are_an_excerpt(results: list[Message]) -> None:
    """Nobody speaks in it, so nothing of it can be removed."""
    messages = live(*results)
    assert is_excerpt(messages)
    assert repair(messages, LOOSE, COUNTER).messages is messages
