"""An agent works for hundreds of turns against a provider that enforces its window and bills by its cache.

Tools answer in parallel, messages are injected, people go to lunch and the cache expires, the model that writes
summaries fails at every third call. `python -m tests.simulation.scenarios` prints what was measured.
"""

from functools import cache

import pytest

from tests.live.conversations import SHAPES
from tests.simulation.agent import Script, write_script
from tests.simulation.provider import InvalidRequest, Provider, check_request
from tests.simulation.scenarios import POLICIES, TURNS, WINDOW, Measured, measure

SHORT_TURNS, SHORT_WINDOW = 90, 60_000
"""For every run of the tests: three minutes become three seconds."""

CALLS_PER_BREAK = 20
"""So seldom may the cached prefix break. Source: the project's issue on live sessions."""

MOST_OF_WHOLE = 0.5
"""Of the bill without compaction. Source: as above."""

OURS = POLICIES[2:]


@cache
def script(turns: int) -> Script:
    """Write the session, once."""
    return write_script(turns)


@cache
def whole(shape: str, turns: int) -> Measured:
    """Run it without compaction, without a window."""
    return measure(shape, "whole history", script(turns))


def check(shape: str, policy: str, turns: int, window: int) -> Measured:
    """Run it, and hold what must hold of every session. Invalid requests raise on the way."""
    done = measure(shape, policy, script(turns), window)
    assert done.bill.calls == turns
    assert done.outcome.rejected_twice == 0
    assert done.bill.rejected <= ("unknown" in policy)
    assert done.outcome.largest_tokens <= window
    assert done.forgotten == []
    assert done.compactions > 1
    return done


@pytest.mark.parametrize("policy", OURS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_short_session(shape, policy):
    """Failures of every third model call, refusals, injected messages and both strategies, in seconds."""
    done = check(shape, policy, SHORT_TURNS, SHORT_WINDOW)
    assert done.bill.total <= whole(shape, SHORT_TURNS).bill.total


@pytest.mark.slow
@pytest.mark.parametrize("policy", OURS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_long_session_costs_less_than_half(shape, policy):
    """500 calls, a usual window: at most half the bill, and the cached prefix stays 20 calls long."""
    done = check(shape, policy, TURNS, WINDOW)
    assert done.bill.total <= MOST_OF_WHOLE * whole(shape, TURNS).bill.total
    assert done.bill.breaks * CALLS_PER_BREAK <= TURNS


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_a_naive_trim_breaks_the_cache_at_nearly_every_call(shape):
    """Where reading from the cache is cheap, that costs more than it saves; at half price it need not."""
    naive = measure(shape, "naive trim", script(TURNS))
    ours = measure(shape, "classic", script(TURNS))
    assert naive.bill.breaks > TURNS * 0.8
    assert ours.bill.breaks * 10 < naive.bill.breaks
    assert shape == "openai" or ours.bill.total * 2 < naive.bill.total


@pytest.mark.parametrize(
    ("shape", "messages"),
    [
        ("openai", []),
        ("openai", [{"role": "assistant", "content": "hi"}]),
        ("openai", [{"role": "user", "content": "x"}, {"role": "tool", "tool_call_id": "a", "content": "y"}]),
        (
            "openai",
            [{"role": "user", "content": "x"}, {"role": "assistant", "content": "", "tool_calls": [{"id": "a"}]}],
        ),
        ("anthropic", [{"role": "user", "content": "x"}, {"role": "user", "content": "y"}]),
        ("anthropic", [{"role": "user", "content": ""}]),
        ("anthropic", [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "y"}]}]),
    ],
)
def test_the_provider_refuses_what_providers_refuse(shape, messages):
    """A simulation that takes everything shows nothing."""
    with pytest.raises(InvalidRequest):
        check_request(messages, shape)


def test_the_bill_by_hand():
    """Two calls, the second 100 tokens longer, then one after the cache has expired."""
    provider = Provider("anthropic", None, scale=1.0, system_tokens=2_000)
    first = [{"role": "user", "content": "word " * 1000}]
    size = provider.call(first, 10, now=0)["cache_creation_input_tokens"]
    assert provider.bill.cost == size * 1.25 + 50
    more = [*first, {"role": "assistant", "content": "word " * 100}]
    usage = provider.call(more, 0, now=100)
    assert usage["cache_read_input_tokens"] == size
    assert provider.call(more, 0, now=400)["cache_read_input_tokens"] == 0
    assert provider.bill.breaks == 0
    assert provider.call([{"role": "user", "content": "other"}], 0, now=500)["cache_read_input_tokens"] == 2_000
    assert provider.bill.breaks == 1
