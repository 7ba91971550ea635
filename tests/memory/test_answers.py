"""What observing models answer: taken apart as meant, refused where it is no log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.llm.client import Completion, StopReason
from cortex_cli.memory.answers import Answer, read_answer, why_no_log

LOG = "Date: Jan 02, 2026\n* 🔴 (09:15) User stated the port is 8473"
TASK = "Moving the staging port."


def test_all_tags() -> None:
    """The form that is asked for."""
    text = (
        f"<observations>\n{LOG}\n</observations>\n<current-task>\n{TASK}\n</current-task>\n"
        "<suggested-response>Say that it is done.</suggested-response>"
    )
    assert read_answer(text) == Answer(LOG, TASK, "Say that it is done.")


@pytest.mark.parametrize(
    "text",
    [
        f"<OBSERVATIONS>{LOG}</Observations>\n<Current-Task>{TASK}</CURRENT-TASK>",
        f"Sure, here you go:\n< observations >\n{LOG}\n</ observations >\n<current-task>{TASK}",
        f"<observations>\n{LOG}\n<current-task>{TASK}</current-task>",
        f"<current-task>{TASK}</current-task><observations>{LOG}",
        f"<think>They want <observations>none</observations></think>\n<observations>{LOG}</observations>"
        f"<current-task>{TASK}</current-task>",
        f"<current-task>Nothing yet, really.</current-task><observations>{LOG}</observations><current-task>{TASK}",
    ],
)
def test_tags_as_models_write_them(text: str) -> None:
    """Case, blanks, order, talk around them and a missing close are no reason to throw an answer away."""
    assert read_answer(text) == Answer(LOG, TASK, "")


def test_without_tags_the_whole_answer_is_the_log() -> None:
    """Small models forget the tags and write the log."""
    assert read_answer(f"\n{LOG}\n") == Answer(LOG, "", "")
    assert read_answer(f"{LOG}\n<current-task>{TASK}</current-task>") == Answer(LOG, TASK, "")


@pytest.mark.parametrize(
    "hint",
    [
        "",
        "None",
        "**Primary:** none",
        "Task: -",
        "Primary: fix it\n",
        "- Current task:\n- Secondary:",
        "not applicable",
    ],
)
def test_a_hint_needs_content_beyond_labels(hint: str) -> None:
    """`Primary: none` in front of an agent is worse than nothing."""
    assert read_answer(f"<observations>{LOG}</observations><current-task>{hint}</current-task>").current_task == ""


def test_a_hint_keeps_its_labels() -> None:
    """They say which task is meant."""
    hint = "Primary: move the port\nSecondary: tell Dana"
    assert read_answer(f"<current-task>{hint}</current-task>").current_task == hint


PIECES = ("<observations>", "</observations>", "<current-task>", "a b c ", "\n", "</current-task>", "<", "/", ">")


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_answer_closes_the_slot_it_is_put_into(text: str) -> None:
    """The log stands between tags of the same names."""
    for piece in read_answer(text):
        assert "<observations" not in piece
        assert "</observations" not in piece
        assert "<current-task" not in piece
        assert "</current-task" not in piece


def judged(text: str, stop: StopReason = "end") -> str:
    """Tell why an answer is refused."""
    return why_no_log(Completion(text=text, stop=stop), read_answer(text).observations)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("<observations></observations>", "it is empty"),
        ("<observations>\nDate: Jan 02, 2026\n</observations>", "it is empty"),
        ("<observations>\nnone\n</observations>", "only 4 characters"),
        ("<observations>\n- No new observations.\n</observations>", "it says nothing"),
        ("I'm sorry, but I can't help with that conversation.", "the model refused"),
        ('{"name": "Bash", "arguments": {"command": "rm -rf /tmp/x"}}', "it is a tool call"),
        ("<observations>" + "* 🟢 (09:00) The same again.\n" * 5 + "</observations>", "it repeats itself"),
        ("<observations>" + "* 🟢 (09:00) The same again.\n\n\n" * 5 + "</observations>", "it repeats itself"),
        ("<observations>" + "* a first line\n* a second one\n* third\n" * 5 + "</observations>", "it repeats itself"),
        (f"<observations>{LOG}</observations><current-task>" + "Go on and on.\n" * 9, "it repeats itself"),
    ],
)
def test_what_is_no_log_is_refused(text: str, why: str) -> None:
    """Nothing of this may stand in for a conversation."""
    assert why in judged(text)


def test_how_it_ended_counts() -> None:
    """Half a log looks like a whole one."""
    assert judged(LOG) == ""
    assert "length limit" in judged(LOG, "length")
    assert "broke off" in judged(LOG, "truncated")
    assert "refused" in judged(LOG, "refusal")
    assert "tool" in judged(LOG, "tool_call")


def test_four_of_the_same_are_no_loop() -> None:
    """Five are: so says the specification."""
    assert judged("* 🟢 (09:00) The same again.\n" * 4) == ""
