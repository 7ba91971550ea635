"""What a compaction took away, as texts to be found again."""

from collections.abc import Container, Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from cortex_cli.messages import Message, Part, Transcript


class Removed(NamedTuple):
    """One text that left or was shortened, and where it stood."""

    text: str
    message: int = -1
    """0-based position in the live path; -1 for a record that was not on it."""
    part: int = -1
    line: int = 0
    """1-based line of its record; 0 where there is none."""
    message_id: str = ""
    role: str = ""
    tool: str = ""
    time: str = ""
    """ISO 8601, UTC; empty where not recorded."""


def removed_texts(transcript: Transcript) -> Iterator[Removed]:
    """Yield every text of the messages as loaded that is not in the messages as they are now."""
    now = {message.position: message for message in transcript.messages if message.position >= 0}
    for message in transcript.loaded:
        kept = now.get(message.position)
        if kept is message:
            continue
        places = {} if kept is None else {(part.record, part.block): part for part in kept.parts}
        for index, part in enumerate(message.parts):
            if part.text and places.get((part.record, part.block), _NOTHING).text != part.text:
                yield _removed(transcript, message, part, index)


_NOTHING = Part("text")


def _removed(transcript: Transcript, message: Message, part: Part, index: int) -> Removed:
    line = transcript.lines.get(part.record, part.record + 1) if part.record >= 0 else transcript.line_of(message)
    return Removed(part.text, message.position, index, line, message.id, message.role, part.name, message.time)


def side_texts(transcript: Transcript, lines: Iterable[int], known: Container[str] = ()) -> Iterator[Removed]:
    """Yield what is said in records that left and are no part of the live path: what an earlier compaction hid.

    Args:
        transcript: Of one record a line.
        lines: 0-based indices of the records that left.
        known: Texts that need not be said again: some clients write each message twice.
    """
    live = {record for message in transcript.loaded for record in message.records}
    for line in lines:
        if line not in live and line < len(transcript.records):
            yield from _side_text(transcript.records[line], line, known)


def _side_text(record: bytes, line: int, known: Container[str]) -> Iterator[Removed]:
    try:
        value = orjson.loads(record)
    except ValueError:
        if record.strip():
            yield Removed(record.decode(errors="replace"), line=line + 1, role="record")
        return
    if text := "\n".join(one for one in _strings(value) if one not in known):
        fields = value if isinstance(value, dict) else {}
        named = [fields.get(name) for name in ("type", "timestamp")]
        kind, time = (one if isinstance(one, str) else "" for one in named)
        yield Removed(text, line=line + 1, role=kind or "record", time=time)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


def encoded(text: str) -> bytes:
    """Return the bytes of a text; half a surrogate pair has some too."""
    return text.encode("utf-8", "surrogatepass")


def decoded(data: bytes) -> str:
    """Return the text of `encoded`."""
    return data.decode("utf-8", "surrogatepass")


def searchable(text: str) -> str:
    """Return a text as SQLite can index it: without NUL, which ends it there, and without half surrogates."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode()
