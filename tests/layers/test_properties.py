"""What every layer keeps, whatever the conversation: checked on random ones, repaired first."""

from collections import Counter as Tally

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.errors import DoesNotFitError
from cortex_cli.groups import call_groups, group_of
from cortex_cli.layers.caps import cap
from cortex_cli.layers.failsafe import failsafe
from cortex_cli.layers.micro import micro
from cortex_cli.layers.view import Layer, View
from cortex_cli.messages import LayerResult, Message
from cortex_cli.repair import repair
from cortex_cli.settings import Settings
from cortex_cli.tokens import count_messages, make_counter
from cortex_cli.validity import Rules, find_problems
from tests.strategies import CONVERSATIONS

COUNTER = make_counter("heuristic")
SETTINGS = Settings(max_result_tokens=400, max_aggregate_turn_tokens=500, bookend_max_chars=400, bookend_min_chars=40)
WINDOWS = st.sampled_from([200, 1000, 4000])
STRICT = Rules(alternates=True, results_directly_after_call=True, user_first=True, no_empty_text=True)
MAX_PASSES = 30

EACH_LAYER = pytest.mark.parametrize("layer", [cap, micro, failsafe])


def repaired(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Repair a conversation, as the pipeline does before any layer."""
    return repair(messages, STRICT, COUNTER).messages


def run(layer: Layer, messages: tuple[Message, ...], window: int) -> LayerResult:
    """Run a layer; what cannot fit stays as it is."""
    try:
        return layer(View(messages=messages, window=window, budget=window), SETTINGS, COUNTER)
    except DoesNotFitError:
        return LayerResult(messages)


@EACH_LAYER
@given(drawn=CONVERSATIONS, window=WINDOWS)
def test_layers_leave_a_valid_conversation(layer: Layer, drawn: tuple[Message, ...], window: int) -> None:
    """Pairs, order, thinking, texts: what a layer may not touch is as it was."""
    messages = repaired(drawn)
    done = run(layer, messages, window)
    assert find_problems(done.messages, STRICT, baseline=messages) == ()


@EACH_LAYER
@given(drawn=CONVERSATIONS, window=WINDOWS)
def test_layers_never_add_tokens(layer: Layer, drawn: tuple[Message, ...], window: int) -> None:
    """A compaction that grows is none, and nothing is changed that frees nothing."""
    messages = repaired(drawn)
    done = run(layer, messages, window)
    before, after = count_messages(messages, COUNTER), count_messages(done.messages, COUNTER)
    assert after < before if done.fired else done.messages == messages
    starts = {id(messages[at]): group.start for at, group in group_of(call_groups(messages)).items()}
    dropped = [change for change in done.changes if change.action == "dropped"]
    with_their_group = Tally[int]()
    for change in dropped:  # an empty result weighs nothing, and leaves with its call
        with_their_group[starts[id(change.message)]] += change.tokens_before
    assert all(change.tokens_after < change.tokens_before for change in done.changes if change not in dropped)
    assert all(tokens > 0 for tokens in with_their_group.values())


@EACH_LAYER
@given(drawn=CONVERSATIONS, window=WINDOWS)
def test_layers_come_to_rest(layer: Layer, drawn: tuple[Message, ...], window: int) -> None:
    """The pipeline repeats a layer until a pass changes nothing; that pass must come, and it must be the last."""
    messages = repaired(drawn)
    for _ in range(MAX_PASSES):
        done = run(layer, messages, window)
        if not done.fired:
            break
        messages = done.messages
    assert not done.fired


@EACH_LAYER
@given(drawn=CONVERSATIONS, window=WINDOWS)
def test_dropped_messages_are_named(layer: Layer, drawn: tuple[Message, ...], window: int) -> None:
    """What leaves is in the report, typed text above all; nothing else is named as dropped."""
    messages = repaired(drawn)
    done = run(layer, messages, window)
    kept = {message.position for message in done.messages}
    gone = {message.position for message in messages if message.position >= 0} - kept
    assert {change.message.position for change in done.changes if change.action == "dropped"} - {-1} == gone
    texts = {message.text for message in done.messages}
    assert all(message.text in texts for message in messages if message.typed and message.position not in gone)


@given(drawn=CONVERSATIONS, window=WINDOWS)
def test_failsafe_ends_at_or_under_the_target(drawn: tuple[Message, ...], window: int) -> None:
    """It is the last layer: what it leaves is what is sent."""
    messages = repaired(drawn)
    view = View(messages=messages, window=window, budget=window, target_tokens=window // 2)
    try:
        done = failsafe(view, SETTINGS, COUNTER)
    except DoesNotFitError:
        return  # then nothing is written
    assert count_messages(done.messages, COUNTER) <= window // 2
