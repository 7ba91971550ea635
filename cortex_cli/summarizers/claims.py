"""What a statement says of what: its subject, the names that belong to it, and its values by class.

Two statements are about the same if their subjects share the phrase that carries them and nothing narrows it
on both sides (`import batch size` / `export batch size`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

from cortex_cli.summarizers.asides import find_asides
from cortex_cli.summarizers.common_words import word_set
from cortex_cli.summarizers.lexicon import CONTRAST_GROUP, HEADERS, PHRASES, Cue
from cortex_cli.summarizers.salience import (
    HEDGE,
    MUST,
    NEGATE,
    PERMIT,
    PIVOT,
    REQUEST,
    RETRACT,
    SCOPE,
    UPDATE,
    Unit,
    cues_of,
)
from cortex_cli.summarizers.words import BEFORE_TIMES, CHANGE_NOUNS, TIMES, Value, Word, is_generic, stem

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

_ITEM = re.compile(
    r"[^\W\d_]+ #?(\d{1,4}|[a-z]|one|two|three|four|five|six|seven|eight|nine|ten|i{1,3}|i?v|vi{0,3}|i?x):\s",
    re.IGNORECASE,
)
"""How an item of a list begins that is named by a word and its number."""

_DETERMINERS = frozenset(("the", "our", "my", "your", "their", "his", "her", "its"))
_PREPOSITIONS = frozenset(("for", "of", "in", "on", "at", "per", "from", "with", "during"))
_VERB_ENDINGS = ("ed", "s", "ing", "ly")
MOST_FREE_WORDS = 20
"""A sentence without exact values that is longer tells a story: it is not one claim."""
_CONTRAST = int(Cue.CONTRAST)
_BEFORE_VERBS = word_set("should must will would shall can may might it which he she they we i you now please")
_SPEAKERS = word_set("i you we they he she it who there can will would should shall must may might could")
_PLACES = word_set("in from of near")
_TIES = word_set("for as of")
_TOWARDS = word_set("to into as")
_NOTHING: frozenset[str] = frozenset()
_NO_VALUES: Mapping[str, Set[str]] = {}
_CLAIMS = PIVOT | MUST | NEGATE | RETRACT | PERMIT | UPDATE
_RULES = MUST | NEGATE | SCOPE
_CHANGES = UPDATE | RETRACT
_CONTRASTS: Mapping[str, int] = {stem(word): group for word, group in CONTRAST_GROUP.items()}


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


def claim_of(unit: Unit) -> Claim | None:
    """Take a statement apart; None where it claims nothing."""
    statement, words, found, cues, sort, _ = unit
    if sort == "question" or not words:
        return None
    if not found and (cues & HEDGE or not cues & _CLAIMS or len(words) > MOST_FREE_WORDS):
        return None
    if not found and sort == "talk" and statement.speaker != "user":
        return None
    pivot = _pivot(words) if cues & PIVOT else -1
    labels, taken = _numbers_that_name(words, statement.text, found)
    is_turned = bool(found) and _is_turned(words, found, pivot)
    values, said_at = _said_of(words, found, pivot, is_turned, labels, taken) if found else (_NO_VALUES, ())
    if words[0].closes and words[0].low in HEADERS:
        taken.add(0)
    if found:
        beside, places = find_asides(words)
        taken |= beside
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
    return Claim(subject, names, values, free, is_state, topics, words, said_at, pairs, cues, pivot, is_turned)


def _said_of(
    words: Sequence[Word], found: Sequence[Value], pivot: int, is_turned: bool, labels: set[str], taken: set[int]
) -> tuple[dict[str, set[str]], tuple[int, ...]]:
    """Tell the values that are said of the subject from those that name it; the latter join the labels.

    Returns:
        The values by class, and the positions of their first words; the positions of all theirs are taken.
    """
    values: dict[str, set[str]] = {}
    said_at: list[int] = []
    is_open = False not in [value.at < pivot for value in found]
    for value in found:
        kind, text, at = value
        if at in taken:
            continue
        family = _CLASSES[kind]
        is_said = family in _ALWAYS_VALUE or (at < pivot if is_turned else at > pivot)
        is_said = is_said or (is_open and (kind != "name" or at > 0))
        if is_said and not _is_part_of_name(value, words):
            values.setdefault(family, set()).add(text)
            said_at.append(at)
            taken.update(range(at, at + text.count(" ") + 1))
        else:
            labels.add(text)
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
    nouns = _is_plain_topic(before) and _is_plain_topic(following) and not before.cues and not following.cues
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
        if follows_value or at + 1 == len(words) or word.closes or not _is_plain_topic(words[at + 1]):
            return ""
    if topic and not word.cues & _CONTRAST:
        return topic  # no word that any statement may have
    if is_generic(word) and before and _is_plain_topic(words[at - 1]) and not word.low.endswith(_VERB_ENDINGS):
        return word.stem  # `print run`
    if not topic and low in CHANGE_NOUNS and at + 1 < len(words) and not word.closes:
        return word.stem if words[at + 1].topic else ""
    return topic


def _is_plain_topic(word: Word) -> bool:
    return bool(word.topic) and not word.kind


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
        return value.at > 0 and words[value.at - 1].low in _NUMBERED
    if value.kind not in ("name", "acronym", "day"):
        return False
    last = value.at + value.text.count(" ")
    if last + 1 < len(words) and not words[last].closes:
        following = words[last + 1]
        is_verb = not value.at and following.low.endswith("s")
        if following.topic and not following.kind and not following.cues & PIVOT and not is_verb:
            return True
    place = words[value.at - 1].low if value.at > 1 else ""
    return place in _PLACES and bool(words[value.at - 2].topic) and not words[value.at - 2].cues & PIVOT


def _is_turned(words: Sequence[Word], found: Sequence[Value], pivot: int) -> bool:
    """Tell whether the value stands first: `Dana is the approver`, `Dana has been picked as our approver`."""
    if not 0 < pivot < len(words) - 1 or True not in [value.at < pivot for value in found]:
        return False
    if words[pivot + 1].low in _DETERMINERS:
        return True
    near = words[pivot + 1 : pivot + 5]
    return any(tie.low in ("for", "as") and noun.low in _DETERMINERS for tie, noun in pairwise(near))


def _pivot(words: Sequence[Word]) -> int:
    """Find where the subject ends; -1: everything may be a value."""
    for at, word in enumerate(words):
        if word.cues & PIVOT and at:
            return at
    return -1


def are_apart(was: Claim, now: Claim) -> bool:
    """Tell whether names or contrasting words set the subjects apart."""
    if was.labels and now.labels and not was.labels & now.labels:
        return True
    if "new" in [word.low for word in now.words] and "old" in [word.low for word in was.words]:
        return True
    groups = [_CONTRASTS[one] for one in now.subject - was.subject if one in _CONTRASTS]
    return bool(groups) and any(_CONTRASTS.get(one) in groups for one in was.subject - now.subject)


def narrowing(claim: Claim, shared: frozenset[str]) -> set[str]:
    """Find words that narrow the shared ones: beside them (`export` limit), or behind `for` and `of`."""
    found: set[str] = set()
    topics, words = claim.topics, claim.words
    last = len(topics) - 1
    for at, one in enumerate(topics):
        if one not in shared:
            continue
        before = at - 1
        if before > 0 and not topics[before] and words[before].stem and not words[before].closes:
            before -= 1  # `home changing room`: a cue of change that is part of a name
        if before > 0 and words[before].low == "of":
            before -= 1  # `front of house manager`
        if before >= 0 and topics[before] and topics[before] not in shared and not words[before].closes:
            found.add(topics[before])
        if at < last:
            low, following = words[at + 1].low, topics[at + 1]
            if following and following not in shared and not low.endswith(_VERB_ENDINGS):
                found.add(following)
            elif low in _PREPOSITIONS:
                found.update(each for each in topics[at + 2 : at + 4] if each and each not in shared)
    return found


def phrases(claim: Claim) -> set[tuple[str, ...]]:
    """Return the runs of subject words next to its values: `staging port` of `the staging port is 8473`.

    Behind the value punctuation parts them, unless the verb comes next (`Dana, that's the approver`).
    """
    if claim.known_phrases is None:
        claim.known_phrases = _phrases(claim.topics, claim.words, claim.said_at)
        if changed := _object_of_change(claim):
            claim.known_phrases.add(changed)
    return claim.known_phrases


def _phrases(topics: Sequence[str], words: Sequence[Word], said_at: Iterable[int]) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for at in said_at:
        start = at + 1
        while start < len(topics) and not topics[start] and (not words[start - 1].closes or words[start].cues & PIVOT):
            start += 1
        behind = start < len(topics) and topics[start] != "" and not words[start - 1].closes
        if behind:
            found.add(_run(topics, start, 1))
        if behind and any(word.low in _TIES for word in words[at + 1 : start]):
            continue  # in `the vendor quoted 5 for the lease` the lease is what it is about
        stop = next((i for i in range(at - 1, -1, -1) if topics[i]), -1)
        if stop >= 0:
            found.add(_run(topics, stop, -1)[::-1])
    return found


def _object_of_change(claim: Claim) -> tuple[str, ...]:
    """Return what a command of change is about: the cheese supplier of `rub out the cheese supplier on the board`."""
    words, last = claim.words, len(claim.words) - 1
    if not any(at and (words[at - 1].low in _TOWARDS or words[at - 1].cues & PIVOT) for at in claim.said_at):
        return ()  # `update the parsers to include X` is work to do, no other value
    at = 0
    while at < last and (words[at].cues & REQUEST or (words[at].closes and words[at].low in HEADERS)):
        at += 1
    if at < last and PHRASES.get(words[at].low, {}).get(words[at + 1].low, 0) & _CHANGES:
        at += 2
    elif words[at].cues & _CHANGES:
        at += 1
    else:
        return ()
    if at < last and words[at].low in _DETERMINERS:
        at += 1
    return _run(claim.topics, at, 1)


def _run(topics: Sequence[str], at: int, step: int) -> tuple[str, ...]:
    run: list[str] = []
    while 0 <= at < len(topics) and topics[at]:
        run.append(topics[at])
        at += step
    return tuple(run)
