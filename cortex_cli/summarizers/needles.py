"""What every match of a pattern holds, read off the pattern: where it is missing, the pattern need not be run.

Looking for a word takes a hundredth of what it takes to try a pattern everywhere that begins with something optional.
A match of a sequence holds a match of its end, so the end of a pattern from one of its words on can be tried first.
Patterns that are read wrongly would miss secrets: what cannot be read for certain has no needle.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from os.path import commonprefix
from typing import NamedTuple

_TOKEN = re.compile(
    r"(?P<many>(?:[*+?]|\{\d+(?:,\d*)?\}|\{,\d+\})[?+]?)"
    r"|(?P<plain>\\[^A-Za-z0-9\x80-\U0010ffff]|[\w\-/:=@ \"'#&<>!%~;,`])"
    r"|(?P<group>\((?:\?[:=!]|\?<[=!])?)|(?P<closing>\))|(?P<choice>\|)|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.",
    re.ASCII | re.DOTALL,
)
_UNREADABLE = re.compile(r"\\[1-9]|\(\?P=|\(\?\(|\(\?[a-zA-Z-]+[:)]")
"""References to groups, which the end of a pattern may have lost, and flags for a part of it."""

_SPACED = re.compile(r"[\s#]")
"""What does not stand for itself in a verbose pattern."""

_GROUP = re.compile(r"\((?:\?:|(?!\?))(.*)\)", re.DOTALL)

MIN_SHARED_CHARS = 2
"""Of a beginning that is looked for instead of the words that have it. Measured: a single letter stands everywhere."""

_ALIKE = {0x130: "i", 0x131: "i", 0x17F: "s", 0x212A: "k"}
"""Letters outside ASCII that match one in it where case is ignored. Source: Python's `re`, `IGNORECASE`."""


class Letters(NamedTuple):
    """A text as words of ASCII are looked for in it: every character has its place, others than ASCII are `?`."""

    text: str
    plain: str
    small: str
    """In small letters, as patterns see it that ignore case."""
    places: dict[tuple[str, bool], list[int]]
    """Of words that were looked for, and whether case was ignored: many patterns look for the same."""

    def places_of(self, word: str, *, is_small: bool) -> list[int]:
        """Return where a word stands."""
        places = self.places.get((word, is_small))
        if places is None:
            where = self.small if is_small else self.plain
            places = self.places[word, is_small] = []
            at = where.find(word)
            while at >= 0:
                places.append(at)
                at = where.find(word, at + 1)
        return places


def letters_of(text: str) -> Letters:
    """Return a text to look for words in."""
    if text.isascii():
        return Letters(text, text, text.lower(), {})
    plain = text.encode("ascii", "replace").decode("ascii")
    alike = text.translate(_ALIKE) if any(chr(code) in text for code in _ALIKE) else text
    return Letters(text, plain, alike.encode("ascii", "replace").decode("ascii").lower(), {})


class Needle(NamedTuple):
    """What a text must hold to have a match."""

    heads: tuple[str, ...]
    """Words of which one stands in every match."""
    tail: re.Pattern[str]
    """The pattern from the word on."""
    is_small: bool
    """Whether case is ignored: then the words are small letters."""

    def is_in(self, letters: Letters) -> bool:
        """Tell whether there may be a match."""
        text, match = letters.text, self.tail.match
        if len(self.heads) == len(self.heads[0]) == 1 and not self.is_small:
            return self.tail.search(text) is not None  # a single character `re` finds as fast as memory is read
        for head in self.heads:
            for at in letters.places_of(head, is_small=self.is_small):
                if match(text, at):
                    return True
        return False


def needle_of(pattern: re.Pattern[str]) -> Needle | None:
    """Read a pattern; None where no word is known to be in every match."""
    source = pattern.pattern
    if _UNREADABLE.search(source) or (pattern.flags & re.VERBOSE and _SPACED.search(source)):
        return None
    branches = _branches(source)
    found = list(_heads(branches[0])) if len(branches) == 1 else []
    at, heads = max(found, key=_length, default=(0, ("",)))
    if "" in heads:
        return None
    is_small = bool(pattern.flags & re.IGNORECASE)
    words = set(map(str.lower, heads) if is_small else heads)
    shared = commonprefix(list(words))  # noqa: RUF071 - of words, not of paths
    if len(shared) >= MIN_SHARED_CHARS:
        words = {shared}
    longer = {word for word in words for other in words if word != other and word.startswith(other)}
    return Needle(tuple(sorted(words - longer)), re.compile(source[at:], pattern.flags), is_small)


def _length(found: tuple[int, tuple[str, ...]]) -> tuple[int, int]:
    """Return the length of the shortest word, and the place: of equal ones the last has the shortest end behind it."""
    at, heads = found
    return min(map(len, heads)), at


class _Piece(NamedTuple):
    """One of the pieces that a pattern is a sequence of."""

    at: int
    source: str
    is_plain: bool
    """It is one character that stands for itself."""
    is_once: bool = True
    """No quantifier follows."""


def _heads(pieces: Sequence[_Piece]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield words of which one begins what a sequence has at a place, with the place."""
    run, start = "", 0
    for piece in (*pieces, _END):
        if piece.is_plain and piece.is_once:
            start = start if run else piece.at
            run += piece.source[-1]
            continue
        if run:
            yield start, (run,)
            run = ""
        group = _GROUP.fullmatch(piece.source) if piece.is_once else None
        if group:
            yield piece.at, tuple(map(_beginning, _branches(group[1])))


_END = _Piece(0, "", is_plain=False)


def _beginning(pieces: Sequence[_Piece]) -> str:
    """Return the plain characters that a sequence begins with."""
    return "".join(piece.source[-1] for piece in takewhile(lambda one: one.is_plain and one.is_once, pieces))


def _branches(source: str) -> list[list[_Piece]]:
    """Cut a pattern into the sequences that it is a choice between, mostly one, and those into pieces."""
    branches: list[list[_Piece]] = [[]]
    depth = start = 0
    for token in _TOKEN.finditer(source):
        kind = token.lastgroup
        if not depth:
            start = token.start()
        depth += (kind == "group") - (kind == "closing")
        if depth:
            continue
        if kind == "choice":
            branches.append([])
        elif kind == "many":
            branches[-1][-1] = branches[-1][-1]._replace(is_once=False)
        else:
            branches[-1].append(_Piece(start, source[start : token.end()], is_plain=kind == "plain"))
    return branches
