"""One step of an ATIF trajectory: read as the messages in it, edited in place, written anew."""

from collections.abc import Iterator, Sequence
from typing import Any

from cortex_cli.formats import copies
from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.contents import compact, edit_json, edit_result, read_media, read_result, text_of, text_path
from cortex_cli.formats.times import to_utc
from cortex_cli.jsonedit import Delete, Edit, Path, Replace
from cortex_cli.marks import synthetic_kind
from cortex_cli.messages import WHOLE, Message, Part, Role
from cortex_cli.typed import is_typed_text

Step = dict[str, Any]

REASONING = -2
ACTION = -3
"""Blocks of a step: WHOLE and up its message; the thinking; the unnamed action that results without a call tell of."""

FIRST_CALL = 1_000_000
FIRST_RESULT = 2_000_000
"""And these and up its `tool_calls` and its `observation.results`."""

COMPACTION = {"type": "compaction", "boundary": "replace"}
"""What a system step holds under `extra.context_management`. Source: Harbor's own agents write it so."""

BOUNDARY_TEXT = "Compacted the context; the next step carries what it held."

_ROLES: dict[str, Role] = {"system": "system", "user": "user", "agent": "assistant"}
_SOURCES = {"user": "user", "assistant": "agent"}


def is_step(value: Any) -> bool:
    """Tell whether a value has the outline of a step."""
    return isinstance(value, dict) and source_of(value) in _ROLES and "message" in value


def source_of(step: Step) -> str:
    """Return who speaks in a step."""
    return text_of(step.get("source"))


def is_boundary(value: Any) -> bool:
    """Tell whether a step says that what stands before it is no longer sent."""
    extra = value.get("extra") if isinstance(value, dict) else None
    found = extra.get("context_management") if isinstance(extra, dict) else None
    return isinstance(found, dict) and all(found.get(key) == word for key, word in COMPACTION.items())


def read_step(index: int, step: Step) -> Sequence[Message]:
    """Read one step: what was said, then a message for each result."""
    if is_boundary(step):
        return ()
    role, time = _ROLES[source_of(step)], to_utc(step.get("timestamp"))
    said = tuple(_said(index, step.get("message")))
    if role != "assistant":
        parts = (*said, *(part._replace(kind="text", call_id="") for part in _results(index, step, [])))
        texts = [part.text for part in parts if part.kind == "text"]
        synthetic = synthetic_kind(texts[0]) if role == "user" and len(parts) == len(texts) == 1 else ""
        typed = role == "user" and not synthetic and any(map(is_typed_text, texts))
        return (Message(role, parts, (index,), time=time, typed=typed, synthetic=synthetic),)
    calls = list(_calls(index, step))
    results = list(_results(index, step, calls))
    if any(part.call_id == _unnamed(0) for part in results):
        calls.append(Part("call", call_id=_unnamed(0), record=index, block=ACTION))
    reasoning = step.get("reasoning_content")
    thinking = [Part("thinking", reasoning, record=index, block=REASONING)] if isinstance(reasoning, str) else []
    answer = Message("assistant", (*thinking, *said, *calls), (index,), time=time)
    return (answer, *(Message("tool", (part,), (index,), time=time) for part in results))


def _said(index: int, message: Any) -> Iterator[Part]:
    if isinstance(message, str):
        if message:
            yield Part("text", message, record=index)
    elif isinstance(message, list):
        for block, piece in enumerate(message):
            if text_path(piece) == ("text",):
                yield Part("text", piece["text"], record=index, block=block)
            elif isinstance(piece, dict) and text_path(piece) is None:
                yield Part("media", record=index, block=block, media=(read_media(piece, WHOLE),))
            else:
                yield Part("opaque", compact(piece), record=index, block=block)
    elif message is not None:
        yield Part("opaque", compact(message), record=index)


def _items(step: Step, *path: str) -> list[Any]:
    found: Any = step
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, list) else []


def _calls(index: int, step: Step) -> Iterator[Part]:
    for number, call in enumerate(_items(step, "tool_calls")):
        if not isinstance(call, dict):
            continue
        arguments = call.get("arguments", {})
        text = arguments if isinstance(arguments, str) else compact(arguments)
        names = text_of(call.get("function_name")), text_of(call.get("tool_call_id"))
        is_json = not isinstance(arguments, str)
        yield Part("call", text, *names, index, FIRST_CALL + number, json=is_json)


def _unnamed(number: int) -> str:
    return "observation" if not number else f"observation{number}"


def _results(index: int, step: Step, calls: Sequence[Part]) -> Iterator[Part]:
    """Read what came of a step; a result that names no call answers the next one without a result."""
    results = _items(step, "observation", "results")
    named = {text_of(one.get("source_call_id")) for one in results if isinstance(one, dict)}
    waiting = [call.call_id for call in calls if not call.call_id or call.call_id not in named]
    for number, result in enumerate(results):
        if not isinstance(result, dict) or (result.get("content") is None and not calls):
            continue
        call_id = text_of(result.get("source_call_id"))
        if not call_id:
            call_id = waiting.pop(0) if waiting else _unnamed(0)
        content = read_result(result.get("content"))
        block = FIRST_RESULT + number
        yield Part("result", content.text, "", call_id, index, block, content.media, content.json)


def edit_step(step: Step, change: RecordChange) -> Iterator[Edit]:
    """Write changed parts into a step, and take removed ones out; paths start at the step."""
    for block, (old, new) in change.edited.items():
        if block >= FIRST_RESULT:
            path: Path = ("observation", "results", block - FIRST_RESULT)
            result = _items(step, "observation", "results")[block - FIRST_RESULT]
            yield from edit_result((*path, "content"), result.get("content"), old, new)
            yield from copies.shrink_all((*path, "extra"), result.get("extra"), old, new)
        elif block >= FIRST_CALL:
            path = ("tool_calls", block - FIRST_CALL)
            where = (*path, "arguments")
            yield from edit_json(where, old.text, new.text) if old.json else [Replace(where, new.text)]
            extra = _items(step, "tool_calls")[block - FIRST_CALL].get("extra")
            yield from copies.shrink_all((*path, "extra"), extra, old, new)
        elif old.kind == "text":
            yield Replace(("message",) if block == WHOLE else ("message", block, "text"), new.text)
    yield from _remove(step, change.removed)


def _remove(step: Step, blocks: frozenset[int]) -> Iterator[Edit]:
    for first, path in ((FIRST_RESULT, ("observation", "results")), (FIRST_CALL, ("tool_calls",))):
        numbers = {block - first for block in blocks if first <= block < first + FIRST_CALL}
        if numbers and len(numbers) == len(_items(step, *path)):
            yield Delete(path[:1])
        else:
            yield from (Delete((*path, number)) for number in numbers)
    if REASONING in blocks:
        yield Delete(("reasoning_content",))
    if WHOLE in blocks:
        yield Replace(("message",), "")  # a step has one
    yield from (Delete(("message", block)) for block in blocks if 0 <= block < FIRST_CALL)


def new_result(part: Part, call_id: str) -> Step:
    """Write a result of ours; it goes into the step of its call."""
    return {"source_call_id": call_id, "content": part.text} if call_id else {"content": part.text}


def new_step(message: Message, time: str) -> Step:
    """Write a message of ours; its number is given when all steps are known."""
    stamp = {"timestamp": time} if time else {}
    return {"step_id": 0, **stamp, "source": _SOURCES[message.role], "message": message.text}


def boundary_step(time: str) -> Step:
    """Write the step that a compaction begins with."""
    stamp = {"timestamp": time} if time else {}
    extra = {"context_management": dict(COMPACTION)}
    return {"step_id": 0, **stamp, "source": "system", "message": BOUNDARY_TEXT, "extra": extra}
