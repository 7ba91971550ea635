"""What a statement says of what: its subject, the names that belong to it, and its values by class.

Two statements are about the same if their subjects share the phrase that carries them and nothing narrows it
on both sides (`import batch size` / `export batch size`).
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from cortex_cli.summarizers.common_words import word_set
from cortex_cli.summarizers.lexicon import CONTRAST_GROUP, HEADERS
from cortex_cli.summarizers.salience import HEDGE, MUST, NEGATE, PERMIT, PIVOT, RETRACT, UPDATE, Unit
from cortex_cli.summarizers.words import Value, Word, stem

_CLASSES = {
    "number": "amount", "count": "amount", "measure": "amount", "percent": "percent", "money": "money",
    "date": "date", "day": "date", "time": "time", "version": "version",
    "name": "label", "acronym": "label", "ident": "label", "code": "label", "quoted": "label",
    "path": "place", "url": "place", "email": "place",
}  # fmt: skip
"""Kind of value -> what it can replace."""

_ALWAYS_VALUE = frozenset(("amount", "percent", "money", "date", "time", "version"))
"""These are what is said of a subject wherever they stand; labels before the verb are the subject itself."""

_NUMBERED = word_set(
    """phase step task wp part chapter section line item pr issue ticket milestone sprint iteration round room day week
    option question point stage level lesson exercise figure table case commit layer floor gate terminal track"""
)
"""A number right behind one of these is a name: `phase 2`."""

_DETERMINERS = frozenset(("the", "our", "my", "your", "their", "his", "her", "its"))
_PREPOSITIONS = frozenset(("for", "of", "in", "on", "at", "per", "from", "with", "during"))
_VERB_ENDINGS = ("ed", "s", "ing", "ly")
_NOTHING = frozenset(("",))
_CLAIMS = PIVOT | MUST | NEGATE | RETRACT | PERMIT | UPDATE
_CONTRASTS: Mapping[str, int] = {stem(word): group for word, group in CONTRAST_GROUP.items()}


class Claim(NamedTuple):
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
    topics: tuple[str, ...]
    """For each word its stem, where it belongs to the subject."""
    words: tuple[Word, ...]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Stems of the subject that stand side by side."""
        return [(one, other) for one, other in pairwise(self.topics) if one and other]

    @property
    def families(self) -> tuple[str, ...]:
        """Under which classes it can be replaced: those of its values, `free`, or `rule`."""
        return tuple(self.values) or (("free", "rule") if self.free else ("rule",))


def claim_of(unit: Unit) -> Claim | None:
    """Take a statement apart; None where it claims nothing."""
    if unit.sort == "question" or not unit.content:
        return None
    if not unit.values and (unit.cues & HEDGE or not unit.cues & _CLAIMS):
        return None
    words = unit.words
    pivot = _pivot(words)
    is_turned = _is_turned(unit, pivot)
    values: dict[str, set[str]] = {}
    labels: set[str] = set()
    taken: set[int] = set()
    for value in unit.values:
        family = _CLASSES[value.kind]
        is_said = family in _ALWAYS_VALUE or (value.at < pivot if is_turned else value.at > pivot)
        if is_said and not _is_number_of(value, words):
            values.setdefault(family, set()).add(value.text)
            taken.update(range(value.at, value.at + value.text.count(" ") + 1))
        else:
            labels.add(value.text)
    if words[0].closes and words[0].low in HEADERS:
        taken.add(0)
    topics = tuple("" if at in taken else word.topic for at, word in enumerate(words))
    subject = frozenset(topics) - _NOTHING
    free: frozenset[str] = frozenset()
    if not values and 0 < pivot < len(words) - 1:
        before = frozenset(topics[:pivot]) - _NOTHING
        free, subject = (subject - before, before) if before else (free, subject)
    if not subject:
        return None
    is_state = bool(unit.cues & (PIVOT | MUST)) or unit.sort in ("rule", "decision", "value")
    frozen = {family: frozenset(texts) for family, texts in values.items()}
    return Claim(subject, frozenset(labels), frozen, free, is_state, topics, words)


def _is_number_of(value: Value, words: Sequence[Word]) -> bool:
    return value.kind == "number" and value.at > 0 and words[value.at - 1].low in _NUMBERED


def _is_turned(unit: Unit, pivot: int) -> bool:
    """Tell whether the value stands first: `Dana is the approver`."""
    if not 0 < pivot < len(unit.words) - 1 or unit.words[pivot + 1].low not in _DETERMINERS:
        return False
    return any(value.at < pivot for value in unit.values)


def _pivot(words: Sequence[Word]) -> int:
    """Find where the subject ends; -1: everything may be a value."""
    for i, word in enumerate(words):
        if i and word.cues & PIVOT:
            return i
    return next((i for i, word in enumerate(words) if i and word.low in ("to", "at", "as")), -1)


def are_apart(was: Claim, now: Claim) -> bool:
    """Tell whether names or contrasting words set the subjects apart."""
    if was.labels and now.labels and not was.labels & now.labels:
        return True
    groups = [_CONTRASTS[one] for one in was.subject if one in _CONTRASTS and one not in now.subject]
    if not groups:
        return False
    return any(one in _CONTRASTS and _CONTRASTS[one] in groups for one in now.subject if one not in was.subject)


def narrowing(claim: Claim, shared: frozenset[str]) -> set[str]:
    """Find words that narrow the shared ones: beside them (`export` limit), or behind `for` and `of`."""
    found: set[str] = set()
    topics = claim.topics
    last = len(topics) - 1
    for at, one in enumerate(topics):
        if one not in shared:
            continue
        if at and topics[at - 1] and topics[at - 1] not in shared:
            found.add(topics[at - 1])
        if at < last:
            low, following = claim.words[at + 1].low, topics[at + 1]
            if following and following not in shared and not low.endswith(_VERB_ENDINGS):
                found.add(following)
            elif low in _PREPOSITIONS:
                found.update(each for each in topics[at + 2 : at + 4] if each and each not in shared)
    return found


def share_phrase(was: Claim, now: Claim) -> bool:
    """Tell whether two words of the subject stand side by side in both."""
    return not set(was.pairs).isdisjoint(now.pairs)
