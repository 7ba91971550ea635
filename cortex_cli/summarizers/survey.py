"""One look through a conversation: what was said, done and found, weighed, with later words holding.

Everything that keeps facts builds on it: the built-in summary, the ledger under a model's summary, the
built-in observer.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cortex_cli.marks import Summary
from cortex_cli.messages import Message
from cortex_cli.summarizers.actions import Action, Deed, Todo, one_line, read_call
from cortex_cli.summarizers.boundaries import harmless
from cortex_cli.summarizers.earlier import read_earlier
from cortex_cli.summarizers.ledger import Fact, Kind, merge_facts
from cortex_cli.summarizers.outcomes import Outcome, is_confirmation, read_outcome
from cortex_cli.summarizers.salience import Unit, weigh
from cortex_cli.summarizers.statements import Statement, read_statements, sentences
from cortex_cli.summarizers.supersede import find_replacements
from cortex_cli.summarizers.words import Lexer

DIRECTIVE_SCORE = 1.5
"""A rule, value or decision of the user's that scores so much is a fact of the ledger."""

DECIDED_SCORE = 2.0
"""The same for an assistant's decisions and values."""

MARKED_SHARE = 0.4
"""What is left of the score of a statement that a later one seems to replace."""

LATER_BONUS = 0.3
"""For a statement that replaces another: what changed once matters now."""

FOUND_SCORE = 1.1
"""Lines of results below this are no facts."""

BEST_LINE_BONUS = 0.8
"""For the most telling line of each result: one line of each survives before any has two."""

READ_SHARE = 0.75
"""Worth of a line from a file or search, which can be had again, against one from a command."""


class Survey(NamedTuple):
    """What a conversation holds."""

    units: tuple[Unit, ...]
    """Statements that still hold, oldest first; marked ones with their text marked as earlier."""
    facts: tuple[Fact, ...]
    """Oldest first: the earlier ledger's, then what was done and found since, then what people said."""
    actions: tuple[Action, ...]
    pending: tuple[Action, ...]
    """Calls without a result."""
    replaced: int
    """Statements that a later one replaced."""


def survey(messages: Sequence[Message], earlier: Iterable[Summary] = (), following: Sequence[Message] = ()) -> Survey:
    """Gather and weigh.

    Args:
        messages: What is to be condensed, oldest first.
        earlier: Summaries from before, oldest first.
        following: Messages that stay after it: their statements replace earlier ones, and are not gathered.
    """
    carried = read_earlier(earlier)
    deeds = _Deeds()
    for position, message in enumerate(messages):
        deeds.read(position, message)
    said = [*carried.statements, *_in_order(read_statements(messages), deeds.said)]
    later = [each._replace(message=each.message + len(messages)) for each in read_statements(following)]
    units, replaced = _holding(said, later)
    facts = merge_facts(carried.facts, deeds.facts())
    people = (fact for unit in units if (fact := fact_of(unit)))
    return Survey(tuple(units), (*facts, *people), tuple(deeds.actions), tuple(deeds.pending()), replaced)


def _in_order(statements: Iterable[Statement], others: Iterable[Statement]) -> list[Statement]:
    """Put plans and reports between what was said before and after them, and count anew."""
    others = list(others)
    if not others:
        return list(statements)
    both = sorted((*statements, *others), key=lambda each: (each.message, each.order))
    return [each._replace(order=at) for at, each in enumerate(both)]


def _holding(said: list[Statement], later: list[Statement]) -> tuple[list[Unit], int]:
    """Weigh statements, drop repeated ones and those that later ones replace."""
    units = weigh(_distinct(said) + later, Lexer())
    last = len(units) - len(later)
    fate = {each.earlier: each for each in find_replacements(units) if each.earlier < last}
    gains: dict[int, float] = {}
    for each in fate.values():
        gains[each.later] = max(gains.get(each.later, 0.0), units[each.earlier].score + LATER_BONUS)
    kept: list[Unit] = []
    for at, unit in enumerate(units[:last]):
        if at in gains:
            unit = unit._replace(score=max(unit.score, gains[at]))
        if at in fate:
            if fate[at].grade == "dropped":
                continue
            unit = _marked(unit)
        kept.append(unit)
    return kept, len(fate)


def _marked(unit: Unit) -> Unit:
    text = unit.statement.text
    if not text.endswith(EARLIER_MARK):
        text = f"{text}{EARLIER_MARK}"
    return unit._replace(score=unit.score * MARKED_SHARE, statement=unit.statement._replace(text=text))


EARLIER_MARK = " (earlier)"
"""Behind a statement that a later one seems to replace."""


def _distinct(said: list[Statement]) -> list[Statement]:
    """Leave out what is said again word for word; the user's own, then the last, stays."""
    best: dict[str, int] = {}
    for at, each in enumerate(said):
        key = each.text.lower().rstrip(".! ")
        other = best.get(key)
        if other is None or each.speaker == "user" or said[other].speaker != "user":
            best[key] = at
    chosen = set(best.values())
    return [each for at, each in enumerate(said) if at in chosen]


def fact_of(unit: Unit) -> Fact | None:
    """Return a statement as a fact of the ledger, None where it is not weighty enough to be one."""
    kind: Kind
    if unit.statement.speaker == "user":
        kind, sorts, least = "user", _DIRECTIVES, DIRECTIVE_SCORE
    else:
        kind, sorts, least = "decided", _DECISIONS, DECIDED_SCORE
    if unit.score < least or unit.sort not in sorts:
        return None
    return Fact(kind, harmless(unit.statement.text), weight=unit.score, order=unit.statement.order)


_DIRECTIVES = frozenset(("rule", "value", "decision"))
_DECISIONS = frozenset(("decision", "value", "finding"))


_FILE_KINDS: dict[Deed, Kind] = {"read": "read", "changed": "changed", "created": "changed", "deleted": "changed"}
_WEIGHTS: dict[Kind, float] = {"pending": 3.0, "todo": 2.6, "error": 2.4, "changed": 1.9, "ran": 1.3, "read": 0.7}
_FIXED_ERROR, _LOOKED, _FAILED_RUN = 1.2, 0.3, 1.7
_ANSWERS = re.compile(r"\"([^\"]{3,300})\"\s?=\s?\"([^\"]{1,400})\"")
_DONE_STATE = "done"


class _Deeds:
    """Gathers calls and what came of them, message by message."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.said: list[Statement] = []
        self._open: dict[str, list[Action]] = {}
        self._files: dict[str, Fact] = {}
        self._runs: dict[str, Fact] = {}
        self._errors: dict[str, Fact] = {}
        self._error_keys: dict[str, set[str]] = {}
        self._found: dict[str, Fact] = {}
        self._todos: dict[str, Todo] = {}
        self._planned = False
        self._order = 0

    def read(self, position: int, message: Message) -> None:
        """Take in one message."""
        for part in message.parts:
            if part.kind == "call":
                actions = read_call(part, position)
                self.actions.extend(actions)
                self._open[part.call_id or str(len(self.actions))] = actions
                for action in actions:
                    self._call(action)
            elif part.kind == "result":
                actions = self._open.pop(part.call_id, [])
                self._order += 1
                self._result(actions, read_outcome(part), position)

    def _call(self, action: Action) -> None:
        if action.deed == "planned":
            self._plan(action)
        if action.said:
            self._say(action.said, action.message)

    def _say(self, text: str, position: int) -> None:
        for piece in sentences(text, is_user=False):
            self.said.append(Statement("assistant", piece, position, len(self.said)))

    def _plan(self, action: Action) -> None:
        for todo in action.todos:
            if todo.id == "new":
                number = str(len(self._todos) + 1)
                self._todos[number] = todo._replace(id=number)
            elif todo.id in self._todos:
                known = self._todos[todo.id]
                self._todos[todo.id] = todo._replace(text=todo.text or known.text)
        if action.todos and not any(todo.id for todo in action.todos):
            self._todos = {str(at): todo for at, todo in enumerate(action.todos)}
        self._planned = self._planned or bool(action.todos)

    def _result(self, actions: Sequence[Action], outcome: Outcome, position: int) -> None:
        for action in actions:
            self._files_of(action, outcome)
            self._run_of(action, outcome)
        action = actions[0] if actions else Action("used", "", "", "")
        self._errors_of(action, outcome)
        if action.deed == "delegated" and not outcome.is_failure:
            self._say(outcome.text, position)
        elif action.deed == "asked":
            for question, answer in _ANSWERS.findall(outcome.text):
                text = f"The user answered: {question} {answer}"
                self.said.append(Statement("note", harmless(text), position, len(self.said), section="decisions"))
        elif action.deed != "planned" and not is_confirmation(outcome):
            self._lines_of(action, outcome)

    def _files_of(self, action: Action, outcome: Outcome) -> None:
        kind = _FILE_KINDS.get(action.deed)
        if kind is None or not action.target or outcome.is_failure:
            return
        path = harmless(action.target)
        before = self._files.pop(path, None)
        if before is not None and before.kind == "changed":
            kind = "changed"
        self._files[path] = Fact(kind, path, weight=_WEIGHTS[kind], order=self._order)

    def _run_of(self, action: Action, outcome: Outcome) -> None:
        if action.deed not in ("ran", "looked", "fetched", "used") or not action.target:
            return
        if action.deed != "ran" and not outcome.is_failure:
            return
        weight = _FAILED_RUN if outcome.is_failure else _WEIGHTS["ran"] if outcome.brief else _WEIGHTS["ran"] - 0.4
        if action.deed != "ran":
            weight = _LOOKED
        label = action.target if action.deed == "ran" else f"{action.tool} {action.target}"
        self._runs.pop(action.key, None)
        self._runs[action.key] = Fact("ran", harmless(label), _state(outcome), weight, self._order)

    def _errors_of(self, action: Action, outcome: Outcome) -> None:
        """Note errors, and which of the earlier ones a success of the same deed has mended."""
        if not outcome.is_failure:
            for text in self._error_keys.pop(action.key, ()):
                fact = self._errors.get(text)
                if fact is not None and fact.state == "open":
                    self._errors[text] = fact._replace(state="fixed", weight=_FIXED_ERROR)
        if not outcome.is_failure or action.deed in ("looked", "read", "planned"):
            return
        failing = [line for line in outcome.lines if line.is_failure][:2]
        for line in failing:
            text = harmless(line.text)
            self._errors.pop(text, None)
            self._errors[text] = Fact("error", text, "open", _WEIGHTS["error"], self._order)
            self._error_keys.setdefault(action.key, set()).add(text)

    def _lines_of(self, action: Action, outcome: Outcome) -> None:
        """Keep the telling lines: one for each result first, more of long ones."""
        again = action.deed in ("read", "looked")
        source = _source(action)
        for rank, line in enumerate(outcome.lines):
            worth = line.score * (READ_SHARE if again else 1.0) / (1 + 0.35 * rank)
            worth += BEST_LINE_BONUS if rank == 0 and line.score > FOUND_SCORE else 0.0
            text = harmless(line.text)
            if worth < FOUND_SCORE or text in self._errors:
                continue
            self._found.pop(text, None)
            fact = Fact("found", f"{source}{text}", weight=min(worth, 3.0) - 0.4, order=self._order)
            self._found[text] = fact

    def facts(self) -> Iterator[Fact]:
        """Yield what was gathered, oldest first within each kind."""
        yield from self._files.values()
        yield from self._runs.values()
        yield from self._errors.values()
        yield from self._found.values()
        for todo in self._todos.values():
            if todo.state != _DONE_STATE:
                yield Fact("todo", harmless(todo.text), todo.state, _WEIGHTS["todo"], self._order)
        for action in self.pending():
            yield Fact(
                "pending", harmless(f"{action.tool} {action.target}"), weight=_WEIGHTS["pending"], order=self._order
            )

    def pending(self) -> Iterator[Action]:
        """Yield calls that have no result."""
        for actions in self._open.values():
            yield from actions[:1]


def _state(outcome: Outcome) -> str:
    if not outcome.is_failure:
        return outcome.brief or "ok"
    code = f"exit {outcome.code}" if outcome.code else "failed"
    return f"{code}: {outcome.brief}" if outcome.brief else code


def _source(action: Action) -> str:
    """Name where a line was found, shortly: the path, or the command's first words."""
    target = one_line(action.target)
    if not target:
        return f"{action.tool} | " if action.tool else ""
    return f"{harmless(target).replace(' | ', ' ')} | "
