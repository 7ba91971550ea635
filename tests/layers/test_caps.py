"""Caps bound single results and batches of parallel ones, by default within a small budget too."""

from typing import Any

from cortex_cli.layers.caps import cap, over_result_cap, over_turn_cap
from cortex_cli.layers.view import View
from cortex_cli.messages import LayerResult, Media, Message
from cortex_cli.settings import Settings
from cortex_cli.tokens import HeuristicCounter
from tests.conftest import assistant, call, live, result, tool_pair, user

COUNTER = HeuristicCounter()


def view(*messages: Message | list[Message], budget: int = 1_000_000, **fields: Any) -> View:
    """Build a view of a conversation."""
    return View(messages=live(*messages), window=budget, budget=budget, **fields)


def run(seen: View, **settings: Any) -> LayerResult:
    """Run the layer with the heuristic counter."""
    return cap(seen, Settings(**settings), COUNTER)


def batch(*tokens: int) -> list[Message]:
    """Build one assistant message with results of so many tokens."""
    ids = [f"c{at}" for at in range(len(tokens))]
    return [
        assistant(*(call("Read", one) for one in ids)),
        *(result(one, chars=4 * size) for one, size in zip(ids, tokens, strict=True)),
    ]


def test_a_large_result_is_capped_and_a_capped_one_is_not_again() -> None:
    """A single result may not fill the window."""
    seen = view(user("a"), tool_pair(chars=240_000))
    done = run(seen)
    assert [change.action for change in done.changes] == ["cap"]
    assert "tokens trimmed at insertion] ..." in done.changes[0].after
    assert "over 50,000 tokens a result" in done.reason
    assert not run(seen.with_messages(done.messages)).fired


def test_the_default_is_a_quarter_of_a_small_budget_and_a_given_value_is_obeyed() -> None:
    """50,000 tokens would never bite in a window of 64,000."""
    seen = view(user("a"), tool_pair(chars=80_000), budget=64_000)
    assert run(seen).fired
    assert not run(seen, max_result_tokens=50_000).fired
    assert not run(seen, max_result_tokens=0).fired
    assert over_result_cap(seen, Settings(), COUNTER) == (2,)


def test_results_of_one_message_count_together() -> None:
    """Ten calls at once fill the window as well as one."""
    seen = view(user("a"), batch(45_000, 30_000, 40_000, 45_000))
    done = run(seen)
    assert [change.message.position for change in done.changes] == [2]
    assert [change.action for change in done.changes] == ["bookend"]
    assert "tokens trimmed] ..." in done.changes[0].after
    assert over_turn_cap(seen, Settings(), COUNTER) == ((2, 3, 4, 5),)
    assert not run(seen, max_aggregate_turn_tokens=0).fired
    assert not run(seen.with_messages(done.messages)).fired


def test_the_loop_goes_on_until_under_or_nothing_shrinks() -> None:
    """A limit that is not held is none."""
    seen = view(user("a"), batch(5_000, 3_000, 4_000, 900))
    done = run(seen, max_aggregate_turn_tokens=6_000)
    assert [change.message.position for change in done.changes] == [2, 4]
    hopeless = run(seen, max_aggregate_turn_tokens=10)
    assert [change.message.position for change in hopeless.changes] == [2, 4, 3]
    assert not run(seen.with_messages(hopeless.messages), max_aggregate_turn_tokens=10).fired


def test_two_messages_are_two_batches() -> None:
    """What was asked for one after the other was read one after the other."""
    assert not run(
        view(user("a"), tool_pair(chars=4_000), tool_pair(chars=4_000)), max_aggregate_turn_tokens=1_500
    ).fired


def test_images_go_last() -> None:
    """Text that nobody reads twice is cheaper to lose than a picture nobody has seen."""

    def pictured(at: int) -> Message:
        message = result(f"c{at}", chars=8_000)
        return message._replace(parts=(message.parts[0]._replace(media=(Media("image/png", 1_500, 1),)),))

    seen = view(user("a"), assistant(call("Read", "c0"), call("Read", "c1")), pictured(0), pictured(1))
    short = run(seen, max_aggregate_turn_tokens=6_000, bookend_max_chars=200)
    assert [len(message.parts[0].media) for message in short.messages[2:]] == [1, 1]
    harder = run(seen, max_aggregate_turn_tokens=2_500, bookend_max_chars=200)
    assert [len(message.parts[0].media) for message in harder.messages[2:]] == [0, 1]


def test_with_an_archive_either_cap_names_the_original() -> None:
    """What is cut before the model has seen it must be there to be read."""
    seen = view(
        user("a"), tool_pair(chars=240_000), batch(45_000, 45_000, 45_000, 45_000), persist=lambda *_: "/keep/1"
    )
    done = run(seen)
    assert {change.action for change in done.changes} == {"cap", "bookend"}
    assert all(change.after.endswith("persisted to /keep/1 -- use Read to access]") for change in done.changes)
    assert all(change.ref == "/keep/1" for change in done.changes)


def test_reasons() -> None:
    """The report says why nothing happened."""
    assert run(view(user("a"))).reason == "no result is over 50,000 tokens a result and 150,000 tokens a batch"
    assert run(view(user("a")), max_result_tokens=0, max_aggregate_turn_tokens=0).reason == "both caps are off"
