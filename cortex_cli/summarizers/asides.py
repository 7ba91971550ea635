"""Words beside the claim of a statement: how sure somebody is, and where it is written down.

`The mortgage I can give you from the top of my head: $279,730.` is about the mortgage; `Alter it in your papers to
$974,479.` is, too.
"""

from collections.abc import Mapping, Sequence

from cortex_cli.summarizers.common_words import word_set
from cortex_cli.summarizers.words import Word

_PHRASES = """
    top of my head|top of your head|for your records|for the record|for the records|if memory serves|in truth|
    to my knowledge|best of my knowledge|as far as i remember|as far as i recall|for your information|in all honesty|
    in plain words|by the way|as you know|as a matter of fact|in case you wonder|between you and me
"""
_RECORDS = word_set(
    """papers paper notes note notebook records record book books file files folder diary calendar agenda list board
    whiteboard blackboard chart sheet spreadsheet page wiki ledger memo register journal log binder"""
)
_PREPOSITIONS = word_set("in on into onto from off at")
_OWNERS = word_set("my your our his her their")


def _by_start(text: str) -> Mapping[str, Mapping[str, Sequence[list[str]]]]:
    table: dict[str, dict[str, list[list[str]]]] = {}
    for phrase in "".join(line.strip() for line in text.splitlines()).split("|"):
        first, second, *rest = phrase.split()
        table.setdefault(first, {}).setdefault(second, []).append(rest)
    return table


_BY_START = _by_start(_PHRASES)
"""First word -> second word -> how a phrase of them goes on; by the first alone many a sentence would be compared."""
_SIGNS = frozenset(_BY_START) | _RECORDS
"""One of these is in every sentence with an aside."""


def find_asides(words: Sequence[Word]) -> tuple[set[int], set[str]]:
    """Find the words that say nothing of what a statement is about.

    Returns:
        Their positions, and the places of record that have no owner (`on the board`): two that differ may hold two
        values of one thing.
    """
    low = [word.low for word in words]
    beside: set[int] = set()
    places: set[str] = set()
    if _SIGNS.isdisjoint(low):
        return beside, places
    for at, one in enumerate(low):
        if one not in _SIGNS:
            continue
        if one in _BY_START and at + 1 < len(low):
            for rest in _BY_START[one].get(low[at + 1], ()):
                end = at + 2 + len(rest)
                if low[at + 2 : end] == rest:
                    beside.update(range(at, end))
        if one in _RECORDS and at > 1 and low[at - 2] in _PREPOSITIONS and _ends_name(words, at):
            if low[at - 1] in _OWNERS:
                beside.add(at)
            elif low[at - 1] == "the":
                beside.add(at)
                places.add(words[at].stem)
    return beside, places


def _ends_name(words: Sequence[Word], at: int) -> bool:
    """Tell whether no noun follows: in `on the board`, not in `on the board meeting`."""
    return at + 1 == len(words) or words[at].closes or not words[at + 1].topic
