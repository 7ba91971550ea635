"""Keeps text of a transcript from being taken for structure: our tags, line prefixes, separators."""

import re

_TAG = re.compile(
    r"<(?=\s*/?\s*(?:compaction-summary|summary|analysis|state_snapshot|observations|current-task|suggested-response"
    r"|system-reminder|transcript|entry|earlier-(?:summary|observations)|conversation|command-[\w-]+|local-command-[\w-]+)\b)",
    re.IGNORECASE,
)
_BREAKS = re.compile(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f]")


def open_tags(text: str) -> str:
    """Return the text with the tags that bound summaries and prompts opened up; line ends stay. Idempotent."""
    return _TAG.sub("&lt;", text) if "<" in text else text


def indented(text: str) -> str:
    """Return the text with tags opened and every line but the first moved in: none can begin a line of ours."""
    return open_tags(_LINE_ENDS.sub("\n", text)).replace("\n", "\n  ")


def harmless(text: str) -> str:
    """Return the text on one line, with the tags that bound summaries and prompts opened up. Idempotent."""
    if text.isprintable() and "<" not in text:
        return text.strip()
    if _CONTROLS.search(text):
        text = _CONTROLS.sub("", text)
    if _BREAKS.search(text):
        text = " ".join(piece.strip() for piece in _BREAKS.split(text) if piece.strip())
    return open_tags(text).strip()
