"""The eleven sections of a summary: their names, their order, and how other tools call them.

Source of the sections: SPEC section 4.
"""

import re
from typing import Literal, get_args

Section = Literal[
    "intent", "concepts", "files", "calls", "errors", "asked", "solving", "pending", "current", "decisions", "next"
]

SECTIONS: tuple[Section, ...] = get_args(Section)

TITLES: dict[Section, str] = {
    "intent": "Primary request and intent",
    "concepts": "Key concepts",
    "files": "Files and code",
    "calls": "Tool-call outcomes",
    "errors": "Errors and fixes",
    "asked": "All user messages",
    "solving": "Problem solving",
    "pending": "Pending tasks",
    "current": "Current work",
    "decisions": "Key decisions",
    "next": "Optional next step",
}

_HINTS: tuple[tuple[Section, str], ...] = (
    ("next", r"next step|next steps|what'?s next|upcoming"),
    ("decisions", r"decision|constraint|preference|rules|key knowledge|key_knowledge|instructions|agreed|requirements"),
    ("asked", r"user messages|user said|user feedback"),
    ("pending", r"pending|todo|remaining|open (?:tasks|items|questions)|plan|backlog|in progress"),
    ("current", r"current (?:work|state|status|task)|where we|status|recent_actions|recent actions"),
    ("errors", r"error|bug|fix|issue|blocker"),
    ("files", r"files?\b|code section|file_system|artifacts|modified|created"),
    ("calls", r"tool|command|outcome|result"),
    ("solving", r"problem|analysis|finding|investigation|progress|completed|done|accomplished|work packages"),
    ("concepts", r"concept|technolog|context|architecture|stack|environment|branch"),
    ("intent", r"request|intent|goal|objective|task|purpose|overview"),
)
_HINT_PATTERNS = tuple((section, re.compile(hint, re.IGNORECASE)) for section, hint in _HINTS)
_BY_TITLE = {title: section for section, title in TITLES.items()}


def section_of(title: str) -> Section | None:
    """Tell which section a heading stands for, ours or another tool's; None where nothing hints at it."""
    title = title.strip().strip("#*:").strip()
    if title in _BY_TITLE:
        return _BY_TITLE[title]
    return next((section for section, hint in _HINT_PATTERNS if hint.search(title)), None)
