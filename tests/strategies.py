"""Random conversations for property tests, as messages and (`wire.py`) as the bytes of every format.

A conversation is drawn as a list of steps: who spoke, which calls were made, which results came, in
which order, how often. Damage (missing, repeated, orphaned, interleaved results) is drawn with it.
"""

from collections.abc import Sequence

from hypothesis import strategies as st

from cortex_cli.messages import Message, Part
from cortex_cli.typed import finish

TOOLS = ("Read", "Bash", "Grep", "Task", "my_tool")


def user(text: str, **fields: object) -> Message:
    """Build a typed user message."""
    return Message("user", (Part("text", text),), typed=True)._replace(**fields)


def assistant(text: str, *call_ids: str, tool: str = "Read") -> Message:
    """Build an assistant message with a text (if not empty) and calls."""
    texts = (Part("text", text),) if text else ()
    calls = (Part("call", '{"path":"a"}', name=tool, call_id=call_id, json=True) for call_id in call_ids)
    return Message("assistant", (*texts, *calls))


def result(call_id: str, text: str = "done", *, tool: str = "Read") -> Message:
    """Build a tool result."""
    return Message("tool", (Part("result", text, name=tool, call_id=call_id),))


def talk(*messages: Message) -> tuple[Message, ...]:
    """Number messages as a load does."""
    return finish(messages)


CALL_IDS = st.sampled_from(["a", "b", "c", "d"])


def _assistant(text: str, calls: Sequence[str]) -> Message:
    return assistant(text if text or not calls else "", *calls) if text or calls else assistant("hm")


MESSAGES = st.lists(
    st.one_of(
        st.sampled_from(["do it", "why?", "now the other one"]).map(user),
        st.builds(_assistant, st.sampled_from(["", "I look", "done"]), st.lists(CALL_IDS, max_size=3)),
        st.builds(result, CALL_IDS, st.sampled_from(["", "ok", "x" * 400])),
    ),
    max_size=16,
).map(lambda drawn: talk(*drawn))
"""Any mixture of users, calls and results of few ids: most of it is broken, as damaged files are."""
