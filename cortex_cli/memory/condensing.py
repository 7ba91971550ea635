"""The built-in reflector: a log condensed without a model. Superseded, repeated and minor entries leave first.

What the user stated and what holds now stays as long as there is room for it; the level says how much of the
rest may. Source: SPEC section 6, "Reflection".
"""

from collections.abc import Iterator, Sequence

from cortex_cli.memory.base import LogEntry, ReflectRequest
from cortex_cli.memory.choosing import Note, Placed, choose, numbered, write_notes
from cortex_cli.memory.facts import head_and_text
from cortex_cli.memory.log import Entry, Marker, read_log
from cortex_cli.memory.observing import NAME, said
from cortex_cli.memory.reading import Known, read_entries
from cortex_cli.summarizers.ledger import Kind, merge_facts
from cortex_cli.summarizers.packing import MIN_WORTH, ItemKind
from cortex_cli.summarizers.survey import holding

DETAIL: tuple[float, ...] = (1.0, 0.8, 0.6, 0.4, 0.2)
"""Share of a log that is left at each level; critical entries may take more. Source: SPEC section 6, "Reflection"."""

LEAST_TOKENS = 100
"""A level alone does not make a log smaller than this."""

MARKER_WORTH: dict[Marker, float] = {"critical": 2.0, "medium": 0.5, "done": 0.0, "low": -0.8}
"""Added to what an entry is worth."""

CERTAIN_WORTH = 100.0
"""Of critical entries, where all of them fit. Where they do not, what they say decides among them."""

ANY: ItemKind = "own"
"""Markers alone say what leaves first: no kind of note has a share of its own."""

NEWEST_BONUS = 0.5
"""For the newest entry, less for those before it: what is current matters more."""


async def reflect_builtin(request: ReflectRequest) -> LogEntry:
    """Condense mechanically; the signature of every reflector, though nothing is waited for."""
    return reflect(request)


def reflect(request: ReflectRequest) -> LogEntry:
    """Condense a log to less than `max_tokens`; empty, with the reason, only where not one short entry fits."""
    entries = read_log(request.observations)
    notes = _notes(entries, request.level)
    whole, critical = (
        request.counter.count_text(write_notes(chosen))
        for chosen in (notes, [note for note in notes if note.marker == "critical"])
    )
    room = request.max_tokens - 1
    if critical <= room:
        notes = [note._replace(worth=CERTAIN_WORTH) if note.marker == "critical" else note for note in notes]
    wanted = max(critical, LEAST_TOKENS, int(DETAIL[min(request.level, len(DETAIL) - 1)] * whole))
    text = choose(notes, min(room, wanted), request.counter)
    if not text:
        why = f"no entry fits in {request.max_tokens:,} tokens" if notes else "there is nothing to condense"
        return LogEntry(observations="", failure=why)
    return LogEntry(observations=text, author=NAME)


def _notes(entries: Sequence[Entry], level: int) -> list[Note]:
    """Return what holds, in the order of the log."""
    known = read_entries(entries)
    placed = (*_statements(entries, known), *_facts(entries, known, level))
    return numbered(placed)


def _statements(entries: Sequence[Entry], known: Known) -> Iterator[Placed]:
    held = holding(known.statements)
    for unit in held.units:
        statement = unit.statement
        at, order = statement.message, statement.order
        entry, (head, is_update) = entries[at], known.said[at]
        is_update = (
            is_update and order not in held.replacing - held.updates
        )  # what it updates is still there, or never was
        note = Note(
            entry.day,
            entry.time,
            entry.marker,
            head,
            said(unit),
            _worth(unit.score, entry, at / len(entries)),
            ("said", at, is_update),
            kind=ANY,
            is_detail=order in known.details,
            is_update=is_update,
        )
        yield Placed(at, False, order, note)


def _facts(entries: Sequence[Entry], known: Known, level: int) -> Iterator[Placed]:
    """Take the latest word on each fact; of plans and open calls only the last list."""
    last: dict[Kind, int] = {fact.kind: fact.message for fact in known.facts if fact.kind in ("todo", "pending")}
    current = (fact for fact in known.facts if last.get(fact.kind, fact.message) == fact.message)
    for number, fact in enumerate(merge_facts((), current)):
        entry = entries[fact.message]
        head, text = head_and_text(fact)
        hour = "" if level else entry.time[:2]
        worth = _worth(fact.weight, entry, fact.message / len(entries))
        line = ("fact", hour, head)
        note = Note(entry.day, entry.time, entry.marker, head, text, worth, line, kind=ANY, is_detail=True)
        yield Placed(fact.message, True, number, note)


def _worth(score: float, entry: Entry, age: float) -> float:
    """Weigh a note; everything in a log is worth keeping as long as there is room.

    Args:
        score: Of its words.
        entry: Where it stands.
        age: 0 for the oldest entry, up to 1 for the newest.
    """
    return max(MIN_WORTH, score + MARKER_WORTH[entry.marker] + NEWEST_BONUS * age)
