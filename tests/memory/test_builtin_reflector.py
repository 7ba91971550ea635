"""The built-in reflector: what leaves first, what stays, and that it always ends smaller."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.memory.condensing import DETAIL
from cortex_cli.memory.log import Entry, read_log, write_log
from tests.memory.logs import COUNTER, is_in_form, observed, reflected
from tests.memory.test_builtin_observer import SESSION

LEVELS = range(len(DETAIL))

LOG = """Date: Jan 02, 2026
* 🔴 (09:15) User: Never edit migrations/. The staging port is 8473.
* 🟢 (09:16) Read files:
  * -> src/a.py
  * -> src/b.py
* 🟡 (09:17) Ran: pytest -q => exit 1: 3 failed, 10 passed
* 🟡 (09:18) Error: AssertionError: boom
* 🟡 (09:18) Plan:
  * -> write the tests => in progress
  * -> tell the team => pending
* 🟢 (09:19) Assistant: Sounds like an interesting puzzle about nothing in particular.

Date: Jan 03, 2026
* 🔴 (10:00) UPDATE: User: The staging port is now 9001.
* 🟡 (10:01) Changed files: src/a.py
* ✅ (10:02) Ran: pytest -q => 13 passed
* ✅ (10:02) Fixed error: AssertionError: boom
* 🟡 (10:03) Plan: tell the team => in progress"""

TOPICS = (
    "birds",
    "rivers",
    "kettles",
    "maps",
    "stamps",
    "ladders",
    "violins",
    "mosses",
    "tides",
    "looms",
    "kites",
    "wells",
)
MINOR = "".join(
    f"\n* 🟢 (11:{n:02d}) Assistant: The {one} reminded me of old minor stories" for n, one in enumerate(TOPICS)
)


def test_the_latest_word_on_everything_holds() -> None:
    """Superseded values, red tests that are green, done plans and mended errors are what a log can do without."""
    log = reflected(LOG).observations
    assert is_in_form(log)
    assert "Never edit migrations/." in log
    assert "User: The staging port is now 9001." in log
    assert "8473" not in log
    assert "UPDATE" not in log
    assert "3 failed" not in log
    assert "pytest -q => 13 passed" in log
    assert "* 🟡 (09:18) Error" not in log
    assert "write the tests" not in log
    assert "Plan: tell the team => in progress" in log
    assert log.count("src/a.py") == 1


@pytest.mark.parametrize("level", LEVELS)
def test_critical_entries_and_current_values_stay_at_every_level(level: int) -> None:
    """Condensing is for everything else."""
    log = reflected(LOG + MINOR, level=level).observations
    assert "Never edit migrations/." in log
    assert "now 9001" in log


def test_higher_levels_leave_less() -> None:
    """Each level asks for stronger condensation, and gets it."""
    sizes = [COUNTER.count_text(reflected(LOG + MINOR, level=level).observations) for level in LEVELS]
    assert sizes == sorted(sizes, reverse=True)
    assert all(size <= max(100, share * sizes[0]) for size, share in zip(sizes, DETAIL, strict=True))


def test_minor_entries_leave_first() -> None:
    """Green ones are there to be dropped."""
    log = reflected(LOG + MINOR, level=4).observations
    assert log.count("minor") < 4
    assert "pytest -q => 13 passed" in log


def test_a_second_time_changes_nothing() -> None:
    """Reflection that finds nothing to do must keep the cache."""
    for log in (LOG, observed(*SESSION).observations):
        once = reflected(log).observations
        assert reflected(once).observations == once


WORDS = st.text("abcde ", min_size=3, max_size=60).map(str.strip).filter(bool)
ENTRIES = st.builds(
    Entry,
    st.sampled_from(["2026-01-02", "2026-01-03"]),
    st.just("09:00"),
    st.sampled_from(["critical", "medium", "low", "done"]),
    WORDS,
    st.lists(WORDS, max_size=2).map(tuple),
)


@given(st.lists(ENTRIES, min_size=1, max_size=30), st.integers(30, 400), st.sampled_from(LEVELS))
def test_smaller_than_asked_and_never_empty(entries: list[Entry], max_tokens: int, level: int) -> None:
    """An empty or over-long log must never replace one."""
    log = reflected(write_log(entries), level=level, max_tokens=max_tokens).observations
    assert 0 < COUNTER.count_text(log) < max_tokens
    assert is_in_form(log)


def test_the_only_entry_is_condensed_though_its_head_is_long() -> None:
    """A head names where a line was found: a call with long arguments there must not empty the log. Found by chance."""
    call = '{"text":"' + "line\\n" * 60 + '"}'
    log = write_log([Entry("", "", "medium", f"Found in {call}:", ("port 8473 is taken",))])
    for limit in (COUNTER.count_text(log), 40):
        less = reflected(log, level=1, max_tokens=limit).observations
        assert 0 < COUNTER.count_text(less) < limit
        (entry,) = read_log(less)
        assert entry.text.startswith('Found in {"text')
        assert entry.details == ("port 8473 is taken",)


def test_a_models_log_is_condensed_too() -> None:
    """The author may change from run to run."""
    log = reflected("Some prose without any form.\n- 🔴 User stated they love cats\n    -> two of them").observations
    assert [entry.text for entry in read_log(log)] == ["Some prose without any form.", "User stated they love cats"]
    assert read_log(log)[1].details == ("two of them",)


def test_an_empty_log_is_refused() -> None:
    """There is a reason for everything that is empty."""
    assert reflected("").failure == "there is nothing to condense"
