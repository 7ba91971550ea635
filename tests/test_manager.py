"""A live session: what is sent stays valid and small, what the caller has stays its own, events come in order."""

import asyncio
import json
import logging
from dataclasses import fields
from itertools import pairwise
from unittest.mock import ANY

import pytest

from cortex_cli import CompactionManager, CortexError, DoesNotFitError, InputError, OptionError, Settings, load
from cortex_cli.cache import cache_ttl_seconds
from cortex_cli.live.events import EVENTS
from cortex_cli.report import Facts
from cortex_cli.summarizers.base import SummaryOutcome
from tests.conftest import filler
from tests.live.conversations import SHAPES, assert_valid, conversation, read, step, texts, user

WINDOW = 20_000
each_shape = pytest.mark.parametrize("shape", SHAPES)


class Clock:
    """A time that tests set."""

    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


def manager(
    clock=None, *, window=WINDOW, events=None, persist=None, summarizer=None, complete=None, format="auto", **settings
):
    """Build a manager that notes its events."""
    made = CompactionManager(
        Settings(window=window, tokenizer="heuristic", **settings),
        clock=clock or Clock(),
        persist=persist,
        summarizer=summarizer,
        complete=complete,
        format=format,
    )
    for name in EVENTS if events is not None else ():
        made.on(name, events.append)
    return made


def fields_of(status):
    """Return a status as a dict."""
    return {field.name: getattr(status, field.name) for field in fields(status)}


def run(coroutine):
    """Run to the end."""
    return asyncio.run(coroutine)


async def failing(_request):
    """A summariser whose model is down."""
    raise RuntimeError("the model is down")


async def silent(_request):
    """A summariser that says why it has nothing."""
    return SummaryOutcome(text="", facts=Facts(), summarizer="none", failure="down", events=({"event": "error"},))


@each_shape
def test_a_short_conversation_is_returned_as_it_is(shape):
    """The same objects: nothing to compare, nothing to write, the cache stays."""
    messages = conversation(shape, 2)
    sent = run(manager().transform(messages))
    assert len(sent) == len(messages)
    assert all(one is two for one, two in zip(sent, messages, strict=True))


@each_shape
@pytest.mark.parametrize("goes_on_with", ["its own", "what was sent", "what was saved"])
def test_a_long_conversation_stays_inside_whoever_keeps_the_list(shape, goes_on_with):
    """The caller may keep everything, or go on with what it got: the summary is written once and carried."""

    async def loop():
        events = []
        made = manager(events=events)
        messages = [user("Use port 7443 everywhere.")]
        for number in range(80):
            sent = await made.transform(messages)
            assert_valid(sent, shape)
            assert made.status().tokens < WINDOW * 0.9
            if goes_on_with == "what was sent":
                messages = list(sent)
            elif goes_on_with == "what was saved" and events and events[-1]["event"] == "result":
                messages = list(events[-2]["messages"])
                events.append({"event": "adopted"})
            messages += step(shape, number, filler(3000), filler(100))
        assert any("7443" in text for text in texts(sent))
        results = [event for event in events if event["event"] == "result"]
        assert 2 <= len(results) <= 8
        assert made.status().compactions == len(results)

    run(loop())


def test_the_callers_list_is_never_touched():
    """It belongs to the caller, and may be sent elsewhere."""
    messages = conversation("openai", 40)
    before = json.dumps(messages)
    run(manager().transform(messages))
    assert json.dumps(messages) == before


@each_shape
def test_a_request_is_what_transform_returns(shape):
    """Only the copy is saved: a recorded session is gone through call by call."""
    messages = conversation(shape, 40)
    assert list(run(manager().request(messages))) == run(manager().transform(messages))


@each_shape
def test_injected_messages_are_sent_once_and_not_kept(shape):
    """A reminder of this call is none of the next."""

    async def loop():
        made = manager()
        messages = conversation(shape, 2)
        reminder = user("<system-reminder>REMIND</system-reminder>")
        sent = await made.transform(messages, injected=[reminder])
        assert "REMIND" in json.dumps(sent[-1])
        assert_valid(sent, shape)
        again = await made.transform([*sent, *step(shape, 7, "x")])
        assert "REMIND" not in json.dumps(again)

    run(loop())


@each_shape
def test_slots_survive_everything(shape):
    """Rules that must always be seen are in front of every call, and in no saved history."""

    async def loop():
        events = []
        made = manager(events=events)
        rules = user("RULES: never touch migrations.")
        messages = conversation(shape, 40)
        for number in range(10):
            sent = await made.transform(messages, slots=[rules])
            assert_valid(sent, shape)
            assert "RULES" in json.dumps(sent[0])
            messages += step(shape, 100 + number, filler(3000))
        replaced = [event for event in events if event["event"] == "source_replaced"]
        assert replaced
        assert "RULES" not in json.dumps(replaced[-1]["messages"])

    run(loop())


def test_system_prompt_and_real_usage_count():
    """What is sent beside the messages fills the window too; the provider's count says how much it is."""

    async def loop():
        made = manager()
        messages = conversation("anthropic", 2)
        await made.transform(messages, system="x" * 4000)
        assert made.status().overhead_tokens == 1000
        counted = made.status().tokens - 1000
        made.update_usage({"input_tokens": 10, "cache_read_input_tokens": 5000, "cache_creation_input_tokens": 90})
        assert made.status().tokens == 5100
        assert made.status().overhead_tokens == 5100 - counted
        assert made.status().usage_ratio == pytest.approx(5100 / WINDOW)

    run(loop())


def test_the_models_own_scale_is_learned():
    """Two calls far apart tell how the model counts against us; what we then expect is what it says."""

    async def loop():
        made = manager(window=100_000)
        messages = conversation("openai", 4)
        for number in range(3):
            await made.transform(messages)
            made.update_usage(input_tokens=round(1.4 * made._counted) + 700)
            messages = [*messages, *step("openai", 10 + number, filler(20_000))]
        assert made.status().scale == pytest.approx(1.4, abs=0.01)
        assert made.status().overhead_tokens == pytest.approx(500, abs=5)

    run(loop())


def test_usage_that_falls_without_a_reason_is_told(caplog):
    """Half the usage of the call before means that another conversation was sent."""

    async def loop():
        made = manager()
        await made.transform(conversation("openai", 4))
        made.update_usage(input_tokens=9000)
        made.update_usage(input_tokens=4600)
        assert not caplog.records
        made.update_usage(input_tokens=2000)

    with caplog.at_level(logging.WARNING):
        run(loop())
    assert "usage fell from 4600 to 2000" in caplog.text


def test_events_come_in_their_order():
    """SPEC 4: before-compaction, model call, error, post-compaction, source replaced, result."""
    events, order = [], []

    async def flaky(system, prompt, max_tokens):
        del system, prompt, max_tokens
        order.append("model")
        if order.count("model") == 1:
            raise ConnectionError("reset by peer")
        return "<summary>The parser in a.py fails on tabs; b.py is done; next: run the tests of c.py.</summary>"

    made = manager(events=events, complete=flaky, retry_delay_seconds=0.0)
    made.on("before-compaction", lambda event: order.append(event["event"]))
    for name in EVENTS[1:]:
        made.on(name, lambda event: order.append(event["event"]))
    run(made.transform(conversation("openai", 25)))
    assert order == ["before_compaction", "model", "model", "error", "post_compaction", "source_replaced", "result"]
    result = events[-1]
    assert result["tokens_before"] > WINDOW * 0.6 > result["tokens_after"]
    assert result["turns_preserved"] == 7
    assert "tabs" in result["summary"]
    assert made.status().failures == 0


def test_before_compaction_is_waited_for_and_may_say_no():
    """A vetoed compaction is not made: no model is asked, nothing is replaced."""
    events = []
    made = manager(events=events)

    async def veto(_event):
        await asyncio.sleep(0)
        return False

    off = made.on("before_compaction", veto)
    messages = conversation("openai", 20)
    sent = run(made.transform(messages))
    assert [event["event"] for event in events] == ["before_compaction"]
    assert len(read(sent, "openai")) == len(read(messages, "openai"))
    off()
    run(made.transform(messages))
    assert events[-1]["event"] == "result"


def test_a_throwing_handler_harms_nothing(caplog):
    """It is somebody else's code."""
    made = manager()

    def throw(_event):
        raise ValueError("not today")

    for name in EVENTS:
        made.on(name, throw)
    sent = run(made.transform(conversation("openai", 25)))
    assert made.status().compactions == 1
    assert len(sent) < 20
    assert "a handler of result failed" in caplog.text


def test_an_unknown_event_is_refused():
    """A slip would never be called."""
    with pytest.raises(OptionError, match="no event 'resutl'") as caught:
        manager().on("resutl", print)
    assert "result" in caught.value.hint


def test_a_handler_that_calls_back_is_told():
    """It would wait for itself for ever."""
    caught = []
    made = manager()

    async def call_back(_event):
        try:
            await made.transform([user("x")])
        except CortexError as error:
            caught.append(error)

    made.on("result", call_back)
    run(made.transform(conversation("openai", 25)))
    assert "handler" in str(caught[0])


def test_a_failed_model_leaves_the_built_in_one():
    """The command line's default: an error each time, and a summary all the same."""
    events = []
    made = manager(events=events, summarizer=failing)
    run(made.transform(conversation("openai", 25)))
    names = [event["event"] for event in events]
    assert names == ["before_compaction", "error", "post_compaction", "source_replaced", "result"]
    assert made.status().failures == 1


def test_a_failed_model_and_nobody_else():
    """Without a fallback the conversation stays, `exhausted`; once the failsafe has to act, `degraded`."""
    events = []
    made = manager(events=events, summarizer=silent, fallback="none")
    messages = conversation("openai", 18)
    run(made.transform(messages))
    assert [event["event"] for event in events] == ["before_compaction", "error", "exhausted"]
    events.clear()
    run(made.transform([*messages, *conversation("openai", 30)[1:]]))
    assert [event["event"] for event in events][-1] == "degraded"
    assert events[-1]["dropped"] > 0


def test_cancellation_leaves_the_history_as_it_was():
    """The user presses Ctrl-C while the summary is written."""
    started = asyncio.Event()

    async def slow(_request):
        started.set()
        await asyncio.sleep(60)

    async def loop():
        made = manager(summarizer=slow)
        messages = conversation("openai", 25)
        task = asyncio.create_task(made.transform(messages))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert made.status().compactions == 0
        made.set_completer()
        sent = await made.transform(messages)
        assert made.status().compactions == 1
        assert_valid(sent, "openai")

    run(loop())


def test_overlapping_calls_compact_once():
    """Two agents of one session, or a retry that overtakes: one summary for both."""

    async def loop():
        calls = []

        async def complete(system, prompt, max_tokens):
            del system, prompt, max_tokens
            calls.append(1)
            await asyncio.sleep(0.01)
            return "<summary>The parser in a.py fails on tabs; b.py is done; next: run the tests of c.py.</summary>"

        made = manager(complete=complete)
        messages = conversation("openai", 25)
        one, two = await asyncio.gather(made.transform(messages), made.transform(messages))
        assert one == two
        assert len(calls) == 1

    run(loop())


def test_a_warm_cache_keeps_layer_1_away_and_its_decisions():
    """While the cache is warm nothing already sent changes; once it is cold old results are trimmed, and stay so."""

    async def loop():
        clock = Clock()
        made = manager(clock, threshold=1.0, failsafe_threshold=1.0, hot_zone_min_tokens=2000)
        made.set_cache("anthropic")
        messages = conversation("anthropic", 12)
        await made.transform(messages[:1])
        assert await made.transform(messages) == messages
        clock.now += cache_ttl_seconds("anthropic", "short") - 1
        messages += step("anthropic", 50, filler(3000))
        assert await made.transform(messages) == messages
        clock.now += cache_ttl_seconds("anthropic", "short")
        cold = await made.transform(messages)
        assert cold != messages
        clock.now += 10
        warm = await made.transform([*messages, *step("anthropic", 51, filler(3000))])
        assert all(one is two for one, two in zip(warm, cold, strict=False))
        assert made.status().is_cold is False

    run(loop())


def test_without_a_cache_layer_1_acts_at_once():
    """There is nothing to be lost."""
    made = manager(threshold=1.0, failsafe_threshold=1.0, hot_zone_min_tokens=2000)
    messages = conversation("openai", 12)
    assert run(made.transform(messages)) != messages


def test_the_cache_is_found_out_from_usage():
    """Nobody has to say it: the provider tells of cached tokens, or that nothing is cached."""
    made = manager()
    run(made.transform(conversation("anthropic", 2)))
    assert made.status().cache_provider == ""
    made.update_usage({"input_tokens": 10, "cache_creation_input_tokens": 4000, "cache_read_input_tokens": 0})
    assert (made.status().cache_provider, made.status().cache_ttl_seconds) == ("anthropic", 300)
    claude = manager(model="claude-sonnet-4-5", window=200_000)
    run(claude.transform(conversation("anthropic", 2)))
    assert claude.status().cache_provider == "anthropic"
    claude.update_usage({"input_tokens": 9000, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0})
    assert claude.status().cache_provider == ""


def test_the_threshold_falls_while_nobody_is_there():
    """SPEC 8; a new typed message is an interaction."""

    async def loop():
        clock = Clock()
        made = manager(clock)
        assert made.status().threshold == pytest.approx(0.5)  # never
        messages = conversation("openai", 1)
        await made.transform(messages)
        assert made.status().threshold == pytest.approx(0.7)
        clock.now += 300
        assert made.status().threshold == pytest.approx(0.6)
        clock.now += 1500
        await made.transform([*messages, *step("openai", 3, "x")])
        assert made.status().threshold == pytest.approx(0.5)
        made.set_last_interaction()
        assert made.status().threshold == pytest.approx(0.7)

    run(loop())


def test_overflow_is_answered_with_what_fits():
    """The provider's own numbers are learned, so that the next call fits too."""

    async def loop():
        made = manager(window=200_000)
        messages = conversation("anthropic", 40)
        await made.transform(messages)
        error = {"error": {"message": "prompt is too long: 24000 tokens > 20000 maximum"}}
        sent = await made.handle_overflow(error)
        assert_valid(sent, "anthropic")
        status = made.status()
        assert status.window == 20_000
        assert status.tokens <= 0.8 * 20_000
        sent = await made.transform([*messages, *step("anthropic", 99, "x")])
        assert made.status().tokens <= 0.9 * 20_000

    run(loop())


def test_another_error_is_no_overflow():
    """Rate limits speak of tokens too."""
    made = manager()
    assert run(made.handle_overflow("Rate limit reached: 30000 tokens per minute")) is None
    assert run(made.handle_overflow(TimeoutError("timed out"))) is None


def test_what_cannot_fit_says_so():
    """Better an error before the call than one after it."""
    with pytest.raises(DoesNotFitError, match="smallest size"):
        run(manager(window=1000).transform([user("word " * 4000)]))


def test_broken_history_is_mended_for_the_call():
    """A call that nobody answered gets its neutral result; the caller's list stays."""
    messages = [user("go"), *step("openai", 1, "x")[:1], user("never mind")]
    sent = run(manager().transform(messages))
    assert_valid(sent, "openai")
    assert len(messages) == 3


def test_caps_are_applied_once_and_kept():
    """A result that is far too long is put away and shortened where it comes in."""
    kept = []

    def persist(content, tool, category, call_id, index):
        kept.append((len(content), tool, category, call_id, index))
        return "./out/1.txt"

    made = manager(persist=persist)
    messages = [user("go"), *step("openai", 1, filler(60_000))]
    sent = run(made.transform(messages))
    assert "[Full content persisted to ./out/1.txt -- use Read to access]" in sent[-1]["content"]
    run(made.transform([*messages, *step("openai", 2, "x")]))
    assert kept == [(60_000, "Bash", "non-reproducible", "call_1_0", 2)]


def test_a_result_can_be_capped_before_it_is_kept():
    """The agent's own store need not hold it either."""
    made = manager()
    assert made.cap_tool_result("short") == "short"
    assert "tokens trimmed at insertion" in made.cap_tool_result(filler(60_000), tool="Bash")


def test_a_persist_callback_that_fails_costs_only_the_reference(caplog):
    """The text goes all the same."""

    def persist(*_args):
        raise OSError("disk full")

    sent = run(manager(persist=persist).transform([user("go"), *step("openai", 1, filler(60_000))]))
    assert "trimmed at insertion" in sent[-1]["content"]
    assert "disk full" in caplog.text


def test_compaction_between_calls():
    """Where it is due, or where the caller wants it."""

    async def loop():
        made = manager()
        assert await made.check_and_compact(conversation("openai", 10)) is None
        record = await made.check_and_compact(force=True)
        assert record["turns_compacted"] > 10
        assert made.status().compactions == 1

    run(loop())


@each_shape
def test_a_saved_state_goes_on(shape):
    """After a restart the same messages lead to the same request, and no model is asked."""

    async def loop():
        messages = conversation(shape, 40)
        made = manager()
        await made.transform(messages)
        state = json.loads(json.dumps(made.save_state()))
        messages += step(shape, 99, "more")
        expected = await made.transform(messages)
        again = manager(summarizer=failing)
        again.restore_state(state, len(messages))
        assert await again.transform(messages) == expected
        assert again.status().compactions == 0

    run(loop())


def test_a_state_of_other_messages_does_not_hold():
    """A summary of a conversation that was rewound, or of another one, must not come in."""

    async def loop():
        messages = conversation("openai", 40)
        made = manager()
        await made.transform(messages)
        state = made.save_state()
        for other in (messages[:4], [user("Something else."), *messages[1:6]]):
            again = manager()
            again.restore_state(state, len(other))
            assert await again.transform(other) == other

    run(loop())


@pytest.mark.parametrize("state", [{}, {"version": 99}, {"version": 1, "history": 3}])
def test_a_broken_state_is_refused(state):
    """One line that says what it is, no KeyError."""
    with pytest.raises(InputError, match="saved state"):
        manager().restore_state(state, 3)


def test_sizes_can_be_set_while_it_runs():
    """The user goes on with a smaller model."""

    async def loop():
        made = manager(window=100_000)
        messages = conversation("openai", 25)
        assert await made.transform(messages) == messages
        made.set_budget(15_000)
        assert len(await made.transform(messages)) < len(messages)
        with pytest.raises(OptionError, match="larger than the window"):
            made.set_budget(200_000)
        assert made.status().budget == 15_000
        made.set_model_window(18_000)
        assert made.status().window == 18_000
        with pytest.raises(OptionError, match="larger than the window"):
            made.set_model_window(9_000)
        assert made.status().window == 18_000

    run(loop())


def test_own_messages_go_in_and_come_out():
    """What `load` returns needs no detour over dicts."""
    messages = list(load(conversation("openai", 25)).messages)
    sent = run(manager().transform(messages))
    assert sent[0].synthetic == "summary" or sent[1].synthetic == "summary"
    assert sent[-1] is messages[-1]


def test_an_empty_conversation_stays_empty():
    """Some agents ask before anything was said."""
    assert run(manager().transform([])) == []


def test_a_closed_manager_says_so():
    """Nothing is changed behind the back of whoever closed it."""

    async def loop():
        made = manager()
        await made.close()
        with pytest.raises(CortexError, match="closed"):
            await made.transform([user("x")])

    run(loop())


def test_objects_of_provider_packages_go_in():
    """Agents append what the package returned, whole or its content."""
    anthropic = pytest.importorskip("anthropic.types")
    openai = pytest.importorskip("openai.types.chat")

    async def loop():
        made = manager(format="anthropic")
        messages = [user("go")]
        for number in range(40):
            blocks = [
                anthropic.TextBlock(type="text", text=f"Module {number} fails."),
                anthropic.ToolUseBlock(type="tool_use", id=f"c{number}", name="Bash", input={"n": number}),
            ]
            results = [{"type": "tool_result", "tool_use_id": f"c{number}", "content": filler(3000)}]
            messages += [{"role": "assistant", "content": blocks}, {"role": "user", "content": results}]
            sent = await made.transform(messages, injected=[user("<system-reminder>x</system-reminder>")])
            assert_valid(sent, "anthropic")
        assert made.status().compactions > 0
        assert any(one is messages[-2] for one in sent)
        made = manager()
        function = {"name": "Bash", "arguments": "{}"}
        call = {"id": "c", "type": "function", "function": function}
        answer = openai.ChatCompletionMessage.model_validate({"role": "assistant", "tool_calls": [call]})
        messages = [user("go"), answer, {"role": "tool", "tool_call_id": "c", "content": filler(60_000)}]
        sent = await made.transform(messages)
        assert sent[1] is answer
        assert "trimmed at insertion" in sent[2]["content"]

    run(loop())


def test_another_model_brings_its_own_window_and_cache():
    """The user switches models in the middle; what does not fit is refused at once, not in the next call."""
    made = manager(window=0, model="claude-sonnet-4-5")
    run(made.transform(conversation("openai", 2)))
    known = made.status()
    assert (known.cache_provider, known.scale) == ("anthropic", 1.0)  # nothing is known of the heuristic's scale
    made.set_budget(150_000)
    with pytest.raises(OptionError, match="larger than the window"):
        made.set_model("gpt-4o-mini")
    assert made.status() == known.__class__(**{**fields_of(known), "budget": 150_000, "usage_ratio": ANY})
    made.set_budget(0)
    made.set_model("gpt-4o-mini")
    assert (made.status().window, made.status().cache_provider) == (128_000, "openai")
    assert made.status().last_call is None


def test_the_cache_can_be_named():
    """A slip is told; a provider that nobody knows has no cache to reckon with."""
    made = manager(cache="anthropic:long")
    assert made.status().cache_ttl_seconds == 3600
    made.set_cache("OpenAI")
    assert made.status().cache_ttl_seconds == 600
    made.set_cache("my-gateway")
    assert made.status().cache_ttl_seconds == 0
    with pytest.raises(OptionError, match="provider 'antropic'"):
        made.set_cache("antropic")
    with pytest.raises(OptionError, match="retention"):
        made.set_cache("anthropic", "ever")
    made.set_cache("")
    assert made.status().cache_provider == ""


def test_the_best_retention_follows_from_the_pauses():
    """Four minutes between calls are inside five; ten are not."""

    async def loop(pause):
        clock = Clock()
        made = manager(clock)
        made.set_cache("anthropic")
        for _ in range(4):
            await made.transform([user("x")])
            clock.now += pause
        return made.status().best_retention

    assert run(loop(240)) == "short"
    assert run(loop(600)) == "long"


def test_a_model_that_was_named_must_be_handed_in():
    """A library looks for no keys."""
    with pytest.raises(OptionError, match="'openai' was named"):
        CompactionManager(Settings(summarizer="openai", llm_model="x"))


def test_a_wrong_key_is_not_tried_again():
    """The same call would fail again; what is passing is tried three times."""

    async def loop(status):
        calls = []

        async def refuse(system, prompt, max_tokens):
            del system, prompt, max_tokens
            calls.append(1)
            error = RuntimeError("no")
            error.status_code = status
            raise error

        made = manager(complete=refuse, retry_delay_seconds=0.0)
        made.set_utility_window(50_000)
        await made.transform(conversation("openai", 25))
        assert made.status().utility_window == 50_000
        return len(calls)

    assert run(loop(401)) == 1
    assert run(loop(529)) == 3


def test_own_messages_cannot_be_saved_as_json():
    """`dump` is there for them."""
    made = manager()
    run(made.transform(list(load(conversation("openai", 25)).messages)))
    with pytest.raises(InputError, match="only histories of message dicts"):
        made.save_state()


@pytest.mark.parametrize("empty", [{}, {"content": None}])
def test_what_is_injected_joins_a_message_without_content(empty):
    """A message that says nothing is sent as it came, and one behind it loses nothing."""
    messages = [*conversation("anthropic", 1), {"role": "user", **empty}]
    sent = run(manager(format="anthropic").transform(messages, injected=[user("now")]))
    assert sent[-1]["content"] == [{"type": "text", "text": "now"}]


def test_own_messages_and_dicts_may_be_injected_together():
    """A reminder is a dict in one agent and a message in another."""
    messages = list(load(conversation("openai", 2)).messages)
    sent = run(manager().transform(messages, injected=[messages[0], user("now")]))
    assert sent[-2:] == [messages[0], user("now")]


def test_results_without_anybody_who_speaks_are_returned_as_they_are():
    """An excerpt cannot be mended; nothing is made of it."""
    messages = [{"role": "tool", "tool_call_id": "a", "content": filler(50_000)}]
    assert run(manager(format="openai").transform(messages)) == messages


@pytest.mark.parametrize("goes_on_with_sent", [False, True])
def test_the_result_names_the_oldest_preserved_message_of_the_callers_list(goes_on_with_sent):
    """So that the caller knows what of its own list is still sent as it stands."""

    async def loop():
        events = []
        made = manager(events=events)
        messages = [{"role": "system", "content": "be brief"}, user("Use port 7443.")]
        for number in range(60):
            events.clear()
            sent = await made.transform(messages)
            if events and events[-1]["event"] == "result":
                at = events[-1]["oldest_preserved_index"]
                assert messages[at] in sent
                assert not [one for one in messages[1:at] if one in sent and one["role"] != "user"]
            if goes_on_with_sent:
                messages = list(sent)
            messages += step("openai", number, filler(3000))
        assert made.status().compactions > 1

    run(loop())


def test_the_failsafe_makes_room_for_a_while():
    """At 90 % it goes down to 80 %, so that it does not act again, and break the cache, at every call."""

    async def loop():
        made = manager(layers=("failsafe",))
        messages = conversation("openai", 8)
        fired = []
        for number in range(60):
            await made.transform(messages)
            if made.status().compactions > len(fired):
                fired.append(number)
                assert made.status().usage_ratio <= 0.8
            messages += step("openai", 100 + number, filler(1400))
        assert made.status().usage_ratio < 0.9
        assert len(fired) >= 2
        assert all(later - earlier >= 4 for earlier, later in pairwise(fired))

    run(loop())


BEDROCK = [
    {"role": "user", "content": [{"text": "go"}]},
    {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "Bash", "input": {}}}]},
    {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"text": filler(60_000)}]}}]},
]
GEMINI = [
    {"role": "user", "parts": [{"text": "go"}]},
    {"role": "model", "parts": [{"functionCall": {"name": "Bash", "args": {}}}]},
    {"role": "user", "parts": [{"functionResponse": {"name": "Bash", "response": {"output": filler(60_000)}}}]},
]
RESPONSES = [
    {"role": "user", "content": "go"},
    {"type": "function_call", "call_id": "t", "name": "Bash", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "t", "output": filler(60_000)},
]


@pytest.mark.parametrize(
    ("messages", "reminder", "length"),
    [
        (BEDROCK, {"role": "user", "content": [{"text": "NOW"}]}, 3),
        (GEMINI, {"role": "user", "parts": [{"text": "NOW"}]}, 3),
        (RESPONSES, {"role": "user", "content": "NOW"}, 4),
    ],
)
def test_lists_of_other_apis(messages, reminder, length):
    """Bedrock, Gemini and OpenAI's Responses hold the same conversations in other words."""
    sent = run(manager().transform(messages, injected=[reminder]))
    assert "tokens trimmed at insertion" in json.dumps(sent[2])
    assert "NOW" in json.dumps(sent[-1])
    assert len(sent) == length
    assert sent[:2] == messages[:2]
