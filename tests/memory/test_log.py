"""The log as text: written in one form, read back from any near it."""

from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.memory.log import SIGNS, Entry, day_and_time, read_log, write_log

WORDS = st.text("abcXYZ 019.:/-*()", max_size=40).map(lambda text: f"a{text}".strip())
DAYS = st.dates().map(lambda day: f"{day.year:04d}-{day.month:02d}-{day.day:02d}") | st.just("")
TIMES = st.times().map(lambda time: f"{time.hour:02d}:{time.minute:02d}") | st.just("")
ENTRIES = st.builds(Entry, DAYS, TIMES, st.sampled_from(sorted(SIGNS)), WORDS, st.lists(WORDS, max_size=3).map(tuple))


def test_form() -> None:
    """The form of the specification, to the letter."""
    log = write_log(
        [
            Entry("2026-01-02", "09:15", "critical", "User: Never edit migrations/."),
            Entry("2026-01-02", "09:20", "medium", "Changed files:", ("a.py", "b.py")),
            Entry("2026-01-03", "00:01", "done", "Assistant: Done."),
        ]
    )
    assert log == (
        "Date: Jan 02, 2026\n* 🔴 (09:15) User: Never edit migrations/.\n"
        "* 🟡 (09:20) Changed files:\n  * -> a.py\n  * -> b.py\n\n"
        "Date: Jan 03, 2026\n* ✅ (00:01) Assistant: Done."
    )


@given(st.lists(ENTRIES, max_size=6))
def test_reading_back(entries: list[Entry]) -> None:
    """What one run writes, the reflector of the next must read as it was meant."""
    assert read_log(write_log(entries)) == entries


def test_what_models_write() -> None:
    """Small models change the bullets, the indent, the date; no line of theirs may be lost."""
    log = """
**Date: January 2, 2026**
- 🔴 (9:15) User stated the port is 8473
    -> it holds for staging
   - and for production
- ✔️ tests pass
A line without anything.
🟢 14:30 low
## Date: 2026-01-04
• 🟡 (14:31) next
"""
    details = ("it holds for staging", "and for production")
    assert read_log(log) == [
        Entry("2026-01-02", "09:15", "critical", "User stated the port is 8473", details),
        Entry("2026-01-02", "", "done", "tests pass"),
        Entry("2026-01-02", "", "medium", "A line without anything."),
        Entry("2026-01-02", "14:30", "low", "low"),
        Entry("2026-01-04", "14:31", "medium", "next"),
    ]


@given(st.lists(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=60), max_size=8))
def test_no_line_is_lost(lines: list[str]) -> None:
    """Whatever a model writes, reading never fails and keeps every line that says something."""
    kept = [line for line in lines if any(map(str.isalpha, line)) and "date" not in line.lower()]
    read = read_log("\n".join(kept))
    assert sum(1 + len(entry.details) for entry in read) == len(kept)


def test_times_are_split() -> None:
    """Times of transcripts are UTC already; what is none gives nothing."""
    assert day_and_time("2026-01-02T09:15:59.123Z") == ("2026-01-02", "09:15")
    assert day_and_time("") == day_and_time("yesterday") == ("", "")
