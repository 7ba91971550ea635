"""The records of a live path as messages: what the client would put into its next request.

Pieces of one answer become one message, results stand behind it, and what the client leaves out when it
resumes is left out: dead calls, orphans, empty answers. Nothing of it is a repair of ours, and nothing is
written for it. Source: SPEC section 10, tried in the client (`tests/clients`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from cortex_cli.formats.claude_code_records import Record
from cortex_cli.formats.claude_code_tree import Node
from cortex_cli.marks import synthetic_kind
from cortex_cli.messages import Message, Part, Synthetic, build
from cortex_cli.typed import is_blank


class Answer(NamedTuple):
    """What the records of an answer say of its model call."""

    message: Message
    model: str
    tokens: int
    """Zero where no valid usage was recorded."""


class Conversation(NamedTuple):
    """A live path as messages."""

    messages: tuple[Message, ...]
    spoken: dict[int, "_Unit"]
    """Position of an assistant message -> what it was made of."""

    def answers(self) -> Iterator[tuple[int, Answer]]:
        """Yield the position of every assistant message and what its records say of its call, newest first."""
        for position, unit in reversed(self.spoken.items()):
            model = next((record.model for record in reversed(unit.records) if record.model), "")
            yield position, Answer(self.messages[position], model, max(record.tokens for record in unit.records))


@dataclass(slots=True, eq=False)
class _Said:
    """A message of the user's in the making, or one of attachments."""

    role: str
    """user, or attachment: consecutive attachments are one message."""
    records: list[Record]


@dataclass(slots=True, eq=False)
class _Unit:
    """An answer in the making."""

    records: list[Record]
    results: list[tuple[Record, Part]] = field(default_factory=list)
    calls: dict[str, str] = field(default_factory=dict)
    """Call id -> tool."""
    answered: set[str] = field(default_factory=set)
    """Ids of the calls that have their result."""
    apart: bool = False
    """Something of the user follows, and no result stands between: a later piece is a message of its own."""

    def has(self, uuid: str) -> bool:
        """Whether a record is a piece of this answer."""
        return any(record.uuid == uuid for record in self.records)


class _Builder:
    """Collects units along a path."""

    def __init__(self) -> None:
        self.units: list[_Unit | _Said] = []
        self.calls: dict[str, list[_Unit]] = {}
        """Call id -> the answers that call with it: gateways repeat ids from turn to turn."""
        self.orphans: list[tuple[Record, Part]] = []
        self.newest: _Unit | None = None
        """The newest answer."""

    def add(self, record: Record) -> None:
        kind = record.kind
        if kind == "assistant":
            self._add_assistant(record)
        elif kind == "user":
            self._add_user(record)
        elif record.parts:
            self._add_other(record)

    def _add_assistant(self, record: Record) -> None:
        if record.failed:
            return
        unit = self.newest
        if unit is None or unit.apart or not _is_same_answer(unit.records[-1], record):
            unit = self.newest = _Unit([record])
            self.units.append(unit)
        else:
            unit.records.append(record)
        for part in record.parts:
            if part.kind == "call" and part.call_id not in unit.calls:
                unit.calls[part.call_id] = part.name
                self.calls.setdefault(part.call_id, []).append(unit)

    def _add_user(self, record: Record) -> None:
        rest = record.parts
        if record.has_results:
            for part in rest:
                if part.kind == "result":
                    self._add_result(record, part)
            rest = tuple([part for part in rest if part.kind != "result"])
        for part in rest:
            if part.kind != "text" or not is_blank(part.text):
                break
        else:
            return
        self.units.append(_Said("user", [record if rest is record.parts else replace(record, parts=rest)]))
        if self.newest is not None and not self.newest.results:
            self.newest.apart = True

    def _add_result(self, record: Record, part: Part) -> None:
        """Put a result behind the call that it names, else behind the newest with its id.

        One that answers nothing, or the same again, is not sent.
        """
        call_id = part.call_id
        homes = self.calls.get(call_id)
        if homes is None:
            self.orphans.append((record, part))
            return
        unit = homes[-1]
        if len(homes) > 1:
            unit = next((one for one in homes if one.has(record.caller)), unit)
        if call_id not in unit.answered:
            unit.answered.add(call_id)
            unit.results.append((record, part.with_name(unit.calls[call_id])))

    def _add_other(self, record: Record) -> None:
        is_attachment = record.kind == "attachment" and not record.typed
        newest = self.units[-1] if self.units else None
        if is_attachment and isinstance(newest, _Said) and newest.role == "attachment":
            newest.records.append(record)
        else:
            self.units.append(_Said("attachment" if is_attachment else "user", [record]))

    def waiting(self, last: Record | None) -> set[int]:
        """Return the ids (`id()`) of the units whose open calls are kept; `last`: what the session ends with.

        Where the session ends within a turn (in a call or a result), the client closes the open calls of that turn:
        those of the newest answer, and earlier ones that a result follows. All others it leaves out.
        """
        kept: set[int] = set()
        if not _is_within_turn(last):
            return kept
        has_results = False
        for unit in reversed(self.units):
            if unit.records[0].kind == "user":
                break
            if isinstance(unit, _Unit):
                has_results = has_results or bool(unit.results)
                if has_results or unit is self.newest:
                    kept.add(id(unit))
        return kept


def _last_said(records: Sequence[Record]) -> Record | None:
    """Return the newest user or assistant record, but for mere thinking."""
    for record in reversed(records):
        if record.kind == "user" or (record.kind == "assistant" and (record.failed or _says_something(record.parts))):
            return record
    return None


def _is_within_turn(last: Record | None) -> bool:
    if last is None:
        return False
    if last.kind == "user":
        return all(part.kind == "result" for part in last.parts)
    return any(part.kind == "call" for part in last.parts)


def _is_same_answer(one: Record, other: Record) -> bool:
    """Tell whether two records are pieces of one answer.

    A scrubber of secrets gives unlike answers the same `message.id`; they still differ in their request.
    """
    same_request = not one.request or not other.request or one.request == other.request
    return bool(one.answer) and one.answer == other.answer and same_request


def read_conversation(path: Sequence[Node], records: Mapping[int, Record]) -> Conversation:
    """Build the messages of a live path.

    Args:
        path: Oldest first.
        records: By index of the line.
    """
    builder = _Builder()
    found = [records[node.index] for node in path]
    for record in found:
        builder.add(record)
    waiting = builder.waiting(_last_said(found))
    messages: list[Message] = []
    spoken: dict[int, _Unit] = {}
    for unit in builder.units:
        if isinstance(unit, _Said):
            messages.append(_user_message(unit))
            continue
        message = _assistant_message(unit, may_wait=id(unit) in waiting)
        if message is not None:
            spoken[len(messages)] = unit
            messages.append(message)
        results = unit.results
        if len(results) > 1:
            results = sorted(results, key=lambda pair: pair[0].index)
        messages += [_result_message(record, part) for record, part in results]
    if not messages:  # a mere excerpt
        messages = [_result_message(record, part) for record, part in builder.orphans]
    return Conversation(tuple(messages), spoken)


def _result_message(record: Record, part: Part) -> Message:
    return build(Message, ("tool", (part,), (record.index,), record.uuid, record.time, False, False, "", -1))


def _user_message(unit: _Said) -> Message:
    first = unit.records[0]
    parts = tuple([part for record in unit.records for part in record.parts])
    indices = tuple(sorted([record.index for record in unit.records]))
    synthetic: Synthetic = ""
    if len(parts) == 1 and parts[0].kind == "text":
        synthetic = synthetic_kind(parts[0].text)
    synthetic = synthetic or ("summary" if first.summary else "")
    typed = first.typed and not synthetic
    return Message("user", parts, indices, first.uuid, first.time, typed, False, synthetic)


def _assistant_message(unit: _Unit, *, may_wait: bool) -> Message | None:
    """Put the pieces of an answer together; None where nothing is left that would be sent."""
    records = unit.records
    if len(records) > 1:
        records = sorted(records, key=lambda record: record.index)
    none_is_dead = may_wait or unit.answered.issuperset(unit.calls)
    alive = records if none_is_dead else [record for record in records if not _is_dead(record, unit)]
    said: list[Part] = []
    calls: list[Part] = []
    only_thinks = True
    for record in alive:
        for part in record.parts:
            kind = part.kind
            if kind == "call":
                calls.append(part)
            elif kind == "thinking":
                said.append(part)
            elif kind != "text" or not is_blank(part.text):
                said.append(part)
                only_thinks = False
    if only_thinks and not calls:
        return None
    first = alive[0]
    indices = tuple([record.index for record in alive])
    return build(Message, ("assistant", (*said, *calls), indices, first.uuid, first.time, False, False, "", -1))


def _is_dead(record: Record, unit: _Unit) -> bool:
    """Tell whether a record has calls and none of them was answered: it is then left out whole."""
    has_calls = False
    for part in record.parts:
        if part.kind == "call":
            if part.call_id in unit.answered:
                return False
            has_calls = True
    return has_calls


def _says_something(parts: Iterable[Part]) -> bool:
    return any(part.kind != "thinking" and not is_blank(part.text) for part in parts)
