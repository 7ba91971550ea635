"""One event of OpenHands, of the SDK (V1, `kind`) or of the older server (V0, `action` or `observation`).

Source: FORMATS section 8, the event models of openhands-sdk.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from cortex_cli.formats import copies
from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.contents import (
    compact,
    edit_json,
    edit_result,
    piece_text,
    read_media,
    read_result,
    text_of,
    text_path,
)
from cortex_cli.formats.times import to_utc
from cortex_cli.jsonedit import Delete, Edit, Path, Replace
from cortex_cli.messages import WHOLE, Part, Role

Object = dict[str, Any]

REASONING = -2
CALL = -3
SUMMARY = -100
"""Blocks of an event: its texts from 0, thinking, call; of a condensation the texts of its summary, downwards."""

FIRST_EXTENSION = 1_000_000
"""And these and up what the agent's context added to a message."""

_SYSTEM_KINDS = ("SystemPromptEvent", "SystemPromptUpdateEvent")
_REPLIES = {"ObservationEvent": "observation", "UserRejectObservation": "rejection_reason", "AgentErrorEvent": "error"}
"""Kind of an event that answers a call -> where its text stands."""

_TEXTS: dict[str, Path] = {
    "MessageEvent": ("llm_message", "content"),
    "ActionEvent": ("thought",),
    "SystemPromptEvent": (),
    "SystemPromptUpdateEvent": (),
}
_PROMPTS = ("system_prompt", "dynamic_context")
_CALLS_V0: Path = ("tool_call_metadata", "model_response", "choices", 0, "message", "tool_calls")
_NO_HISTORY = ("null", "change_agent_state", "agent_state_changed", "condensation_request")
"""What the older server leaves out before it counts and sends events. Source: its `StateTracker` and `View`."""
_REJECTED = "Action rejected: "
"""What the SDK writes before the reason. Source: `UserRejectObservation.to_llm_message`."""


class Event(NamedTuple):
    """What one event does to the view that the model is sent."""

    record: int
    id: str
    kind: Literal["text", "action", "result", "condensation", "other"]
    role: Role = "user"
    parts: tuple[Part, ...] = ()
    time: str = ""
    batch: str = ""
    """Of an action: the answer that it was part of."""
    call_id: str = ""
    """Of an action and a result."""
    parent: str = ""
    forgotten: frozenset[str] = frozenset()
    summary: str | None = None
    offset: int | None = None
    is_v0: bool = False
    name: str = ""
    """Of V0: what is done or seen, `delegate` for instance; empty for what is in no agent's history."""


def is_event(value: Any) -> bool:
    """Tell whether a value has the outline of an event."""
    return isinstance(value, dict) and "source" in value and (is_v1(value) or _is_v0(value))


def is_v1(value: Object) -> bool:
    """Tell an event of the SDK."""
    kind = text_of(value.get("kind"))
    return isinstance(value.get("id"), str) and (kind.startswith("Condensation") or kind in _REPLIES or "Event" in kind)


def _is_v0(value: Object) -> bool:
    does = isinstance(value.get("action"), str) or isinstance(value.get("observation"), str)
    return does and type(value.get("id")) is int and ("args" in value or "extras" in value or "content" in value)


def read_event(index: int, value: Object) -> Event:
    """Read one event of either version."""
    return _read_v1(index, value) if is_v1(value) else _read_v0(index, value)


def _read_v1(index: int, value: Object) -> Event:
    kind = text_of(value.get("kind"))
    event = Event(
        index, value["id"], "other", time=to_utc(value.get("timestamp")), parent=text_of(value.get("parent_id"))
    )
    call_id = text_of(value.get("tool_call_id"))
    if kind in _SYSTEM_KINDS:
        return event._replace(kind="text", role="system", parts=tuple(_prompts(index, value)))
    if kind == "MessageEvent" and isinstance(value.get("llm_message"), dict):
        said = value["llm_message"]
        role: Role = "assistant" if said.get("role") == "assistant" else "user"
        more = _texts(index, value.get("extended_content"), FIRST_EXTENSION)
        return event._replace(
            kind="text", role=role, parts=(*_thinking(index, said), *_texts(index, said.get("content")), *more)
        )
    if kind == "ActionEvent":
        parts = (*_thinking(index, value), *_texts(index, value.get("thought")), _call(index, value, call_id))
        batch = text_of(value.get("llm_response_id"))
        return event._replace(kind="action", role="assistant", parts=parts, batch=batch, call_id=call_id)
    if kind in _REPLIES:
        return event._replace(kind="result", role="tool", parts=_reply(index, value, kind, call_id), call_id=call_id)
    if kind == "Condensation":
        return event._replace(kind="condensation", **_condensation(value))
    return event


def _prompts(index: int, value: Object) -> Iterator[Part]:
    for block, key in enumerate(_PROMPTS):
        if text_path(value.get(key)) is not None:
            yield Part("text", piece_text(value[key]), record=index, block=block)


def _texts(index: int, content: Any, first: int = 0) -> Iterator[Part]:
    for block, piece in enumerate(content if isinstance(content, list) else (), first):
        if text_path(piece) == ("text",):
            if piece["text"]:
                yield Part("text", piece["text"], record=index, block=block)
        elif isinstance(piece, dict) and isinstance(piece.get("image_urls"), list):
            media = tuple(read_media({"type": "image_url", "image_url": url}, WHOLE) for url in piece["image_urls"])
            yield Part("media", record=index, block=block, media=media)
        else:
            yield Part("opaque", compact(piece), record=index, block=block)


def _thinking(index: int, value: Object) -> Iterator[Part]:
    blocks = value.get("thinking_blocks")
    blocks = [one for one in blocks if isinstance(one, dict)] if isinstance(blocks, list) else []
    texts = [text_of(one.get("thinking")) or text_of(one.get("data")) for one in blocks]
    text = text_of(value.get("reasoning_content")) or "\n".join(texts)
    if text or blocks:
        yield Part("thinking", text, record=index, block=REASONING, signed=bool(blocks))


def _call(index: int, value: Object, call_id: str) -> Part:
    call = value.get("tool_call")
    arguments = call.get("arguments") if isinstance(call, dict) else None
    name = text_of(value.get("tool_name"))
    return Part("call", text_of(arguments), name, call_id, index, CALL)


def _reply(index: int, value: Object, kind: str, call_id: str) -> tuple[Part, ...]:
    names = text_of(value.get("tool_name")), call_id
    said = value.get(_REPLIES[kind])
    if kind != "ObservationEvent":
        return (Part("result", text_of(said), *names, index, is_error=True),)
    said = said if isinstance(said, dict) else {}
    content = read_result(said.get("content"))
    is_error = said.get("is_error") is True
    result = Part("result", content.text, *names, index, WHOLE, content.media, content.json, is_error=is_error)
    return (result, *_texts(index, value.get("extended_content"), FIRST_EXTENSION))


def _condensation(value: Object) -> dict[str, Any]:
    forgotten, offset = value.get("forgotten_event_ids"), value.get("summary_offset")
    ids = frozenset(map(str, forgotten)) if isinstance(forgotten, list) else frozenset[str]()
    summary = value.get("summary")
    is_whole = isinstance(summary, str) and isinstance(offset, int) and offset >= 0
    return {"forgotten": ids, "summary": summary if is_whole else None, "offset": offset if is_whole else None}


def _read_v0(index: int, value: Object) -> Event:
    args = _object(value, "args")
    does = text_of(value.get("action"))
    name = does or text_of(value.get("observation"))
    is_hidden = name in _NO_HISTORY or (args or _object(value, "extras")).get("hidden") is True
    time = to_utc(value.get("timestamp"))
    event = Event(index, str(value["id"]), "other", time=time, is_v0=True, name="" if is_hidden else name)
    if is_hidden:
        return event
    if does in ("system", "message"):
        role: Role = "system" if does == "system" else "assistant" if value["source"] == "agent" else "user"
        return event._replace(kind="text", role=role, parts=_message_v0(index, args))
    if does == "condensation":
        return event._replace(
            kind="condensation", **_condensation({**args, "forgotten_event_ids": _forgotten_v0(args)})
        )
    if does == "finish":
        text = text_of(args.get("final_thought")) or text_of(args.get("thought"))
        return event._replace(kind="text", role="assistant", parts=(Part("text", text, record=index),) if text else ())
    call_id, tool, batch = _metadata_v0(value)
    if does and value["source"] == "agent":
        return event._replace(
            kind="action", role="assistant", parts=_action_v0(index, value, tool or does, call_id or event.id),
            batch=batch, call_id=call_id or event.id,
        )  # fmt: skip
    if isinstance(value.get("observation"), str) and isinstance(value.get("cause"), int):
        call_id = call_id or str(value["cause"])
        is_error = value["observation"] == "error"
        part = Part("result", text_of(value.get("content")), tool, call_id, index, is_error=is_error)
        return event._replace(kind="result", role="tool", parts=(part,), batch=batch, call_id=call_id)
    return event


def _object(value: Object, key: str) -> Object:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _message_v0(index: int, args: Object) -> tuple[Part, ...]:
    """Read a text and the pictures that came with it."""
    text, urls = text_of(args.get("content")), args.get("image_urls")
    said = (Part("text", text, record=index),) if text else ()
    media = tuple(
        read_media({"type": "image_url", "image_url": url}, WHOLE)
        for url in (urls if isinstance(urls, list) else ())
        if isinstance(url, str)
    )
    return (*said, Part("media", record=index, block=0, media=media)) if media else said


def _forgotten_v0(args: Object) -> list[Any]:
    first, last = args.get("forgotten_events_start_id"), args.get("forgotten_events_end_id")
    ids = args.get("forgotten_event_ids")
    if isinstance(ids, list):
        return ids
    return list(range(first, last + 1)) if isinstance(first, int) and isinstance(last, int) else []


def _metadata_v0(value: Object) -> tuple[str, str, str]:
    """Return (call id, tool's name, id of the answer) of an event that came of a call."""
    found = _object(value, "tool_call_metadata")
    batch = text_of(_object(found, "model_response").get("id"))
    return text_of(found.get("tool_call_id")), text_of(found.get("function_name")), batch


def calls_v0(value: Object) -> Iterator[tuple[str, str, Path]]:
    """Yield (id, arguments, their path) of every call in the answer that an event of V0 came of.

    The server sends what stands there, not the event's own arguments; each event of an answer has a copy of all of
    it. Source: `ConversationMemory` of openhands-ai.
    """
    choices = _object(_object(value, "tool_call_metadata"), "model_response").get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    calls = _object(first, "message").get("tool_calls") if isinstance(first, dict) else None
    for number, call in enumerate(calls if isinstance(calls, list) else ()):
        if isinstance(call, dict) and isinstance(arguments := _object(call, "function").get("arguments"), str):
            yield text_of(call.get("id")), arguments, (*_CALLS_V0, number, "function", "arguments")


def _action_v0(index: int, value: Object, name: str, call_id: str) -> tuple[Part, ...]:
    args = _object(value, "args")
    thought = text_of(args.get("thought"))
    said = (Part("text", thought, record=index, block=0),) if thought else ()
    sent = next((arguments for own_id, arguments, _ in calls_v0(value) if own_id == call_id), None)
    if sent is not None:
        return (*said, Part("call", sent, name, call_id, index, CALL))
    does = {key: one for key, one in args.items() if key != "thought"}
    return (*said, Part("call", compact(does), name, call_id, index, CALL, json=True))


def edit_event(value: Object, change: RecordChange) -> Iterator[Edit]:
    """Write changed parts into an event, and take removed ones out; paths start at the event."""
    is_own = is_v1(value)
    for block, (old, new) in change.edited.items():
        if old.kind == "result":
            yield from _edit_reply(value, old, new) if is_own else _edit_reply_v0(value, old, new)
        elif old.kind == "call" and is_own:
            yield Replace(("tool_call", "arguments"), new.text)
            yield from copies.shrink_all(("action",), value.get("action"), old, new)
        elif old.kind == "call":
            yield from _edit_call_v0(value, old, new)
        elif old.kind == "text" and block >= 0:
            yield Replace(_path_of_text(value, block), new.text)
    yield from _remove(value, change.removed)


def _edit_reply(value: Object, old: Part, new: Part) -> Iterator[Edit]:
    kind = value["kind"]
    if kind != "ObservationEvent":
        yield Replace((_REPLIES[kind],), new.text)
        return
    seen = value["observation"]
    yield from edit_result(("observation", "content"), seen.get("content"), old, new)
    for key, copy in seen.items():
        if key != "content":
            yield from copies.shrink_all(("observation", key), copy, old, new)


def _edit_reply_v0(value: Object, old: Part, new: Part) -> Iterator[Edit]:
    yield Replace(("content",), new.text)
    for key in ("extras", "message", "tool_call_metadata"):
        yield from copies.shrink_all((key,), value.get(key), old, new)


def _edit_call_v0(value: Object, old: Part, new: Part) -> Iterator[Edit]:
    """Write arguments where the server reads them, in the answer; `dump` does so in the answer's other events."""
    if old.json:
        yield from edit_json(("args",), old.text, new.text)
        return
    yield from replaced_calls_v0(value, {old.call_id: new.text})
    for key, one in _object(value, "args").items():
        if key != "thought":
            yield from copies.shrink_all(("args", key), one, old, new)


def replaced_calls_v0(value: Object, texts: Mapping[str, str]) -> Iterator[Edit]:
    """Yield the edits that give calls in an event's copy of its answer other arguments; `texts` is by id."""
    for own_id, arguments, path in calls_v0(value):
        if texts.get(own_id, arguments) != arguments:
            yield Replace(path, texts[own_id])


def _path_of_text(value: Object, block: int) -> Path:
    if not is_v1(value):
        return ("args", "thought")
    if block >= FIRST_EXTENSION:
        return ("extended_content", block - FIRST_EXTENSION, "text")
    path = _TEXTS[value["kind"]]
    return (*path, block, "text") if path else (_PROMPTS[block], "text")


def _remove(value: Object, blocks: frozenset[int]) -> Iterator[Edit]:
    home: Path = ("llm_message",) if value.get("kind") == "MessageEvent" else ()
    holder = value["llm_message"] if home else value
    if REASONING in blocks:
        yield from (Delete((*home, key)) for key in ("reasoning_content", "thinking_blocks") if key in holder)
    for block in blocks:
        if block >= 0 and is_v1(value):
            yield Delete(_path_of_text(value, block)[:-1])


def as_message(value: Object, texts: Sequence[str], *, with_thinking: bool) -> Object:
    """Return what an action said beside its call as an event of its own, under the same id."""
    kept: Object = {key: value[key] for key in ("id", "timestamp", "source", "parent_id") if key in value}
    if not is_v1(value):
        text = "\n".join(texts)
        return {**kept, "message": text, "action": "message", "args": {"content": text, "wait_for_response": False}}
    said: Object = {"role": "assistant", "content": [{"type": "text", "text": text} for text in texts]}
    if with_thinking:
        said |= {key: value[key] for key in ("reasoning_content", "thinking_blocks") if key in value}
    return {**kept, "llm_message": said, "kind": "MessageEvent"}


def tool_schemas(values: Sequence[Any]) -> list[Any]:
    """Return the tools that the newest system prompt names."""
    found = [one for one in values if isinstance(one, dict) and text_of(one.get("kind")) in _SYSTEM_KINDS]
    tools = found[-1].get("tools") if found else None
    return tools if isinstance(tools, list) else []
