"""mini-swe-agent trajectories: chat messages, each with an `extra` that is not sent.

`extra` holds what the agent made of the answer and the raw output of its command: copies, which shrink with
the message. Agents that act by text have their output in user messages. Source: FORMATS section 3.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cortex_cli.formats import containers, copies, openai_chat, rewrite
from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.contents import read_result, text_of
from cortex_cli.formats.openai_chat import RULES as RULES
from cortex_cli.formats.openai_elements import edit_element, read_element
from cortex_cli.formats.source import Source
from cortex_cli.formats.text_actions import pair_actions
from cortex_cli.jsonedit import Edit
from cortex_cli.messages import Message, Transcript

NAME = "mini-swe-agent"

EXIT = "exit"
"""Role of the last message, which says how the run ended; it is not sent."""

_OUTPUT_KEYS = frozenset({"raw_output", "returncode"})
_OUTPUT_TAG = "<returncode>"
"""What the default observation template begins with. Source: mini-swe-agent's own configuration."""

_FENCES = ("```bash", "```mswea_bash_command")
"""What the command stands in. Source: the action patterns of mini-swe-agent 1 and 2."""


def detect(source: Source) -> float:
    """Tell whether the input is a trajectory: it names its format, or has the agent's version in `info`."""
    document = source.document
    if not isinstance(document, dict) or not isinstance(document.get("messages"), list):
        return 0
    info = document.get("info")
    is_named = text_of(document.get("trajectory_format")).startswith(NAME)
    return 1 if is_named or (isinstance(info, dict) and "mini_version" in info) else 0


def load(source: Source) -> Transcript:
    """Read a trajectory.

    Raises:
        InputError: It holds no list of messages.
    """
    reader = containers.Reader(NAME, _read_element, openai_chat.read_answer)
    return openai_chat.read_list(source, reader, arrange=_arrange)


def _read_element(index: int, value: dict[str, Any]) -> Sequence[Message] | None:
    return () if value["role"] == EXIT else read_element(index, value)


def _arrange(messages: Sequence[Message], box: containers.Box) -> Iterable[Message]:
    return pair_actions(messages, box.values, _actions_of, _answers)


def _actions_of(value: dict[str, Any]) -> list[str]:
    """Return one word for each command of an answer that acts by text."""
    extra = value.get("extra")
    actions = extra.get("actions") if isinstance(extra, dict) else None
    if isinstance(actions, list):
        return ["bash"] * len(actions)
    text = read_result(value.get("content")).text
    return ["bash"] if any(fence in text for fence in _FENCES) else []


def _answers(_answer: dict[str, Any], reply: dict[str, Any]) -> bool:
    extra = reply.get("extra")
    is_output = isinstance(extra, dict) and bool(_OUTPUT_KEYS & extra.keys())
    return is_output or read_result(reply.get("content")).text.lstrip().startswith(_OUTPUT_TAG)


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the trajectory with its changed messages."""
    yield from rewrite.render(transcript, plan(transcript))


def plan(transcript: Transcript) -> rewrite.Plan:
    """Plan what becomes of every message, and of the copies in its `extra`."""
    changed = copies.Changed(transcript)

    def edit(value: dict[str, Any], change: RecordChange) -> Iterator[Edit]:
        yield from edit_element(value, change)
        results = [pair for pair in change.edited.values() if pair[0].kind == "result"]
        if results:
            yield from copies.shrink_all(("extra",), value.get("extra"), *results[0])
        else:
            yield from changed.edits(("extra",), value.get("extra"))

    return openai_chat.plan(transcript, edit)
