"""What a dump has to do: the difference between a transcript as loaded and as it is now, by record."""

from collections.abc import Iterable
from typing import NamedTuple

from cortex_cli.messages import Message, Part, Transcript


class RecordChange(NamedTuple):
    """What becomes of one record of which something stays."""

    edited: dict[int, tuple[Part, Part]]
    """Block -> (part as loaded, part as it is now), where they differ."""
    removed: frozenset[int]
    """Blocks whose parts are gone."""


class Changes(NamedTuple):
    """What becomes of the records; those not named stay as they are."""

    edited: dict[int, RecordChange]
    gone: set[int]
    """Of which no message, or no part, is left."""


def is_changed(transcript: Transcript) -> bool:
    """Tell whether anything differs from what was loaded; if not, the input's own bytes are the dump."""
    return transcript.messages is not transcript.loaded and transcript.messages != transcript.loaded


def record_changes(transcript: Transcript) -> Changes:
    """Compare `messages` with `loaded`."""
    touched = _touched_records(transcript)
    kept = touched.intersection(record for message in transcript.messages for record in message.records)
    after = _parts_by_record(transcript.messages, kept)
    changes = Changes({}, touched - kept)
    for record, parts in _parts_by_record(transcript.loaded, kept).items():
        now = after[record]
        edited = {block: (part, now[block]) for block, part in parts.items() if block in now and now[block] != part}
        removed = frozenset(parts.keys() - now.keys())
        if removed and not now:
            changes.gone.add(record)
        elif edited or removed:
            changes.edited[record] = RecordChange(edited, removed)
    return changes


def _touched_records(transcript: Transcript) -> set[int]:
    """Return the records of all messages that are not the same objects as before: most messages are."""
    kept = {id(message): message for message in transcript.messages}
    loaded = {id(message): message for message in transcript.loaded}
    other = [message for name, message in loaded.items() if name not in kept]
    other += [message for name, message in kept.items() if name not in loaded]
    records = {record for message in other for record in message.records}
    records.update(part.record for message in other for part in message.parts if part.record >= 0)
    return records


def _parts_by_record(messages: tuple[Message, ...], records: Iterable[int]) -> dict[int, dict[int, Part]]:
    """Return record -> block -> part, of these records."""
    found: dict[int, dict[int, Part]] = {record: {} for record in records}
    for message in messages:
        for part in message.parts:
            if part.record in found:
                found[part.record][part.block] = part
    return found
