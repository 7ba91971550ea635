"""The observation log as text: dated, prioritised entries, written in one form and read back from any near it.

    Date: Jan 02, 2026
    * 🔴 (09:15) User: Never edit migrations/.
    * 🟡 (09:20) Changed files:
      * -> src/api/auth.py
      * -> src/api/login.py

Times are UTC. Source: SPEC section 6, "Log format".
"""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

Marker = Literal["critical", "medium", "low", "done"]

SIGNS: dict[Marker, str] = {"critical": "🔴", "medium": "🟡", "low": "🟢", "done": "✅"}
"""Source: SPEC section 6."""

NOT_RECORDED = "not recorded"
"""Stands for the day where the transcript has no times."""

UPDATE = "UPDATE: "
"""In front of what takes the place of something said before. Source: SPEC section 6."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Entry(NamedTuple):
    """One entry of the log."""

    day: str
    """ISO 8601 (`2026-01-02`), or a heading that is no date as it stands; empty: not recorded."""
    time: str
    """`HH:MM`, UTC; empty: not recorded."""
    marker: Marker
    text: str
    """On one line."""
    details: tuple[str, ...] = ()


_DATE = re.compile(r"\W*date\W*:\W*(.+?)\W*", re.IGNORECASE)
_WRITTEN_DAY = re.compile(r"([A-Za-z]{3})[a-z]*\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MARKS: dict[str, Marker] = {
    **{sign: marker for marker, sign in SIGNS.items()},
    "🟠": "medium",
    "☑": "done",
    "✔": "done",
}
_ENTRY = re.compile(
    r"(?P<indent>\s*)(?P<bullet>(?:[*•-]\s+)?)(?P<sign>[🔴🟡🟢✅🟠☑✔]?)\ufe0f?\s*(?P<arrow>(?:(?:->|→)\s*)?)"
    r"(?:\(?(?P<time>(?:[01]?\d|2[0-3]):[0-5]\d)\)?(?=\s))?\s*(?P<text>.*)"
)


def heading(day: str) -> str:
    """Write the line in front of a day's entries."""
    if _ISO_DAY.fullmatch(day) and 1 <= int(day[5:7]) <= len(MONTHS):
        day = f"{MONTHS[int(day[5:7]) - 1]} {day[8:10]}, {day[:4]}"
    return f"Date: {day or NOT_RECORDED}"


def day_and_time(time: str) -> tuple[str, str]:
    """Split a time of a transcript (ISO 8601, UTC) into the day and `HH:MM`; both empty where there is none."""
    return (time[:10], time[11:16]) if _ISO_DAY.match(time) and time[13:14] == ":" else ("", "")


def write_log(entries: Iterable[Entry]) -> str:
    """Write entries in the order they are given; empty for none."""
    blocks = (
        "\n".join([heading(day), *(line for entry in group for line in _lines(entry))])
        for day, group in groupby(entries, key=lambda entry: entry.day)
    )
    return "\n\n".join(blocks)


def _lines(entry: Entry) -> Sequence[str]:
    time = f" ({entry.time})" if entry.time else ""
    return [f"* {SIGNS[entry.marker]}{time} {entry.text}", *(f"  * -> {detail}" for detail in entry.details)]


def read_log(text: str) -> list[Entry]:
    """Read a log back, a model's too: no line with words in it is lost, however it begins."""
    entries: list[Entry] = []
    day = ""
    for line in text.splitlines():
        if not line.strip():
            continue
        if date := _DATE.fullmatch(line):
            day = _day(date[1])
            continue
        match = _ENTRY.fullmatch(line)
        if match is None or not any(map(str.isalnum, match["text"])):
            continue
        words = match["text"].strip()
        if entries and entries[-1].day == day and _is_detail(match):
            entries[-1] = entries[-1]._replace(details=(*entries[-1].details, words))
        else:
            time = match["time"].rjust(5, "0") if match["time"] else ""
            entries.append(Entry(day, time, _MARKS.get(match["sign"], "medium"), words))
    return entries


def _is_detail(match: re.Match[str]) -> bool:
    """Tell whether a line belongs to the entry above: an arrow, or further in and without a sign of its own."""
    return bool(match["arrow"]) or (bool(match["indent"]) and not match["sign"])


def _day(written: str) -> str:
    if match := _WRITTEN_DAY.fullmatch(written):
        month = match[1].title()
        if month in MONTHS:
            return f"{match[3]}-{MONTHS.index(month) + 1:02d}-{int(match[2]):02d}"
    return "" if written == NOT_RECORDED else written
