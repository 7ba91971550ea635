"""Claude Code sessions: JSON Lines below `~/.claude/projects`, read as the client reads them on resume.

Here is the way in and out; `claude_code_tree` finds the conversation in the file, `claude_code_messages`
makes messages of it, `claude_code_dump` writes the difference. Source: FORMATS section 1.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from cortex_cli.formats.claude_code_dump import Layout, dump_session
from cortex_cli.formats.claude_code_messages import Conversation, read_conversation
from cortex_cli.formats.claude_code_records import Record, read_record
from cortex_cli.formats.claude_code_tree import LARGE_FILE_BYTES, Link, Node, Preserved, Tree, live_path
from cortex_cli.formats.containers import mark_own
from cortex_cli.formats.contents import compact, text_of
from cortex_cli.formats.source import Source
from cortex_cli.jsonscan import parse_first
from cortex_cli.messages import Message, Transcript, Usage
from cortex_cli.typed import finish
from cortex_cli.validity import SHARED_ID_HINT, Problem, Rules

NAME = "claude-code"

RULES = Rules(results_directly_after_call=True, user_first=True)

_TREE_TYPES = frozenset({"user", "assistant", "system", "attachment", "progress"})
_SIDE_TYPES = frozenset({"summary", "file-history-snapshot", "queue-operation", "last-prompt", "permission-mode"})


def detect(source: Source) -> float:
    """Say how sure it is that the input is a Claude Code session."""
    return max((_likeness(value) for value in source.head if isinstance(value, dict)), default=0.0)


def _likeness(value: dict[str, Any]) -> float:
    kind = text_of(value.get("type"))
    if kind in _TREE_TYPES and "uuid" in value and ("parentUuid" in value or "sessionId" in value):
        return 1.0
    if kind == "summary" and "leafUuid" in value:
        return 1.0
    if kind == "file-history-snapshot" and "snapshot" in value:
        return 1.0
    return 0.9 if kind in _SIDE_TYPES and "sessionId" in value else 0.0


class _Reading:
    """What one pass over the lines finds."""

    def __init__(self) -> None:
        self.records: dict[int, Record] = {}
        self.links: dict[int, Link] = {}
        self.bridges: dict[str, str] = {}
        """Records that are no part of the conversation but of the chain -> what they hang on."""
        self.leaf = ""
        self.leaves: dict[int, str] = {}
        self.preserved: Preserved | None = None
        self.preamble: tuple[str, ...] = ()

    def take(self, index: int, value: dict[str, Any]) -> None:
        record = read_record(index, value)
        if record is not None:
            self.records[index] = record
            self.links[index] = record
            if record.boundary and not record.sidechain:
                self.preserved = _read_preserved(value.get("compactMetadata"))
                self.leaf = ""  # what the client noted before counts no more
            elif record.kind == "attachment":
                self.preamble = _read_preamble(value["attachment"]) or self.preamble
            return
        uuid, parent = value.get("uuid"), value.get("parentUuid")
        if isinstance(uuid, str) and "parentUuid" in value:
            parent = text_of(parent)
            self.links[index] = Link(uuid, parent)
            self.bridges[uuid] = self.bridges.get(parent, parent)
        elif value.get("type") == "last-prompt" and (leaf := text_of(value.get("leafUuid"))):
            self.leaf = self.leaves[index] = leaf

    def tree(self, size: int) -> Tree:
        records, bridges = self.records, self.bridges
        in_order = [records[index] for index in sorted(records)]
        nodes = [self._bridged(node) if node.parent in bridges else node for node in in_order]
        return Tree(nodes, self.leaf, self.preserved, size > LARGE_FILE_BYTES)

    def _bridged(self, node: Node) -> Node:
        parent = node.parent
        for _ in range(len(self.bridges)):
            if parent not in self.bridges:
                break
            parent = self.bridges[parent]
        return node.hung_on(parent)


def load(source: Source) -> Transcript:
    """Read a session, or an agent's own file, as the client does on resume.

    Raises:
        InputError: It is no Claude Code session.
    """
    if not detect(source):
        raise source.fail("not a Claude Code session")
    reading = _read(source)
    tree = reading.tree(len(source.data))
    path = live_path(tree)
    gaps = _find_gaps(path)
    found = read_conversation(path, reading.records)
    messages = finish(mark_own(found.messages))
    newest = next((answer for _, answer in found.answers() if answer.model), None)
    return Transcript(
        format=NAME,
        messages=messages,
        loaded=messages,
        records=source.records,
        layout=_layout(reading, tree, path, messages, gaps),
        path=source.path,
        model=newest.model if newest else "",
        session_id=_session_id(source.path, path, reading.records),
        usage=_usage(found, path),
        preamble=reading.preamble,
        warnings=(*source.warnings(), *_warn_of_gaps(source, path, gaps)),
    )


def _find_gaps(path: Sequence[Node]) -> list[Node]:
    """Return the records of a path whose parent is not in it: not in the file, or cut off by a circle."""
    uuids = {node.uuid for node in path}
    return [node for node in path if node.parent and node.parent not in uuids and not node.boundary]


def _warn_of_gaps(source: Source, path: Sequence[Node], gaps: Sequence[Node]) -> Iterator[str]:
    if not gaps:
        return
    before = {node.index: earlier for earlier, node in pairwise(path)}
    for node in gaps:
        line = source.first_line + node.index
        follows = f"line {source.first_line + before[node.index].index}" if node.index in before else "nothing"
        yield f"{source.path}:{line}: its parent {node.parent!r} is not in the file, it follows {follows}"


def check(transcript: Transcript) -> Iterator[Problem]:
    """Yield ids that two different records have; the client then sees the later one only."""
    layout: Layout = transcript.layout
    positions = {record: message.position for message in transcript.loaded for record in message.records}
    first: dict[str, int] = {}
    for record, link in sorted(layout.links.items()):
        earlier = first.setdefault(link.uuid, record)
        if earlier != record and record in positions and transcript.records[earlier] != transcript.records[record]:
            message = transcript.loaded[positions[record]]
            text = f"id {link.uuid!r} is that of line {earlier + 1} too"
            yield Problem("ids_are_unique", message.position, message, text, SHARED_ID_HINT)


def _layout(
    reading: _Reading, tree: Tree, path: Sequence[Node], messages: Sequence[Message], gaps: Sequence[Node]
) -> Layout:
    spoken = {node.index for node in path if node.kind in ("user", "assistant")}
    says = {node.index: node.parent for node in tree.nodes} if tree.preserved else {}
    return Layout(
        reading.links,
        tuple([node.index for node in path]),
        reading.leaves,
        unsent=frozenset(spoken.difference(*[message.records for message in messages])),
        boundary=max((node.index for node in path if node.boundary), default=-1),
        rehung=frozenset([node.index for node in path if tree.preserved and node.parent != says[node.index]]),
        gaps=frozenset([node.index for node in gaps]),
        loose=frozenset([node.index for node in path if not (node.answer or node.has_results)]),
    )


def dump(transcript: Transcript, *, keep_history: bool = False) -> Iterator[bytes]:
    """Yield the changed session.

    Args:
        transcript: The session.
        keep_history: Leave in the file what stood before a compaction as well.
    """
    yield from dump_session(transcript, keep_history=keep_history)


def _read(source: Source) -> _Reading:
    reading = _Reading()
    for index, value in source.objects():
        reading.take(index, value)
    for index in sorted(source.damage):  # of objects that were glued together the client reads the first
        if index not in reading.records and source.damage[index].startswith(("not one", "torn")):
            try:
                value = parse_first(source.records[index])
            except ValueError:
                continue
            if isinstance(value, dict):
                source.damage[index] = "more than one object on a line, only the first is read"
                reading.take(index, value)
    return reading


def _read_preserved(metadata: Any) -> Preserved | None:
    if not isinstance(metadata, dict):
        return None
    messages, segment = metadata.get("preservedMessages"), metadata.get("preservedSegment")
    if isinstance(messages, dict) and (uuids := _texts(messages.get("uuids"))):
        return Preserved(text_of(messages.get("anchorUuid")), uuids, _texts(messages.get("allUuids")))
    if isinstance(segment, dict):
        head, tail = text_of(segment.get("headUuid")), text_of(segment.get("tailUuid"))
        return Preserved(text_of(segment.get("anchorUuid")), head=head, tail=tail)
    return None


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str)) if isinstance(values, list) else ()


def _read_preamble(attachment: Any) -> tuple[str, ...]:
    """Return system prompt and tools where the client wrote down what it sends."""
    if not isinstance(attachment, dict) or attachment.get("type") != "prompt_snapshot":
        return ()
    prompt, tools = _texts(attachment.get("systemPrompt")), attachment.get("tools")
    return (*prompt, compact(tools)) if isinstance(tools, list) else prompt


def _session_id(path: str, live: Sequence[Node], records: dict[int, Record]) -> str:
    """Return the session's id: the one that the file is named after, else the newest."""
    ids = dict.fromkeys(records[node.index].session for node in reversed(live))
    ids.pop("", None)
    return next((one for one in ids if one in path), next(iter(ids), ""))


def _usage(found: Conversation, path: Sequence[Node]) -> Usage | None:
    """Return what the newest valid call said of its size, if it was made after the newest compaction."""
    boundary = next((node for node in reversed(path) if node.boundary), None)
    for position, answer in found.answers():
        if not answer.tokens:
            continue
        is_later = boundary is None or (
            answer.message.records[0] > boundary.index and answer.message.time > boundary.time
        )
        return Usage(answer.tokens, position + 1) if is_later else None
    return None
