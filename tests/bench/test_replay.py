"""How long a replay takes, and that a call of a long session takes no longer than one of a short one (`make bench`)."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cortex_cli import Settings, load
from cortex_cli.replaying.engine import replay_strategy
from cortex_cli.replaying.policies import STRATEGIES, find_strategy
from cortex_cli.replaying.recorded import RecordedCall
from cortex_cli.replaying.recording import Recording, prepare
from tests.bench.conftest import Note, SessionOf
from tests.bench.measure import collecting_as_the_command, slowness

pytestmark = pytest.mark.bench

CALLS, SHARE = 5_000, 0.3
"""At least so many calls make 50 MB where outputs have this share of their usual length."""

EARLY, LATE = (1_000, 2_000), (4_000, 5_000)
"""Calls [from, to) that are compared. Before the first ones the window of most strategies is not full yet, and calls
are cheaper."""

WITHOUT_PAUSES = 0.5
"""Share of their times that calls are compared at: the prompt cache then never gets cold. In the session as it is that
happens three times, all behind call 3,900; what it takes is in the seconds of the whole, and measured by itself."""

PAUSE_SECONDS = 600
"""Longer than a prompt cache is kept."""

GROWTH = 1.3
"""What a late call may take, of an early one, and a result that is looked at after a pause: linear, and some noise."""

RUNS = 3
"""The best of so many counts: noise only adds."""

SECONDS = 10.0
"""Of a strategy over 50 MB. Source: the project's issue on replays."""

SETTINGS = Settings(model="claude-opus-4-5", tokenizer="heuristic")


@pytest.fixture(scope="module")
def recording(session_of: SessionOf) -> Recording:
    """Return 50 MB of many calls, made ready."""
    made = prepare(load(session_of(50, SHARE)), SETTINGS)
    assert len(made.calls) >= CALLS
    return made


class Clocked(tuple[RecordedCall, ...]):
    """Calls that note the CPU time at which each of them, and the end, was come to."""

    def __iter__(self) -> Iterator[RecordedCall]:
        """Walk, noting."""
        self.times: list[float] = []
        for call in super().__iter__():
            self.times.append(time.process_time())
            yield call
        self.times.append(time.process_time())


def replay_times(name: str, recording: Recording) -> list[float]:
    """Return the CPU time at each call and at the end, seconds from the first call."""
    calls = Clocked(recording.calls)
    with collecting_as_the_command():
        replay_strategy(replace(recording, calls=calls), find_strategy(name))
    return [one - calls.times[0] for one in calls.times]


@pytest.mark.parametrize("name", [one.name for one in STRATEGIES])
def test_seconds_of_a_strategy(name: str, recording: Recording, note: Note) -> None:
    """`micro` and `none` keep the whole history, whatever the window; every other one is bounded by it."""
    told = f"replay of 50 MB, {len(recording.calls):,} calls, {name}"
    note(told, min(replay_times(name, recording)[-1] for _ in range(RUNS)), SECONDS * slowness(), "s")


@pytest.mark.parametrize("name", [one.name for one in STRATEGIES])
def test_a_late_call_takes_no_longer(name: str, recording: Recording, note: Note) -> None:
    """Nobody waits the square of a session's length."""
    calls = tuple([call._replace(time=call.time * WITHOUT_PAUSES) for call in recording.calls])
    runs = [replay_times(name, replace(recording, calls=calls)) for _ in range(RUNS)]
    early, late = (min(times[end] - times[begin] for times in runs) for begin, end in (EARLY, LATE))
    note(f"replay, a late call against an early one, {name}", late / early, GROWTH, "x")


def test_a_pause_takes_what_there_is_to_look_at(recording: Recording, note: Note) -> None:
    """With a cold cache `micro` looks at every result there is, all at once: twice as many take twice as long."""
    early, late = (min(_after_pause(recording, calls) for _ in range(RUNS)) / calls for calls in (EARLY[0], LATE[0]))
    note("replay, a result after a pause, late against early, micro", late / early, GROWTH, "x")


def _after_pause(recording: Recording, before: int) -> float:
    """Return what the call after so many, and a pause, takes."""
    calls = recording.calls[: before + 1]
    late = calls[-1]._replace(time=calls[-2].time + PAUSE_SECONDS)
    times = replay_times("micro", replace(recording, calls=(*calls[:-1], late)))
    return times[-1] - times[-2]
