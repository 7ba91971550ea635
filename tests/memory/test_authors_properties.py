"""What holds for the log of any conversation, broken ones too: size, form, sameness, whose words, what a model sees."""

from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.memory.base import ObserveRequest, ReflectRequest
from cortex_cli.memory.condensing import reflect
from cortex_cli.memory.dialogue import dialogue
from cortex_cli.memory.log import read_log
from cortex_cli.memory.observing import observe
from cortex_cli.messages import Message
from tests.memory.logs import COUNTER, is_in_form
from tests.memory.test_dialogue import STRUCTURE
from tests.strategies import CONVERSATIONS
from tests.summarizers.attacks import ATTACKS, EVIL

HOSTILE = st.tuples(CONVERSATIONS, st.sampled_from(sorted(ATTACKS))).map(
    lambda drawn: tuple(_attacked(message, ATTACKS[drawn[1]]) for message in drawn[0])
)
"""Every tool says what nobody should do."""

TIMES = st.sampled_from(["", "2026-01-02T23:59:00Z", "2026-01-03T00:01:00.5Z"])


def _attacked(message: Message, attack: str) -> Message:
    part = message.result
    return message if part is None else message._replace(parts=(part._replace(text=f"{part.text}\n{attack}"),))


@given(HOSTILE, st.lists(TIMES, min_size=3, max_size=3), st.integers(20, 600))
def test_any_log(messages: tuple[Message, ...], times: list[str], max_tokens: int) -> None:
    """It fits, is in form, is the same again, quotes nobody but the user, and condenses to less."""
    messages = tuple(message._replace(time=times[at % len(times)]) for at, message in enumerate(messages))
    request = ObserveRequest(messages=messages, earlier="", max_tokens=max_tokens, counter=COUNTER)
    entry = observe(request)
    assert entry == observe(request)
    assert entry.observations or entry.failure
    assert COUNTER.count_text(entry.observations) <= max_tokens
    assert is_in_form(entry.observations)
    for each in read_log(entry.observations):
        if each.marker == "critical":
            assert EVIL not in " ".join((each.text, *each.details))
    assert EVIL not in entry.current_task + entry.suggested_response
    if entry.observations:
        limit = max(40, COUNTER.count_text(entry.observations))
        less = reflect(ReflectRequest(observations=entry.observations, max_tokens=limit, level=1, counter=COUNTER))
        assert 0 < COUNTER.count_text(less.observations) < limit
        assert is_in_form(less.observations)


@given(HOSTILE, st.integers(60, 2_000))
def test_any_dialogue(messages: tuple[Message, ...], cap: int) -> None:
    """What a model is shown keeps its cap and its margin, whatever the messages hold."""
    for chunk in dialogue(messages, cap, COUNTER):
        assert COUNTER.count_text(chunk.text) <= cap
        assert chunk.text.startswith("Date: ")
        lines = [line for line in chunk.text.split("\n") if not line.startswith("  ")]
        assert [line for line in lines if not STRUCTURE.match(line)] == []
