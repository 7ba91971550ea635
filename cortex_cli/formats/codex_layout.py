"""What of a rollout's lines both reading and writing must know: kinds of lines, places of items, copies in events."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from cortex_cli.formats.codex_replay import OWN, SUMMARY, Item, Line, type_of
from cortex_cli.messages import WHOLE

CALLS = {"function_call": "arguments", "custom_tool_call": "input", "local_shell_call": "action"}
"""Type of a call item -> member with its arguments."""

OUTPUT = "output"
"""Member of an output item with the text."""

STRIDE = 1 << 20
"""Blocks that one item of a replacement history has to itself; more pieces than any item holds."""

LineKind = Literal["item", "compacted", "world", "turn", "count", "rollback", "user", "event", "thread"]
"""item: replayed; compacted; world, turn: state that a later turn is compared with; count: usage; rollback; user,
event: a copy of the conversation or a sign of a turn; thread: all else, it belongs to the whole thread."""

TURN_EVENTS = (
    "agent_",
    "apply_patch_",
    "collab_",
    "context_compacted",
    "dynamic_tool_",
    "error",
    "exec_",
    "hook_",
    "image_generation_",
    "item_",
    "mcp_tool_",
    "patch_apply_",
    "plan_",
    "raw_response_",
    "stream_error",
    "task_",
    "turn_",
    "view_image_",
    "warning",
    "web_search_",
)
"""How the events begin that leave with their turn; of the others (the thread's name, goal, settings) nothing is known
to repeat the conversation. Source: `EventMsg` in the client's `protocol.rs`."""

_KINDS: dict[str, LineKind] = {
    "response_item": "item",
    "inter_agent_communication": "item",
    "compacted": "compacted",
    "world_state": "world",
    "turn_context": "turn",
    "token_usage_record": "event",
}


def is_output(payload: dict[str, Any], kind: str) -> bool:
    """Tell whether an item of that type answers a call of its family.

    The output of a tool search is none: it is opaque, as the search is. The tools that it found can be called only
    while both stand there whole.
    """
    return kind.endswith("_call_output") and "call_id" in payload


def answer_type(call: str) -> str:
    """Return the type of the output of a call of that type."""
    return "function_call_output" if call in ("", "local_shell_call") else f"{call}_output"


def is_unknown_call(payload: dict[str, Any], kind: str) -> bool:
    """Tell whether an item of that type is a call of an unknown family: nobody edits it, but its output needs it."""
    return kind.endswith("_call") and kind not in (*CALLS, "tool_search_call") and bool(payload.get("call_id"))


class Layout(NamedTuple):
    """Of the lines with a payload."""

    kinds: dict[int, LineKind]
    """By record; lines that are not there are blank or damaged."""
    copies: dict[str, tuple[int, ...]]
    """Call id -> records of the events that tell of it, and may repeat its output."""
    base: int
    """Record of the compaction that the live path begins with, NO_BASE where there is none: messages up to it cannot
    stay where they are."""
    rebuilt: frozenset[int]
    """Records of user messages whose text the client writes anew after that compaction."""


NO_BASE = -1


def layout_of(lines: Sequence[Line], items: Sequence[Item]) -> Layout:
    """Sort the lines of a rollout.

    Args:
        lines: All lines.
        items: What of them is live.
    """
    kinds: dict[int, LineKind] = {}
    copies: dict[str, tuple[int, ...]] = {}
    for line in lines:
        kind = _KINDS.get(line.kind, "thread")
        if line.kind == "event_msg":
            kind = _event_kind(line.payload)
            if call_id := _call_id(line.payload):
                copies[call_id] = (*copies.get(call_id, ()), line.record)
        kinds[line.record] = kind
    base = max((item.record for item in items if item.place != OWN), default=NO_BASE)
    return Layout(kinds, copies, base, frozenset(item.record for item in items if item.is_rebuilt))


def _event_kind(event: dict[str, Any]) -> LineKind:
    kind = type_of(event)
    item = event.get("item")
    if kind == "user_message" or type_of(item) == "UserMessage":
        return "user"
    if kind == "token_count":
        return "count" if isinstance(event.get("info"), dict) else "event"
    if kind == "thread_rolled_back":
        return "rollback"
    return "event" if kind.startswith(TURN_EVENTS) else "thread"


def _call_id(event: dict[str, Any]) -> str:
    item = event.get("item")
    found = item.get("id") if isinstance(item, dict) else event.get("call_id")
    return found if isinstance(found, str) else ""


def block_of(place: int, block: int = WHOLE) -> int:
    """Return `Part.block` of a piece of an item.

    Args:
        place: `Item.place`.
        block: Position in the item's content list, WHOLE for the item itself.
    """
    return block if place in (OWN, SUMMARY) else place * STRIDE + block + 1


def place_of(block: int, kind: LineKind) -> tuple[int, int]:
    """Return (`Item.place`, position in the content list) of a `Part.block` in a line of that kind."""
    if kind != "compacted":
        return OWN, block
    if block == WHOLE:
        return SUMMARY, WHOLE
    return block // STRIDE, block % STRIDE - 1
