"""Chooses what a summary says under a token budget, and writes it by sections.

Greedy by worth over size, so that short statements of rules and values come before long talk. Sizes are
estimated for everything, counted for what comes near to being chosen, and counted once more for the whole.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from cortex_cli.summarizers.earlier import SEPARATOR
from cortex_cli.summarizers.sections import SECTIONS, TITLES, Section
from cortex_cli.tokens import Counter

LENGTH_POWER = 0.75
"""Worth is divided by size to this power: of two that say as much the shorter comes first, but not at any price."""

LINE_TOKENS = 2
"""The sign in front of a line and the line's end."""

TITLE_TOKENS = 7
"""A section's heading."""

CHARS_A_TOKEN = 3.6
"""For the first estimate."""

COUNTED_SHARE = 1.5
"""Items that together take so much of the budget are counted exactly."""

MIN_WORTH = 0.35
"""Items below say too little to be kept at any budget."""

SLACK = 0.98
"""A summary that fills so much of its budget is full."""

MAX_ROUNDS = 6

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
    """Facts with the same group share a line, with the group in front."""


class Packed(NamedTuple):
    """What was chosen, written out."""

    text: str
    tokens: int
    items: tuple[Item, ...]


def pack(items: Iterable[Item], max_tokens: int, counter: Counter) -> Packed:
    """Choose and write.

    Args:
        items: Everything that could be said.
        max_tokens: What the text may take.
        counter: Counts.
    """
    ranked = _ranked([item for item in items if item.worth >= MIN_WORTH], max_tokens, counter)
    room = max_tokens
    best = Packed("", 0, ())
    for _ in range(MAX_ROUNDS):
        chosen = _choose(ranked, room)
        text = write(chosen)
        tokens = counter.count_text(text) if text else 0
        if tokens <= max_tokens and tokens >= best.tokens:
            best = Packed(text, tokens, tuple(chosen))
        if tokens > max_tokens:
            room -= max(tokens - max_tokens, 1) + 1
        elif len(chosen) == len(ranked) or tokens >= SLACK * max_tokens:
            break
        else:
            room += max(max_tokens - tokens - 2, 1)
        if room <= 0:
            break
    return best


def _ranked(items: Sequence[Item], max_tokens: int, counter: Counter) -> list[tuple[Item, int]]:
    """Order by worth over size; count exactly what may be chosen."""
    rough = [(item, int(len(item.text) / CHARS_A_TOKEN) + LINE_TOKENS) for item in items]
    rough.sort(key=_density, reverse=True)
    total = 0
    counted: list[tuple[Item, int]] = []
    for item, size in rough:
        exact = size
        if total < COUNTED_SHARE * max_tokens:
            exact = counter.count_text(item.text) + LINE_TOKENS
        total += exact
        counted.append((item, exact))
    counted.sort(key=_density, reverse=True)
    return counted


def _density(sized: tuple[Item, int]) -> tuple[float, int]:
    item, size = sized
    return item.worth / max(size, 1) ** LENGTH_POWER, item.order


def _choose(ranked: Sequence[tuple[Item, int]], room: int) -> list[Item]:
    titled: set[Section] = set()
    chosen: list[Item] = []
    smallest = min((size for _, size in ranked), default=0)
    for item, size in ranked:
        needed = size + (0 if item.section in titled else TITLE_TOKENS)
        if needed <= room:
            room -= needed
            titled.add(item.section)
            chosen.append(item)
        elif room < smallest:
            break
    return chosen


def write(items: Iterable[Item]) -> str:
    """Write items under their sections' titles, those of one message on one line."""
    by_section: dict[Section, list[Item]] = {}
    for item in items:
        by_section.setdefault(item.section, []).append(item)
    blocks = [
        f"## {TITLES[section]}\n" + "\n".join(_written(section, by_section[section]))
        for section in SECTIONS
        if section in by_section
    ]
    return "\n".join(blocks)


def _written(section: Section, items: list[Item]) -> list[str]:
    lines: dict[tuple[str, int, str], list[Item]] = {}
    for item in sorted(items, key=lambda each: each.order):
        key = (item.lead, 0, item.group) if item.group else (item.lead, item.line, "")
        lines.setdefault(key, []).append(item)
    written = [_line(key[0], group) for key, group in lines.items()]
    return written[::-1] if section in NEWEST_FIRST else written


def _line(lead: str, items: Sequence[Item]) -> str:
    if items[0].group:
        return f"{lead}{items[0].group}{SEPARATOR.join(item.text for item in items)}"
    text = items[0].text
    for before, item in pairwise(items):
        text += f" {item.text}" if item.order == before.order + 1 else f"{GAP}{item.text}"
    return lead + text


GAP = " … "
"""Between sentences of one message that did not follow each other."""
