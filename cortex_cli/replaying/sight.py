"""Which facts of a session a request still shows: in the message that told it, or in what stands for that."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cortex_cli.memory.telling import forms_of
from cortex_cli.messages import Message
from cortex_cli.summarizers.ledger import Fact


class Form(NamedTuple):
    """A text by which a fact is told."""

    text: str
    words: frozenset[str]
    """Those that stand between others: a text that has the form has these words."""
    last: str
    """Behind others: a text that has the form has a word that begins so. Empty: there is one word only."""


def form_of(text: str) -> Form:
    """Say what has to be looked for."""
    _, *words = text.split() or [""]
    last = words.pop() if words else ""
    return Form(text, frozenset(words), last)


class Sight:
    """The facts that were told so far, and those of them that are lost; a step costs what it changes.

    Args:
        facts: Of the session.
        positions: Of the recorded messages, by identity.
    """

    def __init__(self, facts: Sequence[Fact], positions: Mapping[int, int]) -> None:
        facts = sorted(facts, key=lambda fact: fact.message)
        self._told_by = [fact.message for fact in facts]
        self._forms = [tuple(map(form_of, dict.fromkeys(forms_of(fact)))) for fact in facts]
        self._positions = positions
        self._facts_of: dict[int, list[int]] = {}
        for at, position in enumerate(self._told_by):
            self._facts_of.setdefault(position, []).append(at)
        self._whole: set[int] = set()
        """Positions of the recorded messages that the request holds as they are."""
        self._made: dict[int, Made] = {}
        """Messages that stand for others, by identity; those without text tell nothing."""
        self._moved: set[int] = set()
        """Positions that came or left since facts were looked for."""
        self._is_other = True
        """Since then what stands for others changed."""
        self._looked = 0
        """Facts that were looked for by then."""
        self._lost: set[int] = set()
        self.told = 0
        """Facts that were told so far."""

    @property
    def kept(self) -> int:
        """Facts that were told and are not lost."""
        return self.told - len(self._lost)

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
            self._whole.discard(position)
            self._moved.add(position)
        elif self._made.pop(id(message), None):
            self._is_other = True

    def _come(self, message: Message) -> None:
        position = self._positions.get(id(message))
        if position is not None:
            self._whole.add(position)
            self._moved.add(position)
        elif text := message.text:
            self._made[id(message)] = Made(text)
            self._is_other = True

    def _look(self) -> None:
        """Look for the facts that may have been lost or found again."""
        if self._is_other:
            asked: Iterable[int] = range(self.told)
        else:
            moved = (at for position in self._moved for at in self._facts_of.get(position, ()) if at < self.told)
            asked = {*moved, *range(self._looked, self.told)}
        for at in asked:
            if self._is_seen(at):
                self._lost.discard(at)
            else:
                self._lost.add(at)
        self._looked, self._is_other = self.told, False
        self._moved.clear()

    def _is_seen(self, at: int) -> bool:
        if self._told_by[at] in self._whole:
            return True
        forms = self._forms[at]
        return any(not form.text for form in forms) or any(made.holds(at, forms) for made in self._made.values())


class Made:
    """The text of a message that stands for others, and the facts that were looked for in it."""

    __slots__ = ("_found", "_ordered", "_text", "_words")

    def __init__(self, text: str) -> None:
        self._text = text
        self._words = frozenset(text.split())
        self._ordered = sorted(self._words)
        self._found: dict[int, bool] = {}

    def holds(self, at: int, forms: Sequence[Form]) -> bool:
        """Tell whether a fact is told here; most that are not lack a word already, and need no search."""
        found = self._found.get(at)
        if found is None:
            found = self._found[at] = any(form.text in self._text for form in forms if self._may_hold(form))
        return found

    def _may_hold(self, form: Form) -> bool:
        if not form.words <= self._words:
            return False
        place = bisect_left(self._ordered, form.last) if form.last else 0
        return not form.last or (place < len(self._ordered) and self._ordered[place].startswith(form.last))
