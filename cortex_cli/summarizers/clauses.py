"""What a statement is taken apart into: clauses with a subject each, and answers joined with their questions."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from cortex_cli.messages import build
from cortex_cli.summarizers.common_words import word_set
from cortex_cli.summarizers.salience import UPDATE, Unit
from cortex_cli.summarizers.statements import REPLIES
from cortex_cli.summarizers.words import ARROWS, EARLIER, LEXER, Value, Word, find_values

CLASSES = {
    "number": "amount", "count": "amount", "measure": "amount", "percent": "percent", "money": "money",
    "date": "date", "day": "date", "time": "time", "version": "version",
    "name": "label", "acronym": "label", "ident": "label", "code": "label", "quoted": "label",
    "path": "place", "url": "place", "email": "place",
}  # fmt: skip
"""Kind of value -> what it can replace."""

_BETWEEN = word_set("and while but whereas plus")
"""Words between two clauses."""
_POINTING = word_set("it it's that that's this which who whose he he's she she's they is are was")
"""First words of a clause that is about the subject of the one before."""

_DENIALS = word_set("no nope nah not never rather")
"""First words of an answer that corrects the question."""

_REASONS = word_set("since because as so until unless although though")
"""Words that a reason begins with."""

_NOT = word_set("not isn't isnt wasn't wasnt forget scratch")
"""In front of a value that is gone."""
_INSTEAD = frozenset((("instead", "of"), ("rather", "than")))
"""The same, of two words."""
_NO_MORE = frozenset((("any", "more"), ("didn't", "work"), ("doesn't", "work"), ("no", "longer")))
"""Behind one."""

_PROPOSALS = frozenset((("can", "we"), ("could", "we"), ("shall", "we"), ("should", "we")))
"""How a question begins with which a user changes something: `Can we make it 5 instead?`."""

SHORT_ANSWER = 8
"""Words of an answer that needs its question, if it does not begin with yes or no: then it does at any length."""

_ASKING = word_set("what what's which who who's whose where where's when when's how")
"""One of them is in a question for a value; offers (`shall I ...?`) have none."""

_NOTHING: frozenset[str] = frozenset()


class Clause(NamedTuple):
    """A sentence, or a part of one that says something of its own."""

    words: tuple[Word, ...]
    found: Sequence[Value]
    """Positions count from its first word."""
    start: int
    """Position of its first word in the sentence; negative where those of a question stand in front."""
    asked: int = 0
    """So many of the words are the question's, which has the subject of the answer."""
    gone: frozenset[str] = frozenset()
    """Values that it says hold no more."""


def clauses_of(unit: Unit) -> Sequence[Clause]:
    """Take a statement apart: between values of one class that have a subject each, or joined with what was asked."""
    words, found = unit.words, unit.values
    if not found:
        return (build(Clause, (words, found, 0, 0, _NOTHING)),)
    if unit.statement.question and unit.statement.speaker == "user" and (answer := _answer(unit)) is not None:
        return (answer,)
    if len(found) == 1:
        return (build(Clause, (words, found, 0, 0, _NOTHING)),)
    tokens = unit.statement.text.split()
    clauses: list[Clause] = []
    start = first = 0
    for at, (one, other) in enumerate(pairwise(found), 1):
        if CLASSES[one.kind] != CLASSES[other.kind]:
            continue
        cut = next((i for i in range(_end(one), other.at) if words[i].low in _BETWEEN or _is_comma(tokens, i - 1)), 0)
        if not cut or words[cut].low in _POINTING:
            continue
        if _has_topic(words[cut : other.at]) and _has_topic(words[start : one.at]):
            clauses.append(_clause(words[start:cut], found[first:at], start))
            start, first = cut, at
    return (*clauses, _clause(words[start:], found[first:], start))


def is_marked(clause: Clause) -> bool:
    """Tell whether an earlier compaction marked a part of a carried statement as replaced; it replaces nothing."""
    return EARLIER in [word.low for word in clause.words]


def is_plain_topic(word: Word) -> bool:
    """Tell whether a word can be what a statement is about, and no value."""
    return bool(word.topic) and not word.kind


def is_proposal(unit: Unit) -> bool:
    """Tell whether a question of the user's is a change: `Can we make the limit 5 instead?`."""
    words = unit.words
    if not (unit.values and unit.cues & UPDATE and unit.statement.speaker == "user"):
        return False
    at = 1 if words[0].closes and len(words) > 1 else 0  # behind a header
    return len(words) > at + 1 and (words[at].low, words[at + 1].low) in _PROPOSALS


def needs_question(unit: Unit) -> bool:
    """Tell whether a statement says little without the question before it, and that one says something."""
    words, found = unit.words, unit.values
    if not unit.statement.question or not words:
        return False
    if found:
        is_answer = _lacks_subject(words, found)
    else:
        is_answer = len(words) <= SHORT_ANSWER or not REPLIES.isdisjoint([word.low for word in words[:2]])
    return is_answer and _has_topic(LEXER.words(unit.statement.question))


def _lacks_subject(words: Sequence[Word], found: Sequence[Value]) -> bool:
    """Tell whether nothing beside its first value says what that is a value of."""
    end = _clause_end(words, found[0])
    if not _lacks_topic(words, found):
        return False
    return end == len(words) or words[end].low not in _POINTING or words[end].low in _REASONS


def _lacks_topic(words: Sequence[Word], found: Sequence[Value]) -> bool:
    """Tell whether there is nothing beside its first value, up to the end of that clause."""
    taken = {at for value in found for at in range(value.at, _end(value))}
    beside = (word for at, word in enumerate(words[: _clause_end(words, found[0])]) if at not in taken)
    return not _has_topic(beside)


def _answer(unit: Unit) -> Clause | None:
    """Put the question in front of an answer that has no subject of its own; what it asked of may be gone.

    Where the question has a value of the class, another one in the answer takes its place whatever is said besides.
    """
    words, found = unit.words, unit.values
    asked = LEXER.words(unit.statement.question)
    if not _has_topic(asked):
        return None
    of_class = CLASSES[found[0].kind]
    old = [value for value in find_values(asked) if CLASSES[value.kind] == of_class]
    gone = frozenset(value.text for value in old) - {value.text for value in found}
    corrects = bool(gone) and (words[0].low in _DENIALS or _lacks_topic(words, found))
    if not corrects and not (_lacks_subject(words, found) and (old or any(word.low in _ASKING for word in asked))):
        return None
    count = len(asked)
    shifted = [value._replace(at=value.at + count) for value in found]
    return Clause((*asked, *words), [*old, *shifted], -count, count, gone)


def _clause_end(words: Sequence[Word], value: Value) -> int:
    """Return the position behind the clause that a value stands in; a reason is one of its own."""
    for at in range(_end(value) - 1, len(words)):
        if words[at].closes:
            return at + 1
        if at >= _end(value) and words[at].low in _REASONS:
            return at
    return len(words)


def _clause(words: tuple[Word, ...], found: Sequence[Value], start: int) -> Clause:
    placed = [value._replace(at=value.at - start) for value in found] if start else found
    gone = frozenset(value.text for value in placed if _is_gone(words, value)) if len(found) > 1 else _NOTHING
    if gone:
        stays = {CLASSES[value.kind] for value in placed if value.text not in gone}
        gone = frozenset(value.text for value in placed if value.text in gone and CLASSES[value.kind] in stays)
    return Clause(words, placed, start, 0, gone)


def _is_gone(words: Sequence[Word], value: Value) -> bool:
    """Tell whether a sentence with several values names this one as the old one: `from 5 to 7`, `7, not 5`."""
    at, end = value.at, _end(value)
    before = words[at - 1].low if at else ""
    after = words[end].low if end < len(words) else ""
    if after in ARROWS or before in _NOT:
        return True
    if before == "from":
        return after in ("to", "into")
    if at > 1 and (words[at - 2].low, before) in _INSTEAD:
        return True
    return after == "anymore" or (end + 1 < len(words) and (after, words[end + 1].low) in _NO_MORE)


def _end(value: Value) -> int:
    """Return the position behind the last word of a value."""
    return value.at + value.text.count(" ") + 1


def _is_comma(tokens: Sequence[str], at: int) -> bool:
    return at < len(tokens) and tokens[at].endswith((",", ";", "，", "；"))


def _has_topic(words: Iterable[Word]) -> bool:
    return any(is_plain_topic(word) for word in words)
