"""Layer 2: what is replaced, how large the summary may be, how it stands in the conversation."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.compaction import compact, compact_async, summary_request
from cortex_cli.errors import CortexError, DoesNotFitError, OptionError
from cortex_cli.layers.summary import MAX_TOKENS, MIN_TOKENS, plan_summary, summary_size
from cortex_cli.layers.view import View
from cortex_cli.library import dump, load
from cortex_cli.marks import parse_summary
from cortex_cli.messages import Message, Transcript
from cortex_cli.report import Facts
from cortex_cli.settings import Settings, Share
from cortex_cli.summarizers.base import Summarizer, SummaryOutcome, SummaryRequest
from cortex_cli.tokens import make_counter
from tests.conftest import assistant, live, system, tool_pair, transcript, user
from tests.strategies import CONVERSATIONS

COUNTER = make_counter("heuristic")
LAYER = Settings(layers=("summary",), threshold=0.0, tokenizer="heuristic")


def session(turns: int = 12, chars: int = 2000) -> Transcript:
    """Build a session of many turns, each with a call."""
    messages: list[Message | list[Message]] = [system("You are helpful.")]
    for n in range(turns):
        messages += [user(f"Do step {n}; the port stays 84{n:02}."), tool_pair(chars=chars, call_id=f"c{n}")]
        messages += [assistant(f"Step {n} is done.")]
    return transcript(*messages)


def says(text: str, asked: list[SummaryRequest] | None = None) -> Summarizer:
    """Make a summariser that always says the same."""

    async def summarize(request: SummaryRequest) -> SummaryOutcome:
        if asked is not None:
            asked.append(request)
        return SummaryOutcome(text=text, facts=Facts(), summarizer="test")

    return summarize


def run(source: Transcript, settings: Settings = LAYER, text: str = "What happened.") -> Any:
    """Compact with a summariser that says `text`."""
    return compact(source, settings, summarizer=says(text))


def test_summary_stands_between_slots_and_tail() -> None:
    """The rules stay in front, the newest messages behind, in their order."""
    source = session()
    done = run(source).transcript
    assert [m.role for m in done.messages[:2]] == ["system", "user"]
    assert done.messages[1].synthetic == "summary"
    assert done.messages[2:] == source.messages[-(len(done.messages) - 2) :]


def test_tag_counts_what_it_stands_for() -> None:
    """A second summary stands for everything the first one stood for."""
    source = session()
    once = run(source).transcript
    first = parse_summary(once.messages[1].text)
    assert first is not None
    assert first.turns == len(source.messages) - (len(once.messages) - 2) - 1
    more = [x for n in range(9) for x in (user(f"more {n}"), tool_pair(chars=900, call_id=f"m{n}"), assistant("ok"))]
    messages = live(*once.messages, *more)
    grown = replace(once, messages=messages, loaded=messages)
    second = parse_summary(run(grown).transcript.messages[1].text)
    assert second is not None
    assert second.turns > first.turns
    assert sum(m.synthetic == "summary" for m in run(grown).transcript.messages) == 1


def test_nothing_new_changes_nothing() -> None:
    """A second run must not break the prompt cache for nothing."""
    once = run(session()).transcript
    again = replace(once, loaded=once.messages)
    result = run(again)
    assert result.transcript.messages == once.messages
    assert not result.report.changed
    assert "earlier summary" in result.report.layers[0].reason


def test_a_small_gain_is_not_worth_it() -> None:
    """Every rewrite costs the cached prefix."""
    result = run(session(turns=8, chars=40))
    assert not result.report.changed
    assert "too little" in result.report.layers[0].reason


@pytest.mark.parametrize(
    ("replaced", "budget", "size"),
    [(1_000, 200_000, MIN_TOKENS), (20_000, 200_000, 4_000), (500_000, 200_000, MAX_TOKENS), (90_000, 100_000, 10_000)],
)
def test_size_is_the_smallest_of_three(replaced: int, budget: int, size: int) -> None:
    """10 % of the budget, 20 % of what it replaces, 12,000; at least 800."""
    assert summary_size(replaced, budget, LAYER) == size


def test_a_share_for_the_summary_is_one_of_the_budget() -> None:
    """Whatever it replaces; at most 12,000, at least 800."""
    settings = replace(LAYER, summary_max_tokens=Share(0.15))
    assert [summary_size(500, budget, settings) for budget in (1_000, 32_000, 1_000_000)] == [800, 4_800, 12_000]


def test_without_a_threshold_a_turn_that_the_window_cannot_hold_is_split() -> None:
    """`cortex summarize` found nothing to summarise, and the failsafe then dropped what no summary tells of."""
    turn = transcript(user("the task"), *(tool_pair(chars=2000, call_id=f"c{n}") for n in range(20)))
    assert run(turn, replace(LAYER, window=50_000)).transcript.messages == turn.messages
    done = run(turn, replace(LAYER, window=10_000, keep_last_messages=0, layers=("summary", "failsafe")))
    summary, task, *kept = done.transcript.messages
    assert (summary.synthetic, task.text, len(kept)) == ("summary", "the task", 6)


def test_fit_gives_the_summary_what_is_left() -> None:
    """A summary that may be larger keeps more."""
    view = View(messages=session().messages, window=200_000, budget=200_000, target_tokens=5_000)
    request = plan_summary(view, LAYER, COUNTER).request
    assert request is not None
    gone = {message.position for message in request.messages}
    kept = sum(COUNTER.count_message(m) for m in view.messages if m.position not in gone)
    assert 4_800 <= request.max_tokens + kept <= 5_000


def test_fit_counts_more_than_the_largest_summary() -> None:
    """A maximum keeps a summary small; it never keeps the result from fitting where it fits without."""
    source = session(turns=40, chars=400)
    for fit in (800, 1_200, 4_000):
        settings = Settings(tokenizer="heuristic", fit=fit, now="2026-01-01T00:00:00Z")
        alone = compact(source, settings).transcript.messages
        assert compact(source, replace(settings, summary_max_tokens=MAX_TOKENS)).transcript.messages == alone
    view = View(messages=source.messages, window=200_000, budget=200_000, target_tokens=9_000)
    request = plan_summary(view, replace(LAYER, summary_max_tokens=MIN_TOKENS), COUNTER).request
    assert request is not None
    assert request.max_tokens == MIN_TOKENS


def test_store_style_is_a_pair() -> None:
    """Stores hold the summary and an acknowledgement, so that user and assistant take turns."""
    done = run(session(), replace(LAYER, style="store", keep_recent_messages=4)).transcript
    assert [m.text for m in done.messages[1:3]] == ["What happened.", "Understood, context restored."]


def test_a_summary_waits_until_it_frees_what_was_asked() -> None:
    """Each summary breaks the prompt cache: few large ones cost less than many small ones."""
    source = session(turns=30)
    tokens = sum(map(COUNTER.count_message, source.messages))
    wide = replace(LAYER, window=4 * tokens, threshold=0.1, keep_recent_messages=45)  # of 121, so it frees about 60 %
    assert run(source, wide).report.changed
    assert run(source, replace(wide, min_gain_ratio=0.5)).report.changed
    waiting = run(source, replace(wide, min_gain_ratio=0.8))
    assert not waiting.report.changed
    assert "too little" in waiting.report.layers[0].reason


def test_no_summary_waits_where_messages_would_be_dropped_next() -> None:
    """From the failsafe's threshold on the usual gain is enough, and what must fit asks for none."""
    source = session(turns=30)
    tokens = sum(map(COUNTER.count_message, source.messages))
    picky = replace(LAYER, threshold=0.1, keep_recent_messages=45, min_gain_ratio=0.8)
    assert run(source, replace(picky, window=int(tokens / 0.9) - 1)).report.changed
    assert not run(source, replace(picky, window=int(tokens / 0.9) + 2)).report.changed
    assert run(source, replace(picky, window=4 * tokens, fit=tokens - 500)).report.changed


def test_layer_one_runs_again_on_the_result() -> None:
    """What layer 1 did to the discarded source is forgotten; the tail is judged in its new place."""
    settings = Settings(tokenizer="heuristic", window=9_000, threshold=0.5)
    report = run(session(), settings).report
    assert [layer.name for layer in report.layers] == ["cap", "summary", "micro", "failsafe"]


def test_no_summary_leaves_what_layer_one_did() -> None:
    """A failed model must not cost the savings that need none."""

    async def nothing(_request: SummaryRequest) -> None:
        return None

    settings = Settings(tokenizer="heuristic", window=20_000, threshold=0.3)
    report = compact(session(chars=8000), settings, summarizer=nothing).report
    fired = {layer.name: layer.fired for layer in report.layers}
    assert fired["micro"]
    assert not fired["summary"]


def test_secrets_do_not_stay_in_a_summary() -> None:
    """Summaries are kept longer than what they replace."""
    secret = "AKIA" + "ABCDEFGHIJKLMNOP"
    result = run(session(), text=f"The key is {secret}.")
    assert secret not in result.transcript.messages[1].text
    assert result.report.to_json()["redacted_secrets"] == 1


def test_lost_facts_can_be_an_error() -> None:
    """Who would rather keep everything than lose a rule says so."""

    async def forgets(_request: SummaryRequest) -> SummaryOutcome:
        return SummaryOutcome(text="Short.", facts=Facts(2, 0, ("user: a", "user: b")), summarizer="test")

    assert compact(session(), LAYER, summarizer=forgets).report.facts.lost == ("user: a", "user: b")
    for settings in (replace(LAYER, max_lost_facts=1), replace(LAYER, strict=True)):
        with pytest.raises(CortexError, match="2 facts would be lost"):
            compact(session(), settings, summarizer=forgets)


def test_a_model_is_asked_only_through_a_summariser() -> None:
    """Nothing leaves the machine because a setting was read from a file."""
    with pytest.raises(OptionError, match="none handed in"):
        compact(session(), replace(LAYER, summarizer="openai", llm_model="gpt-4o"))


def test_request_can_be_looked_at_without_a_model() -> None:
    """`--print-prompt` shows what would be sent."""
    request = summary_request(session(), LAYER)
    assert request.messages[0].text.startswith("Do step 0")
    with pytest.raises(CortexError, match="nothing to summarise"):
        summary_request(session(turns=1), LAYER)


def test_share_of_fit_leaves_the_overhead_out() -> None:
    """What is sent beside the messages cannot be compacted, and is often more than they are."""
    source = replace(session(), preamble=("tool " * 4000,))
    report = run(source, replace(LAYER, fit=Share(0.3), layers=("cap", "micro", "summary", "failsafe"))).report
    overhead = report.input.overhead_tokens
    assert overhead >= 4_000
    assert report.output.tokens <= overhead + 0.3 * (report.input.tokens - overhead)


def test_async_is_the_one_implementation() -> None:
    """Agents await it; `compact` refuses where it would block their loop."""

    async def agent() -> None:
        result = await compact_async(session(), LAYER, summarizer=says("Said."))
        assert result.report.changed
        with pytest.raises(CortexError, match="event loop"):
            compact(session(), LAYER)

    asyncio.run(agent())


@st.composite
def with_system_messages(draw: st.DrawFn) -> Transcript:
    """Draw a conversation in which system messages stand anywhere, as APIs allow them."""
    messages = list(draw(CONVERSATIONS))
    for at in draw(st.lists(st.integers(0, len(messages)), max_size=3)):
        messages.insert(at, system("Tools are limited from here on."))
    return transcript(*(message._replace(position=-1, records=(), slot=False) for message in messages))


@given(with_system_messages(), st.sampled_from([100, 300, 800]), st.sampled_from(["summary", "observe"]))
def test_system_messages_anywhere_keep_their_place(source: Transcript, target: int, layer: str) -> None:
    """One in the middle of a split turn stays behind its task; `compact` itself judges the order of what is left."""
    strategy = "observational" if layer == "observe" else "classic"
    settings = Settings(
        layers=("cap", "micro", layer, "failsafe"), strategy=strategy, tokenizer="heuristic", fit=target
    )
    try:
        done = compact(source, settings, counter=COUNTER).transcript
    except DoesNotFitError:
        return
    kept = [message for message in done.messages if message.role == "system"]
    assert kept == [message for message in source.messages if message.role == "system"]


def test_the_stores_form_is_known_again(tmp_path: Path) -> None:
    """It bears no tags; a second run must not take it for the user's words."""
    settings = Settings(
        threshold=0.0, style="store", layers=("summary",), tokenizer="heuristic", keep_recent_messages=3
    )
    path = tmp_path / "store.jsonl"
    for keep in (3, 4):  # with the acknowledgement, and without where an assistant follows
        settings = replace(settings, keep_recent_messages=keep)
        lines = [{"role": "user", "content": f"Step {n}; the port stays 84{n:02}."} for n in range(9)]
        answers = [{"role": "assistant", "content": f"Step {n} is done. " * 40} for n in range(9)]
        path.write_text("\n".join(json.dumps(one) for pair in zip(lines, answers, strict=True) for one in pair))
        once = compact(load(path), settings).transcript
        dump(once, path, overwrite=True)
        again = compact(load(path), settings)
        assert once.messages[0].synthetic == "summary"
        assert not again.report.changed
        assert again.transcript.messages[0].synthetic == "summary"


def test_the_store_acknowledges_a_summary_only_where_the_user_speaks_next() -> None:
    """Rules stand before it whoever wrote them, and an earlier summary leaves: an answer would meet the answer."""
    style = replace(LAYER, style="store", keep_recent_messages=3)
    rules = user("<system-reminder>be brief</system-reminder>")
    talk = [message for n in range(6) for message in (user(f"Step {n}."), assistant(f"Step {n} is done. " * 200))]
    once = run(transcript(rules, *talk), style).transcript.messages
    kinds = [message.synthetic or message.role for message in once]
    assert kinds == ["user", "summary", "assistant", "user", "assistant"]
    again = run(transcript(*once, *talk), style).transcript.messages
    assert [message.synthetic or message.role for message in again] == kinds


def test_the_stores_summary_is_known_behind_rules(tmp_path: Path) -> None:
    """They are kept by every layer, and the user wrote neither."""
    rules = {"role": "user", "content": "<system-reminder>be brief</system-reminder>"}
    pair = [{"role": "user", "content": "Step."}, {"role": "assistant", "content": "Done. " * 200}]
    path = tmp_path / "store.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in [rules, *pair * 6]))
    settings = replace(LAYER, threshold=0.0, style="store", keep_recent_messages=3)
    dump(compact(load(path), settings).transcript, path, overwrite=True)
    again = compact(load(path), settings)
    assert not again.report.changed
    assert again.transcript.messages[1].synthetic == "summary"
