"""What holds for every format and every conversation: checked on random ones, written as each client writes them.

Calls are parallel, missing, repeated and interleaved; results come in any order, twice, or for no call.
"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cortex_cli import formats
from cortex_cli.compaction import CompactResult, compact
from cortex_cli.errors import DoesNotFitError
from cortex_cli.messages import Message, Transcript
from cortex_cli.repair import repair
from cortex_cli.settings import Settings
from cortex_cli.tokens import count_messages, make_counter
from cortex_cli.validity import find_problems
from tests.conftest import assistant, call, live, result, user
from tests.eval_logs import inspect_zip
from tests.roundtrip import as_read_back, dump, essence, load, missing_record
from tests.strategies import ARGUMENTS, CONVERSATIONS
from tests.writers import WRITERS

COUNTER = make_counter("heuristic")
WRITERS = {**WRITERS, "inspect-ai zip": ("inspect-ai", inspect_zip)}
EACH_WRITING = pytest.mark.parametrize("written", WRITERS)
WINDOWS = st.sampled_from([150, 600, 2500])
SOME = settings(max_examples=settings().max_examples * 2 // 5)
"""Each example runs the whole pipeline twice. `--hypothesis-profile=deep` draws many more."""

FEW = settings(max_examples=settings().max_examples * 3 // 20)
"""For what writes summaries, which takes longer."""

LATE_RESULTS = live(
    assistant(*(call(name, call_id, ARGUMENTS[name]) for name, call_id in (("Read", "a"), ("my_tool", "d")))),
    assistant("I look", *(call("Read", call_id, ARGUMENTS["Read"]) for call_id in "ab")),
    assistant(call("Bash", "a", ARGUMENTS["Bash"])),
    *(result(call_id, chars=600) for call_id in "bd"),
)
"""The last line of the file answers the first call, and leaves: what is closed then stands at the file's end."""

TWICE_ASKED, ASKED_AGAIN = (
    live(
        assistant("I look", call("Read", "c", ARGUMENTS["Read"])),
        *between,
        assistant(call("Read", "c", ARGUMENTS["Read"])),
        *(result("c", "ok") for _ in range(2)),
    )
    for between in ((), (user("do it"),))
)
"""A call that comes again before it is answered: what was said beside the first stays, whatever becomes of that."""

AN_ORPHAN_BETWEEN = live(
    user("do it"),
    assistant("I looked. " * 50),
    result("q", "ok"),
    *(assistant("done"), user("do it")) * 2,
)
"""Repair puts a word between the first two answers, and the failsafe drops the first: the word parts nothing then."""


def settings_for(window: int) -> Settings:
    """Return settings that let every layer act on small conversations."""
    return Settings(
        window=window,
        tokenizer="heuristic",
        layers=("cap", "micro", "failsafe"),
        bookend_max_chars=300,
        bookend_min_chars=40,
    )


VARIANTS: dict[str, dict[str, Any]] = {
    "fit": {"fit": 200},
    "thinking": {"drop_thinking": True},
    "inputs": {"trim_inputs": 20},
    "history": {"keep_history": True},
    "no task": {"pin_task": False},
    "no task, next to nothing kept": {"pin_task": False, "keep_last_messages": 1},
    "next to nothing kept": {"keep_last_messages": 1},
    "summary": {"layers": ("cap", "micro", "summary", "failsafe"), "threshold": 0.3, "keep_recent_messages": 2},
    "summary alone": {"layers": ("summary",), "threshold": 0.0, "keep_recent_messages": 1},
    "summary to fit": {"layers": ("cap", "micro", "summary", "failsafe"), "fit": 400},
    "summary in the past": {"layers": ("summary",), "threshold": 0.0, "keep_recent_messages": 1, "keep_history": True},
    "store": {"layers": ("summary",), "threshold": 0.0, "keep_recent_messages": 2, "style": "store"},
    "summary and all": {
        "layers": ("cap", "micro", "summary", "failsafe"),
        "threshold": 0.2,
        "drop_thinking": True,
        "trim_inputs": 20,
        "keep_history": True,
        "keep_recent_messages": 0,
    },
    "summary, recent tokens": {"layers": ("summary", "failsafe"), "threshold": 0.0, "keep_recent_tokens": 50},
    "summary, nothing kept": {
        "layers": ("summary", "failsafe"),
        "threshold": 0.0,
        "keep_recent_messages": 0,
        "keep_last_messages": 0,
        "pin_task": False,
    },
    "no rescue": {"rescue": False, "keep_last_results": 1},
    "caps": {"layers": ("cap",), "max_result_tokens": 60, "max_aggregate_turn_tokens": 100},
    "fit hardly anything": {"fit": 60},
}
"""Ways to run the pipeline -> settings that differ."""


def run(transcript: Transcript, window: int, **variant: Any) -> CompactResult | None:
    """Compact; None where it cannot be made to fit."""
    try:
        return compact(transcript, replace(settings_for(window), **variant), counter=COUNTER)
    except DoesNotFitError:
        return None


@EACH_WRITING
@SOME
@given(drawn=CONVERSATIONS)
def test_what_is_loaded_comes_out_the_same(written: str, drawn: tuple[Message, ...]) -> None:
    """Every byte that nobody touched stays, however broken the conversation is."""
    name, write = WRITERS[written]
    data = write(drawn)
    transcript = load(data, name)
    assert dump(transcript) == data
    assert dump(transcript.with_messages(list(transcript.messages))) == data


@EACH_WRITING
@SOME
@given(drawn=CONVERSATIONS, window=WINDOWS)
@example(drawn=LATE_RESULTS, window=600)
@example(drawn=TWICE_ASKED, window=150)
@example(drawn=ASKED_AGAIN, window=150)
@example(drawn=AN_ORPHAN_BETWEEN, window=150)
def test_compacted_conversations_are_valid(written: str, drawn: tuple[Message, ...], window: int) -> None:
    """What is written loads again, to the same messages, and `check` finds nothing."""
    name, write = WRITERS[written]
    transcript = load(write(drawn), name)
    rules = formats.rules_of(name)
    if (done := run(transcript, window)) is None:
        return
    baseline = repair(transcript.messages, rules, COUNTER).messages
    assert find_problems(done.transcript.messages, rules, baseline=baseline) == ()
    again = load(dump(done.transcript), name)
    assert find_problems(again.messages, rules) == ()
    assert list(formats.check(again)) == []
    assert essence(again.messages) == essence(as_read_back(done.transcript))


@EACH_WRITING
@SOME
@given(drawn=CONVERSATIONS, window=WINDOWS)
def test_compaction_never_adds_tokens(written: str, drawn: tuple[Message, ...], window: int) -> None:
    """Counted on what was written, against the repaired input."""
    name, write = WRITERS[written]
    transcript = load(write(drawn), name)
    if (done := run(transcript, window)) is None:
        return
    repaired = repair(transcript.messages, formats.rules_of(name), COUNTER).messages
    left = load(dump(done.transcript), name).messages
    assert count_messages(left, COUNTER) <= count_messages(repaired, COUNTER)


@EACH_WRITING
@SOME
@given(drawn=CONVERSATIONS, window=WINDOWS)
def test_second_run_changes_no_byte(written: str, drawn: tuple[Message, ...], window: int) -> None:
    """A tool that runs at every turn must come to rest."""
    name, write = WRITERS[written]
    if (done := run(load(write(drawn), name), window)) is None:
        return
    once = dump(done.transcript)
    again = run(load(once, name), window)
    assert again is not None
    assert dump(again.transcript) == once


@EACH_WRITING
@SOME
@given(drawn=CONVERSATIONS, window=WINDOWS)
def test_typed_text_stays_or_is_named(written: str, drawn: tuple[Message, ...], window: int) -> None:
    """The user's words are never edited; where the failsafe drops them, the report says which."""
    name, write = WRITERS[written]
    transcript = load(write(drawn), name)
    if (done := run(transcript, window)) is None:
        return
    left = [message.text for message in load(dump(done.transcript), name).messages if message.typed]
    named = {change.message for layer in done.report.layers for change in layer.changes if change.action == "dropped"}
    kept = [one.text for one in transcript.messages if one.typed and one.position not in named]
    assert left == kept


@EACH_WRITING
@SOME
@given(drawn=CONVERSATIONS, window=WINDOWS)
def test_untouched_records_are_the_same_bytes(written: str, drawn: tuple[Message, ...], window: int) -> None:
    """Unknown fields, number spellings and key order of what nobody edited survive; only parent links may follow."""
    name, write = WRITERS[written]
    transcript = load(write(drawn), name)
    if (done := run(transcript, window)) is None:
        return
    assert missing_record(transcript, done.transcript, dump(done.transcript)) is None


@EACH_WRITING
def test_an_excerpt_is_returned_as_it_is(written: str) -> None:
    """Results alone cannot be mended: a smaller file of them would be no better, so it is said and left."""
    name, write = WRITERS[written]
    data = write(live(*(result(f"call_{number}", chars=4000) for number in range(9))))
    transcript = load(data, name)
    if all(message.role != "tool" for message in transcript.messages):
        return  # of formats without call ids what answers nothing is the user's; Claude Code leaves it out
    done = compact(transcript, settings_for(2000), counter=COUNTER)
    assert dump(done.transcript) == data
    assert any("returned as it is" in warning for warning in done.report.warnings)


@EACH_WRITING
@SOME
@given(first=CONVERSATIONS, then=CONVERSATIONS, window=WINDOWS)
def test_what_was_compacted_can_go_on(
    written: str, first: tuple[Message, ...], then: tuple[Message, ...], window: int
) -> None:
    """A session is compacted, used, and compacted again: the second run works on top of the first."""
    name, write = WRITERS[written]
    if (done := run(load(write(first), name), window)) is None:
        return
    transcript = load(write(then, dump(done.transcript)), name)
    rules = formats.rules_of(name)
    if (done := run(transcript, window)) is None:
        return
    output = dump(done.transcript)
    again = load(output, name)
    assert find_problems(again.messages, rules) == ()
    assert list(formats.check(again)) == []
    assert essence(again.messages) == essence(as_read_back(done.transcript))
    notices = [message for message in again.messages if message.synthetic == "notice"]
    assert len(notices) <= 1
    once_more = run(again, window)
    assert once_more is not None
    assert dump(once_more.transcript) == output


@EACH_WRITING
@FEW
@given(drawn=CONVERSATIONS, window=WINDOWS, variant=st.sampled_from(sorted(VARIANTS)))
def test_every_way_to_run_is_valid(written: str, drawn: tuple[Message, ...], window: int, variant: str) -> None:
    """Summaries, `--fit` and the switches keep what the plain layers keep."""
    name, write = WRITERS[written]
    transcript = load(write(drawn), name)
    if (done := run(transcript, window, **VARIANTS[variant])) is None:
        return
    rules = formats.rules_of(name)
    repaired = repair(transcript.messages, rules, COUNTER).messages
    output = dump(done.transcript)
    again = load(output, name)
    assert find_problems(done.transcript.messages, rules, baseline=repaired) == ()
    assert find_problems(again.messages, rules) == ()
    assert list(formats.check(again)) == []
    assert essence(again.messages) == essence(as_read_back(done.transcript))
    assert count_messages(again.messages, COUNTER) <= count_messages(repaired, COUNTER)
    once_more = run(again, window, **VARIANTS[variant])
    assert once_more is not None
    assert dump(once_more.transcript) == output
