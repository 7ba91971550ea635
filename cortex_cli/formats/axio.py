"""axio messages: blocks as in Anthropic's API, media flat, `is_error` in every result, no thinking.

Only the messages as JSON: its SQLite store is another file's matter. Source: FORMATS section 9.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from cortex_cli.formats import alternation, containers, rewrite
from cortex_cli.formats.anthropic_elements import edit_element, encode_blocks, read_element
from cortex_cli.formats.source import Source
from cortex_cli.messages import Transcript
from cortex_cli.validity import Rules

NAME = "axio"

RULES = Rules(alternates=True, results_directly_after_call=True, no_empty_text=True)
"""What the APIs behind it demand; a system message may stand first."""

_SIGNED = frozenset({"signature", "provider"})

_KEYS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "text": (frozenset({"text"}), _SIGNED),
    "image": (frozenset({"media_type", "data"}), frozenset()),
    "audio": (frozenset({"media_type", "data"}), frozenset()),
    "video": (frozenset({"media_type", "data"}), frozenset()),
    "tool_use": (frozenset({"id", "name", "input"}), _SIGNED),
    "tool_result": (frozenset({"tool_use_id", "content", "is_error"}), frozenset()),
    "reasoning": (frozenset(), _SIGNED | {"text", "redacted", "id"}),
    "provider": (frozenset({"provider", "kind", "data"}), frozenset({"id"})),
}
"""What a block of each type holds besides its type: always, and at times. The last two came with axio 0.12."""

_TOOL_TYPES = frozenset({"tool_use", "tool_result"})
_FLAT_TYPES = frozenset({"image", "audio", "video"})
_ROLES = frozenset({"system", "user", "assistant"})
_FOREIGN_KEYS = frozenset({"tool_calls", "tool_call_id", "function_call", "reasoning_content", "parts"})


def detect(source: Source) -> float:
    """Say how sure it is that the input is a list of axio messages: blocks of the known keys in each of them."""
    found = containers.sample(source)
    if found is None or not found.messages:
        return 0
    if any(value["role"] not in _ROLES or _FOREIGN_KEYS & value.keys() for value in found.messages):
        return 0
    types = {kind for value in found.messages for kind in containers.piece_types(value.get("content"))}
    if "" in types:
        return 0
    if found.top or not all(map(_is_own_message, found.messages)):
        return 0.1
    if types & _FLAT_TYPES:
        return 1
    has_system = found.messages[0]["role"] == "system"
    return 0.7 if types & _TOOL_TYPES else 0.6 if has_system else 0.3


def _is_own_message(value: dict[str, Any]) -> bool:
    content = value.get("content")
    return value.keys() == {"role", "content"} and isinstance(content, list) and all(map(_is_own_block, content))


def _is_own_block(piece: Any) -> bool:
    if not _is_readable_block(piece):
        return False
    always, at_times = _KEYS[piece["type"]]
    return set(piece) <= always | at_times | {"type"}


def is_readable(content: Any) -> bool:
    """Tell whether axio reads a message's content without an error; keys that it does not know, it leaves out."""
    return isinstance(content, list) and all(map(_is_readable_block, content))


def _is_readable_block(piece: Any) -> bool:
    kind = piece.get("type") if isinstance(piece, dict) else None
    if not isinstance(kind, str) or kind not in _KEYS or not _KEYS[kind][0] <= piece.keys():
        return False
    inside = piece["content"] if kind == "tool_result" else ""
    return isinstance(inside, str) or is_readable(inside)


def load(source: Source) -> Transcript:
    """Read a list of messages.

    Raises:
        InputError: It holds no list of messages.
    """
    reading = containers.read(source, containers.Reader(NAME, read_element))
    return containers.build(source, reading, NAME, alternation.place_notice(reading.messages))


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the changed messages in their container."""
    yield from rewrite.render(transcript, plan(transcript))


def plan(transcript: Transcript) -> rewrite.Plan:
    """Plan what becomes of every element."""
    planned = rewrite.plan_changes(transcript, edit_element)
    alternation.plan_turns(transcript, planned, alternation.Shape(partial(encode_blocks, always_is_error=True)))
    return planned
