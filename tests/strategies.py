"""Random conversations for property tests.

Broken ones are the rule here, as damaged files are: calls without results, results without calls, either
of them twice, and all of them in any order.
"""

from collections.abc import Sequence

from hypothesis import strategies as st

from cortex_cli.messages import Message, Part
from tests.conftest import assistant, call, filler, live, result, thinking, user

CALL_IDS = st.sampled_from(["a", "b", "c", "d"])
"""Few, so that they meet."""

TOOLS = st.sampled_from(["Read", "Bash", "TaskOutput", "my_tool"])

RESULT_TEXTS = st.sampled_from(
    [
        "ok",
        "\u00e9\U0001f600\u0301 " * 60,
        filler(600),
        filler(3000),
        filler(200) + "ERROR: no such file `src/core/models.py`\n" + filler(1500),
        '{"output":"' + "word " * 300 + '","metadata":{"exit_code":1}}',
        "[Tool result cleared]",
    ]
)
"""Short ones, long ones, objects, one of our own forms."""

USER_TEXTS = st.sampled_from(["do it", "why?", "now the other one", "a rule: " + filler(300)])


def answer(*call_ids: str, text: str = "") -> Message:
    """Build an assistant message with a text (if not empty) and one call for every id."""
    return assistant(*([text] if text else []), *(call(call_id=call_id) for call_id in call_ids))


def _answer(thought: str, text: str, calls: Sequence[tuple[str, str]]) -> Message:
    parts: list[Part | str] = [thinking(thought)] if thought else []
    parts.extend([text] if text else [])
    return assistant(*parts, *(call(name, call_id) for name, call_id in calls))


_CALLS = st.tuples(TOOLS, CALL_IDS)
_THOUGHTS = st.sampled_from(["", "I should look first"])

MESSAGES: st.SearchStrategy[tuple[Message, ...]] = st.lists(
    st.one_of(
        USER_TEXTS.map(user),
        st.builds(_answer, _THOUGHTS, st.sampled_from(["I look", "done"]), st.lists(_CALLS, max_size=3)),
        st.builds(_answer, _THOUGHTS, st.just(""), st.lists(_CALLS, min_size=1, max_size=3)),
        st.builds(result, CALL_IDS, RESULT_TEXTS),
    ),
    max_size=16,
).map(lambda drawn: live(*drawn))
"""Any mixture of users, answers, calls and results."""


def _round(prompt: str, first: Message, order: Sequence[int], texts: Sequence[str], last: str) -> list[Message]:
    calls = first.calls
    results = [result(calls[at].call_id, texts[at], name=calls[at].name) for at in order if at < len(calls)]
    return [user(prompt), first, *results, assistant(last)]


_UNIQUE_CALLS = st.lists(_CALLS, min_size=1, max_size=3, unique_by=lambda one: one[1])

ROUNDS: st.SearchStrategy[tuple[Message, ...]] = st.lists(
    st.builds(
        _round,
        USER_TEXTS,
        st.builds(_answer, _THOUGHTS, st.sampled_from(["", "I look"]), _UNIQUE_CALLS),
        st.permutations([0, 1, 2]),
        st.lists(RESULT_TEXTS, min_size=3, max_size=3),
        st.sampled_from(["done", "it was there"]),
    ),
    min_size=1,
    max_size=8,
).map(lambda drawn: live(*drawn))
"""Sound agent turns of prompt, parallel calls, results in any order, and a last word; ids come again in every turn."""

CONVERSATIONS = st.one_of(MESSAGES.filter(bool), ROUNDS)
