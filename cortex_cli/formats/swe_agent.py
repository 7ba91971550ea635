"""SWE-agent trajectories (`.traj`): the chat messages under `history`; `trajectory` repeats them step by step.

Only `history` is sent again; the copies in `trajectory` shrink with what they copy. Replies name the calls they
answer in `tool_call_ids`, or are user messages, where the model acts by text. Source: FORMATS section 3.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cortex_cli.formats import containers, copies, openai_chat, rewrite
from cortex_cli.formats.contents import text_of
from cortex_cli.formats.openai_chat import RULES as RULES
from cortex_cli.formats.openai_elements import read_element
from cortex_cli.formats.source import Source
from cortex_cli.formats.text_actions import pair_actions
from cortex_cli.messages import Message, Transcript

NAME = "swe-agent"

COPIES = ("trajectory",)
"""Members of the document that repeat texts of the history."""

_OWN_KEYS = frozenset({"agent", "is_demo", "thought", "action", "message_type", "tool_call_ids"})
_OWN_FIELDS = ("agent", "message_type")
"""What every entry has; one of ours takes them from the first user message."""


def detect(source: Source) -> float:
    """Tell whether the input is a trajectory: a history of messages with the agent's fields."""
    document = source.document
    history = document.get("history") if isinstance(document, dict) else None
    if not isinstance(history, list):
        return 0
    return 1 if any(containers.is_message(one) and _OWN_KEYS & one.keys() for one in history) else 0


def load(source: Source) -> Transcript:
    """Read a trajectory's history.

    Raises:
        InputError: It holds none.
    """
    document = source.document
    history = document.get("history") if isinstance(document, dict) else None
    if not isinstance(history, list):
        raise source.fail("not a SWE-agent trajectory", line=1, hint="it has a list under `history`")
    box = containers.Box("list", ("history",), document, history)
    reader = containers.Reader(NAME, _read_element, openai_chat.read_answer)
    return openai_chat.read_list(source, reader, box, _arrange)


def _read_element(index: int, value: dict[str, Any]) -> Sequence[Message] | None:
    found = read_element(index, value)
    ids = value.get("tool_call_ids")
    if not found or found[0].role != "tool" or not isinstance(ids, list) or not ids:
        return found
    call_id = text_of(ids[0])  # the agent takes one action a step
    return [found[0].with_part(0, found[0].parts[0]._replace(call_id=call_id))]


def _arrange(messages: Sequence[Message], box: containers.Box) -> Iterable[Message]:
    return pair_actions(messages, box.values, _actions_of, _answers)


def _actions_of(value: dict[str, Any]) -> list[str]:
    action = text_of(value.get("action")).strip()
    return [action] if action else []


def _answers(answer: dict[str, Any], reply: dict[str, Any]) -> bool:
    """Tell a reply from the task, which follows the last answer of the demonstration."""
    return bool(answer.get("is_demo")) == bool(reply.get("is_demo"))


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the trajectory with its changed history."""
    yield from rewrite.render(transcript, plan(transcript))


def plan(transcript: Transcript) -> rewrite.Plan:
    """Plan what becomes of every message, and of its copies."""
    box: containers.Box = transcript.layout.box
    planned = openai_chat.plan(transcript, fields=_fields_of(box))
    changed = copies.Changed(transcript)
    for key in COPIES:
        planned.beside.extend(changed.edits((key,), box.top.get(key)))
    return planned


def _fields_of(box: containers.Box) -> dict[str, Any]:
    users = (one for one in box.values if containers.is_message(one) and one["role"] == "user")
    first: dict[str, Any] = next(users, {})
    return {key: first[key] for key in _OWN_FIELDS if key in first}
