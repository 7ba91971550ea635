"""What a statement says of what: its subject, the names that belong to it, and its values by class.

Two statements are about the same if their subjects share the phrase that carries them and nothing narrows it
on both sides (`import batch size` / `export batch size`).
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

from cortex_cli.summarizers.asides import find_asides
from cortex_cli.summarizers.clauses import CLASSES, Clause, clauses_of, is_marked, is_plain_topic, is_proposal
from cortex_cli.summarizers.common_words import word_set
from cortex_cli.summarizers.lexicon import HEADERS, Cue
from cortex_cli.summarizers.salience import (
    HEDGE,
    MUST,
    NEGATE,
    PERMIT,
    PIVOT,
    RETRACT,
    SCOPE,
    UPDATE,
    Unit,
    cues_of,
)
from cortex_cli.summarizers.words import BEFORE_TIMES, CHANGE_NOUNS, TIMES, Value, Word, is_generic

_ALWAYS_VALUE = frozenset(("amount", "percent", "money", "date", "time", "version"))
"""These are what is said of a subject wherever they stand; labels before the verb are the subject itself."""

_NUMBERED = word_set(
    """phase step task wp part chapter section line item pr issue ticket milestone sprint iteration round room day week
    option question point stage level lesson exercise figure table case commit layer floor gate terminal track"""
)
"""A number right behind one of these is a name: `phase 2`."""

_ITEM = re.compile(
    r"[^\W\d_]+ #?(\d{1,4}|[a-z]|one|two|three|four|five|six|seven|eight|nine|ten|i{1,3}|i?v|vi{0,3}|i?x):\s",
    re.IGNORECASE,
)
"""How an item of a list begins that is named by a word and its number."""

DETERMINERS = frozenset(("the", "our", "my", "your", "their", "his", "her", "its"))
VERB_ENDINGS = ("ed", "s", "ing", "ly")
MOST_FREE_WORDS = 20
"""A sentence without exact values that is longer tells a story: it is not one claim."""
_CONTRAST = int(Cue.CONTRAST)
_BEFORE_VERBS = word_set("should must will would shall can may might it which he she they we i you now please")
_SPEAKERS = word_set("i you we they he she it who there can will would should shall must may might could")
_PLACES = word_set("in from of near")
_NOTHING: frozenset[str] = frozenset()
_NO_VALUES: Mapping[str, Set[str]] = {}
_CLAIMS = PIVOT | MUST | NEGATE | RETRACT | PERMIT | UPDATE
_RULES = MUST | NEGATE | SCOPE
CHANGES = UPDATE | RETRACT


@dataclass(slots=True, eq=False)
class Claim:
    """What a statement says of what; never changed. No named tuple, for speed, as `Word`.

    What is asked of few claims is worked out when it is asked for.
    """

    subject: frozenset[str]
    """Stems of what it is about."""
    labels: Set[str]
    """Names and identifiers that belong to the subject."""
    values: Mapping[str, Set[str]]
    """Class of value -> values."""
    free: frozenset[str]
    """Plain words behind the verb, where there is no exact value."""
    is_state: bool
    """Says what is or must be, not what happened."""
    topics: tuple[str, ...]
    """For each word its stem, where it belongs to the subject."""
    words: tuple[Word, ...]
    said_at: tuple[int, ...]
    """Positions of the first words of its values."""
    pairs: Sequence[tuple[str, str]]
    """Stems of the subject that stand side by side."""
    cues: int
    pivot: int
    """Position of the verb, -1 for none."""
    is_turned: bool
    """The value stands first: `Dana is the approver`."""
    gone: frozenset[str]
    """Values that it says hold no more: `from 8080 to 9001`."""
    position: int
    """Of its statement."""
    end: int
    """Position in its statement of the last word of what it says; -1 where that is all of it."""
    beside: int
    """Other claims of its statement."""
    known_phrases: set[tuple[str, ...]] | None = None
    """See `phrases`; None: not asked for yet."""

    @property
    def families(self) -> tuple[str, ...]:
        """Under which classes it can be replaced: those of its values, `free`, or `rule`."""
        return tuple(self.values) or (("free", "rule") if self.free else ("rule",))

    @property
    def is_plain(self) -> bool:
        """`The approver is Dana`: names right behind the verb, or in front of it, and no word of a rule."""
        pivot = self.pivot
        near_verb = self.is_turned or any(0 <= pivot < at <= pivot + 2 for at in self.said_at)
        return near_verb and not self.cues & _RULES


def claims_of(unit: Unit, position: int) -> list[Claim]:
    """Take a statement apart; of `A is 5 and B is 7` into two claims. Empty where it claims nothing.

    Args:
        unit: The statement.
        position: Where it stands, for whoever compares its claims.
    """
    _, words, found, cues, sort, _ = unit
    if not words or (sort == "question" and not is_proposal(unit)):
        return []
    if not found and (cues & HEDGE or not cues & _CLAIMS or len(words) > MOST_FREE_WORDS):
        return []
    if not found and sort == "talk" and unit.statement.speaker != "user":
        return []
    clauses = clauses_of(unit)
    beside = len(clauses) - 1
    if unit.statement.message < 0:  # carried from an earlier summary
        clauses = [clause for clause in clauses if not is_marked(clause)]
    claims = [_claim(unit, clause, position, beside) for clause in clauses]
    return [claim for claim in claims if claim is not None]


def _claim(unit: Unit, clause: Clause, position: int, beside: int) -> Claim | None:
    words, found, start, asked, gone = clause
    sort = unit.sort
    cues = unit.cues | UPDATE if gone else unit.cues
    pivot = _pivot(words) if cues & PIVOT and not asked else -1
    text = unit.statement.text if start <= 0 else " ".join([word.low for word in words])
    labels, taken = _numbers_that_name(words, text, found)
    is_turned = bool(found) and _is_turned(words, found, pivot)
    values, said_at = _said_of(clause, pivot, is_turned, labels, taken) if found else (_NO_VALUES, ())
    end = start + max(taken, default=len(words) - 1) if beside else -1
    if words[0].closes and words[0].low in HEADERS:
        taken.add(0)
    if asked:
        taken.update(range(asked, len(words)))
    if found:
        asides, places = find_asides(words)
        taken |= asides
        labels |= places
    topics = _topics(words, taken)
    subject, free = frozenset(filter(None, topics)), _NOTHING
    if not values and 0 < pivot < len(words) - 1:
        before = frozenset(filter(None, topics[:pivot]))
        free, subject = (subject - before, before) if before else (free, subject)
    if not subject:
        return None
    is_state = bool(cues & (PIVOT | MUST)) or sort in ("rule", "decision", "value")
    pairs = [(one, other) for one, other in pairwise(topics) if one and other]
    names = labels or _NOTHING
    return Claim(
        subject, names, values, free, is_state, topics, words, said_at, pairs, cues, pivot, is_turned,
        gone, position, end, beside,
    )  # fmt: skip


def _said_of(
    clause: Clause, pivot: int, is_turned: bool, labels: set[str], taken: set[int]
) -> tuple[dict[str, set[str]], tuple[int, ...]]:
    """Tell the values that are said of the subject from those that name it; the latter join the labels.

    Returns:
        The values by class, and the positions of their first words; the positions of all theirs are taken.
    """
    words, found, _, _, gone = clause
    values: dict[str, set[str]] = {}
    said_at: list[int] = []
    is_open = False not in [value.at < pivot for value in found]
    for value in found:
        kind, text, at = value
        if at in taken:
            continue
        family = CLASSES[kind]
        is_said = family in _ALWAYS_VALUE or (at < pivot if is_turned else at > pivot)
        is_said = is_said or (is_open and (kind != "name" or at > 0))
        if text in gone or (is_said and not _is_part_of_name(value, words)):
            values.setdefault(family, set()).add(text)
            said_at.append(at)
            taken.update(range(at, at + text.count(" ") + 1))
        else:
            labels.add(text)
    if not values:  # `opens at level 40` says it, `level 40 opens at noon` does not
        numbers = [
            value for value in found if value.kind == "number" and 0 < pivot < value.at and value.at not in taken
        ]
        said_at = [value.at for value in numbers]
        taken.update(said_at)
        if numbers:
            values[CLASSES["number"]] = {value.text for value in numbers}
            labels -= values[CLASSES["number"]]
    return values, tuple(said_at)


def _numbers_that_name(words: Sequence[Word], text: str, found: Sequence[Value]) -> tuple[set[str], set[int]]:
    """Find what tells one of several alike from the others: `request 3: keep ...`, `paper two grade boundary`.

    Returns:
        The numbers or letters, and where their words stand. They are part of a name, nothing that changes.
    """
    numbers = [value.at for value in found if value.kind == "count"]
    has_one = "one " in text or "One " in text  # no value by itself
    labels: set[str] = set()
    taken: set[int] = set()
    if not numbers and not has_one and ":" not in text:
        return labels, taken
    item = _ITEM.match(text) if ":" in text else None
    if item is not None and len(words) > 2 and words[0].low not in HEADERS and not words[0].cues & (UPDATE | RETRACT):
        labels.add(item[1].lower())
        taken.add(1)
    if has_one:
        measures = [value.at for value in found if value.kind != "count"]
        numbers += [at for at, word in enumerate(words) if word.low == "one" and at not in measures]
    for at in numbers:
        if 0 < at < len(words) - 1 and not words[at].closes and _names(words[at - 1], words[at + 1]):
            labels.add(words[at].low)
            taken.add(at)
    return labels, taken


def _names(before: Word, following: Word) -> bool:
    """Tell whether a word for a number between these is part of a name: `round two`, `paper two grade boundary`."""
    if before.closes:
        return False
    nouns = is_plain_topic(before) and is_plain_topic(following) and not before.cues and not following.cues
    return nouns or before.low in _NUMBERED


def _topics(words: Sequence[Word], taken: set[int]) -> tuple[str, ...]:
    """Return for each word its stem if it is part of a name, empty for all others.

    No verb is one: `you can count on`.
    """
    topics = [""] * len(words)
    for at, word in enumerate(words):
        if word.may_name and at not in taken:
            before = words[at - 1].low if at and not words[at - 1].closes else ""
            if before not in _SPEAKERS or word.is_capital:
                topics[at] = word.topic if word.is_noun else _topic(words, at, before, taken)
    return tuple(topics)


def _topic(words: Sequence[Word], at: int, before: str, taken: set[int]) -> str:
    """Return the stem of a word that is not always part of a name, if it is part of one here.

    No verb (`should read`, `5 days pencilled in`) and no time (`this season`) is; a noun of change is, in front of
    another noun (`correction window`).
    """
    word = words[at]
    low, topic = word.low, word.topic
    if (word.cues & _CONTRAST and before in _BEFORE_VERBS) or (before in BEFORE_TIMES and low in TIMES):
        return ""
    if low in BEFORE_TIMES and at + 1 < len(words) and words[at + 1].low in TIMES:
        return ""
    if low.endswith("ed"):
        follows_value = before and at - 1 in taken
        if follows_value or at + 1 == len(words) or word.closes or not is_plain_topic(words[at + 1]):
            return ""
    if topic and not word.cues & _CONTRAST:
        return topic  # no word that any statement may have
    if is_generic(word) and before and is_plain_topic(words[at - 1]) and not word.low.endswith(VERB_ENDINGS):
        return word.stem  # `print run`
    if not topic and low in CHANGE_NOUNS and at + 1 < len(words) and not word.closes:
        return word.stem if words[at + 1].topic else ""
    return topic


def tells_change(words: Sequence[Word], cues: int) -> bool:
    """Tell whether a sentence is about a change, beyond having a word of it in a name."""
    if not cues & (UPDATE | RETRACT):
        return False
    if CHANGE_NOUNS.isdisjoint([word.low for word in words]):
        return True
    topics = _topics(words, set())
    named = [at for at, word in enumerate(words) if word.low in CHANGE_NOUNS and topics[at]]
    if not named:
        return True
    return bool(cues_of([word for at, word in enumerate(words) if at not in named]) & (UPDATE | RETRACT))


def _is_part_of_name(value: Value, words: Sequence[Word]) -> bool:
    """Tell whether a value only names the subject: `phase 2`, the `European` contact, the stringer in `Lyon`."""
    if value.kind == "number":
        return value.at > 0 and words[value.at - 1].low in _NUMBERED and not words[value.at - 1].closes
    if value.kind not in ("name", "acronym", "day"):
        return False
    last = value.at + value.text.count(" ")
    if last + 1 < len(words) and not words[last].closes:
        following = words[last + 1]
        is_verb = (not value.at and following.low.endswith("s")) or following.low in BEFORE_TIMES
        if following.topic and not following.kind and not following.cues & PIVOT and not is_verb:
            return True
    place = words[value.at - 1].low if value.at > 1 else ""
    return place in _PLACES and bool(words[value.at - 2].topic) and not words[value.at - 2].cues & PIVOT


def _is_turned(words: Sequence[Word], found: Sequence[Value], pivot: int) -> bool:
    """Tell whether the value stands first: `Dana is the approver`, `Dana has been picked as our approver`."""
    if not 0 < pivot < len(words) - 1 or True not in [value.at < pivot for value in found]:
        return False
    if words[pivot + 1].low in DETERMINERS:
        return True
    near = words[pivot + 1 : pivot + 5]
    return any(tie.low in ("for", "as") and noun.low in DETERMINERS for tie, noun in pairwise(near))


def _pivot(words: Sequence[Word]) -> int:
    """Find where the subject ends; -1: everything may be a value."""
    for at, word in enumerate(words):
        if word.cues & PIVOT and at:
            return at
    return -1
