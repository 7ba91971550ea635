"""Which earlier statement a later one replaces.

Losing a live value is worse than keeping a stale one. So a statement is dropped only where the later one is
about the same subject (at least two words of it, or the old value named), has a value of the same kind, and no
contrasting word (`primary` / `backup`) stands between; in doubt it is only marked as earlier.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from cortex_cli.summarizers.lexicon import CONTRAST_GROUP, Cue
from cortex_cli.summarizers.salience import (
    CHAT,
    DECIDE,
    HEDGE,
    MUST,
    NEGATE,
    PERMIT,
    PIVOT,
    RETRACT,
    UPDATE,
    Unit,
)
from cortex_cli.summarizers.words import Word, stem

Grade = Literal["dropped", "marked"]

LOOK_BACK = 24
"""Earlier statements with the same word that a change is compared with."""

MOST_SHARED = 0.6
"""Share of the shorter subject that must be common, where both statements have words of their own."""

_CLASSES = {
    "number": "amount", "count": "amount", "measure": "amount", "percent": "percent", "money": "money",
    "date": "date", "day": "date", "time": "time", "version": "version",
    "name": "label", "acronym": "label", "ident": "label", "code": "label", "quoted": "label",
    "path": "place", "url": "place", "email": "place",
}  # fmt: skip
"""Kind of value -> what it can replace."""

_ALWAYS_VALUE = frozenset(("amount", "percent", "money", "date", "time", "version"))
"""These are what is said of a subject wherever they stand; labels before the verb are the subject itself."""

_NOT_SUBJECT = UPDATE | RETRACT | DECIDE | HEDGE | CHAT | int(Cue.NARRATE) | int(Cue.REQUEST) | PERMIT
_STILL_SUBJECT = int(Cue.LIMIT) | int(Cue.OWN) | int(Cue.CONTRAST)
_FORBIDS = frozenset(("never", "don't", "avoid", "without", "unless", "if"))
_CONTRASTS: Mapping[str, int] = {stem(word): group for word, group in CONTRAST_GROUP.items()}


class Replacement(NamedTuple):
    """An earlier statement and the later one that holds in its place."""

    earlier: int
    later: int
    grade: Grade


class _Claim(NamedTuple):
    """What a statement says of what."""

    subject: frozenset[str]
    """Stems of what it is about."""
    labels: frozenset[str]
    """Names and identifiers that belong to the subject."""
    values: Mapping[str, frozenset[str]]
    """Class of value -> values."""
    free: frozenset[str]
    """Plain words behind the verb, where there is no exact value."""
    is_state: bool
    """Says what is or must be, not what happened."""


def find_replacements(units: Sequence[Unit]) -> list[Replacement]:
    """Compare statements in the order they were made.

    Args:
        units: Oldest first.

    Returns:
        One entry per statement that no longer holds; positions in `units`.
    """
    found: list[Replacement] = []
    claims: list[_Claim | None] = []
    by_subject: dict[frozenset[str], int] = {}
    by_stem: dict[str, list[int]] = {}
    gone: set[int] = set()
    for position, unit in enumerate(units):
        claim = _claim(unit)
        claims.append(claim)
        if claim is None:
            continue
        for candidate in _candidates(unit, claim, by_subject, by_stem, gone):
            other = claims[candidate]
            grade = _judge(units[candidate], other, unit, claim) if other is not None else None
            if grade is not None:
                found.append(Replacement(candidate, position, grade))
                gone.add(candidate)
        by_subject[claim.subject] = position
        for one in claim.subject | claim.labels:
            by_stem.setdefault(one, []).append(position)
    return found


def _candidates(
    unit: Unit,
    claim: _Claim,
    by_subject: Mapping[frozenset[str], int],
    by_stem: Mapping[str, list[int]],
    gone: set[int],
) -> list[int]:
    """Find statements that might be about the same: the same subject, or shared words where a change is told."""
    same = by_subject.get(claim.subject)
    found = {same} if same is not None and same not in gone else set()
    if unit.cues & (UPDATE | RETRACT | PERMIT):
        for one in claim.subject | claim.labels:
            found.update(at for at in by_stem.get(one, ())[-LOOK_BACK:] if at not in gone)
    return sorted(found)


def _claim(unit: Unit) -> _Claim | None:
    """Take a statement apart; None where it claims nothing."""
    if unit.sort == "question" or not unit.content or (unit.cues & HEDGE and not unit.values):
        return None
    pivot = _pivot(unit.words)
    values: dict[str, set[str]] = {}
    labels: set[str] = set()
    taken: set[str] = set()
    for value in unit.values:
        family = _CLASSES[value.kind]
        if family in _ALWAYS_VALUE or value.at > pivot:
            values.setdefault(family, set()).add(value.text)
            taken.update(_stems(unit.words, value.at, value.text))
        else:
            labels.add(value.text)
    subject = {word.stem for word in unit.words if word.stem and word.stem not in taken and _is_subject(word)}
    free: set[str] = set()
    if not values and 0 < pivot < len(unit.words) - 1:
        before = {word.stem for word in unit.words[:pivot] if word.stem and _is_subject(word)}
        free = subject - before
        subject = before or subject
    if not subject and not labels:
        return None
    return _Claim(
        frozenset(subject),
        frozenset(labels),
        {family: frozenset(texts) for family, texts in values.items()},
        frozenset(free),
        bool(unit.cues & (PIVOT | MUST)) or unit.sort in ("rule", "decision"),
    )


def _pivot(words: Sequence[Word]) -> int:
    """Find where the subject ends; -1: everything may be a value."""
    for i, word in enumerate(words):
        if i and word.cues & PIVOT and word.low not in ("to", "for", "at", "as"):
            return i
    return next((i for i, word in enumerate(words) if i and word.low in ("to", "at", "as")), -1)


def _stems(words: Sequence[Word], at: int, text: str) -> list[str]:
    return [word.stem for word in words[at : at + text.count(" ") + 1]]


def _is_subject(word: Word) -> bool:
    return not word.cues & _NOT_SUBJECT or bool(word.cues & _STILL_SUBJECT) or bool(word.kind)


def _judge(old: Unit, was: _Claim, new: Unit, now: _Claim) -> Grade | None:
    """Decide whether the later statement replaces the earlier one."""
    change = bool(new.cues & (UPDATE | RETRACT))
    if _differ(was, now) or (old.statement.speaker == "user" != new.statement.speaker and not change):
        return None
    if any(word.low in _FORBIDS for word in new.words[:4]) and not new.cues & RETRACT:
        return None
    shared = (was.subject | was.labels) & (now.subject | now.labels)
    names_old = _names_old(was, now)
    if names_old and change and shared:
        return "dropped"
    if _values_differ(was, now):
        return _by_values(was, now, shared, change)
    if was.free and now.free and change and was.subject == now.subject and was.free != now.free:
        return "dropped" if len(was.subject) > 1 else "marked"
    return _by_permission(old, was, new, now)


def _differ(was: _Claim, now: _Claim) -> bool:
    """Tell whether names or contrasting words set the subjects apart."""
    if was.labels and now.labels and not was.labels & now.labels:
        return True
    groups = {_CONTRASTS[one]: one for one in was.subject - now.subject if one in _CONTRASTS}
    return any(_CONTRASTS.get(one) in groups for one in now.subject - was.subject)


def _names_old(was: _Claim, now: _Claim) -> bool:
    """Tell whether the later statement names the old value beside a new one (`from 8080 to 9001`)."""
    return any(old < now.values.get(family, frozenset()) for family, old in was.values.items())


def _values_differ(was: _Claim, now: _Claim) -> bool:
    common = was.values.keys() & now.values.keys()
    return any(was.values[family].isdisjoint(now.values[family]) for family in common)


def _by_values(was: _Claim, now: _Claim, shared: frozenset[str], change: bool) -> Grade | None:
    only_old, only_new = was.subject - now.subject, now.subject - was.subject
    if not only_old and not only_new:
        both_state = was.is_state and now.is_state
        return "dropped" if shared and (change or (len(shared) > 1 and both_state)) else None
    if not change or not shared:
        return None
    smaller = min(len(was.subject | was.labels), len(now.subject | now.labels))
    overlap = len(shared) / smaller
    if len(shared) > 1:
        if not only_old or not only_new or overlap > MOST_SHARED:
            return "dropped"
        return "marked" if overlap >= MOST_SHARED - 0.1 else None
    return "marked" if overlap == 1.0 else None


def _by_permission(old: Unit, was: _Claim, new: Unit, now: _Claim) -> Grade | None:
    """A ban that is lifted, a rule that is taken back."""
    if not new.cues & (RETRACT | PERMIT) or not old.cues & (MUST | NEGATE) or new.cues & NEGATE & ~RETRACT:
        return None
    about_old, about_new = old.content - {""}, new.content
    shared = {one for one in about_old & about_new if one}
    if len(shared) < 2 or not (was.subject & now.subject):
        return None
    overlap = len(shared) / min(len(about_old), len(about_new))
    return "dropped" if overlap > MOST_SHARED and new.cues & (RETRACT | UPDATE) else "marked" if overlap > 0.5 else None
