"""The facts ledger: what must not be lost, one line a fact, in a form that is read back.

    ## Facts ledger
    ```cortex-facts v1
    user: Never edit migrations/.
    changed: src/api/auth.py
    ran: pytest -q => exit 1: 3 failed, 120 passed
    error: MigrationError: lock held by pid 911 => open
    todo: write the tests => in progress
    ```

A line is `kind: text`, for some kinds `kind: text => state`; the last ` => ` parts them. Lines of other kinds,
and everything outside the fence, are no facts: text of a transcript stands behind a kind and on one line, so
it can neither add a line nor end the fence. What a fact is worth is decided by who gathers it.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, get_args

from cortex_cli.summarizers.boundaries import harmless
from cortex_cli.tokens import Counter

Kind = Literal["user", "decided", "pending", "todo", "error", "changed", "read", "ran", "found"]

KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order in which they are written."""

STATEFUL: frozenset[Kind] = frozenset(("todo", "error", "ran"))
"""Their lines always end in ` => state`."""

_NAMED: dict[str, Kind] = {kind: kind for kind in KINDS}

VERSION = 1
TITLE = "Facts ledger"
_HEAD = f"## {TITLE}\n```cortex-facts v{VERSION}\n"
_FOOT = "\n```"
_OPENING = f"## {TITLE}\n```cortex-facts v"
"""Of a ledger of any version; most summaries have none, and a word is found faster than a pattern."""
_BLOCK = re.compile(r"(?:^|\n)## Facts ledger\n```cortex-facts v(\d+)\n(.*?)\n```(?=\n|\Z)", re.DOTALL)
_FENCE = re.compile(r"`{3,}\s*(cortex-facts)")
"""The beginning of a ledger that is none: left in a summary, it would take the real one in."""

_ARROW = " => "


class Fact(NamedTuple):
    """One thing that was said, done or found."""

    kind: Kind
    text: str
    state: str = ""
    """How it ended or stands: `exit 1: ...`, `open`, `fixed`, `pending`."""
    weight: float = 1.0
    """What it is worth against other facts; not written down."""
    order: int = 0
    """Later facts have greater numbers; negative for what an earlier summary carried. Not written down."""
    message: int = -1
    """Position of the message that told it; -1 for what an earlier summary carried. Not written down."""

    @property
    def name(self) -> str:
        """The fact as reports name it."""
        return f"{self.kind}: {self.text}"


class Ledger(NamedTuple):
    """A ledger as it was written."""

    text: str
    """Empty where no fact was kept."""
    kept: tuple[Fact, ...]
    lost: tuple[Fact, ...]


def render_fact(fact: Fact) -> str:
    """Write a fact on one line."""
    text = harmless(fact.text)
    if fact.kind not in STATEFUL:
        return f"{fact.kind}: {text}"
    return f"{fact.kind}: {text}{_ARROW}{harmless(fact.state).replace(_ARROW, ' -> ') or '-'}"


def parse_fact(line: str) -> Fact | None:
    """Read a line back; None where it is not a fact."""
    name, colon, text = line.partition(": ")
    kind = _NAMED.get(name)
    if kind is None or not colon or not text.strip():
        return None
    if kind not in STATEFUL:
        return Fact(kind, text.strip())
    text, arrow, state = text.rpartition(_ARROW)
    return Fact(kind, text.strip(), state.strip()) if arrow and text.strip() else None


def parse_ledger(summary: str) -> tuple[Fact, ...]:
    """Read the facts of a summary's ledger, oldest first as written; only the last block counts."""
    blocks = _BLOCK.findall(summary) if _OPENING in summary else ()
    if not blocks or int(blocks[-1][0]) > VERSION:
        return ()
    facts = [fact for line in blocks[-1][1].split("\n") if (fact := parse_fact(line))]
    return tuple(fact._replace(order=at - len(facts)) for at, fact in enumerate(facts))


def without_ledger(summary: str) -> str:
    """Return a summary without its ledger."""
    return (_BLOCK.sub("", summary) if _OPENING in summary else summary).strip()


def merge_facts(earlier: Iterable[Fact], later: Iterable[Fact]) -> tuple[Fact, ...]:
    """Join facts: the later word about the same thing holds, a change of a file covers its reading.

    Todos and pending calls of before are over once there are later ones: a plan replaces the plan before.
    """
    new = list(later)
    replaced = {kind for kind in ("todo", "pending") if any(fact.kind == kind for fact in new)}
    merged: dict[tuple[str, str], Fact] = {}
    for fact in (*(fact for fact in earlier if fact.kind not in replaced), *new):
        key = ("file" if fact.kind in ("changed", "read") else fact.kind, fact.text)
        before = merged.pop(key, None)
        if before is not None and before.kind == "changed":
            fact = fact._replace(kind="changed")
        if before is not None:
            fact = fact._replace(weight=max(fact.weight, before.weight))
        merged[key] = fact
    return tuple(merged.values())


def write_ledger(facts: Sequence[Fact], max_tokens: int, counter: Counter) -> Ledger:
    """Write as many facts as fit; those of least weight leave first, of equal ones the oldest.

    Args:
        facts: Oldest first, superseded ones already out or of low weight.
        max_tokens: What the whole section may take.
        counter: Counts.
    """
    room = max_tokens - counter.count_text(_HEAD + _FOOT)
    kept: list[Fact] = []
    for fact in sorted(facts, key=lambda fact: (-fact.weight, -fact.order)):
        size = counter.count_text(render_fact(fact) + "\n")
        if size <= room:
            room -= size
            kept.append(fact)
    chosen = set(kept)
    ledger = ledger_text(fact for fact in facts if fact in chosen)
    return Ledger(ledger, tuple(kept), tuple(fact for fact in facts if fact not in chosen))


def ledger_text(facts: Iterable[Fact]) -> str:
    """Write a ledger section of these facts; empty for none."""
    lines = [render_fact(fact) for fact in sorted(facts, key=lambda fact: (KINDS.index(fact.kind), fact.order))]
    return _HEAD + "\n".join(lines) + _FOOT if lines else ""


def append_ledger(summary: str, facts: Sequence[Fact], max_tokens: int, counter: Counter) -> Ledger:
    """Put a ledger under any summary, a model's too; a ledger that stands in it already is replaced."""
    ledger = write_ledger(facts, max_tokens, counter)
    body = _FENCE.sub(r"\1", without_ledger(summary))
    return ledger._replace(text=f"{body}\n{ledger.text}" if ledger.text else body)
