"""Random conversations for property tests.

Broken ones are the rule here, as damaged files are: calls without results, results without calls, either
of them twice, and all of them in any order.
"""

from collections.abc import Sequence
from itertools import permutations, product
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


CALL_IDS = ("a", "b", "c", "d")
"""Few, so that they meet."""

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

CONTENTS = st.one_of(RESULT_TEXTS, TEXTS)
"""Also texts of every make."""

MEDIA = ((), (), (), (Media("image/png", 300, 1),))
"""Beside every fourth text stands an image."""

USER_TEXTS = (
    "do it",
    "why?",
    "now the other one",
    "a rule: " + filler(300),
    "<system-reminder>be brief</system-reminder>",
)


def answer(*call_ids: str, text: str = "") -> Message:
    """Build an assistant message with a text (if not empty) and one call for every id."""
    return assistant(*([text] if text else []), *(call(call_id=call_id) for call_id in call_ids))


SEARCH = [
    Part("opaque", '{"type":"server_tool_use","id":"srv_1","name":"web_search","input":{"query":"x"}}'),
    Part("opaque", '{"type":"web_search_tool_result","tool_use_id":"srv_1","content":[]}'),
]
"""A tool that the provider runs: call and result stand in the answer, and are nobody's to edit."""


MOST_EVEN = 256
"""As many integers are drawn evenly; of more, Hypothesis 6.170 draws small ones far more often than large ones."""


def one_of_each(*choices: Sequence[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Draw one of each, all at once: what Hypothesis does for every draw takes longer than what it is drawn for."""
    every = list(product(*choices))
    assert len(every) <= MOST_EVEN
    return st.integers(0, len(every) - 1).map(lambda at: every[at])


def _user(text: str, reminder: bool) -> Message:
    said = user(text)
    parts = (*said.parts, Part("text", "<system-reminder>be kind</system-reminder>")) if reminder else said.parts
    return said._replace(parts=parts)


def _result(text: str, about: tuple[str, tuple[Media, ...], bool]) -> Message:
    call_id, media, is_error = about
    part = Part("result", text, name="Read", call_id=call_id, media=media, is_error=is_error)
    return Message("tool", (part,))


def _answer(said: tuple[str, str], calls: Sequence[tuple[str, str]]) -> Message:
    thought, text = said
    parts: list[Part | str] = [thinking(thought)] if thought else []
    parts.extend([text] if text else [])
    parts.extend(SEARCH if text == "I search" else [])
    return assistant(*parts, *(call(name, call_id, ARGUMENTS[name]) for name, call_id in calls))


_CALLS = st.sampled_from(list(product(ARGUMENTS, CALL_IDS)))
_THOUGHTS = ("", "I should look first")
_BOTH = (False, True)

MESSAGES: st.SearchStrategy[tuple[Message, ...]] = st.lists(
    st.one_of(
        st.sampled_from([_user(text, reminder) for text, reminder in product(USER_TEXTS, _BOTH)]),
        st.builds(_answer, one_of_each(_THOUGHTS, ("I look", "done", "I search")), st.lists(_CALLS, max_size=3)),
        st.builds(_answer, one_of_each(_THOUGHTS, ("",)), st.lists(_CALLS, min_size=1, max_size=3)),
        st.builds(_result, CONTENTS, one_of_each(CALL_IDS, MEDIA, _BOTH)),
    ),
    max_size=16,
).map(lambda drawn: live(*drawn))
"""Any mixture of users, answers, calls and results."""


def _round(
    around: tuple[Any, ...], calls: Sequence[tuple[str, str]], texts: Sequence[str], media: Sequence[tuple[Media, ...]]
) -> list[Message]:
    prompt, said, order, last = around
    results = [_result(texts[at], (calls[at][1], media[at], at == 1)) for at in order if at < len(calls)]
    return [user(prompt), _answer(said, calls), *results, assistant(last)]


_UNIQUE_CALLS = st.lists(_CALLS, min_size=1, max_size=3, unique_by=lambda one: one[1])
_AROUND = one_of_each(
    USER_TEXTS,
    tuple(product(_THOUGHTS, ("", "I look"))),
    tuple(permutations(range(3))),
    ("done", "it was there"),
)

ROUNDS: st.SearchStrategy[tuple[Message, ...]] = st.lists(
    st.builds(_round, _AROUND, _UNIQUE_CALLS, st.tuples(CONTENTS, CONTENTS, CONTENTS), one_of_each(*[MEDIA] * 3)),
    min_size=1,
    max_size=8,
).map(lambda drawn: live(*drawn))
"""Sound agent turns of prompt, parallel calls, results in any order, and a last word; ids come again in every turn."""

CONVERSATIONS = st.one_of(MESSAGES.filter(bool), ROUNDS)
