"""Which records of a Claude Code session are the conversation, as the client finds out on resume.

A session is a tree of records joined by `parentUuid`. The live path is the way from the newest leaf up to
a root or the newest compaction, with the parallel branches of one answer put back in. Every rule here was
tried in the client (2.1.330) and is held by `tests/clients`. Source besides: FORMATS section 1.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from cortex_cli.formats.times import to_utc

LARGE_FILE_BYTES = 5 * 1024 * 1024
"""Of larger files the client does not even read what stands before the last boundary."""

BRIDGE_SECONDS = 5.0
"""A record whose parent is missing follows the newest record at most this much older."""


@dataclass(slots=True, eq=False)
class Link:
    """A record's place in the chain, as it stands in the file."""

    uuid: str
    parent: str
    """Empty for a root."""


@dataclass(slots=True, eq=False)
class Node(Link):
    """One record of the tree; for the live path, records that the client does not count (`progress`) are stepped over.

    No tuple, for its members are asked for a hundred thousand times; never changed all the same.
    """

    index: int
    """Of its line."""
    kind: str
    """user, assistant, system or attachment."""
    timestamp: Any = ""
    """As it stands in the file."""
    sidechain: bool = False
    answer: str = ""
    """`message.id` of an assistant record: the answer that it is a piece of."""
    has_results: bool = False
    follows: bool = False
    """Belongs to what stands above it: meta texts, attachments, system records."""
    boundary: bool = False
    """A `compact_boundary`."""

    @property
    def time(self) -> str:
        """ISO 8601, UTC; worked out where it is asked for, which it is of every second record."""
        return to_utc(self.timestamp)

    def hung_on(self, parent: str) -> "Node":
        """Return the same place below another parent."""
        kind, timestamp, is_side = self.kind, self.timestamp, self.sidechain
        flags = self.has_results, self.follows, self.boundary
        return Node(self.uuid, parent, self.index, kind, timestamp, is_side, self.answer, *flags)


class Preserved(NamedTuple):
    """What the client's own compaction kept from before its boundary."""

    anchor: str
    """The record that they follow: the summary."""
    uuids: tuple[str, ...] = ()
    """The kept records, in order; empty where `head` and `tail` tell."""
    known: tuple[str, ...] = ()
    """All records that may be named in `uuids`."""
    head: str = ""
    tail: str = ""


class Tree(NamedTuple):
    """The records of a session that have a place in the conversation."""

    nodes: Sequence[Node]
    """In the order of the file; of two with one uuid the later stands in the place of the earlier."""
    leaf: str = ""
    """What the newest `last-prompt` record calls the leaf."""
    preserved: Preserved | None = None
    """Of the newest boundary."""
    is_large: bool = False


def live_path(tree: Tree) -> list[Node]:
    """Return the records of the conversation, oldest first."""
    nodes = {node.uuid: node for node in tree.nodes}
    if not any(not node.sidechain for node in nodes.values()):
        nodes = {uuid: replace(node, sidechain=False) for uuid, node in nodes.items()}  # an agent's own file
    boundary = next((node for node in reversed(list(nodes.values())) if node.boundary and not node.sidechain), None)
    if boundary is not None:
        nodes = _without_prefix(nodes, boundary, tree.preserved) if tree.is_large else nodes
        nodes = _relinked(nodes, tree.preserved)
    leaf = _find_leaf(nodes, tree.leaf)
    if leaf is None:
        return []
    return _with_branches(_walk_up(nodes, leaf), nodes)


def _without_prefix(nodes: Mapping[str, Node], boundary: Node, preserved: Preserved | None) -> dict[str, Node]:
    kept = set(preserved.uuids) if preserved else set()
    if preserved and not kept:
        kept = {node.uuid for node in _segment(nodes, preserved)}
    return {uuid: node for uuid, node in nodes.items() if node.index >= boundary.index or uuid in kept}


def _segment(nodes: Mapping[str, Node], preserved: Preserved) -> list[Node]:
    """Return the records from head to tail, or nothing where the tail does not lead up to the head."""
    found: list[Node] = []
    for node in _ancestors(nodes, preserved.tail):
        found.append(node)
        if node.uuid == preserved.head:
            return found[::-1]
    return []


def _relinked(nodes: dict[str, Node], preserved: Preserved | None) -> dict[str, Node]:
    """Hang what the newest compaction kept between its summary and what followed."""
    if preserved is None or preserved.anchor not in nodes:
        return nodes
    if preserved.uuids:
        known = set(preserved.known or preserved.uuids)
        chain = [nodes[uuid] for uuid in preserved.uuids if uuid in nodes and uuid in known]
        if len(chain) < len(preserved.uuids):
            return nodes
        kept = {node.uuid: nodes[node.uuid] for node in chain}
        moved, parent = {}, preserved.anchor
        for uuid, node in kept.items():
            moved[uuid] = node.hung_on(parent)
            parent = uuid
    else:
        chain = _segment(nodes, preserved)
        if not chain:
            return nodes
        moved = {chain[0].uuid: chain[0].hung_on(preserved.anchor)}
    inside = {node.uuid for node in chain}
    tail = chain[-1].uuid
    for uuid, node in nodes.items():
        if node.parent == preserved.anchor and uuid not in inside:
            moved[uuid] = node.hung_on(tail)
    return nodes | moved


def _find_leaf(nodes: Mapping[str, Node], wanted: str) -> Node | None:
    """Return the newest record that nothing follows, unless it does not come from the leaf that the client noted."""
    parents = {node.parent for node in nodes.values()}
    ends = (node for node in reversed(list(nodes.values())) if node.uuid not in parents and not node.sidechain)
    newest = next((node for node in ends if _leads_to_message(nodes, node)), None)
    noted = nodes.get(wanted)
    if noted is None or newest is None:
        return newest
    return newest if any(node is noted for node in _ancestors(nodes, newest.uuid)) else noted


def _leads_to_message(nodes: Mapping[str, Node], end: Node) -> bool:
    return any(node.kind in ("user", "assistant") for node in _ancestors(nodes, end.uuid))


def _ancestors(nodes: Mapping[str, Node], uuid: str) -> Iterator[Node]:
    """Yield a record and all above it, as far as they are linked; every record once."""
    seen: set[str] = set()
    while uuid in nodes and uuid not in seen:
        seen.add(uuid)
        yield nodes[uuid]
        uuid = nodes[uuid].parent


def _walk_up(nodes: Mapping[str, Node], leaf: Node) -> list[Node]:
    """Return the path from the newest boundary or a root down to a leaf, over gaps in the chain."""
    path: list[Node] = []
    seen: set[str] = set()
    by_time: list[tuple[float, int, Node]] = []
    node: Node | None = leaf
    while node is not None and node.uuid not in seen:
        seen.add(node.uuid)
        path.append(node)
        if node.boundary or not node.parent:
            break
        parent = nodes.get(node.parent)
        if parent is None:
            by_time = by_time or sorted((_seconds(one.time), place, one) for place, one in enumerate(nodes.values()))
            parent = _bridge(by_time, node)
        node = parent
    return path[::-1]


def _bridge(by_time: Sequence[tuple[float, int, Node]], orphan: Node) -> Node | None:
    """Find what a record follows whose parent is not in the file: the newest one shortly before it."""
    at = _seconds(orphan.time)
    for place in range(bisect_right(by_time, at, key=itemgetter(0)) - 1, -1, -1):
        time, _, node = by_time[place]
        if time < at - BRIDGE_SECONDS:
            return None
        if node.uuid != orphan.uuid and not node.sidechain:
            return node
    return None


def _seconds(time: str) -> float:
    try:
        return datetime.fromisoformat(time).timestamp()
    except ValueError:
        return float("-inf")


def _with_branches(path: list[Node], nodes: Mapping[str, Node]) -> list[Node]:
    """Put back the pieces of an answer, and the results of its calls, that hang beside the path."""
    last = {node.answer: position for position, node in enumerate(path) if node.answer}
    if not last:
        return path
    on_path = {node.uuid for node in path}
    if len(on_path) == len(nodes):
        return path  # nothing stands beside it
    pieces: dict[str, list[Node]] = {}
    children: dict[str, list[Node]] = {}  # those beside the path
    for node in nodes.values():
        if node.uuid not in on_path:
            children.setdefault(node.parent, []).append(node)
        if node.answer in last and not node.sidechain:
            pieces.setdefault(node.answer, []).append(node)
    beside: dict[int, list[Node]] = {}
    for answer, position in last.items():
        own = pieces.get(answer, ())
        results = [child for piece in own for child in children.get(piece.uuid, ()) if child.has_results]
        found = [node for node in own if node.uuid not in on_path]
        for result in results:
            if result.uuid not in on_path:
                found += (result, *_followers(result, children, on_path))
        if found:
            beside[position] = found
    return _merged(path, beside)


def _merged(path: list[Node], beside: Mapping[int, list[Node]]) -> list[Node]:
    """Put what stands beside an answer behind its last piece on the path; its results come in the file's order."""
    merged: list[Node] = []
    position = 0
    while position < len(path):
        merged.append(path[position])
        found = beside.get(position, [])
        position += 1
        if found:
            start = position
            while position < len(path) and (path[position].has_results or path[position].follows):
                position += 1
            merged += (node for node in found if node.kind == "assistant")
            rest = [node for node in found if node.kind != "assistant"]
            merged += sorted((*path[start:position], *rest), key=lambda node: node.index)
    return merged


def _followers(node: Node, children: Mapping[str, Sequence[Node]], on_path: set[str]) -> list[Node]:
    """Return the meta texts and attachments that hang below a record."""
    found: list[Node] = []
    waiting = [node]
    while waiting:
        for child in children.get(waiting.pop().uuid, ()):
            if child.follows and child.uuid not in on_path and child not in found:
                found.append(child)
                waiting.append(child)
    return found
