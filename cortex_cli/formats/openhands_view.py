"""What of a list of OpenHands events the model is sent: condensations applied, and what the SDK drops left out.

Source: `View.from_events` of openhands-sdk with its properties; `View` and `StateTracker` of openhands-ai before 1.0.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from cortex_cli.formats.openhands_events import SUMMARY, Event
from cortex_cli.marks import split_own, synthetic_kind
from cortex_cli.messages import Message, Part
from cortex_cli.typed import is_typed_text

ROOT = "__root__"
"""A parent that says there is none. Source: `ROOT_PARENT_ID` of openhands-sdk."""

SHOWN = ("text", "action", "result")
"""Kinds of events that a view can hold; what the SDK drops at the end counts for offsets before."""


def summary_id(event: Event) -> str:
    """Return the id that a condensation's summary has in the view."""
    return f"{event.id}-summary"


def active_branch(events: Sequence[Event]) -> list[Event]:
    """Return the events from the root to the newest one; an event without a parent follows the one before it."""
    places = {event.id: at for at, event in enumerate(events)}
    branch: list[Event] = []
    at = len(events) - 1
    while at >= 0:
        event = events[at]
        branch.append(event)
        if event.parent == ROOT:
            break
        before = places.get(event.parent, at - 1) if event.parent else at - 1
        if before >= at:  # a link into the future leads nowhere
            break
        at = before
    return branch[::-1]


def view_of(branch: Sequence[Event]) -> list[Event]:
    """Return what is sent, condensations with a summary in their place."""
    if any(event.is_v0 for event in branch):
        return [event for event in _view_v0(branch) if event.kind != "other"]
    view: list[Event] = []
    for event in branch:
        if event.kind == "condensation":
            view = [one for one in view if _view_id(one) not in event.forgotten]
            if event.offset is not None:
                view.insert(event.offset, event)
        elif event.kind in SHOWN:
            view.append(event)
    return _enforced(view, branch)


def _view_id(event: Event) -> str:
    return summary_id(event) if event.kind == "condensation" else event.id


def delegations(branch: Sequence[Event]) -> Iterator[tuple[int, int]]:
    """Yield the positions of each action that hands a task to another agent of V0, and of its report."""
    waiting: list[int] = []
    for at, event in enumerate(branch):
        if event.name == "delegate" and event.kind == "action":
            waiting.append(at)
        elif event.name == "delegate" and waiting:
            yield waiting.pop(), at


def history_v0(branch: Sequence[Event]) -> list[Event]:
    """Return what the older server's agent has of a conversation: nothing hidden, and of a delegate only its report."""
    inside = {at for start, end in delegations(branch) for at in range(start + 1, end)}
    return [event for at, event in enumerate(branch) if event.name and at not in inside]


def _view_v0(branch: Sequence[Event]) -> list[Event]:
    """Apply all condensations at once; of their summaries only the newest counts."""
    history = history_v0(branch)
    condensations = [event for event in history if event.kind == "condensation"]
    gone = {one for event in condensations for one in event.forgotten}
    view = [event for event in history if event.kind != "condensation" and event.id not in gone]
    newest = next((event for event in reversed(condensations) if event.offset is not None), None)
    if newest is not None and newest.offset is not None:
        view.insert(newest.offset, newest)
    return _paired(view)


def _enforced(view: list[Event], branch: Sequence[Event]) -> list[Event]:
    """Leave out what the SDK leaves out: until nothing more goes."""
    batches, loops = _batches(branch), _tool_loops(branch)
    while True:
        left = _paired(view)
        ids = {event.id for event in left}
        broken = {one for batch in batches if not batch <= ids for one in batch}
        broken |= {one for loop in loops if not loop <= ids for one in loop}
        left = [event for event in left if event.id not in broken]
        if len(left) == len(view):
            return view
        view = left


def _paired(view: Sequence[Event]) -> list[Event]:
    """Leave out repeated results, results without an action and actions without a result.

    The SDK does so by id over the whole conversation; where a gateway gives an id again in a later turn, it would
    be left with a call that has no result. A result answers the newest action of its id that has none.
    """
    waiting: defaultdict[str, list[int]] = defaultdict(list)
    kept: set[int] = set()
    for event in view:
        if event.kind == "action":
            waiting[event.call_id].append(event.record)
        elif event.kind == "result" and waiting[event.call_id]:
            kept |= {event.record, waiting[event.call_id].pop()}
    return [event for event in view if event.kind not in ("action", "result") or event.record in kept]


def _batches(branch: Sequence[Event]) -> list[set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for event in branch:
        if event.kind == "action" and event.batch:
            found[event.batch].add(event.id)
    return [batch for batch in found.values() if len(batch) > 1]


def _tool_loops(branch: Sequence[Event]) -> list[set[str]]:
    """Return the runs of actions and results that begin with signed thinking: one turn for its provider."""
    loops: list[set[str]] = []
    is_open = False
    for event in branch:
        if event.kind == "action" and any(part.signed for part in event.parts):
            loops.append({event.id})
            is_open = True
        elif event.kind in ("action", "result"):
            if is_open:
                loops[-1].add(event.id)
        else:
            is_open = False
    return loops


def messages_of(view: Sequence[Event]) -> Iterator[Message]:
    """Make messages of a view: the actions of one answer are one message."""
    at = 0
    while at < len(view):
        event = view[at]
        end = at + 1
        if event.kind == "condensation":
            yield from _summary(event)
        elif event.kind == "action":
            while end < len(view) and view[end].kind == "action" and event.batch and view[end].batch == event.batch:
                end += 1
            parts = tuple(part for one in view[at:end] for part in one.parts)
            yield Message("assistant", parts, tuple(one.record for one in view[at:end]), event.id, event.time)
        else:
            yield _said(event)
        at = end


def _said(event: Event) -> Message:
    texts = [part.text for part in event.parts if part.kind == "text"]
    synthetic = synthetic_kind(texts[0]) if event.role == "user" and len(event.parts) == len(texts) == 1 else ""
    typed = event.role == "user" and not synthetic and any(map(is_typed_text, texts))
    return Message(event.role, event.parts, (event.record,), event.id, event.time, typed=typed, synthetic=synthetic)


def _summary(event: Event) -> Iterator[Message]:
    """Read a summary: several texts of ours may stand in it, one after the other."""
    own, rest = split_own(event.summary or "")
    for number, text in enumerate([*own, *([rest] if rest or not own else [])]):
        part = Part("text", text, record=event.record, block=SUMMARY - number)
        kind = synthetic_kind(text) or "summary"
        yield Message(
            "user", (part,), (event.record,), f"{summary_id(event)}{number or ''}", event.time, synthetic=kind
        )
