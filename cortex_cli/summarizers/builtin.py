"""The built-in summariser: the eleven sections, filled mechanically from the transcript. No model, no network.

The same input gives the same bytes. What is worth saying is decided in `salience.py` and `survey.py`, how
much of it fits in `packing.py`; here everything gets its section.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from cortex_cli.messages import Message, build
from cortex_cli.report import Facts
from cortex_cli.summarizers.base import SummaryOutcome, SummaryRequest
from cortex_cli.summarizers.boundaries import harmless
from cortex_cli.summarizers.clauses import needs_question
from cortex_cli.summarizers.deeds import spare_lines
from cortex_cli.summarizers.earlier import FACT, NOTE, QUOTE
from cortex_cli.summarizers.ledger import Fact, Kind, render_fact
from cortex_cli.summarizers.packing import (
    CHARS_A_TOKEN,
    LINE_TOKENS,
    MIN_OWN_WORTH,
    MIN_WORTH,
    TIGHT_LINE_TOKENS,
    TIGHT_TOKENS,
    Item,
    ItemKind,
    Packed,
    pack,
    write,
    write_tightly,
)
from cortex_cli.summarizers.paths import find_base, write_based
from cortex_cli.summarizers.salience import DONE, FAIL, Unit
from cortex_cli.summarizers.sections import Section
from cortex_cli.summarizers.statements import Statement
from cortex_cli.summarizers.survey import DIRECTIVES, Survey, survey
from cortex_cli.summarizers.words import LEXER

NAME = "builtin"

REQUEST_BONUS = 1.2
"""For the sentences of the first and of the latest request."""
OPENING_BONUS = 0.6
"""More for the first sentence of the first request."""
CURRENT_BONUS = 1.5
"""For what the assistant said last."""
CURRENT_SENTENCES = 4
FEW_OWN_WORDS = 0.25
"""Where all that users said takes less of the summary than this, nearly all of it is kept."""
OWN_WORDS_BONUS = 0.9
FOCUS_BONUS = 1.2
READ_AFTER = 1_000_000
"""Files that were only read stand behind those that were changed."""
LAST_DEEDS = 4
LAST_DEEDS_WORTH = 2.2
CONCEPTS = 12
"""Terms named at most."""
CONCEPTS_WORTH = 1.0
MIN_MENTIONS = 3

_FACT_SECTIONS: dict[Kind, Section] = {
    "changed": "files",
    "read": "files",
    "ran": "calls",
    "found": "calls",
    "error": "errors",
    "todo": "pending",
    "pending": "current",
}


async def summarize_builtin(request: SummaryRequest) -> SummaryOutcome | None:
    """Summarise mechanically; the signature of every summariser, though nothing is waited for."""
    return summarize(request)


def summarize(request: SummaryRequest) -> SummaryOutcome | None:
    """Summarise a prefix.

    Returns:
        The summary and what became of the facts; None where nothing fits.
    """
    if not request.messages and len(request.earlier) == 1:
        text = request.earlier[0].text
        if request.counter.count_text(text) <= request.max_tokens:
            return SummaryOutcome(text=text, facts=Facts(), summarizer=NAME)
    found = survey(request.messages, request.earlier, request.following)
    items = _items(found, request.max_tokens, len(request.messages) - request.given_up, bool(request.focus))
    if request.fills:
        items = chain(items, _spare_items(found))
    if request.focus:
        items = _focused(items, request.focus)
    is_tight = request.max_tokens < TIGHT_TOKENS
    writer = write_tightly if is_tight else write
    base = find_base(found.facts)
    packed = pack(
        items,
        request.max_tokens,
        request.counter,
        writer=partial(write_based, base=base, writer=writer) if base else writer,
        line_tokens=TIGHT_LINE_TOKENS if is_tight else LINE_TOKENS,
        is_tight=is_tight,
    )
    if not packed.text:
        return None
    return SummaryOutcome(text=packed.text, facts=_account(found, packed, request.following), summarizer=NAME)


def _focused(items: Iterable[Item], focus: str) -> Iterator[Item]:
    """Give more worth to what shares a word with the focus."""
    wanted = {word.stem for word in LEXER.words(focus) if word.stem}
    for item in items:
        hit = any(word.stem in wanted for word in LEXER.words(item.text) if word.stem)
        yield item._replace(worth=item.worth + FOCUS_BONUS) if hit else item


def _items(found: Survey, max_tokens: int, still_open: int, has_focus: bool) -> Iterator[Item]:
    yield from _said(found.units, max_tokens, still_open, has_focus)
    for fact in found.facts:
        if fact.kind not in ("user", "decided"):
            yield _fact_item(fact)
    yield from _concepts(found.units)
    yield from _last_deeds(found)


def _said(units: Sequence[Unit], max_tokens: int, still_open: int, has_focus: bool) -> Iterator[Item]:
    """Give every statement its section; what was asked from position `still_open` on is still to be done."""
    said = [unit.statement for unit in units]
    places = _places(said, still_open)
    own = sum([len(each.text) for each in said if each.speaker == "user"])
    has_room = own / CHARS_A_TOKEN < FEW_OWN_WORDS * max_tokens
    is_tight = max_tokens < TIGHT_TOKENS
    gain = FOCUS_BONUS if has_focus else 0.0
    answered = {unit.statement.question for unit in units if unit.statement.question and needs_question(unit)}
    for unit, statement in zip(units, said, strict=True):
        is_own = statement.speaker == "user"
        if not is_own and unit.sort == "question" and statement.text in answered:
            continue  # stands in front of its answer
        least = (MIN_OWN_WORTH if is_own else MIN_WORTH) - gain
        score = unit.score
        if score < least and not is_own and statement.order not in places.closing:
            continue  # only these gain by where they stand
        if statement.section in ("current", "next") and places.last >= 0:
            continue  # an earlier stopping point is over
        if unit.sort == "intention" and statement.order not in places.closing:
            continue  # it was done since: the calls tell
        section, bonus = _placed(unit, places)
        worth = score + (bonus + OWN_WORDS_BONUS if is_own and has_room else bonus)
        if worth < least:
            continue  # no place in any summary, whatever it gains
        if is_tight and is_own and (section == "asked" or bonus < REQUEST_BONUS):
            section = "decisions"  # one heading for all that holds
        lead = QUOTE if is_own else NOTE
        kind: ItemKind = "own" if is_own else "note"
        is_open = unit.sort == "request" and statement.message >= still_open
        place = statement.order, statement.message
        yield build(Item, (section, lead, shown(unit), worth, *place, "", False, kind, is_open))


class _Places(NamedTuple):
    """Where in the conversation the requests and the stopping point stand; positions of messages."""

    first: int | None
    """The first request, maybe one that an earlier summary carried (then negative)."""
    open: int
    """The latest request, or the first of those that are still to be done."""
    last: int
    """What the assistant said last; -1: nothing since the earlier summary."""
    closing: frozenset[int]
    """Orders of its last sentences."""


def _places(said: Sequence[Statement], still_open: int) -> _Places:
    own = [each for each in said if each.speaker == "user"]
    carried = [each.message for each in own if each.section == "intent"]
    fresh = [each.message for each in own if each.message >= 0]
    first = min(carried, default=None) if carried else min(fresh, default=None)
    last = max([each.message for each in said if each.speaker == "assistant"], default=-1)
    closing = [each.order for each in said if each.message == last >= 0][-CURRENT_SENTENCES:]
    return _Places(first, min(still_open, max(fresh, default=still_open)), last, frozenset(closing))


def _placed(unit: Unit, places: _Places) -> tuple[Section, float]:
    """Return a statement's section, and what it gains by where it stands."""
    statement = unit.statement
    section = _section(unit)
    if statement.speaker != "user":
        if statement.order in places.closing and statement.message == places.last:
            return "current", CURRENT_BONUS
        return section, 0.0
    is_request = unit.sort in ("request", "question") and section != "decisions"
    if statement.message == places.first:
        opens = statement.is_opening or statement.section == "intent"
        return "intent", (REQUEST_BONUS if is_request else 0.0) + (OPENING_BONUS if opens else 0.0)
    if section == "intent":
        return ("decisions" if unit.sort in DIRECTIVES else "asked"), 0.0
    if statement.message >= places.open and is_request:
        return "intent", REQUEST_BONUS
    return section, 0.0


def shown(unit: Unit) -> str:
    """Return a statement as it is written: with the question it answers, where it says little alone."""
    statement = unit.statement
    text = harmless(statement.text)
    if needs_question(unit):
        text = f"[{harmless(statement.question)}] {text}"
    return f"[{statement.day}] {text}" if statement.day else text


def _section(unit: Unit) -> Section:
    statement = unit.statement
    if statement.section:
        return next((section for section in _KNOWN if section == statement.section), "decisions")
    if statement.speaker == "user":
        return "decisions" if unit.sort in DIRECTIVES else "asked"
    if unit.sort in ("decision", "rule"):
        return "decisions"
    if unit.sort == "open":
        return "pending"
    return "errors" if unit.cues & FAIL and unit.cues & DONE else "solving"


_KNOWN: tuple[Section, ...] = (
    "intent", "concepts", "files", "calls", "errors", "asked", "solving", "pending", "current", "decisions", "next"
)  # fmt: skip


def _fact_item(fact: Fact) -> Item:
    group, text = _grouped(fact)
    shares_line = fact.kind in ("found", "changed", "read")
    order = fact.order + (READ_AFTER if fact.kind == "read" else 0)
    section = _FACT_SECTIONS[fact.kind]
    return build(Item, (section, FACT, text, fact.weight, order, 0, group, shares_line, "fact", False))


def _spare_items(found: Survey) -> Iterator[Item]:
    for fact in spare_lines(found.looks, found.facts):
        yield _fact_item(fact)._replace(kind="spare")


def _grouped(fact: Fact) -> tuple[str, str]:
    """Return what stands in front of a fact, once for those that share a line, and the fact."""
    if fact.kind == "found":
        source, bar, text = fact.text.partition(" | ")
        return (f"found: {source} | ", text) if bar else ("found: ", source)
    if fact.kind in ("changed", "read"):
        return f"{fact.kind}: ", fact.text
    return f"{fact.kind}: ", render_fact(fact).partition(": ")[2]


def _concepts(units: Iterable[Unit]) -> Iterator[Item]:
    """Name the identifiers and names that come back in message after message."""
    met: dict[str, set[int]] = {}
    shown: dict[str, str] = {}
    for unit in units:
        for value in unit.values:
            if value.kind in ("ident", "code", "acronym", "name") and len(value.text) > 2 and " " not in value.text:
                met.setdefault(value.text, set()).add(unit.statement.message)
                if value.text not in shown:
                    shown[value.text] = _as_written(value.text, unit.statement.text)
    often = sorted(met, key=lambda text: (-len(met[text]), text))[:CONCEPTS]
    terms = [shown[text] for text in often if len(met[text]) >= MIN_MENTIONS]
    if len(terms) > 1:
        yield Item("concepts", NOTE, harmless(", ".join(terms)), CONCEPTS_WORTH, 0)


def _as_written(low: str, text: str) -> str:
    at = text.lower().find(low)
    return text[at : at + len(low)].strip("`*_") if at >= 0 else low


def _last_deeds(found: Survey) -> Iterator[Item]:
    """Say what was done last: with the open calls, the exact stopping point."""
    last = [f"{action.deed} {harmless(action.target)}" for action in found.actions[-LAST_DEEDS:] if action.target]
    if last:
        order = max((unit.statement.order for unit in found.units), default=0) + 1
        yield Item("current", NOTE, f"Last done: {'; '.join(dict.fromkeys(last))}", LAST_DEEDS_WORTH, order, order)


def _account(found: Survey, packed: Packed, following: Sequence[Message]) -> Facts:
    """Count facts found, kept and lost; what stays in the messages that follow is kept too."""
    said = {item.text for item in packed.items}
    tail = "\n".join(part.text for message in following for part in message.parts)
    lost = tuple(
        fact.name
        for fact in found.facts
        if not (_fact_text(fact) in said or fact.text in packed.text or fact.text in tail)
    )
    return Facts(found=len(found.facts), kept=len(found.facts) - len(lost), lost=lost)


def _fact_text(fact: Fact) -> str:
    return fact.text if fact.kind in ("user", "decided") else _grouped(fact)[1]
