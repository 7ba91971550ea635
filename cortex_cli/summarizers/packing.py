"""Chooses what a summary says under a token budget, and writes it by sections.

Greedy by worth over size, so that short statements of rules and values come before long talk. Sizes are
estimated for everything, counted for what comes near to being chosen, and counted once more for the whole.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from math import exp
from operator import attrgetter
from typing import Literal, NamedTuple

from cortex_cli.summarizers.earlier import GAP, LINK, QUOTE, SEPARATOR, is_marked
from cortex_cli.summarizers.sections import SECTIONS, TITLES, Section
from cortex_cli.tokens import Counter

LENGTH_POWER = 0.75
"""Worth is divided by size to this power: of two that say as much the shorter comes first, but not at any price."""

LINE_TOKENS = 2
"""The sign in front of a line and the line's end."""

TIGHT_TOKENS = 800
"""A smaller summary is written tightly: quotes in a row have one sign for all, and few headings stand between.

Source: SPEC section 4, "Size": what a summary takes at least unless it has to fit."""

TIGHT_LINE_TOKENS = 1

SURE_WORTH, STEEPNESS = 1.8, 1.5
"""Worth at which a statement is as likely talk as something to keep, and how fast that changes: a logistic curve."""

TITLE_TOKENS = 6
"""A section's heading."""

CHARS_A_TOKEN = 3.6
"""For the first estimate."""

COUNTED_SHARE = 1.5
"""Items that together take so much of the budget are counted exactly."""

MIN_WORTH = 0.35
"""Items below say too little to be kept at any budget."""

MIN_OWN_WORTH = 0.0
"""The same for what the user said: short of small talk, it stands where there is room."""

SLACK, TIGHT_SLACK = 0.98, 0.995
"""A summary that fills so much of its budget is full."""

MAX_ROUNDS = 8

ItemKind = Literal["own", "note", "fact", "spare"]

SHARES: dict[ItemKind, float] = {"own": 1.0, "note": 0.45, "fact": 0.4, "spare": 0.0}
"""Most that a kind takes of a full summary; more only of what nothing else fills. Facts: SPEC 4, "Size"."""

OPEN_SHARE = 0.25
"""Most that open requests take before everything else is looked at: what holds must not go for what is to be done."""

NEWEST_FIRST: frozenset[Section] = frozenset(("asked",))
"""Sections in which the newest comes first. Source: issue 3, point 2."""


class Item(NamedTuple):
    """One thing that a summary may say."""

    section: Section
    lead: str
    """Sign in front of its line: quoted, note, fact."""
    text: str
    worth: float
    order: int
    """Items of a section stand in this order."""
    line: int = 0
    """Items with the same number, section and lead share a line: sentences of one message."""
    group: str = ""
    """In front of a fact's line."""
    shares_line: bool = False
    """Facts with the same group share its line."""
    kind: ItemKind = "note"
    """Facts and notes may each take only their share of a full summary; what the user said may take all. What is spare
    has what all others leave."""
    is_open: bool = False
    """Asked for, and nobody has had the time to do it: comes before all else, newest first, within its share."""


class Packed(NamedTuple):
    """What was chosen, written out."""

    text: str
    tokens: int
    items: tuple[Item, ...]


def write(items: Iterable[Item]) -> str:
    """Write items under their sections' titles, those of one message on one line."""
    return "\n".join(_blocks(items, _written))


def write_tightly(items: Iterable[Item]) -> str:
    """Write items under their sections' titles, each on a line, a quote behind a quote without a sign of its own.

    As in Markdown, it goes on without one. Source: https://spec.commonmark.org/0.31.2/#laziness
    """
    return "\n".join(_blocks(items, _written_tightly))


def pack(
    items: Iterable[Item],
    max_tokens: int,
    counter: Counter,
    *,
    writer: Callable[[Iterable[Item]], str] = write,
    line_tokens: int = LINE_TOKENS,
    is_tight: bool = False,
) -> Packed:
    """Choose and write.

    Args:
        items: Everything that could be said.
        max_tokens: What the text may take.
        counter: Counts.
        writer: Writes what was chosen.
        line_tokens: What an item takes besides its text.
        is_tight: Whether most does not fit: then as many facts as can be, whatever each is worth.
    """
    worth = [item for item in items if item.worth >= (MIN_OWN_WORTH if item.kind == "own" else MIN_WORTH)]
    ranked = _ranked(worth, max_tokens, counter, line_tokens, _tight_density if is_tight else _density)
    full = (TIGHT_SLACK if is_tight else SLACK) * max_tokens
    room = max_tokens
    best = Packed("", 0, ())
    for _ in range(MAX_ROUNDS):
        chosen, reckoned = _choose(ranked, room)
        text = writer(chosen)
        tokens = counter.count_text(text) if text else 0
        if tokens <= max_tokens and tokens >= best.tokens:
            best = Packed(text, tokens, tuple(chosen))
        if tokens > max_tokens:
            room = min(room - (tokens - max_tokens), reckoned) - 1  # below what was reckoned, or the same comes again
        elif len(chosen) == len(ranked) or tokens >= full:
            break
        else:
            room += max(max_tokens - tokens - 2, 1)
        if room <= 0:
            break
    return best


_Density = Callable[[tuple[Item, int]], tuple[float, int]]


def _ranked(
    items: Sequence[Item], max_tokens: int, counter: Counter, line_tokens: int, density: _Density
) -> list[tuple[Item, int]]:
    """Order by worth over size; count exactly what may be chosen."""
    rough = [(item, int(len(item.text) / CHARS_A_TOKEN) + line_tokens) for item in items]
    rough.sort(key=density, reverse=True)
    total = 0
    counted: list[tuple[Item, int]] = []
    for item, size in rough:
        exact = size
        if total < COUNTED_SHARE * max_tokens:
            exact = counter.count_text(item.text) + line_tokens
        total += exact
        counted.append((item, exact))
    counted.sort(key=density, reverse=True)
    return counted


def _density(sized: tuple[Item, int]) -> tuple[float, int]:
    item, size = sized
    return item.worth / max(size, 1) ** LENGTH_POWER, item.order


def _tight_density(sized: tuple[Item, int]) -> tuple[float, int]:
    """Return how many facts a token buys: worth is taken for the chance that it is one."""
    item, size = sized
    return 1.0 / (1.0 + exp((SURE_WORTH - item.worth) * STEEPNESS)) / max(size, 1), item.order


def _choose(ranked: Sequence[tuple[Item, int]], room: int) -> tuple[list[Item], int]:
    """Take the best that fit; what is beyond its kind's share waits until everything else had its turn.

    Returns:
        The items, and how much of the room they were reckoned to take.
    """
    taken = _Taken(room)
    left = OPEN_SHARE * room
    for item, size in sorted((sized for sized in ranked if sized[0].is_open), key=lambda sized: -sized[0].order):
        if size <= left and taken.take(item, size):
            left -= size
    first = set(map(id, taken.items))
    waiting = [sized for sized in ranked if id(sized[0]) not in first and not taken.take(*sized)]
    taken.share_all()
    for item, size in sorted(waiting, key=_is_spare):
        taken.take(item, size)
    return taken.items, room - taken.room


def _is_spare(sized: tuple[Item, int]) -> bool:
    return sized[0].kind == "spare"


class _Taken:
    """What is chosen so far."""

    def __init__(self, room: int) -> None:
        self.items: list[Item] = []
        self.room = room
        self._left = {kind: int(share * room) for kind, share in SHARES.items()}
        self._titled: set[Section] = set()

    def share_all(self) -> None:
        """Let every kind take what is left."""
        self._left = dict.fromkeys(self._left, self.room)

    def take(self, item: Item, size: int) -> bool:
        """Take an item if it fits."""
        left = self._left[item.kind]
        if size > self.room or size > left:
            return False  # most of a full summary's: whatever the heading takes
        needed = size if item.section in self._titled else size + TITLE_TOKENS
        if needed > self.room or needed > left:
            return False
        self.room -= needed
        self._left[item.kind] = left - needed
        self._titled.add(item.section)
        self.items.append(item)
        return True


def _blocks(items: Iterable[Item], lines: Callable[[Section, list[Item]], Iterable[str]]) -> Iterator[str]:
    by_section: dict[Section, list[Item]] = {}
    for item in items:
        by_section.setdefault(item.section, []).append(item)
    for section in SECTIONS:
        if section in by_section:
            yield "\n".join((f"## {TITLES[section]}", *lines(section, by_section[section])))


def _written(section: Section, items: list[Item], *, is_tight: bool = False) -> list[str]:
    lines: dict[tuple[str, int, str], list[Item]] = {}
    for at, item in enumerate(sorted(items, key=attrgetter("order"))):
        line = item.line if not item.group else 0 if item.shares_line else -at - 1
        if is_tight and item.lead == QUOTE:
            line = at
        lines.setdefault((item.lead, line, item.group), []).append(item)
    written = [
        f"{lead}{group}{same[0].text}" if len(same) == 1 else _line(lead, same)
        for (lead, _, group), same in lines.items()
    ]
    return written[::-1] if section in NEWEST_FIRST else written


def _written_tightly(section: Section, items: list[Item]) -> Iterator[str]:
    """Leave the sign of a quote out where the line before is a quote too and nothing else can be read into it."""
    quoted = False
    for line in _written(section, items, is_tight=True):
        text = line.removeprefix(QUOTE)
        is_quote = text != line
        yield text if quoted and is_quote and not is_marked(text) else line
        quoted = is_quote


def _line(lead: str, items: Sequence[Item]) -> str:
    if items[0].group:
        return f"{lead}{items[0].group}{SEPARATOR.join([item.text for item in items])}"
    return lead + joined(items)


def joined(items: Sequence[Item], sign: str = LINK) -> str:
    """Join statements of one message; another sign stands where something between them was left out.

    Args:
        items: In order.
        sign: Between statements of which the first ends in no punctuation.
    """
    text = items[0].text
    for before, item in pairwise(items):
        link = " " if before.text[-1:] in _STOPS else sign
        if item.order != before.order + 1 or item.text.startswith("["):
            link = GAP
        text += link + item.text
    return text


_STOPS = frozenset(".!?:;,。！？…)")
