"""What a dump has to do: the difference between a transcript as loaded and as it is now, by record."""

from typing import NamedTuple

from cortex_cli.messages import Message, Part, Transcript


class RecordChange(NamedTuple):
    """What becomes of one record."""

    edited: dict[int, tuple[Part, Part]]
    """Block -> (part as loaded, part as it is now), where they differ."""
    removed: frozenset[int]
    """Blocks whose parts are gone while others of the record stay."""
    gone: bool
    """No message that stood in the record is left."""


def is_changed(transcript: Transcript) -> bool:
    """Tell whether anything differs from what was loaded; if not, the input's own bytes are the dump."""
    return transcript.messages is not transcript.loaded and transcript.messages != transcript.loaded


def record_changes(transcript: Transcript) -> dict[int, RecordChange]:
    """Compare `messages` with `loaded`.

    Returns:
        An entry for every record whose bytes must differ; records not named stay as they are.
    """
    before = _parts_by_record(transcript.loaded)
    after = _parts_by_record(transcript.messages)
    kept = {record for message in transcript.messages for record in message.records}
    changes: dict[int, RecordChange] = {}
    for record, parts in before.items():
        if record not in kept:
            changes[record] = RecordChange({}, frozenset(parts), gone=True)
            continue
        now = after.get(record, {})
        edited = {block: (part, now[block]) for block, part in parts.items() if block in now and now[block] != part}
        removed = frozenset(parts.keys() - now.keys())
        if edited or removed:
            changes[record] = RecordChange(edited, removed, gone=False)
    return changes


def _parts_by_record(messages: tuple[Message, ...]) -> dict[int, dict[int, Part]]:
    found: dict[int, dict[int, Part]] = {}
    for message in messages:
        for record in message.records:
            found.setdefault(record, {})
        for part in message.parts:
            if part.record >= 0:
                found.setdefault(part.record, {})[part.block] = part
    return found
