"""OpenHands conversations: events one a line or in a list, of the SDK (V1) and of the older server (V0).

Events are never edited by OpenHands: a `Condensation` says which are forgotten and what is said in their place.
`openhands_view` says what is live, `openhands_dump` writes. Source: FORMATS section 8.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from cortex_cli.formats import containers, datasets, shapes
from cortex_cli.formats.contents import compact
from cortex_cli.formats.openhands_dump import dump
from cortex_cli.formats.openhands_events import Event, is_event, read_event, tool_schemas
from cortex_cli.formats.openhands_view import active_branch, messages_of, view_of
from cortex_cli.formats.source import Source
from cortex_cli.jsonscan import Path
from cortex_cli.messages import Transcript
from cortex_cli.validity import COMMON_RULES

__all__ = ["NAME", "RULES", "conversations", "detect", "dump", "load"]

NAME = "openhands"

RULES = COMMON_RULES

LISTS = ("history", "items", "events")
"""Where a document keeps its events: an evaluation's output, a page of the server's answer."""


@dataclass(frozen=True, slots=True)
class Layout(containers.Layout):
    """A list of events."""

    branch: tuple[Event, ...] = ()
    """From the root to the newest event, as they came in."""


def _list_key(value: Any) -> str | None:
    if not isinstance(value, dict) or is_event(value):
        return None
    lists = ((key, value.get(key)) for key in LISTS)
    return next((key for key, found in lists if isinstance(found, list) and any(map(is_event, found))), None)


def _is_conversation(value: Any) -> bool:
    return _list_key(value) is not None or (isinstance(value, list) and any(map(is_event, value)))


def detect(source: Source) -> float:
    """Tell whether the input holds events."""
    if not source.may_hold("source", *LISTS):
        return 0
    document = source.document
    if document is None:
        return 1 if any(is_event(one) or _is_conversation(one) for one in source.head_values) else 0
    is_set = isinstance(document, list) and any(map(_is_conversation, document))
    return 1 if is_event(document) or _is_conversation(document) or is_set else 0


def conversations(source: Source) -> Iterator[datasets.Conversation]:
    """Take a set of evaluations apart."""
    is_one = _is_conversation(source.document) or any(map(is_event, source.head))
    return iter(()) if is_one else datasets.split(source, _is_conversation)


def load(source: Source) -> Transcript:
    """Read the events of one conversation.

    Raises:
        InputError: There are none, or those of several.
    """
    box = _find_box(source)
    values = list(containers.elements(source, box))
    events = [read_event(index, value) for index, value in values if is_event(value)]
    strays = [index for index, value in values if not is_event(value)]
    branch = active_branch(events)
    messages = list(messages_of(view_of(branch)))
    where = f"{source.path}: {len(strays)} entries that are no events, kept as they are"
    reading = containers.Reading(box, messages, "", None, (where,) if strays else ())
    tools = tuple(map(compact, tool_schemas([value for _, value in values])))
    transcript = containers.build(source, reading, NAME, messages, preamble=tools)
    base = transcript.layout
    layout = Layout(base.box, base.ids, base.compaction, base.originals, branch=tuple(branch))
    return replace(transcript, layout=layout, session_id=branch[0].id if branch else "")


def _find_box(source: Source) -> containers.Box:
    document = source.document
    if document is None and any(map(is_event, source.head)):
        return containers.Box("lines")
    if is_event(document):
        return containers.Box("lines" if source.is_one_line else "single", values=[document])
    if isinstance(document, list) and any(map(is_event, document)):
        return containers.Box(containers.kind_of_list(source), values=document)
    path: Path = ()
    if _list_key(document) is None:
        box = datasets.find_only(source, _is_conversation, ())
        document, path = box.top, box.path
    key = _list_key(document)
    if isinstance(document, list):
        return containers.Box("list", path, values=document)
    if not isinstance(document, dict) or key is None:
        raise shapes.refuse(source)
    return containers.Box("list", (*path, key), document, document[key])
