"""The records of a live path as messages: what the client would put into its next request.

Pieces of one answer become one message, results stand behind it, and what the client leaves out when it
resumes is left out: dead calls, orphans, empty answers. Nothing of it is a repair of ours, and nothing is
written for it. Source: SPEC section 10, tried in the client (`tests/clients`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cortex_cli.formats.claude_code_records import Record
from cortex_cli.formats.claude_code_tree import Node
from cortex_cli.marks import synthetic_kind
from cortex_cli.messages import Message, Part, Synthetic


class Answer(NamedTuple):
    """What the records of an answer say of its model call."""

    message: Message
    model: str
    tokens: int
    """Zero where no valid usage was recorded."""


class Conversation(NamedTuple):
    """A live path as messages."""

    messages: tuple[Message, ...]
    answers: Mapping[int, Answer]
    """Position of an assistant message -> what its records say."""


@dataclass(slots=True)
class _Unit:
    """A message in the making."""

    role: str
    """assistant, user, or attachment: consecutive attachments are one message."""
    records: list[Record] = field(default_factory=list)
    results: list[tuple[Record, Part]] = field(default_factory=list)
    calls: dict[str, str] = field(default_factory=dict)
    """Call id -> tool."""
    uuids: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    """Ids of the calls that have their result."""
    apart: bool = False
    """Something of the user follows, and no result stands between: a later piece is a message of its own."""


class _Builder:
    """Collects units along a path."""

    def __init__(self) -> None:
        self.units: list[_Unit] = []
        self.calls: dict[str, list[_Unit]] = {}
        """Call id -> the answers that call with it: gateways repeat ids from turn to turn."""
        self.orphans: list[tuple[Record, Part]] = []
        self.newest: _Unit | None = None
        """The newest answer."""
        self.last: Record | None = None
        """The newest user or assistant record, but for mere thinking."""

    def add(self, record: Record) -> None:
        if record.node.kind == "assistant":
            self._add_assistant(record)
        elif record.node.kind == "user":
            self._add_user(record)
        elif record.parts:
            self._add_other(record)

    def _add_assistant(self, record: Record) -> None:
        if record.failed or any(_says_something(part) for part in record.parts):
            self.last = record
        if record.failed:
            return
        unit = self.newest
        if unit is None or unit.apart or not _is_same_answer(unit.records[-1], record):
            unit = self.newest = _Unit("assistant")
            self.units.append(unit)
        unit.records.append(record)
        unit.uuids.add(record.node.uuid)
        for part in record.parts:
            if part.kind == "call" and part.call_id not in unit.calls:
                unit.calls[part.call_id] = part.name
                self.calls.setdefault(part.call_id, []).append(unit)

    def _add_user(self, record: Record) -> None:
        self.last = record
        rest = record.parts
        if record.node.has_results:
            for part in record.parts:
                if part.kind == "result":
                    self._add_result(record, part)
            rest = tuple(part for part in record.parts if part.kind != "result")
        if all(part.kind == "text" and not part.text.strip() for part in rest):
            return
        unit = _Unit("user", [record._replace(parts=rest)])
        self.units.append(unit)
        if self.newest is not None and not self.newest.results:
            self.newest.apart = True

    def _add_result(self, record: Record, part: Part) -> None:
        """Put a result behind the call that it names, else behind the newest with its id.

        One that answers nothing, or the same again, is not sent.
        """
        homes = self.calls.get(part.call_id, [])
        unit = next((unit for unit in homes if record.caller in unit.uuids), homes[-1] if homes else None)
        if unit is None:
            self.orphans.append((record, part))
        elif part.call_id not in unit.answered:
            unit.answered.add(part.call_id)
            unit.results.append((record, part._replace(name=unit.calls[part.call_id])))

    def _add_other(self, record: Record) -> None:
        is_attachment = record.node.kind == "attachment" and not record.typed
        if is_attachment and self.units and self.units[-1].role == "attachment":
            self.units[-1].records.append(record)
        else:
            self.units.append(_Unit("attachment" if is_attachment else "user", [record]))

    def waiting(self) -> set[int]:
        """Return the ids (`id()`) of the units whose open calls are kept.

        Where the session ends within a turn (in a call or a result), the client closes the open calls of that turn:
        those of the newest answer, and earlier ones that a result follows. All others it leaves out.
        """
        kept: set[int] = set()
        if not self._ends_within_turn():
            return kept
        has_results = False
        for unit in reversed(self.units):
            if unit.records[0].node.kind == "user":
                break
            if unit.role == "assistant":
                has_results = has_results or bool(unit.results)
                if has_results or unit is self.newest:
                    kept.add(id(unit))
        return kept

    def _ends_within_turn(self) -> bool:
        if self.last is None:
            return False
        if self.last.node.kind == "user":
            return all(part.kind == "result" for part in self.last.parts)
        return any(part.kind == "call" for part in self.last.parts)


def _is_same_answer(one: Record, other: Record) -> bool:
    """Tell whether two records are pieces of one answer.

    A scrubber of secrets gives unlike answers the same `message.id`; they still differ in their request.
    """
    same_request = not one.request or not other.request or one.request == other.request
    return bool(one.node.answer) and one.node.answer == other.node.answer and same_request


def read_conversation(path: Sequence[Node], records: Mapping[int, Record]) -> Conversation:
    """Build the messages of a live path.

    Args:
        path: Oldest first.
        records: By index of the line.
    """
    builder = _Builder()
    for node in path:
        builder.add(records[node.record])
    waiting = builder.waiting()
    messages: list[Message] = []
    answers: dict[int, Answer] = {}
    for unit in builder.units:
        if unit.role != "assistant":
            messages.append(_user_message(unit))
            continue
        message = _assistant_message(unit, may_wait=id(unit) in waiting)
        if message is not None:
            answers[len(messages)] = _answer(message, unit)
            messages.append(message)
        messages += map(_result_message, sorted(unit.results, key=lambda pair: pair[0].node.record))
    return Conversation(tuple(messages or map(_result_message, builder.orphans)), answers)  # orphans: a mere excerpt


def _result_message(found: tuple[Record, Part]) -> Message:
    record, part = found
    return Message("tool", (part,), (record.node.record,), record.node.uuid, record.node.time)


def _user_message(unit: _Unit) -> Message:
    first = unit.records[0]
    parts = tuple(part for record in unit.records for part in record.parts)
    indices = tuple(sorted(record.node.record for record in unit.records))
    synthetic: Synthetic = ""
    if len(parts) == 1 and parts[0].kind == "text":
        synthetic = synthetic_kind(parts[0].text)
    synthetic = synthetic or ("summary" if first.summary else "")
    typed = first.typed and not synthetic
    return Message("user", parts, indices, first.node.uuid, first.node.time, typed=typed, synthetic=synthetic)


def _assistant_message(unit: _Unit, *, may_wait: bool) -> Message | None:
    """Put the pieces of an answer together; None where nothing is left that would be sent."""
    in_file_order = sorted(unit.records, key=lambda record: record.node.record)
    alive = [record for record in in_file_order if may_wait or not _is_dead(record, unit)]
    sent = [part for record in alive for part in record.parts if part.kind != "text" or part.text.strip()]
    if all(part.kind == "thinking" for part in sent):
        return None
    parts = (*(part for part in sent if part.kind != "call"), *(part for part in sent if part.kind == "call"))
    node = alive[0].node
    return Message("assistant", parts, tuple(record.node.record for record in alive), node.uuid, node.time)


def _is_dead(record: Record, unit: _Unit) -> bool:
    """Tell whether a record has calls and none of them was answered: it is then left out whole."""
    calls = [part.call_id for part in record.parts if part.kind == "call"]
    return bool(calls) and unit.answered.isdisjoint(calls)


def _says_something(part: Part) -> bool:
    return part.kind != "thinking" and bool(part.text.strip())


def _answer(message: Message, unit: _Unit) -> Answer:
    model = next((record.model for record in reversed(unit.records) if record.model), "")
    return Answer(message, model, max(record.tokens for record in unit.records))
