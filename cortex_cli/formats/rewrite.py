"""How a changed list of messages is written: a plan of edits, drops and insertions, and how it is carried out.

The plan is the same for lines, for a JSON document and for Python values; the formats say how parts of one
element are edited and how a message of our own is encoded, `alternation` which of them must share an element.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cortex_cli.errors import TranscriptError
from cortex_cli.formats.changes import RecordChange, record_changes
from cortex_cli.formats.containers import Box, Layout, as_plain
from cortex_cli.formats.plain_bytes import show
from cortex_cli.formats.source import BOM
from cortex_cli.jsonedit import Delete, Edit, Insert, Path, Raw, Replace, edit, encode, parse
from cortex_cli.messages import Message, Part, Transcript

CHUNK_PIECES = 2_048
"""Lines and line ends that leave together, so that a large file is neither held twice nor written in crumbs."""


EditElement = Callable[[dict[str, Any], RecordChange], Iterable[Edit]]
"""(element, what becomes of it) -> edits, paths from the element."""


class Writer(NamedTuple):
    """How a format writes."""

    edit_element: EditElement
    encode: Callable[[Message, str], dict[str, Any]]
    """(message of our own, time of its neighbour) -> element."""
    blocks: tuple[Path, Callable[[Sequence[Part]], Iterable[Any]]] | None = None
    """Where an element has its blocks and how parts of our own become some, where one element may hold several
    messages: what comes between two of them goes into it."""


@dataclass(slots=True)
class Plan:
    """What becomes of every element that does not stay as it is."""

    edits: defaultdict[int, list[Edit]] = field(default_factory=lambda: defaultdict(list))
    gone: set[int] = field(default_factory=set)
    inserts: defaultdict[int, list[Any]] = field(default_factory=lambda: defaultdict(list))
    """Element index (one past the last: at the end) -> values that come before it."""
    beside: list[Edit] = field(default_factory=list)
    """Of a document: what changes beside the elements, paths from its root."""


def plan_messages(transcript: Transcript, writer: Writer) -> Plan:
    """Plan a changed transcript in which every message may stand alone."""
    plan = plan_changes(transcript, writer.edit_element)
    plan_inserts(transcript, writer, plan)
    return plan


def plan_changes(transcript: Transcript, edit_element: EditElement) -> Plan:
    """Plan the edits and drops of the elements that were there."""
    plan = Plan()
    element = element_reader(transcript)
    changes = record_changes(transcript)
    plan.gone |= changes.gone
    for index, change in changes.edited.items():
        plan.edits[index].extend(edit_element(element(index), change))
    return plan


def element_reader(transcript: Transcript) -> Callable[[int], dict[str, Any]]:
    """Return how to get at an element as it was loaded."""
    box: Box = transcript.layout.box
    if box.kind == "lines":
        return lambda index: dict(parse_line(transcript.records[index]))
    return lambda index: dict(box.values[index])


def parse_line(line: bytes) -> Any:
    """Parse a line again, as `Source` parsed it."""
    body = line.removeprefix(BOM)
    try:
        return parse(body)
    except ValueError:
        return parse(body.decode(errors="replace").encode())


def plan_inserts(transcript: Transcript, writer: Writer, plan: Plan) -> None:
    """Plan where messages of our own go: before the next element that stays."""
    waiting: list[tuple[Message, str]] = []
    time = next((message.time for message in transcript.messages if message.time), "")
    element = -1
    for message in transcript.messages:
        time = message.time or time
        if message.records:
            if waiting and writer.blocks is not None and message.records[0] == element:
                path, encode_blocks = writer.blocks
                blocks = [block for one, _ in waiting for block in encode_blocks(one.parts)]
                plan.edits[element].append(Insert((*path, message.parts[0].block), tuple(blocks)))
            elif waiting:
                plan.inserts[message.records[0]].extend(writer.encode(*one) for one in waiting)
            waiting = []
            element = message.records[-1]
        elif message.position < 0:
            waiting.append((message, time))
    if waiting:
        plan.inserts[count_elements(transcript)].extend(writer.encode(*one) for one in waiting)


def count_elements(transcript: Transcript) -> int:
    """Count the elements there are; for lines without the empty one behind the last line feed."""
    box: Box = transcript.layout.box
    if box.kind != "lines":
        return len(box.values)
    records = transcript.records
    return len(records) - (not records[-1])


def render(transcript: Transcript, plan: Plan) -> Iterator[bytes]:
    """Carry a plan out on the bytes."""
    box: Box = transcript.layout.box
    if box.kind == "lines":
        yield from _render_lines(transcript, plan)
    elif box.kind == "plain":
        yield encode(as_plain(render_plain(transcript, plan)))
    else:
        yield edit(transcript.records[0], _document_edits(transcript, plan), _root_of(box))


def _root_of(box: Box) -> Any:
    """Return the parsed document that holds the messages: with it nearly all of its text need not be scanned again."""
    root = box.top or box.values
    return [root] if box.path[:1] == (0,) else root


def _document_edits(transcript: Transcript, plan: Plan) -> Iterator[Edit]:
    box: Box = transcript.layout.box
    if box.kind == "single":
        if plan.gone or plan.inserts:
            hint = "compact the request that it answers"
            raise TranscriptError("one recorded answer cannot take other messages", where=transcript.path, hint=hint)
        yield from (move(one, box.path) for one in plan.edits[0])
        return
    yield from plan.beside
    for index, edits in plan.edits.items():
        yield from (move(one, (*box.path, index)) for one in edits)
    yield from (Delete((*box.path, index)) for index in plan.gone)
    yield from (Insert((*box.path, index), tuple(values)) for index, values in plan.inserts.items())


def move(one: Edit, path: Path) -> Edit:
    """Put a path in front of an edit's own."""
    if isinstance(one, Replace):
        return Replace((*path, *one.path), one.value)
    if isinstance(one, Delete):
        return Delete((*path, *one.path))
    return Insert((*path, *one.path), one.values)


def _render_lines(transcript: Transcript, plan: Plan) -> Iterator[bytes]:
    """Yield the lines; the last one keeps having, or lacking, its line feed."""
    chunk: list[bytes] = []
    if transcript.records[0].startswith(BOM):
        chunk.append(BOM)
    pending = b""  # the end of the line before, held back: the last one may have none
    for body, end in _lines(transcript, plan):
        chunk += (pending, body)
        pending = end
        if len(chunk) >= CHUNK_PIECES:
            yield b"".join(chunk)
            chunk = []
    if transcript.records[-1]:
        pending = b""
    yield b"".join((*chunk, pending))


def _lines(transcript: Transcript, plan: Plan) -> Iterator[tuple[bytes, bytes]]:
    """Yield (line, its end) for all that stays and all that is new; new lines end as the first one does."""
    records = transcript.records
    usual = b"\r\n" if records[0].endswith(b"\r") and len(records) > 1 else b"\n"
    count = count_elements(transcript)
    for index in range(count):
        for value in plan.inserts.get(index, ()):
            yield encode(value), usual
        if index in plan.gone:
            continue
        line = records[index].removeprefix(BOM) if index == 0 else records[index]
        body, end = (line[:-1], b"\r\n") if line.endswith(b"\r") else (line, b"\n")
        is_unterminated = index == len(records) - 1
        if is_unterminated:
            body, end = line, usual
        yield edit(body, plan.edits.get(index, ())), end
    for value in plan.inserts.get(count, ()):
        yield encode(value), usual


Made = dict[int, tuple[list[Edit], Any]]
"""Element -> (its edits, the value they made), kept from one rendering to the next."""


def render_plain(transcript: Transcript, plan: Plan, made: Made | None = None) -> list[Any]:
    """Carry a plan out on Python values; untouched ones are returned as the same objects.

    Args:
        transcript: As `load_messages` read it, with other messages.
        plan: What becomes of its elements.
        made: Of an earlier rendering of the same elements: what is edited in the same way is the same object again.
    """
    layout: Layout = transcript.layout
    made = {} if made is None else made
    out: list[Any] = []
    for index, value in enumerate(layout.originals):
        out.extend(map(_unwrap, plan.inserts.get(index, ())))
        if index in plan.gone:
            continue
        edits = plan.edits.get(index)
        if edits and (index not in made or made[index][0] != edits):
            made[index] = edits, show(parse(edit(encode(layout.box.values[index]), edits)))
        out.append(made[index][1] if edits else value)
    return [*out, *map(_unwrap, plan.inserts.get(len(layout.originals), ()))]


def _unwrap(value: Any) -> Any:
    """Turn encoded JSON into values; what is none already stays the same object."""
    if isinstance(value, Raw):
        return show(parse(value.data))
    if isinstance(value, dict) and isinstance(value.get("content"), list):
        content = value["content"]
        return {**value, "content": [_unwrap(one) for one in content]} if Raw in map(type, content) else value
    return value
