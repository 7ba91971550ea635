"""What came of a tool call: how it ended, the line that says so, and the lines worth keeping from it."""

import re
from typing import NamedTuple

import orjson

from cortex_cli.marks import Stub, parse_result, split_images
from cortex_cli.messages import Part
from cortex_cli.summarizers.rescue import Telling, telling_lines

MAX_BRIEF_CHARS = 200
"""A line that tells the outcome is not shown if it is longer."""

MOST_LINES = 10
"""Telling lines looked for in one result."""


class Outcome(NamedTuple):
    """How a call ended."""

    is_failure: bool
    code: int | None
    """Exit code, where the result states one."""
    brief: str
    """The line that tells it: first error, test summary, commit; empty where nothing does."""
    text: str
    """The output itself, without the envelope of the tool."""
    lines: tuple[Telling, ...]
    """Telling lines, best first."""


_CODE = re.compile(
    r"(?:exit(?:ed)?(?: with)?(?: code| status)?:?\s|<returncode>|\"?exit_code\"?:\s?|return ?code:?\s|status code\s)"
    r"(-?\d+)",
    re.IGNORECASE,
)
_ENVELOPE = re.compile(r"\A(?:<returncode>-?\d+</returncode>\s*)?<output>\s*(.*?)\s*</output>\s*\Z", re.DOTALL)
_CODEX_HEAD = re.compile(
    r"\A(?:Chunk ID: .*\n)?(?:Exit code: .*\n|Wall time: .*\n|Process exited.*\n|Original token.*\n"
    r"|Total output.*\n)*Output:\n"
)
_SUM = re.compile(
    r"\d(?<!\w\d)\d* (?i:passed|failed|tests?|errors?|warnings?|problems?|issues|files? changed|vulnerabilities"
    r"|examples|skipped)\b"
)
"""Begins with a digit, not with what stands in front of it: that is found ten times faster."""
_ENDING = re.compile(r"(?i:finished in)")
_OPENING = re.compile(
    r"(?i:\[[\w/. ()-]+ [0-9a-f]{7,}\] |build (?:succe\w+|failed)|(?:ok|FAIL)\s|(?:success|done|all .* pass\w*))"
)
_COMMIT_LINE = re.compile(r"^\[[\w/. ()-]+ [0-9a-f]{7,}\] [^\n]{1,150}$", re.MULTILINE)
_CONFIRMATION = re.compile(
    r"(?i:success(?:fully|\.? updated the following)|has been (?:updated|created)|todos have been|no (?:output|content)"
    r"|file (?:created|written)|wrote \d+ bytes|\(no output\)|plan updated|completed with exit code 0)"
)


def read_outcome(part: Part, *, is_deep: bool = True) -> Outcome:
    """Tell how a call ended.

    Args:
        part: Its result.
        is_deep: Whether telling lines are looked for where it went well; they are most of the work.
    """
    said, code = _unwrapped(part.text)
    text = _left_of(said)
    if code is None:
        match = _CODE.search(part.text[:240]) or _CODE.search(part.text[-240:])
        code = int(match[1]) if match else None
    is_failure = part.is_error or (code is not None and code != 0)
    is_telling = len(text) > 2 and (is_deep or is_failure)
    lines = tuple(telling_lines(text, most=MOST_LINES)) if is_telling else ()
    return Outcome(is_failure, code, _brief(text, lines, is_failure), text, lines)


def _left_of(text: str) -> str:
    """Return what a layer left of a result, in whole lines and without its marks; any other text as it is."""
    form = parse_result(split_images(text)[0])
    if form is None:
        return text
    if isinstance(form, Stub):
        return ""
    head, tail = form.head.rpartition("\n")[0] or form.head, form.tail.partition("\n")[2] or form.tail
    return "\n".join(piece for piece in (head, form.lines, tail) if piece)


def sums_up(line: str) -> bool:
    """Tell whether a line says how a run ended."""
    return bool(_SUM.search(line) or _OPENING.match(line) or _ENDING.search(line))


def without_snippet(text: str) -> str:
    """Take out of an edit's result the numbered lines of the file, which the editor shows to confirm it."""
    return _SNIPPET.sub("", text)


_SNIPPET = re.compile(r"\n *\d+(?:\t|→)[^\n]*")


def _unwrapped(text: str) -> tuple[str, int | None]:
    """Take the output out of the envelope that some tools put it in."""
    if text.startswith('{"'):
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return text, None
        output = next(
            (value[key] for key in ("output", "stdout", "content", "result") if isinstance(value.get(key), str)), None
        )
        metadata = value.get("metadata")
        code = metadata.get("exit_code") if isinstance(metadata, dict) else value.get("exit_code")
        if output is not None:
            return output, code if isinstance(code, int) else None
        return text, None
    match = _ENVELOPE.match(text)
    if match:
        return match[1], None
    head = _CODEX_HEAD.match(text)
    return (text[head.end() :], None) if head else (text, None)


def _brief(text: str, lines: tuple[Telling, ...], is_failure: bool) -> str:
    if is_failure:
        failing = next((line.text for line in lines if line.is_failure and len(line.text) <= MAX_BRIEF_CHARS), "")
        return failing or _last_line(text)
    commit = _COMMIT_LINE.search(text[:2000]) if "[" in text[:2000] else None
    if commit:
        return commit[0]
    end = text[-2000:].rstrip().split("\n")[-8:]
    summing = next((line.strip() for line in reversed(end) if sums_up(line)), "")
    if not summing:
        start = text[:400].lstrip().split("\n")[:3]
        summing = next((line.strip() for line in start if sums_up(line)), "")
    if not summing and "\n" not in text.strip() and not _CONFIRMATION.search(text):
        summing = text.strip()
    summing = summing.strip("= ").strip()
    return summing if len(summing) <= MAX_BRIEF_CHARS else ""


def _last_line(text: str) -> str:
    line = text.rstrip().rpartition("\n")[2].strip()
    return line if len(line) <= MAX_BRIEF_CHARS else ""


def is_confirmation(outcome: Outcome) -> bool:
    """Tell whether a result says no more than that it was done."""
    return not outcome.is_failure and len(outcome.text) < 400 and _CONFIRMATION.search(outcome.text) is not None
