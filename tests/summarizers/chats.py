"""Plain chats with rules, values, updates and look-alikes scattered in them, in several wordings.

Written for these tests. Families in `TUNED` and `DEV` were looked at while weights were set, those in `HELD_OUT` were
only counted, those in `FRESH`, later those in `LATEST`, and then those in `CODE`, written last of all. Nothing depends
on header words: they can be switched on and off.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from cortex_cli.messages import Message, Part
from cortex_cli.typed import finish
from tests.summarizers.families import Family
from tests.summarizers.families_code import BACKEND, ROBOTICS
from tests.summarizers.families_dev import ESTATE, GUILD, KITCHEN, PORT
from tests.summarizers.families_fresh import OBSERVATORY, UNION
from tests.summarizers.families_held_out import CLINIC, FILM, LAB, ORCHESTRA
from tests.summarizers.families_latest import FERRY, TUTOR
from tests.summarizers.families_life import HOME, STUDIO
from tests.summarizers.families_work import NEWSROOM, OPS, TERSE


@dataclass(slots=True)
class Chat:
    """A generated chat and what was planted in it."""

    messages: list[Message] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    """Whole sentences."""
    values: list[tuple[str, str]] = field(default_factory=list)
    """(subject, value) that nobody changes."""
    updates: list[tuple[str, str, str]] = field(default_factory=list)
    """(subject, old value, latest value)."""
    lookalikes: list[tuple[str, str]] = field(default_factory=list)
    """(subject, value), live, beside another that looks alike."""


def _value(r: Random, kind: str) -> str:
    makers: dict[str, Callable[[], str]] = {
        "port": lambda: str(r.randint(1025, 64999)),
        "count": lambda: str(r.randint(11, 989)),
        "seconds": lambda: f"{r.randint(11, 989)} seconds",
        "days": lambda: f"{r.randint(11, 89)} days",
        "money": lambda: f"${r.randint(11, 989)},{r.randint(100, 999)}",
        "date": lambda: f"{r.choice(MONTHS)} {r.randint(1, 28)}",
        "time": lambda: f"{r.randint(6, 21)}:{r.randint(10, 59)}",
        "name": lambda: f"{r.choice(FIRST)} {r.choice(LAST)}",
        "id": lambda: f"{r.choice(STEMS)}-{r.randint(1000, 9999)}",
        "path": lambda: f"/{r.choice(STEMS)}/{r.choice(STEMS)}-{r.randint(10, 99)}",
        "version": lambda: f"{r.randint(1, 9)}.{r.randint(0, 30)}.{r.randint(0, 30)}",
    }
    return makers[kind]()


MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
FIRST = [
    "Dana",
    "Omar",
    "Priya",
    "Luca",
    "Mei",
    "Sven",
    "Ines",
    "Tariq",
    "Hanna",
    "Joao",
    "Freya",
    "Niko",
    "Aylin",
    "Bruno",
    "Chiara",
    "Pavel",
    "Soren",
    "Yuki",
]
LAST = [
    "Okafor",
    "Lindqvist",
    "Moretti",
    "Tanaka",
    "Haddad",
    "Kowalski",
    "Brandt",
    "Silva",
    "Novak",
    "Ferreira",
    "Petrov",
    "Dubois",
    "Yilmaz",
    "Berg",
]
STEMS = [
    "harbor",
    "quartz",
    "ember",
    "falcon",
    "juniper",
    "cobalt",
    "marlin",
    "tundra",
    "saffron",
    "onyx",
    "delta",
    "basil",
    "copper",
    "heron",
    "lotus",
]


TUNED: dict[str, Family] = {"ops": OPS, "home": HOME, "terse": TERSE, "studio": STUDIO, "newsroom": NEWSROOM}
DEV: dict[str, Family] = {"port": PORT, "guild": GUILD, "kitchen": KITCHEN, "estate": ESTATE}
HELD_OUT: dict[str, Family] = {"clinic": CLINIC, "film": FILM, "lab": LAB, "orchestra": ORCHESTRA}
FRESH: dict[str, Family] = {"observatory": OBSERVATORY, "union": UNION}
LATEST: dict[str, Family] = {"ferry": FERRY, "tutor": TUTOR}
CODE: dict[str, Family] = {"backend": BACKEND, "robotics": ROBOTICS}
HEADERS = {"rule": ("RULE: ", "IMPORTANT: "), "value": ("VALUE: ", "NOTE: "), "update": ("UPDATE: ", "CORRECTION: ")}


def make_chat(
    family: Family,
    seed: int,
    *,
    headers: bool = False,
    rules: int = 18,
    values: int = 16,
    updates: int = 6,
    talk: int = 9,
) -> Chat:
    """Build a chat.

    Args:
        family: Its wording.
        seed: Of the draw.
        headers: Whether facts are announced by words like `RULE:`.
        rules: Rules planted.
        values: Values planted that stay.
        updates: Values planted that change once.
        talk: Sentences of talk around each fact, on average; sets how dense facts are.
    """
    r = Random(f"{seed} {family.rules[0]}")
    chat = Chat()
    subjects = r.sample(list(family.values), min(values + updates, len(family.values)))
    early: list[tuple[str, str]] = []
    late: list[tuple[str, str]] = []
    for _ in range(rules):
        text = _filled(r, family)
        if text not in chat.rules:
            chat.rules.append(text)
            early.append(("rule", text))
    for at, (subject, kind) in enumerate(subjects):
        value = _value(r, kind)
        early.append(("value", _upper(r.choice(family.states).format(s=subject, v=value))))
        if at < updates:
            newer = _value(r, kind)
            chat.updates.append((subject, value, newer))
            late.append(("update", _upper(r.choice(family.updates).format(s=subject, v=newer))))
        else:
            chat.values.append((subject, value))
    for one, other, kind in family.lookalikes:
        for subject in (one, other):
            value = _value(r, kind)
            chat.lookalikes.append((subject, value))
            early.append(("value", _upper(r.choice(family.states).format(s=subject, v=value))))
    r.shuffle(early)
    r.shuffle(late)
    middle = len(early) // 2
    planted = _woven(r, early[:middle], early[middle:], late)
    _talk(r, family, chat, planted, headers, talk)
    return chat


def _woven(
    r: Random, first: list[tuple[str, str]], second: list[tuple[str, str]], late: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Put updates into the second half, each after everything that might be its first value."""
    values_first = [one for one in second if one[0] == "value"]
    rest = [one for one in second if one[0] != "value"] + late
    r.shuffle(rest)
    return [*first, *values_first, *rest]


def _talk(r: Random, family: Family, chat: Chat, planted: list[tuple[str, str]], headers: bool, talk: int) -> None:
    for sort, text in planted:
        head = r.choice(HEADERS[sort]) if headers else ""
        if headers:
            chat.rules = [head + rule if rule == text else rule for rule in chat.rules]
        around = [_varied(r, family.user_talk) for _ in range(r.randint(0, talk // 3))]
        around.insert(r.randint(0, len(around)), head + text)
        _add(chat, "user", _joined(around))
        _add(chat, "assistant", _several(r, family.assistant_talk, max(2, talk // 3)))
        for _ in range(r.randint(0, max(1, talk // 5))):
            _add(chat, "user", _several(r, family.user_talk, 3))
            _add(chat, "assistant", _several(r, family.assistant_talk, 4))


def _several(r: Random, talk: Sequence[str], most: int) -> str:
    return _joined([_varied(r, talk) for _ in range(r.randint(1, most))])


def _joined(pieces: Sequence[str]) -> str:
    """Put sentences behind each other; who writes no full stops writes lines."""
    return "".join(f"{piece} " if piece[-1] in ".!?" else f"{piece}\n" for piece in pieces).strip()


OPENINGS = (
    "Well, ", "Anyway, ", "To be honest, ", "Right, ", "I mean, ", "As I said before, ", "For what it's worth, ",
    "If you ask me, ", "Looking back, ", "On reflection, ", "Speaking of which, ", "Funnily enough, ",
)  # fmt: skip
TAILS = (
    "at least from what I have seen so far", "if that makes any sense", "which I suppose is how these things go",
    "or so it seems to me right now", "although people may see it differently", "and that is about all there is to it",
    "the way it usually turns out", "as far as anybody can tell", "give or take", "and I think most people would agree",
    "when you look at it from a distance", "for better or worse", "and it rarely ends up mattering much",
    "but let's see how the next weeks go", "as we have talked about several times",
)  # fmt: skip


def _varied(r: Random, talk: Sequence[str]) -> str:
    """Say a sentence of talk a little differently each time, so that repetition gives nothing away."""
    text = r.choice(list(talk))
    if r.random() < 0.5:
        opening = r.choice(OPENINGS)
        first = text[0] if text.startswith(("I ", "I'")) else text[0].lower()
        text = f"{opening}{first}{text[1:]}"
    if r.random() < 0.6:
        end = text[-1] if text[-1] in ".!?" else ""
        text = f"{text.removesuffix(end) if end else text}, {r.choice(TAILS)}{end}"
    return text


def _add(chat: Chat, role: str, text: str) -> None:
    chat.messages.append(
        Message("user" if role == "user" else "assistant", (Part("text", text),), typed=role == "user")
    )


def _filled(r: Random, family: Family) -> str:
    text = r.choice(list(family.rules))
    return _upper(text.format(**{name: r.choice(list(words)) for name, words in family.slots.items()}))


def _upper(text: str) -> str:
    return text if text[:1].islower() and not text.endswith(".") else text[:1].upper() + text[1:]


def numbered(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Number messages as `load` does."""
    return finish(messages)
