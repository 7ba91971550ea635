"""The texts that a compaction writes into a transcript, and how they are known again.

One place for every exact form, so that what one run writes the next run recognises.
"""

import re
from typing import NamedTuple

from cortex_cli.messages import Synthetic

ACKNOWLEDGEMENT = "Understood, context restored."
"""The store's assistant message after a summary. Source: SPEC section 4."""

INTERRUPTED = "[Tool call interrupted -- no result was recorded]"
"""The result that repair writes for a call that nobody answered. Source: SPEC section 10, "neutral"."""

RESULT_REMOVED = "<system-reminder>A tool result that answered no tool call was removed here.</system-reminder>"
"""What repair leaves where user and assistant must take turns; machine text, so that it never counts as typed."""

_NOTICE = re.compile(r"\[cortex: (\d+) earlier messages \(~(\d+) tokens\) removed to fit\]\Z")
_SUMMARY = re.compile(
    r'<compaction-summary generated="([^"]*)" turns-summarized="(\d+)">\n(.*)\n</compaction-summary>\s*\Z', re.DOTALL
)


class Notice(NamedTuple):
    """What the failsafe removed, over all its runs."""

    messages: int
    tokens: int


class Summary(NamedTuple):
    """A summary as it stands in a transcript."""

    generated: str
    """ISO 8601, UTC."""
    turns: int
    """Messages it stands for, earlier summaries' included."""
    text: str


def notice_text(notice: Notice) -> str:
    """Write the failsafe's notice. Source: SPEC section 5."""
    return f"[cortex: {notice.messages} earlier messages (~{notice.tokens} tokens) removed to fit]"


def parse_notice(text: str) -> Notice | None:
    """Read a notice back, or return None where the text is something else."""
    match = _NOTICE.match(text)
    return Notice(int(match[1]), int(match[2])) if match else None


def summary_text(summary: Summary) -> str:
    """Write a summary in its tags. Source: SPEC section 4."""
    head = f'<compaction-summary generated="{summary.generated}" turns-summarized="{summary.turns}">'
    return f"{head}\n{summary.text}\n</compaction-summary>"


def parse_summary(text: str) -> Summary | None:
    """Read a tagged summary back, or return None where the text is something else."""
    match = _SUMMARY.match(text)
    return Summary(match[1], int(match[2]), match[3]) if match else None


def synthetic_kind(text: str) -> Synthetic:
    """Tell which of our messages a user text is; empty for text that is not ours."""
    if text.startswith("[cortex: ") and _NOTICE.match(text):
        return "notice"
    if text.startswith("<compaction-summary ") and _SUMMARY.match(text):
        return "summary"
    return ""
