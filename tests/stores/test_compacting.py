"""Where a store's conversation is cut, what stands there instead, and who may write it."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli import MemoryContextStore, compact_context, find_problems, load
from cortex_cli.marks import ACKNOWLEDGEMENT
from cortex_cli.report import Facts
from cortex_cli.stores.asking import DEFAULT_WINDOW_TOKENS, takes_two, window_of
from cortex_cli.stores.compacting import find_boundary
from cortex_cli.summarizers.base import SummaryOutcome, SummaryRequest
from cortex_cli.validity import COMMON_RULES
from tests.stores.talk import LONG, answered, called, run, said, summed, talk, texts


def compacted(messages: list[Any], summarizer: Any = summed, **options: Any) -> list[Any] | None:
    """Compact a conversation in memory, and see that the store itself stays as it is."""
    store = MemoryContextStore(messages)
    found = run(compact_context(store, summarizer, **options))
    assert run(store.get_history()) == messages
    return found


def test_the_old_part_becomes_a_summary() -> None:
    """The store's form: summary, acknowledgement, and the recent messages as the same objects."""
    messages = talk(14)
    found = compacted(messages, keep_recent=4)
    assert found is not None
    assert texts(found) == ["summary of 10", ACKNOWLEDGEMENT, "msg-10", "msg-11", "msg-12", "msg-13"]
    assert [one["role"] for one in found[:2]] == ["user", "assistant"]
    assert all(new is old for new, old in zip(found[2:], messages[10:], strict=True))


def test_no_two_answers_stand_side_by_side() -> None:
    """Where an answer follows, it acknowledges the summary."""
    found = compacted(talk(14), keep_recent=5)
    assert found is not None
    assert texts(found)[:2] == ["summary of 9", "msg-9"]


@pytest.mark.parametrize(("count", "keep"), [(0, 6), (1, 6), (6, 6), (3, 99)])
def test_a_short_history_is_left_alone(count: int, keep: int) -> None:
    """There is nothing to summarise."""
    assert compacted(talk(count), keep_recent=keep) is None


def test_six_messages_stay_by_default() -> None:
    """As SPEC section 9 says."""
    found = compacted(talk(20))
    assert found is not None
    assert texts(found)[2:] == [f"msg-{number}" for number in range(14, 20)]


def test_all_may_be_summarised() -> None:
    """Nothing is kept where nothing is to be kept."""
    found = compacted(talk(4), keep_recent=0)
    assert found is not None
    assert texts(found) == ["summary of 4", ACKNOWLEDGEMENT]


def test_a_result_stays_with_its_call() -> None:
    """The cut steps back over results, to before the call."""
    messages = [*talk(4), said("user", "go"), called("a"), answered("a"), said("assistant", "done")]
    found = compacted(messages, keep_recent=2)
    assert found is not None
    assert found[1:] == messages[5:]


def test_calls_that_are_answered_later_stay_whole() -> None:
    """By call id: a cut before the second call would part the first one from its result."""
    first, second = called("a"), called("b")
    messages = [*talk(4), said("user", "go"), first, second, answered("a"), answered("b"), said("assistant", "x")]
    found = compacted(messages, keep_recent=4)
    assert found is not None
    assert found[1:] == messages[5:]


def test_a_history_of_one_call_is_left_alone() -> None:
    """Stepping back reaches the beginning: nothing can be cut."""
    assert compacted([called("a"), answered("a"), answered("a")], keep_recent=1) is None


STEPS = st.lists(st.sampled_from(["talk", "call", "parallel", "late"]), min_size=1, max_size=12)


def conversation(steps: list[str]) -> list[dict[str, Any]]:
    """Build turns with calls of every kind."""
    messages: list[dict[str, Any]] = []
    for number, step in enumerate(steps):
        a, b = f"a{number}", f"b{number}"
        messages.append(said("user", f"ask {number}"))
        if step == "call":
            messages += [called(a), answered(a)]
        elif step == "parallel":
            messages += [{"role": "assistant", "content": called(a)["content"] + called(b)["content"]}]
            messages += [answered(a, b)]
        elif step == "late":
            messages += [called(a), called(b), answered(b), answered(a)]
        messages.append(said("assistant", f"answer {number}"))
    return messages


@given(STEPS, st.integers(0, 12))
def test_no_call_is_parted_from_its_result(steps: list[str], keep: int) -> None:
    """What is kept is a valid conversation behind any cut, and never less than was asked for."""
    messages = conversation(steps)
    found = compacted(messages, keep_recent=keep)
    if found is None:
        return
    loaded = load(found, format="axio")
    assert find_problems(loaded.messages, COMMON_RULES) == ()
    kept = [message for message in found if any(message is old for old in messages)]
    assert kept == messages[len(messages) - len(kept) :]
    assert len(kept) >= min(keep, len(messages))


@given(STEPS, st.integers(0, 12))
def test_the_cut_is_the_nearest_that_can_be(steps: list[str], keep: int) -> None:
    """It steps back no further than a result or an open call makes it."""
    messages = conversation(steps)
    at = find_boundary(load(messages, format="axio").messages, len(messages), keep)
    wanted = max(0, len(messages) - keep)
    assert at <= wanted
    for later in range(at + 1, wanted + 1):
        opened = {block["id"] for one in messages[:later] for block in one["content"] if block["type"] == "tool_use"}
        after = {b["tool_use_id"] for one in messages[later:] for b in one["content"] if b["type"] == "tool_result"}
        begins_with_result = later < len(messages) and messages[later]["content"][0]["type"] == "tool_result"
        assert opened & after or begins_with_result


def test_system_messages_stay_in_front() -> None:
    """They are rules, not conversation."""
    found = compacted([said("system", "rules"), *talk(10)], keep_recent=4)
    assert found is not None
    assert texts(found)[:3] == ["rules", "summary of 6", ACKNOWLEDGEMENT]


def test_what_a_summary_is_written_of_is_without_system_messages() -> None:
    """A function is handed what its text replaces: what stays is not said twice."""
    seen: list[Any] = []

    def note(messages: list[Any], prompt: str) -> str:
        seen.extend(messages)
        assert prompt == "mine"
        return "a summary"

    compacted([said("system", "rules"), *talk(10)], note, keep_recent=4, prompt="mine")
    assert texts(seen) == [f"msg-{number}" for number in range(6)]


OPENAI = [
    {"role": "system", "content": "rules"},
    {"role": "user", "content": f"first {LONG}"},
    {
        "role": "assistant",
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "a", "content": LONG * 3},
    {"role": "assistant", "content": "done"},
    {"role": "user", "content": "next"},
]


def test_openai_messages_come_back_as_such() -> None:
    """Results of role `tool` count as results, a text stays a text."""
    found = compacted(OPENAI, keep_recent=1)
    assert found == [
        OPENAI[0],
        {"role": "user", "content": "summary of 4"},
        {"role": "assistant", "content": ACKNOWLEDGEMENT},
        OPENAI[5],
    ]
    found = compacted(OPENAI, keep_recent=3)
    assert found is not None
    assert found[2:] == OPENAI[2:]


def test_the_builtin_summariser_is_the_default() -> None:
    """No model, no network; what was done is in it."""
    messages = [said("user", f"Fix the parser in src/parse.py. {LONG}"), *talk(12, text=LONG)]
    found = compacted(messages, None, keep_recent=4)
    assert found is not None
    assert "src/parse.py" in texts(found)[0]


def test_a_second_summary_carries_the_first_on() -> None:
    """The first one bears no tags; it must not be taken for words of the user, nor be quoted as such."""
    messages = [said("user", f"Never touch the file config/prod.yaml. {LONG}"), *talk(13, text=LONG)[1:]]
    first = compacted(messages, None, keep_recent=5)
    assert first is not None
    assert first[1]["role"] == "assistant", "no acknowledgement stands there to know it by"
    second = compacted([*first, *talk(12, text=LONG)], None, keep_recent=4)
    assert second is not None
    summary = texts(second)[0]
    assert "config/prod.yaml" in summary
    assert "> ##" not in summary
    assert summary.count("## Primary request") == 1


def test_a_summary_alone_is_not_summarised_again() -> None:
    """Else every large call would cost a summary of a summary."""
    first = compacted(talk(12), keep_recent=4)
    assert first is not None
    assert compacted(first, keep_recent=4) is None


def fixed(value: Any) -> Callable[[Any, str], Any]:
    """Build a function that writes always the same."""

    def give(messages: Any, prompt: str) -> Any:
        del messages, prompt
        return value

    return give


class Refusing:
    """A summariser that fails."""

    async def __call__(self, request: SummaryRequest) -> SummaryOutcome | None:
        del request
        raise ConnectionError("the model is down")


def outcome(text: str, failure: str = "") -> SummaryOutcome:
    """Build what a summariser of ours gives."""
    return SummaryOutcome(text=text, facts=Facts(), summarizer="test", failure=failure)


def giving(value: Any) -> Callable[[SummaryRequest], Any]:
    """Build a summariser of ours that gives this."""

    async def give(request: SummaryRequest) -> Any:
        assert request.messages
        assert request.max_tokens > 0
        return value

    return give


@pytest.mark.parametrize(
    ("summarizer", "why"),
    [
        (Refusing(), "the model is down"),
        (fixed(""), "empty"),
        (fixed(" \n"), "empty"),
        (fixed(None), "nothing could be said"),
        (fixed(7), "gave a int"),
        (fixed("much " * 2000), "it has"),
        (giving(None), "nothing could be said"),
        (giving(outcome("", "HTTP 500")), "HTTP 500"),
    ],
)
def test_a_summary_that_fails_changes_nothing(summarizer: Any, why: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is told as a warning, and the agent goes on."""
    assert compacted(talk(14), summarizer) is None
    assert why in caplog.text


async def _later(messages: list[Any], prompt: str) -> str:
    await asyncio.sleep(0)
    return f"<analysis>hm</analysis><summary>{summed(messages, prompt)}</summary>"


@pytest.mark.parametrize("summarizer", [summed, _later, giving(outcome("summary of 8")), giving("summary of 8")])
def test_everybody_may_write(summarizer: Any) -> None:
    """A function of messages and prompt, async or not, and a summariser of ours."""
    found = compacted(talk(14), summarizer)
    assert found is not None
    assert texts(found)[0] == "summary of 8"


def test_the_prompt_is_the_focus_of_ours() -> None:
    """Ours have their own instructions."""
    seen: list[SummaryRequest] = []

    async def note(request: SummaryRequest) -> SummaryOutcome:
        seen.append(request)
        return outcome("text")

    compacted(talk(14), note, prompt="the parser")
    assert seen[0].focus == "the parser"
    assert [message.text for message in seen[0].following] == [f"msg-{number}" for number in range(8, 14)]


def test_a_function_is_given_a_prompt() -> None:
    """Ours, where the caller has none."""

    def repeat(messages: list[Any], prompt: str) -> str:
        del messages
        return prompt

    found = compacted([*talk(14, text=LONG * 4)], repeat)
    assert found is not None
    assert "handover notes" in texts(found)[0]


def test_warnings_of_a_model_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """That the built-in one had to help out, for instance."""
    compacted(talk(14), giving(SummaryOutcome(text="t", facts=Facts(), summarizer="b", warnings=("model failed",))))
    assert "model failed" in caplog.text


def test_secrets_do_not_stay_in_a_summary() -> None:
    """Whoever wrote it, as everywhere."""
    key = (
        "sk-ant-api03-"
        + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7dE9fG1hJ3kL5mN7pQ9rS1tU3vW5xY7zA9bC1dE3fG5hJ7k-AbCdEfAA"
    )
    found = compacted(talk(14), fixed(f"the key is {key} in the file"))
    assert found is not None
    assert key not in texts(found)[0]


def test_a_cancelled_summary_is_cancelled() -> None:
    """It is not taken for a failure of the model."""

    async def work() -> None:
        async def wait(messages: list[Any], prompt: str) -> str:
            await asyncio.sleep(60)
            return summed(messages, prompt)

        task = asyncio.ensure_future(compact_context(MemoryContextStore(talk(14)), wait))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work())


def test_messages_of_no_kind_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """A store may hold anything; what nobody can read is not summarised."""
    assert compacted([object() for _ in range(9)]) is None
    assert "codec" in caplog.text or "not a dict" in caplog.text


def test_who_is_called_how() -> None:
    """By what a function can be called with."""
    assert takes_two(summed)
    assert takes_two(print)
    assert not takes_two(Refusing())
    assert not takes_two(giving(""))


def test_the_window_is_that_of_the_transport() -> None:
    """Where it has a model that says so."""
    transport: Any = SimpleNamespace(model=SimpleNamespace(context_window=1000))
    assert window_of(transport) == 1000
    assert window_of(None) == window_of(summed) == DEFAULT_WINDOW_TOKENS
