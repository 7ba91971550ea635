"""Faults of a live memory: whatever fails, is late or races, no message is gone that the log does not tell of."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from cortex_cli.memory.base import LogEntry
from cortex_cli.memory.live import LiveMemory
from cortex_cli.messages import Message
from tests.conftest import assistant, call, filler, notice, system
from tests.memory.authors import TINY, Author, Conversation, Scribe, Squeezer, facts_in, live_memory, size, view_of


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run one test's events."""
    asyncio.run(asyncio.wait_for(work, 10))


def check(talk: Conversation, seen: tuple[Message, ...]) -> None:
    """Hold what must be true of every conversation that a model is sent."""
    assert talk.facts == facts_in(seen)
    typed = [message for message in talk.messages if message.typed]
    if typed:
        assert typed[-1] in seen
    assert sum(message.synthetic == "log" for message in seen) <= 1


async def step(memory: LiveMemory, talk: Conversation, *, settles: bool = True, **more: Any) -> tuple[Message, ...]:
    """Let the model be asked once and answer, as a session does; return what it saw."""
    seen = (await memory.transform(view_of(talk.messages))).messages
    check(talk, seen)
    talk.say(**more)
    memory.turn_end(view_of(talk.messages))
    if settles:
        await memory.settle()
    return seen


def test_long_session_stays_under_the_window() -> None:
    """The point of it all: the conversation goes on for ever, and what was said is still known."""

    async def session() -> None:
        talk, memory = Conversation(system("be good")), live_memory()
        for _ in range(40):
            seen = await step(memory, talk, steps=2)
            assert size(seen) < 2_000
        assert memory.memory.state.chunks
        assert seen[0].slot
        assert seen[1].synthetic == "log"

    run(session())


def test_history_may_be_whole_or_what_was_returned() -> None:
    """Programs differ in what they keep: both see the same conversation."""

    async def session() -> None:
        whole, short = live_memory(), live_memory()
        talk, history = Conversation(), ()
        for _ in range(12):
            seen = (await whole.transform(view_of(talk.messages))).messages
            history = (await short.transform(view_of(history))).messages
            assert [one.text for one in history] == [one.text for one in seen]
            check(talk, history)
            before = len(talk.messages)
            talk.say(steps=2)
            history = (*history, *talk.messages[before:])
            whole.turn_end(view_of(talk.messages))
            short.turn_end(view_of(history))
            await whole.settle()
            await short.settle()
        assert whole.memory.state.observations

    run(session())


@pytest.mark.parametrize("fault", ["fail", "raise", "empty", "long"])
@pytest.mark.parametrize("at", [0, 1, 3])
def test_observer_that_fails(fault: str, at: int) -> None:
    """In the background or in the synchronous step: what it did not note stays in the conversation."""

    async def session() -> None:
        talk, memory = Conversation(), live_memory(observer=Scribe(*["ok"] * at, *[fault] * 4))
        for _ in range(14):
            await step(memory, talk)
        assert memory.memory.account.failures
        assert memory.memory.state.observations

    run(session())


@pytest.mark.parametrize("fault", ["fail", "raise", "empty", "long"])
def test_observer_that_fails_in_the_synchronous_step(fault: str) -> None:
    """Chunks and messages are as they were."""

    async def session() -> None:
        talk, memory = Conversation(), live_memory(observer=Scribe(*[fault] * 8))
        for _ in range(6):
            talk.say(steps=2)
        result = await memory.transform(view_of(talk.messages))
        assert result.messages is talk.messages
        assert not result.fired
        assert result.reason.endswith(memory.memory.account.failures[-1])
        assert memory.memory.state.chunks == ()

    run(session())


@pytest.mark.parametrize("fault", ["fail", "raise", "empty", "long"])
def test_reflector_that_fails(fault: str) -> None:
    """The log stays as it is, and grows on."""

    async def session() -> None:
        talk, memory = Conversation(), live_memory(reflector=Squeezer(*[fault] * 500))
        for _ in range(60):
            await step(memory, talk)
        assert memory.memory.state.generation == 0
        assert len(memory.memory.state.observations) > 1_000

    run(session())


def test_best_reflection_wins_and_not_the_last() -> None:
    """A reflector asked more strongly may say more, or nothing."""

    def answer(chars: int) -> Any:
        return lambda _: LogEntry(observations=filler(chars))

    async def session() -> None:
        reflector = Squeezer(answer(900), answer(700), "empty", answer(800), "fail")
        memory = live_memory(reflector=reflector).memory
        memory.state = memory.state.with_log(filler(1_000), 250)
        assert await memory.reflect_now(100)
        assert memory.state.observations == filler(700).strip()
        assert [request.level for request in reflector.requests] == [0, 1, 2, 3, 4]

    run(session())


def test_reflection_that_ends_after_new_observations_keeps_them() -> None:
    """What came while it was at work stands behind the condensed log."""

    async def session() -> None:
        gate = asyncio.Event()
        talk, memory = Conversation(), live_memory(reflector=Squeezer(gate))
        while not memory.reflects:
            await step(memory, talk, settles=False)
            await asyncio.sleep(0)
        before = memory.memory.state.observations
        memory.memory.state = memory.memory.state.with_log(f"{before}\n\n* fact-9001", 10_000)
        talk.facts.add("fact-9001")
        gate.set()
        await memory.settle()
        assert memory.memory.state.reflection is not None
        assert memory.memory.state.observations.startswith(before)
        assert await memory.memory.reflect(memory.memory.limits(view_of(talk.messages)))
        assert memory.memory.state.observations.endswith("* fact-9001")
        check(talk, (await memory.transform(view_of(talk.messages))).messages)

    run(session())


def test_reflection_of_a_log_that_is_another_now_is_dropped() -> None:
    """Else what the other log says would be lost."""

    async def session() -> None:
        gate = asyncio.Event()
        memory = live_memory(reflector=Squeezer(gate)).memory
        memory.state = memory.state.with_log("* fact-1 " + filler(500), 125)
        work = asyncio.create_task(memory.reflect_now(10))
        await asyncio.sleep(0)
        memory.state = memory.state.with_log("* fact-2", 3)
        gate.set()
        assert not await work
        assert memory.state.observations == "* fact-2"

    run(session())


def test_one_observation_of_the_background_at_a_time() -> None:
    """Turn ends come faster than answers; two of one kind would note the same twice."""

    async def session() -> None:
        gate, observer = asyncio.Event(), Scribe()
        observer.script = [gate]
        talk, memory = Conversation(), live_memory(observer=observer)
        for _ in range(3):
            talk.say()
            memory.turn_end(view_of(talk.messages))
            await asyncio.sleep(0)
        assert memory.observes
        assert len(observer.requests) == 1
        gate.set()
        await memory.settle()
        assert len(memory.memory.state.chunks) == len(observer.requests) >= 1

    run(session())


def test_activation_waits_for_what_is_paid_for() -> None:
    """An observation under way is joined, and nothing is observed twice."""

    async def session() -> None:
        gate = asyncio.Event()
        observer = Scribe(gate)
        talk, memory = Conversation(), live_memory(observer=observer)
        for _ in range(6):
            talk.say(steps=2)
            memory.turn_end(view_of(talk.messages))
            await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.01, gate.set)
        check(talk, (await memory.transform(view_of(talk.messages))).messages)
        noted = [fact for request in observer.requests for fact in facts_in(request.messages)]
        assert len(noted) == len(set(noted))

    run(session())


def test_two_activations_that_race() -> None:
    """The second finds the work done."""

    async def session() -> None:
        observer = Scribe()
        talk, memory = Conversation(), live_memory(observer=observer)
        for _ in range(6):
            talk.say(steps=2)
        one, other = await asyncio.gather(*(memory.transform(view_of(talk.messages)) for _ in range(2)))
        assert one.messages[0] == other.messages[0]
        check(talk, one.messages)
        check(talk, other.messages)
        noted = [fact for request in observer.requests for fact in facts_in(request.messages)]
        assert len(noted) == len(set(noted))

    run(session())


def test_truncation_between_buffering_and_activation() -> None:
    """An overflow drops messages that a chunk tells of: the chunk still comes into the log."""

    async def session() -> None:
        talk, memory = Conversation(), live_memory()
        talk.say(steps=3)
        memory.turn_end(view_of(talk.messages))
        await memory.settle()
        noted = facts_in(talk.messages)
        assert memory.memory.state.chunks
        talk.messages = (notice(), *talk.messages[-1:])  # the failsafe of somebody else
        for _ in range(8):
            await_seen = await memory.transform(view_of(talk.messages))
            talk.say(steps=2)
        seen = (await memory.transform(view_of(talk.messages))).messages
        assert noted <= facts_in(seen)
        assert await_seen is not None
        check(talk, seen)

    run(session())


def test_truncation_is_told_first() -> None:
    """Before the failsafe drops what nobody noted, it is noted; where that fails it may drop all the same."""

    async def session() -> None:
        talk = Conversation()
        talk.say(steps=3)
        works, fails = live_memory(), live_memory(observer=Scribe(*["fail"] * 9))
        seen = (await works.before_truncation(view_of(talk.messages))).messages
        check(talk, seen)
        assert len(seen) < len(talk.messages)
        assert (await fails.before_truncation(view_of(talk.messages))).messages == talk.messages

    run(session())


def test_abort_in_the_background_and_in_the_synchronous_step() -> None:
    """What was asked for is not taken in afterwards, and the session goes on."""

    async def session() -> None:
        never = asyncio.Event()
        talk, memory = Conversation(), live_memory(observer=Scribe(never, never))
        talk.say(steps=3)
        memory.turn_end(view_of(talk.messages))
        await asyncio.sleep(0.01)
        memory.abort()
        await memory.settle()
        assert not memory.observes
        assert memory.memory.state.chunks == ()
        for _ in range(4):
            talk.say(steps=2)
        asyncio.get_running_loop().call_later(0.01, memory.abort)
        result = await memory.transform(view_of(talk.messages))
        assert result.messages == talk.messages
        check(talk, (await memory.transform(view_of(talk.messages))).messages)
        assert memory.memory.state.observations

    run(session())


def test_cancelling_the_session_is_no_abort() -> None:
    """The task that asked ends as tasks do; the memory is as it was."""

    async def session() -> None:
        talk, memory = Conversation(), live_memory(observer=Scribe(asyncio.Event()))
        for _ in range(5):
            talk.say(steps=2)
        work = asyncio.create_task(memory.transform(view_of(talk.messages)))
        await asyncio.sleep(0.01)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert memory.memory.state.chunks == ()
        check(talk, (await memory.transform(view_of(talk.messages))).messages)

    run(session())


def test_open_calls_stay() -> None:
    """A call whose result is on its way is neither observed nor dropped."""

    async def session() -> None:
        talk, observer = Conversation(), Scribe()
        memory = live_memory(observer=observer)
        for _ in range(6):
            talk.say(steps=2)
        talk.ask()
        talk.add(assistant(call(call_id="open")))
        seen = (await memory.transform(view_of(talk.messages))).messages
        check(talk, seen)
        assert seen[-1] is talk.messages[-1]
        assert all(
            message.calls == () or message.calls[0].call_id != "open"
            for r in observer.requests
            for message in r.messages
        )

    run(session())


def test_trigger_by_hand() -> None:
    """Observes at once what is not observed, however little; nothing leaves before the log takes over."""

    async def session() -> None:
        talk, memory = Conversation(), live_memory()
        talk.say()
        assert await memory.trigger(view_of(talk.messages))
        assert not await memory.trigger(view_of(talk.messages))
        assert len(memory.memory.state.chunks) >= 1
        assert (await memory.transform(view_of(talk.messages))).messages == talk.messages

    run(session())


def test_events_come_in_order_and_handlers_may_throw() -> None:
    """Who listens sees every observation and reflection; what he does with it is his affair."""

    async def session() -> None:
        told: list[str] = []

        async def emit(event: str, **details: Any) -> None:
            told.append(event)
            assert details

        talk, memory = Conversation(), live_memory(emit=emit)
        for _ in range(60):
            await step(memory, talk)
        assert set(told) >= {"observation", "reflection"}
        assert told[0] == "observation"
        assert told.count("reflection") == memory.memory.state.generation > 0

    run(session())


def test_saved_and_restored() -> None:
    """A session that goes on tomorrow pays for nothing twice; restoring asks nobody."""

    async def session() -> None:
        talk, memory = Conversation(), live_memory()
        for _ in range(10):
            await step(memory, talk)
        observer, reflector = Scribe(), Squeezer()
        later = live_memory(observer=observer, reflector=reflector)
        later.restore(memory.save(), messages=len(talk.messages))
        assert later.save() == memory.save()
        assert later.status() | {"failures": 0} == memory.status() | {"failures": 0}
        assert not observer.requests
        assert not reflector.requests
        seen = (await later.transform(view_of(talk.messages))).messages
        check(talk, seen)
        noted = [fact for request in observer.requests for fact in facts_in(request.messages)]
        assert not set(noted) & facts_in([m for m in (later.memory.slot(),) if m]) or len(noted) == len(set(noted))

    run(session())


def test_a_watermark_beyond_the_history_is_clamped() -> None:
    """A history that lost its end has nothing new in it; without a watermark nobody knows what chunks tell of."""

    async def session() -> None:
        talk, memory = Conversation(), live_memory(settings=TINY)
        talk.say(steps=3)
        await memory.trigger(view_of(talk.messages))
        saved = memory.save()
        later = live_memory()
        later.restore(saved, messages=2)
        assert later.status()["watermark"] == 2
        assert later.memory.position(talk.messages[:2]) == 2
        later.restore({**saved, "watermark": None})
        assert later.memory.state.chunks == ()
        assert later.memory.position(talk.messages) == 0

    run(session())


def test_authors_can_be_replaced_at_run_time() -> None:
    """The next step asks the new one."""

    async def session() -> None:
        talk, memory, other = Conversation(), live_memory(observer=Scribe("fail")), Scribe()
        talk.say(steps=3)
        assert not await memory.trigger(view_of(talk.messages))
        memory.memory.observer = other
        assert await memory.trigger(view_of(talk.messages))
        assert other.requests
        assert isinstance(other, Author)

    run(session())
