"""A recorded session through the memory: as a live one, but each time the same, and paid for once."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.errors import InputError
from cortex_cli.layers.view import View
from cortex_cli.memory.base import LogEntry
from cortex_cli.memory.engine import Memory
from cortex_cli.memory.state import MemoryState, dump_state, load_state
from cortex_cli.memory.walk import observe_session
from cortex_cli.messages import LayerResult, Message
from cortex_cli.validity import find_problems
from tests.conftest import assistant, call, live, system, user
from tests.memory.authors import (
    COUNTER,
    TINY,
    Conversation,
    Scribe,
    Squeezer,
    facts_in,
    memory_of,
    size,
    view_of,
)


def walk(memory: Memory, messages: Sequence[Message], window: int = 2_000, **more: Any) -> LayerResult:
    """Walk a session; no author may have to be waited for."""
    work = observe_session(memory, view_of(messages, window), **more)
    with pytest.raises(StopIteration) as done:
        work.send(None)
    result: LayerResult = done.value.value
    return result


def talk_of(turns: int, *, steps: int = 2, is_named: bool = True) -> Conversation:
    """Build a session; without names its messages have neither id nor time."""
    talk = Conversation(system("be good"))
    for _ in range(turns):
        talk.say(steps=steps)
    if is_named:
        name_all(talk)
    return talk


def name_all(talk: Conversation) -> None:
    """Give every message an id and a time, as session files do."""
    named = (
        one._replace(id=one.id or f"id-{at}", time=one.time or f"2026-01-02T10:{at // 60:02}:{at % 60:02}Z")
        for at, one in enumerate(talk.messages)
    )
    talk.messages = live(*named)


def again(result: LayerResult) -> tuple[Message, ...]:
    """Return a result as the next load sees it."""
    return live(*(message._replace(position=-1) for message in result.messages))


def noted(observer: Scribe) -> list[str]:
    """List the facts that an observer was handed, each as often as it was."""
    return [fact for request in observer.requests for fact in sorted(facts_in(request.messages))]


@pytest.mark.parametrize("is_forced", [False, True])
def test_many_windows_become_a_log_and_a_tail(is_forced: bool) -> None:
    """Every fact is in the log or in what stayed; what stayed is the newest, and slots."""
    talk, observer = talk_of(40), Scribe()
    result = walk(memory_of(observer=observer), talk.messages, is_forced=is_forced)
    assert facts_in(result.messages) == talk.facts
    assert size(result.messages) < 1_800
    assert [message.synthetic or message.role for message in result.messages[:2]] == ["system", "log"]
    assert result.messages[-1] is talk.messages[-1]
    assert find_problems(result.messages) == ()
    assert len(noted(observer)) == len(set(noted(observer)))
    assert all(size(request.messages) <= TINY.buffer_cap_tokens for request in observer.requests)


def test_a_session_that_never_filled_its_window_costs_nothing() -> None:
    """Observations that nobody will read are not asked for."""
    talk, observer = talk_of(5), Scribe()
    result = walk(memory_of(observer=observer), talk.messages, window=20_000)
    assert result.messages is talk.messages
    assert "the log takes over at 90%" in result.reason
    assert observer.requests == []


def test_notes_that_would_free_nothing_are_told_of() -> None:
    """That something was observed and nothing left is no riddle in the report."""
    talk = talk_of(1)
    observer = Scribe(lambda request: LogEntry(observations="x" * 4 * size(request.messages)))
    result = walk(memory_of(observer=observer), talk.messages, window=20_000, is_forced=True)
    assert result.messages is talk.messages
    assert re.fullmatch(
        r"\d+ messages observed; notes of [\d,]+ tokens wait, since in the log they would free nothing", result.reason
    )


def test_what_is_kept_for_the_next_run_is_observed_all_the_same() -> None:
    """With a state, chunks wait in it: the next run has them."""
    talk, observer = talk_of(10), Scribe()
    memory = memory_of(observer=observer)
    result = walk(memory, talk.messages, window=20_000, is_saved=True)
    assert result.messages is talk.messages
    assert memory.state.chunks
    assert not set(noted(observer)) & facts_in(result.messages[-2:])


@pytest.mark.parametrize("is_forced", [False, True])
def test_second_run_changes_nothing_and_asks_nobody(is_forced: bool) -> None:
    """A result that is compacted again is the same, with the state or without."""
    talk = talk_of(30)
    memory = memory_of()
    first = walk(memory, talk.messages, is_forced=is_forced)
    for state in (None, memory.state):
        observer = Scribe()
        result = walk(memory_of(observer=observer, state=state), again(first), is_forced=is_forced)
        assert [one.text for one in result.messages] == [one.text for one in first.messages]
        assert not result.fired
        assert observer.requests == []


@pytest.mark.parametrize("is_named", [False, True])
@pytest.mark.parametrize("is_forced", [False, True])
def test_state_on_the_grown_file(is_forced: bool, is_named: bool) -> None:
    """The next run over the original, grown, pays for what is new only."""
    talk = talk_of(30, is_named=is_named)
    memory = memory_of()
    walk(memory, talk.messages, is_forced=is_forced, is_saved=True)
    saved = load_state(dump_state(memory.state))
    old = facts_in([message for message in [memory.slot()] if message])
    talk.say(steps=2)
    name_all(talk) if is_named else None
    observer = Scribe()
    result = walk(memory_of(observer=observer, state=saved), talk.messages, is_forced=is_forced, is_saved=True)
    assert facts_in(result.messages) == talk.facts
    assert not set(noted(observer)) & old
    assert len(noted(observer)) <= 8


@pytest.mark.parametrize("is_named", [False, True])
@pytest.mark.parametrize("is_forced", [False, True])
def test_state_on_its_own_grown_result(is_forced: bool, is_named: bool) -> None:
    """The same over the compacted file, to which the session went on."""
    talk = talk_of(30, is_named=is_named)
    memory = memory_of()
    first = walk(memory, talk.messages, is_forced=is_forced, is_saved=True)
    saved = load_state(dump_state(memory.state))
    old = facts_in([message for message in [memory.slot()] if message])
    talk.messages = again(first)
    for _ in range(4):
        talk.say(steps=2)
    observer = Scribe()
    result = walk(memory_of(observer=observer, state=saved), talk.messages, is_forced=is_forced, is_saved=True)
    assert facts_in(result.messages) == talk.facts
    assert not set(noted(observer)) & old
    assert sum(message.synthetic == "log" for message in result.messages) == 1


def test_a_log_in_the_file_goes_on_without_a_state() -> None:
    """The log stands in the transcript: that is enough to extend it, and never to have two."""
    talk = talk_of(30)
    first = walk(memory_of(), talk.messages)
    log = next(message.text for message in first.messages if message.synthetic == "log")
    talk.messages = again(first)
    for _ in range(6):
        talk.say(steps=2)
    result = walk(memory_of(), talk.messages)
    logs = [message.text for message in result.messages if message.synthetic == "log"]
    assert len(logs) == 1
    assert facts_in(result.messages) == talk.facts
    assert logs[0].startswith(log[: log.index("\n</observations>")])


def test_state_of_another_conversation_is_refused() -> None:
    """Its log would push out the one that stands in the transcript."""
    one, other = memory_of(), memory_of()
    walk(one, talk_of(30).messages)
    talk = talk_of(20, steps=3)
    talk.add(assistant("fact-77 more"))
    result = walk(other, talk.messages)
    with pytest.raises(InputError, match="another conversation"):
        observe_session(memory_of(state=one.state), view_of(again(result))).send(None)


def test_open_calls_and_the_latest_typed_message_stay() -> None:
    """What the agent is at is not history yet."""
    talk = talk_of(20)
    talk.ask()
    talk.add(assistant(call(call_id="a"), call(call_id="b")))
    result = walk(memory_of(), talk.messages, is_forced=True)
    assert result.messages[-2:] == talk.messages[-2:]
    assert facts_in(result.messages) == talk.facts


def test_a_turn_without_end_is_split() -> None:
    """One request and hundreds of steps: the request stays, the early steps are noted."""
    talk = Conversation()
    talk.say(steps=60)
    result = walk(memory_of(), talk.messages)
    assert [message.synthetic for message in result.messages[:2]] == ["log", ""]
    assert result.messages[1] is talk.messages[0]
    assert facts_in(result.messages) == talk.facts


def test_the_log_only_grows_between_reflections() -> None:
    """So that what stands in front of a prompt, the cached part, stays the same bytes."""
    talk = Conversation(system("be good"))
    state, before, kept, grown = MemoryState(), "", 0, 0
    settings = replace(TINY, reflection_ratio=0.5)
    for _ in range(60):
        talk.say(steps=2)
        memory = memory_of(settings=settings, state=state)
        walk(memory, talk.messages, is_saved=True)
        slot = memory.slot()
        text = slot.text if slot else ""
        if memory.state.generation == state.generation:
            assert text.startswith(before[: before.rfind("\n</observations>")])
            kept += 1
        grown += len(memory.state.observations) > len(state.observations)
        state, before = memory.state, text
    assert state.generation >= 1
    assert kept > 50
    assert grown > 10


def test_a_dead_observer_is_not_asked_at_every_step() -> None:
    """A model that is down is tried now and then, and nothing leaves."""
    talk, observer = talk_of(30), Scribe(*["fail"] * 1_000)
    result = walk(memory_of(observer=observer), talk.messages)
    assert result.messages == talk.messages
    assert "the model is down" in result.reason
    assert len(observer.requests) < 20


STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 900), st.booleans()), min_size=1, max_size=25)
FAULTS = st.lists(st.sampled_from(["ok", "ok", "ok", "fail", "raise", "empty", "long"]), max_size=12)


def _build(shape: Sequence[tuple[int, int, bool]]) -> list[Conversation]:
    talk = Conversation()
    grown = []
    for steps, chars, asks in shape:
        if asks:
            talk.ask()
            talk.add(assistant("sure"))
        talk.say(steps=steps, chars=chars)
        copy = Conversation()
        copy.messages, copy.facts = talk.messages, set(talk.facts)
        grown.append(copy)
    return grown


def _hold(talk: Conversation, result: LayerResult) -> None:
    assert facts_in(result.messages) == talk.facts
    assert find_problems(result.messages, baseline=talk.messages) == ()
    assert [one for one in talk.messages if one.typed][-1] in result.messages
    order = [message.position for message in result.messages if message.position >= 0]
    assert order == sorted(order)


@given(STEPS, FAULTS, FAULTS, st.booleans(), st.sampled_from([600, 1_500, 4_000]))
def test_nothing_is_ever_lost_in_files(
    shape: list[tuple[int, int, bool]], observer: list[str], reflector: list[str], is_forced: bool, window: int
) -> None:
    """Whatever the session and whatever fails: a message is there, or the log tells of it."""
    state = MemoryState()
    for talk in _build(shape)[-3:]:
        memory = memory_of(observer=Scribe(*observer), reflector=Squeezer(*reflector), state=state)
        _hold(talk, walk(memory, talk.messages, window=window, is_forced=is_forced, is_saved=True))
        state = load_state(dump_state(memory.state))


@given(STEPS, FAULTS, FAULTS, st.sampled_from([600, 1_500, 4_000]))
def test_nothing_is_ever_lost_live(
    shape: list[tuple[int, int, bool]], observer: list[str], reflector: list[str], window: int
) -> None:
    """The same of a session that goes on, its state saved and restored on the way."""
    from cortex_cli.memory.live import LiveMemory  # noqa: PLC0415

    async def session() -> None:
        authors = {"observer": Scribe(*observer), "reflector": Squeezer(*reflector)}
        memory = LiveMemory(memory_of(**authors))
        for number, talk in enumerate(_build(shape)):
            view = View(messages=talk.messages, window=window, budget=window)
            _hold(talk, await memory.transform(view))
            memory.turn_end(view)
            if number % 3:
                await memory.settle()
            if number % 5 == 4:
                saved = memory.save()
                memory = LiveMemory(memory_of(**authors))
                memory.restore(saved, messages=len(talk.messages))
        memory.abort()
        await memory.settle()

    asyncio.run(session())


def test_counting_is_of_the_same_basis() -> None:
    """What the layer reports as gone and come is what a fresh count says."""
    talk = talk_of(30)
    result = walk(memory_of(), talk.messages)
    change = sum(one.tokens_after - one.tokens_before for one in result.changes)
    assert size(result.messages) == size(talk.messages) + change
    assert {one.action for one in result.changes} == {"observed"}
    assert COUNTER.name == "heuristic"


TURNS = st.lists(st.lists(st.sampled_from(["again", "ask", "tell"]), min_size=1, max_size=6), min_size=2, max_size=8)


@given(TURNS, FAULTS, st.booleans(), st.booleans(), st.sampled_from([400, 600, 1_500]))
def test_what_is_said_again_and_again_hides_nothing(
    turns: list[list[str]], observer: list[str], is_forced: bool, is_compacted: bool, window: int
) -> None:
    """Equal messages without id and time are no sign of a place: nothing between two of them may be lost."""
    talk, state = Conversation(), MemoryState()
    for turn in turns:
        for what in turn:
            if what == "ask":
                talk.ask("do")
            talk.add(user("continue"), assistant("ok"))
            if what == "tell":
                talk.add(user("continue"), assistant(f"{talk._fact()} {'x' * 200}"))
        memory = memory_of(observer=Scribe(*observer), state=state)
        result = walk(memory, talk.messages, window=window, is_forced=is_forced, is_saved=True)
        assert facts_in(result.messages) == talk.facts
        state = load_state(dump_state(memory.state))
        talk.messages = again(result) if is_compacted else talk.messages
