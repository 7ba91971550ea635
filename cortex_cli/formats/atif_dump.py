"""How a changed ATIF trajectory is written: boundary, our user step and what stood apart, before the kept steps.

Steps are numbered again, since a reader refuses gaps. Source: SPEC section 11, FORMATS section 8.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cortex_cli.formats import rewrite
from cortex_cli.formats.atif_steps import boundary_step, edit_step, is_boundary, is_step, new_result, new_step
from cortex_cli.formats.carrier import Carrier, plan_carrier
from cortex_cli.formats.containers import Box, Layout
from cortex_cli.jsonedit import Edit, Insert, Raw, Replace, edit, encode, parse, prepend_member
from cortex_cli.jsonscan import item_spans
from cortex_cli.messages import Message, Transcript

_NUMBER = ("step_id",)
_RESULTS = ("observation", "results")


def dump(transcript: Transcript, *, keep_history: bool = False) -> Iterator[bytes]:
    """Yield the changed trajectory.

    Args:
        transcript: As loaded, with other messages.
        keep_history: Leave the steps before a boundary in the file; what is kept of them is copied behind it.
    """
    yield from rewrite.render(transcript, _Work(transcript, keep_history=keep_history).plan())


class _Work:
    """One trajectory on its way out."""

    def __init__(self, transcript: Transcript, *, keep_history: bool) -> None:
        self.transcript = transcript
        self.keep_history = keep_history
        self.box: Box = transcript.layout.box
        self.steps: Sequence[Any] = self.box.values
        self.planned = rewrite.plan_changes(transcript, edit_step)
        self.results = _results_of_ours(transcript)
        self._spans: list[tuple[int, int]] | None = None

    def plan(self) -> rewrite.Plan:
        """Plan what becomes of every step."""
        carrier = plan_carrier(self.transcript.messages)
        order = list(self._plain_order() if carrier is None else self._carried_order(carrier))
        self._write(order)
        count = self.box.top.get("final_metrics")
        if isinstance(count, dict) and count.get("total_steps") == len(self.steps) != len(order):
            path = (*self.box.path[:-1], "final_metrics", "total_steps")
            self.planned.beside.append(Replace(path, len(order)))
        return self.planned

    def _plain_order(self) -> Iterator[int | bytes]:
        """Yield steps where nothing stands for others: those that stay, answers of ours where they were put."""
        ours: dict[int, list[bytes]] = {}
        waiting: list[bytes] = []
        for message in self.transcript.messages:
            if message.records:
                ours.setdefault(message.records[0], []).extend(waiting)
                waiting = []
            elif message.position < 0 and message.role != "tool":
                waiting.append(encode(new_step(message, message.time)))
        for index in range(len(self.steps)):
            yield from ours.get(index, ())
            if index not in self.planned.gone:
                yield index
        yield from waiting

    def _carried_order(self, carrier: Carrier) -> Iterator[int | bytes]:
        """Yield the steps around a carrier, and in its place the carrier's own."""
        cut = carrier.first_record if carrier.first_record is not None else len(self.steps)
        lead = self._lead()
        for index in range(cut):
            if index in lead or self.keep_history or not is_step(self.steps[index]):
                yield index
        kept = [message for message in carrier.slots if not (message.records and message.records[0] in lead)]
        time = next((message.time for message in carrier.tail if message.time), "")
        time = time or next((message.time for message in reversed(self.transcript.messages) if message.time), "")
        yield encode(boundary_step(time))
        yield from self._copies([*kept, *carrier.ours, *carrier.apart], time)
        yield from (index for index in range(cut, len(self.steps)) if index not in self.planned.gone)

    def _lead(self) -> set[int]:
        """Return the system prompt: the system steps that the run begins with, and that stay."""
        lead: set[int] = set()
        for index, step in enumerate(self.steps):
            if is_boundary(step) or not is_step(step) or step["source"] != "system":
                break
            if index not in self.planned.gone:
                lead.add(index)
        return lead

    def _copies(self, messages: Iterable[Message], time: str) -> Iterator[bytes]:
        """Yield steps that move behind the boundary, each once; what repair wrote goes with its call."""
        done: set[int] = set()
        for message in messages:
            if not message.records and message.role != "tool":
                yield encode(new_step(message, time))
            for index in message.records:
                if index not in done:
                    done.add(index)
                    yield self._copy(index)

    def _copy(self, index: int) -> bytes:
        """Return a step with its edits; one that stays in the history too says that it was copied."""
        body = self._edited(index)
        if not self.keep_history:
            return body
        if "is_copied_context" in self.steps[index]:
            return edit(body, [Replace(("is_copied_context",), True)])
        return prepend_member(body, "is_copied_context", True)

    def _edited(self, index: int) -> bytes:
        if self._spans is None:
            self._spans = item_spans(self.transcript.records[0], self.box.path)
        start, end = self._spans[index]
        body = edit(self.transcript.records[0][start:end], self.planned.edits.get(index, ()))
        added = self.results.get(index)
        if not added:
            return body
        step = parse(body)  # as edited: results that answered nothing have left
        found = step.get("observation")
        results = found.get("results") if isinstance(found, dict) else None
        if isinstance(results, list):
            return edit(body, [Insert((*_RESULTS, len(results)), tuple(added))])
        value = {"results": added}
        if "observation" in step:
            return edit(body, [Replace(_RESULTS[:1], value)])
        return prepend_member(body, "observation", value)

    def _write(self, order: Sequence[int | bytes]) -> None:
        """Turn an order of steps into edits of the list: what stays, what goes, what comes before what."""
        kept = {one for one in order if isinstance(one, int)}
        self.planned.gone = set(range(len(self.steps))) - kept
        for index in sorted(self.results.keys() & kept):
            self.planned.edits[index] = [Replace((), Raw(self._edited(index)))]
        before = len(self.steps)
        places: list[int] = []
        for one in reversed(order):
            before = one if isinstance(one, int) else before
            places.append(before)
        for number, (one, place) in enumerate(zip(order, reversed(places), strict=True), 1):
            if isinstance(one, int):
                self._number(one, number)
            else:
                self.planned.inserts[place].append(Raw(edit(one, [Replace(_NUMBER, number)])))

    def _number(self, index: int, number: int) -> None:
        step = self.steps[index]
        if not isinstance(step, dict) or step.get("step_id", number) == number:
            return
        edits: list[Edit] = self.planned.edits[index]
        numbered = Replace(_NUMBER, number)
        whole = next((one.value for one in edits if isinstance(one, Replace) and not one.path), None)
        if isinstance(whole, Raw):
            self.planned.edits[index] = [Replace((), Raw(edit(whole.data, [numbered])))]
        else:
            edits.append(numbered)


def _results_of_ours(transcript: Transcript) -> dict[int, list[dict[str, Any]]]:
    """Return the results that repair wrote, by the step of their call."""
    layout: Layout = transcript.layout
    homes: dict[str, int] = {}
    found: dict[int, list[dict[str, Any]]] = {}
    for message in transcript.messages:
        homes.update((call.call_id, call.record) for call in message.calls)
        result = message.result
        if result is not None and not message.records and result.call_id in homes:
            call_id = layout.ids.get(result.call_id, result.call_id)
            found.setdefault(homes[result.call_id], []).append(new_result(result, call_id))
    return found
