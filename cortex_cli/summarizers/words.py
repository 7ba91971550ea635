"""One word at a time: its cues, its stem, and which kind of exact value it is.

Tokens repeat, so each is looked at once and remembered; a text is then a list of known words. Values of
several words (`30 seconds`, `May 3`, `Dana Smith`) are joined in `find_values`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cortex_cli.summarizers.common_words import COMMON, STOP, word_set
from cortex_cli.summarizers.languages import OTHER_WORDS, cues_inside, part_scripts
from cortex_cli.summarizers.lexicon import HEADERS, PHRASES, WORDS, Cue

ARROWS = frozenset(("->", "-->", "=>", "→"))
EARLIER = "(earlier)"
"""Stands behind what a later statement seems to replace; as a word it says nothing by itself."""

LONGEST_REMEMBERED = 80
"""Longer tokens (data, not words) are not kept in memory; characters."""

MOST_REMEMBERED = 20_000
"""Tokens that are kept in memory, some 8 MB: those of a long session. Then all are forgotten."""


@dataclass(slots=True, eq=False)
class Word:
    """What is known of a token; never changed. No named tuple: its fields are read so often that it would be felt."""

    low: str
    """Without the punctuation around it, lower case."""
    stem: str
    """For comparing subjects; empty for words that say nothing."""
    kind: str
    """Which kind of value it is by itself; empty for a plain word."""
    cues: int
    """`Cue` flags."""
    topic: str
    """Its stem where it can be what a statement is about: no cue of change, no word of any statement."""
    is_rare: bool
    """Outside the common words of the language."""
    is_capital: bool
    """Starts with a capital: a name, unless a sentence starts here."""
    closes: bool
    """Punctuation follows: it does not form a value with the next word."""
    is_notable: bool
    """A value, or a capital that may be a name."""
    follows: Mapping[str, int] | None
    """Words that make a phrase with it when they come next, with the phrase's cues."""
    may_name: bool
    """Beside the right neighbours it may be part of a subject's name."""
    is_noun: bool
    """Whatever its neighbours, unless one is the speaker: no verb, no time, no word of change, none of a pair."""
    signs: int
    """Its cues, with `NOTABLE` and `RARE`: one look through a sentence tells all of them."""


NOTABLE, RARE = 1 << len(Cue), 2 << len(Cue)
"""Beside the flags of `Cue`: the word is notable, the word is rare."""


class Value(NamedTuple):
    """One exact value."""

    kind: str
    text: str
    """Lower case, as compared."""
    at: int
    """Position of its first word."""


STRENGTH = {
    "url": 1.0, "email": 1.0, "path": 1.0, "code": 0.9, "ident": 1.0, "version": 1.0, "date": 1.0, "time": 1.0,
    "money": 1.1, "percent": 1.0, "measure": 1.1, "number": 0.9, "quoted": 0.6, "day": 0.6, "name": 0.55,
    "acronym": 0.3, "count": 0.35,
}  # fmt: skip
"""What a value of each kind is worth, against an identifier."""

_UNITS = word_set(
    """
    ms millisecond milliseconds s sec secs second seconds min mins minute minutes hr hrs hour hours day days week
    weeks month months year years quarter quarters night nights b kb mb gb tb kib mib gib bytes bits px pt em rem
    dpi fps hz khz mhz ghz rpm rps qps req requests retries attempts times percent pct points dollars euros pounds
    usd eur gbp cents cores cpu cpus vcpu vcpus replicas nodes pods shards partitions workers threads instances
    connections rows columns lines characters chars words pages items entries records messages users people seats
    tickets chapters slides km m cm mm mile miles feet ft inch inches kg g mg lb lbs oz liters litres ml cups
    tablespoons teaspoons degrees c f k million billion tokens commits approvals reviewers business working calendar
    consecutive
"""
)
_CURRENCIES = word_set("dollars euros pounds usd eur gbp cents bucks francs chf yen")
_COUNTS = word_set(
    """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand dozen twice once thrice
    half zero
"""
) | {
    f"{ten}-{one}"
    for ten in ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
    for one in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
}
_DAYS = word_set(
    """monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays
    sundays weekday weekdays weekend weekends noon midnight mon tue wed thu fri sat sun"""
)
_MONTHS = word_set(
    """january february march april may june july august september october november december jan feb mar apr jun jul aug
    sep sept oct nov dec q1 q2 q3 q4"""
)
_MONTHS_AND_OF = _MONTHS | {"of"}
_LEFT = "([{<*_\"'“‘«¿¡|>~「『（【"
_RIGHT = ".,;:!?)]}>*_\"'”’»…|。，；：！？、」』）】"
_ENDINGS = r"[a-z]{1,4}\d?|json|jsonl|yaml|toml|html|lock|ipynb|swift|proto|scss|local"
"""Of file names."""
_SHAPES: tuple[tuple[str, str], ...] = (
        ("url", r"[a-zA-Z][a-zA-Z+.-]*://\S+|www\.\S+|(?:localhost|\d+\.\d+\.\d+\.\d+)(?::\d+)?(?:/\S*)?"),
        ("email", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*"),
        ("code", r"`[^`]+`?.*|[\w.]+\([^)\s]*\)"),
        ("date", r"\d{4}-\d\d(?:-\d\d)?(?:[T ]\S*)?"),
        ("date", r"\d{1,2}/\d{1,2}/\d{2,4}|\d{1,2}\.\d{1,2}\.\d{4}|\d{1,2}(?:st|nd|rd|th)"),
        ("time", r"\d{1,2}[:h.]\d\d(?::\d\d)?(?:[ap]m)?(?:[zZ]|UTC)?|\d{1,2}(?:[ap]\.?m\.?)"),
        ("money", r"[-+]?(?:US)?[$€£¥]\d[\d,._]*(?:k|m|bn?|K|M|B)?|\d[\d,.]*[$€£]"),
        ("percent", r"[-+~]?\d[\d.,]*%"),
        ("version", r"[vV]?\d+\.\d+\.\d+[\w.+-]*|[vV]\d+(?:\.\d+)*"),
        ("number", r"[-+~<>≤≥=]*\d[\d,_]*(?:\.\d+)?|0[xX][\da-fA-F]+"),
        ("measure", r"[-+~<>≤≥]?\d[\d,._]*-?(?:[a-zA-Zµ°]{1,3}|mins?|secs?|hours?|days?|x)(?:/[a-z]+)?"),
        ("path", r"(?:~|\.{1,2})?/[\w.@%+*{}-]+(?:/[\w.@%+*{}-]*)*|[A-Za-z]:\\\S+"),
        ("path", r"(?:[\w.@-]+/)+[\w.@*-]+\.\w{1,8}(?::\d+)*"),
        ("path", rf"[\w-]+(?:\.[\w-]+)*\.(?:{_ENDINGS})(?::\d+)*"),
        ("path", r"(?:[\w.@-]+/){2,}[\w.@-]*|[\w-]+/[\w.-]*[._\d][\w.-]*/?"),
        ("ident", r"[A-Za-z]+(?:_[A-Za-z0-9]+)+_?|_+\w+|[a-z]+[A-Z]\w*|(?:[A-Z][a-z0-9]+){2,}\w*"),
        ("ident", r"(?=\S*\d)(?=\S*[A-Za-z])[\w.:#/+-]+|#\w*\d\w*"),
        ("ident", r"--?[a-z][\w-]+(?:=\S+)?|[A-Za-z_][\w.-]*=\S+|@[\w/-]+"),
        ("ident", r"[a-z]\w*(?:\.[A-Za-z_]\w*)+|\$\w+|[A-Z]{2,}(?:[-_][A-Z\d]+)+"),
        ("acronym", r"[A-Z]{2,}s?"),
)  # fmt: skip
"""Tried in order, on tokens that are more than a lower-case or capitalised word."""

_SHAPE = re.compile("|".join(f"({shape})" for _, shape in _SHAPES)).fullmatch
"""All of them at once: the first that the whole token has."""

_TITLES = word_set("dr mr mrs ms prof st")
"""A full stop behind them does not part a name."""
_SILENT = STOP - word_set("first last next")
"""Say nothing of a subject; `first` and `last` tell two apart."""

_PLAIN = re.compile(r"[A-Za-zÀ-ÿ]?[a-zà-ÿ]+(?:[’'-][a-zà-ÿA-Z]+)*")
_SHOUTED = word_set("NEVER ALWAYS MUST NOT ONLY DO DON'T NO OK I A TODO IMPORTANT RULE NOTE AND OR ALL")


class Lexer(dict[str, Word]):
    """Looks tokens up; what it meets for the first time it works out and remembers."""

    def __missing__(self, token: str) -> Word:
        """Work out a token."""
        word = _word(token)
        if len(token) <= LONGEST_REMEMBERED:
            if len(self) >= MOST_REMEMBERED:
                self.clear()
            self[token] = word
        return word

    def words(self, text: str) -> tuple[Word, ...]:
        """Return the words of a text."""
        return tuple(map(self.__getitem__, (text if text.isascii() else part_scripts(text)).split()))


LEXER = Lexer()
"""For all conversations: the words of one come back in the next, and in the summary that is carried on."""


def _word(token: str) -> Word:
    if token.startswith(EARLIER):
        return _placed(EARLIER, "", "", 0, False, False, len(token) > len(EARLIER), False, None)
    core = token if token in ARROWS else token.lstrip(_LEFT).rstrip(_RIGHT) or token
    closes = (token.rstrip("*_") or token)[-1] in ".,;:!?)]}…。，；：！？、"
    low = core.lower().replace("’", "'")
    cues = _CUES.get(low, 0)
    if not core.isascii():
        cues |= cues_inside(core)
    if _PLAIN.fullmatch(core):
        base = low[:-2] if low.endswith("'s") else low
        cues = cues or _OWN_CUES.get(base, 0)
        capital = core[0].isupper()
        kind = _plain_kind(base, capital)
        root = "" if base in _SILENT else stem(base)
        notable = bool(kind) or (capital and base not in STOP and len(base) > 1)
        closes = closes and not (capital and low in _TITLES and token.endswith("."))
        return _placed(low, root, kind, cues, base not in COMMON, capital, closes, notable, _PHRASES.get(low))
    if core.upper() == core and (core in _SHOUTED or low in HEADERS):
        root = "" if low in STOP else stem(low)
        return _placed(low, root, "", cues, False, False, closes, False, _PHRASES.get(low))
    kind = _shape(token.strip("\"'“”.,;!?()") if token.startswith("`") else core)
    root = low if (kind or len(low) > 1) and core not in ARROWS else ""
    capital = core[:1].isupper()
    return _placed(low, root, kind, cues, bool(kind), capital, closes, bool(kind) or capital, None)


def _placed(
    low: str,
    root: str,
    kind: str,
    cues: int,
    is_rare: bool,
    is_capital: bool,
    closes: bool,
    is_notable: bool,
    follows: Mapping[str, int] | None,
) -> Word:
    """Complete a word with the place it may have in the name of a subject."""
    topic = _topic(root, kind, cues)
    may_name = bool(topic) or _may_name(low, root, kind)
    is_bent = low.endswith("ed") or low in TIMES or low in BEFORE_TIMES or bool(cues & _CONTRAST)
    is_noun = bool(topic) and not is_bent
    signs = cues | (NOTABLE if is_notable else 0) | (RARE if is_rare else 0)
    return Word(
        low, root, kind, cues, topic, is_rare, is_capital, closes, is_notable, follows, may_name, is_noun, signs
    )


def _topic(root: str, kind: str, cues: int) -> str:
    if kind:
        return root
    if (root in _GENERIC and not cues & _CONTRAST) or (cues & _NO_TOPIC and not cues & _STILL_TOPIC):
        return ""
    return root


def _may_name(low: str, root: str, kind: str) -> bool:
    return (root in _GENERIC and not kind) or low in CHANGE_NOUNS


def _plain_kind(base: str, capital: bool) -> str:
    if base in _DAYS and (capital or len(base) > 3):
        return "day"
    if base in _MONTHS and capital:
        return "month"
    return "count" if base in _COUNTS else ""


def _shape(core: str) -> str:
    match = _SHAPE(core)
    return _SHAPES[match.lastindex - 1][0] if match is not None and match.lastindex else ""


_OWN_CUES = {word: int(cues) for word, cues in WORDS.items()}
_CUES = {word: _OWN_CUES.get(word, 0) | OTHER_WORDS.get(word, 0) for word in {**_OWN_CUES, **OTHER_WORDS}}
_ENDINGS_CUT = ("ments", "ment", "ions", "ion", "ings", "ing", "edly", "ed", "ers", "er", "es", "s", "ly")


def stem(word: str) -> str:
    """Cut the commonest English endings, so that `limit`, `limits` and `limited` compare equal."""
    if word.endswith("'s"):
        word = word[:-2]
    for ending in _ENDINGS_CUT if word.endswith(_ENDINGS_CUT) else ():
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not (ending == "s" and word.endswith("ss")):
            word = word[: -len(ending)]
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


_PHRASES = {first: {second: int(flags) for second, flags in row.items()} for first, row in PHRASES.items()}
_YEAR = re.compile(r"(?:19|20)\d\d")
_BEFORE_YEARS = word_set("in since from until by of before after around year")
BEFORE_TIMES = word_set("this next last every each per")
TIMES = word_set(
    """season year month week quarter weekend day night morning evening afternoon semester term sprint time round summer
    winter spring autumn fall monday tuesday wednesday thursday friday saturday sunday"""
)
CHANGE_NOUNS = word_set("correction change update decision agreement approval final choice revision renewal transfer")
"""Nouns of change that are part of a name in front of another noun: `correction window`."""
_CONTRAST = int(Cue.CONTRAST)
_NO_TOPIC = int(Cue.UPDATE | Cue.RETRACT | Cue.DECIDE | Cue.HEDGE | Cue.CHAT | Cue.NARRATE | Cue.REQUEST | Cue.PERMIT)
_STILL_TOPIC = int(Cue.LIMIT | Cue.OWN | Cue.CONTRAST)
_SOUNDS = word_set("hm hmm ah oh uh um er ugh huh whoops oops yay well right")
"""Begin sentences, and say nothing."""
_GENERIC = _SOUNDS | frozenset(
    map(
        stem,
        word_set(
            """use set run put call write wrote settle say said have has get got tell told work go goes make keep know
            note sit stand book pick choose want need think see check follow meet give gave ask find look turn stay
            remain take come came figure value fyi btw course confirm plan hope like love far knowledge back hear
            heard moment previous prior old former existing current original initial answer
            mention immediate effect tonight tomorrow yesterday"""
        ),
    )
)
"""Stems of words that any statement may have: not what it is about."""


def is_generic(word: Word) -> bool:
    """Tell whether any statement may have the word."""
    return word.stem in _GENERIC and not word.kind


def find_values(words: Sequence[Word], names: frozenset[str] = frozenset()) -> list[Value]:
    """Return the exact values of a sentence, neighbours joined.

    Args:
        words: Of one sentence.
        names: Words known to be names, since they stand capitalised inside other sentences.
    """
    found: list[Value] = []
    i, count = 0, len(words)
    for start in [at for at, word in enumerate(words) if word.is_notable]:
        if start < i:
            continue  # part of the value before
        i, word = start, words[start]
        kind = word.kind
        following = words[i + 1] if i + 1 < count and not word.closes else None
        if kind == "count" and word.low == "one" and (following is None or not _joins(following, kind)):
            i += 1  # `one grows old`
            continue
        if kind in ("number", "count") and following is not None and _joins(following, kind):
            i += 1
            unit = "time" if following.low in ("am", "pm", "a.m", "p.m", "o'clock") else "measure"
            unit = "date" if following.kind == "month" else "money" if following.low in _CURRENCIES else unit
            found.append(Value(unit, f"{word.low} {following.low}", i - 1))
        elif kind == "month" or (kind == "date" and following is not None and following.low in _MONTHS_AND_OF):
            i, value = _date(words, i, following)
            found.extend(value)
        elif kind == "number" and i and _YEAR.fullmatch(word.low) and words[i - 1].low in _BEFORE_YEARS:
            found.append(Value("day", word.low, i))
        elif kind:
            found.append(Value(kind, word.low, i))
        elif word.is_capital and _is_name(words, i, names):
            while i + 1 < count and not words[i].closes and words[i + 1].is_capital and not words[i + 1].kind:
                i += 1
            found.append(Value("name", " ".join(each.low for each in words[start : i + 1]), start))
        i += 1
    return found


def _joins(following: Word, kind: str) -> bool:
    if following.kind == "month" or following.low in ("am", "pm", "a.m", "p.m", "o'clock"):
        return kind == "number"
    return following.low in _UNITS


def _date(words: Sequence[Word], i: int, following: Word | None) -> tuple[int, list[Value]]:
    """Join `May 3`, `May 3 2026`, `3rd of May`; a month alone is a weak date, and `may` mostly a verb."""
    word = words[i]
    if word.kind == "date":
        end = _month_behind(words, i + 1)
        return max(end, i), [Value("date", " ".join(each.low for each in words[i : max(end, i) + 1]), i)]
    if following is not None and following.kind in ("number", "date", "ident"):
        return i + 1, [Value("date", f"{word.low} {following.low}", i)]
    if word.low in ("may", "march") and i == 0:
        return i, []
    return i, [Value("day", word.low, i)]


def _month_behind(words: Sequence[Word], i: int) -> int:
    """Return where the month stands in `of May` or `May`, 0 where there is none."""
    at = i + (words[i].low == "of" and not words[i].closes)
    return at if at < len(words) and words[at].kind == "month" else 0


def _is_name(words: Sequence[Word], i: int, names: frozenset[str]) -> bool:
    """Tell a name from a word that is capital only because a sentence starts."""
    word = words[i]
    low = word.low.removesuffix("'s")
    if low in STOP or len(low) < 2:
        return False
    if low in names or (i and not words[i - 1].closes):
        return True
    if i and words[i - 1].low not in HEADERS:
        return word.is_rare and low not in _SOUNDS
    if not word.is_rare or word.cues & ~_NAME_CUES or low.endswith(("ly", "ing", "ed")):
        return False
    following = words[i + 1] if i + 1 < len(words) else None
    if following is None or word.closes or low != word.low:
        return low != word.low
    return (
        following.is_capital or bool(following.cues & _VERB_CUES) or following.low.endswith(("s", "ed", "'ll", "and"))
    )


_VERB_CUES = int(Cue.PIVOT | Cue.MUST | Cue.SHOULD | Cue.WISH | Cue.PERMIT)
_NAME_CUES = int(Cue.OWN | Cue.CONTRAST)
