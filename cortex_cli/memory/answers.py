"""What an observing or condensing model answered: taken apart, and refused where it cannot be used.

Source: SPEC section 6, "Output tags".
"""

import re
from typing import NamedTuple

from cortex_cli.llm.client import Completion
from cortex_cli.summarizers.acceptance import REPETITIVE, STOPS, is_repetitive, says_nothing, why_worthless
from cortex_cli.summarizers.boundaries import open_tags

MIN_HINT_CHARS = 8
"""Of a hint, beyond its labels. Source: SPEC section 6."""

MIN_CHARS = 12
"""A shorter log is none: `Date: Jan 02` alone."""

_TAGS = ("observations", "current-task", "suggested-response")
_OPEN = re.compile(rf"<\s*({'|'.join(_TAGS)})\s*>", re.IGNORECASE)
_THOUGHT = re.compile(r"\A\s*<\s*think(?:ing)?\s*>.*?<\s*/\s*think(?:ing)?\s*>", re.DOTALL | re.IGNORECASE)
"""What some servers leave of a reasoning model's thoughts in front of its answer."""
_LABEL = re.compile(r"(?m)^[\s>#*-]*(?:\*\*)?(?:[A-Za-z][\w -]{0,30}):(?:\*\*)?(?=\s|\Z)")
_SIGN = re.compile(r"\W+")
_DATE_LINE = re.compile(r"(?mi)^\W*date\W*:.*$")


class Answer(NamedTuple):
    """A model's answer, taken apart; what is not there is empty."""

    observations: str
    current_task: str
    suggested_response: str


def read_answer(text: str) -> Answer:
    """Take an answer apart, whatever the case of its tags, and where one is not closed.

    Several pieces of log are joined, of several hints the last counts. Without any tag the whole answer is the log.
    """
    text = _THOUGHT.sub("", text)
    found: dict[str, list[str]] = {tag: [] for tag in _TAGS}
    rest: list[str] = []
    at = 0
    for opened in _OPEN.finditer(text):
        if opened.start() < at:
            continue  # inside a piece
        rest.append(text[at : opened.start()])
        tag = opened[1].lower()
        at, piece = _piece(text, opened.end(), tag)
        if piece.strip():
            found[tag].append(piece)
    rest.append(text[at:])
    log = "\n\n".join(map(_clean, found["observations"] or rest)).strip()
    return Answer(log, *(_hint(found[tag][-1] if found[tag] else "") for tag in _TAGS[1:]))


def _piece(text: str, start: int, tag: str) -> tuple[int, str]:
    """Return where a piece ends and what it says: up to its close, else to the next tag, else all."""
    closed = re.compile(rf"<\s*/\s*{tag}\s*>", re.IGNORECASE).search(text, start)
    following = next((match for match in _OPEN.finditer(text, start) if match[1].lower() != tag), None)
    if closed and (following is None or closed.start() < following.start()):
        return closed.end(), text[start : closed.start()]
    end = following.start() if following else len(text)
    return end, text[start:end]


def _clean(piece: str) -> str:
    """Take out closes without an open, and open what is left of tags."""
    for tag in _TAGS:
        piece = re.sub(rf"<\s*/\s*{tag}\s*>", "", piece, flags=re.IGNORECASE)
    return open_tags(piece).strip("\n").rstrip()


def _hint(piece: str) -> str:
    """Return a hint; empty where there is too little beyond labels."""
    text = _clean(piece).strip()
    content = _SIGN.sub(" ", _LABEL.sub("", text)).strip()
    return "" if len(content) < MIN_HINT_CHARS or says_nothing(text) else text


def why_no_log(completion: Completion, log: str) -> str:
    """Judge an answer by what it says; empty where it can be used.

    Args:
        completion: As the model gave it.
        log: What `read_answer` found in it.
    """
    if why := STOPS.get(completion.stop, ""):
        return why
    if is_repetitive(completion.text):
        return REPETITIVE
    return why_worthless(_DATE_LINE.sub("", log).strip(), min_chars=MIN_CHARS) if log else "it is empty"
