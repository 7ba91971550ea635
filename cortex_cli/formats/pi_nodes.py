"""The lines of a new pi session file: those that were there, with their edits, and those that we write."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cortex_cli.formats import pi_history
from cortex_cli.formats.carrier import Carrier
from cortex_cli.formats.pi_tree import Entry, Tree
from cortex_cli.formats.rewrite import parse_line
from cortex_cli.formats.times import to_milliseconds, to_utc
from cortex_cli.jsonedit import Edit, Replace, edit, encode, prepend_member
from cortex_cli.messages import Message, Transcript
from cortex_cli.tokens import count_messages, make_counter

CUSTOM_TYPE = "cortex"
"""`customType` of our messages that are not the compaction itself: pi sends them as they stand."""

FILE_TOOLS = {"read": "readFiles", "write": "modifiedFiles", "edit": "modifiedFiles"}
"""pi's tools on files -> member of a compaction's `details`. Source: pi's `compaction/utils.ts`."""


@dataclass(slots=True)
class Node:
    """One line of the new file."""

    record: int = -1
    """Of the line that it was; -1 for one of ours."""
    entry: Entry | None = None
    """None for one of ours, for the header, for damaged and blank lines."""
    value: dict[str, Any] | None = None
    """What one of ours says."""
    id: str = ""
    edits: list[Edit] = field(default_factory=list)
    missing: dict[str, Any] = field(default_factory=dict)
    """Members that a damaged line has to be given."""
    is_carried: bool = False
    """It stands in the compaction or right behind it, wherever it stood before."""

    @property
    def is_compaction(self) -> bool:
        """Whether it is a compaction."""
        if self.value is not None:
            return bool(self.value["type"] == "compaction")
        return self.entry is not None and self.entry.kind == "compaction"

    def put(self, key: str, new: Any, old: Any) -> None:
        """Give a member of the line another value."""
        if self.value is not None:
            self.value[key] = new
        elif new != old and self.entry is not None:
            if key in self.entry.value:
                self.edits.append(Replace((key,), new))
            else:
                self.missing[key] = new

    def render(self, transcript: Transcript) -> bytes:
        """Return the bytes of the line."""
        if self.value is not None:
            return encode(self.value)
        line = transcript.records[self.record]
        line = edit(line, self.edits) if self.edits else line
        for key, value in self.missing.items():
            line = prepend_member(line, key, value)
        return line


def old_node(record: int, entry: Entry | None) -> Node:
    """Return the node of a line that was there."""
    return Node(record, entry, id=entry.id if entry is not None else "")


class Writer:
    """Writes entries of ours, each with an id that no other has: the same for the same session, text and cut."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self.tree: Tree = transcript.layout
        self.taken = {entry.id for entry in self.tree.entries}
        self.newest_time = _newest_time(self.tree)

    def carried(self, message: Message, carrier: Carrier, *, is_first: bool) -> Node:
        """Write a message of ours: the first as the compaction, others as messages of an extension."""
        cut = carrier.tail[0].position if carrier.tail else len(self.transcript.loaded)
        time = self.newest_time
        if is_first:
            tokens = count_messages(self.transcript.loaded, make_counter("heuristic"))
            kept = "firstKeptEntryId" if self.tree.version >= 2 else "firstKeptEntryIndex"
            details = _file_lists(self.transcript, carrier)
            value = {"summary": message.text, kept: "", "tokensBefore": tokens, "details": details}
            return self._node("compaction", time, value, message.text, cut)
        if message.role == "assistant":
            value = {"message": pi_history.encode(message, time, self.transcript.model)}
            return self._node("message", time, value, message.text, cut)
        value = {"customType": CUSTOM_TYPE, "content": message.text, "display": True}
        return self._node("custom_message", time, value, message.text, cut)

    def result(self, message: Message) -> Node:
        """Write a result that repair made for a call."""
        time = message.time or self.newest_time
        value = {"message": pi_history.encode(message, time, "")}
        call_id = message.result.call_id if message.result is not None else ""
        return self._node("message", time, value, call_id, -1)

    def _node(self, kind: str, time: str, value: dict[str, Any], text: str, cut: int) -> Node:
        new_id = self._new_id(f"{self.transcript.session_id}:{cut}:{text}")
        links = {"id": new_id, "parentId": None} if self.tree.version >= 2 else {}
        return Node(value={"type": kind, **links, "timestamp": time, **value}, id=new_id, is_carried=cut >= 0)

    def _new_id(self, name: str) -> str:
        while (found := uuid5(NAMESPACE_URL, name.encode(errors="replace").decode()).hex[:8]) in self.taken:
            name += "+"
        self.taken.add(found)
        return found


def _newest_time(tree: Tree) -> str:
    """Return the newest time in the session: pi takes answers from before a compaction's time for no measure.

    Entries and the messages in them have each their own.
    """
    newest = to_milliseconds(to_utc(tree.header.get("timestamp")))
    for entry in tree.entries:
        message = entry.value.get("message")
        stamps = (entry.value.get("timestamp"), message.get("timestamp") if isinstance(message, dict) else None)
        newest = max(newest, *(to_milliseconds(to_utc(stamp)) for stamp in stamps))
    return to_utc(newest)


def _file_lists(transcript: Transcript, carrier: Carrier) -> dict[str, list[str]]:
    """List the files that the removed calls read and changed; pi's next compaction builds on it."""
    kept = {message.position for message in carrier.messages}
    found: dict[str, set[str]] = {"readFiles": set(), "modifiedFiles": set()}
    for message in transcript.loaded:
        if message.position not in kept:
            for member, path in _file_calls(message):
                found[member].add(path)
    found["readFiles"] -= found["modifiedFiles"]
    return {member: sorted(paths) for member, paths in found.items()}


def _file_calls(message: Message) -> Iterator[tuple[str, str]]:
    for part in message.calls:
        if part.name in FILE_TOOLS:
            arguments = parse_line(part.text.encode(errors="replace"))
            path = arguments.get("path") if isinstance(arguments, dict) else None
            if isinstance(path, str):
                yield FILE_TOOLS[part.name], path
