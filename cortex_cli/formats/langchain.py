"""LangChain messages: `dumpd` (`lc`, `kwargs`), `messages_to_dict` (`type`, `data`), and plain dumps of the models.

An answer may hold its calls three times: in `tool_calls`, in the provider's own content blocks, and in
`additional_kwargs`. Read are the first; an edit goes into all of them. LangGraph replaces messages by id and has
no record of a compaction, so ours is a human message. Source: FORMATS section 8.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cortex_cli.formats import containers, copies, datasets, rewrite, shapes
from cortex_cli.formats.changes import RecordChange
from cortex_cli.formats.contents import compact, edit_json, edit_result, parse_text, read_result, text_of, text_path
from cortex_cli.formats.langchain_parts import CallCopies, find_copies, read_parts
from cortex_cli.formats.openai_chat import pair_within_turns
from cortex_cli.formats.source import Source
from cortex_cli.jsonedit import Delete, Edit, Path, Replace
from cortex_cli.marks import synthetic_kind
from cortex_cli.messages import WHOLE, Message, Part, Role, Transcript
from cortex_cli.typed import is_typed_text
from cortex_cli.validity import Rules

NAME = "langchain"

RULES = Rules(results_directly_after_call=True)
"""What the APIs behind it demand."""

LISTS: tuple[tuple[str, ...], ...] = (
    ("messages",),
    ("kwargs", "messages"),
    ("values", "messages"),
    ("channel_values", "messages"),
)
"""Where messages stand in a document: a state, a dumped prompt value, a snapshot and a checkpoint of LangGraph."""

_ROLES: dict[str, Role] = {
    "human": "user",
    "HumanMessageChunk": "user",
    "ai": "assistant",
    "AIMessageChunk": "assistant",
    "system": "system",
    "SystemMessageChunk": "system",
    "tool": "tool",
    "ToolMessageChunk": "tool",
    "function": "tool",
    "FunctionMessageChunk": "tool",
}
_CHAT_ROLES: dict[str, Role] = {"user": "user", "human": "user", "assistant": "assistant", "ai": "assistant"}
_NOT_SENT = ("remove",)
_CLASSES = {"user": ("human", "HumanMessage"), "assistant": ("ai", "AIMessage"), "tool": ("tool", "ToolMessage")}
"""Role -> type and class of a message of ours."""


def body_path(value: Any) -> Path | None:
    """Return where an element keeps its fields; None if it is no message of LangChain's."""
    if not isinstance(value, dict):
        return None
    if "lc" in value and isinstance(value.get("kwargs"), dict) and "content" in value["kwargs"]:
        return ("kwargs",)
    if isinstance(value.get("type"), str) and isinstance(value.get("data"), dict) and "content" in value["data"]:
        return ("data",)
    is_plain = isinstance(value.get("type"), str) and "content" in value and "role" not in value
    return () if is_plain and value["type"] in _ROLES else None


def _is_element(value: Any) -> bool:
    return body_path(value) is not None


def _body(value: dict[str, Any]) -> dict[str, Any]:
    path = body_path(value)
    body: dict[str, Any] = _at(value, path or ())
    return body


def _type_of(value: dict[str, Any]) -> str:
    """Return what kind of message it is: its own word, else from the class that made it."""
    body = _body(value)
    if isinstance(body.get("type"), str):
        return str(body["type"])
    names = value.get("id")
    name = text_of(names[-1]) if isinstance(names, list) and names else text_of(value.get("type"))
    known = {cls: kind for kind, cls in _CLASSES.values()} | {"SystemMessage": "system", "FunctionMessage": "function"}
    return known.get(name, name)


def _list_path(value: Any) -> Path | None:
    """Return where the messages of a conversation stand in a value."""
    if isinstance(value, list):
        return () if any(map(_is_certain, value)) else None
    for path in LISTS:
        found = value
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, list) and any(map(_is_certain, found)):
            return path
    return None


def _is_certain(value: Any) -> bool:
    """Tell a message of LangChain's from other objects that have a type and a content."""
    path = body_path(value)
    return path is not None and (bool(path) or _type_of(value) not in ("system", "tool", "function"))


def _is_conversation(value: Any) -> bool:
    return _list_path(value) is not None


def detect(source: Source) -> float:
    """Tell whether the input holds messages of LangChain's."""
    if not source.may_hold("lc", "type", *(path[0] for path in LISTS)):
        return 0
    document = source.document
    if document is None:
        return 1 if any(_is_certain(one) or _is_conversation(one) for one in source.head_values) else 0
    is_set = isinstance(document, list) and any(map(_is_conversation, document))
    return 1 if is_set or _is_conversation(document) or _is_certain(document) else 0


def conversations(source: Source) -> Iterator[datasets.Conversation]:
    """Take a data set apart."""
    is_one = _is_conversation(source.document) or any(map(_is_certain, source.head))
    return iter(()) if is_one else datasets.split(source, _is_conversation)


def load(source: Source) -> Transcript:
    """Read a list of messages.

    Raises:
        InputError: It holds none, or several conversations.
    """
    box = _find_box(source)
    reading = containers.read(source, containers.Reader(NAME, read_element, _read_answer, _is_element), box)
    messages, ids = pair_within_turns(reading.messages)
    return containers.build(source, reading, NAME, messages, ids=ids)


def _find_box(source: Source) -> containers.Box:
    document = source.document
    if document is None and any(map(_is_certain, source.head)):
        return containers.Box("lines")
    if _is_certain(document):
        return containers.Box("lines" if source.is_one_line else "single", values=[document])
    path = _list_path(document)
    if isinstance(document, list) and path == ():
        return containers.Box(containers.kind_of_list(source), values=document)
    if path is None:
        box = datasets.find_only(source, _is_conversation, ())
        path = _list_path(box.top) or ()
        return box._replace(path=(*box.path, *path), values=_at(box.top, path), top={})
    if not isinstance(document, dict):
        raise shapes.refuse(source)
    return containers.Box("list", path, document, _at(document, path))


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def read_element(index: int, value: dict[str, Any]) -> Sequence[Message] | None:
    """Read one message; empty for one that is an instruction to LangGraph, None for one of unknown kind."""
    body, kind = _body(value), _type_of(value)
    role = _CHAT_ROLES.get(text_of(body.get("role")), "user") if kind == "chat" else _ROLES.get(kind)
    if role is None:
        return () if kind in _NOT_SENT else None
    own_id = text_of(body.get("id"))
    if role == "tool":
        return (Message("tool", (_read_result(index, body),), (index,), own_id),)
    parts = read_parts(index, body, with_calls=role == "assistant")
    texts = [part.text for part in parts if part.kind == "text"]
    synthetic = synthetic_kind(texts[0]) if role == "user" and len(parts) == len(texts) == 1 else ""
    typed = role == "user" and not synthetic and any(map(is_typed_text, texts))
    return (Message(role, parts, (index,), own_id, typed=typed, synthetic=synthetic),)


def _read_result(index: int, body: dict[str, Any]) -> Part:
    content = read_result(body.get("content"))
    names = text_of(body.get("name")), text_of(body.get("tool_call_id"))
    is_error = body.get("status") == "error"
    return Part("result", content.text, *names, index, WHOLE, content.media, content.json, is_error=is_error)


def _read_answer(value: dict[str, Any]) -> containers.Answer:
    body = _body(value)
    made, usage = body.get("response_metadata"), body.get("usage_metadata")
    made = made if isinstance(made, dict) else {}
    model = text_of(made.get("model_name")) or text_of(made.get("model"))
    tokens = usage.get("total_tokens") if isinstance(usage, dict) else 0
    return containers.Answer(model, tokens if isinstance(tokens, int) else 0)


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the changed messages in their container."""
    yield from rewrite.render(transcript, plan(transcript))


def plan(transcript: Transcript) -> rewrite.Plan:
    """Plan what becomes of every message."""
    layout: containers.Layout = transcript.layout
    first = next((message.records[0] for message in transcript.loaded if message.records), None)
    path = body_path(rewrite.element_reader(transcript)(first)) if first is not None else ()

    def write(message: Message, _time: str) -> dict[str, Any]:
        return _encode(message, layout.ids, path or ())

    return rewrite.plan_messages(transcript, rewrite.Writer(_edit_element, write))


def _encode(message: Message, ids: Mapping[str, str], path: Path) -> dict[str, Any]:
    kind, name = _CLASSES[message.role]
    body: dict[str, Any] = {"content": "\n".join(part.text for part in message.parts), "type": kind}
    result = message.result
    if result is not None:
        body |= {"tool_call_id": ids.get(result.call_id, result.call_id), "name": result.name or None}
        body["status"] = "error" if result.is_error else "success"
    if path == ("kwargs",):
        return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", name], "kwargs": body}
    return {"type": kind, "data": body} if path else body


def _edit_element(value: dict[str, Any], change: RecordChange) -> Iterator[Edit]:
    path, body = body_path(value) or (), _body(value)
    yield from (rewrite.move(one, path) for one in _edit_body(body, change))


def _edit_body(body: dict[str, Any], change: RecordChange) -> Iterator[Edit]:
    content = body.get("content")
    for block, (old, new) in change.edited.items():
        if old.kind == "result":
            yield from edit_result(("content",), content, old, new)
            yield from copies.shrink_all(("artifact",), body.get("artifact"), old, new)
        elif old.kind == "call":
            yield from _edit_call(find_copies(body, block), old, new)
        elif old.kind == "text":
            yield Replace(_path_of_text(content, block), new.text)
    gone = {block for block in change.removed if block != WHOLE}
    calls = [find_copies(body, block) for block in gone if block < WHOLE]
    if WHOLE in change.removed:
        yield Replace(("content",), "")
    blocks = {block for block in gone if block > WHOLE} | {block for one in calls for block in one.blocks}
    yield from (Delete(("content", block)) for block in blocks)
    yield from (Delete(path) for one in calls for path in (one.path, *one.others))


def _path_of_text(content: Any, block: int) -> Path:
    return ("content",) if block == WHOLE else ("content", block, *(text_path(content[block]) or ()))


def _edit_call(found: CallCopies, old: Part, new: Part) -> Iterator[Edit]:
    """Write changed arguments wherever the answer has them; objects keep the bytes of what did not change."""
    if not old.json:
        yield Replace((*found.path, "args"), new.text)
        return
    value = parse_text(new.text)
    for path in (*found.objects,):
        yield from edit_json(path, old.text, new.text)
    yield from (Replace(path, compact(value)) for path in found.texts)
