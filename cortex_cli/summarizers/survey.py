"""One look through a conversation: what was said, done and found, weighed, with later words holding.

Everything that keeps facts builds on it: the built-in summary, the ledger under a model's summary, the
built-in observer.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import takewhile
from typing import NamedTuple

from cortex_cli.marks import Summary
from cortex_cli.messages import Message
from cortex_cli.summarizers.actions import Action
from cortex_cli.summarizers.boundaries import harmless
from cortex_cli.summarizers.claims import claims_of
from cortex_cli.summarizers.deeds import Deeds, Look
from cortex_cli.summarizers.earlier import Carried, read_earlier
from cortex_cli.summarizers.ledger import Fact, Kind, merge_facts
from cortex_cli.summarizers.salience import Sort, Unit, weigh
from cortex_cli.summarizers.statements import Statement, read_statements
from cortex_cli.summarizers.supersede import Replacement, find_replacements
from cortex_cli.summarizers.words import EARLIER, LEXER

DIRECTIVE_SCORE = 1.5
"""A rule, value or decision of the user's that scores so much is a fact of the ledger."""

DECIDED_SCORE = 2.0
"""The same for an assistant's decisions and values."""

MARKED_SHARE = 0.4
"""What is left of the score of a statement that a later one seems to replace."""

LATER_BONUS = 0.3
"""For a statement that replaces another: what changed once matters now."""


class Survey(NamedTuple):
    """What a conversation holds."""

    units: tuple[Unit, ...]
    """Statements that still hold, oldest first; marked ones with their text marked as earlier."""
    facts: tuple[Fact, ...]
    """Oldest first: the earlier ledger's, then what was done and found since, then what people said."""
    actions: tuple[Action, ...]
    pending: tuple[Action, ...]
    """Calls without a result."""
    replaced: int
    """Statements that a later one replaced."""
    updates: frozenset[int] = frozenset()
    """`order` of the statements that replaced one that still stands somewhere; see `Held`."""
    looks: tuple[Look, ...] = ()
    """Results with their telling lines, of which few are facts."""


def survey(messages: Sequence[Message], earlier: Iterable[Summary] = (), following: Sequence[Message] = ()) -> Survey:
    """Gather and weigh.

    Args:
        messages: What is to be condensed, oldest first.
        earlier: Summaries from before, oldest first.
        following: Messages that stay after it: their statements replace earlier ones, and are not gathered.
    """
    return gather(read_earlier(earlier), messages, following)


def gather(carried: Carried, messages: Sequence[Message], following: Sequence[Message] = ()) -> Survey:
    """Gather and weigh on top of what is known already; see `survey`."""
    deeds = Deeds(sum(len(part.text) for message in messages for part in message.parts if part.kind == "result"))
    for position, message in enumerate(messages):
        deeds.read(position, message)
    said = [*carried.statements, *_in_order(read_statements(messages), deeds.said)]
    later = [each._replace(message=each.message + len(messages)) for each in read_statements(following)]
    held = holding(said, later)
    facts = merge_facts(carried.facts, deeds.facts())
    people = (fact for unit in held.units if (fact := fact_of(unit)))
    actions, pending = tuple(deeds.actions), tuple(deeds.pending())
    return Survey(held.units, (*facts, *people), actions, pending, held.replaced, held.updates, tuple(deeds.looks))


def _in_order(statements: Iterable[Statement], others: Iterable[Statement]) -> list[Statement]:
    """Put plans and reports between what was said before and after them, and count anew."""
    others = list(others)
    if not others:
        return list(statements)
    both = sorted((*statements, *others), key=lambda each: (each.message, each.order))
    return [each._replace(order=at) for at, each in enumerate(both)]


class Held(NamedTuple):
    """Statements that still hold."""

    units: tuple[Unit, ...]
    replaced: int
    """How many a later one replaced."""
    replacing: frozenset[int]
    """`order` of those that replaced another."""
    updates: frozenset[int]
    """`order` of those that replaced one that still stands: here, marked as earlier, or in what was carried."""


def holding(said: Sequence[Statement], later: Sequence[Statement] = ()) -> Held:
    """Weigh statements, drop repeated ones and those that later ones replace.

    Args:
        said: Oldest first.
        later: What was said after it: it replaces, and is not returned.
    """
    units = weigh([*_distinct(said), *later], LEXER)
    for at, unit in enumerate(takewhile(_is_carried, units)):
        if EARLIER_MARK in unit.statement.text and not claims_of(unit, at):
            units[at] = unit._replace(score=unit.score * MARKED_SHARE)
    last = len(units) - len(later)
    fate = {each.earlier: each for each in find_replacements(units) if each.earlier < last}
    gains: dict[int, float] = {}
    for each in fate.values():
        gains[each.later] = max(gains.get(each.later, 0.0), units[each.earlier].score + LATER_BONUS)
    for at, gain in gains.items():
        units[at] = units[at]._replace(score=max(units[at].score, gain))
    for each in fate.values():
        if each.grade != "dropped":
            units[each.earlier] = _marked(units[each.earlier], each)
    dropped = {each.earlier for each in fate.values() if each.grade == "dropped"}
    kept = [unit for at, unit in enumerate(units[:last]) if at not in dropped]
    standing = (each for each in fate.values() if each.grade == "marked" or units[each.earlier].statement.message < 0)
    return Held(
        tuple(kept),
        len(fate),
        frozenset(units[at].statement.order for at in gains),
        frozenset(units[each.later].statement.order for each in standing),
    )


def _is_carried(unit: Unit) -> bool:
    return unit.statement.message < 0


def _marked(unit: Unit, replacement: Replacement) -> Unit:
    """Say of a statement that a later one replaces it, or which of its values one does."""
    text, score = unit.statement.text, unit.score
    inside = _marked_inside(text, replacement.ends, len(unit.words)) if replacement.ends else text
    if replacement.grade == "marked":
        inside = inside if inside != text else f"{text}{EARLIER_MARK}"
        score *= MARKED_SHARE
    return unit._replace(score=score, statement=unit.statement._replace(text=inside))


def _marked_inside(text: str, ends: Collection[int], count: int) -> str:
    """Put the mark behind words, given by their positions; the punctuation of each stays behind it.

    Where spaces do not part all `count` words (Chinese), the text stays as it is.
    """
    words = [(match.start(), match.end()) for match in _WORD.finditer(text)]
    for at in sorted(ends, reverse=True) if len(words) == count else ():
        start, stop = words[at]
        stop = start + len(text[start:stop].rstrip(_PUNCTUATION))
        text = f"{text[:stop]}{EARLIER_MARK}{text[stop:]}"
    return text


_WORD = re.compile(r"\S+")
_PUNCTUATION = ".,;:!?)]}*_"
"""What belongs to the sentence, not to the value at its end."""

EARLIER_MARK = f" {EARLIER}"
"""Behind a statement that a later one seems to replace."""


def same_words(text: str) -> str:
    """Return what two statements share that say the same word for word."""
    return text.lower().rstrip(".! ")


def _distinct(said: Sequence[Statement]) -> list[Statement]:
    """Leave out what is said again word for word; the user's own, then the last, stays."""
    keys = [same_words(each.text) for each in said]
    best = dict(zip(keys, range(len(keys)), strict=True))
    if len(best) == len(keys):
        return list(said)
    best |= {keys[at]: at for at, each in enumerate(said) if each.speaker == "user"}
    return [said[at] for at in sorted(best.values())]


def fact_of(unit: Unit) -> Fact | None:
    """Return a statement as a fact of the ledger, None where it is not weighty enough to be one."""
    kind: Kind
    if unit.statement.speaker == "user":
        kind, sorts, least = "user", DIRECTIVES, DIRECTIVE_SCORE
    else:
        kind, sorts, least = "decided", _DECISIONS, DECIDED_SCORE
    if unit.score < least or unit.sort not in sorts:
        return None
    return Fact(kind, harmless(unit.statement.text), "", unit.score, unit.statement.order, unit.statement.message)


DIRECTIVES: frozenset[Sort] = frozenset(("rule", "value", "decision"))
"""What of a user's words holds from then on."""
_DECISIONS: frozenset[Sort] = frozenset(("decision", "value", "finding"))
