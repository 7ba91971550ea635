"""Which results micro trims, and when it keeps still."""

from typing import Any

import pytest

from cortex_cli.layers.micro import band, decisions_of, micro, plan_trims, trim_at, why_not
from cortex_cli.layers.view import View
from cortex_cli.messages import LayerResult, Message
from cortex_cli.settings import Settings
from cortex_cli.tokens import HeuristicCounter
from tests.conftest import assistant, call, live, result, text, tool_pair, user

COUNTER = HeuristicCounter()
SMALL: dict[str, Any] = {"hot_zone_min_tokens": 300, "hot_zone_ratio": 0.0, "degradation_span_ratio": 0.4}


def view(*messages: Message | list[Message], budget: int = 10_000, **fields: Any) -> View:
    """Build a view of a conversation."""
    return View(messages=live(*messages), window=budget, budget=budget, **fields)


def pairs(times: int, tool: str = "Read", chars: int = 4_000) -> list[Message]:
    """Build so many calls with results of about 1,000 tokens."""
    return [one for at in range(times) for one in tool_pair(tool, chars=chars, call_id=f"{tool}{at}")]


def run(seen: View, **settings: Any) -> LayerResult:
    """Run one pass."""
    return micro(seen, Settings(**{**SMALL, **settings}), COUNTER)


def test_nothing_is_trimmed_below_the_floor() -> None:
    """A half-empty window is no reason to lose anything."""
    seen = view(user("a"), pairs(2), budget=10_000)
    assert not run(seen).fired
    assert "nothing is trimmed below 25%" in run(seen).reason
    assert run(view(user("a"), pairs(3)), trim_floor_ratio=0.30).fired
    scaled = view(user("a"), pairs(2), scale=1.5)
    assert run(scaled).fired


def test_overhead_counts_for_the_floor() -> None:
    """What is sent and not in the file fills the window too."""
    assert run(view(user("a"), pairs(2), overhead_tokens=2_000)).fired


def test_no_budget_no_trimming() -> None:
    """Shares of an unknown size are unknown."""
    assert run(view(user("a"), pairs(3), budget=0)).reason == "no budget is known"


def test_age_decides() -> None:
    """Full in the hot zone, then bookends that shrink, then a placeholder."""
    done = run(view(user("a"), pairs(8), assistant("done")))
    actions = {change.message.position: change.action for change in done.changes}
    assert actions == {2: "placeholder", 4: "placeholder", 6: "placeholder"} | dict.fromkeys((8, 10, 12, 14), "bookend")
    kept = [len(change.after) for change in done.changes if change.action == "bookend"]
    assert kept == sorted(kept)


def test_what_cannot_be_had_again_stays_longer() -> None:
    """A command's output is gone when it is gone, a file can be read again."""
    seen = view(user("a"), pairs(1, "Bash"), pairs(1, "Read"), assistant("x" * 1_700), budget=4_000)
    trims = plan_trims(seen, Settings(**SMALL), COUNTER)
    assert [trim.tool for trim in trims] == ["Bash", "Read"]
    longer = plan_trims(seen, Settings(**SMALL, extended_retention_multiplier=6.0), COUNTER)
    assert [trim.tool for trim in longer] == ["Read"]
    archived = View(messages=seen.messages, window=4_000, budget=4_000, persist=lambda *_: "r")
    assert plan_trims(archived, Settings(**SMALL), COUNTER)[0].chars < trims[0].chars


def test_categories_are_the_users_to_extend() -> None:
    """Only the user knows that `my_poll` says the same every time."""
    seen = view(user("a"), pairs(3, "my_poll"), pairs(6))
    done = run(seen, tool_categories=("my_poll=ephemeral",))
    assert [change.after for change in done.changes][:3] == ["[Tool result cleared]"] * 3


def test_keep_last_results_and_keep_tools() -> None:
    """Some results are worth more than their age says."""
    seen = view(user("a"), pairs(2, "Plan"), pairs(6), assistant("done"))
    assert {change.message.parts[0].name for change in run(seen, keep_tools=("plan",)).changes} == {"Read"}
    kept = run(seen, keep_last_results=8)
    assert not kept.fired


def test_siblings_are_judged_by_themselves() -> None:
    """Of parallel results the earlier one has the later ones behind it."""
    many = [result(f"c{at}", chars=4_000) for at in range(6)]
    seen = view(user("a"), assistant(*(call("Read", f"c{at}") for at in range(6))), many)
    offsets = [trim.offset_tokens for trim in plan_trims(seen, Settings(**SMALL), COUNTER)]
    assert offsets == [5_000, 4_000, 3_000, 2_000, 1_000]


def test_what_follows_the_view_is_distance() -> None:
    """Under `--until` the newest message of the view is not the newest of the conversation."""
    seen = view(user("a"), pairs(3), following_tokens=4_000)
    assert len(plan_trims(seen, Settings(**SMALL), COUNTER)) == 3


def test_without_an_answer_there_are_no_findings_below() -> None:
    """A placeholder must not point at what is not there."""
    done = run(view(user("a"), pairs(8)))
    assert all("findings" not in change.after for change in done.changes)
    done = run(view(user("a"), pairs(8), assistant("done")))
    assert all("findings]" in change.after for change in done.changes if change.action == "placeholder")


def test_a_result_need_not_be_the_first_part() -> None:
    """Whatever a format puts in front of it stays."""
    seen = view(user("a"), pairs(8))
    first = seen.messages[2]
    mixed = (*seen.messages[:2], first._replace(parts=(text("look:"), *first.parts)), *seen.messages[3:])
    change = run(seen.with_messages(mixed)).changes[0]
    assert (change.message.position, change.part) == (2, 1)


def test_a_nameless_result_gets_its_name_from_the_call() -> None:
    """Several formats name the tool in the call alone."""
    nameless = [
        one for at in range(8) for one in (assistant(call("Grep", f"{at}")), result(f"{at}", chars=4_000, name=""))
    ]
    assert '-- Grep: "' in run(view(user("a"), nameless)).changes[0].after
    orphan = view(user("a"), result("x", chars=4_000, name=""), pairs(7))
    assert '-- unknown: "' in run(orphan).changes[0].after


def test_while_warm_only_earlier_decisions_are_repeated() -> None:
    """The cached prefix must stay the same bytes, or the whole prompt is paid for again."""
    seen = view(user("a"), pairs(8), assistant("done"))
    first = run(seen)
    decisions = decisions_of(first.changes)
    more = live(list(seen.messages), user("b"), pairs(3, "Grep"))
    warm = View(messages=more, window=10_000, budget=10_000, cache_is_warm=True, decisions=decisions)
    again = run(warm)
    assert again.messages[: len(first.messages)] == first.messages
    assert again.messages[len(first.messages) :] == more[len(first.messages) :]
    assert [change.action for change in again.changes] == [change.action for change in first.changes]
    assert why_not(warm, Settings(), COUNTER) == "the prompt cache is warm"
    bare = View(messages=more, window=10_000, budget=10_000, cache_is_warm=True)
    assert run(bare).reason == "the prompt cache is warm; no earlier decisions"


def test_while_cold_decisions_hold_in_the_same_length_and_band() -> None:
    """Counting anew between two calls of one length must not move the cuts."""
    seen = view(user("a"), pairs(8), assistant("done"))
    decisions = decisions_of(run(seen).changes)
    same = View(
        messages=seen.messages, window=10_000, budget=10_000, decisions=decisions, decided_at=band(seen, COUNTER)
    )
    assert run(same, bookend_max_chars=500).messages == run(seen).messages
    longer = View(messages=seen.messages, window=10_000, budget=10_000, decisions=decisions, decided_at=(3, 8))
    assert run(longer, bookend_max_chars=500).messages == run(seen, bookend_max_chars=500).messages


def test_decisions_of_an_id_that_came_twice_are_not_replayed() -> None:
    """Gateways repeat ids: the text would land in the wrong result."""
    seen = view(
        user("a"), tool_pair(chars=4_000), tool_pair(chars=2_000), cache_is_warm=True, decisions={"call_1": "x"}
    )
    assert not run(seen).fired


def test_a_decision_that_is_no_longer_smaller_is_not_replayed() -> None:
    """Tokens never rise."""
    seen = view(user("a"), tool_pair(value="ok"), cache_is_warm=True, decisions={"call_1": "[Tool result cleared]"})
    assert not run(seen).fired


@pytest.mark.parametrize(
    ("age", "category", "expected"),
    [
        (0.0, None, ("bookend", 2_000)),
        (0.5, None, ("bookend", 1_128)),
        (0.999999, "ephemeral", ("bookend", 256)),
        (1.0, "ephemeral", ("clear", 0)),
        (1.0, "non-reproducible", ("placeholder", 0)),
    ],
)
def test_trim_at(age: float, category: Any, expected: tuple[str, int]) -> None:
    """The length falls in a straight line, halves round up."""
    assert trim_at(age, category, max_chars=2_000, min_chars=256) == expected


def test_halves_round_up() -> None:
    """As the published design rounds, not to even."""
    assert trim_at(0.5, None, max_chars=3, min_chars=2) == ("bookend", 3)
    assert trim_at(0.5, None, max_chars=2, min_chars=1) == ("bookend", 2)
