"""How a changed pi session is written: edits in place, links mended, and the `compaction` entry of a compaction.

The compaction stands on the path before the first kept entry: pi sends its summary first, then all that
follows it. Source: SPEC section 11; what the real client makes of it is in `tests/clients/test_pi_resumes.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cortex_cli.formats import pi_history
from cortex_cli.formats.carrier import Carrier, plan_carrier
from cortex_cli.formats.changes import RecordChange, is_changed, record_changes
from cortex_cli.formats.contents import shrink_copies
from cortex_cli.formats.pi_nodes import Node, Writer, old_node
from cortex_cli.formats.pi_tree import SPOKEN, Tree
from cortex_cli.jsonedit import Delete, Edit, Insert, Path, Replace
from cortex_cli.messages import Message, Transcript


def dump(transcript: Transcript, *, keep_history: bool = False) -> Iterator[bytes]:
    """Yield the bytes of a session.

    Args:
        transcript: As loaded, with other messages.
        keep_history: Leave what stood before the compaction in the file, as its ancestors.
    """
    if not is_changed(transcript):
        yield b"\n".join(transcript.records)
        return
    transcript = _in_path_order(transcript)
    tree: Tree = transcript.layout
    writer = Writer(transcript)
    carrier = plan(transcript)
    carried = [] if carrier is None else _carried(transcript, carrier, writer)
    start = 0 if carrier is None else _start(transcript, carrier)
    nodes = _nodes(transcript, start, carried, keep_history)
    nodes = _up_to_leaf(tree, _with_results(transcript, nodes, writer))
    _edit_contents(transcript, nodes)
    if tree.version >= 2:
        _link(tree, nodes)
    _point_compactions(tree, nodes)
    yield b"\n".join(node.render(transcript) for node in nodes)


def _in_path_order(transcript: Transcript) -> Transcript:
    """Let entries stand in the file as they follow each other on the path: what is written goes by that order.

    pi only appends, so they nearly always do; it reads others all the same, by their links.
    """
    tree: Tree = transcript.layout
    path = [entry.record for entry in tree.path]
    places = dict(zip(path, sorted(path), strict=True))
    if all(record == place for record, place in places.items()):
        return transcript
    records = list(transcript.records)
    for record, place in places.items():
        records[place] = transcript.records[record]
    moved = {id(one): _moved(one, places) for one in (*transcript.loaded, *transcript.messages)}
    return replace(
        transcript,
        records=tuple(records),
        layout=tree.with_records(places),
        loaded=tuple(moved[id(one)] for one in transcript.loaded),
        messages=tuple(moved[id(one)] for one in transcript.messages),
    )


def _moved(message: Message, places: Mapping[int, int]) -> Message:
    parts = tuple(part._replace(record=places.get(part.record, part.record)) for part in message.parts)
    return message._replace(parts=parts, records=tuple(places.get(record, record) for record in message.records))


def plan(transcript: Transcript) -> Carrier | None:
    """Split a compacted conversation; a compaction that stays cannot stay where it is."""
    carrier = plan_carrier(transcript.messages)
    if carrier is None:
        return None
    at = next((at for at, one in enumerate(carrier.tail) if is_earlier(one, transcript)), None)
    if at is None:
        return carrier
    tail = (*carrier.tail[:at], *carrier.tail[at + 1 :])
    return carrier._replace(apart=(*carrier.apart, carrier.tail[at]), tail=tail)


def is_earlier(message: Message, transcript: Transcript) -> bool:
    """Tell whether a message is the summary of the compaction that is in effect."""
    return transcript.layout.compaction_record in message.records


def in_order(carrier: Carrier, transcript: Transcript) -> tuple[Message, ...]:
    """Return what stands before the tail in the order pi sends it: an earlier compaction, ours, the rest."""
    standing = set(map(id, (*carrier.slots, *carrier.apart)))
    rest = [message for message in transcript.messages if id(message) in standing]
    earlier = [message for message in rest if is_earlier(message, transcript)]
    return (*earlier, *carrier.ours, *(message for message in rest if message not in earlier))


def _start(transcript: Transcript, carrier: Carrier) -> int:
    first = carrier.first_record
    return first if first is not None else max(entry.record for entry in transcript.layout.entries) + 1


def _carried(transcript: Transcript, carrier: Carrier, writer: Writer) -> list[Node]:
    """Build the compaction and what stands right behind it."""
    entries = {entry.record: entry for entry in writer.tree.entries}
    nodes: list[Node] = []
    for message in in_order(carrier, transcript):
        if message.records:
            node = old_node(message.records[0], entries[message.records[0]])
            node.is_carried = True
            if node.is_compaction:
                node.put("timestamp", writer.newest_time, None)
            nodes.append(node)
        elif message.position < 0 and message.result is None:  # results follow their call, see `_with_results`
            nodes.append(writer.carried(message, carrier, is_first=not nodes))
    return nodes


def _nodes(transcript: Transcript, start: int, carried: Sequence[Node], keep_history: bool) -> list[Node]:
    """Put the lines that stay in their order, what is carried before the start."""
    entries = {entry.record: entry for entry in transcript.layout.entries}
    leaving = _leaving(transcript, start, keep_history)
    standing = {node.record for node in carried}
    nodes: list[Node] = []
    for record in range(len(transcript.records)):
        if record == start:
            nodes.extend(carried)
        if record not in leaving and record not in standing:
            nodes.append(old_node(record, entries.get(record)))
    return [*nodes, *carried] if start >= len(transcript.records) else nodes


def _leaving(transcript: Transcript, start: int, keep_history: bool) -> set[int]:
    """Return the records that leave: what is no longer sent, and what would be in effect in the new one's place."""
    tree: Tree = transcript.layout
    leaving = record_changes(transcript).gone
    if start:
        leaving = {record for record in leaving if record >= start}
        leaving |= {entry.record for entry in tree.path if entry.kind == "compaction" and entry.record >= start}
        if not keep_history:
            leaving |= {entry.record for entry in tree.entries if entry.record < start and entry.kind in SPOKEN}
    return leaving


def _with_results(transcript: Transcript, nodes: list[Node], writer: Writer) -> list[Node]:
    """Put results that repair wrote right behind the entry that they follow."""
    added: dict[int, list[Node]] = {}
    follows = -1
    for message in transcript.messages:
        if message.records:
            follows = message.records[0]
        elif message.position < 0 and message.result is not None:
            added.setdefault(follows, []).append(writer.result(message))
    return [one for node in nodes for one in (node, *(added.get(node.record, ()) if node.record >= 0 else ()))]


def _edit_contents(transcript: Transcript, nodes: Sequence[Node]) -> None:
    """Write changed parts into their entries."""
    changes = record_changes(transcript).edited
    for node in nodes:
        change = changes.get(node.record)
        if change is None or node.entry is None:
            continue
        value = node.entry.value
        path: Path = ("message",) if node.entry.kind == "message" else ()
        message = value["message"] if path else value
        edits = [*pi_history.edit_element(message, change), *_shrink_details(message.get("details"), change)]
        node.edits += [_below(path, one) for one in edits]


def _below(path: Path, one: Edit) -> Edit:
    if isinstance(one, Delete):
        return Delete((*path, *one.path))
    if isinstance(one, Insert):
        return Insert((*path, *one.path), one.values)
    return Replace((*path, *one.path), one.value)


def _shrink_details(details: Any, change: RecordChange) -> Iterator[Edit]:
    """Shorten what a result's details repeat of its text; pi does not send them."""
    for old, new in change.edited.values():
        if old.kind == "result":
            yield from shrink_copies(("details",), details, old.text, new.text)


def _path_of(tree: Tree, nodes: Sequence[Node]) -> list[Node]:
    """Return the nodes of the new path: what is left of the old one, with what is carried where it stands now."""
    on_path = {entry.record for entry in tree.path}
    return [node for node in nodes if node.value is not None or node.is_carried or node.record in on_path]


def _up_to_leaf(tree: Tree, nodes: Sequence[Node]) -> list[Node]:
    """Take out entries beside the path behind all of it that stays: pi goes on from the last entry of a file."""
    on_path = set(map(id, _path_of(tree, nodes)))
    leaf = max((at for at, node in enumerate(nodes) if id(node) in on_path), default=len(nodes))
    return [node for at, node in enumerate(nodes) if at <= leaf or node.entry is None]


def _link(tree: Tree, nodes: Sequence[Node]) -> None:
    """Give every entry a parent that is there: on the path the one before it, elsewhere the nearest that stayed."""
    before = ""
    on_path = set()
    for node in _path_of(tree, nodes):
        node.put("parentId", before or None, node.entry.value.get("parentId") if node.entry else None)
        before = node.id
        on_path.add(before)
    left = {node.id for node in nodes}
    parents = {entry.id: entry.parent for entry in tree.entries}
    for node in nodes:
        if node.entry is None or node.id in on_path:
            continue
        parent = node.entry.parent
        while parent in parents and parent not in left:
            parent = parents[parent]
        if parent != node.entry.parent:
            node.put("parentId", parent or None, node.entry.parent)


def _point_compactions(tree: Tree, nodes: Sequence[Node]) -> None:
    """Let every compaction on the path keep what it kept, or nothing of what stands before it if it was moved.

    Version 1 counts lines where later versions name an id.
    """
    member = "firstKeptEntryId" if tree.version >= 2 else "firstKeptEntryIndex"
    objects = set(tree.objects)
    counted = [node for node in nodes if node.record in objects or node.value is not None]
    numbers = {id(node): number for number, node in enumerate(counted)}
    path = _path_of(tree, nodes)
    for at, node in enumerate(path):
        if not node.is_compaction:
            continue
        kept = path[at + 1] if at + 1 < len(path) else node
        old = node.entry.value.get(member) if node.entry is not None else None
        if not node.is_carried:
            first = _old_first(tree, node)
            kept = next((one for one in path[:at] if first is not None and one.record >= first), None) or kept
            if first is None:
                continue
        node.put(member, kept.id if tree.version >= 2 else numbers[id(kept)], old)


def _old_first(tree: Tree, node: Node) -> int | None:
    """Return the record that a compaction kept first; None if it kept nothing from before it."""
    assert node.entry is not None  # lines of ours are carried
    at = next(at for at, entry in enumerate(tree.path) if entry.record == node.record)
    kept = node.entry.value.get("firstKeptEntryId")
    return next((entry.record for entry in tree.path[:at] if kept and entry.id == kept), None)
