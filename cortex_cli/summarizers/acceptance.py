"""Can a model's summary be used? Each check says what is wrong. Source: SPEC section 4, "Accept or refuse"."""

import re
import zlib

from cortex_cli.llm.client import Completion, StopReason

MIN_CHARS = 40
"""A shorter summary says nothing."""

MAX_REPEATS = 5
"""The same line so many times, in a row or in turn with others, is degenerate. Source: SPEC section 6."""

LONGEST_CYCLE = 6
"""Lines of a cycle that is looked for."""

MAX_RATIO = 10.0
"""Prose deflates to a third, lists of like paths to a seventh; text that shrinks by more repeats itself."""

MIN_RATIO_CHARS = 800
"""Shorter texts deflate too unevenly to judge."""

SIZE_SLACK = 1.25
"""A summary may be so much larger than it was asked to be: models count badly."""

_ANALYSIS = re.compile(r"<(/?)\s*analysis\s*>", re.IGNORECASE)
_TAGS = re.compile(r"<\s*/?\s*(?:summary|analysis)\s*>", re.IGNORECASE)
_OPENED = re.compile(r"<\s*summary\s*>", re.IGNORECASE)
_SUMMARY = re.compile(r"<\s*summary\s*>((?:(?!<\s*summary\s*>).)*?)<\s*/\s*summary\s*>", re.DOTALL | re.IGNORECASE)
_REFUSAL = re.compile(
    r"\s*(?:i(?:'|\u2019)?m sorry|i am sorry|sorry,|i can(?:no|')t|i cannot|i am unable|i'm unable|as an ai)\b",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"\s*(?:<tool_call|<function_call|<\|tool|```(?:json)?\s*\{\s*\"(?:name|tool|function)\"|\{\s*\"(?:name|tool_calls|function)\"\s*:)"
)
_NOTHING = re.compile(r"(?:none|n/?a|nothing|not applicable|no \w+|unknown|-)(?: \w+){0,2}\.?", re.IGNORECASE)
_LABEL = re.compile(r"(?:[-*>]\s+)*\*\*[^*]+\*\*:?")
"""A section's name that is not a heading: `**Errors and fixes**: none`."""

STOPS: dict[StopReason, str] = {
    "length": "it was cut off at the length limit",
    "truncated": "the answer broke off",
    "refusal": "the model refused",
    "tool_call": "the model called a tool instead",
}


def read_summary(text: str) -> str:
    """Take the summary out of an answer: the last closed one outside the analysis, else all but the analysis."""
    rest = _without_analysis(text)
    found = _SUMMARY.findall(rest)
    body = found[-1] if found else rest
    while (bare := _TAGS.sub("", body)) != body:  # halves of a tag may meet
        body = bare
    return str(body).strip()


def _without_analysis(text: str) -> str:
    """Leave out what stands in analysis tags, nested ones too; one that is not closed ends at the summary."""
    pieces: list[str] = []
    depth = done = 0
    for tag in _ANALYSIS.finditer(text):
        if tag[1]:
            depth = max(0, depth - 1)
            done = tag.end() if not depth else done
            continue
        if not depth:
            pieces.append(text[done : tag.start()])
            done = tag.end()
        depth += 1
    if depth:
        opened = _OPENED.search(text, done)
        done = opened.start() if opened else len(text)
    return "".join((*pieces, text[done:]))


def why_refused(completion: Completion, summary: str, *, tokens: int, max_tokens: int, replaced_tokens: int) -> str:
    """Judge an answer.

    Args:
        completion: As the model gave it.
        summary: What `read_summary` found in it.
        tokens: Size of the summary.
        max_tokens: What was asked for.
        replaced_tokens: Size of what it would replace.

    Returns:
        The reason to refuse it; empty where it can be used.
    """
    return STOPS.get(completion.stop, "") or why_unusable(
        summary, tokens=tokens, max_tokens=max_tokens, replaced_tokens=replaced_tokens
    )


def why_unusable(summary: str, *, tokens: int, max_tokens: int, replaced_tokens: int) -> str:
    """Judge a summary, whoever wrote it; see `why_refused`."""
    if why := why_worthless(summary):
        return why
    if tokens >= replaced_tokens:
        return f"its {tokens} tokens are no less than the {replaced_tokens} it would replace"
    if tokens > max_tokens * SIZE_SLACK:
        return f"its {tokens} tokens are more than the {max_tokens} asked for"
    return ""


def why_worthless(text: str, *, min_chars: int = MIN_CHARS) -> str:
    """Judge a text by what it says, whatever its size."""
    if len(text) < min_chars:
        return "it is empty" if not text else f"it is only {len(text)} characters long"
    if _CALL.match(text):
        return "it is a tool call"
    if len(text) < 600 and _REFUSAL.match(text):
        return "the model refused"
    if says_nothing(text):
        return "it says nothing in every section"
    return REPETITIVE if is_repetitive(text) else ""


REPETITIVE = "it repeats itself"


def says_nothing(summary: str) -> bool:
    """Tell whether every section is empty or says "none"."""
    lines = [_LABEL.sub("", line.strip()).lstrip("-*> ").strip() for line in summary.splitlines()]
    told = [line for line in lines if line and not line.startswith("#")]
    return all(_NOTHING.fullmatch(line) for line in told)


def is_repetitive(text: str) -> bool:
    """Tell whether a text loops: lines over and over, also in short cycles, or phrases without line ends."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for length in range(1, LONGEST_CYCLE + 1):
        run = 0
        for before, after in zip(lines, lines[length:], strict=False):
            run = run + 1 if before == after else 0
            if run >= length * (MAX_REPEATS - 1):
                return True
    data = text.encode(errors="replace")
    return len(data) >= MIN_RATIO_CHARS and len(data) / len(zlib.compress(data, 6)) > MAX_RATIO
