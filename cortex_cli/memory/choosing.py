"""Chooses what a log says under a token budget, and writes it: sentences of one message, facts of one kind together."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cortex_cli.memory.log import UPDATE, Entry, Marker, write_log
from cortex_cli.messages import build
from cortex_cli.summarizers.earlier import SEPARATOR
from cortex_cli.summarizers.packing import Item, ItemKind, joined, pack
from cortex_cli.tokens import Counter

USER, ASKED, ASSISTANT = "User", "User asked", "Assistant"
CHANGED, READ, RAN, FOUND = "Changed files", "Read files", "Ran", "Found in "
ERROR, FIXED, PLAN, WAITING = "Error", "Fixed error", "Plan", "Open call"
"""Heads of entries. What a built-in author wrote under one is read back as what it was."""

ENTRY_TOKENS = 3
"""What a note is charged besides its text, where notes are ranked: less than sign, time and head really take (about
10), since a larger charge ranks long statements before short rules. The whole is counted as it is written."""

CLAMPS = (2_000, 500, 240, 120, 60, 30)
"""Characters of head and text, each, of the one entry that is left where not even the best fits among others."""


class Note(NamedTuple):
    """One thing that a log may say: a sentence or a fact."""

    day: str
    time: str
    marker: Marker
    head: str
    """Who said it, or of which kind the fact is; with a colon in front of the text. May be empty."""
    text: str
    worth: float
    line: tuple[object, ...]
    """Notes of the same line, day and marker make one entry, where the first of them stands."""
    kind: ItemKind = "note"
    is_detail: bool = False
    """Gets a line of its own below the entry, where there are several."""
    is_update: bool = False
    order: int = 0
    """Ascending; a gap between two notes of a line says that something stood between them."""


class Placed(NamedTuple):
    """A note with what it is ordered by."""

    message: int
    """Position of what it comes from: a message, an entry."""
    is_fact: bool
    order: int
    note: Note


def numbered(placed: Iterable[Placed]) -> list[Note]:
    """Put notes in order; one that did not follow the one before gets a gap in front of it."""
    notes: list[Note] = []
    number = 0
    before: Placed | None = None
    for one in sorted(placed, key=lambda one: one[:3]):
        follows = before is not None and one.order == before.order + 1 and not one.is_fact
        number += 1 if follows else 2
        notes.append(build(Note, (*one.note[:-1], number)))
        before = one
    return notes


def choose(notes: Sequence[Note], max_tokens: int, counter: Counter) -> str:
    """Write the log that says most of worth.

    Args:
        notes: In the order in which they shall stand.
        max_tokens: What the text may take; it never takes more.
        counter: Counts.

    Returns:
        Empty where there is nothing worth saying, or not even one short entry fits.
    """
    known = {note.order: note for note in notes}

    def write(chosen: Iterable[Item]) -> str:
        return write_notes(known[at] for at in sorted(item.order for item in chosen))

    packed = pack(map(_item, notes), max_tokens, counter, writer=write, line_tokens=ENTRY_TOKENS)
    return packed.text or _one(notes, max_tokens, counter)


def _item(note: Note) -> Item:
    return build(Item, ("solving", "", note.text, note.worth, note.order, 0, "", False, note.kind, False))


def write_notes(notes: Iterable[Note]) -> str:
    """Write notes as they are given, whatever their size."""
    lines: dict[tuple[object, ...], list[Note]] = {}
    for note in notes:
        lines.setdefault((note.day, note.marker, *note.line), []).append(note)
    return write_log(map(_entry, lines.values()))


def _entry(notes: Sequence[Note]) -> Entry:
    first = notes[0]
    said = [_item(note) for note in notes if not note.is_detail]
    details = tuple(note.text for note in notes if note.is_detail)
    update = UPDATE if any(note.is_update for note in notes) else ""
    text = joined(said, SEPARATOR) if said else ""
    if not said and (not first.head or (len(details) == 1 and not first.head.startswith(FOUND))):
        text, details = details[0], details[1:]
    head = f"{first.head}: " if first.head and text else f"{first.head}:" if first.head else ""
    return Entry(first.day, first.time, first.marker, f"{update}{head}{text}", details)


def _one(notes: Sequence[Note], max_tokens: int, counter: Counter) -> str:
    """Write the best note alone, shortened until it fits; its head too, which may name a call with long arguments."""
    best = max(notes, key=lambda note: note.worth, default=None)
    for chars in CLAMPS if best is not None else ():
        assert best is not None
        text = write_notes([best._replace(head=best.head[:chars].strip(), text=best.text[:chars].strip())])
        if counter.count_text(text) <= max_tokens:
            return text
    return ""
