"""Which messages were observed already: a place in a conversation that is found again after it grew or shrank.

A place is remembered by the messages before it, not by a number alone: in a compacted file, or in a history
that somebody cut, numbers say something else. Where a place is not found, less counts as observed, never more.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from cortex_cli.messages import Message

TRAIL_MESSAGES = 8
"""Messages before a place that are remembered; so many in a row, without id and time, are known again anywhere."""

FEW_MESSAGES = 3
"""So many in a row are enough where a history only lost its end, so that numbers still hold."""

ANCHORS = ("log", "notice")
"""What a compaction wrote: what stood before it is gone, and its text is another after each further one."""

DIGEST_BYTES = 8


class Mark(NamedTuple):
    """A place between two messages of a conversation."""

    position: int
    """How many messages stood before it when it was made."""
    trail: tuple[str, ...] = ()
    """Fingerprints of the last that were observed before it, newest last; some may have left since."""
    log: str = ""
    """Fingerprint of the log or notice that stood before it, if one did."""
    behind_log: int = 0
    """How many messages stood between that and the place."""


def fingerprint(message: Message) -> str:
    """Return what a message is known again by; a hyphen in front where equal ones may exist.

    Neither results (layer 1 shortens them) nor thinking (it may be dropped) nor the arguments of a call count;
    a call and its result are known by the call's id.
    """
    if message.synthetic in ANCHORS:
        return _long_digest(message.text)
    said = [part.text for part in message.parts if part.kind in ("text", "media", "opaque")]
    joined = [f"{part.kind} {part.call_id}" for part in message.parts if part.kind in ("call", "result")]
    if not said and not any(part.call_id for part in message.parts):
        said = [part.text for part in message.parts]
    digest = _digest("\0".join((message.role, message.id, message.time, *said, "\0", *joined)))
    return digest if message.id or message.time else f"-{digest}"


def _digest(told: str) -> str:
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()


_long_digest = lru_cache(maxsize=4)(_digest)
"""Of logs, which are long and asked for with every call of a live session."""


def mark_at(messages: Sequence[Message], index: int, *, start: int, before: Mark | None) -> Mark:
    """Remember a place.

    Args:
        messages: The conversation.
        index: Position of the first message behind the place.
        start: Where what is observed now begins.
        before: Where what was observed before ends.
    """
    said = [message for message in messages[start:index] if not _is_bound(message)]
    trail = (*(before.trail if before else ()), *map(fingerprint, said[-TRAIL_MESSAGES:]))[-TRAIL_MESSAGES:]
    log = next((at for at in range(index - 1, -1, -1) if messages[at].synthetic in ANCHORS), None)
    if log is None:
        return Mark(index if trail else 0, trail)
    return Mark(index, trail, fingerprint(messages[log]), index - log - 1)


def find_mark(mark: Mark, messages: Sequence[Message]) -> int | None:
    """Find a place again.

    Returns:
        Position of the first message behind it; where the messages right before it are gone, behind the newest
        of the trail that is still there. None where none of them is found.
    """
    if not mark.trail:
        return min(mark.position, len(messages))
    prints = _Prints(messages)
    if (found := _behind_log(mark, prints)) is not None:
        return found
    if (found := _at_its_number(mark, prints)) is not None:
        return found
    ends: dict[str, list[int]] = {}
    for at in range(len(messages)):
        ends.setdefault(prints[at], []).append(at + 1)
    for known in range(len(mark.trail), 0, -1):
        for end in ends.get(mark.trail[known - 1], ()):  # of several the first: less is observed, not more
            if _is_sure(prints, end, mark.trail[:known]):
                return end
    return None


def _at_its_number(mark: Mark, prints: "_Prints") -> int | None:
    """Find a place by its number: in a history that only grew, or lost its end."""
    messages = prints.messages
    if any(message.synthetic in ANCHORS for message in messages):
        return None
    for lost in range(len(mark.trail)):
        end, trail = mark.position - lost, mark.trail[: len(mark.trail) - lost]
        if lost and len(trail) < FEW_MESSAGES:
            break
        if 0 < end <= len(messages) and _matched(prints, end, trail) == len(trail):
            return end
    return None


def kept_positions(prints: Iterable[str], messages: Sequence[Message], end: int) -> frozenset[int]:
    """Find messages before `end` by their fingerprints; each print stands for one message, the newest of several."""
    wanted = list(prints)
    found: set[int] = set()
    for at in range(end - 1, -1, -1):
        if not wanted:
            break
        if not _is_bound(messages[at]) and (print_ := fingerprint(messages[at])) in wanted:
            wanted.remove(print_)
            found.add(at)
    return frozenset(found)


def end_of_kept(prints: Iterable[str], messages: Sequence[Message], start: int) -> int:
    """Return how far messages with these fingerprints go on, in any order, from `start` on."""
    wanted = list(prints)
    at = start
    while wanted and at < len(messages) and (print_ := fingerprint(messages[at])) in wanted:
        wanted.remove(print_)
        at += 1
    return at


class _Prints:
    """Fingerprints of a conversation, each worked out when it is first asked for."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self._known: dict[int, str] = {}

    def __getitem__(self, at: int) -> str:
        if at not in self._known:
            self._known[at] = fingerprint(self.messages[at])
        return self._known[at]


def _is_bound(message: Message) -> bool:
    """Tell whether a message is none of the conversation itself: a slot, or what a compaction wrote."""
    return message.slot or message.synthetic in ANCHORS


def _behind_log(mark: Mark, prints: _Prints) -> int | None:
    """Find a place by the log or notice in front of it, if that is the same still."""
    messages = prints.messages
    if not mark.log:
        return None
    for at, message in enumerate(messages):
        if message.synthetic in ANCHORS and prints[at] == mark.log:
            end = at + 1 + mark.behind_log
            return end if at < end <= len(messages) and prints[end - 1] == mark.trail[-1] else None
    return None


def _is_sure(prints: _Prints, end: int, trail: Sequence[str]) -> bool:
    """Tell whether the messages before `end` can be no others than those of a trail."""
    if not trail[-1].startswith("-"):
        return True
    if _matched(prints, end, trail) < len(trail):
        return False
    return len(trail) == TRAIL_MESSAGES or all(message.slot for message in prints.messages[: end - len(trail)])


def _matched(prints: _Prints, end: int, trail: Sequence[str]) -> int:
    """Count how many messages before `end` are the last ones of a trail; slots between them do not matter."""
    matched = 0
    at = end - 1
    while at >= 0 and matched < len(trail):
        message = prints.messages[at]
        if message.slot and matched:
            at -= 1
            continue
        if message.synthetic in ANCHORS or prints[at] != trail[-1 - matched]:
            break
        matched += 1
        at -= 1
    return matched
