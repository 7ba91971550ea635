"""Random conversations for property tests.

Broken ones are the rule here, as damaged files are: calls without results, results without calls, either
of them twice, and all of them in any order.
"""

from collections.abc import Sequence

from hypothesis import strategies as st

from cortex_cli.messages import Message
from tests.conftest import assistant, call, live, result, user

CALL_IDS = st.sampled_from(["a", "b", "c", "d"])
"""Few, so that they meet."""


def answer(*call_ids: str, text: str = "") -> Message:
    """Build an assistant message with a text (if not empty) and one call for every id."""
    return assistant(*([text] if text else []), *(call(call_id=call_id) for call_id in call_ids))


def _answer(text: str, call_ids: Sequence[str]) -> Message:
    return answer(*call_ids, text=text)


MESSAGES: st.SearchStrategy[tuple[Message, ...]] = st.lists(
    st.one_of(
        st.sampled_from(["do it", "why?", "now the other one"]).map(user),
        st.builds(_answer, st.sampled_from(["I look", "done"]), st.lists(CALL_IDS, max_size=3)),
        st.builds(_answer, st.just(""), st.lists(CALL_IDS, min_size=1, max_size=3)),
        st.builds(result, CALL_IDS, st.sampled_from(["ok", "x" * 400])),
    ),
    max_size=16,
).map(lambda drawn: live(*drawn))
"""Any mixture of users, answers, calls and results."""
