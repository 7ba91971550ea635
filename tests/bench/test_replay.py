"""How long a replay takes, and that a call of a long session takes no longer than one of a short one (`make bench`)."""

from dataclasses import replace

import pytest

from cortex_cli import Settings, load
from cortex_cli.replaying.engine import replay_strategy
from cortex_cli.replaying.policies import STRATEGIES, find_strategy
from cortex_cli.replaying.recording import Recording, prepare
from cortex_cli.replaying.results import StrategyResult
from tests.bench.conftest import Note, SessionOf
from tests.bench.measure import cpu_seconds, slowness

pytestmark = pytest.mark.bench

CALLS, SHARE = 5_000, 0.3
"""At least so many calls make 50 MB where outputs have this share of their usual length."""

FEW, MANY = 1_000, 4_000
"""Calls, of the same session."""

GROWTH = 1.3
"""What a call of the longer one may take, of that of the shorter one: linear, and some noise."""

MANAGED_GROWTH = 1.6
"""The same with the manager: the list of all messages is handed to it with every call, and compared with the one of
before at the speed of memory."""

WHOLE_LISTS_GROWTH = 2.5
"""The same where nothing bounds the history: lists of ten thousand messages come and go with every call, and that is
more than half of the half millisecond that a call of the longer one takes."""

SECONDS = 10.0
"""Of a strategy over 50 MB. Source: the project's issue on replays."""

SUMMARY_SECONDS = 0.06
"""Of a summary of 12,000 tokens: the presets `cheap` and `small` write one for every ten to twenty calls, hundreds in
this session, and the seconds above are those of strategies that compact now and then."""

FREQUENT = ("cheap", "small")

OBSERVATIONAL_SECONDS = 25.0
"""What is noted is read twice: by the observer, and for the count of facts when it leaves."""

SETTINGS = Settings(model="claude-opus-4-5", tokenizer="heuristic")


@pytest.fixture(scope="module")
def recording(session_of: SessionOf) -> Recording:
    """Return 50 MB of many calls, made ready."""
    made = prepare(load(session_of(50, SHARE)), SETTINGS)
    assert len(made.calls) >= CALLS
    return made


def seconds(name: str, recording: Recording, calls: int | None = None, *, repeat: int = 1) -> float:
    """Return what a strategy takes over the first so many calls; None: all."""
    walked = replace(recording, calls=recording.calls[:calls])
    return cpu_seconds(lambda: replay_strategy(walked, find_strategy(name)), repeat=repeat)


@pytest.mark.parametrize("name", [one.name for one in STRATEGIES if one.name not in FREQUENT])
def test_seconds_of_a_strategy(name: str, recording: Recording, note: Note) -> None:
    """`micro` and `none` keep the whole history, whatever the window; every other one is bounded by it."""
    limit = OBSERVATIONAL_SECONDS if name == "observational" else SECONDS
    told = f"replay of 50 MB, {len(recording.calls):,} calls, {name}"
    note(told, seconds(name, recording), limit * slowness(), "s")


@pytest.mark.parametrize("name", FREQUENT)
def test_seconds_of_a_strategy_that_compacts_often(name: str, recording: Recording, note: Note) -> None:
    """What it takes is what its summaries take."""
    done: list[StrategyResult] = []
    taken = cpu_seconds(lambda: done.append(replay_strategy(recording, find_strategy(name))), repeat=1)
    summaries = done[0].compactions
    limit = (SECONDS + SUMMARY_SECONDS * summaries) * slowness()
    note(f"replay of 50 MB, {len(recording.calls):,} calls, {summaries} summaries, {name}", taken, limit, "s")


@pytest.mark.parametrize("name", [one.name for one in STRATEGIES])
def test_a_call_of_a_longer_session_takes_no_longer(name: str, recording: Recording, note: Note) -> None:
    """Nobody waits the square of a session's length."""
    few, many = (seconds(name, recording, calls, repeat=2) / calls for calls in (FEW, MANY))
    is_managed = find_strategy(name).changes is not None
    limit = WHOLE_LISTS_GROWTH if name == "micro" else MANAGED_GROWTH if is_managed else GROWTH
    note(f"replay, a call of {MANY:,} against one of {FEW:,}, {name}", many / few, limit, "x")
