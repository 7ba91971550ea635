"""What of a model's answer is taken, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.llm.client import Completion, StopReason
from cortex_cli.summarizers.acceptance import is_repetitive, read_summary, says_nothing, why_refused

GOOD = "## Current work\nsrc/billing.py was changed and the 12 tests pass; the port stays 8473.\n"
TAGS = (
    "<summary>",
    "</summary>",
    "<analysis>",
    "</analysis>",
    "< SUMMARY >",
    "</Analysis>",
    "text",
    " ",
    "\n",
    "a <b> c",
)


def why(text: str, stop: StopReason = "end", *, tokens: int = 50, max_tokens: int = 100, replaced: int = 1000) -> str:
    """Judge an answer of this text."""
    completion = Completion(text=text, stop=stop)
    return why_refused(completion, read_summary(text), tokens=tokens, max_tokens=max_tokens, replaced_tokens=replaced)


def test_a_good_summary_is_taken() -> None:
    """Checks that refuse good work send everybody to the fallback."""
    assert why(f"<summary>{GOOD}</summary>") == ""
    assert why(GOOD) == ""


@pytest.mark.parametrize(
    ("stop", "reason"),
    [("length", "cut off"), ("truncated", "broke off"), ("refusal", "refused"), ("tool_call", "tool")],
)
def test_how_an_answer_ended_decides_first(stop: StopReason, reason: str) -> None:
    """Half a summary reads like a whole one."""
    assert reason in why(GOOD, stop)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("<analysis>much thought</analysis>", "empty"),
        ("Nothing much.", "only 13 characters"),
        ("I'm sorry, but I cannot help with summarizing this conversation today.", "refused"),
        ('```json\n{"name": "Bash", "arguments": {"command": "ls -la /tmp"}}\n```', "tool call"),
        ('<tool_call>{"name": "Bash", "arguments": {"command": "ls"}}</tool_call>', "tool call"),
        ("## Current work\nNone\n## Key decisions\n- N/A\n## Pending tasks\nNothing yet.", "nothing"),
        ("**Current work**: none\n**Key decisions**: N/A\n**Pending tasks**: no tasks", "nothing"),
        ("The same line again.\n" * 5, "repeats"),
        ("one line here\nanother line\n" * 5, "repeats"),
        ("and then it went on and on " * 60, "repeats"),
    ],
)
def test_each_kind_of_nonsense_has_its_reason(text: str, reason: str) -> None:
    """The report says what was wrong with the model, so that another can be chosen."""
    assert reason in why(text)


def test_a_summary_must_be_smaller_than_what_it_replaces() -> None:
    """It would cost the cache and gain nothing."""
    assert "no less than" in why(GOOD, tokens=90, replaced=90)


def test_a_summary_may_be_a_little_longer_than_asked() -> None:
    """Models count badly; twice is too much."""
    assert why(GOOD, tokens=125) == ""
    assert "more than the 100 asked for" in why(GOOD, tokens=126)


@pytest.mark.parametrize(
    ("answer", "summary"),
    [
        ("<summary>a</summary> then <summary>b</summary>", "b"),
        ("<analysis><summary>no</summary></analysis><summary>yes</summary>", "yes"),
        ("<analysis><summary>no</summary></analysis>yes", "yes"),
        ("<summary>yes</summary><analysis>late <summary>no</summary></analysis>", "yes"),
        ("<analysis>one<analysis>two</analysis>three</analysis>yes", "yes"),
        ("<analysis>never closed <summary>yes</summary>", "yes"),
        ("<analysis>never closed", ""),
        ("<SUMMARY>yes</Summary>", "yes"),
        ("<summary>never closed", "never closed"),
        ("<sum<summary>mary>yes", "yes"),
        ("plain text", "plain text"),
        ("<summary>first</summary><summary>torn", "first"),
    ],
)
def test_the_last_closed_summary_outside_the_analysis_is_read(answer: str, summary: str) -> None:
    """What a model thinks in private must not end up as what happened."""
    assert read_summary(answer) == summary


@given(st.lists(st.sampled_from(TAGS)).map("".join))
def test_reading_a_summary_twice_changes_nothing(text: str) -> None:
    """No tag is left that another reader would take for one."""
    once = read_summary(text)
    assert read_summary(once) == once
    assert "<summary>" not in once.lower()
    assert "<analysis>" not in once.lower()


def test_lists_of_files_do_not_repeat_themselves() -> None:
    """Paths of one folder look alike and are the substance of a summary."""
    listing = "\n".join(
        f"- src/billing/module_{n}.py: {n * 37 % 101} lines, renamed from part{n % 7}" for n in range(60)
    )
    assert not is_repetitive(listing)


def test_one_section_that_says_something_is_enough() -> None:
    """Most sections may be empty in a short session."""
    assert says_nothing("## Errors and fixes\nNone.")
    assert not says_nothing("## Errors and fixes\nNone.\n## Current work\nThe port is 8473.")
