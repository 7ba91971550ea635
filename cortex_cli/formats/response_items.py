"""Items of OpenAI's Responses API as messages: what its requests hold, and what Codex records.

Reasoning, calls and text between two outputs are one assistant message over several items. `codex` says which
items of a rollout are live, `openai_responses` finds those of a request.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cortex_cli import marks
from cortex_cli.formats.codex_layout import CALLS, OUTPUT, block_of, is_output, is_unknown_call
from cortex_cli.formats.codex_replay import OWN, SUMMARY, SUMMARY_PREFIX, Item, is_context, texts_of, type_of
from cortex_cli.formats.contents import MEDIA_KINDS, compact, piece_text, read_media, read_result, text_path
from cortex_cli.formats.times import to_utc
from cortex_cli.messages import WHOLE, Media, Message, Part, Role, Synthetic, build
from cortex_cli.tokens import estimate_media_tokens
from cortex_cli.typed import is_typed_text

COMPACTIONS = frozenset({"compaction", "compaction_summary", "context_compaction"})
"""Items that hold what the provider made of the history: encrypted, the only copy, kept by every layer."""

_SYSTEM_ROLES = ("developer", "system")
"""A tuple, since a damaged role may be unhashable."""


def kind_of(item: dict[str, Any]) -> str:
    """Return the type of an item; messages may leave it out."""
    return type_of(item) or ("message" if isinstance(item.get("role"), str) else "")


class _Assistant:
    """The assistant message that is being put together."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.items: list[Item] = []

    def add(self, item: Item, parts: Iterable[Part]) -> None:
        self.items.append(item)
        self.parts.extend(parts)

    def take(self) -> Iterator[Message]:
        if self.items:
            yield _message("assistant", tuple(self.parts), self.items)
        self.parts, self.items = [], []


def read_items(items: Sequence[Item]) -> Iterator[Message]:
    """Yield the messages of a live path of items; nothing is numbered yet."""
    answer = _Assistant()
    for item in items:
        kind, role = kind_of(item.payload), item.payload.get("role")
        if is_output(item.payload, kind):
            yield from answer.take()
            yield _message("tool", (_output(item),), [item])
        elif kind in COMPACTIONS:
            yield from answer.take()
            yield _message("system", (_opaque(item),), [item], synthetic="summary")
        elif kind not in ("message", "agent_message") and role in _SYSTEM_ROLES:  # tools that are there from here on
            yield from answer.take()
            yield _message("system", (_opaque(item),), [item])
        elif kind == "agent_message" or (kind == "message" and role != "assistant"):
            yield from answer.take()
            yield _spoken(item)
        elif item.place != OWN and texts_of(item.payload) == [marks.ACKNOWLEDGEMENT]:
            yield from answer.take()
            yield _message("assistant", tuple(_pieces(item)), [item])
        else:
            answer.add(item, _assistant_parts(item, kind))
    yield from answer.take()


def _message(
    role: Role, parts: tuple[Part, ...], items: Sequence[Item], *, typed: bool = False, synthetic: Synthetic = ""
) -> Message:
    first = items[0]
    records = (first.record,) if len(items) == 1 else tuple(dict.fromkeys([item.record for item in items]))
    item_id, time = str(first.payload.get("id") or ""), to_utc(first.time)
    return build(Message, (role, parts, records, item_id, time, typed, False, synthetic, -1))


def _spoken(item: Item) -> Message:
    """Read a message of the user, the developer or another agent."""
    payload = item.payload
    role: Role = "system" if payload.get("role") in _SYSTEM_ROLES else "user"
    parts = tuple(_pieces(item))
    synthetic: Synthetic = ""
    if role == "user":
        text = "\n".join(part.text for part in parts if part.kind == "text")
        is_summary = item.is_summary or text.startswith(SUMMARY_PREFIX)
        synthetic = marks.synthetic_kind(text) or ("summary" if is_summary else "")
    said = role == "user" and kind_of(payload) == "message" and not synthetic and not is_context(payload)
    typed = said and any(part.kind == "text" and is_typed_text(part.text) for part in parts)
    return _message(role, parts, [item], typed=typed, synthetic=synthetic)


def _pieces(item: Item) -> Iterator[Part]:
    """Read the content of a message item."""
    content = item.payload.get("content")
    if isinstance(content, str) or item.place == SUMMARY or item.is_rebuilt:
        yield _text("".join(texts_of(item.payload)), item)
        return
    for block, piece in enumerate(content if isinstance(content, list) else ()):
        if text_path(piece) is not None:
            yield _text(piece_text(piece), item, block)
            continue
        if type_of(piece) in MEDIA_KINDS:
            part = Part("media", media=(read_media(piece, WHOLE),))
        else:
            part = Part("opaque", compact(piece), type_of(piece))
        yield _placed(part, item, block)


def _text(text: str, item: Item, block: int = WHOLE) -> Part:
    return build(Part, ("text", text, "", "", item.record, block_of(item.place, block), (), False, False, False))


def _placed(part: Part, item: Item, block: int = WHOLE) -> Part:
    return part.placed(item.record, block_of(item.place, block))


def _assistant_parts(item: Item, kind: str) -> Iterable[Part]:
    """Read an item of an answer; `kind` is its type."""
    payload = item.payload
    if kind == "message":
        return _pieces(item)
    if kind == "reasoning":
        return (_thinking(item),)
    if kind in CALLS:
        return (_call(item, kind),)
    if is_unknown_call(payload, kind):
        call_id = str(payload["call_id"])
        return (_placed(Part("call", compact(payload), kind, call_id, json=True, signed=True), item),)
    if kind == "image_generation_call":
        tokens = estimate_media_tokens("image/png", str(payload.get("result") or ""))
        return (_placed(Part("media", name=kind, media=(Media("image/png", tokens),)), item),)
    return (_opaque(item),)


def _thinking(item: Item) -> Part:
    payload = item.payload
    text = "\n".join([*_reasoning(payload.get("summary")), *_reasoning(payload.get("content"))])
    block, signed = block_of(item.place), bool(payload.get("encrypted_content"))
    return build(Part, ("thinking", text, "", "", item.record, block, (), False, signed, False))


def _call(item: Item, kind: str) -> Part:
    payload = item.payload
    call_id = str(payload.get("call_id") or payload.get("id") or "")
    name = str(payload.get("name") or "local_shell")
    value = payload.get(CALLS[kind])
    is_text = isinstance(value, str)
    text, block = value if is_text else compact(value), block_of(item.place)
    return build(Part, ("call", text, name, call_id, item.record, block, (), not is_text, False, False))


def _reasoning(pieces: Any) -> list[str]:
    return [text for text in texts_of({"content": pieces}) if text]


def _opaque(item: Item) -> Part:
    """Keep an item as it is: a search of the provider's, an encrypted compaction, what we do not know."""
    return _placed(Part("opaque", compact(item.payload), type_of(item.payload)), item)


def _output(item: Item) -> Part:
    """Read a tool's output; one that is a JSON string with text and metadata stays that string."""
    payload = item.payload
    text, media, json = read_result(payload.get(OUTPUT))
    call_id, is_error = str(payload.get("call_id") or ""), payload.get("success") is False
    block = block_of(item.place)
    return build(Part, ("result", text, "", call_id, item.record, block, media, json, False, is_error))
