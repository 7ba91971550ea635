"""Which events of a session of the Agent Development Kit its agent would be sent: rewinds and compactions resolved.

A compaction says for a range of times what is sent in the place of its events; they stay in the session. Source:
`_apply_rewinds`, `_get_compaction_ranges` and `_process_compaction_events` of google-adk 2.13.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cortex_cli.formats.contents import text_of
from cortex_cli.formats.gemini_parts import member


class Event(NamedTuple):
    """One event."""

    place: int
    """Position in the session."""
    value: dict[str, Any]


class Compaction(NamedTuple):
    """What stands for the events of a range of times, both ends included."""

    event: Event
    start: float
    end: float

    @property
    def content(self) -> dict[str, Any]:
        """What is sent in their place."""
        found: dict[str, Any] = member(_compaction_of(self.event.value), "compactedContent")
        return found


def is_compaction(value: Any) -> bool:
    """Tell whether an event is a compaction."""
    return _compaction_of(value) is not None


def _compaction_of(value: Any) -> Any:
    actions = value.get("actions") if isinstance(value, dict) else None
    return actions.get("compaction") if isinstance(actions, dict) else None


def live_events(values: Sequence[tuple[int, Any]]) -> list[Event | Compaction]:
    """Return what is sent of a session, given as (index, event): events, and compactions where their ranges end."""
    events = list(_after_rewinds([Event(at, value) for at, value in values if isinstance(value, dict)]))
    compactions = list(_in_effect(events))
    plain = [one for one in events if not is_compaction(one.value)]
    if not compactions:
        return list(plain)
    placed: list[tuple[float, int, Event | Compaction]] = [(one.end, one.event.place, one) for one in compactions]
    for one in plain:
        time = _time_of(one.value.get("timestamp"))
        if not any(found.start <= time <= found.end for found in compactions):
            placed.append((time, one.place, one))
    return [one for _, _, one in sorted(placed, key=lambda item: item[:2])]


def _after_rewinds(events: Sequence[Event]) -> Iterator[Event]:
    """Yield the events that no rewind took back, oldest first."""
    firsts: dict[str, int] = {}
    for at, event in enumerate(events):
        firsts.setdefault(text_of(member(event.value, "invocationId")), at)
    kept: list[Event] = []
    at = len(events) - 1
    while at >= 0:
        actions = events[at].value.get("actions")
        target = text_of(member(actions, "rewindBeforeInvocationId"))
        if target:
            at = min(firsts.get(target, at), at)
        else:
            kept.append(events[at])
        at -= 1
    yield from reversed(kept)


def _in_effect(events: Sequence[Event]) -> Iterator[Compaction]:
    """Yield the compactions that no other one contains; of equal ones the last."""
    found: list[Compaction] = []
    for event in events:
        compaction = _compaction_of(event.value)
        content = member(compaction, "compactedContent")
        start, end = (_time_of(member(compaction, key)) for key in ("startTimestamp", "endTimestamp"))
        if isinstance(content, dict) and isinstance(content.get("parts"), list) and not math.isnan(start + end):
            found.append(Compaction(event, start, end))
    reach = -math.inf
    for one in sorted(found, key=lambda one: (one.start, -one.end, -one.event.place)):
        if one.end > reach:
            yield one
            reach = one.end


def _time_of(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return float(value) if is_number else math.nan
    except OverflowError:  # a number of JSON's may have any length
        return math.nan
