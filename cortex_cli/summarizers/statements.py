"""What was said, sentence by sentence: text of people and assistants cut into statements.

Machine text inside a user's message (reminders, pasted logs, code) is told from the user's own words here.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from cortex_cli.messages import Message, build
from cortex_cli.summarizers.common_words import word_set
from cortex_cli.summarizers.rescue import telling_lines
from cortex_cli.typed import is_blank, is_machine_text

Speaker = Literal["user", "assistant", "note"]
"""`note`: from an earlier summary, where it is not quoted as the user's own words."""

SHORT_LINE = 24
"""Characters of a line that is not worth cutting."""

LONG_SENTENCE = 300
"""Characters from which on a sentence is cut at semicolons too."""

PASTE_LINES = 4
"""So many lines of machine text on end in a user's message are a paste, not the user's words."""

PASTE_CHARS = 400
"""A line so long without a sentence in it is a paste too."""

LONG_MESSAGE, SHORT_PROSE = 12, 2
"""In a message of so many lines, so few lines of prose between machine text belong to the paste."""

PROSE_SHARE = 0.5

MOST_PASTED = 3
"""Telling lines that are kept of what a user pasted."""


class Statement(NamedTuple):
    """One sentence or line."""

    speaker: Speaker
    text: str
    """On one line, word for word."""
    message: int
    """Position of its message in what is summarised; negative for what an earlier summary carried."""
    order: int
    """Counts statements through, oldest first."""
    question: str = ""
    """The other side's question right before, where this looks like the answer."""
    is_opening: bool = False
    """First of its message."""
    is_whole: bool = False
    """The only one of its message."""
    day: str = ""
    """The day it was said (ISO 8601), where it says `tomorrow` or the like."""
    section: str = ""
    """Where an earlier summary had it; empty for what was said since."""


_REMINDER = re.compile(
    r"<(system-reminder|command-[\w-]+|local-command-[\w-]+|environment_context|user_instructions|turn_aborted|ide_[\w-]+)"
    r"\b[^>]*>.*?</\1>",
    re.DOTALL,
)
_SENTENCE_END = re.compile(r"[.!?。！？](?:(?<=[。！？])|[\"')\]”’*_]*(?=\s))")
_ABBREVIATIONS = word_set(
    """e.g i.e vs cf approx etc no nr dr mr mrs ms st prof fig eq sec ch inc ltd jr sr resp incl max min dept est a.m
    p.m"""
)
_BULLET = re.compile(r"(?:[-*•+–>]|\d{1,2}[.)]|\[[ xX]\]|#{1,6})\s+")
_RULE_LINE = re.compile(r"[\s|:=*_~#+.-]*\Z")
_LEANING = re.compile(
    r"(?:it|this|that|they|these|those|he|she|both|neither|same)"
    r"(?:(?:'(?:s|re)\s|\s+(?:is|are|was|were)\s)(?:in|on|at|for|to|from|by"
    r"|only|not|never|always|also|because|why|where|when|how|what|the|an?|set|used|required|needed|written|due|called|named|\d)"
    r"|'(?:ll|d|ve)\b|\s+(?:must|should|shall|can"
    r"|ha(?:s|ve|d) (?:to|an?|no|\d+)"
    r"|cannot|can't|will|won't|would|needs?|means?|goes|stays?|applies|lives?|runs?|uses?|takes?|costs?|also|only|never|always"
    r"|for|with|instead|too|doesn't|isn't|don't|breaks?|causes?)\b)"
    r"|(?:make|scratch|drop|change|forget|undo) (?:that|it|this)\b|otherwise\b",
    re.IGNORECASE,
)
_RELATIVE = re.compile(
    r"\b(?:yesterday|today|tomorrow|tonight|(?:days?|weeks?|months?|years?) ago|in \w+ (?:days?|weeks?|months?|years?)"
    r"|(?:last|next|this|coming) (?:night|week|weekend|month|quarter|year|spring|summer|autumn|fall|winter"
    r"|[a-z]{3,6}day))\b",
    re.IGNORECASE,
)
_TIME_WORDS = word_set("day night week month quarter year spring summer autumn fall winter tomorrow")
"""One of them is in every such hint."""
_CODE_LINE = re.compile(
    r"\s{4,}\S|\t|[{}\[\]()<>|$]|\[?\d{4}-\d\d-\d\d|\[?\d\d:\d\d:\d\d|[-+]{3}\s|@@|>>>|E\s{2,}"
    r"|(?:at|File|import|from|def|class|return|const|let|var|func|public|private)\s+[\w\"'<.{*]+.*[({;:\"']"
    r"|[\w./~@-]+[$#%]\s|[\w.-]+\s*[:=]\s*[\"'{\[]|(?:ERROR|WARN|WARNING|INFO|DEBUG|FAIL|PASS|Traceback)\b"
    r"|npm (?:ERR|WARN)|[\w./-]+:\d+(?::\d+)?[:\s]|.*[;{}]\s*\Z"
)
"""How lines of logs, listings and code begin (or end)."""


def read_statements(messages: Iterable[Message]) -> Iterator[Statement]:
    """Yield the statements of typed user messages and assistant messages, in order."""
    order = 0
    question = claimed = ""
    for position, message in enumerate(messages):
        role = message.role
        is_user = role == "user"
        if message.slot or message.synthetic or not (message.typed if is_user else role == "assistant"):
            continue
        speaker: Speaker = "user" if is_user else "assistant"
        pieces = [piece for text in own_texts(message) for piece in sentences(text, is_user=is_user)]
        if not pieces:
            continue
        if question and len(pieces) > 1 and _is_bare_reply(pieces[0]):
            pieces[:2] = [f"{pieces[0]} {pieces[1]}"]
        today, is_whole = _day_needed(message), len(pieces) == 1
        if not question and is_user and _POINTING.match(pieces[0]):
            question = claimed
        asked, is_opening = "" if pieces[0].endswith("?") else question, True
        for piece in pieces:
            day = today if today and _RELATIVE.search(piece) else ""
            yield build(Statement, (speaker, piece, position, order, asked, is_opening, is_whole, day, ""))
            asked, is_opening = "", False
            order += 1
        question = pieces[-1] if is_whole or pieces[-1].endswith(("?", "？")) else pieces[-2]
        claimed = pieces[-1] if not is_user and _FIGURE.search(pieces[-1]) else ""
        if not question.endswith(("?", "？")):
            question = ""


def _day_needed(message: Message) -> str:
    """Return the day of a message that may say `tomorrow` or the like; to look at each piece of the others is slow."""
    if not message.time:
        return ""
    text = message.text.casefold()
    return message.time[:10] if any(word in text for word in _TIME_WORDS) else ""


def own_texts(message: Message) -> Iterator[str]:
    """Yield what its author wrote, without the reminders that a client mixed in."""
    is_user = message.role == "user"
    for part in message.parts:
        text = part.text
        if part.kind != "text" or (is_user and is_machine_text(text)):
            continue
        if "</" in text:
            text = _REMINDER.sub("\n", text)
        if not is_blank(text):
            yield text


def sentences(text: str, *, is_user: bool) -> list[str]:
    """Cut a text into sentences and lines; code in fences, and what a user pasted, is left out."""
    pieces: list[str] = []
    for line in _prose_lines(text, is_user):
        stripped = line.strip()
        if not stripped[:1].isalpha():
            bullet = _BULLET.match(stripped)
            if bullet:
                stripped = stripped[bullet.end() :].lstrip()
            if not stripped or _RULE_LINE.match(stripped) or (bullet is not None and bullet[0].startswith("#")):
                continue
        pieces.extend(_cut(stripped))
    return _lean(pieces)


def _prose_lines(text: str, is_user: bool) -> Iterable[str]:
    """Yield lines that are not code; of what a user pasted the telling ones."""
    if "\n" not in text and len(text) <= PASTE_CHARS:
        return (text,)
    return _lines_of_prose(text, is_user)


def _lines_of_prose(text: str, is_user: bool) -> Iterator[str]:
    lines = text.split("\n")
    pasted = _pasted(lines) if is_user and (len(lines) >= PASTE_LINES or len(text) > PASTE_CHARS) else frozenset()
    if pasted:
        block = "\n".join(lines[number] for number in sorted(pasted))
        found = telling_lines(block, most=MOST_PASTED)
        telling = {line.text for line in found if line.is_failure or line is found[0]}
    fence = ""
    for number, line in enumerate(lines):
        mark = line.lstrip()[:3]
        if mark in ("```", "~~~"):
            fence = "" if fence == mark else fence or mark
        elif not fence and (number not in pasted or line.strip() in telling):
            yield line


def _pasted(lines: list[str]) -> frozenset[int]:
    """Find runs of machine text: logs, listings, code."""
    found: list[int] = []
    run: list[int] = []
    machine = 0
    loose = SHORT_PROSE if len(lines) > LONG_MESSAGE else 0
    prose = 0
    for number, line in enumerate((*lines, *("End.",) * (SHORT_PROSE + 1))):
        if len(line) > PASTE_CHARS and (line.lstrip()[:1] in "{[<" or not _SENTENCE_END.search(line)):
            found.append(number)
        elif not line.strip() or _CODE_LINE.match(line) or not _is_prose(line):
            run.append(number)
            machine += bool(line.strip())
            prose = 0
            continue
        prose += 1
        if machine >= PASTE_LINES and prose <= loose:
            run.append(number)
            continue
        if machine >= PASTE_LINES:
            found.extend(run[: len(run) - prose + 1] if prose > 1 else run)
        run, machine, prose = [], 0, 0
    return frozenset(found)


def _is_prose(line: str) -> bool:
    """Tell whether most of a line is words."""
    words = line.split()
    plain = sum(word.strip(".,;:!?()\"'`*").isalpha() for word in words)
    return bool(words) and plain >= PROSE_SHARE * len(words) and not line.endswith(("{", ";", "\\"))


def _cut(line: str) -> list[str]:
    length = len(line)
    if length < SHORT_LINE or (length <= LONG_SENTENCE and _is_one(line, length - 1)):
        return [line]
    pieces: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(line):
        stop, end = match.span()
        if end < length and _is_abbreviation(line, start, stop):
            continue
        pieces.append(line[start:end].strip())
        start = end
    if start < length and (rest := line[start:].strip()):
        pieces.append(rest)
    if length > LONG_SENTENCE and any(len(piece) > LONG_SENTENCE for piece in pieces):
        pieces = [part for piece in pieces for part in (piece.split("; ") if len(piece) > LONG_SENTENCE else (piece,))]
    return pieces


def _is_one(line: str, last: int) -> bool:
    """Tell of most lines that are one sentence that they are, for speed: nothing in them ends one."""
    return line.isascii() and line.find(".", 0, last) == line.find("?", 0, last) == line.find("!", 0, last) == -1


def _is_abbreviation(line: str, start: int, stop: int) -> bool:
    """Tell whether the word that ends at a full stop is short for another, a letter, or the number of an item."""
    begin = line.rfind(" ", start, stop) + 1
    word = line[begin:stop].lstrip("([\"'").lower()
    if word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha()):
        return True
    return word.isdigit() and len(word) < 3 and not start and not any(map(str.isalnum, line[:begin]))


def _lean(pieces: list[str]) -> list[str]:
    """Join what cannot be understood alone with the sentence before.

    That is one that points back (`It must stay under 3.`), and the answer to one's own question (`The limit? 40.`).
    """
    if len(pieces) < 2:
        return pieces
    joined = pieces[:1]
    for piece in pieces[1:]:
        last = joined[-1]
        if len(last) < LONG_SENTENCE and (_answers(last, piece) or _LEANING.match(piece)):
            joined[-1] = f"{last} {piece}"
        else:
            joined.append(piece)
    return joined


def _answers(question: str, piece: str) -> bool:
    return question.endswith(("?", "？")) and piece.count(" ") < SHORT_ANSWER and not piece.endswith("?")


def _is_bare_reply(piece: str) -> bool:
    """Tell whether a piece only says yes or no: what is meant comes next."""
    words = piece.lower().rstrip(".!").split()
    return len(words) <= BARE_REPLY and not REPLIES.isdisjoint(words[:2])


_POINTING = re.compile(
    r"(?:no|nope|nah|not any ?more|it[’']?s|it is|that[’']?s|make (?:it|that)|rather|we[’']?re (?:on|at)"
    r"|(?:s?he|they)[’']?(?:s|re)|i[’']?d)\b",
    re.IGNORECASE,
)
"""How an answer begins that corrects what the other side took for given: `it's 23 June now, they moved it`."""
_FIGURE = re.compile(r"\d")

REPLIES = word_set("no nope nah not never yes yep yeah yup sure correct right exactly better")
"""One of the first two words of an answer that says yes or no."""
BARE_REPLY = 3
"""Words of a reply that only says yes or no: `Not any more.`, `Hell no.`."""

SHORT_ANSWER = 4
"""Words of a sentence that hardly has a verb of its own."""
