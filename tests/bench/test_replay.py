"""How long a replay takes, and that a session twice as long takes twice as long (`make bench`)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cortex_cli import Settings, load
from cortex_cli.replaying.engine import replay_strategy
from cortex_cli.replaying.policies import find_strategy
from cortex_cli.replaying.recording import Recording, prepare
from tests.bench.conftest import Note
from tests.bench.measure import cpu_seconds, slowness

pytestmark = pytest.mark.bench

FEW, MANY = 1_000, 4_000
"""Calls, of the same session."""

GROWTH = 1.25
"""What a call of the longer one may take, of that of the shorter one: linear, and some noise."""

SECONDS = 10.0
"""Of a strategy over 50 MB. Source: the project's issue on replays."""

SETTINGS = Settings(model="claude-opus-4-5", tokenizer="heuristic")


@pytest.fixture(scope="module")
def recording(session_of: Callable[[int], Path]) -> Recording:
    """Return 50 MB, made ready."""
    return prepare(load(session_of(50)), SETTINGS)


def seconds(name: str, recording: Recording, calls: int | None = None) -> float:
    """Return what a strategy takes over the first so many calls; None: all."""
    walked = replace(recording, calls=recording.calls[:calls])
    return cpu_seconds(lambda: replay_strategy(walked, find_strategy(name)), repeat=1)


@pytest.mark.parametrize("name", ["none", "classic", "keep-last-40", "clear-tool-uses", "micro"])
def test_seconds_of_a_strategy(name: str, recording: Recording, note: Note) -> None:
    """`micro` and `none` keep the whole history, whatever the window; every other one is bounded by it."""
    note(f"replay of 50 MB, {name}", seconds(name, recording), SECONDS * slowness(), "s")


def test_a_call_of_a_longer_session_takes_no_longer(session_of: Callable[[int], Path], note: Note) -> None:
    """Where summaries bound the history, nobody waits the square of a session's length.

    `none` and `micro` send the whole history at every call: what they do grows with it, at the speed of memory.
    """
    long = prepare(load(session_of(110)), SETTINGS)
    assert len(long.calls) >= MANY
    growth = (seconds("classic", long, MANY) / MANY) / (seconds("classic", long, FEW) / FEW)
    note(f"replay, a call of {MANY:,} against one of {FEW:,}, classic", growth, GROWTH, "x")
