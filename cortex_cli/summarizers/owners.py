"""Finds what a line of a tool result belongs to: `"reason": "Evicted"` says little without the name of its object.

An object of JSON is named by its first plain value, an entry of a configuration by the key above it, a line of a
paragraph by the first line of that.
"""

import re

LOOK_BACK_CHARS = 4_000
"""What stands further in front of a line does not name it."""

MAX_OWNER_CHARS = 100
"""A longer line is no name."""

MOST_LINES = 8
"""A paragraph of more lines has no name."""

MIN_PARAGRAPHS = 4
"""Of fewer, the first lines are no names either."""

_BULLETS = frozenset("-*+|")
"""Of a list the first item names no other."""
_OPENING = re.compile(r"[\[{]")
_FIRST_OBJECT = re.compile(r"\[\s*(\{\s*\"[^\"\n]{1,80}\"\s*:)")
"""The first object of a list, up to its first key: how all others of the list begin."""
_PLAIN = re.compile(r"\"[^\"\n]{1,60}\"\s*:\s*(?:\"[^\"\n]{1,90}\"|-?\d[\d.]*)")
_ENTRY = re.compile(r"([ \t]+)[\w\"'.-]+\s*[:=]\s*\S")
"""An indented key with its value."""


def owner_of(text: str, start: int, line: str) -> str:
    """Return what names the thing that a line tells of; empty where the line does so, or nothing does.

    Args:
        text: A tool result.
        start: Where the line stands, or the long line of which it is a piece.
        line: The line without its indentation.
    """
    at = text.find(line, start)
    if at < 0:
        return ""
    body = text[:200].lstrip()
    owner = _object_of(text, at) if _OPENING.match(body) else _paragraph_of(text, start)
    owner = owner or _key_of(text, start)
    return owner if 0 < len(owner) <= MAX_OWNER_CHARS and owner not in line and line not in owner else ""


def _object_of(text: str, at: int) -> str:
    """Return the first plain value of the object in a list that holds a place."""
    first = _FIRST_OBJECT.search(text[:LOOK_BACK_CHARS])
    begin = text.rfind(first[1], max(0, at - LOOK_BACK_CHARS), at + len(first[1])) if first else -1
    named = _PLAIN.search(text, begin, begin + LOOK_BACK_CHARS) if begin >= 0 else None
    if not named or named.start() > at or text.count("{", begin, at) <= text.count("}", begin, at):
        return ""  # the object has ended
    return named[0]


def _paragraph_of(text: str, start: int) -> str:
    """Return the first line of a short paragraph, if the text is made of such."""
    parting = text.rfind("\n\n", max(0, start - LOOK_BACK_CHARS), start)
    begin = parting + 2 if parting >= 0 else 0
    before = text[begin:start]
    parted = text.count("\n\n")
    if not before or before.count("\n") >= MOST_LINES or parted < MIN_PARAGRAPHS:
        return ""
    if parted * MOST_LINES < text.count("\n") or text[begin] in _BULLETS:
        return ""
    return before.partition("\n")[0].strip()


def _key_of(text: str, start: int) -> str:
    """Return the key that an indented entry stands under."""
    entry = _ENTRY.match(text, start)
    if not entry:
        return ""
    depth = len(entry[1])
    for line in reversed(text[max(0, start - LOOK_BACK_CHARS) : start].split("\n")):
        bare = line.lstrip()
        if bare and len(line) - len(bare) < depth:
            return bare.rstrip() if bare.rstrip().endswith((":", "{")) and len(bare) > 2 else ""
    return ""
