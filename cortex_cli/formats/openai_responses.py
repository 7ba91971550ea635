"""OpenAI Responses: the items of a request's `input`, of an answer's `output`, or bare, as programs keep them.

Encrypted `compaction` items are the only copy of what they stand for: opaque, kept by every layer. Where a request
goes on from an earlier response, an output may answer a call that is not in the file. Source: FORMATS section 4.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from cortex_cli.formats import containers, rewrite, shapes
from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.codex_edits import item_edits
from cortex_cli.formats.codex_layout import answer_type
from cortex_cli.formats.codex_replay import Item, type_of
from cortex_cli.formats.containers import Box
from cortex_cli.formats.contents import compact, text_of
from cortex_cli.formats.response_items import read_items
from cortex_cli.formats.source import Source
from cortex_cli.jsonedit import Edit
from cortex_cli.messages import NO_RECORD, Message, Part, Transcript
from cortex_cli.typed import is_typed_text

NAME = "openai-responses"

ITEM_TYPES = frozenset(
    {
        "additional_tools",
        "apply_patch_call",
        "apply_patch_call_output",
        "code_interpreter_call",
        "compaction",
        "computer_call",
        "computer_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
        "file_search_call",
        "function_call",
        "function_call_output",
        "image_generation_call",
        "item_reference",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "reasoning",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)
"""Types that only items of this API have. Source: `ResponseInputItemParam` of the `openai` package."""

PIECE_TYPES = frozenset({"input_text", "output_text", "input_image", "input_file"})
"""Types of content pieces that only messages of this API have; audio is spelled as in chat completions."""

BY_NAME = 0.1
"""How sure a list of mere messages makes it: chat completions look the same, so it must be asked for by name."""

OUTSIDE = ("previous_response_id", "conversation")
"""Members of a request that put items before its own which are not in the file."""


def detect(source: Source) -> float:
    """Say how sure it is that the input holds items of the Responses API; a bare list of mere messages is chat."""
    box = source.remember(find_box)
    if box is None:
        return BY_NAME if _find_mere_messages(source) is not None else 0
    return 0.9 if box.path == ("input",) and "model" not in box.top else 1


def find_box(source: Source) -> Box | None:
    """Find the list of items; None where there is none."""
    document = source.document
    if isinstance(document, dict):
        return _find_in_object(source, document)
    if document is None:
        return Box("lines") if any(map(_is_own, source.head)) else None
    if isinstance(document, list) and any(map(_is_own, document)):
        return Box(containers.kind_of_list(source), values=document)
    return None


def _find_mere_messages(source: Source) -> Box | None:
    """Find a list of nothing but messages, as a session begins: this API's when it is asked for by name."""
    found, box = containers.sample(source), containers.find_box(source)
    if found is None or box is None or box.top:
        return None
    contents = (value.get("content") for value in found.messages)
    return box if all(isinstance(one, str) or containers.piece_types(one) <= PIECE_TYPES for one in contents) else None


def _find_in_object(source: Source, document: dict[str, Any]) -> Box | None:
    asked, answered = document.get("input"), document.get("output")
    if isinstance(asked, list) and any(map(is_item, asked)):
        return Box("list", ("input",), document, asked)
    if isinstance(asked, str) and "model" in document and (document.keys() & {"instructions", "store", *OUTSIDE}):
        return Box("list", ("input",), document)
    if text_of(document.get("object")).startswith("response") and isinstance(answered, list):
        return Box("list", ("output",), document, answered)
    return Box("lines") if source.is_one_line and _is_own(document) else None


def is_item(value: Any) -> bool:
    """Tell whether a value is an item; messages may leave their type out."""
    return isinstance(value, dict) and (type_of(value) in ITEM_TYPES or isinstance(value.get("role"), str))


def _is_own(value: Any) -> bool:
    """Tell whether a value can be nothing but an item of this API."""
    if not isinstance(value, dict):
        return False
    if type_of(value) == "message" and (value.get("role") != "assistant" or isinstance(value.get("content"), str)):
        return True  # Anthropic's answers, which have that type too, are the assistant's and hold blocks
    return type_of(value) in ITEM_TYPES or bool(PIECE_TYPES & containers.piece_types(value.get("content")))


def load(source: Source) -> Transcript:
    """Read a list of items.

    Raises:
        InputError: It holds no list of items.
    """
    box = find_box(source) or _find_mere_messages(source)
    if box is None:
        raise shapes.refuse(source)
    values = list(containers.elements(source, box))
    items = [Item(value, index) for index, value in values if isinstance(value, dict)]
    strays = [(index, value) for index, value in values if not isinstance(value, dict)]
    reading = containers.Reading(box, list(read_items(items)), "", None, containers.name_strays(source, box, strays))
    outside = _outside(box, items)
    messages = _without_missing_calls(reading.messages, items) if outside else reading.messages
    warnings = (f"{source.path}: {outside}: what stands before is not in the file",) if outside else ()
    transcript = containers.build(
        source,
        reading,
        NAME,
        [*_instructions(box), *messages],
        preamble=containers.preamble_of(box.top, "tools"),
        warnings=warnings,
    )
    return _keep_answers_to_others(transcript) if outside else transcript


def read_values(values: Iterable[tuple[int, dict[str, Any]]]) -> list[Message]:
    """Read items, given as (index, value)."""
    return list(read_items([Item(value, index) for index, value in values]))


def _instructions(box: Box) -> Iterator[Message]:
    """Read what is sent and stands in no item: the instructions, and an input that is a mere text."""
    for role, key in (("system", "instructions"), ("user", "input")):
        text = text_of(box.top.get(key))
        if text:
            part = Part("text", text, record=NO_RECORD)
            is_typed = role == "user" and is_typed_text(text)
            yield Message("user" if role == "user" else "system", (part,), typed=is_typed)


def _outside(box: Box, items: Sequence[Item]) -> str:
    """Name what refers to items that are not in the file; empty where nothing does."""
    keys = [key for key in OUTSIDE if box.top.get(key)]
    return (
        keys[0] if keys else "item_reference" if any(type_of(one.payload) == "item_reference" for one in items) else ""
    )


def _without_missing_calls(messages: Sequence[Message], items: Sequence[Item]) -> list[Message]:
    """Make outputs whose call is not in the file opaque: they answer something, we cannot see what."""
    payloads = {item.record: item.payload for item in items}
    calls: set[str] = set()
    found: list[Message] = []
    for message in messages:
        calls.update(part.call_id for part in message.calls)
        result = message.result
        if result is not None and result.call_id not in calls:
            payload = payloads[result.record]
            part = Part("opaque", compact(payload), type_of(payload), record=result.record)
            message = message._replace(role="user", parts=(part,))
        found.append(message)
    return found


def _keep_answers_to_others(transcript: Transcript) -> Transcript:
    """Let every layer keep the outputs that answer calls outside of the file: the API demands them."""
    messages = tuple(
        one._replace(slot=True) if one.role == "user" and one.parts and one.parts[0].kind == "opaque" else one
        for one in transcript.messages
    )
    return replace(transcript, messages=messages, loaded=messages)


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the changed items in their container."""
    yield from rewrite.render(transcript, plan(transcript))


def plan(transcript: Transcript) -> rewrite.Plan:
    """Plan what becomes of every item."""
    return plan_items(transcript, _encode_spoken)


def _encode_spoken(message: Message) -> dict[str, Any]:
    """Write a text of ours; a user's as pieces, by which a bare list is known again."""
    if message.role == "assistant":
        return {"role": "assistant", "content": message.text}
    return {"role": "user", "content": [{"type": "input_text", "text": part.text} for part in message.parts]}


def plan_items(transcript: Transcript, encode_spoken: Callable[[Message], dict[str, Any]]) -> rewrite.Plan:
    """Plan what becomes of every item; `encode_spoken` writes a text of ours."""
    element = rewrite.element_reader(transcript)
    calls = {part.call_id: part.record for message in transcript.messages for part in message.calls}

    def encode(message: Message, _time: str) -> dict[str, Any]:
        result = message.result
        if result is None:
            return encode_spoken(message)
        family = type_of(element(calls[result.call_id])) if result.call_id in calls else ""
        return {"type": answer_type(family), "call_id": result.call_id, "output": result.text}

    return rewrite.plan_messages(transcript, rewrite.Writer(edit_element, encode))


def edit_element(value: dict[str, Any], change: RecordChange) -> Iterator[Edit]:
    """Write changed parts into an item, and take removed pieces out; paths start at the item."""
    yield from item_edits((), value, change.edited, change.removed)
