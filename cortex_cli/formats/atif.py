"""ATIF, Harbor's Agent Trajectory Interchange Format, versions 1.0 to 1.8: an answer and all that came of it a step.

A system step that says `context_management: compaction, replace` makes the steps before it history; only the system
prompt that the run begins with is still sent. `atif_dump` writes. Source: FORMATS section 8, Harbor's own models.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from cortex_cli.formats import containers, datasets
from cortex_cli.formats.atif_dump import dump
from cortex_cli.formats.atif_steps import is_boundary, is_step, read_step, source_of
from cortex_cli.formats.contents import text_of
from cortex_cli.formats.openai_chat import pair_within_turns
from cortex_cli.formats.source import Source
from cortex_cli.messages import Message, Transcript
from cortex_cli.validity import Rules

__all__ = ["NAME", "RULES", "conversations", "detect", "dump", "load"]

NAME = "atif"

RULES = Rules(results_directly_after_call=True)
"""A result stands in the step of its call."""

_VERSION = "ATIF-"


def _is_trajectory(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("steps"), list):
        return False
    is_named = text_of(value.get("schema_version")).startswith(_VERSION)
    return is_named or (isinstance(value.get("agent"), dict) and any(map(is_step, value["steps"])))


def detect(source: Source) -> float:
    """Tell whether the input is a trajectory, a list of them, or one a line."""
    document = source.document
    values = source.head if document is None else document if isinstance(document, list) else [document]
    return 1 if any(map(_is_trajectory, values)) else 0


def conversations(source: Source) -> Iterator[datasets.Conversation]:
    """Take a list of trajectories apart."""
    return datasets.split(source, _is_trajectory)


def load(source: Source) -> Transcript:
    """Read one trajectory.

    Raises:
        InputError: It is none, or there are several.
    """
    box = datasets.find_only(source, _is_trajectory, ("steps",))
    reading = containers.read(source, containers.Reader(NAME, read_step, _read_answer, is_step), box)
    messages, boundary = _live(reading.messages, box.values)
    messages, ids = pair_within_turns(messages)
    agent = box.top.get("agent")
    agent = agent if isinstance(agent, dict) else {}
    gone = len(reading.messages) - len(messages)
    usage = reading.usage
    if usage is not None:
        usage = usage._replace(messages=usage.messages - gone) if usage.messages > gone and boundary < 0 else None
    transcript = containers.build(
        source, reading, NAME, messages, ids=ids, preamble=containers.preamble_of(agent, "tool_definitions")
    )
    model = reading.model or text_of(agent.get("model_name"))
    return replace(transcript, usage=usage, model=model, session_id=text_of(box.top.get("session_id")))


def _live(messages: Sequence[Message], steps: Sequence[Any]) -> tuple[list[Message], int]:
    """Return what is sent, and the index of the newest boundary; -1 where there is none."""
    boundary = max((index for index, step in enumerate(steps) if is_boundary(step)), default=-1)
    if boundary < 0:
        return list(messages), boundary
    lead = next((at for at, one in enumerate(messages) if one.role != "system"), len(messages))
    head = [one for one in messages[:lead] if one.records[0] < boundary]
    return [*head, *_after(boundary, messages)], boundary


def _after(boundary: int, messages: Sequence[Message]) -> Iterator[Message]:
    """Yield what follows a boundary; the first user step hands over, unless one of ours does."""
    tail = [message for message in messages if message.records[0] > boundary]
    first_answer = next((at for at, one in enumerate(tail) if one.role == "assistant"), len(tail))
    has_own = any(message.synthetic for message in tail[:first_answer])
    for at, message in enumerate(tail):
        if at < first_answer and message.role == "user" and not has_own:
            has_own = True
            message = message._replace(synthetic="summary", typed=False)
        yield message


def _read_answer(step: dict[str, Any]) -> containers.Answer:
    """Read model and usage of a step; of one that stands for several calls the usage is a sum."""
    metrics, model = step.get("metrics"), text_of(step.get("model_name"))
    if not isinstance(metrics, dict) or source_of(step) != "agent" or step.get("llm_call_count") not in (None, 1):
        return containers.Answer(model)
    counts = [metrics.get(key) for key in ("prompt_tokens", "completion_tokens")]
    return containers.Answer(model, sum(count for count in counts if isinstance(count, int)))
