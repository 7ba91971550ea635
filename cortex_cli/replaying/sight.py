"""Which facts of a session a request still shows: in the message that told it, or in what stands for that."""

import re
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from cortex_cli.memory.telling import forms_of
from cortex_cli.messages import Message
from cortex_cli.summarizers.earlier import SEPARATOR
from cortex_cli.summarizers.ledger import Fact

MOST_REMEMBERED = 20_000
"""Pieces of texts whose facts are kept in memory: a summary or a log has some thousands, and most come back in the next
one."""

_WORD = re.compile(r"\w+")
_SEAM = re.compile(f"[\n{SEPARATOR.strip()}]")
"""Between pieces: lines, and facts that share a line. Hardly a form goes across it."""


class Form(NamedTuple):
    """A text by which a fact is told."""

    fact: int
    """Its number, in the order in which facts were told."""
    text: str


class _Words(NamedTuple):
    """What every text that has a form has, too."""

    whole: Sequence[str]
    """Words with something before and behind them."""
    begun: str
    """One that goes on to the end of the form, and maybe beyond; empty: there is none with something before it."""


def _words_of(form: str) -> _Words:
    inner = [word for word in _WORD.finditer(form) if word.start()]
    begun = inner.pop()[0] if inner and inner[-1].end() == len(form) else ""
    return _Words([word[0] for word in inner], begun)


class Forms:
    """The forms of all facts, each under the rarest of the words that a text needs to have it.

    Args:
        forms: What may be looked for.
    """

    def __init__(self, forms: Iterable[Form]) -> None:
        forms = dict.fromkeys(forms)
        self._across = [form for form in forms if _SEAM.search(form.text)]
        """What no single piece can have."""
        needs = {form: _words_of(form.text) for form in forms if not _SEAM.search(form.text)}
        uses = Tally(word for whole, begun in needs.values() for word in (*whole, begun))
        self._by_word: dict[str, list[Form]] = {}
        """By a whole word; empty: they have none with something before it."""
        self._by_beginning: dict[str, list[Form]] = {}
        """By the beginning of one."""
        for form, (whole, begun) in needs.items():
            rarest = min(whole, key=uses.__getitem__, default="")
            if begun and (not rarest or uses[begun] < uses[rarest]):
                self._by_beginning.setdefault(begun, []).append(form)
            else:
                self._by_word.setdefault(rarest, []).append(form)
        self._lengths = sorted(set(map(len, self._by_beginning)))
        self._known: dict[str, frozenset[int]] = {}
        """The facts of pieces."""

    def facts_in(self, text: str) -> frozenset[int]:
        """Return the numbers of the facts that a text tells."""
        pieces = set(_SEAM.split(text))
        if len(self._known) > MOST_REMEMBERED:
            self._known.clear()
        for piece in pieces - self._known.keys():
            self._known[piece] = frozenset(form.fact for form in self._near(piece) if form.text in piece)
        across = (form.fact for form in self._across if form.text in text)
        return frozenset(across).union(*map(self._known.__getitem__, pieces))

    def _near(self, piece: str) -> Iterator[Form]:
        """Yield forms that a piece may have, all that it has among them."""
        words = set(_WORD.findall(piece))
        for word in ("", *(words & self._by_word.keys())):
            yield from self._by_word.get(word, ())
        for word in {word[:length] for word in words for length in self._lengths} & self._by_beginning.keys():
            yield from self._by_beginning[word]


class Sight:
    """The facts that were told so far, and those of them that are lost; a step costs what it changes.

    Args:
        facts: Of the session.
        positions: Of the recorded messages, by identity.
    """

    def __init__(self, facts: Sequence[Fact], positions: Mapping[int, int]) -> None:
        facts = sorted(facts, key=lambda fact: fact.message)
        self._told_by = [fact.message for fact in facts]
        self._facts = facts
        self._forms: Forms | None = None
        """Set out when something stands for others for the first time; many strategies only drop messages."""
        self._positions = positions
        self._facts_of: dict[int, list[int]] = {}
        for at, position in enumerate(self._told_by):
            self._facts_of.setdefault(position, []).append(at)
        self._gone = set(range(len(facts)))
        """Facts whose message the request does not hold as it was recorded."""
        self._blank = frozenset(at for at, fact in enumerate(facts) if "" in forms_of(fact))
        """Facts that say nothing: nobody can miss them."""
        self._made: dict[int, frozenset[int]] = {}
        """What messages tell that stand for others, by identity; those without text tell nothing."""
        self._lost = 0
        self.told = 0
        """Facts that were told so far."""

    @property
    def kept(self) -> int:
        """Facts that were told and are not lost."""
        return self.told - self._lost

    def take(self, gone: Iterable[Message], added: Iterable[Message], answer: int, *, is_cut: bool) -> None:
        """Go on to the next request.

        Args:
            gone: Messages that it holds no longer.
            added: Messages that it did not hold.
            answer: Position of the message that answers it: what stands before that was told.
            is_cut: It is not only longer: something may be lost. Until then nothing is.
        """
        for message in gone:
            self._leave(message)
        for message in added:
            self._come(message)
        while self.told < len(self._told_by) and self._told_by[self.told] < answer:
            self.told += 1
        if is_cut:
            self._look()

    def _leave(self, message: Message) -> None:
        position = self._positions.get(id(message))
        if position is not None:
            self._gone.update(self._facts_of.get(position, ()))
        else:
            self._made.pop(id(message), None)

    def _come(self, message: Message) -> None:
        position = self._positions.get(id(message))
        if position is not None:
            self._gone.difference_update(self._facts_of.get(position, ()))
        elif text := message.text:
            if self._forms is None:
                numbered = enumerate(self._facts)
                self._forms = Forms(Form(at, told) for at, fact in numbered for told in forms_of(fact))
            self._made[id(message)] = self._forms.facts_in(text)

    def _look(self) -> None:
        """Count the facts that are lost."""
        lost = {at for at in self._gone if at < self.told} - self._blank
        lost.difference_update(*self._made.values())
        self._lost = len(lost)
