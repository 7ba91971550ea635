"""Reads a log back as what it was made of: statements and facts. A model's log is taken as statements."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cortex_cli.memory.choosing import ASKED, ASSISTANT, FOUND, USER
from cortex_cli.memory.facts import fact_under
from cortex_cli.memory.log import UPDATE, Entry
from cortex_cli.messages import build
from cortex_cli.summarizers.earlier import GAP, SEPARATOR, read_line
from cortex_cli.summarizers.ledger import Fact
from cortex_cli.summarizers.statements import Speaker, Statement

_HEADS = (USER, ASKED, ASSISTANT)


class Said(NamedTuple):
    """What an entry says, apart from facts."""

    head: str
    """One of ours, or empty: then the whole text is the statement."""
    is_update: bool


class Known(NamedTuple):
    """What a log holds."""

    statements: tuple[Statement, ...]
    """`message` is the position of the entry, `order` counts on, with a gap where something was left out."""
    details: frozenset[int]
    """`order` of the statements that stand below their entry."""
    facts: tuple[Fact, ...]
    """`message` is the position of the entry."""
    said: dict[int, Said]
    """By position."""


def read_entries(entries: Sequence[Entry]) -> Known:
    """Take a log apart."""
    statements: list[Statement] = []
    details: set[int] = set()
    facts: list[Fact] = []
    said: dict[int, Said] = {}
    order = 0
    for at, entry in enumerate(entries):
        found = list(_facts(entry, at))
        if found:
            facts.extend(found)
            continue
        text = entry.text.removeprefix(UPDATE)
        head = next((one for one in _HEADS if text.startswith(f"{one}: ")), "")
        said[at] = Said(head, text != entry.text)
        speaker: Speaker = "user" if entry.marker == "critical" else "assistant"
        for number, line in enumerate((text.removeprefix(f"{head}: ") if head else text, *entry.details)):
            order += 1
            for piece in line.split(GAP):
                order += 1
                for each in _statements(piece, speaker, at):
                    statements.append(build(Statement, (*each[:3], order, *each[4:])))
                    if number:
                        details.add(order)
                    order += 1
    return Known(tuple(statements), frozenset(details), tuple(facts), said)


def _statements(line: str, speaker: Speaker, at: int) -> Iterator[Statement]:
    """Read a line; where no sentence is found in it, it is one."""
    for part in line.split(SEPARATOR):
        found = list(read_line(part, speaker, at, is_ours=False))
        yield from found or (Statement(speaker, part, at, at),)


def _facts(entry: Entry, at: int) -> Iterator[Fact]:
    """Read an entry of ours that lists facts."""
    head, colon, text = entry.text.partition(": ")
    if not colon:
        head, text = entry.text.removesuffix(":"), ""
        if head == entry.text:
            return
    elif head.startswith(FOUND):
        return  # never on one line
    lines = (text, *entry.details) if text else entry.details
    facts = [fact for line in lines if (fact := fact_under(head, line, entry.marker))]
    if len(facts) == len(lines):
        yield from (build(Fact, (*fact[:4], at, at)) for fact in facts)
