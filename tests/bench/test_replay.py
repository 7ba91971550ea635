"""How long a replay takes, and that a call of a long session takes no longer than one of a short one (`make bench`)."""

from dataclasses import replace

import pytest

from cortex_cli import Settings, load
from cortex_cli.replaying.engine import replay_strategy
from cortex_cli.replaying.policies import STRATEGIES, find_strategy
from cortex_cli.replaying.recording import Recording, prepare
from tests.bench.conftest import Note, SessionOf
from tests.bench.measure import cpu_seconds, slowness

pytestmark = pytest.mark.bench

CALLS, SHARE = 5_000, 0.3
"""At least so many calls make 50 MB where outputs have this share of their usual length."""

FEW, MANY = 1_000, 4_000
"""Calls, of the same session. At call 3,925 its prompt cache is cold for the first time (a break of 302 s), and layer 1
shortens all 4,881 results so far at once: a step for `micro` and the presets, of as much work as there are results."""

GROWTH = 1.3
"""What a call of the longer one may take, of that of the shorter one: linear, and some noise."""

SECONDS = 10.0
"""Of a strategy over 50 MB. Source: the project's issue on replays."""

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


@pytest.mark.parametrize("name", [one.name for one in STRATEGIES])
def test_seconds_of_a_strategy(name: str, recording: Recording, note: Note) -> None:
    """`micro` and `none` keep the whole history, whatever the window; every other one is bounded by it."""
    told = f"replay of 50 MB, {len(recording.calls):,} calls, {name}"
    note(told, seconds(name, recording), SECONDS * slowness(), "s")


@pytest.mark.parametrize("name", [one.name for one in STRATEGIES])
def test_a_call_of_a_longer_session_takes_no_longer(name: str, recording: Recording, note: Note) -> None:
    """Nobody waits the square of a session's length."""
    repeat = 9 if find_strategy(name).changes is None else 2  # of what takes milliseconds, noise is a larger share
    few, many = (seconds(name, recording, calls, repeat=repeat) / calls for calls in (FEW, MANY))
    note(f"replay, a call of {MANY:,} against one of {FEW:,}, {name}", many / few, GROWTH, "x")
