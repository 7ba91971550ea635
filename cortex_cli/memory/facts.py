"""Facts as a log says them: under which head, how they are marked, and back."""

from cortex_cli.memory.choosing import CHANGED, ERROR, FIXED, FOUND, PLAN, RAN, READ, WAITING
from cortex_cli.memory.log import Marker
from cortex_cli.messages import build
from cortex_cli.summarizers.deeds import CHECK_RUN, FAILED_RUN, FIXED_ERROR, WEIGHTS
from cortex_cli.summarizers.ledger import Fact, Kind, parse_fact, render_fact

KINDS: dict[str, Kind] = {
    CHANGED: "changed",
    READ: "read",
    RAN: "ran",
    ERROR: "error",
    FIXED: "error",
    PLAN: "todo",
    WAITING: "pending",
}
_HEADS: dict[Kind, str] = {
    "changed": CHANGED,
    "read": READ,
    "ran": RAN,
    "error": ERROR,
    "todo": PLAN,
    "pending": WAITING,
}

MATTERS = 1.8
"""A line of a result that is worth so much is no minor detail."""
QUIET_RUN = 0.9
"""What a command is worth of which nobody knows any more whether it said something."""


def head_and_text(fact: Fact) -> tuple[str, str]:
    """Return how a log says it."""
    if fact.kind == "found":
        source, bar, text = fact.text.partition(" | ")
        return (f"{FOUND}{source}", text) if bar else (f"{FOUND}results", fact.text)
    line = render_fact(fact).partition(": ")[2]
    if fact.kind == "error":
        return (FIXED if fact.state == "fixed" else ERROR), line.rpartition(" => ")[0]
    return _HEADS[fact.kind], line


def marker_of(fact: Fact) -> Marker:
    """Return how much it matters."""
    if fact.kind == "error":
        return "done" if fact.state == "fixed" else "medium"
    if fact.kind == "ran":
        if fact.state.startswith(("exit ", "failed")):
            return "medium"
        return "done" if fact.weight >= CHECK_RUN else "low"
    if fact.kind == "found":
        return "medium" if fact.weight >= MATTERS else "low"
    return "low" if fact.kind == "read" else "medium"


def fact_under(head: str, line: str, marker: Marker) -> Fact | None:
    """Read a fact back; None where the head is none of ours."""
    if head.startswith(FOUND):
        return Fact("found", f"{head[len(FOUND) :]} | {line}", weight=MATTERS if marker == "medium" else 1.0)
    kind = KINDS.get(head)
    if kind is None:
        return None
    state = "" if kind != "error" else " => fixed" if head == FIXED else " => open"
    fact = parse_fact(f"{kind}: {line}{state}")
    return build(Fact, (*fact[:3], _weight(fact, marker), *fact[4:])) if fact else None


def _weight(fact: Fact, marker: Marker) -> float:
    if fact.kind == "ran":
        return {"medium": FAILED_RUN, "done": CHECK_RUN}.get(marker, QUIET_RUN)
    return FIXED_ERROR if fact.state == "fixed" else WEIGHTS[fact.kind]
