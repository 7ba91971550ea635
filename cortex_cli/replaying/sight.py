"""Which facts of a session a request still shows: in the message that told it, or in what stands for that."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cortex_cli.memory.telling import forms_of
from cortex_cli.messages import Message
from cortex_cli.summarizers.ledger import Fact


class Form(NamedTuple):
    """A text by which a fact is told."""

    fact: int
    """Its number, in the order in which facts were told."""
    text: str
    words: frozenset[str]
    """Those that stand between others: a text that has the form has these words."""
    last: str
    """Behind others: a text that has the form has a word that begins so. Empty: there is one word only."""


def form_of(fact: int, text: str) -> Form:
    """Say what has to be looked for."""
    _, *words = text.split() or [""]
    last = words.pop() if words else ""
    return Form(fact, text, frozenset(words), last)


class Forms:
    """The forms of all facts, those that a text may have found by its words.

    Args:
        forms: In the order of their facts.
    """

    def __init__(self, forms: Iterable[Form]) -> None:
        self._by_word: dict[str, list[Form]] = {}
        """By the longest of their words; empty: they have none between others."""
        for form in forms:
            self._by_word.setdefault(max(form.words, key=len, default=""), []).append(form)

    def near(self, words: frozenset[str]) -> Iterable[Form]:
        """Return forms that a text of these words may have, all that it has among them."""
        for word in ("", *(words & self._by_word.keys())):
            yield from self._by_word.get(word, ())


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
        self._made: dict[int, Made] = {}
        """Messages that stand for others, by identity; those without text tell nothing."""
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
                self._forms = Forms(form_of(at, told) for at, fact in numbered for told in forms_of(fact))
            self._made[id(message)] = Made(text, self._forms)

    def _look(self) -> None:
        """Count the facts that are lost."""
        lost = {at for at in self._gone if at < self.told} - self._blank
        for made in self._made.values():
            lost -= made.facts
        self._lost = len(lost)


class Made:
    """The text of a message that stands for others, and the facts that it tells.

    Args:
        text: Of the message.
        forms: Of all facts: most that it does not tell lack a word already, and need no search.
    """

    __slots__ = ("_ordered", "_words", "facts")

    def __init__(self, text: str, forms: Forms) -> None:
        self._words = frozenset(text.split())
        self._ordered = sorted(self._words)
        self.facts: set[int] = set()
        """Their numbers."""
        for form in forms.near(self._words):
            if form.fact not in self.facts and self._may_hold(form) and form.text in text:
                self.facts.add(form.fact)

    def _may_hold(self, form: Form) -> bool:
        if not form.words <= self._words:
            return False
        place = bisect_left(self._ordered, form.last) if form.last else 0
        return not form.last or (place < len(self._ordered) and self._ordered[place].startswith(form.last))
