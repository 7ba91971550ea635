"""Agents whose model acts by text: an answer names its action in words, and what came of it is the next user message.

Read as a call and its result, so that old output can shrink as it does everywhere; what is sent stays the same
text, so the call itself counts nothing. Old SWE-agent and mini-swe-agent trajectories are of this kind.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cortex_cli.formats.contents import read_result
from cortex_cli.messages import Message, Part

ACTION = -6
"""Block of the first call that an answer's text makes, and down from it; such a call stands nowhere by itself."""

Object = dict[str, Any]


def pair_actions(
    messages: Sequence[Message],
    values: Sequence[Any],
    actions_of: Callable[[Object], Sequence[str]],
    answers: Callable[[Object, Object], bool] = lambda _answer, _reply: True,
) -> Iterator[Message]:
    """Turn the user messages that directly follow an answer with actions into their results.

    Args:
        messages: As read, one for each element.
        values: The elements.
        actions_of: Element of an answer -> what it did, one command an action.
        answers: (answer, user message) -> whether the second tells what came of the first.
    """
    waiting: list[str] = []
    for at, message in enumerate(messages):
        value = values[message.records[0]]
        if message.role == "assistant":
            commands = [] if message.calls else actions_of(value)
            replies = _count_replies(messages[at + 1 : at + 1 + len(commands)], values, value, answers)
            calls = tuple(_call(message.records[0], n, command) for n, command in enumerate(commands[:replies]))
            waiting = [call.call_id for call in calls]
            yield message._replace(parts=(*message.parts, *calls)) if calls else message
        elif waiting and message.role == "user":
            yield _as_result(message, value, waiting.pop(0))
        else:
            waiting = []
            yield message


def _count_replies(
    following: Sequence[Message], values: Sequence[Any], answer: Object, answers: Callable[[Object, Object], bool]
) -> int:
    for count, message in enumerate(following):
        if message.role != "user" or message.synthetic or not answers(answer, values[message.records[0]]):
            return count
    return len(following)


def _call(index: int, number: int, command: str) -> Part:
    """Make the call of an action; its id is made unique, and known again, by the pairing of chat messages."""
    words = command.split(maxsplit=1)
    return Part(
        "call", name=words[0] if words else "", call_id=f"action{number or ''}", record=index, block=ACTION - number
    )


def _as_result(message: Message, value: Object, call_id: str) -> Message:
    content = read_result(value.get("content"))
    part = Part(
        "result", content.text, call_id=call_id, record=message.records[0], media=content.media, json=content.json
    )
    return Message("tool", (part,), message.records, time=message.time)
