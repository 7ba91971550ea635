"""The failsafe drops whole groups from the front, says so once, and ends under its target or raises."""

from dataclasses import replace

import pytest
from hypothesis import given

from cortex_cli.errors import DoesNotFitError
from cortex_cli.groups import call_groups
from cortex_cli.layers.failsafe import (
    failsafe,
    live_target,
    overflow_target,
    plan_drops,
    should_truncate,
    tail_start,
    target_tokens,
)
from cortex_cli.layers.view import View
from cortex_cli.marks import Notice, notice_text, parse_notice
from cortex_cli.messages import LayerResult, Message
from cortex_cli.settings import Settings
from cortex_cli.tokens import HeuristicCounter
from tests.conftest import assistant, call, live, result, system, text, thinking, tool_pair, user
from tests.layers.conversations import spoken, trimming, views

COUNTER = HeuristicCounter()


def view(*messages: Message | list[Message], window: int = 1_000, target: int = 0) -> View:
    """Build a view of a conversation."""
    return View(messages=live(*messages), window=window, budget=window, target_tokens=target)


def run(seen: View, **settings: object) -> LayerResult:
    """Run the layer with the heuristic counter."""
    return failsafe(seen, Settings(**settings), COUNTER)  # type: ignore[arg-type]


def talk(turns: int, chars: int = 400) -> list[Message]:
    """Build a conversation of so many turns with one call each."""
    found: list[Message] = []
    for turn in range(turns):
        found += [user(f"task {turn}"), *tool_pair(chars=chars, call_id=f"c{turn}"), assistant(f"done {turn}")]
    return found


def test_under_the_threshold_nothing_happens() -> None:
    """The last resort must not act before it is one."""
    seen = view(talk(3), window=2_000)
    assert run(seen).messages == seen.messages
    assert "nothing is dropped" in run(seen).reason


def test_at_the_threshold_there_is_nothing_to_drop_yet() -> None:
    """It fires at 90 % and goes down to 90 %: a second run over its own result must find that enough."""
    seen = view(user("x" * 1_600), user("y" * 2_000))
    assert should_truncate(seen.count(COUNTER), seen, Settings())
    assert run(seen).reason == "900 tokens are at the target of 900"


def test_oldest_groups_go_and_the_notice_counts_them() -> None:
    """The reader of the compacted file has to know that, and how much, is missing."""
    seen = view(talk(10))
    done = run(seen)
    dropped = [change for change in done.changes if change.action == "dropped"]
    notice = next(message for message in done.messages if message.synthetic == "notice")
    assert parse_notice(notice.text) == Notice(len(dropped), sum(one.tokens_before for one in dropped))
    assert done.messages[:2] == (seen.messages[0], notice)
    assert seen.with_messages(done.messages).count(COUNTER) <= 900


def test_the_target_is_that_of_a_fresh_count_with_the_notice() -> None:
    """Dropping one group less would be over: nothing goes in vain."""
    seen = view(talk(10))
    drops = plan_drops(seen, Settings(), COUNTER)
    assert drops.tokens == seen.with_messages(run(seen).messages).count(COUNTER)
    spared = plan_drops(seen, Settings(failsafe_threshold=(drops.tokens + 1) / 1_000), COUNTER)
    assert drops.dropped == spared.dropped
    harder = plan_drops(seen, Settings(failsafe_threshold=(drops.tokens - 1) / 1_000), COUNTER)
    assert drops.dropped < harder.dropped


def test_a_later_run_adds_to_the_notice() -> None:
    """Two notices with half the truth each would be read as two compactions."""
    first = view(run(view(talk(10))).messages)
    again = run(view(list(first.messages), talk(8), window=1_000))
    notices = [message for message in again.messages if message.synthetic == "notice"]
    assert len(notices) == 1
    numbers, before = parse_notice(notices[0].text), parse_notice(first.messages[1].text)
    dropped = [change for change in again.changes if change.action == "dropped"]
    assert numbers
    assert before
    assert numbers.messages == before.messages + len(dropped)
    assert numbers.tokens == before.tokens + sum(change.tokens_before for change in dropped)


def test_a_second_run_changes_nothing() -> None:
    """The same file compacted twice is the same file."""
    done = run(view(talk(10)))
    assert run(view().with_messages(done.messages)).messages == done.messages


def test_slots_summary_and_acknowledgement_stay_and_the_first_task_does_not_with_them() -> None:
    """The summary holds the task already; slots are what the client sends anyway."""
    summary = Message("user", (text("what was"),), synthetic="summary")
    answer = Message("assistant", (text("Understood, context restored."),), synthetic="acknowledgement")
    seen = view(system("rules"), summary, answer, talk(10))
    done = run(seen)
    assert done.messages[:3] == seen.messages[:3]
    assert done.messages[3].synthetic == "notice"
    assert "task 0" not in [message.text for message in done.messages]


def test_the_task_of_a_split_turn_stays() -> None:
    """It stands behind the summary, which does not tell of it: without it nobody knows what is being done."""
    summary = user("<compaction-summary> of what came before", typed=False, synthetic="summary")
    steps = [message for number in range(9) for message in tool_pair(chars=400, call_id=f"c{number}")]
    done = run(view(summary, user("the task"), steps, window=800))
    assert [message.text for message in done.messages[:2]] == [summary.text, "the task"]
    assert done.messages[2].synthetic == "notice"


def test_without_the_pinned_task_the_notice_comes_first() -> None:
    """The history never starts with an assistant."""
    done = run(view(talk(10)), pin_task=False)
    assert done.messages[0].synthetic == "notice"
    assert done.messages[0].role == "user"


def test_the_notice_stands_after_a_slot_in_the_middle() -> None:
    """A system message among the dropped ones is older than what the notice introduces."""
    seen = view(user("task"), talk(6), system("new rules"), talk(10))
    done = run(seen)
    roles = [message.synthetic or message.role for message in done.messages]
    assert roles[:3] == ["user", "system", "notice"]


def test_the_notice_comes_before_an_interleaved_group_that_stays() -> None:
    """A group that began before the last dropped result still belongs after the notice."""
    late = [
        assistant(call("Bash", "1")),
        assistant(call("Bash", "2")),
        result("2", "x" * 400),
        result("1", "y" * 4_000),
    ]
    done = run(view(late, talk(4), window=700), pin_task=False, keep_last_messages=0)
    assert [message.synthetic or message.role for message in done.messages][:2] == ["notice", "assistant"]


RULES = user("<system-reminder>rules</system-reminder>", typed=False)


STEPS = [message for number in range(4) for message in tool_pair(chars=400, call_id=f"c{number}")]


def in_turn(*messages: Message | list[Message], target: int = 0, following: int = 0) -> View:
    """Build a view of a conversation in which user and assistant take turns, over its target but for its front."""
    return replace(view(*messages, target=target), takes_turns=True, following_tokens=following)


def kinds(messages: tuple[Message, ...]) -> list[str]:
    """Return what is ours, and who says the rest."""
    return [message.synthetic or message.role for message in messages]


def test_where_both_take_turns_the_notice_stands_between_two_users_that_meet() -> None:
    """Right behind the task nothing would part the task from the rules."""
    seen = in_turn(RULES, assistant("ok"), user("task"), STEPS, assistant("end"), target=60)
    done = run(seen, keep_last_messages=1)
    assert kinds(done.messages) == ["user", "notice", "user", "assistant"]
    plain = run(replace(seen, takes_turns=False), keep_last_messages=1)
    assert kinds(plain.messages) == ["user", "user", "notice", "assistant"]


def test_a_second_meeting_gets_an_answer_that_is_counted() -> None:
    """Both would be one message; what parts them is sent too."""
    seen = in_turn(RULES, assistant("ok"), user("task"), STEPS, user("and now?"), target=60)
    done = run(seen, keep_last_messages=1)
    assert kinds(done.messages) == ["user", "parting", "user", "notice", "user"]
    drops = plan_drops(seen, Settings(keep_last_messages=1), COUNTER)
    assert drops.tokens == seen.with_messages(done.messages).count(COUNTER)


def test_a_parting_answer_stays_as_long_as_it_parts() -> None:
    """A later run needs no second one, and none where the notice comes to stand between the two."""
    seen = in_turn(RULES, assistant("ok"), user("task"), STEPS, user("and now?"), target=60)
    once = run(seen, keep_last_messages=1).messages
    grown = live(*once, assistant("this"), STEPS, user("and then?"))
    again = run(in_turn(list(grown), target=60), keep_last_messages=1).messages
    assert kinds(again) == ["user", "parting", "user", "notice", "user"]
    assert again[1].position == 1
    ended = run(in_turn(list(once), STEPS, assistant("end"), target=45), keep_last_messages=1).messages
    assert kinds(ended) == ["user", "notice", "user", "assistant"]


def test_what_follows_the_messages_may_be_a_user() -> None:
    """With `--until` nobody looks at it: the notice stands before it, and parts it from the task."""
    seen = in_turn(RULES, assistant("ok"), user("task"), STEPS, target=60, following=20)
    assert kinds(run(seen, keep_last_messages=0).messages) == ["user", "parting", "user", "notice"]


def test_users_that_were_neighbours_stay_so() -> None:
    """Nobody parted them in the input."""
    seen = in_turn(RULES, user("task"), STEPS, assistant("end"), target=60)
    assert kinds(run(seen, keep_last_messages=1).messages) == ["user", "user", "notice", "assistant"]


def test_the_tail_moves_back_to_the_call() -> None:
    """A result without its call is refused by every provider."""
    messages = live(user("a"), assistant(call("Read", "1"), call("Read", "2")), result("1"), result("2"), user("b"))
    assert tail_start(messages, 2) == 1
    assert tail_start(messages, 1) == 4
    assert tail_start(messages, 0) == 5


def test_slots_and_synthetic_messages_do_not_count_for_the_tail() -> None:
    """`keep_last` means messages of the conversation."""
    notice = Message("user", (text(notice_text(Notice(1, 2))),), synthetic="notice")
    messages = live(user("a"), assistant("b"), notice, user("c"), system("d"))
    assert tail_start(messages, 2) == 1


def test_interleaved_results_leave_with_their_call() -> None:
    """Results need not be adjacent to their call."""
    seen = view(
        user("task"),
        assistant(call("Bash", "1")),
        user("meanwhile " * 200),
        result("1", "late"),
        talk(3),
        window=700,
    )
    done = run(seen)
    ids = {part.call_id for message in done.messages for part in message.parts if part.call_id}
    assert "1" not in ids


def test_a_tail_that_alone_is_over_loses_the_text_of_its_largest_results() -> None:
    """The newest results are the last thing to go, and they go before the run fails."""
    seen = view(user("task"), tool_pair(chars=20_000), assistant("ok"), window=1_000)
    done = run(seen)
    assert [change.action for change in done.changes] == ["bookend"]
    assert seen.with_messages(done.messages).count(COUNTER) <= 900


def test_placeholders_come_after_the_smallest_bookends() -> None:
    """A little of every result is worth more than all of one."""
    seen = view(user("task"), tool_pair(chars=20_000), assistant("ok"), target=60)
    assert [change.action for change in run(seen).changes] == ["placeholder"]


def test_what_cannot_fit_raises_with_the_smallest_size() -> None:
    """Exit 3 tells what to ask for instead."""
    seen = view(user("x" * 8_000), tool_pair(chars=4_000), assistant(thinking("y" * 800), "z"), window=1_000)
    with pytest.raises(DoesNotFitError) as failure:
        run(seen)
    smallest = failure.value.smallest_tokens
    assert 2_200 < smallest < 2_400
    assert "beside" not in failure.value.hint
    with pytest.raises(DoesNotFitError, match="smallest") as failure:
        run(View(messages=seen.messages, window=1_000, budget=1_000, overhead_tokens=50))
    assert failure.value.hint.endswith("50 are sent with every call beside the messages")
    again = run(view(list(seen.messages), target=smallest))
    assert seen.with_messages(again.messages).count(COUNTER) == smallest


def test_scale_and_overhead_count() -> None:
    """The model's own tokenizer decides whether a request is refused."""
    seen = view(talk(4), window=1_000)
    assert not run(seen).fired
    scaled = View(messages=seen.messages, window=1_000, budget=1_000, scale=2.0)
    assert 2 * scaled.with_messages(run(scaled).messages).count(COUNTER) <= 900
    heavy = View(messages=seen.messages, window=1_000, budget=1_000, overhead_tokens=700)
    assert heavy.with_messages(run(heavy).messages).count(COUNTER) <= 900


def test_live_and_overflow_targets() -> None:
    """Live it must not fire at every call; after an overflow our own count is known to be too low."""
    seen, settings = view(talk(1), window=1_000), Settings()
    assert live_target(seen, settings) == 800
    assert overflow_target(700, seen, settings) == 630
    assert overflow_target(2_000, seen, settings) == 600
    assert overflow_target(700, seen, settings, excess_tokens=50) == 650
    assert should_truncate(900, seen, settings)
    assert not should_truncate(899, seen, settings)
    assert target_tokens(seen, settings) == 900


def test_an_excerpt_of_results_gets_no_notice() -> None:
    """A file in which nobody speaks stays one: as the only message of a user the notice would change its nature."""
    seen = view(*(result(str(at), chars=1_000) for at in range(5)), window=900)
    done = run(seen)
    assert {message.role for message in done.messages} == {"tool"}
    assert len(done.messages) == 3


def test_no_window_no_failsafe() -> None:
    """Where no limit is known there is nothing to be under."""
    assert not run(view(talk(5), window=0)).fired


def test_nothing_is_dropped_where_the_notice_costs_more() -> None:
    """Tokens never rise, not even to say that they fell."""
    seen = view(user("task"), user("a"), assistant("b"), user("c" * 4_000), window=900)
    with pytest.raises(DoesNotFitError) as failure:
        run(seen, keep_last_messages=1)
    assert failure.value.smallest_tokens == seen.count(COUNTER)


@given(views(), trimming())
def test_it_fits_or_it_raises(seen: View, settings: Settings) -> None:
    """Layer 3 has no third way; what it keeps is whole, and what people said is as they said it."""
    target = target_tokens(seen, settings)
    before = seen.count(COUNTER)
    try:
        done, smallest = failsafe(seen, settings, COUNTER), 0
    except DoesNotFitError as error:
        done, smallest = LayerResult(()), error.smallest_tokens
    if smallest:
        assert target < smallest <= before
        return
    after = seen.with_messages(done.messages)
    assert after.count(COUNTER) <= (target if should_truncate(before, seen, settings) else before)
    assert failsafe(after, settings, COUNTER).messages == after.messages
    kept = {message.position for message in done.messages}
    for group in call_groups(seen.messages):
        assert len({at in kept for at in group.members}) == 1
    said = [message for message in spoken(after) if not message.synthetic]
    assert [message for message in spoken(seen) if message.position in kept] == said
    assert [message.position for message in done.messages if message.position >= 0] == sorted(kept - {-1})
    tail = set(range(tail_start(seen.messages, settings.keep_last_messages), len(seen.messages)))
    assert tail <= kept
