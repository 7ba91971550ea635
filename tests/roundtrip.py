"""Bytes in, bytes out, and what must be the same on both sides: for tests over files of every format."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from cortex_cli import formats, packing
from cortex_cli.files import STDIO
from cortex_cli.formats import pi_dump, sharegpt
from cortex_cli.formats.carrier import plan_carrier
from cortex_cli.formats.source import Source
from cortex_cli.jsonedit import parse
from cortex_cli.jsonscan import cut_out
from cortex_cli.messages import Message, Transcript

CARRYING = ("claude-code", "codex", "pi", "atif")
"""Formats with a record of their own for a compaction (SPEC section 11)."""

_NUMBERED = re.compile(r"#\d+\Z")
"""What the reader of chat completions puts behind ids that come again."""

_LINK = re.compile(rb'"(?:parentUuid|parentId|logicalParentUuid|firstKeptEntryId)": ?(?:null|"[^"]*")')


_packed: dict[bytes, bytes] = {}
"""Contents -> the zip that they were in, of what was loaded last: a zip is written by way of the one that was read."""

MAX_PACKED = 64


def load(data: bytes, name: str = "auto") -> Transcript:
    """Read bytes as a format."""
    contents = packing.unpack(data, STDIO)
    if contents is not data:
        if len(_packed) == MAX_PACKED:
            _packed.clear()
        _packed[contents] = data
    return formats.load(Source(contents, "t.jsonl"), name)


def dump(transcript: Transcript) -> bytes:
    """Write a transcript, in a zip where it came in one."""
    records = transcript.records
    packed = _packed.get(records[0]) if _packed and len(records) == 1 else None
    return b"".join(packing.pack(formats.dump(transcript), STDIO, packed))


def load_all(data: bytes) -> tuple[Transcript, ...]:
    """Read all conversations of a file."""
    return formats.load_all(Source(data, "t.jsonl"))


def dump_all(transcripts: Sequence[Transcript]) -> bytes:
    """Write all conversations of a file."""
    return b"".join(formats.dump_all(transcripts))


def as_read_back(transcript: Transcript) -> tuple[Message, ...]:
    """Return a compacted conversation in the order it will be loaded in: sessions put ours before the pinned."""
    if formats.rules_of(transcript.format).alternates:
        messages = _notice_behind_task(transcript.messages)
        return tuple(map(sharegpt.without_marks, messages)) if transcript.format == "sharegpt" else messages
    if transcript.format == "pi":
        plan = pi_dump.plan(transcript)
        return transcript.messages if plan is None else (*pi_dump.in_order(plan, transcript), *plan.tail)
    if transcript.format == "gemini-cli":
        return tuple(_in_call_order(transcript.messages))
    carrier = plan_carrier(transcript.messages) if transcript.format in CARRYING else None
    return transcript.messages if carrier is None else carrier.messages


def _notice_behind_task(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Put a notice in front of a task that was not pinned behind it: the bytes are those of one that was."""
    at = next((at for at, one in enumerate(messages) if one.typed or one.synthetic in ("summary", "log")), 0)
    if not at or not messages[at].typed:
        return messages
    *before, own = messages[:at]
    is_answer = own.role != "user" or (own.position < 0 and bool(before) and before[-1].role == "user")
    is_apart = own.position >= 0 and own.records != messages[at].records
    if own.synthetic != "notice" or is_answer or is_apart:
        return messages
    return (*before, messages[at], own, *messages[at + 1 :])


def _in_call_order(messages: tuple[Message, ...]) -> Iterator[Message]:
    """Put the results that stand in the record of their calls into the order of the calls."""
    at = 0
    while at < len(messages):
        message = messages[at]
        end = at + 1
        while end < len(messages) and messages[end].role == "tool":
            end += 1
        results = list(messages[at + 1 : end])
        order = {part.call_id: number for number, part in enumerate(message.calls)}
        own = [one for one in results if not one.records or one.records == message.records]
        own.sort(key=lambda one: order.get(one.parts[0].call_id, len(order)))
        yield from (message, *own, *(one for one in results if one not in own))
        at = end


def essence(messages: tuple[Message, ...]) -> list[tuple[str, ...]]:
    """Return what the model reads, apart from where it stands; a notice between two users is written as an answer."""
    roles = ("user" if one.synthetic == "notice" else one.role for one in messages)
    return [
        (role, part.kind, part.text, _NUMBERED.sub("", part.call_id))
        for role, one in zip(roles, messages, strict=True)
        for part in one.parts
    ]


def missing_record(before: Transcript, after: Transcript, output: bytes) -> bytes | None:
    """Return a record that nobody edited and that is not the same bytes, in its order, in the output.

    Only the links to parents may differ, which a dump mends where a record left, and what a compaction that
    stays says of its place. What Codex carries in a compaction is the same payload without its line.
    """
    text = _LINK.sub(b"", output)
    at = 0
    for record in _untouched_records(before, after):
        if before.format == "pi" and parse(record)["type"] == "compaction":
            continue
        if before.format == "gemini-cli" and record.startswith(b'{"$set"'):
            continue
        if before.format == "codex" and record not in text and cut_out(record, ("payload",)) in text:
            continue
        found = text.find(_LINK.sub(b"", record), at)
        if found < 0:
            return record
        at = found
    return None


def _untouched_records(before: Transcript, after: Transcript) -> Iterator[bytes]:
    """Yield the records all of whose messages are as they were loaded; none of one document."""
    if len(before.records) < 2:
        return
    kept = {message.position: message for message in after.messages}
    same, touched = set[int](), set[int]()
    for message in before.loaded:
        (same if kept.get(message.position) == message else touched).update(message.records)
    if formats.rules_of(after.format).alternates:
        touched.update(_hosts(after.messages))
    if before.format == "gemini-cli":
        touched.update(_closed(after.messages))
    for record in sorted(same - touched):
        yield before.records[record]


def _closed(messages: tuple[Message, ...]) -> Iterator[int]:
    """Yield the records whose calls got a result of ours: there is no other place for it."""
    newest: dict[str, int] = {}
    for message in messages:
        newest.update((part.call_id, part.record) for part in message.calls)
        if message.result is not None and message.position < 0:
            yield newest[message.result.call_id]


def _hosts(messages: tuple[Message, ...]) -> Iterator[int]:
    """Yield the records that a message of ours is written into, where users and assistants take turns."""
    for one, two in pairwise(messages):
        if one.position < 0 or two.position < 0:
            yield from one.records
            yield from two.records
