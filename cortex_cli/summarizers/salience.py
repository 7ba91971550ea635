"""How much a statement is worth keeping, and as what: rule, value, decision, finding, request, or talk.

One additive score per statement. What carries it: exact values, words of command and ban in the user's words,
statements that say what something is, decisions and changes, words rare in the conversation. Header words
(`RULE:`) count little, since most people write without them.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Literal, NamedTuple

from cortex_cli.messages import build
from cortex_cli.summarizers.common_words import word_set
from cortex_cli.summarizers.frequency import Rarity, inner_names, redundancy
from cortex_cli.summarizers.lexicon import HEADERS, Cue
from cortex_cli.summarizers.statements import Statement
from cortex_cli.summarizers.words import NOTABLE, RARE, STRENGTH, Lexer, Value, Word, find_values

Sort = Literal["rule", "value", "decision", "finding", "failure", "request", "open", "question", "intention", "talk"]
"""What a statement is; an intention is what an assistant says right before it does it."""

MUST, SHOULD, LIMIT, DECIDE = int(Cue.MUST), int(Cue.SHOULD), int(Cue.LIMIT), int(Cue.DECIDE)
UPDATE, RETRACT, PERMIT, FIND = int(Cue.UPDATE), int(Cue.RETRACT), int(Cue.PERMIT), int(Cue.FIND)
FAIL, DONE, OPEN, CHAT = int(Cue.FAIL), int(Cue.DONE), int(Cue.OPEN), int(Cue.CHAT)
NARRATE, HEDGE, SELF, REQUEST = int(Cue.NARRATE), int(Cue.HEDGE), int(Cue.SELF), int(Cue.REQUEST)
NORM, WISH, SCOPE = int(Cue.NORM), int(Cue.WISH), int(Cue.SCOPE)
PIVOT, OWN, NEGATE, ORDER = int(Cue.PIVOT), int(Cue.OWN), int(Cue.NEGATE), int(Cue.ORDER)
TELL, MIND = int(Cue.TELL), int(Cue.MIND)

USER_WEIGHTS: tuple[tuple[int, float], ...] = (
    (MUST, 1.3),
    (NORM, 0.4),
    (SHOULD, 0.8),
    (WISH, 0.2),
    (SCOPE, 0.3),
    (LIMIT, 0.5),
    (NEGATE, 0.5),
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
    (NORM, 0.3),
    (SHOULD, 0.2),
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

USER_BASE = 0.8
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
STORY_PENALTY = 0.9
"""The user tells what happened, and no exact value is in it."""
FORGIVEN = 0.7
"""Share of what small talk and hedging take that an exact value gives back: `the port is 8473, I think, thanks`."""
LEAD_IN_PENALTY = 1.6
"""`Now I will update these:` says nothing without what follows."""
TABLE_PENALTY = 0.6
NARRATION_PENALTY = 0.8
SHORT_WORDS = 8
"""A sentence without values that is no longer may announce the next one."""
EMPTY_PENALTY = 1.2
"""No value and no word that is particular to the conversation."""
REPEATED_PENALTY = 1.2
"""All its runs of four words were said before: a turn of phrase, or the same again."""


class Unit(NamedTuple):
    """A statement with what was found in it."""

    statement: Statement
    words: tuple[Word, ...]
    values: tuple[Value, ...]
    cues: int
    """`Cue` flags of all words and phrases."""
    sort: Sort
    score: float

    @property
    def content(self) -> frozenset[str]:
        """Stems of the words that say what it is about, values included; few are asked, so they are not kept."""
        return frozenset(filter(None, map(_STEM, self.words)))


_STEM = attrgetter("stem")


def weigh(statements: Iterable[Statement], lexer: Lexer) -> list[Unit]:
    """Score statements against each other: what is rare here depends on everything else that was said."""
    kept = list(statements)
    texts = [statement.text for statement in kept]
    lexed = list(map(lexer.words, texts))
    names = inner_names(texts)
    rarity = Rarity(Tally([stem for words in lexed for stem in {word.stem for word in words}]), len(kept))
    units: list[Unit] = []
    told = 0  # `Sorry, that was wrong.` tells of a change in the next sentence
    message = None
    for statement, words, repeated in zip(kept, lexed, redundancy(lexed), strict=True):
        unit = _unit(statement, words, names, rarity, repeated)
        if told and statement.message == message:
            unit = unit._replace(cues=unit.cues | told)
        units.append(unit)
        told = unit.cues & (UPDATE | RETRACT) if len(words) <= SHORT_WORDS and not unit.values else 0
        if told:
            told &= cues_of([word for word in words if word.low not in _WEAKLY_TOLD])
        message = statement.message
    return units


_WEAKLY_TOLD = frozenset(("again", "later", "different", "earlier", "today", "new", "now", "latest", "back"))
"""Words of change that small talk has as well: alone they tell nothing of the next sentence."""


def _unit(
    statement: Statement,
    words: tuple[Word, ...],
    names: frozenset[str],
    rarity: Rarity,
    repeated: float,
) -> Unit:
    signs = _signs_of(words)
    cues = signs & _ALL_CUES
    values = tuple(find_values(words, names)) if signs & NOTABLE else ()
    is_user = statement.speaker == "user"
    kinds = [value.kind for value in values] if values else ()
    exact = not EXACT.isdisjoint(kinds)
    score = _cue_score(cues, is_user)
    if exact and cues & (CHAT | HEDGE):
        score -= FORGIVEN * _cue_score(cues & (CHAT | HEDGE), is_user)
    if is_user and cues & TELL and not exact and not cues & (UPDATE | DECIDE | RETRACT | OWN):
        score -= STORY_PENALTY
    score += USER_BASE if is_user else 0.0
    score += min(VALUES_CAP, _strength(kinds)) if kinds else 0.0
    score += RARITY_WEIGHT * rarity.of(words)
    is_order = is_user and cues & ORDER != 0 and _is_order(words)
    score += _shape(statement, words, values, signs, is_order=is_order)
    score -= REPEATED_PENALTY * repeated
    score += CARRIED_BONUS if statement.message < 0 else 0.0
    sort = _sort(statement, words, cues, values, is_order=is_order)
    return build(Unit, (statement, words, values, cues, sort, score))


EXACT = frozenset(("url", "email", "path", "code", "ident", "version", "date", "time", "money", "percent", "measure"))
"""Kinds of value that small talk has none of; numbers and names it has."""


@lru_cache(maxsize=4096)
def _cue_score(cues: int, is_user: bool) -> float:
    return sum(weight for flag, weight in (USER_WEIGHTS if is_user else OTHER_WEIGHTS) if cues & flag)


def cues_of(words: Sequence[Word]) -> int:
    """Return the cues of a sentence's words and of its pairs of words."""
    return _signs_of(words) & _ALL_CUES


_ALL_CUES = sum(map(int, Cue))


def _signs_of(words: Sequence[Word]) -> int:
    """Return the cues of a sentence, with `NOTABLE` and `RARE` where it has such a word."""
    signs = 0
    follows: Mapping[str, int] | None = None
    for word in words:
        signs |= word.signs
        if follows is not None and word.low in follows:
            signs |= follows[word.low]
        follows = word.follows
    if signs & NEGATE and signs & (MIND | TELL):
        signs = signs & ~_ALL_CUES | _undone_cues(words)
    if signs & MUST and not _commands(words):
        signs &= ~MUST
    return signs


def _undone_cues(words: Sequence[Word]) -> int:
    """Return the cues of words and pairs without bans that are none, see `_undone`."""
    cues = 0
    follows: Mapping[str, int] | None = None
    for word, following in zip(words, [*words[1:], None], strict=True):
        cues |= _undone(word, following)
        if follows is not None:
            cues |= follows.get(word.low, 0)
        follows = word.follows
    return cues


def _undone(word: Word, following: Word | None) -> int:
    """Return a word's cues without the ban in `can't believe`, `don't know`, `nobody cried`: there is none in them."""
    cues = word.cues
    if following is None or not cues & NEGATE or not following.cues & (MIND | TELL):
        return cues
    return cues & ~(MUST | NEGATE) if following.cues & MIND or cues & MUST else cues


def _commands(words: Sequence[Word]) -> bool:
    """Tell whether a command stands elsewhere than right behind the speaker: `I don't`, `I never` ban nothing."""
    before: Word | None = None
    last = len(words) - 1
    for at, word in enumerate(words):
        if before is not None and before.follows is not None and before.follows.get(word.low, 0) & MUST:
            return True
        if word.cues & MUST and (before is None or before.low not in _SPEAKER):
            verb = words[at + 1] if at < last else None
            if verb is None or not verb.cues & (MIND | TELL) or _undone(word, verb) & MUST:
                return True
        before = word
    return False


_SPEAKER = frozenset(("i", "i'm", "i've", "i'd", "i'll"))


def _strength(kinds: Iterable[str]) -> float:
    """Add up values of these kinds, each further one worth half of the one before."""
    total, share = 0.0, 1.0
    for strength in sorted(map(STRENGTH.__getitem__, kinds), reverse=True):
        total += share * strength
        share /= 2
        if share < 0.1:
            break
    return total


def _shape(
    statement: Statement,
    words: Sequence[Word],
    values: Sequence[Value],
    signs: int,
    *,
    is_order: bool,
) -> float:
    """Score what the sentence as a whole is: command, statement of a value, question, empty talk."""
    score = 0.0
    if is_order:
        score += ORDER_AT_HEAD
    if len(words) > 1 and words[0].closes and words[0].low in HEADERS:
        score += HEADER_BONUS
    if values and signs & PIVOT:
        score += STATES_VALUE
    if statement.question:
        score += ANSWER_BONUS
    score -= _idleness(statement.text, words, statement.speaker == "user")
    if values:
        return score
    if not signs & (MUST | DECIDE | RARE):
        score -= EMPTY_PENALTY
    return score if _has_two_stems(words) else score - EMPTY_PENALTY / 2


def _has_two_stems(words: Sequence[Word]) -> bool:
    """Tell whether at least two different words say something."""
    first = ""
    for word in words:
        stem = word.stem
        if stem and stem != first:
            if first:
                return True
            first = stem
    return False


def _idleness(text: str, words: Sequence[Word], is_user: bool) -> float:
    """Return what a sentence loses as a question, a lead-in, a row of a table, or narration."""
    loss = 0.0
    end = text[-1:] if text[-1:] not in "*_" else text.rstrip("*_")[-1:]
    if end == ":":
        loss += QUESTION_PENALTY if is_user else LEAD_IN_PENALTY
    elif end in "?？" and end and not is_tagged(words):
        loss += QUESTION_PENALTY
    if text[:1] == "|" and end:
        loss += TABLE_PENALTY
    if not is_user and words and words[0].low in _NARRATING:
        loss += NARRATION_PENALTY
    return loss


def is_tagged(words: Sequence[Word]) -> bool:
    """Tell whether a question only asks to be heard: `the port is 8473, ok?`."""
    return len(words) > 2 and words[-1].low in _TAGS


_TAGS = word_set("ok okay right yes deal correct that it understood alright clear agreed please")
"""Last words of such a question; `got that?`, `isn't it?`."""

_NARRATING = frozenset(
    ("now", "let", "next", "first", "then", "i'll", "also", "done", "good", "perfect", "great", "looking")
)
"""First words with which an assistant tells what it does, or that it did."""


def _is_order(words: Sequence[Word]) -> bool:
    """Tell whether a sentence starts with a command, after at most two words like `and`, `also`, `please`."""
    for at, word in enumerate(words[:3]):
        if word.cues & ORDER:
            return word.low not in _MEMORIES or at + 1 == len(words) or words[at + 1].low not in _OF_STORIES
        if word.low not in _BEFORE_ORDERS:
            return False
    return False


_BEFORE_ORDERS = frozenset(
    ("and", "also", "please", "pls", "plz", "kindly", "so", "then", "but", "always", "never", "oh", "ok", "just")
)
_MEMORIES = frozenset(("remember", "note"))
_OF_STORIES = frozenset(("when", "how", "the"))
"""Behind those they tell a story: `remember when we ...`."""


def _announces(words: Sequence[Word]) -> bool:
    """Tell whether an assistant says what it does next: `Now let me check ...`, `I'll add ...`, `Now fix ...`."""
    opened = ""
    for at, word in enumerate(words[:4]):
        following = words[at + 1] if at + 1 < len(words) else None
        if following is not None and (word.low, following.low) in _INTENTIONS:
            return True
        if word.low in _ANNOUNCING:
            return True
        if opened == "now" and word.cues & ORDER and not word.closes:
            return True
        if word.low not in _NARRATING:
            return False
        opened = word.low
    return False


_ANNOUNCING = frozenset(("i'll", "let's"))
_INTENTIONS = frozenset((("let", "me"), ("let", "us"), ("i", "will"), ("i'm", "going"), ("i", "am"), ("i", "need")))
"""Words with which an assistant tells what it is about to do; what became of it stands in the calls that follow."""


def _is_figure(values: Iterable[Value]) -> bool:
    """Tell whether there is more than names of code: a figure, a date, a person."""
    return any(value.kind not in ("ident", "code", "path", "quoted", "acronym", "count") for value in values)


def _sort(statement: Statement, words: Sequence[Word], cues: int, values: Sequence[Value], *, is_order: bool) -> Sort:
    is_user = statement.speaker == "user"
    if statement.text.endswith(("?", "？")) and not cues & (MUST | DECIDE) and not (values and is_tagged(words)):
        return "question" if not cues & REQUEST else "request"
    if is_user and cues & (MUST | SHOULD | LIMIT | RETRACT) and not cues & REQUEST:
        return "rule"
    if cues & DECIDE and (values or cues & (PIVOT | UPDATE) or is_user):
        return "decision"
    if is_order:
        return "rule" if values and not cues & REQUEST else "request"
    if not is_user and _announces(words) and not (values and _is_figure(values)):
        return "intention"
    if values and (is_user or (cues & PIVOT and not cues & (FIND | FAIL) and _is_figure(values))):
        return "value"
    if cues & FAIL:
        return "failure"
    if cues & FIND:
        return "finding"
    if cues & OPEN:
        return "open"
    return "request" if is_user and cues & REQUEST else "talk"
