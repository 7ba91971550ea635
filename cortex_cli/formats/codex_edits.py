"""Edits of single rollout lines: an item's text, an item of a compaction's history, a copy in an event."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.codex_layout import CALLS, OUTPUT, Layout, is_output, place_of
from cortex_cli.formats.codex_replay import OWN, SUMMARY, type_of
from cortex_cli.formats.contents import edit_json, edit_result
from cortex_cli.formats.rewrite import parse_line
from cortex_cli.jsonedit import Delete, Edit, Path, Replace, edit, encode
from cortex_cli.jsonscan import cut_out
from cortex_cli.messages import WHOLE, Message, Part, Transcript

COPY_KEYS = frozenset({"aggregated_output", "formatted_output", "stdout", "stderr", "output", "text"})
"""Members of events that repeat a tool's output, at any depth."""

PartChanges = dict[int, tuple[Part, Part]]


def edit_item(line: bytes, change: RecordChange) -> bytes:
    """Edit a line that holds one item."""
    record = parse_line(line)
    return edit(line, item_edits(("payload",), record["payload"], change.edited, change.removed), record)


def item_edits(path: Path, payload: dict[str, Any], edited: PartChanges, removed: Iterable[int]) -> Iterator[Edit]:
    """Write changed parts into the item at `path`, and take removed pieces out."""
    kind = type_of(payload)
    for block, (old, new) in edited.items():
        if is_output(payload, kind):
            yield from edit_result((*path, OUTPUT), payload.get(OUTPUT), old, new, "input_text")
        elif kind in CALLS:
            place = (*path, CALLS[kind])
            yield from edit_json(place, old.text, new.text) if old.json else [Replace(place, new.text)]
        elif old.kind == "text":
            yield Replace((*path, "content") if block == WHOLE else (*path, "content", block, "text"), new.text)
    yield from (Delete((*path, "content", block)) for block in removed if block != WHOLE)


def edit_compacted(line: bytes, change: RecordChange | None, loaded: Sequence[Message], record: int) -> bytes:
    """Edit items in the history of a compaction; it stays even if nothing is left of them (`change` is None).

    Without its line the client would read what stood before it again.
    """
    payload = parse_line(line)["payload"]
    path: Path = ("payload", "replacement_history")
    history = payload.get("replacement_history")
    if not isinstance(history, list):
        return line
    places = _by_place(loaded, record)
    edits: list[Edit] = []
    for place, blocks in places.items():
        gone = {block for full, block in blocks.items() if change is not None and full in change.removed}
        if change is None or gone == set(blocks.values()):
            edits.append(Delete((*path, place)))
            metadata = payload.get("replacement_history_metadata")
            if isinstance(metadata, list) and len(metadata) == len(history):
                edits.append(Delete(("payload", "replacement_history_metadata", place)))
            continue
        edited = {block: change.edited[full] for full, block in blocks.items() if full in change.edited}
        edits.extend(item_edits((*path, place), history[place], edited, sorted(gone)))
    return edit(line, edits)


def _by_place(loaded: Sequence[Message], record: int) -> dict[int, dict[int, int]]:
    """Return {place: {block of the part: position in the item's content}} of a compaction's items."""
    places: dict[int, dict[int, int]] = {}
    for message in loaded:
        for part in message.parts:
            if part.record == record:
                place, block = place_of(part.block, "compacted")
                places.setdefault(place, {})[part.block] = block
    return {place: blocks for place, blocks in places.items() if place >= 0}


def shrink_copy(line: bytes, text: str) -> bytes:
    """Replace the longer strings of an event that repeat a tool's output by its new text."""
    record = parse_line(line)
    paths = _long_strings(("payload",), record["payload"], len(text))
    return edit(line, [Replace(path, text) for path in paths], record)


def _long_strings(path: Path, value: Any, chars: int) -> Iterator[Path]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        if isinstance(member, str):
            if key in COPY_KEYS and len(member) > chars:
                yield (*path, key)
        else:
            yield from _long_strings((*path, key), member, chars)


def item_bytes(transcript: Transcript, message: Message) -> Iterator[bytes]:
    """Yield the items of a message as they go into a compaction's history: their own bytes, but for what changed."""
    if not message.records:
        yield from (encode(_new_item(message)) for _ in range(bool(message.parts)))
        return
    layout: Layout = transcript.layout
    before = {(part.record, part.block): part for part in transcript.loaded[message.position].parts}
    groups: dict[tuple[int, int], list[Part]] = {}
    for record in message.records:
        if layout.kinds[record] == "item":
            groups[record, OWN] = []
    for part in message.parts:
        place, _ = place_of(part.block, layout.kinds[part.record])
        groups.setdefault((part.record, place), []).append(part)
    for (record, place), parts in groups.items():
        if place == SUMMARY or record in layout.rebuilt:
            yield encode(_new_item(message))
        else:
            yield _kept_item(transcript.records[record], layout.kinds[record], place, parts, before)


def _new_item(message: Message) -> dict[str, Any]:
    role = "user" if message.role != "assistant" else "assistant"
    kind = "input_text" if role == "user" else "output_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": message.text}]}


def _kept_item(line: bytes, kind: Any, place: int, parts: Sequence[Part], before: dict[tuple[int, int], Part]) -> bytes:
    """Cut an item out of its line and write what changed in it."""
    payload = parse_line(line)["payload"]
    item = payload if place == OWN else payload["replacement_history"][place]
    path: Path = ("payload",) if place == OWN else ("payload", "replacement_history", place)
    data = cut_out(line, path)
    try:
        data.decode()
    except UnicodeDecodeError:  # may not spread into a line of ours
        data = encode(item)
    now = {place_of(part.block, kind)[1]: part for part in parts}
    was = {
        place_of(part.block, kind)[1]: part
        for part in before.values()
        if parts and part.record == parts[0].record and place_of(part.block, kind)[0] == place
    }
    edited = {block: (old, now[block]) for block, old in was.items() if block in now and now[block] != old}
    return edit(data, item_edits((), item, edited, sorted(was.keys() - now.keys())))
