"""The rules that every output keeps: each finds its fault, and none finds one where there is none."""

import pytest
from hypothesis import given

from cortex_cli.messages import Message, Part
from cortex_cli.validity import COMMON_RULES, Rules, find_notes, find_problems
from tests.conftest import assistant, call, live, result, system, text, thinking, tool_pair, transcript, user
from tests.strategies import MESSAGES, answer

STRICT = Rules(alternates=True, results_directly_after_call=True, user_first=True, no_empty_text=True)


def rules_of(messages: tuple[Message, ...], rules: Rules = COMMON_RULES, **more: object) -> list[tuple[str, int]]:
    """Return (broken rule, position) of every problem."""
    return [(one.rule, one.position) for one in find_problems(messages, rules, **more)]  # type: ignore[arg-type]


GOOD = live(
    system("be brief"),
    user("look"),
    assistant(thinking("hm"), call("Read", "a"), call("Bash", "b")),
    result("b", "2"),
    result("a", "1"),
    assistant("I saw it"),
    user("go on"),
    answer("a", "c"),
    result("a", "3"),
)


def test_a_sound_conversation_has_no_problem() -> None:
    """Parallel results in any order, an id used again, an open call at the end: all legal."""
    assert find_problems(GOOD, STRICT) == ()
    assert find_problems(GOOD, STRICT, baseline=GOOD) == ()
    assert find_notes(GOOD, STRICT) == ()


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([user("x"), result("a")], ("results_answer_calls", 1)),
        ([user("x"), answer("a"), result("a"), result("a")], ("results_answer_calls", 3)),
        ([user("x"), answer("a"), user("y")], ("calls_have_results", 1)),
        ([user("x"), answer("a"), user("y"), result("a")], ("results_follow_directly", 3)),
        ([user("x"), answer("a", "a"), result("a"), result("a"), user("y")], ("ids_are_unique", 1)),
        ([user("x", id="1", records=(0,)), user("x", id="1", records=(1,))], ("ids_are_unique", 1)),
    ],
)
def test_each_fault_is_found(messages: list[Message], problem: tuple[str, int]) -> None:
    """A fault that is not found here reaches the API."""
    assert rules_of(live(*messages), STRICT) == [problem]


def test_late_results_are_legal_where_the_format_allows_them() -> None:
    """Codex answers a call while the next is made."""
    late = live(user("x"), answer("a"), answer("b"), result("b"), result("a"))
    assert rules_of(late) == []


def test_two_pieces_of_one_record_share_its_id() -> None:
    """A Claude Code line with a text and a result is two messages with one uuid."""
    one = live(user("x", id="1", records=(0,)), user("x", id="1", records=(0,)))
    assert rules_of(one) == []


def test_a_problem_says_where_it_is() -> None:
    """`check` prints file, line and call id, else nobody finds it in 10,000 lines."""
    damaged = transcript(user("x"), result("call_9", records=(4,)))
    (problem,) = find_problems(damaged.messages)
    assert problem.line(damaged) == 5
    assert problem.text == "tool result 'call_9' has no tool call"
    assert "--fix" in problem.hint
    assert problem.message.records == (4,)


def edited(message: Message, kind: str, **fields: object) -> Message:
    """Return the message with its first part of a kind changed."""
    index = next(i for i, part in enumerate(message.parts) if part.kind == kind)
    part = message.parts[index]._replace(**fields)  # type: ignore[arg-type]
    return message._replace(parts=(*message.parts[:index], part, *message.parts[index + 1 :]))


BASELINE = live(
    user("look"),
    assistant(
        thinking("hm", block=0), text("I will", block=1), call("Read", "a", block=2), Part("opaque", "{}", block=3)
    ),
    result("a", "1"),
    user("more"),
    assistant(thinking("so", block=0), call("Read", "b", block=1)),
    result("b", "1"),
    assistant("done"),
)


@pytest.mark.parametrize(
    ("position", "kind", "rule"),
    [
        (0, "text", "kept_parts_are_untouched"),
        (1, "text", "kept_parts_are_untouched"),
        (1, "opaque", "kept_parts_are_untouched"),
        (1, "thinking", "thinking_is_whole"),
        (4, "thinking", "thinking_is_whole"),
    ],
)
def test_layers_edit_only_results_and_arguments(position: int, kind: str, rule: str) -> None:
    """A changed thinking text no longer fits its signature; changed user text is a lie."""
    made = (*BASELINE[:position], edited(BASELINE[position], kind, text="other"), *BASELINE[position + 1 :])
    assert rules_of(made, baseline=BASELINE) == [(rule, position)]


def test_parts_stay_where_they_are() -> None:
    """A call taken out of an answer, or a text put in, changes what was said."""
    origin = BASELINE[1]
    for parts in (origin.parts[:-2], (*origin.parts, text("more")), origin.parts[::-1]):
        made = (BASELINE[0], origin._replace(parts=parts), *BASELINE[2:])
        assert ("kept_parts_are_untouched", 1) in rules_of(made, baseline=BASELINE)


@pytest.mark.parametrize(("position", "kind"), [(1, "call"), (2, "result")])
def test_results_and_arguments_may_be_edited(position: int, kind: str) -> None:
    """This is what layers are for."""
    made = (*BASELINE[:position], edited(BASELINE[position], kind, text="{}"), *BASELINE[position + 1 :])
    assert rules_of(made, baseline=BASELINE) == []


def test_signed_calls_are_never_edited() -> None:
    """A thought signature covers the call that it stands on."""
    baseline = live(user("x"), assistant(call("Read", "a", signed=True)), result("a"))
    made = (baseline[0], edited(baseline[1], "call", text="{}"), baseline[2])
    assert rules_of(made, baseline=baseline) == [("kept_parts_are_untouched", 1)]


def test_thinking_leaves_finished_turns_only() -> None:
    """In a tool loop the API wants the thinking in front of the call that is being answered."""
    without = [one._replace(parts=tuple(p for p in one.parts if p.kind != "thinking")) for one in BASELINE]
    finished = (BASELINE[0], without[1], *BASELINE[2:])
    assert rules_of(finished, baseline=BASELINE) == []
    assert rules_of(tuple(without), baseline=BASELINE) == [("thinking_is_whole", 4)]


def test_order_is_that_of_the_input() -> None:
    """Neither moved nor doubled."""
    made = live(user("a"), user("b"), user("c"))
    assert rules_of((made[1], made[0], made[2]), baseline=made) == [("order_is_kept", 1)]
    assert rules_of((made[0], made[0]), baseline=made) == [("order_is_kept", 1)]


def test_the_user_comes_first_and_stays() -> None:
    """A history that begins with an answer is refused by several APIs; what began so is left so."""
    made = live(user("a"), assistant("b"), assistant("c"))
    assert rules_of(made[1:], baseline=made) == [("somebody_asks", 0), ("somebody_asks", 0)]
    assert rules_of(made[1:], baseline=made[1:]) == []
    notice = Message("user", (text("[cortex: 1 earlier messages (~1 tokens) removed to fit]"),), synthetic="notice")
    assert rules_of((notice, *made[1:]), baseline=made) == []


def test_dropping_must_not_let_two_answers_meet() -> None:
    """Users that meet are parted or joined by `dump`; an answer is signed, so its neighbours stay apart."""
    made = live(user("a"), assistant("b"), user("c"), assistant("d"))
    assert rules_of((made[0], made[1], made[3]), STRICT, baseline=made) == [("roles_alternate", 2)]
    assert rules_of((made[0], made[2], made[3]), STRICT, baseline=made) == []
    filler = Message("user", (text("n"),))
    assert rules_of((made[0], made[1], filler, made[3]), STRICT, baseline=made) == []


def test_nothing_empty_is_written() -> None:
    """Anthropic refuses a text block without text."""
    made = live(user("a"), assistant("b"))
    assert rules_of((Message("user", (text(""),)), *made), STRICT, baseline=made) == [("new_texts_are_not_empty", 0)]


def test_notes_name_what_no_repair_mends() -> None:
    """The API may refuse it, but the words are the user's own: said, not changed."""
    odd = live(assistant("hello"), user("a"), user("b"), assistant(""))
    assert [(one.rule, one.position) for one in find_notes(odd, STRICT)] == [
        ("notes_on_roles", 0),
        ("notes_on_alternation", 2),
        ("notes_on_texts", 3),
    ]
    assert [one.text for one in find_notes(live(assistant("a")))] == ["no user message in the conversation"]


def test_an_excerpt_is_noted_not_failed() -> None:
    """A file of one result cannot be mended: nothing would be left of it."""
    excerpt = live(*tool_pair())[1:]
    assert find_problems(excerpt) == ()
    assert [one.rule for one in find_notes(excerpt)] == ["results_answer_calls", "notes_on_roles"]
    assert find_notes(()) == ()


@given(MESSAGES)
def test_what_is_compared_with_itself_has_only_its_own_problems(messages: tuple[Message, ...]) -> None:
    """Else a layer that does nothing would be blamed for its input."""
    assert find_problems(messages, STRICT, baseline=messages) == find_problems(messages, STRICT)
