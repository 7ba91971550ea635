"""The built-in observer: what was said, done and found, as dated entries. No model, no network.

It gathers as the built-in summary does; the same input gives the same bytes. Only typed words of the user are
critical; what a tool said stands below what was done, whatever it plays at.
"""

import re
from collections.abc import Mapping, Sequence

from cortex_cli.memory.base import LogEntry, ObserveRequest
from cortex_cli.memory.choosing import ASKED, ASSISTANT, USER, Note, Placed, choose, numbered
from cortex_cli.memory.facts import head_and_text, marker_of
from cortex_cli.memory.log import Marker, day_and_time, read_log
from cortex_cli.memory.reading import read_entries
from cortex_cli.messages import Message
from cortex_cli.summarizers.boundaries import harmless
from cortex_cli.summarizers.builtin import shown
from cortex_cli.summarizers.deeds import ANSWERED
from cortex_cli.summarizers.earlier import Carried, earlier_summary, read_earlier
from cortex_cli.summarizers.ledger import Fact
from cortex_cli.summarizers.packing import MIN_WORTH, ItemKind
from cortex_cli.summarizers.salience import DONE, OPEN, Sort, Unit
from cortex_cli.summarizers.serialize import clamp_text
from cortex_cli.summarizers.statements import Speaker, Statement, own_texts, sentences
from cortex_cli.summarizers.survey import DECIDED_SCORE, DIRECTIVES, EARLIER_MARK, Survey, gather, same_words

NAME = "builtin"

STATED_BONUS = 0.9
"""For what the user stated: it is critical."""
REQUEST_BONUS = 0.6
"""More for a request: it is what all that follows is for."""
LAST_BONUS = 0.7
"""For what the assistant said last."""
LATEST_WORTH = 1.5
"""What the user asked last is worth no less, however few its words."""
WEIGHTY: frozenset[Sort] = frozenset(("decision", "rule", "value", "finding", "failure", "open"))
"""What of an assistant's words is no minor detail."""
TASK_SORTS: frozenset[Sort] = DIRECTIVES | {"request", "question"}
MAX_HINT_CHARS = 400

LAST_PIECES = 4
"""Sentences at the end of an answer among which the next step is looked for."""
_PLANNED = re.compile(r"\b(?:next|remaining|remains|still (?:needs?|to)|i'll|i will|let me|todo)\b", re.IGNORECASE)


async def observe_builtin(request: ObserveRequest) -> LogEntry:
    """Observe mechanically; the signature of every observer, though nothing is waited for."""
    return observe(request)


def observe(request: ObserveRequest) -> LogEntry:
    """Put messages on record; where not one short entry fits, `failure` says so."""
    known = read_entries(read_log(request.earlier)).statements
    summaries = read_earlier(earlier_summary(one) for one in request.messages if one.synthetic == "summary")
    found = gather(_carried(known, summaries), request.messages)
    first = -len(summaries.statements) - 1
    fresh = _Fresh(request.messages, first, {same_words(each.text) for each in known})
    notes = fresh.notes(found) or [fresh.nothing()]
    text = choose(notes, request.max_tokens, request.counter)
    if not text:
        return LogEntry(observations="", failure=f"no entry fits in {request.max_tokens:,} tokens")
    return LogEntry(
        observations=text,
        current_task=_hint(_task(found)),
        suggested_response=_hint(_next(found, request.messages)),
        author=NAME,
    )


def _carried(known: Sequence[Statement], summaries: Carried) -> Carried:
    """Put what the log holds in front of what summaries among the messages hold."""
    count, entries = len(summaries.statements), max((each.message for each in known), default=0) + 1
    orders = max((each.order for each in known), default=0) + 1
    before = (
        each._replace(message=each.message - entries - count - 1, order=each.order - orders - count) for each in known
    )
    return Carried((*before, *summaries.statements), summaries.facts)


class _Fresh:
    """What is new: everything but what the log says already."""

    def __init__(self, messages: Sequence[Message], first: int, known: set[str]) -> None:
        self._first = first
        """Numbers below are of statements of the log."""
        self._known = known
        self._clock = _clock(messages)
        self._turns = _turns(messages)

    def notes(self, found: Survey) -> list[Note]:
        """Return all there is to say, in order."""
        newest = {unit.statement.speaker: unit.statement.message for unit in found.units}
        placed = [
            Placed(unit.statement.message, False, unit.statement.order, self._statement(unit, found, newest))
            for unit in found.units
            if unit.statement.message >= self._first
            and (unit.sort != "intention" or unit.statement.message == newest["assistant"])
            and same_words(unit.statement.text) not in self._known
            and any(map(str.isalpha, unit.statement.text))
        ]
        placed += [
            Placed(fact.message, True, fact.order, self._fact(fact))
            for fact in found.facts
            if fact.kind not in ("user", "decided")
        ]
        return numbered(placed)

    def nothing(self) -> Note:
        """Say that there is nothing to say: what leaves the conversation has an entry, whatever it was."""
        day, time = self._when(0)
        count = len(self._clock)
        text = f"Nothing of note in {count} message{'s' * (count != 1)}"
        return Note(day, time, "low", "", text, MIN_WORTH, ("nothing",))

    def _when(self, message: int) -> tuple[str, str]:
        return self._clock[max(message, 0)] if self._clock else ("", "")

    def _statement(self, unit: Unit, found: Survey, newest: Mapping[Speaker, int]) -> Note:
        statement = unit.statement
        marker, head = _marked(unit)
        worth = unit.score + (STATED_BONUS if marker == "critical" else 0.0)
        worth += REQUEST_BONUS if statement.speaker == "user" and unit.sort == "request" else 0.0
        if statement.message == newest[statement.speaker] >= 0:
            is_task = statement.speaker == "user" and unit.sort in TASK_SORTS
            worth = max(worth, LATEST_WORTH) if is_task else worth + LAST_BONUS
        day, time = self._when(statement.message)
        updates = statement.order in found.updates
        line = ("said", statement.message, head, updates)
        kind: ItemKind = "own" if statement.speaker == "user" else "note"
        return Note(day, time, marker, head, said(unit), worth, line, kind=kind, is_update=updates)

    def _fact(self, fact: Fact) -> Note:
        day, time = self._when(fact.message)
        head, text = head_and_text(fact)
        line = ("fact", self._turns[fact.message] if fact.message >= 0 else -1, time[:2], head)
        return Note(day, time, marker_of(fact), harmless(head), text, fact.weight, line, kind="fact", is_detail=True)


def said(unit: Unit) -> str:
    """Return a statement as a log has it: the order of entries says what is earlier, headings say the day."""
    statement = unit.statement
    text = statement.text.replace(EARLIER_MARK, "")
    return shown(unit._replace(statement=statement._replace(text=text, day="")))


def _marked(unit: Unit) -> tuple[Marker, str]:
    """Return how much a statement matters, and who said it. Source: SPEC section 6, "Log format"."""
    speaker = unit.statement.speaker
    if speaker == "user":
        is_question = unit.statement.text.endswith(("?", "？"))
        return ("medium", ASKED) if is_question else ("critical", USER)
    if speaker == "note":
        return ("critical" if unit.statement.text.startswith(ANSWERED) else "medium"), ""
    if unit.cues & DONE and not unit.cues & OPEN and unit.sort not in DIRECTIVES:
        return "done", ASSISTANT
    return ("medium" if unit.sort in WEIGHTY or unit.score >= DECIDED_SCORE else "low"), ASSISTANT


def _clock(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """Return day and time of each message; one without has that of the one before."""
    known = [day_and_time(message.time) for message in messages]
    last = next((each for each in known if each[0]), ("", ""))
    clock: list[tuple[str, str]] = []
    for each in known:
        last = each if each[0] else last
        clock.append(last)
    return clock


def _turns(messages: Sequence[Message]) -> list[int]:
    """Number the turns, by message."""
    turn = 0
    turns: list[int] = []
    for message in messages:
        turn += message.typed
        turns.append(turn)
    return turns


def _task(found: Survey) -> str:
    """Say what the user wants now, and what is in progress."""
    own = [unit for unit in found.units if unit.statement.speaker == "user" and unit.statement.message >= 0]
    latest = max((unit.statement.message for unit in own if unit.sort in TASK_SORTS), default=-1)
    asked = [unit.statement.text for unit in own if unit.statement.message == latest]
    doing = [fact.text for fact in found.facts if fact.kind == "todo" and fact.state == "in progress"]
    return " ".join((*asked, *(f"In progress: {text}." for text in doing)))


def _next(found: Survey, messages: Sequence[Message]) -> str:
    """Say what the assistant was about to do."""
    for action in found.pending:
        return f"Wait for the result of {action.tool} {action.target}"
    message = next(
        (one for one in reversed(messages) if one.typed or (one.role == "assistant" and not one.synthetic)), None
    )
    if message is None or message.typed:
        return ""
    pieces = [piece for text in own_texts(message) for piece in sentences(text, is_user=False)]
    if pieces and pieces[-1].endswith(("?", "？")):
        return f"Wait for the answer to: {pieces[-1]}"
    return " ".join(piece for piece in pieces[-LAST_PIECES:] if _PLANNED.search(piece))


def _hint(text: str) -> str:
    return harmless(clamp_text(text, MAX_HINT_CHARS)) if text else ""
