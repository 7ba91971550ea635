"""Codex rollouts: `~/.codex/sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl`, read as Codex replays them on resume.

Reasoning, calls and text between two outputs are one assistant message over several lines; what stands in
the replacement history of a compaction has that one line for its record, and the block says which item
it is. `codex_replay.py` says what is live, `codex_dump.py` writes.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from cortex_cli import marks
from cortex_cli.formats.codex_dump import dump
from cortex_cli.formats.codex_layout import CALLS, OUTPUT, block_of, is_output, is_unknown_call, layout_of
from cortex_cli.formats.codex_replay import (
    OWN,
    SUMMARY,
    SUMMARY_PREFIX,
    Item,
    Line,
    is_context,
    replay,
    texts_of,
    type_of,
)
from cortex_cli.formats.containers import mark_own, name_results
from cortex_cli.formats.contents import MEDIA_KINDS, compact, piece_text, read_media, read_result, text_path
from cortex_cli.formats.source import Source
from cortex_cli.formats.times import to_utc
from cortex_cli.messages import WHOLE, Media, Message, Part, Role, Synthetic, Transcript, Usage
from cortex_cli.tokens import estimate_media_tokens
from cortex_cli.typed import finish, is_typed_text
from cortex_cli.validity import Rules

__all__ = ["NAME", "RULES", "detect", "dump", "load"]

NAME = "codex"

RULES = Rules(user_first=True)

KINDS = frozenset({"session_meta", "response_item", "event_msg", "turn_context", "compacted", "world_state"})
"""Types of lines that only a rollout has."""

COMPACTIONS = frozenset({"compaction", "compaction_summary", "context_compaction"})
"""Items that hold what the provider made of the history: encrypted, the only copy, kept by every layer."""


def detect(source: Source) -> float:
    """Tell whether an input is a rollout: lines of a known type that hold a payload."""
    found = (one for one in source.head if isinstance(one, dict) and isinstance(one.get("payload"), dict))
    return 1.0 if any(type_of(one) in KINDS for one in found) else 0.0


def load(source: Source) -> Transcript:
    """Read a rollout.

    Raises:
        InputError: There is no line of a rollout in it.
    """
    lines = [
        Line(index, str(line.get("type")), line["payload"], str(line.get("timestamp") or ""))
        for index, line in source.objects()
        if isinstance(line.get("payload"), dict)
    ]
    if not any(line.kind in KINDS for line in lines):
        raise source.fail("not a Codex rollout", hint="its lines hold `type` and `payload`")
    items = replay(lines)
    messages = _with_newest_context(finish(mark_own(name_results(_messages(items)))))
    meta: dict[str, Any] = next((line.payload for line in lines if line.kind == "session_meta"), {})
    turn: dict[str, Any] = next((line.payload for line in reversed(lines) if line.kind == "turn_context"), {})
    return Transcript(
        format=NAME,
        messages=messages,
        loaded=messages,
        records=source.records,
        layout=layout_of(lines, items),
        path=source.path,
        model=str(turn.get("model") or ""),
        window=_window(lines),
        session_id=str(meta.get("id") or meta.get("session_id") or ""),
        usage=_usage(lines, messages),
        preamble=_preamble(meta, messages),
        warnings=source.warnings(),
    )


def _preamble(meta: dict[str, Any], messages: Sequence[Message]) -> tuple[str, ...]:
    """Return the instructions that are sent besides the messages; older rollouts repeat project rules there."""
    base = meta.get("base_instructions")
    texts = [base.get("text") if isinstance(base, dict) else base, meta.get("instructions")]
    slots = [part.text for message in messages if message.slot for part in message.parts]
    return tuple(text for text in texts if isinstance(text, str) and text and not any(text in one for one in slots))


def _with_newest_context(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Make slots of the newest environment and the newest project rules too, where they changed on the way."""
    newest: dict[str, int] = {}
    for position, message in enumerate(messages):
        if message.role == "user" and not message.typed and not message.synthetic:
            for start in ("<environment_context>", "# AGENTS.md instructions"):
                if any(part.text.startswith(start) for part in message.parts):
                    newest[start] = position
    late = {position for position in newest.values() if not messages[position].slot}
    return tuple(m._replace(slot=True) if m.position in late else m for m in messages) if late else messages


def _window(lines: Sequence[Line]) -> int:
    for line in reversed(lines):
        if line.kind == "event_msg":
            info = line.payload.get("info")
            holder = info if isinstance(info, dict) else line.payload
            window = holder.get("model_context_window")
            if isinstance(window, int) and window > 0:
                return window
    return 0


def _usage(lines: Sequence[Line], messages: Sequence[Message]) -> Usage | None:
    """Find what the newest real call later than any compaction reported.

    Counts written by nobody's call (all zero but the total) are the client's estimate after a compaction, or ours.
    """
    for line in reversed(lines):
        if line.kind == "compacted":
            return None
        info = line.payload.get("info") if line.kind == "event_msg" else None
        if not isinstance(info, dict) or not isinstance(last := info.get("last_token_usage"), dict):
            continue
        read, written = (last.get(key) for key in ("input_tokens", "output_tokens"))
        if not isinstance(read, int) or not isinstance(written, int) or read <= 0:
            return None
        return Usage(read + written, _covered(line.record, _first_usage(lines), messages))
    return None


def _first_usage(lines: Sequence[Line]) -> int:
    """Return the record of the first call's usage."""
    counts = (line for line in lines if line.kind == "event_msg" and type_of(line.payload) == "token_count")
    return next((line.record for line in counts if line.payload.get("info")), 0)


def _covered(record: int, first: int, messages: Sequence[Message]) -> int:
    """Count the messages that a recorded usage covers, the call's own answer included.

    Old clients write the usage before the answer's items, newer ones behind them: where the first usage of the
    file has no answer before it, the answer of each follows.
    """
    answers = [message for message in messages if message.role == "assistant" and message.records]
    follows = bool(answers) and first < answers[0].records[0]
    if follows:
        found = next((one for one in answers if one.records[-1] > record), None)
    else:
        found = next((one for one in reversed(answers) if one.records[0] < record), None)
    if found is not None:
        return found.position + 1
    return sum(1 for message in messages if message.records and message.records[0] < record)


class _Assistant:
    """The assistant message that is being put together."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.items: list[Item] = []

    def add(self, item: Item, parts: Iterator[Part]) -> None:
        self.items.append(item)
        self.parts.extend(parts)

    def take(self) -> Iterator[Message]:
        if self.items:
            yield _message("assistant", tuple(self.parts), self.items)
        self.parts, self.items = [], []


def _messages(items: Sequence[Item]) -> Iterator[Message]:
    answer = _Assistant()
    for item in items:
        kind, role = type_of(item.payload), item.payload.get("role")
        if is_output(item.payload):
            yield from answer.take()
            yield _message("tool", (_output(item),), [item])
        elif kind in COMPACTIONS:
            yield from answer.take()
            yield _message("system", (_opaque(item),), [item], synthetic="summary")
        elif kind == "agent_message" or (kind == "message" and role != "assistant"):
            yield from answer.take()
            yield _spoken(item)
        elif item.place != OWN and texts_of(item.payload) == [marks.ACKNOWLEDGEMENT]:
            yield from answer.take()
            yield _message("assistant", tuple(_pieces(item)), [item])
        else:
            answer.add(item, _assistant_parts(item))
    yield from answer.take()


def _message(role: Role, parts: tuple[Part, ...], items: Sequence[Item], **fields: Any) -> Message:
    records = tuple(dict.fromkeys(item.record for item in items))
    first = items[0]
    return Message(role, parts, records, str(first.payload.get("id") or ""), to_utc(first.time), **fields)


def _spoken(item: Item) -> Message:
    """Read a message of the user, the developer or another agent."""
    payload = item.payload
    role: Role = "system" if payload.get("role") == "developer" else "user"
    parts = tuple(_pieces(item))
    synthetic: Synthetic = ""
    if role == "user":
        text = "\n".join(part.text for part in parts if part.kind == "text")
        is_summary = item.is_summary or text.startswith(SUMMARY_PREFIX)
        synthetic = marks.synthetic_kind(text) or ("summary" if is_summary else "")
    said = role == "user" and type_of(payload) == "message" and not synthetic and not is_context(payload)
    typed = said and any(part.kind == "text" and is_typed_text(part.text) for part in parts)
    return _message(role, parts, [item], typed=typed, synthetic=synthetic)


def _pieces(item: Item) -> Iterator[Part]:
    """Read the content of a message item."""
    content = item.payload.get("content")
    if isinstance(content, str) or item.place == SUMMARY or item.is_rebuilt:
        yield _placed(Part("text", "".join(texts_of(item.payload))), item)
        return
    for block, piece in enumerate(content if isinstance(content, list) else ()):
        if text_path(piece) is not None:
            part = Part("text", piece_text(piece))
        elif type_of(piece) in MEDIA_KINDS:
            part = Part("media", media=(read_media(piece, WHOLE),))
        else:
            part = Part("opaque", compact(piece), type_of(piece))
        yield _placed(part, item, block)


def _placed(part: Part, item: Item, block: int = WHOLE) -> Part:
    return part._replace(record=item.record, block=block_of(item.place, block))


def _assistant_parts(item: Item) -> Iterator[Part]:
    payload, kind = item.payload, type_of(item.payload)
    if kind == "message":
        yield from _pieces(item)
    elif kind == "reasoning":
        texts = [*_reasoning(payload.get("summary")), *_reasoning(payload.get("content"))]
        yield _placed(Part("thinking", "\n".join(texts), signed=bool(payload.get("encrypted_content"))), item)
    elif kind in CALLS:
        call_id = str(payload.get("call_id") or payload.get("id") or "")
        name = str(payload.get("name") or "local_shell")
        value = payload.get(CALLS[kind])
        text = value if isinstance(value, str) else compact(value)
        yield _placed(Part("call", text, name, call_id, json=not isinstance(value, str)), item)
    elif is_unknown_call(payload):
        call_id = str(payload["call_id"])
        yield _placed(Part("call", compact(payload), kind, call_id, json=True, signed=True), item)
    elif kind == "image_generation_call":
        tokens = estimate_media_tokens("image/png", str(payload.get("result") or ""))
        yield _placed(Part("media", name=kind, media=(Media("image/png", tokens),)), item)
    else:
        yield _opaque(item)


def _reasoning(pieces: Any) -> list[str]:
    return [text for text in texts_of({"content": pieces}) if text]


def _opaque(item: Item) -> Part:
    """Keep an item as it is: a search of the provider's, an encrypted compaction, what we do not know."""
    return _placed(Part("opaque", compact(item.payload), type_of(item.payload)), item)


def _output(item: Item) -> Part:
    """Read a tool's output; one that is a JSON string with text and metadata stays that string."""
    payload = item.payload
    content = read_result(payload.get(OUTPUT))
    call_id = str(payload.get("call_id") or "")
    part = Part("result", content.text, call_id=call_id, media=content.media, json=content.json)
    return _placed(part._replace(is_error=payload.get("success") is False), item)
