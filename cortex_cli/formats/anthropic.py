"""Anthropic Messages: user and assistant take turns, results are blocks of the user's next message.

The top-level `system` is a slot without a record. A server-side compaction makes everything before it dead: it
stays in the file, is not sent, and leaves with the compaction, lest it come to life again.
Source: FORMATS section 5.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cortex_cli.formats import alternation, containers, rewrite
from cortex_cli.formats.anthropic_elements import edit_element, encode_blocks, read_element, read_parts, usage_tokens
from cortex_cli.formats.contents import text_of
from cortex_cli.formats.source import Source
from cortex_cli.jsonedit import Delete
from cortex_cli.marks import synthetic_kind
from cortex_cli.messages import NO_RECORD, Message, Transcript
from cortex_cli.validity import Rules

NAME = "anthropic"

RULES = Rules(alternates=True, results_directly_after_call=True, user_first=True, no_empty_text=True)
"""Source: FORMATS section 5, M1 to M4."""

COMPACTION = "compaction"
"""Type of the block that a server-side compaction leaves. Source: FORMATS section 5."""

_TOP = frozenset({"system", "anthropic_version", "stop_sequences", "top_k", "context_management"})
_FOREIGN_TOP = frozenset({"choices", "stream_options", "response_format", "max_completion_tokens", "contents"})
_FOREIGN_KEYS = frozenset({"tool_calls", "tool_call_id", "function_call", "reasoning_content", "parts"})
_SURE_TYPES = frozenset(
    {"thinking", "redacted_thinking", "server_tool_use", "document", "search_result", COMPACTION, "mcp_tool_use"}
)
_TOOL_TYPES = frozenset({"tool_use", "tool_result"})
_FOREIGN_TYPES = frozenset({"toolCall", "image_url", "input_audio", "tool_call", "reasoning", "audio", "video", ""})


def detect(source: Source) -> float:
    """Say how sure it is that the input is a Messages request, answer or list of messages."""
    found = containers.sample(source)
    if found is None or _FOREIGN_TOP & found.top.keys() or (found.messages and found.messages[0]["role"] == "system"):
        return 0
    sureness = _sureness_of_top(found.top)
    for value in found.messages:
        types = containers.piece_types(value.get("content"))
        is_known = value["role"] in ("user", "assistant", "system")
        if not is_known or types & _FOREIGN_TYPES or _FOREIGN_KEYS & value.keys():
            return 0
        if types & _SURE_TYPES or _has_own_form(value):
            sureness = 1
        elif _shares_with_ours(value):
            sureness = max(sureness, 0.8 if found.top else 0.6)  # axio, which is as likely, has bare lists only
        elif types & _TOOL_TYPES:
            sureness = max(sureness, 0.6)
    return sureness


def _sureness_of_top(top: Any) -> float:
    tools = top.get("tools")
    is_own = isinstance(tools, list) and any(isinstance(tool, dict) and "input_schema" in tool for tool in tools)
    if is_own or _TOP & top.keys() or (top.get("type") == "message" and "role" in top):
        return 1
    if "model" not in top:
        return 0.4
    is_claude = "claude" in str(top["model"]) and "max_tokens" in top
    return (1 if "thinking" in top else 0.8) if is_claude else 0


def _has_own_form(value: dict[str, Any]) -> bool:
    """Tell whether a message has what axio's, whose blocks are else the same, has not."""
    content = value.get("content")
    pieces = [piece for piece in content if isinstance(piece, dict)] if isinstance(content, list) else []
    return any(
        "source" in piece
        or "cache_control" in piece
        or "citations" in piece
        or (piece.get("type") == "tool_result" and "is_error" not in piece)
        for piece in pieces
    )


def _shares_with_ours(value: dict[str, Any]) -> bool:
    """Tell whether a text of ours is the first of several blocks: it is so where user and assistant take turns only.

    Of a conversation that lost its calls with its old turns nothing else may tell.
    """
    content = value.get("content")
    if value["role"] != "user" or not isinstance(content, list) or len(content) < 2 or not isinstance(content[0], dict):
        return False
    return synthetic_kind(text_of(content[0].get("text"))) != ""


def load(source: Source) -> Transcript:
    """Read a list of messages.

    Raises:
        InputError: It holds no list of messages.
    """
    reading = containers.read(source, containers.Reader(NAME, read_element, read_answer))
    live, compaction = _after_compaction(alternation.place_notice(reading.messages))
    top = reading.box.top
    system = [] if reading.box.kind == "single" else _read_system(top.get("system"))
    usage = reading.usage
    if usage is not None:
        gone = len(reading.messages) - len(live)
        usage = usage._replace(messages=usage.messages - gone + len(system)) if usage.messages > gone else None
    transcript = containers.build(
        source,
        reading,
        NAME,
        [*system, *live],
        compaction=compaction,
        preamble=containers.preamble_of(top, "tools"),
    )
    return replace(transcript, usage=usage)


def _read_system(system: Any) -> list[Message]:
    """Read the top-level system prompt: it is sent, and stands in no element."""
    parts = read_parts(NO_RECORD, system)
    return [Message("system", parts)] if any(part.text for part in parts) else []


def _after_compaction(messages: list[Message]) -> tuple[list[Message], tuple[int, int] | None]:
    """Return what is sent, and (element, block) of the last server-side compaction if there is one."""
    for at in range(len(messages) - 1, -1, -1):
        message = messages[at]
        blocks = [i for i, part in enumerate(message.parts) if part.kind == "opaque" and part.name == COMPACTION]
        if message.role != "assistant" or not blocks:
            continue
        part = message.parts[blocks[-1]]
        rest = message.parts[blocks[-1] + 1 :]
        live = [message._replace(parts=(part,), synthetic="summary")]
        if rest:
            live.append(message._replace(parts=rest))
        return [*live, *messages[at + 1 :]], (part.record, part.block)
    return messages, None


def read_answer(value: dict[str, Any]) -> containers.Answer:
    """Read model and usage of a recorded answer."""
    model = value.get("model")
    return containers.Answer(text_of(model), usage_tokens(value.get("usage")))


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the changed messages in their container."""
    yield from rewrite.render(transcript, plan(transcript))


def plan(transcript: Transcript) -> rewrite.Plan:
    """Plan what becomes of every element."""
    planned = rewrite.plan_changes(transcript, edit_element)
    _drop_with_compaction(transcript, planned)
    alternation.plan_turns(transcript, planned, alternation.Shape(encode_blocks))
    return planned


def _drop_with_compaction(transcript: Transcript, planned: rewrite.Plan) -> None:
    """Where a server-side compaction left, take out what it had made dead."""
    place = transcript.layout.compaction
    kept = {(part.record, part.block) for message in transcript.messages for part in message.parts}
    if place is None or place in kept:
        return
    record, block = place
    planned.gone.update(range(record))
    if record not in planned.gone:
        planned.edits[record].extend(Delete(("content", dead)) for dead in range(block))
