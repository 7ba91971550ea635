"""The texts that a compaction writes into a transcript, and how they are known again.

One place for every exact form, so that what one run writes the next run recognises.
"""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from cortex_cli.messages import Synthetic

ACKNOWLEDGEMENT = "Understood, context restored."
"""The store's assistant message after a summary. Source: SPEC section 4."""

INTERRUPTED = "[Tool call interrupted -- no result was recorded]"
"""The result that repair writes for a call that nobody answered. Source: SPEC section 10, "neutral"."""

RESULT_REMOVED = "<system-reminder>A tool result that answered no tool call was removed here.</system-reminder>"
"""What repair leaves where user and assistant must take turns; machine text, so that it never counts as typed."""

ANSWER_REMOVED = "[cortex: an answer was removed here]"
"""What is left of an answer between two messages of the user's side that would become one without it."""

MAX_CLUSTER_CHARS = 64
"""Longest run of code points that a cut keeps together, so that a bookend's sides differ by no more.

Twice what Unicode allows in stream-safe text. Source: https://unicode.org/reports/tr15/#Stream_Safe_Text_Format
"""

BLANK_LINE = "\n\n"
"""Between a text of ours and the user's, where both are one text. Source: SPEC section 10, ShareGPT."""

CLEARED = "[Tool result cleared]"
LINES_END = "\n... [end of kept lines] ...\n\n"
LINE_MARK = "... ["
"""In none of the lines that a bookend keeps from its middle, so that its own signs stay unambiguous."""

LOG_OPENING = "[Memory of this conversation]"

_OWN_BEGINNINGS = ("<compaction-summary ", "[cortex: ", LOG_OPENING)
_SUMMARY_END = "\n</compaction-summary>"
_FINDINGS = " -- see assistant response below for findings"
_NOTICE = re.compile(r"\[cortex: (\d+) earlier messages \(~(\d+) tokens\) removed to fit\]\Z")
_PARTING_OPENING = "[cortex: next message, from "
_PARTING = re.compile(rf"(?:\A|\n\n){re.escape(_PARTING_OPENING)}([\w-]+)\]\n\n")
_SUMMARY = re.compile(
    r'<compaction-summary generated="([^"]*)" turns-summarized="(\d+)">\n(.*)\n</compaction-summary>\s*\Z', re.DOTALL
)
_MIDDLE = re.compile(
    r"\n\n\.\.\. \[~(\d+) tokens trimmed(?:( at insertion)|; full content at ([^\n]+?))?(; lines kept:)?\] \.\.\.\n"
)
_WHOLE = re.compile(
    r"\[Tool result (?:trimmed -- [^\n]*|cleared|persisted -- [^\n]*(?:use Read on|run `cortex recall --id) "
    r"([^\n`]+)`? for full content)\]\Z"
)
_HEADER = re.compile(r"\[Result persisted: ([^\n]+) \(\d+ chars, ~\d+ tokens\) -- [^\n]*\]\n\n")
_FOOTER = re.compile(
    r"\n\n\[Full content persisted to ([^\n]+) -- (?:use Read|run `cortex recall --id [^\n`]+`) to access\]\Z"
)
_IMAGES = re.compile(r"(?:(?:\A|\n)\[image removed: [^\n\]]*, ~\d+ tokens\])+\Z")
_IMAGE_TAIL = " tokens]"

_LOG_PREAMBLE = (
    f"{LOG_OPENING}\n"
    "The notes below stand in the place of earlier messages, oldest first; dates and times are UTC. Use them as your"
    " own memory: rely on them, do not speak of them, and do not do again what they mark as done.\n"
    "🔴 is critical: what the user said, wants or forbids. 🟡 matters, 🟢 is background, ✅ is finished. Where two"
    " notes disagree, the later one holds. The newest messages follow after the notes."
)
_LOG_RECALL = "\nThe exact words of what was noted can be looked up: "
_LOG_FRONT = re.compile(
    rf"{re.escape(LOG_OPENING)}\n(?:[^\n]+\n)*?(?:The exact words of what was noted can be looked up: ([^\n]*)\n)?\n"
    r"<observations>\n(.*?)\n</observations>"
    r"(?:\n\n<current-task>\n(.*?)\n</current-task>)?"
    r"(?:\n\n<suggested-response>\n(.*?)\n</suggested-response>)?",
    re.DOTALL,
)
_LOG = re.compile(rf"{_LOG_FRONT.pattern}\s*\Z", re.DOTALL)


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


class Log(NamedTuple):
    """The memory of a conversation as it stands in a transcript. Its texts hold none of the tags around them."""

    observations: str
    current_task: str = ""
    suggested_response: str = ""
    recall: str = ""
    """How the originals are looked up, one line; empty where they are not kept."""


class Bookend(NamedTuple):
    """A shortened result: its two ends, and perhaps lines of the middle."""

    head: str
    tail: str
    tokens: int
    """Tokens removed, over all runs."""
    lines: str = ""
    """Lines kept of the middle."""
    is_cap: bool = False
    ref: str = ""
    """Where the whole text was put, as the middle names it."""
    header: str = ""
    """The persisted-result line in front, with its blank line, as it stands."""
    footer: str = ""
    """The persisted-content line behind, with its blank line, as it stands."""

    @property
    def kept_chars(self) -> int:
        """How much of the result is left."""
        return len(self.head) + len(self.lines) + len(self.tail)


class Stub(NamedTuple):
    """A result of which nothing is left but a placeholder."""

    ref: str = ""


Removal = Literal["placeholder", "clear"]


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


def log_text(log: Log) -> str:
    """Write the memory of a conversation. What is added to the notes leaves the text before them as it was.

    Source: SPEC section 6, "Slot text".
    """
    recall = f"{_LOG_RECALL}{log.recall}" if log.recall else ""
    pieces = [f"{_LOG_PREAMBLE}{recall}", f"<observations>\n{log.observations}\n</observations>"]
    if log.current_task:
        pieces.append(f"<current-task>\n{log.current_task}\n</current-task>")
    if log.suggested_response:
        pieces.append(f"<suggested-response>\n{log.suggested_response}\n</suggested-response>")
    return "\n\n".join(pieces)


@lru_cache(maxsize=8)
def parse_log(text: str) -> Log | None:
    """Read the memory back, or return None where the text is something else."""
    match = _LOG.match(text) if text.startswith(LOG_OPENING) else None
    return Log(match[2], match[3] or "", match[4] or "", match[1] or "") if match else None


def synthetic_kind(text: str) -> Synthetic:
    """Tell which of our messages a user text is; empty for text that is not ours."""
    if text.startswith("[cortex: ") and _NOTICE.match(text):
        return "notice"
    if text.startswith("<compaction-summary ") and _SUMMARY.match(text):
        return "summary"
    if text.startswith(LOG_OPENING) and _LOG.match(text):
        return "log"
    return ""


def answer_kind(text: str, previous: str) -> Synthetic:
    """Tell which of our answers a text is, `previous` being the kind of the message before; empty for none."""
    if text == ACKNOWLEDGEMENT and previous == "summary":
        return "acknowledgement"
    if text == ANSWER_REMOVED:
        return "parting"
    return "notice" if parse_notice(text) else ""


def _own_piece(text: str) -> tuple[str, str]:
    """Split a text that begins as one of ours does where that should end."""
    if text.startswith(LOG_OPENING):
        match = _LOG_FRONT.match(text)
        end = match.end() if match else len(text)
        return text[:end], text[end:]
    piece, found, rest = text.partition(_SUMMARY_END if text.startswith("<") else "]")
    return piece + found, rest


def parting_text(speaker: str) -> str:
    """Write what stands, between blank lines, before a message that shares a text with the one before it."""
    return f"{_PARTING_OPENING}{speaker}]"


def find_parting(text: str, start: int = 0) -> tuple[int, int, str] | None:
    """Find where one message of a text ends and the next begins: (end, begin, who speaks from there)."""
    match = _PARTING.search(text, start) if _PARTING_OPENING in text else None
    return (match.start(), match.end(), match[1]) if match else None


def split_own(text: str) -> tuple[list[str], str]:
    """Split a user text into those of ours that it begins with, and the rest.

    Formats whose messages are plain texts write ours in front of the user's, a blank line between.
    """
    own: list[str] = []
    while text.startswith(_OWN_BEGINNINGS):
        piece, rest = _own_piece(text)
        if not synthetic_kind(piece) or (rest and not rest.startswith(BLANK_LINE)):
            break
        own.append(piece)
        text = rest.removeprefix(BLANK_LINE)
        if not rest:
            return own, ""
    return own, text


def names_file(ref: str) -> bool:
    """Tell a file path from the id of an archived item: ids have no path separator."""
    return "/" in ref or "\\" in ref


def bookend_text(bookend: Bookend) -> str:
    """Write a shortened result. Source: SPEC sections 2 (cap) and 3 (bookend)."""
    where = " at insertion" if bookend.is_cap else f"; full content at {bookend.ref}" if bookend.ref else ""
    lines = f"; lines kept:] ...\n{bookend.lines}{LINES_END}" if bookend.lines else "] ...\n\n"
    middle = f"\n\n... [~{bookend.tokens} tokens trimmed{where}{lines}"
    return f"{bookend.header}{bookend.head}{middle}{bookend.tail}{bookend.footer}"


def persisted_header(ref: str, *, chars: int, tokens: int, tool: str) -> str:
    """Write the line in front of a bookend whose original was put away. Source: SPEC section 3."""
    return f"[Result persisted: {ref} ({chars} chars, ~{tokens} tokens) -- {tool}]\n\n"


def persisted_footer(ref: str) -> str:
    """Write the line behind a capped result whose original was put away. Source: SPEC sections 2 and 3."""
    how = "use Read" if names_file(ref) else f"run `cortex recall --id {ref}`"
    return f"\n\n[Full content persisted to {ref} -- {how} to access]"


def stub_text(removal: Removal, *, tool: str, preview: str, has_findings: bool, ref: str = "") -> str:
    """Write what stands for a removed result. Source: SPEC section 3.

    Args:
        removal: A placeholder quotes `preview`, clear does not.
        tool: The tool's name; empty where it is not known.
        preview: The result's beginning, one line.
        has_findings: Whether an assistant text follows.
        ref: Where the original was put.
    """
    tool = tool or "unknown"
    quote = f': "{preview}"' if removal == "placeholder" else ""
    if ref:
        how = f"use Read on {ref}" if names_file(ref) else f"run `cortex recall --id {ref}`"
        return f"[Tool result persisted -- {tool}{quote} -- {how} for full content]"
    if removal == "clear":
        return CLEARED
    return f"[Tool result trimmed -- {tool}{quote}{_FINDINGS if has_findings else ''}]"


def image_text(kind: str, tokens: int) -> str:
    """Write what stands for a removed image. Source: SPEC section 3."""
    return f"[image removed: {kind}, ~{tokens} tokens]"


def split_images(text: str) -> tuple[str, str]:
    """Split a result's text into what was said and the marks of removed images behind it."""
    if not text.endswith(_IMAGE_TAIL):
        return text, ""
    match = _IMAGES.search(text)
    return (text[: match.start()], text[match.start() :]) if match else (text, "")


def is_stub(text: str) -> bool:
    """Tell whether a result's whole text is what stands for a removed one."""
    return text.startswith("[Tool result ") and _WHOLE.match(text) is not None


def parse_result(text: str) -> Bookend | Stub | None:
    """Recognise a result whose whole text is one of our forms; None where it is not.

    A bookend is ours where both sides are equally long (to within a cluster): a text that merely quotes
    such a mark is not.
    """
    if text.startswith("[Tool result ") and (match := _WHOLE.match(text)):
        return Stub(match[1] or "")
    if "~" not in text or " tokens trimmed" not in text:  # one character is found a hundred times as fast
        return None
    header = match[0] if text.startswith("[Result persisted: ") and (match := _HEADER.match(text)) else ""
    footer = match[0] if text.endswith(" to access]") and (match := _FOOTER.search(text)) else ""
    body = text[len(header) : len(text) - len(footer)]
    for match in _MIDDLE.finditer(body):
        found = _halves(body, match)
        if found and abs(len(found.head) - len(found.tail)) <= MAX_CLUSTER_CHARS:
            return found._replace(header=header, footer=footer)
    return None


def _halves(body: str, match: re.Match[str]) -> Bookend | None:
    """Split at one mark of a middle."""
    head, rest, lines = body[: match.start()], body[match.end() :], ""
    if match[4]:
        lines, end, tail = rest.partition(LINES_END)
        if not end:
            return None
    elif rest.startswith("\n"):
        tail = rest[1:]
    else:
        return None
    return Bookend(head, tail, int(match[1]), lines, is_cap=bool(match[2]), ref=match[3] or "")


def known_ref(form: Bookend | Stub) -> str:
    """Return where a shortened result says that its original is, or an empty text."""
    if isinstance(form, Stub) or form.ref:
        return form.ref
    match = _HEADER.match(form.header) or _FOOTER.match(form.footer)
    return match[1] if match else ""
