"""Find archived texts: as typed, else by all words, else by the words that tell most.

The index knows three-letter pieces and the texts they occur in, not where: a query is the AND of its pieces,
and every candidate is looked at. Case is not minded.
"""

import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from cortex_cli.archive import blocks
from cortex_cli.archive.texts import decoded, searchable

PIECE_CHARS = 3
MAX_PIECES = 32
"""Pieces of one query that are asked for, spread over it; the rest is looked at in the candidates."""

MAX_VERIFIED = 4000
"""Candidates that are looked at; of more than these the rest counts as found."""

_EDGES = ".,;:!?\"'`()[]{}<>"


class Place(NamedTuple):
    """Where an archived text stood."""

    path: str
    line: int
    """1-based line of the record; 0: unknown."""
    message: int
    message_id: str
    role: str
    tool: str
    time: str
    run: int


class Hit(NamedTuple):
    """One archived text that was found."""

    ref: str
    """Recalls it whole."""
    text: str
    at: int
    """Where in the text the query was found."""
    place: Place


class Found(NamedTuple):
    """What a search found, best first."""

    hits: tuple[Hit, ...]
    omitted: int
    """How many more there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which texts are wanted."""

    since: datetime | None = None
    until: datetime | None = None
    """Up to and including."""
    tool: str = ""
    """Any case."""

    @property
    def is_open(self) -> bool:
        """Whether it lets everything pass."""
        return not (self.since or self.until or self.tool)

    def passes(self, place: Place) -> bool:
        """Tell whether a place is wanted; where a time is asked for, texts without one are not."""
        if self.tool and place.tool.lower() != self.tool.lower():
            return False
        if not (self.since or self.until):
            return True
        time = parse_time(place.time)
        return time is not None and (self.since or time) <= time <= (self.until or time)


def parse_time(text: str) -> datetime | None:
    """Read an ISO 8601 time; without a zone it is UTC. None where it is none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def fold(text: str) -> str:
    """Return a text without case, each character by itself: a piece of a text is a piece of it here, too."""
    return text.casefold()


class Searcher:
    """Searches one archive."""

    def __init__(self, connection: sqlite3.Connection, ref_of: Callable[[bytes], str]) -> None:
        self._connection = connection
        self._texts = blocks.Reader(connection, "text")
        self._ref_of = ref_of

    def find(self, query: str, wanted: Filter, limit: int) -> Found:
        """Search; the exact words first, the newest first among equals."""
        query = query.strip()
        if not query:
            return Found((), 0)
        phrases = list(dict.fromkeys([query, orjson.dumps(searchable(query)).decode()[1:-1]]))
        found = self._as_typed(phrases, query)
        words = _words(query)
        if len(words) > 1:
            found += self._all_words(words, without={one.id for one in found})
        if not found and words:
            found = self._some_words(words)
        return self._hits(found, wanted, limit)

    def _as_typed(self, phrases: list[str], query: str) -> list["_Match"]:
        """Find a text as it stands, or as it stands inside JSON."""
        found: dict[int, _Match] = {}
        for phrase in phrases:
            for number, text, folded in self._look(self._candidates([phrase])):
                at = folded.find(fold(phrase))
                if at >= 0:
                    score = 3.0 if query in text else 2.0
                    found.setdefault(number, _Match(number, score, at))
        return list(found.values())

    def _all_words(self, words: list[str], without: set[int]) -> list["_Match"]:
        found = []
        forms = list(map(fold, words))
        for number, _, folded in self._look(self._candidates(words)):
            if number not in without and all(form in folded for form in forms):
                found.append(_Match(number, 1.0, min(map(folded.find, forms))))
        return found

    def _some_words(self, words: list[str]) -> list["_Match"]:
        """Find texts that hold rare words of the query."""
        [total] = self._connection.execute("SELECT count(*) FROM text").fetchone()
        scores: dict[int, float] = {}
        for word in words:
            holders = self._candidates([word]) if len(word) >= PIECE_CHARS else []
            weight = math.log((total + 1) / (len(holders) + 1))
            for number in holders:
                scores[number] = scores.get(number, 0.0) + weight
        best = sorted(scores, key=lambda number: (-scores[number], -number))[:MAX_VERIFIED]
        found = []
        forms = list(map(fold, words))
        for number, _, folded in self._look(best):
            places = [at for form in forms if (at := folded.find(form)) >= 0]
            if places:
                found.append(_Match(number, scores[number] / (1 + scores[best[0]]), min(places)))
        return found

    def _candidates(self, phrases: Sequence[str]) -> list[int]:
        """Return the ids of the texts that hold all pieces of all phrases, newest first; of none, all there are.

        The phrases are as typed: the index brings both sides to one case, by an older Unicode than Python's.
        """
        pieces = list(dict.fromkeys(piece for phrase in phrases for piece in _pieces(searchable(phrase))))
        if not pieces:
            return [number for (number,) in self._connection.execute("SELECT id FROM text ORDER BY id DESC")]
        step = max(1, math.ceil(len(pieces) / MAX_PIECES))
        match = " AND ".join('"' + piece.replace('"', '""') + '"' for piece in pieces[::step])
        rows = self._connection.execute("SELECT rowid FROM search WHERE search MATCH ? ORDER BY rowid DESC", (match,))
        return [number for (number,) in rows]

    def _look(self, numbers: Sequence[int]) -> Iterator[tuple[int, str, str]]:
        """Yield (id, text, the same without case)."""
        for number, data in self._texts.read_all(numbers[:MAX_VERIFIED]):
            text = decoded(data)
            yield number, text, fold(text)

    def _hits(self, found: list["_Match"], wanted: Filter, limit: int) -> Found:
        places = self.places([one.id for one in found])
        chosen: list[tuple[_Match, Place]] = []
        for one in found:
            fitting = [place for place in places.get(one.id, ()) if wanted.passes(place)]
            if fitting:
                chosen.append((one, fitting[0]))
        chosen.sort(key=lambda pair: (pair[0].score, pair[1].time, pair[0].id), reverse=True)
        best = chosen[:limit]
        texts = dict(self._texts.read_all([one.id for one, _ in best]))
        names = dict(self._names([one.id for one, _ in best]))
        hits = (Hit(self._ref_of(names[one.id]), decoded(texts[one.id]), one.at, place) for one, place in best)
        return Found(tuple(hits), len(chosen) - len(best))

    def _names(self, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        yield from blocks.select_in(self._connection, "SELECT id, hash FROM text WHERE id", numbers)

    def places(self, numbers: Iterable[int]) -> dict[int, list[Place]]:
        """Return where texts stood, the newest run first."""
        select = (
            "SELECT place.text, run.input, place.line, place.message, place.message_id, place.role, place.tool,"
            " place.time, place.run FROM place JOIN run ON run.id = place.run WHERE place.text"
        )
        found: dict[int, list[Place]] = {}
        for number, *fields in blocks.select_in(self._connection, select, list(numbers)):
            found.setdefault(number, []).append(Place(*fields))
        for places in found.values():
            places.sort(key=lambda place: place.run, reverse=True)
        return found


class _Match(NamedTuple):
    id: int
    score: float
    at: int


def _pieces(phrase: str) -> Iterator[str]:
    for at in range(len(phrase) - PIECE_CHARS + 1):
        yield phrase[at : at + PIECE_CHARS]


def _words(query: str) -> list[str]:
    return list({fold(word): word for one in query.split() if (word := one.strip(_EDGES))}.values())
