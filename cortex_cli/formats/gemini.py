"""Gemini contents: requests and answers of the API, and sessions of the Agent Development Kit (ADK).

Contents of the model that follow each other are one answer: the API joins them, their results come in one
content behind them. An ADK event holds one content; `adk.py` says which events are sent. Source: FORMATS section 7.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cortex_cli.formats import adk, alternation, containers, rewrite, shapes
from cortex_cli.formats.anthropic_elements import split_user
from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.containers import Box
from cortex_cli.formats.contents import compact, text_of
from cortex_cli.formats.gemini_parts import edit_part, encode_parts, key_of, member, pair_by_order, read_parts
from cortex_cli.formats.ids import NewIds
from cortex_cli.formats.source import Source
from cortex_cli.formats.times import to_utc
from cortex_cli.jsonedit import Delete, Edit, Path, Replace
from cortex_cli.messages import NO_RECORD, WHOLE, Message, Part, Transcript, Usage
from cortex_cli.validity import Rules

NAME = "gemini"

RULES = Rules(alternates=True, results_directly_after_call=True, user_first=True, no_empty_text=True)
"""Source: FORMATS section 7, G1 and G2."""

ROLES = ("user", "model", "function", "tool", "system")
"""`function` and `tool` are older words for the user's side."""

_FOREIGN_KEYS = frozenset({"type", "kind"})
"""What parts of other APIs' messages (AI SDK, A2A) have and Gemini's have not."""


def detect(source: Source) -> float:
    """Tell whether the input holds contents with parts."""
    if source.remember(find_box) is not None:
        return 1
    found = containers.sample(source)
    return float(found is not None and containers.is_dataset(source) and any(map(is_content, found.messages)))


def is_content(value: Any) -> bool:
    """Tell whether a value is a content: a role of this API, and parts as it has them."""
    if not isinstance(value, dict) or not isinstance(parts := value.get("parts"), list):
        return False
    if value.get("role", "user") not in ROLES:
        return False
    return not any(isinstance(part, dict) and _FOREIGN_KEYS & part.keys() for part in parts)


def is_event(value: Any) -> bool:
    """Tell whether a value is an event of an ADK session that holds a content."""
    return isinstance(value, dict) and isinstance(value.get("author"), str) and is_content(value.get("content"))


def find_box(source: Source) -> Box | None:
    """Find the contents or events; None where there are none."""
    document = source.document
    if document is None:
        return Box("lines") if any(is_content(one) or is_event(one) for one in source.head) else None
    if isinstance(document, list):
        if any(is_content(one) or is_event(one) for one in document):
            return Box(containers.kind_of_list(source), values=document)
        found = _find_in_object(source, document[0]) if len(document) == 1 and isinstance(document[0], dict) else None
        return found and found._replace(path=(0, *found.path))  # a data set of one conversation
    return _find_in_object(source, document) if isinstance(document, dict) else None


def _find_in_object(source: Source, document: dict[str, Any]) -> Box | None:
    for path, top in (((), document), (("request",), document.get("request"))):
        contents = top.get("contents") if isinstance(top, dict) else None
        if isinstance(top, dict) and isinstance(contents, list) and (not contents or any(map(is_content, contents))):
            return Box("list", (*path, "contents"), top, contents)
    events, candidates = document.get("events"), document.get("candidates")
    if isinstance(events, list) and any(map(is_event, events)):
        return Box("list", ("events",), document, events)
    if isinstance(candidates, list) and candidates and isinstance(candidates[0], dict):
        content = candidates[0].get("content")
        return Box("single", ("candidates", 0, "content"), document, [content]) if is_content(content) else None
    if is_content(document) or is_event(document):
        return Box("lines") if source.is_one_line else Box("single", (), document, [document])
    return None


def load(source: Source) -> Transcript:
    """Read contents.

    Raises:
        InputError: It holds none.
    """
    box = find_box(source)
    if box is None:
        raise containers.refuse_dataset(source) if containers.is_dataset(source) else shapes.refuse(source)
    messages: list[Message] = []
    strays: list[tuple[int, Any]] = []
    usage, model = None, text_of(box.top.get("model")) or text_of(member(box.top, "modelVersion"))
    for index, value in _live_values(list(containers.elements(source, box))):
        if isinstance(value, adk.Compaction):
            parts = tuple(read_parts(index, value.content["parts"]))
            messages.append(Message("system", containers.only(parts), (index,), synthetic="summary"))
            continue
        content = value.get("content") if is_event(value) else value
        if not is_content(content) or value.get("partial") is True:
            strays += [] if isinstance(value, dict) and "author" in value else [(index, value)]
            continue
        model = text_of(member(value, "modelVersion")) or model
        messages.extend(_read_content(index, value, content))
        tokens = member(member(value, "usageMetadata"), "totalTokenCount")
        usage = Usage(tokens, len(messages)) if isinstance(tokens, int) and tokens > 0 else usage
    joined, usage = _join_answers(messages, usage)
    paired, ids = pair_by_order(alternation.place_notice(joined))
    system = [] if box.kind == "single" else list(_read_system(member(box.top, "systemInstruction")))
    usage = usage and Usage(usage.tokens, usage.messages + len(system))
    reading = containers.Reading(box, paired, model, usage, containers.name_strays(source, box, strays))
    preamble = containers.preamble_of(box.top, "tools")
    transcript = containers.build(source, reading, NAME, [*system, *paired], ids=ids, preamble=preamble)
    session_id = text_of(box.top.get("id")) if box.path[-1:] == ("events",) else ""
    return replace(transcript, session_id=session_id)


def _live_values(values: Sequence[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    """Yield (index, element) of what is sent; of a session's events what rewinds and compactions have left."""
    if not any(is_event(value) for _, value in values):
        yield from values
        return
    for one in adk.live_events(values):
        yield (one.event.place, one) if isinstance(one, adk.Compaction) else (one.place, one.value)


def _read_system(instruction: Any) -> Iterator[Message]:
    """Read the system prompt: it is sent, and stands in no content."""
    pieces = instruction.get("parts") if isinstance(instruction, dict) else instruction
    parts = tuple(read_parts(NO_RECORD, pieces))
    if any(part.text for part in parts):
        yield Message("system", parts)


def _read_content(index: int, value: dict[str, Any], content: dict[str, Any]) -> Iterator[Message]:
    parts = tuple(read_parts(index, content["parts"]))
    role = content.get("role") or ("user" if value.get("author", "user") == "user" else "model")
    if role == "model":
        messages = [Message("assistant", containers.only(parts, "call"), (index,))]
    elif role == "system":
        messages = [Message("system", containers.only(parts), (index,))]
    else:
        messages = list(split_user(index, containers.only(parts, "result")))
    if value is content:
        yield from messages
        return
    time = to_utc(value.get("timestamp"))
    for number, message in enumerate(messages):
        yield message._replace(time=time, id=text_of(value.get("id")) if not number else "")


def _join_answers(messages: Sequence[Message], usage: Usage | None) -> tuple[list[Message], Usage | None]:
    """Make one message of contents of the model that follow each other; what `usage` covers moves with them."""
    joined: list[Message] = []
    covered = 0
    for number, message in enumerate(messages, 1):
        if message.role == "assistant" and joined and joined[-1].role == "assistant":
            last = joined[-1]
            joined[-1] = last._replace(parts=last.parts + message.parts, records=last.records + message.records)
        else:
            joined.append(message)
        covered = len(joined) if usage and number == usage.messages else covered
    return joined, usage and Usage(usage.tokens, covered)


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the changed contents in their container."""
    yield from rewrite.render(transcript, plan(transcript))


def plan(transcript: Transcript) -> rewrite.Plan:
    """Plan what becomes of every content."""
    layout: containers.Layout = transcript.layout
    planned = rewrite.plan_changes(transcript, edit_element)
    events = _Events(transcript)

    def encode(parts: Sequence[Part]) -> Iterator[dict[str, Any]]:
        return encode_parts(parts, layout.ids)

    path: Path = ("content", "parts") if events.values else ("parts",)
    new_element = events.new_element if events.values else _new_content
    alternation.plan_turns(transcript, planned, alternation.Shape(encode, path, _leads, new_element))
    return planned


def _leads(piece: Any) -> bool:
    return bool(key_of(piece, "functionResponse")) or (isinstance(piece, dict) and piece.get("thought") is True)


def _new_content(side: str, parts: list[Any], _behind: int) -> dict[str, Any]:
    return {"role": "model" if side == "assistant" else "user", "parts": parts}


class _Events:
    """The events of an ADK session, for what a new one takes from its neighbour."""

    def __init__(self, transcript: Transcript) -> None:
        element = rewrite.element_reader(transcript)
        indices = sorted({record for message in transcript.loaded for record in message.records})
        values = {index: element(index) for index in indices[:1]}
        if any(map(is_event, values.values())):
            values |= {index: element(index) for index in indices[1:]}
            self.values: Mapping[int, dict[str, Any]] = {one: values[one] for one in indices if is_event(values[one])}
        else:
            self.values = {}
        self.session_id = transcript.session_id
        self.ids = NewIds(value.get("id") for value in self.values.values())

    def new_element(self, side: str, parts: list[Any], behind: int) -> dict[str, Any]:
        """Write an event of our own: time and invocation are those of the event that it comes before."""
        near = next((value for index, value in self.values.items() if index >= behind), None)
        near = near or list(self.values.values())[-1]
        agents = (value["author"] for value in self.values.values() if value["author"] != "user")
        author = "user" if side == "user" else next(agents, "model")
        event: dict[str, Any] = {"id": self.ids.make(self.session_id, compact(parts)), "author": author}
        for key in (key_of(near, "invocationId"), "timestamp"):
            if key in near:
                event[key] = near[key]
        return {**event, "content": _new_content(side, parts, behind)}


def edit_element(value: dict[str, Any], change: RecordChange) -> Iterator[Edit]:
    """Write changed parts into a content or event, and take removed ones out; paths start at the element."""
    path: Path = ("content", "parts") if is_event(value) else ("parts",)
    pieces = value["content"]["parts"] if is_event(value) else value["parts"]
    for block, (old, new) in change.edited.items():
        if block == WHOLE:
            yield Replace(path, new.text)
        else:
            yield from edit_part((*path, block), pieces[block], old, new)
    yield from (Delete((*path, block)) for block in change.removed if block != WHOLE)
