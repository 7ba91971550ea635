"""The table of a replay keeps to 80 columns, however much was sent."""

import io

from rich.console import Console

from cortex_cli.cli.render_replay import print_replay
from cortex_cli.replaying.billing import Charge
from cortex_cli.replaying.policies import STRATEGIES
from cortex_cli.replaying.results import Replay, ReplayedCall, StrategyResult

CALL = ReplayedCall(1, 0.0, Charge(3_986_000, 3_900_000, 86_000, True, 1.25), {"user": 3_986_000}, "cut", 900, 800)


def test_a_large_session_breaks_no_name() -> None:
    """A hundred thousand messages are what replay is for; a row is one line."""
    results = tuple(StrategyResult(name=one.name, calls=(CALL,) * 5_000) for one in STRATEGIES)
    replay = Replay(
        path="s.jsonl",
        format="claude-code",
        model="claude-opus-4-5",
        window=200_000,
        retention="short",
        calls=5_000,
        scale=1.0,
        strategies=results,
        calibration=None,
        recorded_calls=0,
        warnings=(),
    )
    stream = io.StringIO()
    print_replay(Console(file=stream, width=80), replay)
    rows = [line for line in stream.getvalue().splitlines() if "19.9B" in line]
    assert [row.split()[0] for row in rows] == [one.name for one in STRATEGIES]
    assert all("$6,250" in row for row in rows)
