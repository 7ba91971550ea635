"""What was done: calls with their outcomes, gathered message by message into facts.

A later try of the same thing holds: a test that was red and is green is green, an error it showed is mended,
a plan replaces the plan before.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cortex_cli.messages import Message
from cortex_cli.summarizers.actions import Action, Deed, Todo, read_call
from cortex_cli.summarizers.boundaries import harmless
from cortex_cli.summarizers.earlier import GAP
from cortex_cli.summarizers.ledger import Fact, Kind
from cortex_cli.summarizers.outcomes import Outcome, is_confirmation, read_outcome, sums_up, without_snippet
from cortex_cli.summarizers.owners import owner_of
from cortex_cli.summarizers.rescue import MIN_SCORE, Telling
from cortex_cli.summarizers.statements import Statement, sentences

WEIGHTS: dict[Kind, float] = {"pending": 3.0, "todo": 2.6, "error": 2.4, "changed": 1.9, "ran": 1.2, "read": 0.6}
"""What facts of a kind are worth, on the scale of statements."""

FIXED_ERROR = 1.2
FAILED_RUN = 1.7
CHECK_RUN = 1.5
"""A test, build, commit or deployment: its outcome says where the work stands."""
SILENT_RUN = 0.55
"""A command that went well and said nothing."""
FAILED_LOOK = 0.4
"""A search or listing that failed."""

FOUND_SCORE = 0.9
"""A line of a result that is worth less is no fact."""
PROMINENCE_SHARE = 0.6
"""A line's worth comes from how far it stands out from the other telling lines of its result."""
PROMINENT_OVER = 3
"""It stands out over the line of this rank: some three others may be as odd as it is."""
RUN_BONUS = 0.3
"""What a command said cannot be had again; a file or a search can."""
FAILURE_BONUS = 0.5
BEST_LINE_BONUS = 0.3
"""For the first line of each result: one line of each survives before any has two."""
CODE_ERROR_PENALTY = 1.0
"""`except Exception:` in a file that was read is no error."""
SHORT_LINES = 8
SHORT_LOOK_FLOOR, SHORT_RUN_FLOOR = 2.4, 1.4
"""What a line must stand out over in a result of fewer lines: there all of them are unlike."""
MAX_FOUND = 3.0
SPARE_BEST, SPARE_STEP, SPARE_LEAST = 0.8, 0.08, 0.4
"""What the first of the other lines of a result is worth, how much less each further one, and the last of them: less
than any fact, so that they fill what is left of a summary, and one of each result comes before the second of any."""

_FILE_KINDS: dict[Deed, Kind] = {"read": "read", "changed": "changed", "created": "changed", "deleted": "changed"}
_CHECKS = re.compile(
    r"\b(?:tests?|pytest|jest|check|lint|build|make|cargo|npm|pnpm|yarn|go|tox|mypy|ruff|tsc|commit|push|merge|deploy|migrate"
    r"|install|release|publish|rebase|docker|terraform|kubectl|gradle|mvn|rspec|ctest)\b"
)
_EDITS: frozenset[Deed] = frozenset(("changed", "created", "deleted"))
_COMMIT = re.compile(r"\A\[([\w/. ()-]+) ([0-9a-f]{7,})\] ")
_ANSWERS = re.compile(r"\"([^\"]{3,300})\"\s?=\s?\"([^\"]{1,400})\"")
_REFUSED_BY_USER = re.compile(
    r"The user doesn't want to (?:proceed with|take) this.*?(?:the user said:\s*(.*))?\Z", re.DOTALL
)
"""Source: results that Claude Code writes for a tool use that the user rejected."""
ANSWERED = "The user answered: "
"""In front of what a tool that asks the user brought back."""
_DENIED = re.compile(r"(?i:\b(?:error|failed|failure|not found|no such|cannot|invalid|denied|unable|rejected)\b)")


DEEP_CHARS = 2_000_000
"""Results of reads and searches are looked through only so far back: what is older can be had again, and a summary of
12,000 tokens has no room for it. Some 500,000 tokens: two and a half of the usual windows."""


class Look(NamedTuple):
    """A result that was looked through."""

    source: str
    """In front of its lines, where they are facts."""
    text: str
    lines: tuple[Telling, ...]
    """Best first."""
    state: str
    """How it ended, as it is told anyhow."""
    order: int
    message: int


def spare_lines(looks: Iterable[Look], facts: Iterable[Fact]) -> Iterator[Fact]:
    """Yield lines of results that are no facts, and say more than nothing where there is room.

    Of repeated ones the last; how a run ended only of the last try.

    Args:
        looks: Oldest first.
        facts: What is told of them.
    """
    told = {fact.text for fact in facts if fact.kind in ("found", "error")}
    spare: dict[str, Fact] = {}
    looks = list(looks)
    latest = {look.source: look for look in looks}
    for look in looks:
        is_latest = look is latest[look.source]
        for rank, line in enumerate(_worth_telling(look.lines)):
            text = harmless(line.text)
            whole = f"{look.source}{_owned(look.text, line)}"
            is_told = whole in told or text in told or text in look.state
            if not is_told and (is_latest or not sums_up(text)):
                spare.pop(whole, None)
                worth = max(SPARE_BEST - SPARE_STEP * rank, SPARE_LEAST)
                spare[whole] = Fact("found", whole, "", worth, look.order, look.message)
    yield from spare.values()


def _worth_telling(lines: Iterable[Telling]) -> Iterator[Telling]:
    """Leave out lines of one word (`else:`), and all but the first with a key that others have (`"id": "c1"`)."""
    keys: set[str] = set()
    for line in lines:
        key = line.text.partition(" ")[0]
        is_word = len(_WORDS.findall(line.text)) < 2 and not _FIGURE.search(line.text)
        if line.score >= MIN_SCORE and not is_word and not (key in keys and key.endswith((":", "="))):
            keys.add(key)
            yield line


_WORDS = re.compile(r"[^\W\d_]+")
_FIGURE = re.compile(r"\d")


class Deeds:
    """Gathers what was done. One use: `read` every message, then take `facts`."""

    def __init__(self, ahead_chars: int = 0) -> None:
        """Begin.

        Args:
            ahead_chars: Of all results that will be read, so that old ones are known for old.
        """
        self._ahead_chars = ahead_chars
        self.actions: list[Action] = []
        """Everything done, oldest first."""
        self.said: list[Statement] = []
        """Plans, and reports of sub-agents: prose like an assistant's."""
        self._open: dict[str, list[Action]] = {}
        self._files: dict[str, Fact] = {}
        self._runs: dict[str, Fact] = {}
        self._errors: dict[str, Fact] = {}
        self._error_keys: dict[str, set[str]] = {}
        self._found: dict[str, Fact] = {}
        self.looks: list[Look] = []
        """Results whose lines were looked through, oldest first."""
        self._todos: dict[str, Todo] = {}
        self._sums: dict[str, list[str]] = {}
        self._order = 0
        self._position = -1
        self._planned_at = -1

    def read(self, position: int, message: Message) -> None:
        """Take in one message."""
        self._position = position
        for part in message.parts:
            if part.kind == "call":
                actions = read_call(part, position)
                self.actions.extend(actions)
                self._open[part.call_id or str(len(self.actions))] = actions
                for action in actions:
                    self._plan(action)
                    self._say(action.said, position)
            elif part.kind == "result":
                self._order += 1
                self._ahead_chars -= len(part.text)
                actions = self._open.pop(part.call_id, [])
                again = bool(actions) and actions[0].deed in ("read", "looked")
                is_deep = not again or self._ahead_chars < DEEP_CHARS
                if actions and actions[0].deed in _EDITS:
                    part = part._replace(text=without_snippet(part.text))
                self._result(actions, read_outcome(part, is_deep=is_deep), position)

    def facts(self) -> Iterator[Fact]:
        """Yield what was gathered, oldest first within each kind."""
        yield from self._files.values()
        yield from self._runs.values()
        yield from self._errors.values()
        yield from self._found.values()
        for todo in self._todos.values():
            if todo.state != "done":
                yield Fact("todo", harmless(todo.text), todo.state, WEIGHTS["todo"], self._order, self._planned_at)
        for action in self.pending():
            text = harmless(f"{action.tool} {action.target}")
            yield Fact("pending", text, "", WEIGHTS["pending"], self._order, action.message)

    def pending(self) -> Iterator[Action]:
        """Yield calls that have no result."""
        for actions in self._open.values():
            yield from actions[:1]

    def _say(self, text: str, position: int) -> None:
        for piece in sentences(text, is_user=False) if text else ():
            self.said.append(Statement("assistant", piece, position, len(self.said)))

    def _plan(self, action: Action) -> None:
        if action.todos:
            self._planned_at = self._position
        if action.todos and not any(todo.id for todo in action.todos):
            self._todos = {str(at): todo for at, todo in enumerate(action.todos)}
            return
        for todo in action.todos:
            if todo.id == "new":
                number = str(len(self._todos) + 1)
                self._todos[number] = todo._replace(id=number)
            elif todo.id in self._todos:
                self._todos[todo.id] = todo._replace(text=todo.text or self._todos[todo.id].text)

    def _result(self, actions: Sequence[Action], outcome: Outcome, position: int) -> None:
        action = actions[0] if actions else Action("used", "", "", "")
        refusal = _REFUSED_BY_USER.match(outcome.text)
        if refusal:
            text = f"The user refused: {action.deed} {action.target}"
            text = harmless(f"{text}; {refusal[1]}" if refusal[1] else text)
            self.said.append(Statement("note", text, position, len(self.said), section="decisions"))
            return
        if action.deed in _EDITS and not outcome.is_failure:
            outcome = outcome._replace(is_failure=_is_refused(outcome))
        for each in actions:
            self._file(each, outcome)
            self._run(each, outcome)
        self._error(action, outcome)
        if action.deed == "delegated" and not outcome.is_failure:
            self._say(outcome.text, position)
        elif action.deed == "asked":
            for question, answer in _ANSWERS.findall(outcome.text):
                text = harmless(f"{ANSWERED}{question} {answer}")
                self.said.append(Statement("note", text, position, len(self.said), section="decisions"))
        elif action.deed != "planned" and not is_confirmation(outcome):
            self._lines(action, outcome)

    def _file(self, action: Action, outcome: Outcome) -> None:
        kind = _FILE_KINDS.get(action.deed)
        if kind is None or not action.target or outcome.is_failure:
            return
        path = harmless(action.target)
        before = self._files.pop(path, None)
        if before is not None and before.kind == "changed":
            kind = "changed"
        self._files[path] = Fact(kind, path, "", WEIGHTS[kind], self._order, self._position)

    def _run(self, action: Action, outcome: Outcome) -> None:
        if not action.target or action.deed not in ("ran", "looked", "fetched", "used"):
            return
        if action.deed != "ran" and not outcome.is_failure:
            return
        label = action.target if action.deed == "ran" else f"{action.tool} {action.target}"
        key, state = action.key, _state(outcome)
        commit = _COMMIT.match(state)
        if commit:
            label, key = f"git commit {commit[2]}", state
            state = f"[{commit[1]}] {state[commit.end() :]}"
        self._runs.pop(key, None)
        weight = _run_weight(action, outcome)
        self._runs[key] = Fact("ran", harmless(label), harmless(state), weight, self._order, self._position)

    def _error(self, action: Action, outcome: Outcome) -> None:
        """Note errors, and which of the earlier ones a success of the same deed has mended."""
        if not outcome.is_failure:
            for text in self._error_keys.pop(action.key, ()):
                fact = self._errors.get(text)
                if fact is not None and fact.state == "open":
                    self._errors[text] = fact._replace(state="fixed", weight=FIXED_ERROR, message=self._position)
        if not outcome.is_failure or action.deed in ("looked", "read", "planned"):
            return
        for line in [line for line in outcome.lines if line.is_failure][:2]:
            text = harmless(line.text)
            self._errors.pop(text, None)
            self._errors[text] = Fact("error", text, "open", WEIGHTS["error"], self._order, self._position)
            self._error_keys.setdefault(action.key, set()).add(text)

    def _lines(self, action: Action, outcome: Outcome) -> None:
        """Keep the lines that stand out: one for each result first, more of those with several."""
        lines = outcome.lines
        if action.deed in _EDITS:  # it shows the file; what it complains of may be news
            lines = () if outcome.text.startswith("{") else tuple(line for line in lines if line.is_failure)
        again = action.deed in ("read", "looked")
        floor = _floor(action, outcome)
        if outcome.brief and not outcome.is_failure and outcome.text.count("\n") < SHORT_LINES:
            return  # the outcome says it all
        state = self._runs[action.key].state if action.key in self._runs else ""
        if action.deed == "ran":
            self._forget_sums(action.key)
        source = _source(action)
        self.looks.append(Look(source, outcome.text, lines, state, self._order, self._position))
        for rank, line in enumerate(lines[:PROMINENT_OVER]):
            worth = _line_worth(line, rank, floor, again=again)
            text = harmless(line.text)
            if worth < FOUND_SCORE or text in self._errors or text in state:
                continue
            self._found.pop(text, None)
            told = f"{source}{_owned(outcome.text, line)}"
            self._found[text] = Fact("found", told, "", min(worth, MAX_FOUND), self._order, self._position)
            if sums_up(text):
                self._sums.setdefault(action.key, []).append(text)

    def _forget_sums(self, key: str) -> None:
        """Drop the totals of an earlier try of the same command (`3 failed, 12 passed`): there are new ones."""
        for text in self._sums.pop(key, ()):
            self._found.pop(text, None)


def _owned(text: str, line: Telling) -> str:
    """Return a line behind what it belongs to."""
    owner = owner_of(text, line.start, line.text)
    return harmless(f"{owner}{GAP}{line.text}" if owner else line.text)


def _floor(action: Action, outcome: Outcome) -> float:
    """Return what a line of a result must stand out over."""
    if outcome.text.count("\n") < SHORT_LINES:
        return SHORT_LOOK_FLOOR if action.deed in ("read", "looked") else SHORT_RUN_FLOOR
    return outcome.lines[PROMINENT_OVER].score if len(outcome.lines) > PROMINENT_OVER else MIN_SCORE


def _line_worth(line: Telling, rank: int, floor: float, *, again: bool) -> float:
    """Return what a line is worth as a fact, by how far it stands out from the others of its result."""
    prominence = line.score - floor - (CODE_ERROR_PENALTY if again and line.is_failure else 0.0)
    worth = PROMINENCE_SHARE * prominence + (0.0 if again else RUN_BONUS)
    return worth + FAILURE_BONUS * line.is_failure + BEST_LINE_BONUS * (not rank)


def _is_refused(outcome: Outcome) -> bool:
    """Tell whether a tool that changes files says in its first line that it did not."""
    first = outcome.text[:200].partition("\n")[0]
    return len(outcome.text) < 2_000 and _DENIED.search(first) is not None


def _run_weight(action: Action, outcome: Outcome) -> float:
    if action.deed != "ran":
        return FAILED_LOOK
    if outcome.is_failure:
        return FAILED_RUN
    if not outcome.brief:
        return SILENT_RUN
    return CHECK_RUN if _CHECKS.search(action.target) else WEIGHTS["ran"]


def _state(outcome: Outcome) -> str:
    if not outcome.is_failure:
        return outcome.brief or ("with errors" if _tells_error(outcome) else "ok")
    code = f"exit {outcome.code}" if outcome.code else "failed"
    return f"{code}: {outcome.brief}" if outcome.brief else code


def _tells_error(outcome: Outcome) -> bool:
    """Tell whether a result tells of an error most of all, where nothing says how the call ended: hardly well."""
    return outcome.code is None and bool(outcome.lines) and outcome.lines[0].is_failure


def _source(action: Action) -> str:
    """Name where a line was found, shortly: the path, or the command up to its first pipe."""
    target = action.target.partition(" | ")[0].removesuffix(" …")
    target = target or action.tool
    return f"{harmless(target)} | " if target else ""
