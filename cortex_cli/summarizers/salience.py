"""How much a statement is worth keeping, and as what: rule, value, decision, finding, request, or talk.

One additive score per statement. What carries it: exact values, words of command and ban in the user's words,
statements that say what something is, decisions and changes, words rare in the conversation. Header words
(`RULE:`) count little, since most people write without them.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import log
from typing import Literal, NamedTuple

from cortex_cli.summarizers.lexicon import HEADERS, PHRASES, Cue
from cortex_cli.summarizers.statements import Statement
from cortex_cli.summarizers.words import STRENGTH, Lexer, Value, Word, find_values

Sort = Literal["rule", "value", "decision", "finding", "failure", "request", "open", "question", "talk"]

MUST, SHOULD, LIMIT, DECIDE = int(Cue.MUST), int(Cue.SHOULD), int(Cue.LIMIT), int(Cue.DECIDE)
UPDATE, RETRACT, PERMIT, FIND = int(Cue.UPDATE), int(Cue.RETRACT), int(Cue.PERMIT), int(Cue.FIND)
FAIL, DONE, OPEN, CHAT = int(Cue.FAIL), int(Cue.DONE), int(Cue.OPEN), int(Cue.CHAT)
NARRATE, HEDGE, SELF, REQUEST = int(Cue.NARRATE), int(Cue.HEDGE), int(Cue.SELF), int(Cue.REQUEST)
PIVOT, OWN, NEGATE, ORDER = int(Cue.PIVOT), int(Cue.OWN), int(Cue.NEGATE), int(Cue.ORDER)

USER_WEIGHTS: tuple[tuple[int, float], ...] = (
    (MUST, 1.3),
    (SHOULD, 0.6),
    (LIMIT, 0.5),
    (NEGATE, 0.4),
    (DECIDE, 0.6),
    (UPDATE, 0.4),
    (RETRACT, 0.5),
    (PERMIT, 0.1),
    (FIND, 0.2),
    (FAIL, 0.3),
    (OPEN, 0.2),
    (OWN, 0.5),
    (REQUEST, 0.2),
    (SELF, 0.1),
    (CHAT, -0.8),
    (HEDGE, -0.5),
)
"""What a cue adds in the user's words."""

OTHER_WEIGHTS: tuple[tuple[int, float], ...] = (
    (MUST, 0.5),
    (SHOULD, 0.1),
    (LIMIT, 0.3),
    (NEGATE, 0.2),
    (DECIDE, 0.6),
    (UPDATE, 0.3),
    (FIND, 0.5),
    (FAIL, 0.5),
    (DONE, 0.4),
    (OPEN, 0.3),
    (OWN, 0.4),
    (CHAT, -0.9),
    (HEDGE, -0.6),
    (NARRATE, -0.9),
    (REQUEST, -0.3),
)
"""What a cue adds in an assistant's words."""

USER_BASE = 0.5
CARRIED_BONUS = 0.5
"""An earlier compaction chose it."""
ORDER_AT_HEAD = 0.9
"""A sentence of the user's that starts with a command."""
HEADER_BONUS = 0.4
ANSWER_BONUS = 0.4
STATES_VALUE = 0.5
"""It says what something is, with a value: `the port is 8473`."""
VALUES_CAP = 1.6
"""Most that exact values add."""
RARITY_WEIGHT = 0.9
QUESTION_PENALTY = 0.7
EMPTY_PENALTY = 1.2
"""No value and no word that is particular to the conversation."""
REPEATED_PENALTY = 0.5
"""Said word for word again and again: a phrase, not a fact."""


class Unit(NamedTuple):
    """A statement with what was found in it."""

    statement: Statement
    words: tuple[Word, ...]
    values: tuple[Value, ...]
    cues: int
    """`Cue` flags of all words and phrases."""
    content: frozenset[str]
    """Stems of the words that say what it is about, values included."""
    sort: Sort
    score: float


def weigh(statements: Iterable[Statement], lexer: Lexer) -> list[Unit]:
    """Score statements against each other: what is rare here depends on everything else that was said."""
    kept = list(statements)
    lexed = [lexer.words(statement.text) for statement in kept]
    names = _names(lexed)
    contents = [frozenset(word.stem for word in words if word.stem) for words in lexed]
    frequency: Tally[str] = Tally()
    for content in contents:
        frequency.update(content)
    said: Tally[str] = Tally(statement.text for statement in kept)
    scale = log(len(kept) + 1) or 1.0
    rarity = {stem: 1.0 - log(count) / scale for stem, count in frequency.items()}
    return [
        _unit(statement, words, names, content, rarity, said[statement.text])
        for statement, words, content in zip(kept, lexed, contents, strict=True)
    ]


def _names(lexed: Iterable[Sequence[Word]]) -> frozenset[str]:
    """Collect words that stand capitalised inside a sentence."""
    return frozenset(
        word.low.removesuffix("'s")
        for words in lexed
        for before, word in pairwise(words)
        if word.is_capital and not word.kind and not before.closes
    )


def _unit(
    statement: Statement,
    words: list[Word],
    names: frozenset[str],
    content: frozenset[str],
    rarity: dict[str, float],
    repeats: int,
) -> Unit:
    cues = cues_of(words)
    values = tuple(find_values(words, names))
    is_user = statement.speaker == "user"
    score = sum(weight for flag, weight in (USER_WEIGHTS if is_user else OTHER_WEIGHTS) if cues & flag)
    score += USER_BASE if is_user else 0.0
    score += min(VALUES_CAP, _strength(values))
    score += RARITY_WEIGHT * _rarity(words, rarity)
    score += _shape(statement, words, values, cues, content)
    score -= REPEATED_PENALTY * (repeats - 1) if repeats > 1 and not cues & MUST and not values else 0.0
    score += CARRIED_BONUS if statement.message < 0 else 0.0
    return Unit(statement, tuple(words), values, cues, content, _sort(statement, words, cues, values), score)


def cues_of(words: Sequence[Word]) -> int:
    """Return the cues of a sentence's words and of its pairs of words."""
    cues = 0
    last = len(words) - 1
    for i, word in enumerate(words):
        cues |= word.cues
        if i < last:
            row = PHRASES.get(word.low)
            if row is not None:
                cues |= int(row.get(words[i + 1].low, 0))
    return cues


def _strength(values: Iterable[Value]) -> float:
    """Add up values, each further one worth half of the one before."""
    total, share = 0.0, 1.0
    for strength in sorted((STRENGTH[value.kind] for value in values), reverse=True):
        total += share * strength
        share /= 2
        if share < 0.1:
            break
    return total


def _rarity(words: Sequence[Word], rarity: dict[str, float]) -> float:
    """Return how particular the words are, 0-1: rare in the language and rare in this conversation."""
    if not words:
        return 0.0
    total = sum(rarity[word.stem] * (1.0 if word.is_rare else 0.25) for word in words if word.stem)
    return min(1.0, 2 * total / (len(words) + 2))


def _shape(
    statement: Statement, words: Sequence[Word], values: Sequence[Value], cues: int, content: frozenset[str]
) -> float:
    """Score what the sentence as a whole is: command, statement of a value, question, empty talk."""
    score = 0.0
    is_user = statement.speaker == "user"
    if words and is_user and _is_order(words):
        score += ORDER_AT_HEAD
    if len(words) > 1 and words[0].closes and words[0].low in HEADERS:
        score += HEADER_BONUS
    if values and cues & PIVOT:
        score += STATES_VALUE
    if statement.question:
        score += ANSWER_BONUS
    if statement.text.endswith(("?", "？", ":")):
        score -= QUESTION_PENALTY
    if not values and not any(word.is_rare for word in words) and not cues & (MUST | DECIDE):
        score -= EMPTY_PENALTY
    if len(content) < 2 and not values:
        score -= EMPTY_PENALTY / 2
    return score


def _is_order(words: Sequence[Word]) -> bool:
    """Tell whether a sentence starts with a command, after at most two words like `and`, `also`, `please`."""
    for word in words[:3]:
        if word.cues & ORDER:
            return True
        if word.low not in ("and", "also", "please", "so", "then", "but", "always", "never", "oh", "ok", "just"):
            return False
    return False


def _sort(statement: Statement, words: Sequence[Word], cues: int, values: Sequence[Value]) -> Sort:
    is_user = statement.speaker == "user"
    if statement.text.endswith(("?", "？")) and not cues & (MUST | DECIDE):
        return "question" if not cues & REQUEST else "request"
    if is_user and cues & (MUST | SHOULD | LIMIT | RETRACT) and not cues & REQUEST:
        return "rule"
    if cues & DECIDE and (values or cues & (PIVOT | UPDATE) or is_user):
        return "decision"
    if is_user and _is_order(words):
        return "rule" if values and not cues & REQUEST else "request"
    if values and (is_user or cues & PIVOT) and not (cues & (FIND | FAIL) and not is_user):
        return "value"
    if cues & FAIL:
        return "failure"
    if cues & FIND:
        return "finding"
    if cues & OPEN:
        return "open"
    return "request" if is_user and cues & REQUEST else "talk"
