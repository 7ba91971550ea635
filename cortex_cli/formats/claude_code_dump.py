"""How a changed Claude Code session is written: edits in place, links mended, and the carrier of a compaction.

Every untouched record keeps its bytes. What is loaded again is the same conversation. Source: SPEC sections
10 and 11; what the client makes of it is in `tests/clients/test_claude_code_resumes.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cortex_cli.formats.carrier import Carrier, plan_carrier
from cortex_cli.formats.changes import RecordChange, is_changed, record_changes
from cortex_cli.formats.claude_code_lines import (
    boundary_line,
    boundary_without,
    edit_record,
    envelope_of,
    leaf_line,
    message_line,
    newest_time,
    result_line,
)
from cortex_cli.formats.claude_code_tree import Link
from cortex_cli.formats.ids import new_uuid
from cortex_cli.formats.source import BOM, runs
from cortex_cli.messages import Message, Transcript
from cortex_cli.tokens import estimate_tokens

CHUNK_BYTES = 1_000_000
"""What leaves together: a large file is neither held twice nor written in crumbs."""


class Layout(NamedTuple):
    """What a dump has to know of the file."""

    links: Mapping[int, Link]
    """Record -> its place, for every record that has a uuid."""
    path: tuple[int, ...]
    """The records of the live path, oldest first."""
    leaves: Mapping[int, str]
    """Record of a `last-prompt` -> the leaf it names."""
    unsent: frozenset[int] = frozenset()
    """User and assistant records of the path that stand in no message."""
    boundary: int = -1
    """The boundary that the path begins with; -1 without one."""
    rehung: frozenset[int] = frozenset()
    """Records of the path that hang elsewhere than they say: what the client's own compaction preserved."""
    gaps: frozenset[int] = frozenset()
    """Records of the path whose parent is not in the file."""
    loose: frozenset[int] = frozenset()
    """Records of the path that the client finds only through their parents: no piece of an answer, no result."""


@dataclass(slots=True)
class _Plan:
    """What becomes of the records that do not stay as they are."""

    changes: dict[int, RecordChange]
    gone: set[int]
    cut: int = 0
    """What is linked from here on is the conversation; what stands before is history or gone."""
    anchor: str = ""
    """The record that the first one behind the cut hangs on; empty without a carrier."""
    parents: dict[int, str] = field(default_factory=dict)
    rewritten: dict[int, bytes] = field(default_factory=dict)
    """Records that are no message -> their new bytes."""
    before: dict[int, list[bytes]] = field(default_factory=dict)
    """Record -> new lines directly before it."""
    after: dict[int, list[bytes]] = field(default_factory=dict)
    """Record -> new lines directly behind it."""


def dump_session(transcript: Transcript, *, keep_history: bool = False) -> Iterator[bytes]:
    """Yield the bytes of a session.

    Args:
        transcript: As loaded, with other messages.
        keep_history: Leave what stood before the carrier in the file, where the client no longer reads it.
    """
    if not is_changed(transcript):
        yield b"\n".join(transcript.records)
        return
    plan = _plan_changes(transcript)
    carrier = plan_carrier(transcript.messages)
    left = {message.position for message in transcript.messages}
    if carrier is not None or any(one.role == "user" and one.position not in left for one in transcript.loaded):
        plan.gone |= transcript.layout.unsent  # what the client leaves out depends on what stands around it
    _plan_closings(transcript, plan)
    if carrier is not None:
        _plan_carrier(transcript, plan, carrier, keep_history=keep_history)
    else:
        _plan_preserved(transcript, plan)
    _plan_links(transcript, plan)
    _plan_twins(transcript, plan)
    yield from _render(transcript, plan)


def _plan_changes(transcript: Transcript) -> _Plan:
    """Plan edits and deletions: a record goes when nothing of it is left that was sent."""
    changes = record_changes(transcript)
    plan = _Plan(changes.edited, changes.gone)
    links: Mapping[int, Link] = transcript.layout.links
    gone_ids = {links[record].uuid for record in plan.gone}
    plan.gone.update(record for record, link in links.items() if link.uuid in gone_ids)  # lines that came twice
    return plan


def _plan_closings(transcript: Transcript, plan: _Plan) -> None:
    """Plan the results that repair wrote: behind the message that they follow, as children of their calls.

    Behind all that stays such a child would be the newest leaf; there it is one of the leaf itself.
    """
    if not any(message.position < 0 and message.role == "tool" for message in transcript.messages):
        return
    layout: Layout = transcript.layout
    stays = [record for record in layout.path if record not in plan.gone]
    last, leaf = max(stays, default=-1), layout.links[stays[-1]].uuid if stays else ""
    calls: dict[str, int] = {}
    follows: Message | None = None
    for message in transcript.messages:
        calls.update((part.call_id, part.record) for part in message.calls)
        result = message.result
        if message.records:
            follows = message
        elif message.position < 0 and result is not None and follows is not None and result.call_id in calls:
            record = calls[result.call_id]
            call = layout.links[record].uuid
            place = follows.records[-1]
            line_id = new_uuid(transcript.session_id, result.text, call, result.call_id)
            line = result_line(
                result,
                envelope_of([transcript.records[record]]),
                line_id=line_id,
                parent=leaf if place >= last else call,
                call=call,
                time=message.time or follows.time,
            )
            leaf = line_id if place >= last else leaf
            plan.after.setdefault(place, []).append(line)


def _plan_carrier(transcript: Transcript, plan: _Plan, carrier: Carrier, *, keep_history: bool) -> None:
    """Plan the carrier: boundary, slots, our message and what stands apart, directly before the tail."""
    layout: Layout = transcript.layout
    in_tail = {record for message in carrier.tail for record in message.records}
    plan.cut = min(in_tail, default=_end(transcript))
    block = _Block(transcript, plan, carrier, in_tail, keep_history=keep_history)
    lines = list(block.lines())
    plan.anchor = block.newest
    before = {record for record in layout.links if record < plan.cut} - block.moved
    if not keep_history:
        plan.gone |= before
    for record in before if keep_history else ():
        plan.changes.pop(record, None)
        plan.gone.discard(record)
        plan.after.pop(record, None)
    if keep_history and not carrier.tail:  # the last line must be a leaf: what hung on it hangs on nothing now
        moved_ids = {layout.links[record].uuid for record in block.moved}
        plan.parents.update((record, "") for record, link in layout.links.items() if link.parent in moved_ids)
    plan.gone |= block.moved
    if layout.boundary >= plan.cut:
        plan.gone.update(one for one in layout.links if plan.cut <= one <= layout.boundary and one not in in_tail)
    plan.before[plan.cut] = lines


def _plan_preserved(transcript: Transcript, plan: _Plan) -> None:
    """Take what left out of the boundary's list of what it preserved: the client keeps all of it or nothing."""
    layout: Layout = transcript.layout
    preserved = [record for record in layout.path if record < layout.boundary]
    gone = {layout.links[record].uuid for record in preserved if record in plan.gone}
    if gone:
        kept = [layout.links[record].uuid for record in preserved if record not in plan.gone]
        plan.rewritten[layout.boundary] = boundary_without(transcript.records[layout.boundary], gone, kept)


class _Block:
    """The lines of a carrier, and what they take from elsewhere in the file."""

    def __init__(
        self, transcript: Transcript, plan: _Plan, carrier: Carrier, in_tail: set[int], *, keep_history: bool
    ) -> None:
        self.transcript = transcript
        self.layout: Layout = transcript.layout
        self.plan = plan
        self.carrier = carrier
        self.in_tail = in_tail
        self.moved: set[int] = set()
        self.newest = ""
        """The line that the next one hangs on."""
        links = self.layout.links
        live = [record for record in self.layout.path if record in links]
        first = next((record for record in live if record in in_tail), None)
        self.envelope = envelope_of(
            transcript.records[record] for record in ([first] if first is not None else live[::-1])
        )
        newest = newest_time([message.time for message in transcript.loaded])
        self.time = newest_time([newest, *(message.time for message in carrier.ours)])
        self.cut_id = links[first].uuid if first is not None else ""
        self.old_parent = links[first].parent if first is not None and keep_history else ""

    def lines(self) -> Iterator[bytes]:
        yield self._boundary()
        yield from self._moved(self.carrier.slots)
        for message in self.carrier.ours:
            line_id = self._id(message.text, message.role)
            yield message_line(message, self.envelope, line_id=line_id, parent=self.newest, time=self.time)
            self.newest = line_id
        yield from self._moved(self.carrier.apart)

    def _boundary(self) -> bytes:
        usage = self.transcript.usage
        texts = () if usage else (part.text for message in self.transcript.loaded for part in message.parts)
        self.newest = self._id("\n".join(message.text for message in self.carrier.ours), "boundary")
        return boundary_line(
            self.envelope,
            line_id=self.newest,
            time=self.time,
            logical_parent=self.old_parent,
            tokens=usage.tokens if usage else estimate_tokens(sum(map(len, texts))),
        )

    def _id(self, text: str, what: str) -> str:
        return new_uuid(self.transcript.session_id, text, self.cut_id, what)

    def _moved(self, messages: Sequence[Message]) -> Iterator[bytes]:
        """Yield the records of messages that move: children of their own parent if that moved too, else of the last."""
        moved_ids: set[str] = set()
        for record in (record for message in messages for record in message.records):
            if record in self.moved or record in self.in_tail:
                continue
            link = self.layout.links[record]
            parent = link.parent if link.parent in moved_ids else self.newest
            line = self.transcript.records[record]
            line = line.removeprefix(BOM) if record == 0 else line
            yield edit_record(line, self.plan.changes.pop(record, None), parent)
            yield from self.plan.after.pop(record, ())
            self.moved.add(record)
            moved_ids.add(link.uuid)
            self.newest = link.uuid


def _end(transcript: Transcript) -> int:
    """Return the record behind the last one that has a place in the chain."""
    return max(transcript.layout.links, default=-1) + 1


def _plan_links(transcript: Transcript, plan: _Plan) -> None:
    """Plan another parent for every record whose own is gone."""
    layout: Layout = transcript.layout
    plan.gone |= _would_be_newest(layout, plan)
    plan.gone |= _would_stand_later(layout, plan)
    links = {record: link for record, link in layout.links.items() if record >= plan.cut and record not in plan.gone}
    kept = {link.uuid for link in links.values()}
    above = {link.uuid: link.parent for link in layout.links.values()}
    _plan_path(layout, plan, links, kept)
    on_path = set(layout.path)
    for record, link in links.items():
        if record not in on_path and link.parent in above and link.parent not in kept:
            parent = _climb(link.parent, kept, above)
            plan.parents[record] = parent if parent in kept else plan.anchor
    for record, leaf in layout.leaves.items():
        if record >= plan.cut and leaf in above and leaf not in kept:
            above_leaf = _climb(leaf, kept, above)
            now = above_leaf if above_leaf in kept else plan.anchor or leaf
            plan.rewritten[record] = leaf_line(transcript.records[record], now)


def _would_be_newest(layout: Layout, plan: _Plan) -> set[int]:
    """Find what stands beside the path behind all of it that stays: the client would take it for the conversation."""
    path = set(layout.path)
    newest = max((record for record in path - plan.gone if record >= plan.cut), default=plan.cut)
    end = max(path, default=0)
    return {record for record in layout.links if newest < record < end and record not in path}


def _would_stand_later(layout: Layout, plan: _Plan) -> set[int]:
    """Find what stands beside the path, and would be behind all of it once an earlier line with its id has left.

    Of two lines with one id the client reads the last, in the place of the first.
    """
    links: Mapping[int, Link] = layout.links
    backwards = list(links.items())[::-1]
    first = {link.uuid: record for record, link in backwards}
    if len(first) == len(links):
        return set()
    path = set(layout.path)
    now = {link.uuid: record for record, link in backwards if record not in plan.gone}
    newest = max((now[links[record].uuid] for record in path - plan.gone if record >= plan.cut), default=plan.cut)
    found: set[int] = set()
    for uuid, place in now.items():
        at: int | None = place if first[uuid] < newest else None
        while at is not None and at > newest and at not in path and at not in found:
            found.add(at)  # and what it hangs on, which would be a leaf then
            at = now.get(links[at].parent)
    return found


def _plan_path(layout: Layout, plan: _Plan, links: Mapping[int, Link], kept: set[str]) -> None:
    """Hang every record of the live path that lost its place behind the one that it follows now.

    What followed a lost place beside the path goes into the path, since the client would not look for it.
    """
    elsewhere = layout.gaps | layout.rehung if plan.anchor else layout.gaps
    newest = plan.anchor
    was_beside = False
    for record in layout.path:
        if (link := links.get(record)) is None:
            continue
        is_lost = record in elsewhere or link.parent not in kept
        parent = newest if is_lost or was_beside else link.parent
        was_beside = parent != link.parent and record in layout.loose
        if parent != link.parent:
            plan.parents[record] = parent
        newest = link.uuid


def _plan_twins(transcript: Transcript, plan: _Plan) -> None:
    """Let a line that came twice change twice: the client reads the last of one id, and two must be the same."""
    links: Mapping[int, Link] = transcript.layout.links
    last = {link.uuid: record for record, link in links.items()}
    if len(last) == len(links):
        return
    for record, link in links.items():
        twin = last[link.uuid]
        if record == twin or transcript.records[record] != transcript.records[twin]:
            continue
        if twin in plan.gone:
            plan.gone.add(record)
        _do_alike(plan.changes, record, twin)
        _do_alike(plan.parents, record, twin)


def _do_alike(planned: dict[int, Any], record: int, twin: int) -> None:
    if twin in planned:
        planned[record] = planned[twin]
    else:
        planned.pop(record, None)


def _climb(uuid: str, kept: set[str], above: Mapping[str, str]) -> str:
    """Return the nearest record upwards that stays; where there is none, what the chain ends with."""
    seen: set[str] = set()
    while uuid not in kept and uuid in above and uuid not in seen:
        seen.add(uuid)
        uuid = above[uuid]
    return "" if uuid in seen else uuid


def _render(transcript: Transcript, plan: _Plan) -> Iterator[bytes]:
    """Yield the file; new lines end as the first one does, the last line keeps having, or lacking, its line feed."""
    if transcript.records[0].startswith(BOM):
        yield BOM
    chunk: list[bytes] = []
    size = 0
    start = b""
    for piece in _pieces(transcript, plan):
        chunk.append(piece)
        size += len(piece)
        if size >= CHUNK_BYTES:
            yield start + b"\n".join(chunk)
            chunk, size, start = [], 0, b"\n"
    if chunk:
        yield start + b"\n".join(chunk)


def _pieces(transcript: Transcript, plan: _Plan) -> Iterator[bytes]:
    """Yield changed and new lines, and between them the untouched ones, many at once."""
    records = transcript.records
    ending = b"\r" if records[0].endswith(b"\r") else b""
    first = {0} if records[0].startswith(BOM) else set()
    named = first.union(plan.gone, plan.changes, plan.parents, plan.rewritten, plan.before, plan.after)
    at = 0
    for place in sorted(named):
        if at < place:  # records that leave mostly stand in a row
            yield from runs(records, at, place)
        for new in plan.before.get(place, ()):
            yield new.removesuffix(b"\r") + ending
        if place < len(records) and place not in plan.gone:
            line = records[place]
            yield _line(line.removeprefix(BOM) if place == 0 else line, place, plan)
        for new in plan.after.get(place, ()):
            yield new + ending
        at = place + 1
    yield from runs(records, at, len(records))


def _line(line: bytes, index: int, plan: _Plan) -> bytes:
    if index in plan.rewritten:
        return plan.rewritten[index]
    change, parent = plan.changes.get(index), plan.parents.get(index)
    return line if change is None and parent is None else edit_record(line, change, parent)
