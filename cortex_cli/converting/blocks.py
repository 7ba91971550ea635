"""Conversations written as lists of messages: Anthropic, axio, Bedrock, Gemini, chat completions, LangChain.

New messages each time, so that nothing of the other format's envelope gets in.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from cortex_cli.converting.content import REDACTED, Entry, Picture, Piece
from cortex_cli.formats.contents import parse_text

Object = dict[str, Any]

_BAD_SIGNS = re.compile(r"[^A-Za-z0-9_-]")
"""Not allowed in the ids of Anthropic's API. Source: FORMATS section 5, M6."""

WriteBlock = Callable[[Piece], Iterator[Object]]


def arguments_of(piece: Piece) -> Object:
    """Return a call's arguments as an object; a text that is none stands under `arguments`."""
    try:
        value = parse_text(piece.text)
    except ValueError:
        value = piece.text
    return value if isinstance(value, dict) else {"arguments": value}


def in_turns(entries: Iterable[Entry], write: WriteBlock, names: dict[str, str], key: str = "content") -> list[Object]:
    """Write entries as messages of two sides that take turns; results are the user's, neighbours are joined."""
    messages: list[Object] = []
    for entry in entries:
        if entry.role == "system":
            continue
        side = names["assistant" if entry.role == "assistant" else "user"]
        blocks = [block for piece in entry.pieces for block in write(piece)]
        if messages and messages[-1]["role"] == side:
            messages[-1][key].extend(blocks)
        elif blocks:
            messages.append({"role": side, key: blocks})
    return messages


SIDES = {"user": "user", "assistant": "assistant"}


def system_texts(entries: Iterable[Entry]) -> list[str]:
    """Return the system prompts."""
    return [piece.text for entry in entries if entry.role == "system" for piece in entry.pieces if piece.text]


def anthropic_block(piece: Piece) -> Iterator[Object]:
    """Write a block of the Messages API; thinking only with a signature of theirs, which it is refused without."""
    if piece.kind == "text" and piece.text:
        yield {"type": "text", "text": piece.text}
    elif piece.kind == "thinking" and piece.family == "anthropic":
        if piece.name == REDACTED:
            yield {"type": "redacted_thinking", "data": piece.signature}
        else:
            yield {"type": "thinking", "thinking": piece.text, "signature": piece.signature}
    elif piece.kind == "image":
        yield from map(_anthropic_image, piece.images)
    elif piece.kind == "call":
        yield {"type": "tool_use", "id": plain_id(piece), "name": piece.name, "input": arguments_of(piece)}
    elif piece.kind == "result":
        content: Any = [{"type": "text", "text": piece.text}] if piece.text else []
        content += map(_anthropic_image, piece.images)
        block = {
            "type": "tool_result",
            "tool_use_id": plain_id(piece),
            "content": content if piece.images else piece.text,
        }
        yield {**block, "is_error": True} if piece.is_error else block


def plain_id(piece: Piece) -> str:
    """Return a call id of signs that every API takes."""
    return _BAD_SIGNS.sub("_", piece.call_id) or "call"


def _anthropic_image(picture: Picture) -> Object:
    if picture.data:
        return {"type": "image", "source": {"type": "base64", "media_type": picture.mime, "data": picture.data}}
    return {"type": "image", "source": {"type": "url", "url": picture.url}}


def axio_block(piece: Piece) -> Iterator[Object]:
    """Write a block of axio's: media flat, `is_error` always, no thinking."""
    if piece.kind == "result":
        content: Any = [{"type": "text", "text": piece.text}, *map(_axio_image, piece.images)]
        block = {
            "type": "tool_result",
            "tool_use_id": plain_id(piece),
            "content": content if piece.images else piece.text,
        }
        yield {**block, "is_error": piece.is_error}
    elif piece.kind == "image":
        yield from map(_axio_image, piece.images)
    elif piece.kind in ("text", "call"):
        yield from anthropic_block(piece)


def _axio_image(picture: Picture) -> Object:
    return {"type": "image", "media_type": picture.mime, "data": picture.data}


def bedrock_block(piece: Piece) -> Iterator[Object]:
    """Write a block of Converse."""
    if piece.kind == "text" and piece.text:
        yield {"text": piece.text}
    elif piece.kind == "thinking" and piece.family == "anthropic":
        if piece.name == REDACTED:
            yield {"reasoningContent": {"redactedContent": piece.signature}}
        else:
            yield {"reasoningContent": {"reasoningText": {"text": piece.text, "signature": piece.signature}}}
    elif piece.kind == "image":
        yield from map(_bedrock_image, piece.images)
    elif piece.kind == "call":
        yield {"toolUse": {"toolUseId": plain_id(piece), "name": piece.name, "input": arguments_of(piece)}}
    elif piece.kind == "result":
        content = [{"text": piece.text}, *map(_bedrock_image, piece.images)]
        status = "error" if piece.is_error else "success"
        yield {"toolResult": {"toolUseId": plain_id(piece), "content": content, "status": status}}


def _bedrock_image(picture: Picture) -> Object:
    return {"image": {"format": picture.mime.partition("/")[2], "source": {"bytes": picture.data}}}


def gemini_part(piece: Piece) -> Iterator[Object]:
    """Write a part of a content."""
    signed = {"thoughtSignature": piece.signature} if piece.family == "gemini" else {}
    if piece.kind == "text" and piece.text:
        yield {"text": piece.text}
    elif piece.kind == "thinking":
        yield {"text": piece.text, "thought": True, **signed}
    elif piece.kind == "image":
        yield from map(_gemini_image, piece.images)
    elif piece.kind == "call":
        yield {"functionCall": {"id": piece.call_id, "name": piece.name, "args": arguments_of(piece)}, **signed}
    elif piece.kind == "result":
        inner: Object = {"id": piece.call_id, "name": piece.name}
        inner["response"] = {"error" if piece.is_error else "output": piece.text}
        inner |= {"parts": [_gemini_image(one) for one in piece.images]} if piece.images else {}
        yield {"functionResponse": inner}


def _gemini_image(picture: Picture) -> Object:
    return {"inlineData": {"mimeType": picture.mime, "data": picture.data}}


def chat_message(entry: Entry) -> Object:
    """Write a message of chat completions; thinking as gateways do, with its signature where it has one."""
    if entry.role == "tool":
        piece = entry.pieces[0]
        content: Any = [{"type": "text", "text": piece.text}, *map(chat_image, piece.images)]
        return {"role": "tool", "tool_call_id": piece.call_id, "content": content if piece.images else piece.text}
    message: Object = {"role": entry.role, "content": _chat_content(entry.pieces)}
    calls = [piece for piece in entry.pieces if piece.kind == "call"]
    if calls:
        message["tool_calls"] = [
            {"id": one.call_id, "type": "function", "function": {"name": one.name, "arguments": one.text}}
            for one in calls
        ]
    thoughts = [piece for piece in entry.pieces if piece.kind == "thinking"]
    if any(one.family == "anthropic" for one in thoughts):
        message["thinking_blocks"] = [block for one in thoughts for block in anthropic_block(one)]
    elif thoughts:
        message["reasoning_content"] = "\n".join(one.text for one in thoughts)
    return message


def _chat_content(pieces: Sequence[Piece]) -> Any:
    texts = [piece for piece in pieces if piece.kind in ("text", "image")]
    if len(texts) == 1 and texts[0].kind == "text":
        return texts[0].text
    blocks: list[Object] = []
    for piece in texts:
        blocks.extend([{"type": "text", "text": piece.text}] if piece.kind == "text" else map(chat_image, piece.images))
    return blocks or None


def chat_image(picture: Picture) -> Object:
    """Write an image as chat completions have it."""
    return {"type": "image_url", "image_url": {"url": picture.data_url}}


def langchain_message(entry: Entry) -> Object:
    """Write a message as `dumpd` does."""
    kinds = {
        "user": ("human", "Human"),
        "assistant": ("ai", "AI"),
        "tool": ("tool", "Tool"),
        "system": ("system", "System"),
    }
    kind, name = kinds[entry.role]
    body: Object = {"content": _langchain_content(entry), "type": kind}
    body |= {"id": entry.id} if entry.id else {}
    if entry.role == "tool":
        piece = entry.pieces[0]
        content: Any = [{"type": "text", "text": piece.text}, *map(chat_image, piece.images)]
        body["content"] = content if piece.images else piece.text
        status = "error" if piece.is_error else "success"
        body |= {"name": piece.name, "tool_call_id": piece.call_id, "status": status}
    if entry.role == "assistant":
        body["tool_calls"] = [
            {"name": one.name, "args": arguments_of(one), "id": one.call_id, "type": "tool_call"}
            for one in entry.pieces
            if one.kind == "call"
        ]
    return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", f"{name}Message"], "kwargs": body}


def _langchain_content(entry: Entry) -> Any:
    blocks: list[Object] = []
    for piece in entry.pieces:
        if piece.kind == "thinking" and piece.family == "anthropic":
            blocks.extend(anthropic_block(piece))
        elif piece.kind == "thinking":
            blocks.append({"type": "reasoning", "reasoning": piece.text})
        elif piece.kind == "text":
            blocks.append({"type": "text", "text": piece.text})
        elif piece.kind == "image":
            blocks.extend(map(chat_image, piece.images))
    only_text = len(blocks) == 1 and blocks[0]["type"] == "text"
    return blocks[0]["text"] if only_text else blocks or ""
