"""How a changed OpenHands conversation is written: condensations where something left, links of the tree mended.

A condensation stands directly before the next event that is kept, so that its offset is the number of kept events
before it, whether what left stays in the file or not. Source: SPEC section 11, `View` of openhands-sdk.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from cortex_cli.formats import rewrite
from cortex_cli.formats.carrier import is_ours
from cortex_cli.formats.ids import new_uuid
from cortex_cli.formats.openhands_events import SUMMARY, Event, as_message, edit_event, replaced_calls_v0
from cortex_cli.formats.openhands_view import ROOT, SHOWN, delegations, history_v0, summary_id
from cortex_cli.jsonedit import Delete, Edit, Replace
from cortex_cli.marks import BLANK_LINE
from cortex_cli.messages import Message, Transcript


def dump(transcript: Transcript, *, keep_history: bool = False) -> Iterator[bytes]:
    """Yield the changed conversation.

    Args:
        transcript: As loaded, with other messages.
        keep_history: Leave forgotten events in the file, as OpenHands itself does.
    """
    yield from rewrite.render(transcript, plan(transcript, keep_history=keep_history))


def plan(transcript: Transcript, *, keep_history: bool = False) -> rewrite.Plan:
    """Plan what becomes of every event."""
    return _Work(transcript, keep_history=keep_history).plan()


class _Work:
    """One conversation on its way out."""

    def __init__(self, transcript: Transcript, *, keep_history: bool) -> None:
        self.transcript = transcript
        self.branch: Sequence[Event] = transcript.layout.branch
        self.events = {event.record: event for event in self.branch}
        self.value_of = rewrite.element_reader(transcript)
        self.is_v0 = any(event.is_v0 for event in self.branch)
        self.planned = rewrite.plan_changes(transcript, edit_event)
        self.forgotten = set(self.planned.gone)
        if keep_history:
            self.planned.gone -= self._may_stay()
        elif any(map(is_ours, transcript.messages)):
            self.planned.gone |= self._dead()
        for start, end in delegations(self.branch):  # without both ends its work would be the agent's own
            ends = {self.branch[start].record, self.branch[end].record}
            self.planned.gone |= {one.record for one in self.branch[start:end]} if ends & self.planned.gone else set()
        self.said = dict(self._said())
        self.planned.gone |= self.said.keys()
        self.numbers = 0
        self.before: dict[Any, frozenset[Any]] = {}
        """Record of a condensation, or id of a new one -> what stands before its summary in the conversation."""

    def plan(self) -> rewrite.Plan:
        """Plan the condensations, then the links."""
        self._condense()
        self._rewrite_summaries()
        self._rewrite_answers()
        self._count_offsets()
        self._link()
        return self.planned

    def _may_stay(self) -> set[int]:
        """Return what left and may stay in the file: not of a batch or tool loop of which some is kept."""
        kept = {record for message in self.transcript.messages for record in message.records}
        batches = {self.events[record].batch for record in kept if record in self.events} - {""}
        stay: set[int] = set()
        run: set[int] = set()
        for event in [*self.branch, Event(-1, "", "other")]:
            if event.kind in ("action", "result"):
                run.add(event.record)
                continue
            stay |= set() if run & kept and any(map(self._is_signed, run)) else run
            stay.add(event.record)
            run = set()
        return {one for one in stay if one in self.events and self.events[one].batch not in batches}

    def _is_signed(self, index: int) -> bool:
        return any(part.signed for part in self.events[index].parts)

    def _dead(self) -> set[int]:
        """Return events that earlier condensations took out of the view, and those condensations."""
        alive = {record for message in self.transcript.loaded for record in message.records}
        forgotten = {one for event in self.branch for one in event.forgotten}
        return {
            event.record
            for event in self.branch
            if event.record not in alive and (event.kind == "condensation" or event.id in forgotten)
        }

    def _said(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the actions that lost their call and not their words, as messages: OpenHands drops actions alone."""
        calling = {part.record for message in self.transcript.messages for part in message.calls}
        for message in self.transcript.messages:
            for record in message.records:
                if self.events[record].kind == "action" and record not in calling:
                    texts = [part.text for part in message.parts if part.record == record and part.kind == "text"]
                    signed = any(part.record == record and part.kind == "thinking" for part in message.parts)
                    yield record, as_message(self.value_of(record), texts, with_thinking=signed)

    def _condense(self) -> None:
        """Put condensations in: one for each run of messages of ours, and one for what left without them."""
        hidden = sorted(self.forgotten - self.planned.gone)
        end = rewrite.count_elements(self.transcript)
        waiting: list[Message] = []
        seen: set[Any] = set()
        for message in (*self.transcript.messages, None):
            if message is not None and not message.records:
                waiting += [message] if message.position < 0 else []
                continue
            place = message.records[0] if message else end
            for one in (one for one in waiting if one.result):
                if closing := self._closing(one, place):
                    self._put(closing, place, seen)
            waiting = [one for one in waiting if one.role in ("user", "assistant")]
            if waiting:
                hidden = self._insert(waiting, place, hidden, seen)
                waiting = []
            for record in message.records if message else ():
                if self.events[record].kind == "condensation":
                    self.before.setdefault(record, frozenset(seen))
                seen.add(record)
                if record in self.said:
                    self._put(self.said[record], record, seen)
        if hidden:
            self._insert([], end, hidden, seen)

    def _insert(self, texts: Sequence[Message], place: int, hidden: Sequence[int], seen: set[Any]) -> list[int]:
        """Plan our messages before an event, as condensations and answers; return what could not be forgotten yet."""
        now = hidden if self.is_v0 else [index for index in hidden if index < place]
        ids = [self._hidden_id(self.events[index]) for index in now if index in self.events]
        runs = [(role, list(run)) for role, run in groupby(texts, key=lambda one: one.role)]
        if self.is_v0:  # of several summaries only the newest counts
            runs = [(role, [one for one in texts if one.role == role]) for role in ("user", "assistant")]
        for role, run in runs if texts else [("user", [])]:
            text = BLANK_LINE.join(message.text for message in run)
            if role == "assistant":
                if run and (answer := self._answer(text, place)):
                    self._put(answer, place, seen)
                continue
            write = self._condensation_v0 if self.is_v0 else self._condensation
            self._put(write(self._with_older(text) if self.is_v0 and run else text, ids, place), place, seen)
            ids = []
        return [index for index in hidden if index not in now]

    def _put(self, value: dict[str, Any], place: int, seen: set[Any]) -> None:
        self.planned.inserts[place].append(value)
        self.before[value["id"]] = frozenset(seen)
        seen.add(value["id"])

    def _hidden_id(self, event: Event) -> str:
        return summary_id(event) if event.kind == "condensation" else event.id

    def _with_older(self, text: str) -> str:
        """Take a summary that stays up into ours: of several only the newest counts."""
        older = [
            part.text
            for message in self.transcript.messages
            for part in message.parts
            if part.block <= SUMMARY and part.record >= 0
        ]
        self.planned.gone |= {event.record for event in self.branch if event.kind == "condensation" and older}
        return BLANK_LINE.join([text, *older])

    def _rewrite_summaries(self) -> None:
        """Write summaries of which one of several texts left."""
        for event in self.branch:
            if event.kind == "condensation" and event.record in self.planned.edits:
                messages = self.transcript.messages
                texts = [part.text for message in messages for part in message.parts if part.record == event.record]
                path = ("args", "summary") if event.is_v0 else ("summary",)
                self.planned.edits[event.record].append(Replace(path, BLANK_LINE.join(texts)))

    def _rewrite_answers(self) -> None:
        """Write changed arguments of V0 into every copy of the answer that they came in: the last one is sent."""
        texts: dict[str, dict[str, str]] = defaultdict(dict)
        old = {id(message) for message in self.transcript.loaded}
        for message in self.transcript.messages if self.is_v0 else ():
            for part in message.calls if id(message) not in old else ():
                if part.record >= 0 and not part.json:
                    texts[self.events[part.record].batch][part.call_id] = part.text
        for event in self.branch:
            if event.batch in texts and event.record not in self.planned.gone:
                known = self.planned.edits[event.record]
                done = {one.path for one in known}
                edits = replaced_calls_v0(self.value_of(event.record), texts[event.batch])
                known.extend(one for one in edits if one.path not in done)

    def _condensation(self, text: str, ids: Sequence[str], place: int) -> dict[str, Any]:
        own_id = new_uuid(self.transcript.session_id, text, str(place), *ids)
        value: dict[str, Any] = {"id": own_id, "timestamp": self._time(place), "source": "environment"}
        value |= {"forgotten_event_ids": list(ids)}
        if text:
            value |= {"summary": text, "summary_offset": 0}
        return {**value, "llm_response_id": own_id, "kind": "Condensation"}

    def _condensation_v0(self, text: str, ids: Sequence[str], place: int) -> dict[str, Any]:
        args: dict[str, Any] = {"forgotten_event_ids": [int(one) for one in ids if one.isdigit()]}
        if text:
            args |= {"summary": text, "summary_offset": 0}
        head = {"id": self._number(), "timestamp": self._time(place), "source": "agent", "message": "Condensation"}
        return {**head, "action": "condensation", "args": args}

    def _answer(self, text: str, place: int) -> dict[str, Any] | None:
        """Write an answer of ours as the agent's own; None where V0, which goes by the numbers, has none free."""
        stamp = {"timestamp": self._time(place), "source": "agent"}
        if self.is_v0:
            if (number := self._number_at(place)) is None:
                return None
            args = {"content": text, "wait_for_response": False}
            return {"id": number, **stamp, "message": text, "action": "message", "args": args}
        own_id = new_uuid(self.transcript.session_id, text, str(place))
        said = {"role": "assistant", "content": [{"type": "text", "text": text}]}
        return {"id": own_id, **stamp, "llm_message": said, "kind": "MessageEvent"}

    def _closing(self, message: Message, place: int) -> dict[str, Any] | None:
        """Write a result of ours as an error of the call, which without one would be dropped; None without a call."""
        part = message.parts[0]
        stamp = {"timestamp": self._time(place), "source": "agent"}
        if self.is_v0:
            before = (event for event in self.branch if event.kind == "action" and event.record < place)
            calls = [event for event in before if event.call_id == part.call_id and event.is_v0]
            if not calls:
                return None
            number = self._number_at(place) or self._number()
            value = {"id": number, **stamp, "message": part.text, "cause": int(calls[-1].id), "observation": "error"}
            metadata = self.value_of(calls[-1].record).get("tool_call_metadata")
            value |= {"tool_call_metadata": metadata} if metadata else {}
            return {**value, "content": part.text, "extras": {"error_id": ""}}
        own_id = new_uuid(self.transcript.session_id, part.text, str(place), part.call_id)
        names = {"tool_name": part.name, "tool_call_id": part.call_id}
        return {"id": own_id, **stamp, **names, "error": part.text, "kind": "AgentErrorEvent"}

    def _number(self) -> int:
        """Return the next number that no event has."""
        self.numbers += 1
        return max((int(event.id) for event in self.branch if event.is_v0), default=0) + self.numbers

    def _number_at(self, place: int) -> int | None:
        """Return a number between those of the events that stay around a place; None where none is free."""
        stay = [event for event in self.branch if event.is_v0 and event.record not in self.planned.gone]
        after = min((int(event.id) for event in stay if event.record >= place), default=None)
        if after is None:
            return self._number()
        before = max((int(event.id) for event in stay if event.record < place), default=-1)
        taken = {one["id"] for values in self.planned.inserts.values() for one in values}
        return next((one for one in range(max(before, 0) + 1, after) if one not in taken), None)

    def _time(self, place: int) -> str:
        """Return the time of a neighbour as it is written there."""
        after = [event.record for event in self.branch if event.record >= place]
        near = after[:1] or [event.record for event in self.branch][-1:]
        stamp = self.value_of(near[0]).get("timestamp") if near else None
        return stamp if isinstance(stamp, str) else "1970-01-01T00:00:00"

    def _order(self) -> Iterator[int | dict[str, Any]]:
        """Yield the events of the branch as the file will have them; new ones as values."""
        before = -1
        for event in self.branch:
            for place in range(before + 1, event.record + 1):
                yield from self.planned.inserts.get(place, ())
            before = event.record
            if event.record not in self.planned.gone:
                yield event.record
        for place in sorted(one for one in self.planned.inserts if one > before):
            yield from self.planned.inserts[place]

    def _count_offsets(self) -> None:
        """Write where in the view each summary stands: behind what comes before it in the conversation."""
        view: list[Any] = list(self._view_v0()) if self.is_v0 else []
        for one in self._order():
            event = None if isinstance(one, dict) else self.events[one]
            if isinstance(one, dict) and not _is_condensation(one):
                view += [] if self.is_v0 else [one["id"]]
            elif isinstance(one, dict) or (event is not None and event.kind == "condensation"):
                view = self._without_forgotten(view, one)
                self._insert_summary(view, one)
            elif event is not None and event.kind in SHOWN and not self.is_v0:
                view.append(one)

    def _view_v0(self) -> Iterator[int]:
        """Yield what counts there: every event of the history that is not forgotten, also what is not sent."""
        forgotten = {one for other in self.branch for one in other.forgotten}
        for event in history_v0(self.branch):
            has_left = event.record in self.forgotten | (self.planned.gone - self.said.keys())
            is_left = event.id not in forgotten and not has_left
            if event.kind != "condensation" and is_left:
                yield event.record

    def _without_forgotten(self, view: Sequence[Any], one: int | dict[str, Any]) -> list[Any]:
        if self.is_v0:
            return list(view)
        ids = set(one["forgotten_event_ids"]) if isinstance(one, dict) else self.events[one].forgotten
        return [item for item in view if not (isinstance(item, int) and self._hidden_id(self.events[item]) in ids)]

    def _insert_summary(self, view: list[Any], one: int | dict[str, Any]) -> None:
        """Put a summary into the view behind what the conversation has before it, and write its offset down."""
        key = one["id"] if isinstance(one, dict) else one
        before = self.before.get(key, ())
        offset = max((at + 1 for at, item in enumerate(view) if item in before), default=0)
        if isinstance(one, dict):
            body = one["args"] if self.is_v0 else one
            if "summary" not in body:
                return
            body["summary_offset"] = offset
        elif key in self.before:
            self._edit_offset(self.events[one], offset)
        else:
            return
        if not self.is_v0:
            view.insert(offset, key)

    def _edit_offset(self, event: Event, count: int) -> None:
        if event.offset != count:
            path = ("args", "summary_offset") if event.is_v0 else ("summary_offset",)
            self.planned.edits[event.record].append(Replace(path, count))

    def _link(self) -> None:
        """Give events whose parent left, or now has another event behind it, the one that stands before them."""
        if not any(event.parent for event in self.branch):
            return
        previous, has_gap = "", False
        kept_before: dict[str, str] = {}
        for one in self._all_in_order():
            if isinstance(one, dict):
                one["parent_id"] = previous or ROOT
                previous, has_gap = str(one["id"]), True
            elif one.record in self.planned.gone:
                kept_before[one.id] = previous
                has_gap = True
            else:
                if has_gap and one.parent:
                    link: Edit = Replace(("parent_id",), previous) if previous else Delete(("parent_id",))
                    self.planned.edits[one.record].append(link)
                previous, has_gap = one.id, False
        self._link_others(kept_before)

    def _all_in_order(self) -> Iterator[Event | dict[str, Any]]:
        before = -1
        for event in self.branch:
            for place in range(before + 1, event.record + 1):
                yield from self.planned.inserts.get(place, ())
            before = event.record
            yield event
        for place in sorted(one for one in self.planned.inserts if one > before):
            yield from self.planned.inserts[place]

    def _link_others(self, kept_before: dict[str, str]) -> None:
        """Mend the links of other branches that led to an event that left."""
        for index in range(rewrite.count_elements(self.transcript)):
            if index in self.events:
                continue
            try:
                parent = self.value_of(index).get("parent_id")
            except (ValueError, TypeError):
                continue  # no event
            if parent in kept_before:
                self.planned.edits[index].append(Replace(("parent_id",), kept_before[parent] or ROOT))


def _is_condensation(value: dict[str, Any]) -> bool:
    return value.get("kind") == "Condensation" or value.get("action") == "condensation"
