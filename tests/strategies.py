"""Random conversations for property tests.

Broken ones are the rule here, as damaged files are: calls without results, results without calls, either
of them twice, and all of them in any order.
"""

from collections.abc import Sequence
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from cortex_cli.messages import Media, Message, Part
from tests.conftest import assistant, call, filler, live, thinking, user
from tests.layers.conversations import TEXTS

USUAL_EXAMPLES = 100
"""Random examples of a property where nothing says otherwise. Source: Hypothesis's default."""


def examples(number: int, **more: Any) -> settings:
    """Draw so many random examples, and as many times more where the profile draws more than usual."""
    return settings(max_examples=number * settings().max_examples // USUAL_EXAMPLES, **more)


CALL_IDS = st.sampled_from(["a", "b", "c", "d"])
"""Few, so that they meet."""

TOOLS = st.sampled_from(["Read", "Bash", "TaskOutput", "my_tool"])

ARGUMENTS = {
    "Read": '{"path":"a.py"}',
    "Bash": '{"command":"' + "make all " * 40 + '","timeout":1.50}',
    "TaskOutput": "{}",
    "my_tool": '{"rows":[1,2.50,{"deep":"\u00e9\u00e9"}],"text":"' + "line\\n" * 60 + '"}',
}
"""Of each tool."""

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

RESULTS = st.builds(
    lambda text, media: (text, (Media("image/png", 300, 1),) if media else ()),
    st.one_of(RESULT_TEXTS, TEXTS),
    st.sampled_from([False, False, False, True]),
)
"""(text, media): also texts of every make, and images."""

USER_TEXTS = st.sampled_from(
    ["do it", "why?", "now the other one", "a rule: " + filler(300), "<system-reminder>be brief</system-reminder>"]
)


def answer(*call_ids: str, text: str = "") -> Message:
    """Build an assistant message with a text (if not empty) and one call for every id."""
    return assistant(*([text] if text else []), *(call(call_id=call_id) for call_id in call_ids))


SEARCH = [
    Part("opaque", '{"type":"server_tool_use","id":"srv_1","name":"web_search","input":{"query":"x"}}'),
    Part("opaque", '{"type":"web_search_tool_result","tool_use_id":"srv_1","content":[]}'),
]
"""A tool that the provider runs: call and result stand in the answer, and are nobody's to edit."""


def _user(text: str, reminder: bool) -> Message:
    said = user(text)
    parts = (*said.parts, Part("text", "<system-reminder>be kind</system-reminder>")) if reminder else said.parts
    return said._replace(parts=parts)


def _result(call_id: str, content: tuple[str, tuple[Media, ...]], is_error: bool) -> Message:
    text, media = content
    part = Part("result", text, name="Read", call_id=call_id, media=media, is_error=is_error)
    return Message("tool", (part,))


def _answer(thought: str, text: str, calls: Sequence[tuple[str, str]]) -> Message:
    parts: list[Part | str] = [thinking(thought)] if thought else []
    parts.extend([text] if text else [])
    parts.extend(SEARCH if text == "I search" else [])
    return assistant(*parts, *(call(name, call_id, ARGUMENTS[name]) for name, call_id in calls))


_CALLS = st.tuples(TOOLS, CALL_IDS)
_THOUGHTS = st.sampled_from(["", "I should look first"])

MESSAGES: st.SearchStrategy[tuple[Message, ...]] = st.lists(
    st.one_of(
        st.builds(_user, USER_TEXTS, st.booleans()),
        st.builds(_answer, _THOUGHTS, st.sampled_from(["I look", "done", "I search"]), st.lists(_CALLS, max_size=3)),
        st.builds(_answer, _THOUGHTS, st.just(""), st.lists(_CALLS, min_size=1, max_size=3)),
        st.builds(_result, CALL_IDS, RESULTS, st.booleans()),
    ),
    max_size=16,
).map(lambda drawn: live(*drawn))
"""Any mixture of users, answers, calls and results."""


_Content = tuple[str, tuple[Media, ...]]


def _round(prompt: str, first: Message, order: Sequence[int], contents: Sequence[_Content], last: str) -> list[Message]:
    calls = first.calls
    results = [_result(calls[at].call_id, contents[at], is_error=at == 1) for at in order if at < len(calls)]
    return [user(prompt), first, *results, assistant(last)]


_UNIQUE_CALLS = st.lists(_CALLS, min_size=1, max_size=3, unique_by=lambda one: one[1])

ROUNDS: st.SearchStrategy[tuple[Message, ...]] = st.lists(
    st.builds(
        _round,
        USER_TEXTS,
        st.builds(_answer, _THOUGHTS, st.sampled_from(["", "I look"]), _UNIQUE_CALLS),
        st.permutations([0, 1, 2]),
        st.lists(RESULTS, min_size=3, max_size=3),
        st.sampled_from(["done", "it was there"]),
    ),
    min_size=1,
    max_size=8,
).map(lambda drawn: live(*drawn))
"""Sound agent turns of prompt, parallel calls, results in any order, and a last word; ids come again in every turn."""

CONVERSATIONS = st.one_of(MESSAGES.filter(bool), ROUNDS)
