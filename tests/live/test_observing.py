"""Observational memory in a live session: noted in the background, the log in the conversation, state that goes on."""

import asyncio
import json

import pytest

from cortex_cli import CompactionManager, Settings
from cortex_cli.live.events import EVENTS
from cortex_cli.memory.base import LogEntry
from cortex_cli.memory.telling import Noted
from tests.conftest import filler
from tests.live.conversations import SHAPES, assert_valid, step, texts, user

WINDOW = 30_000


def manager(events=None, **more):
    """Build a manager with small buffers, so that they fill."""
    settings = Settings(
        window=WINDOW, tokenizer="heuristic", strategy="observational", buffer_min_tokens=1000, retry_delay_seconds=0
    )
    made = CompactionManager(settings, clock=lambda: 1_000_000.0, **more)
    for name in EVENTS if events is not None else ():
        made.on(name, events.append)
    return made


async def work(made, shape, steps, messages=None, *, goes_on_with_sent=False):
    """Let an agent take so many steps; returns its history and the last request."""
    messages = messages or [user("Use port 7443 everywhere.")]
    sent = []
    for number in range(len(messages), len(messages) + steps):
        sent = await made.transform(messages)
        assert_valid(sent, shape)
        assert made.status().tokens < WINDOW * 0.95
        if goes_on_with_sent:
            messages = list(sent)
        messages += step(shape, number, filler(3000), filler(100), text=f"Module {number} fails on tabs.")
        await made.turn_end(messages)
        await made.settle()
    return messages, sent


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("goes_on_with_sent", [False, True])
def test_observed_messages_leave_for_the_log(shape, goes_on_with_sent):
    """What was noted in the background takes over once the window fills; what the user said is in it."""
    events = []

    async def loop():
        made = manager(events)
        _, sent = await work(made, shape, 80, goes_on_with_sent=goes_on_with_sent)
        status = made.status()
        assert "7443" in status.slot_text
        assert 0 < status.observation_tokens < WINDOW * 0.5
        assert any("<observations>" in text for text in texts(sent))
        assert status.compactions >= 2
        assert status.strategy == "observational"

    asyncio.run(loop())
    names = [event["event"] for event in events]
    assert names.count("observation") > 2
    first = names.index("source_replaced")
    assert names[first : first + 2] == ["source_replaced", "result"]
    assert "observation" in names[:first]


def test_observing_by_hand():
    """Before the user closes the lid."""

    async def loop():
        made = manager()
        messages = [user("Use port 7443 everywhere."), *step("openai", 1, "x" * 2000)]
        assert await made.trigger_observation() is False
        await made.transform(messages)
        assert await made.trigger_observation() is True
        assert await made.trigger_observation() is False
        assert await made.transform(messages) == messages

    asyncio.run(loop())


def test_a_session_goes_on_after_a_restart():
    """The state has been through JSON; nobody is asked when it is restored."""

    async def never(_request):
        raise AssertionError("asked")

    async def loop():
        made = manager()
        messages, _ = await work(made, "openai", 60)
        expected = await made.transform(messages)
        state = json.loads(json.dumps(made.save_state()))
        again = manager(observer=never, reflector=never)
        again.restore_state(state, len(messages))
        assert again.status().slot_text == made.status().slot_text
        assert await again.transform(messages) == expected

    asyncio.run(loop())


def test_a_failed_observer_loses_nothing():
    """Its messages stay until somebody has noted them; the failsafe is the last to act."""
    events = []

    async def failing(_request):
        return LogEntry(observations="", failure="the model is down")

    async def loop():
        made = manager(events, observer=failing)
        messages, sent = await work(made, "openai", 20)
        assert len(sent) == len(messages) - 3
        assert made.status().failures > 0
        assert made.status().slot_text == ""
        made.set_completer()
        await work(made, "openai", 30, messages)
        assert "7443" in made.status().slot_text
        assert made.status().failures == 0

    asyncio.run(loop())
    assert "error" in {event["event"] for event in events}


def test_closing_ends_what_runs_in_the_background():
    """No task outlives its session."""

    async def slow(_request):
        await asyncio.sleep(60)

    async def loop():
        made = manager(observer=slow)
        messages = [user("go"), *step("openai", 1, filler(9000), filler(9000), filler(9000), filler(9000))]
        await made.transform(messages)
        await made.turn_end(messages)
        await asyncio.sleep(0)
        assert made.status().in_flight == ("observation",)
        await made.close()
        assert made.status().in_flight == ()

    asyncio.run(loop())


@pytest.mark.parametrize("listens", [False, True])
def test_facts_are_counted_only_for_whoever_asks(listens, monkeypatch):
    """Counting them looks through all that left once more: as much work as noting it was."""
    counted, events = [], []
    count = Noted.count_facts
    monkeypatch.setattr(Noted, "count_facts", lambda self: counted.append(self) or count(self))

    async def loop():
        made = manager()
        if listens:
            made.on("result", events.append)
        messages, _ = await work(made, SHAPES[0], 80)
        assert made.status().compactions >= 2
        assert len(counted) == len(events)
        assert bool(events) == listens
        for number in range(200, 230):
            messages += step(SHAPES[0], number, filler(3000), filler(100), text=f"Module {number} fails on tabs.")
        record = await made.check_and_compact(messages)
        assert record is not None
        assert record["summary"]
        assert counted

    asyncio.run(loop())
