"""How a changed Gemini CLI session is written: records edited in place, and the `$set` line of a compaction.

The `$set` holds all that stands before the kept tail; the tail's lines follow unchanged. What was replaced or
taken back before leaves with its lines. Source: SPEC section 11; what the real client makes of it is in
`tests/clients/test_gemini_resumes.py`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from cortex_cli.formats import containers, rewrite
from cortex_cli.formats.carrier import OURS, is_ours
from cortex_cli.formats.changes import RecordChange, is_changed, record_changes
from cortex_cli.formats.codex_layout import STRIDE
from cortex_cli.formats.codex_replay import OWN
from cortex_cli.formats.contents import compact
from cortex_cli.formats.gemini_parts import encode_parts
from cortex_cli.formats.gemini_records import ACKNOWLEDGEMENT, CALL, at_path, calls_of, edit_record, is_acknowledgement
from cortex_cli.formats.ids import NewIds
from cortex_cli.formats.rewrite import parse_line
from cortex_cli.formats.source import BOM
from cortex_cli.jsonedit import Delete, Edit, Insert, Path, Raw, Replace, edit, encode, prepend_member
from cortex_cli.jsonscan import cut_out
from cortex_cli.messages import Part, Transcript

SET: Path = ("$set", "messages")
HEADER: Path = ("messages",)
"""Where a line keeps a list of records."""


class Record(NamedTuple):
    """One record that the client would load."""

    line: int
    """Index of its line, or of the record in a document."""
    value: Mapping[str, Any]
    place: int = OWN
    """Position in the list of its line."""
    first: int = 0
    """Line where its id came first: the client keeps that order."""


@dataclass
class Layout:
    """What writing must know of the lines of a session."""

    live: dict[str, Record] = field(default_factory=dict)
    """Id -> record, in the order the client sends them."""
    kinds: dict[int, Literal["record", "rewind", "side"]] = field(default_factory=dict)
    """By line; lines not named are damaged or unknown and stay."""
    lists: dict[int, Path] = field(default_factory=dict)
    """Line -> where it keeps a list of records."""
    session_id: str = ""

    @cached_property
    def owners(self) -> frozenset[int]:
        """Return the lines whose record is live."""
        return frozenset(record.line for record in self.live.values() if record.place == OWN)

    def is_passed(self, record: Record) -> bool:
        """Tell whether other records came between the first and the newest version of one.

        The first then holds its place in the order.
        """
        firsts = self._firsts
        return bisect_left(firsts, record.line) > bisect_right(firsts, record.first)

    @cached_property
    def _firsts(self) -> list[int]:
        return sorted(record.first for record in self.live.values())

    @property
    def base(self) -> int:
        """Return the newest line whose list is in effect; -1 where there is none."""
        return max((record.line for record in self.live.values() if record.place != OWN), default=-1)


def dump(transcript: Transcript, *, keep_history: bool = False) -> Iterator[bytes]:
    """Yield the bytes of a session.

    Args:
        transcript: As loaded, with other messages.
        keep_history: Leave what stood before a compaction in the file; the client no longer reads it. In a
            document there is no place for it.
    """
    if not is_changed(transcript):
        yield b"\n".join(transcript.records)
    elif isinstance(transcript.layout, containers.Layout):
        yield from _dump_document(transcript)
    else:
        yield from _Writer(transcript).lines(keep_history)


def _dump_document(transcript: Transcript) -> Iterator[bytes]:
    plan = rewrite.plan_changes(transcript, edit_record)
    writer = _Writer(transcript)
    for index, _ in writer.closings:
        data = writer.record_bytes(index, OWN)
        plan.edits[index] = [Replace((), Raw(data))]
    for index, _ in writer.loose:
        plan.inserts[index + 1].extend(writer.loose_records(index, OWN))
    waiting: list[Any] = []
    for at, message in enumerate(transcript.messages):
        if message.records:
            plan.inserts[message.records[0]].extend(waiting)
            waiting = []
        elif message.position < 0 and message.result is None:
            waiting.append(writer.new_record(at))
            waiting.extend(writer.acknowledgement(at))
    plan.inserts[len(transcript.layout.box.values)].extend(waiting)
    yield from rewrite.render(transcript, plan)


class _Writer:
    """One transcript on its way into bytes."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self.messages = transcript.messages
        self.changes, self.gone = _by_place(transcript)
        self.ids = NewIds(_taken(transcript))
        self.closings: dict[tuple[int, int], list[Part]] = {}
        """(line, place) of a record -> new results of its calls."""
        self.loose: dict[tuple[int, int], list[Part]] = {}
        """The same for calls in the content of a record: their results stand in a record of their own."""
        newest: dict[str, Part] = {}  # ids may come again from turn to turn
        for message in self.messages:
            newest.update((part.call_id, part) for part in message.calls)
            result = message.result
            if result is not None and message.position < 0 and result.call_id in newest:
                call = newest[result.call_id]
                place, block = _place_of(call, transcript)
                results = self.closings if block >= CALL else self.loose
                results.setdefault((call.record, place), []).append(result)

    def new_record(self, at: int) -> dict[str, Any]:
        """Write a message of ours."""
        message = self.messages[at]
        kind = "gemini" if message.role == "assistant" else "user"
        return self._record(kind, list(encode_parts(message.parts, {})))

    def acknowledgement(self, at: int) -> Iterator[dict[str, Any]]:
        """Write the model's word behind a summary or notice where the user speaks next, as the client does."""
        message = self.messages[at]
        following = self.messages[at + 1] if at + 1 < len(self.messages) else None
        if message.role == "user" and message.synthetic in OURS and following is not None and following.role == "user":
            yield self._record("gemini", [{"text": ACKNOWLEDGEMENT}])

    def loose_records(self, line: int, place: int) -> Iterator[dict[str, Any]]:
        """Write the results of calls that stand in the content of a record."""
        results = self.loose.get((line, place), ())
        if results:
            yield self._record("user", list(encode_parts(results, {})))

    def _record(self, kind: str, content: list[Any]) -> dict[str, Any]:
        """Write a record; its id follows from the session, its content and the cut, its time from its neighbours."""
        near = [message for message in self.transcript.messages if message.position >= 0]
        time = next((message.time for message in near if message.time), "1970-01-01T00:00:00Z")
        cut = next((one.position for before, one in pairwise(self.messages) if is_ours(before)), -1)
        new_id = self.ids.make(self.transcript.session_id, str(cut), kind, compact(content))
        return {"id": new_id, "timestamp": time, "type": kind, "content": content}

    def lines(self, keep_history: bool) -> Iterator[bytes]:
        """Yield the lines of the session."""
        layout: Layout = self.transcript.layout
        end = max(layout.kinds, default=-1) + 1
        cut = self._cut()
        firsts = {record.line: record.first for record in layout.live.values()}
        tail = [message.records[0] for message in self.messages[cut:] if message.records]
        start = min((firsts[line] for line in tail), default=end) if cut else 0
        carrier = [*self._head(start, keep_history), self._carrier(cut)] if cut else []
        carried = {line for message in self.messages[:cut] for line in message.records}
        body = self._body(start, end, carried) if cut else self._body(0, end)
        yield b"\n".join([*carrier, *body, *self.transcript.records[end:]])

    def _cut(self) -> int:
        """Return how many messages the `$set` holds; 0 where no layer put a message in the place of others."""
        layout: Layout = self.transcript.layout
        cut = max((at + 1 for at, message in enumerate(self.messages) if is_ours(message)), default=0)
        standing = {record for message in self.messages[:cut] for record in message.records}
        while 0 < cut < len(self.messages):
            message = self.messages[cut]
            if message.records and message.records[0] > layout.base and standing.isdisjoint(message.records):
                break
            standing.update(message.records)
            cut += 1
        return cut

    def _carrier(self, cut: int) -> bytes:
        """Write the `$set` line: our messages, and the records that stand before the tail."""
        written: list[bytes] = []
        seen: set[tuple[int, int]] = set()
        for at, message in enumerate(self.messages[:cut]):
            if message.position < 0 and message.result is None:
                written.append(encode(self.new_record(at)))
            for part in message.parts:
                where = part.record, _place_of(part, self.transcript)[0]
                if part.record >= 0 and where not in seen:
                    seen.add(where)
                    written += [self.record_bytes(*where), *map(encode, self.loose_records(*where))]
            written += map(encode, self.acknowledgement(at))
        return b'{"$set":{"messages":[' + b",".join(written) + b"]}}"

    def record_bytes(self, line: int, place: int) -> bytes:
        """Return a record as it goes into a list: its own bytes, but for what changed."""
        layout, records = self.transcript.layout, self.transcript.records
        if isinstance(layout, containers.Layout):
            data = cut_out(records[0], (*HEADER, line))
        elif place != OWN:
            data = cut_out(records[line], (*layout.lists[line], place))
        else:
            data = records[line].rstrip().removeprefix(BOM)
        try:
            data.decode()
        except UnicodeDecodeError:  # may not spread into a line of ours
            data = encode(parse_line(data))
        return self._edited(data, line, place)

    def _edited(self, data: bytes, line: int, place: int) -> bytes:
        change = self.changes.get((line, place))
        if change is not None:
            data = edit(data, list(edit_record(parse_line(data), change)))
        for result in self.closings.get((line, place), ()):
            data = _close(data, result)
        return data

    def _head(self, start: int, keep_history: bool) -> Iterator[bytes]:
        """Yield what stays before the carrier: what is not a message, and damaged lines."""
        layout: Layout = self.transcript.layout
        for line in range(start):
            kind = layout.kinds.get(line, "side")
            data = self.transcript.records[line]
            if keep_history or (kind == "side" and line not in layout.lists):
                yield data
            elif kind == "side" and layout.lists[line] == HEADER:
                yield edit(data, [Replace(HEADER, [])])
            elif kind == "side" and len(parse_line(data)["$set"]) > 1:
                yield edit(data, [Delete(SET)])

    def _body(self, start: int, end: int, carried: Container[int] = ()) -> Iterator[bytes]:
        """Yield the lines from the start on.

        Where lines leave, all leaves that was replaced or taken back, and with it the `$rewindTo`: without the record
        that it names the client would forget everything.
        """
        layout: Layout = self.transcript.layout
        gone = {line for line, place in self.gone if place == OWN and line not in layout.lists}
        touched = {line for line, place in (*self.changes, *self.closings, *self.loose) if place == OWN}
        is_clean = bool(carried) or start > 0 or bool(gone)
        for line in range(start, end):
            data, kind = self.transcript.records[line], layout.kinds.get(line, "side")
            if line in gone or line in carried or (kind == "rewind" and is_clean):
                continue
            if line in layout.lists:
                yield self._list_line(line, is_clean)
            elif kind == "record" and line not in layout.owners:
                owner = self._newest(line)
                is_needed = owner is not None and owner.line not in gone and layout.is_passed(owner)
                if is_needed or (not is_clean and (owner is None or owner.line not in touched)):
                    yield data
            else:
                yield self._edited(data, line, OWN) if line in touched else data
                yield from map(encode, self.loose_records(line, OWN))

    def _newest(self, line: int) -> Record | None:
        """Return the record that replaced that of a line."""
        layout: Layout = self.transcript.layout
        owner = layout.live.get(parse_line(self.transcript.records[line])["id"])
        return owner if owner is not None and owner.place == OWN and owner.first <= line else None

    def _list_line(self, line: int, is_clean: bool) -> bytes:
        """Edit the records in the list of a line."""
        layout: Layout = self.transcript.layout
        path, data = layout.lists[line], self.transcript.records[line]
        values = at_path(parse_line(data), path)
        live = {record.place for record in layout.live.values() if record.line == line}
        gone = {place for one, place in self.gone if one == line and place != OWN}
        gone |= {place + 1 for place in gone if place + 1 < len(values) and is_acknowledgement(values[place + 1])}
        gone |= set(range(len(values))) - live if is_clean else set()
        touched = {place for one, place in (*self.changes, *self.closings) if one == line} - gone
        edits: list[Edit] = [Delete((*path, place)) for place in sorted(gone)]
        edits += [Replace((*path, place), Raw(self.record_bytes(line, place))) for place in sorted(touched)]
        loose = {place: tuple(self.loose_records(line, place)) for one, place in self.loose if one == line}
        return edit(data, [*edits, *(Insert((*path, place + 1), values) for place, values in loose.items())])


def _taken(transcript: Transcript) -> Iterable[object]:
    """Return the ids of the records that the client would load: one of the same id would replace them."""
    layout = transcript.layout
    if isinstance(layout, containers.Layout):
        return [value.get("id") for value in layout.box.values if isinstance(value, dict)]
    return list(layout.live)


def _place_of(part: Part, transcript: Transcript) -> tuple[int, int]:
    """Return (place in the list of its line, block) of a part."""
    layout = transcript.layout
    if isinstance(layout, containers.Layout) or part.record not in layout.lists:
        return OWN, part.block
    return part.block // STRIDE, part.block % STRIDE - 1


def _by_place(transcript: Transcript) -> tuple[dict[tuple[int, int], RecordChange], set[tuple[int, int]]]:
    """Return what becomes of every (line, place), of the records in a list one by one, and which of them leave."""
    places: dict[tuple[int, int], dict[int, int]] = {}
    for message in transcript.loaded:
        for part in message.parts:
            if part.record >= 0:
                place, block = _place_of(part, transcript)
                places.setdefault((part.record, place), {})[part.block] = block
    changes = record_changes(transcript)
    gone = {(line, OWN) for line in changes.gone}
    edited: dict[tuple[int, int], RecordChange] = {}
    for where, blocks in places.items():
        if where[0] in changes.gone:
            gone.add(where)
        elif (change := changes.edited.get(where[0])) is not None:
            pairs = {blocks[full]: pair for full, pair in change.edited.items() if full in blocks}
            removed = frozenset(block for full, block in blocks.items() if full in change.removed)
            if len(removed) == len(blocks):
                gone.add(where)
            elif pairs or removed:
                edited[where] = RecordChange(pairs, removed)
    return edited, gone


def _close(record: bytes, result: Part) -> bytes:
    """Write the result of a call into its record: there is no other place for it."""
    pieces = list(encode_parts([result], {}))
    calls = calls_of(parse_line(record))
    number = next(
        at for at, call in enumerate(calls) if call.get("id", "") == result.call_id and not call.get("result")
    )
    path: Path = ("toolCalls", number)
    if "result" in calls[number]:
        return edit(record, [Replace((*path, "result"), pieces)])
    return edit(record, [Replace(path, Raw(prepend_member(cut_out(record, path), "result", pieces)))])
