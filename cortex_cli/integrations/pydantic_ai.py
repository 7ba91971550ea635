"""Pydantic AI: a history processor that keeps what the model is sent inside its window. Needs `pydantic-ai` 2.

Its messages hold what an API has as several: a request has prompts and results, a response texts and calls. They
are read as messages of our own and put together again part by part.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Unpack

from cortex_cli.formats.contents import compact
from cortex_cli.integrations.conversations import Conversation, Conversations, ManagerOptions, Origins, Pair
from cortex_cli.integrations.packages import need
from cortex_cli.live.document import OWN
from cortex_cli.marks import synthetic_kind
from cortex_cli.messages import Media, Message, Part
from cortex_cli.settings import Settings
from cortex_cli.tokens.media import estimate_media_tokens
from cortex_cli.typed import is_typed_text

PACKAGE = "pydantic-ai-slim"

Processor = Callable[[list[Any]], Awaitable[list[Any]]]


def history_processor(settings: Settings | None = None, **options: Unpack[ManagerOptions]) -> Processor:
    """Return a processor: `Agent(..., capabilities=[ProcessHistory(history_processor(...))])`.

    Pydantic AI goes on with what a processor returns, so `result.all_messages()` is the compacted history too.
    Conversations are told apart by the id that Pydantic AI gives them.

    Args:
        settings: As for `CompactionManager`.
        options: As there; `prepare` is called with every new manager.

    Raises:
        MissingPackageError: Pydantic AI is not installed.
    """
    conversations = Conversations(_Messages(), settings, options)

    async def process(messages: list[Any]) -> list[Any]:
        conversation = conversations.of(_conversation_id(messages))
        answer = next((one for one in reversed(messages) if one.kind == "response"), None)
        _note_usage(conversation, answer)
        return await conversation.transform(messages, model=(answer and answer.model_name) or "")

    return process


def _conversation_id(messages: Sequence[Any]) -> str:
    ids = (getattr(message, "conversation_id", None) for message in reversed(messages))
    return next((one for one in ids if one), "")


def _note_usage(conversation: Conversation, answer: Any) -> None:
    if answer is not None and answer.usage.input_tokens:
        prompt = {"prompt_tokens": answer.usage.input_tokens, "completion_tokens": answer.usage.output_tokens}
        cached = {"cached_tokens": getattr(answer.usage, "cache_read_tokens", 0)}
        conversation.note_usage(answer, {**prompt, "prompt_tokens_details": cached})


class _Messages:
    """Pydantic AI's messages as ours; a part of ours says by `block` which part of theirs it is."""

    format = OWN

    def __init__(self) -> None:
        self._theirs = need("pydantic_ai.messages", PACKAGE)

    def encode(self, message: Any) -> Sequence[Any]:
        """Return our messages for one of theirs."""
        parts = list(enumerate(message.parts))
        if message.kind == "response":
            return (Message("assistant", tuple(_said(block, part) for block, part in parts)),)
        return tuple(_asked(block, part) for block, part in parts)

    def decode(self, values: Sequence[Any], origins: Origins) -> list[Pair]:
        """Return their messages: the same objects where nothing was done to any part of them."""
        sources = _Sources(origins)
        found: list[Pair] = []
        for _, run in groupby([(sources.find(value), value) for value in values], key=lambda pair: id(pair[0])):
            pairs = list(run)
            ours = [value for _, value in pairs]
            if (source := pairs[0][0]) is not None:
                found.append((self._whole(source, ours), ours))
            else:
                found.extend((self._new(value), (value,)) for value in ours)
        return found

    def _whole(self, message: Any, ours: Sequence[Message]) -> Any:
        known, kept = _by_block(self.encode(message)), _by_block(ours)
        if kept == known:
            return message
        parts = [
            part if kept[block] == known[block] else _edited(part, kept[block][0])
            for block, part in enumerate(message.parts)
            if block in kept
        ]
        return replace(message, parts=parts)

    def _new(self, message: Message) -> Any:
        """Write a message of our own."""
        theirs = self._theirs
        if message.role == "assistant":
            return theirs.ModelResponse([theirs.TextPart(message.text)])
        result = message.result
        if result is not None:
            return theirs.ModelRequest([theirs.ToolReturnPart(result.name, result.text, result.call_id)])
        return theirs.ModelRequest([theirs.UserPromptPart(message.text)])


def _asked(block: int, part: Any) -> Message:
    """Read a part of a request. What is neither said nor returned (instructions, deltas) is kept by every layer."""
    kind = part.part_kind
    if kind == "user-prompt":
        return _prompt(block, part.content)
    if kind == "tool-return":
        text, failed = part.model_response_str(), part.outcome in ("failed", "retried")
        return Message("tool", (Part("result", text, part.tool_name, part.tool_call_id, block=block, is_error=failed),))
    if kind == "retry-prompt" and part.tool_name:
        text = part.model_response()
        return Message("tool", (Part("result", text, part.tool_name, part.tool_call_id, block=block, is_error=True),))
    if kind in ("retry-prompt", "retry-feedback"):
        return Message("user", (Part("text", part.model_response(), block=block),))
    content = getattr(part, "content", "")
    return Message("system", (Part("text", content if isinstance(content, str) else str(part), block=block),))


def _prompt(block: int, content: Any) -> Message:
    pieces = [content] if isinstance(content, str) else list(content)
    texts = [one if isinstance(one, str) else getattr(one, "content", "") for one in pieces]
    text = "\n".join(one for one in texts if isinstance(one, str) and one)
    media = tuple(_medium(one) for one in pieces if hasattr(one, "media_type"))
    synthetic = synthetic_kind(text) if isinstance(content, str) else ""
    parts = [Part("text", text, block=block)] if text or not media else []
    parts += [Part("media", block=block, media=media)] if media else []
    return Message("user", tuple(parts), typed=not synthetic and is_typed_text(text), synthetic=synthetic)


def _medium(value: Any) -> Media:
    size = len(value.data) if isinstance(getattr(value, "data", None), bytes) else 0
    return Media(value.media_type, estimate_media_tokens(value.media_type, size_bytes=size))


def _said(block: int, part: Any) -> Part:
    """Read a part of a response."""
    kind = part.part_kind
    if kind == "text":
        return Part("text", part.content, block=block)
    if kind == "tool-call":
        return Part("call", part.args_as_json_str(), part.tool_name, part.tool_call_id, block=block, json=True)
    if kind == "thinking":
        return Part("thinking", part.content, block=block, signed=bool(part.signature))
    return Part("opaque", compact(_fields(part)), name=kind, block=block)


def _fields(part: Any) -> dict[str, Any]:
    return {key: value for key, value in vars(part).items() if isinstance(value, str | int | float | bool | dict)}


def _edited(part: Any, ours: Part) -> Any:
    """Write our text of a part into a copy of theirs."""
    field = "args" if ours.kind == "call" else "content"
    return replace(part, **{field: ours.text})


def _by_block(messages: Iterable[Message]) -> dict[int, list[Part]]:
    found: dict[int, list[Part]] = {}
    for message in messages:
        for part in message.parts:
            found.setdefault(part.block, []).append(part)
    return found


class _Sources:
    """Tells which of their messages one of ours was made of, edited or not."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self._by_call = {
            (part.kind, part.call_id): source
            for value, source in origins.pairs
            for part in value.parts
            if part.kind in ("call", "result")
        }
        self._by_part = {id(part): source for value, source in origins.pairs for part in value.parts}

    def find(self, value: Message) -> Any:
        """Return their message; None where it is the manager's own."""
        found = self._origins.find(value)
        if found is not None or value.synthetic:
            return found
        of_calls = (self._by_call.get((part.kind, part.call_id)) for part in value.parts if part.call_id)
        of_parts = (self._by_part.get(id(part)) for part in value.parts)
        return next((one for one in (*of_calls, *of_parts) if one is not None), None)
