"""The sessions that are measured, each under one policy, and how each went.

`python -m tests.simulation.scenarios` prints the table of docs/live.md.
"""

import asyncio
from typing import NamedTuple

from tests.live.conversations import SHAPES, Shape
from tests.simulation.agent import Clock, Fact, Outcome, Script, run_session, write_script
from tests.simulation.policies import Utility, make_manager, managed, naive_trim, whole_history
from tests.simulation.provider import Bill, Provider

TURNS = 500
WINDOW = 200_000

UNKNOWN_WINDOW = 1_000_000
"""What an author believes who was told wrong."""

POLICIES = (
    "whole history",
    "naive trim",
    "classic",
    "classic, a model writes",
    "classic, window unknown",
    "observational",
    "observational, a model writes",
)


class Measured(NamedTuple):
    """How a session went."""

    policy: str
    bill: Bill
    outcome: Outcome
    forgotten: list[Fact]
    compactions: int = 0


def measure(shape: Shape, policy: str, script: Script, window: int = WINDOW) -> Measured:
    """Run one session.

    Args:
        shape: Of the messages, the cache and the prices.
        policy: One of `POLICIES`.
        script: What happens in it.
        window: Of the provider; the whole history is sent to one without.
    """
    clock = Clock()
    provider = Provider(shape, None if policy == "whole history" else window)
    if policy == "whole history":
        made, chosen = None, whole_history(shape)
    elif policy == "naive trim":
        made, chosen = None, naive_trim(shape, window)
    else:
        strategy = policy.partition(",")[0]
        utility = Utility(provider.bill) if "model" in policy else None
        told = UNKNOWN_WINDOW if "unknown" in policy else window
        made = make_manager(clock, told, strategy=strategy, utility=utility)
        chosen = managed(made)
    outcome = asyncio.run(run_session(script, provider, chosen, clock))
    compactions = made.status().compactions if made else 0
    return Measured(policy, provider.bill, outcome, outcome.forgotten(script.facts), compactions)


def row(measured: Measured, whole: Bill) -> str:
    """Write a line of the table."""
    bill = measured.bill
    cells = (
        measured.policy,
        f"{bill.total / 1e6:.1f}M",
        f"{bill.total / whole.total:.0%}",
        f"{bill.cached_tokens / bill.input_tokens:.0%}",
        str(bill.breaks),
        str(bill.rejected),
        f"{measured.outcome.largest_tokens / 1000:.0f}k",
        str(len(measured.forgotten)),
    )
    return f"| {' | '.join(cells)} |"


HEAD = (
    "| policy | bill | of the whole | read from the cache | broken prefixes | refused calls | largest request | facts"
    " forgotten |\n|---|---|---|---|---|---|---|---|"
)


def print_tables() -> None:
    """Measure everything."""
    script = write_script(TURNS)
    for shape in SHAPES:
        print(f"\n{shape}, {TURNS} calls, a window of {WINDOW // 1000}k\n\n{HEAD}")
        whole = measure(shape, POLICIES[0], script)
        print(row(whole, whole.bill))
        for policy in POLICIES[1:]:
            print(row(measure(shape, policy, script), whole.bill), flush=True)


if __name__ == "__main__":
    print_tables()
