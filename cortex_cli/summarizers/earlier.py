"""Reads summaries that stand in a transcript, ours and the clients' own, so that they can be carried on.

In ours, quoted lines are the user's words and fact lines are read as facts. Of other tools' summaries the
lines are taken as notes: a model wrote them, also where it quotes the user.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from cortex_cli.marks import Summary, parse_summary
from cortex_cli.messages import Message, build
from cortex_cli.summarizers.ledger import TITLE as LEDGER_TITLE
from cortex_cli.summarizers.ledger import Fact, parse_fact, parse_ledger, without_ledger
from cortex_cli.summarizers.sections import TITLES, Section, section_of
from cortex_cli.summarizers.statements import Speaker, Statement, sentences
from cortex_cli.summarizers.words import EARLIER

QUOTE, NOTE = "> ", "- "
"""How lines of our sections begin: the user's own words, and everything else."""
FACT = "* "
"""A line of a section that is a fact in the ledger's form."""

_PREAMBLE = re.compile(
    r"\s*(?:This session is being continued from a previous conversation[^\n]*\n"
    r"|The conversation history before this point[^\n]*\n"
    r"|<summary>|</summary>|\s)*",
)
_FRAME = re.compile(r"</?(?:summary|state_snapshot|analysis)>")
_HEADING = re.compile(
    r"\A(?:#{1,4}\s+(?P<hash>[^\n]+?)|\d{1,2}\.\s+(?P<number>[A-Z][^\n:]{3,50}):?|\*\*(?P<bold>[^*\n]{3,60}?):?\*\*:?|<(?P<tag>[a-z_]+)>)\s*\Z"
)
_DATED = re.compile(r"\[(\d{4}-\d\d-\d\d)\] ")
"""The day a quoted line was said."""
_ASKED = re.compile(r"\[([^\]]+[?？])\] ")
"""The question that a quoted line answers."""
_CLOSING = re.compile(r"\A</[a-z_]+>\Z")
_OURS = frozenset(TITLES.values())


SHORT = "./"
BASE = f"{SHORT} = "
"""In front of the folder in which paths lie that begin with `SHORT`."""
SEPARATOR = " ¦ "
"""Between facts that share a line."""
GAP = " … "
"""Between sentences of one message that did not follow each other."""
LINK = "; "
"""Between lines of one message that end in no punctuation."""
_PARTS = re.compile(f"{GAP}|{LINK}")

MOST_REMEMBERED, LONGEST_REMEMBERED = 4096, 2000
"""Lines that are kept in memory, taken apart, and characters of the longest: most of a summary stands in the next one,
too, which has some hundreds. Together no more than 10 MB."""


class Carried(NamedTuple):
    """What an earlier summary said."""

    statements: tuple[Statement, ...]
    """Oldest first, with negative `message`, one number a line."""
    facts: tuple[Fact, ...]


def read_earlier(summaries: Iterable[Summary]) -> Carried:
    """Read earlier summaries, oldest first; a later one was written with the earlier at hand and updates it."""
    statements: list[Statement] = []
    facts: list[Fact] = []
    for summary in summaries:
        body = without_ledger(summary.text)
        is_ours = _is_ours(body) and body == summary.text.strip()
        base = ""
        for section, line in _lines(_all_marked(body) if is_ours else body):
            if is_ours and section == "concepts":
                continue  # they are found anew
            if is_ours and line.startswith(FACT + BASE):
                base = line[len(FACT + BASE) :]
            elif is_ours and line.startswith(FACT):
                facts.extend(_placed(fact, base) for fact in _facts(line[len(FACT) :]))
            else:
                speaker: Speaker = "note"
                if is_ours and line.startswith((QUOTE, NOTE)):
                    speaker = "user" if line.startswith(QUOTE) else "assistant"
                    line = line[2:]
                statements.extend(read_line(line, speaker, len(statements), section, is_ours=is_ours))
        facts.extend(_ledger_facts(parse_ledger(summary.text), statements))
    count = len(statements)
    return Carried(
        tuple(
            build(Statement, (*each[:2], each.message - count - 1, at - count, *each[4:]))
            for at, each in enumerate(statements)
        ),
        tuple(build(Fact, (*fact[:4], at - len(facts), fact.message)) for at, fact in enumerate(facts)),
    )


def earlier_summary(message: Message) -> Summary:
    """Read an earlier summary, ours or a client's own (which counts as one message of unknown age)."""
    return parse_summary(message.text) or Summary(message.time, 1, message.text)


def is_marked(line: str) -> bool:
    """Tell whether a line begins with one of our signs, or might be taken for a heading or a fence."""
    return line.startswith((QUOTE, NOTE, FACT, "#", "```", "~~~", "</")) or _HEADING.match(line) is not None


def is_own_summary(text: str) -> bool:
    """Tell whether a text without tags is a summary of ours: by our titles and lines, or by the ledger behind it."""
    body = without_ledger(text)
    return body != text.strip() or (body.startswith("## ") and _is_ours(body))


def _is_ours(body: str) -> bool:
    """Tell whether the built-in summariser wrote it: our titles, and no line in another form.

    A model's summary may have our titles too; it is known by its ledger, whose `user:` lines hold the user's words.
    """
    quoted = False
    for line in body.split("\n"):
        if line.startswith((NOTE, FACT)) or (line.startswith("## ") and line[3:] in _OURS):
            quoted = False
        elif line.startswith(QUOTE):
            quoted = True
        elif line.strip() and (not quoted or is_marked(line)):
            return False
    return bool(body.strip())


def _all_marked(body: str) -> str:
    """Give every line of a tight summary its sign: what has none goes on with the quote before it."""
    return "\n".join(line if is_marked(line) or not line.strip() else f"{QUOTE}{line}" for line in body.split("\n"))


def _lines(body: str) -> Iterator[tuple[Section, str]]:
    """Yield the lines of a summary with the section they stand in."""
    section: Section = "decisions"
    fenced = False
    for raw in _FRAME.sub("\n", _PREAMBLE.sub("", body, count=1)).split("\n"):
        line = raw.strip()
        if line.startswith(("```", "~~~")):
            fenced = not fenced
            continue
        if fenced:
            continue
        heading = None if line.startswith((QUOTE, NOTE, FACT)) else _HEADING.match(line)
        if heading:
            title = next(name for name in heading.groups() if name is not None)
            if title != LEDGER_TITLE:
                section = section_of(title) or section
        elif line and not _CLOSING.match(line):
            yield section, line


def _placed(fact: Fact, base: str) -> Fact:
    """Give a fact its whole path back."""
    is_short = base and fact.text.startswith(SHORT) and fact.kind in ("changed", "read", "found")
    return build(Fact, (fact.kind, base + fact.text[len(SHORT) :], *fact[2:])) if is_short else fact


def _facts(line: str) -> Iterator[Fact]:
    """Read a line of facts; several may share one."""
    fact = parse_fact(line)
    if fact is None:
        return
    if fact.kind not in ("found", "changed", "read"):
        yield fact
        return
    source, bar, rest = fact.text.partition(" | ") if fact.kind == "found" else ("", "", fact.text)
    for text in (rest or source).split(SEPARATOR):
        yield build(Fact, (fact.kind, f"{source}{bar}{text}" if bar else text, *fact[2:]))


def read_line(
    line: str, speaker: Speaker, at: int, section: Section | Literal[""] = "", *, is_ours: bool = True
) -> Iterator[Statement]:
    """Read the statements of one line, all with the number `at`; one of ours may hold several, days and questions."""
    read = _sentences if len(line) <= LONGEST_REMEMBERED else _sentences.__wrapped__
    for piece, question, day in read(line, is_ours):
        yield build(Statement, (speaker, piece, at, at, question, False, False, day, section))


@lru_cache(maxsize=MOST_REMEMBERED)
def _sentences(line: str, is_ours: bool) -> tuple[tuple[str, str, str], ...]:
    """Return the sentences of a line, each with the question it answers and the day it was said."""
    found: list[tuple[str, str, str]] = []
    for part in _PARTS.split(line) if is_ours else (line,):
        dated = _DATED.match(part)
        part = part[dated.end() :] if dated else part
        asked = _ASKED.match(part)
        question, day = asked[1] if asked else "", dated[1] if dated else ""
        for piece in _with_marks(sentences(part[asked.end() :] if asked else part, is_user=False)):
            found.append((piece, question, day))
            question = day = ""
    return tuple(found)


def _with_marks(pieces: Iterable[str]) -> list[str]:
    """Give the mark of what is replaced back to the sentence it stands behind: a full stop parted them."""
    found: list[str] = []
    for piece in pieces:
        while found and piece.startswith(EARLIER):
            found[-1] = f"{found[-1]} {EARLIER}" if not found[-1].endswith(EARLIER) else found[-1]
            piece = piece[len(EARLIER) :].lstrip()
        if piece:
            found.append(piece)
    return found


def _ledger_facts(facts: Iterable[Fact], statements: list[Statement]) -> Iterator[Fact]:
    """Take what people said out of the ledger: it goes the way of statements."""
    known = {each.text for each in statements}
    for fact in facts:
        if fact.kind not in ("user", "decided"):
            yield fact
            continue
        speaker: Speaker = "user" if fact.kind == "user" else "assistant"
        at = len(statements)
        for piece in sentences(fact.text, is_user=False):
            if piece not in known:
                statements.append(Statement(speaker, piece, at, at, section="decisions"))
