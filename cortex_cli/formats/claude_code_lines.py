"""Single lines of a Claude Code session as they are written: edited ones, and those that a compaction adds.

Source: FORMATS section 1 (order of keys, I3-I7), SPEC section 11.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any

from cortex_cli.formats import copies
from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.claude_code_records import SYNTHETIC_MODEL
from cortex_cli.formats.contents import edit_json, edit_result, text_of
from cortex_cli.formats.rewrite import parse_line
from cortex_cli.jsonedit import Delete, Edit, Path, Replace, edit, encode, prepend_member
from cortex_cli.jsonscan import parse_first
from cortex_cli.messages import WHOLE, Message, Part

ENVELOPE = ("isSidechain", "userType", "entrypoint", "cwd", "sessionId", "version", "gitBranch", "slug", "agentId")
"""What a new line takes over from its neighbour, in the order on disk."""

_PARENT = ("parentUuid",)


def parse_record(line: bytes) -> dict[str, Any]:
    """Parse a line again, as the load parsed it: of glued objects the first."""
    try:
        value = parse_line(line)
    except ValueError:
        value = parse_first(line)
    return dict(value)


def edit_record(line: bytes, change: RecordChange | None, parent: str | None) -> bytes:
    """Write a record with its changed parts.

    Args:
        line: The record as it came in.
        change: What differs; None where only the parent does.
        parent: Another parent, empty for none; None leaves it.
    """
    record = parse_record(line)
    edits = list(_part_edits(record, change)) if change is not None else []
    if parent is None:
        return edit(line, edits, record)
    value = parent or None
    try:
        return edit(line, [*edits, Replace(_PARENT, value)], record)
    except KeyError:  # a record of another writer, without the key
        return prepend_member(edit(line, edits), _PARENT[0], value)


def _part_edits(record: dict[str, Any], change: RecordChange) -> Iterator[Edit]:
    content = record["message"]["content"]
    path: Path = ("message", "content")
    for block, (old, new) in change.edited.items():
        place = path if block == WHOLE else (*path, block)
        if old.kind == "result":
            yield from _result_edits(place, content[block], old, new)
        elif old.kind == "call":
            yield from edit_json((*place, "input"), old.text, new.text)
        elif old.kind == "text":
            yield Replace(place if block == WHOLE else (*place, "text"), new.text)
    yield from (Delete((*path, block)) for block in change.removed if block != WHOLE)
    results = [pair for pair in change.edited.values() if pair[0].kind == "result"]
    if results and "toolUseResult" in record:
        yield from copies.shrink_all(("toolUseResult",), record["toolUseResult"], *results[0])


def _result_edits(path: Path, piece: dict[str, Any], old: Part, new: Part) -> Iterator[Edit]:
    if "content" in piece:
        yield from edit_result((*path, "content"), piece["content"], old, new)
    elif new.text != old.text:
        yield Replace(path, {**piece, "content": new.text})


def boundary_line(envelope: dict[str, Any], *, line_id: str, time: str, logical_parent: str, tokens: int) -> bytes:
    """Write the `compact_boundary` that a compaction begins with."""
    record = {
        "parentUuid": None,
        "logicalParentUuid": logical_parent or None,
        **envelope,
        "type": "system",
        "subtype": "compact_boundary",
        "content": "Conversation compacted",
        "isMeta": False,
        "timestamp": time,
        "uuid": line_id,
        "level": "info",
        "compactMetadata": {"trigger": "manual", "preTokens": tokens},
    }
    return encode(record)


def message_line(message: Message, envelope: dict[str, Any], *, line_id: str, parent: str, time: str) -> bytes:
    """Write a message of ours: a summary, log or notice, or the answer to one."""
    record: dict[str, Any] = {"parentUuid": parent or None, **envelope}
    if message.role == "assistant":
        said = {
            "id": line_id,
            "type": "message",
            "role": "assistant",
            "model": SYNTHETIC_MODEL,
            "content": [{"type": "text", "text": message.text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        record |= {"type": "assistant", "message": said}
    else:
        record |= {"type": "user", "message": {"role": "user", "content": message.text}}
        record |= {"isVisibleInTranscriptOnly": True, "isCompactSummary": True}
    return encode({**record, "uuid": line_id, "timestamp": time})


def result_line(part: Part, envelope: dict[str, Any], *, line_id: str, parent: str, call: str, time: str) -> bytes:
    """Write the result of a call that never got one."""
    block: dict[str, Any] = {"tool_use_id": part.call_id, "type": "tool_result", "content": part.text}
    if part.is_error:
        block["is_error"] = True
    record = {
        "parentUuid": parent or None,
        **envelope,
        "type": "user",
        "message": {"role": "user", "content": [block]},
        "uuid": line_id,
        "timestamp": time,
        "toolUseResult": part.text,
        "sourceToolAssistantUUID": call,
    }
    return encode(record)


def boundary_without(line: bytes, gone: Set[str], kept: Sequence[str]) -> bytes:
    """Write a boundary of the client's whose preserved records are no longer all there.

    Args:
        line: The boundary.
        gone: Ids of the preserved records that left.
        kept: Ids of those that stay, in order.
    """
    metadata = parse_record(line)["compactMetadata"]
    path: Path = ("compactMetadata",)
    edits: list[Edit] = []
    for name in ("preservedSegment", "preservedMessages"):
        found = metadata.get(name)
        if isinstance(found, dict):
            edits += _without((*path, name), found, gone, kept) if kept else [Delete((*path, name))]
    return edit(line, edits)


def _without(path: Path, found: dict[str, Any], gone: Set[str], kept: Sequence[str]) -> Iterator[Edit]:
    for key, value in found.items():
        if isinstance(value, list) and not gone.isdisjoint(filter(None, map(text_of, value))):
            yield Replace((*path, key), [one for one in value if one not in gone])
        elif text_of(value) in gone:
            yield Replace((*path, key), kept[0] if key == "headUuid" else kept[-1])


def leaf_line(line: bytes, leaf: str) -> bytes:
    """Write a `last-prompt` record with another leaf."""
    return edit(line, [Replace(("leafUuid",), leaf)])


def envelope_of(lines: Iterable[bytes]) -> dict[str, Any]:
    """Return what new lines take over from the first of their neighbours that can be read."""
    for line in lines:
        try:
            record = parse_record(line)
        except ValueError:
            continue
        return {key: record[key] for key in ENVELOPE if key in record}
    return {}


def newest_time(times: Sequence[str]) -> str:
    """Return the latest of several times, all in UTC."""
    return max(times, key=text_of, default="")
