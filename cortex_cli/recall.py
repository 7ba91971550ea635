"""Recall: what was removed, found again and said in lines that people and agents read.

The tool for agents asks the archive, or a search of the consumer's own. Source: SPEC section 6, "Recall".
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from cortex_cli.archive import Archive, Filter, Hit
from cortex_cli.archive.search import parse_time
from cortex_cli.errors import OptionError

MAX_RESULTS = 10
"""Source: SPEC section 6."""

MAX_RESULT_CHARS = 2000
"""Of each result. Source: SPEC section 6."""

NOTHING = "No results found for your query."

LEAD_CHARS = 200
"""Of a long text, this much in front of what was found is shown with it."""


class Recalled(NamedTuple):
    """One result of a search, the archive's or the consumer's."""

    content: str
    role: str = ""
    """Role or type."""
    time: str = ""
    """ISO 8601; empty where not known."""


Search = Callable[[str, datetime | None, datetime | None], Sequence[Recalled] | Awaitable[Sequence[Recalled]]]
"""(query, since, until) -> results, best first."""


class RecallTool(NamedTuple):
    """What an agent is given."""

    schema: dict[str, Any]
    """Name, description and parameters as JSON schema; Anthropic calls the last `input_schema`."""
    call: Callable[..., Awaitable[str]]
    """`await call(query, timeRange={"start": ..., "end": ...})` -> the tool's result."""


SCHEMA: dict[str, Any] = {
    "name": "recall",
    "description": (
        "Search the original messages that were removed from this conversation to save space. Finds exact strings,"
        " paths and error texts as typed, as well as words."
    ),
    "parameters": {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What to look for: an exact string, or words."},
            "timeRange": {
                "type": "object",
                "description": "Only messages of this time.",
                "properties": {
                    "start": {"type": "string", "description": "ISO 8601."},
                    "end": {"type": "string", "description": "ISO 8601, included."},
                },
            },
        },
        "required": ["query"],
    },
}


def recall_tool(source: Archive | Search) -> RecallTool:
    """Return the recall tool over an archive, or over a search of the consumer's own."""
    search = _search_of(source) if isinstance(source, Archive) else source

    async def call(query: str, timeRange: Mapping[str, str] | None = None) -> str:
        limits = timeRange or {}
        try:
            since, until = moment(limits.get("start") or ""), moment(limits.get("end") or "", is_end=True)
        except OptionError as error:
            return f"Error: {error} ({error.hint})"
        found = search(query, since, until)
        return render(await found if inspect.isawaitable(found) else found)

    return RecallTool(SCHEMA, call)


def _search_of(archive: Archive) -> Search:
    def search(query: str, since: datetime | None, until: datetime | None) -> Sequence[Recalled]:
        found = archive.find(query, Filter(since=since, until=until), limit=MAX_RESULTS)
        return [*map(recalled, found.hits), *[Recalled("")] * found.omitted]

    return search


def recalled(hit: Hit) -> Recalled:
    """Return a hit as it is shown: its role, its time, and what stands around the words found."""
    return Recalled(excerpt(hit.text, hit.at), hit.place.role, hit.place.time)


def excerpt(text: str, at: int = 0) -> str:
    """Return at most `MAX_RESULT_CHARS` of a text, with the place `at` in it."""
    if len(text) <= MAX_RESULT_CHARS:
        return text
    start = min(max(0, at - LEAD_CHARS), len(text) - MAX_RESULT_CHARS)
    return text[start : start + MAX_RESULT_CHARS]


def result_line(result: Recalled) -> str:
    """Write one result."""
    return f"[{result.role or 'message'}] ({result.time or 'time unknown'}): {result.content[:MAX_RESULT_CHARS]}"


def render(results: Sequence[Recalled], limit: int = MAX_RESULTS) -> str:
    """Write results as the tool's answer."""
    if not results:
        return NOTHING
    lines = [result_line(result) for result in results[:limit]]
    if omitted := len(results) - len(lines):
        lines.append(omitted_line(omitted))
    return "\n".join(lines)


def omitted_line(count: int) -> str:
    """Say how many results are not shown."""
    return f"({count} additional results omitted)"


def moment(text: str, *, is_end: bool = False, where: str = "") -> datetime | None:
    """Read one end of a range of time; a day alone is its first moment, or as the end its last.

    Raises:
        OptionError: It is no ISO 8601 time.
    """
    if not text:
        return None
    found = parse_time(text)
    if found is None:
        hint = "give ISO 8601: 2026-03-01 or 2026-03-01T12:00:00Z"
        raise OptionError(f"{text!r} is no time", where=where, hint=hint)
    is_day = len(text) <= len("2026-03-01") and found.time() == time()
    return found + timedelta(days=1, microseconds=-1) if is_end and is_day else found
