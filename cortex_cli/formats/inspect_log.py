"""Logs of inspect-ai as JSON: every sample is a conversation, its events repeat what was said again and again.

Texts may stand as `attachment://<hash>` with the text in the sample's `attachments`. Events, attachments and the
recorded output are copies, which shrink with what they copy. Source: FORMATS section 8.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cortex_cli.formats import containers, copies, datasets, rewrite, shapes
from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.contents import compact, edit_json, edit_result, read_result, text_of
from cortex_cli.formats.langchain_parts import read_content
from cortex_cli.formats.openai_chat import pair_within_turns
from cortex_cli.formats.source import Source
from cortex_cli.jsonedit import Delete, Edit, Path, Replace
from cortex_cli.marks import synthetic_kind
from cortex_cli.messages import WHOLE, Message, Part, Role, Transcript, Usage
from cortex_cli.typed import is_typed_text
from cortex_cli.validity import Rules

NAME = "inspect-ai"

RULES = Rules(results_directly_after_call=True)
"""What the APIs behind it demand."""

COPIES = ("events", "events_data", "attachments", "output")
"""Members of a sample that repeat its messages."""

REFERENCE = "attachment://"

_FIRST_CALL = -1_000
"""Blocks of a message: 0 and up the pieces of its content, these and down its `tool_calls`."""

_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}


def _is_sample(value: Any) -> bool:
    messages = value.get("messages") if isinstance(value, dict) else None
    return isinstance(messages, list) and "epoch" in value and any(map(containers.is_message, messages))


def _is_log(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("eval"), dict) and isinstance(value.get("samples"), list)


def detect(source: Source) -> float:
    """Tell whether the input is a log, or one sample of it."""
    return 1 if _is_log(source.document) or _is_sample(source.document) else 0


def conversations(source: Source) -> Iterator[datasets.Conversation]:
    """Take a log with several samples apart."""
    if not _is_log(source.document):
        return iter(())
    return datasets.split_items(source, ("samples",), source.document["samples"], _is_sample)


def load(source: Source) -> Transcript:
    """Read the only sample of a log.

    Raises:
        InputError: There is none, or there are several.
    """
    box = _find_box(source)
    attachments = box.top.get("attachments")
    texts = attachments if isinstance(attachments, dict) else {}

    def read_element(index: int, value: dict[str, Any]) -> Sequence[Message] | None:
        return _read_element(index, value, texts)

    reading = containers.read(source, containers.Reader(NAME, read_element, _read_answer), box)
    messages, ids = pair_within_turns(reading.messages)
    transcript = containers.build(source, reading, NAME, messages, ids=ids, preamble=_tools(box.top.get("events")))
    header = source.document.get("eval") if _is_log(source.document) else None
    model = transcript.model or (text_of(header.get("model")) if isinstance(header, dict) else "")
    return replace(transcript, usage=_usage(box.top, messages), model=model, session_id=text_of(box.top.get("uuid")))


def _find_box(source: Source) -> containers.Box:
    document = source.document
    if _is_sample(document):
        return containers.Box("list", ("messages",), document, document["messages"])
    samples = document["samples"] if _is_log(document) else []
    found = [index for index, sample in enumerate(samples) if _is_sample(sample)]
    if len(found) > 1:
        raise containers.refuse_dataset(source)
    if not found:
        raise source.fail("a log without samples", hint="nothing to compact") if samples else shapes.refuse(source)
    sample = samples[found[0]]
    return containers.Box("list", ("samples", found[0], "messages"), sample, sample["messages"])


def _read_element(index: int, value: dict[str, Any], texts: Mapping[str, Any]) -> Sequence[Message] | None:
    role = _ROLES.get(value["role"])
    if role is None:
        return None
    own_id, content = text_of(value.get("id")), _resolved(value.get("content"), texts)
    if role == "tool":
        found = read_result(content)
        names = text_of(value.get("function")), text_of(value.get("tool_call_id"))
        is_error = value.get("error") is not None
        part = Part("result", found.text, *names, index, WHOLE, found.media, found.json, is_error=is_error)
        return (Message("tool", (part,), (index,), own_id),)
    calls = tuple(_calls(index, value)) if role == "assistant" else ()
    parts = (*read_content(index, content), *calls)
    said = [part.text for part in parts if part.kind == "text"]
    synthetic = synthetic_kind(said[0]) if role == "user" and len(parts) == len(said) == 1 else ""
    typed = role == "user" and not synthetic and any(map(is_typed_text, said))
    return (Message(role, parts, (index,), own_id, typed=typed, synthetic=synthetic),)


def _resolved(content: Any, texts: Mapping[str, Any]) -> Any:
    """Put the texts that references stand for in their place, in a content or the pieces of one."""
    if isinstance(content, str):
        found = texts.get(content.removeprefix(REFERENCE)) if content.startswith(REFERENCE) else None
        return found if isinstance(found, str) else content
    if isinstance(content, list):
        return [
            {key: _resolved(one, texts) if isinstance(one, str) else one for key, one in piece.items()}
            if isinstance(piece, dict)
            else piece
            for piece in content
        ]
    return content


def _calls(index: int, value: dict[str, Any]) -> Iterator[Part]:
    calls = value.get("tool_calls")
    for number, call in enumerate(calls if isinstance(calls, list) else ()):
        if isinstance(call, dict):
            names = text_of(call.get("function")), text_of(call.get("id"))
            text = compact(call.get("arguments", {}))
            yield Part("call", text, *names, index, _FIRST_CALL - number, json=True)


def _read_answer(value: dict[str, Any]) -> containers.Answer:
    return containers.Answer(text_of(value.get("model")))


def _usage(sample: Mapping[str, Any], messages: Sequence[Message]) -> Usage | None:
    """Return what the last call reported, where its answer is the last message."""
    output = sample.get("output")
    usage = output.get("usage") if isinstance(output, dict) else None
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    is_last = bool(messages) and messages[-1].role == "assistant"
    return Usage(total, len(messages)) if isinstance(total, int) and total > 0 and is_last else None


def _tools(events: Any) -> tuple[str, ...]:
    """Return the tools of the newest call."""
    calls = (
        [one for one in events if isinstance(one, dict) and one.get("event") == "model"]
        if isinstance(events, list)
        else []
    )
    return containers.preamble_of(calls[-1], "tools") if calls else ()


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the log with the changed messages."""
    yield from rewrite.render(transcript, plan(transcript))


def plan(transcript: Transcript) -> rewrite.Plan:
    """Plan what becomes of every message, and of its copies."""
    layout: containers.Layout = transcript.layout

    def write(message: Message, _time: str) -> dict[str, Any]:
        return _encode(message, layout.ids)

    planned = rewrite.plan_messages(transcript, rewrite.Writer(_edit_element, write))
    changed = copies.Changed(transcript)
    for key in COPIES:
        planned.beside.extend(changed.edits((*layout.box.path[:-1], key), layout.box.top.get(key)))
    return planned


def _encode(message: Message, ids: Mapping[str, str]) -> dict[str, Any]:
    value: dict[str, Any] = {"content": "\n".join(part.text for part in message.parts), "role": message.role}
    result = message.result
    if result is None:
        return value
    return {**value, "tool_call_id": ids.get(result.call_id, result.call_id), "function": result.name}


def _edit_element(value: dict[str, Any], change: RecordChange) -> Iterator[Edit]:
    for block, (old, new) in change.edited.items():
        if old.kind == "result":
            yield from edit_result(("content",), value.get("content"), old, new)
        elif old.kind == "call":
            yield from edit_json((*_path_of_call(block), "arguments"), old.text, new.text)
        elif old.kind == "text":
            yield Replace(("content",) if block == WHOLE else ("content", block, "text"), new.text)
    if WHOLE in change.removed:
        yield Replace(("content",), "")
    for block in change.removed - {WHOLE}:
        yield Delete(("content", block) if block > WHOLE else _path_of_call(block))


def _path_of_call(block: int) -> Path:
    return ("tool_calls", _FIRST_CALL - block)
