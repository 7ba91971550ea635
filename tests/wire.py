"""A conversation as the raw bytes of every format that has tools, written as its client writes it.

The writers know nothing of `cortex_cli.formats`: loads and dumps are tested against them. String and list
forms of content alternate, unknown fields and odd numbers are strewn in, so that both have to survive.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cortex_cli.messages import Message, Part

Object = dict[str, Any]
Writer = Callable[[Sequence[Message]], bytes]

SESSION = "5e55101d-0000-4000-8000-000000000001"
MODEL = "claude-opus-4-5"


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _time(number: int) -> str:
    return f"2026-01-02T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}.250Z"


def _uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def _content(number: int, text: str, kind: str = "text") -> Any:
    """The string form for even numbers, the list form for odd ones."""
    return text if number % 2 == 0 else [{"type": kind, "text": text}]


def openai_messages(messages: Sequence[Message]) -> list[Object]:
    """Write message objects of chat completions."""
    return [_openai(number, message) for number, message in enumerate(messages)]


def _openai(number: int, message: Message) -> Object:
    if message.role == "tool":
        part = message.parts[0]
        return {"role": "tool", "tool_call_id": part.call_id, "content": _content(number, part.text)}
    written: Object = {"role": message.role, "content": _content(number, message.text)}
    if calls := message.calls:
        written["content"] = message.text or None
        written["tool_calls"] = [
            {"id": part.call_id, "type": "function", "function": {"name": part.name, "arguments": part.text}}
            for part in calls
        ]
    if thinking := _thinking(message):
        written["reasoning_content"] = thinking[0].text
    return {**written, "x_unknown": 1.10}


def _thinking(message: Message) -> list[Part]:
    return [part for part in message.parts if part.kind == "thinking"]


def openai_lines(messages: Sequence[Message]) -> bytes:
    """One message a line."""
    return b"".join(map(_line, openai_messages(messages)))


def openai_request(messages: Sequence[Message]) -> bytes:
    """One request object, indented."""
    return json.dumps({"model": "gpt-5", "messages": openai_messages(messages), "seed": 12345}, indent=2).encode()


def openai_array(messages: Sequence[Message]) -> bytes:
    """A bare array."""
    return json.dumps(openai_messages(messages)).encode()


def anthropic_messages(messages: Sequence[Message]) -> list[Object]:
    """Write message objects of the Messages API: the results of an answer in one user message."""
    written: list[Object] = []
    for number, message in enumerate(messages):
        if message.role == "tool":
            if not (written and written[-1]["role"] == "user" and _only_results(written[-1])):
                written.append({"role": "user", "content": []})
            written[-1]["content"].append(_anthropic_result(number, message.parts[0]))
        elif message.role == "user" and number % 3 == 0 and written and _only_results(written[-1]):
            written[-1]["content"].append({"type": "text", "text": message.text})
        elif message.role == "user":
            written.append({"role": "user", "content": _content(number, message.text)})
        else:
            written.append({"role": "assistant", "content": [_anthropic_block(part) for part in message.parts]})
    return written


def _only_results(message: Object) -> bool:
    return isinstance(message["content"], list) and all(one["type"] == "tool_result" for one in message["content"])


def _anthropic_result(number: int, part: Part) -> Object:
    written: Object = {"type": "tool_result", "tool_use_id": part.call_id, "content": _content(number, part.text)}
    return {**written, "is_error": True} if part.is_error else written


def _anthropic_block(part: Part) -> Object:
    if part.kind == "thinking":
        return {"type": "thinking", "thinking": part.text, "signature": "c2lnbmVk"}
    if part.kind == "call":
        return {"type": "tool_use", "id": part.call_id, "name": part.name, "input": json.loads(part.text)}
    return {"type": "text", "text": part.text}


def anthropic_request(messages: Sequence[Message]) -> bytes:
    """One request object."""
    request = {"model": MODEL, "max_tokens": 4096, "system": "be brief", "messages": anthropic_messages(messages)}
    return json.dumps(request, ensure_ascii=False).encode()


def anthropic_lines(messages: Sequence[Message]) -> bytes:
    """One message a line."""
    return b"".join(map(_line, anthropic_messages(messages)))


def axio_list(messages: Sequence[Message]) -> bytes:
    """Axio messages: as Anthropic's, without thinking, `is_error` always there."""
    written = anthropic_messages([_without_thinking(message) for message in messages])
    for message in written:
        if isinstance(message["content"], str):
            message["content"] = [{"type": "text", "text": message["content"]}]
        for block in message["content"]:
            if block["type"] == "tool_result":
                block.setdefault("is_error", False)
    return json.dumps(written).encode()


def _without_thinking(message: Message) -> Message:
    return message._replace(parts=tuple(part for part in message.parts if part.kind != "thinking"))


def claude_code(messages: Sequence[Message]) -> bytes:
    """A session: one block a line, every line a child of the one before."""
    objects = [
        {"type": "file-history-snapshot", "messageId": _uuid(9), "snapshot": {"n": 1.10}, "isSnapshotUpdate": False}
    ]
    call_lines: dict[str, str] = {}
    parent: str | None = None
    for number, message in enumerate(messages):
        for block in _claude_blocks(number, message):
            uuid = _uuid(1000 + len(objects))
            kind = "assistant" if message.role == "assistant" else "user"
            entry = _claude_entry(kind, uuid, parent, number, block)
            if message.role == "tool":
                entry["toolUseResult"] = {"stdout": message.parts[0].text, "stderr": ""}
                entry["sourceToolAssistantUUID"] = call_lines.get(message.parts[0].call_id, parent)
            elif block.get("type") == "tool_use":
                call_lines[block["id"]] = uuid
            objects.append(entry)
            parent = uuid
    return b"".join(map(_line, objects))


def _claude_blocks(number: int, message: Message) -> list[Object]:
    if message.role == "tool":
        return [_anthropic_result(number, message.parts[0])]
    if message.role == "user":
        return [{"type": "text", "text": message.text}]
    return [_anthropic_block(part) for part in message.parts]


def _claude_entry(kind: str, uuid: str, parent: str | None, number: int, block: Object) -> Object:
    inner: Object = {"role": kind, "content": [block]}
    if kind == "user" and block["type"] == "text" and number % 2 == 0:
        inner["content"] = block["text"]
    if kind == "assistant":
        inner = {"model": MODEL, "id": f"msg_{number}", "type": "message", **inner, "stop_reason": None}
    entry: Object = {"parentUuid": parent, "isSidechain": False, "userType": "external", "cwd": "/home/dev/app"}
    entry |= {"sessionId": SESSION, "version": "2.1.30", "gitBranch": "main", "type": kind, "message": inner}
    if kind == "assistant":
        entry["requestId"] = f"req_{number}"
    return {**entry, "uuid": uuid, "timestamp": _time(number)}


def codex(messages: Sequence[Message]) -> bytes:
    """A rollout: header, context, then items; user messages are mirrored as events."""
    meta: Object = {"id": SESSION, "timestamp": _time(0), "cwd": "/home/dev/app", "originator": "codex_cli_rs"}
    meta |= {"cli_version": "0.58.0", "instructions": None, "source": "cli", "model_provider": "openai"}
    items: list[tuple[str, Object]] = [
        ("session_meta", meta),
        ("response_item", _codex_text("user", "input_text", "<environment_context>x</environment_context>")),
        ("turn_context", {"cwd": "/home/dev/app", "approval_policy": "never", "model": "gpt-5", "summary": "auto"}),
    ]
    for message in messages:
        if message.role == "user":
            items.append(("event_msg", {"type": "user_message", "message": message.text, "images": []}))
        items.extend(("response_item", item) for item in _codex_items(message))
    lines = ({"timestamp": _time(n), "type": kind, "payload": payload} for n, (kind, payload) in enumerate(items))
    return b"".join(map(_line, lines))


def _codex_text(role: str, kind: str, text: str) -> Object:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def _codex_items(message: Message) -> Iterator[Object]:
    for part in message.parts:
        if part.kind == "thinking":
            yield {"type": "reasoning", "summary": [], "content": None, "encrypted_content": "c2VjcmV0" * 8}
        elif part.kind == "call":
            yield {"type": "function_call", "name": part.name, "arguments": part.text, "call_id": part.call_id}
        elif part.kind == "result":
            yield {"type": "function_call_output", "call_id": part.call_id, "output": part.text}
        else:
            is_user = message.role == "user"
            yield _codex_text(message.role, "input_text" if is_user else "output_text", part.text)


def pi_messages(messages: Sequence[Message]) -> list[Object]:
    """Write pi's plain message history."""
    return [_pi(number, message) for number, message in enumerate(messages)]


def _pi(number: int, message: Message) -> Object:
    stamp = 1_767_312_000_000 + number * 1000
    if message.role == "tool":
        part = message.parts[0]
        written: Object = {"role": "toolResult", "toolCallId": part.call_id, "toolName": part.name}
        content = [{"type": "text", "text": part.text}]
        return {**written, "content": content, "isError": part.is_error, "timestamp": stamp}
    if message.role == "user":
        return {"role": "user", "content": _content(number, message.text), "timestamp": stamp}
    head = {"role": "assistant", "content": [_pi_block(part) for part in message.parts]}
    head |= {"api": "anthropic-messages", "provider": "anthropic", "model": MODEL}
    cost = {"input": 0.1, "output": 0.10, "cacheRead": 0, "cacheWrite": 0, "total": 0.2}
    usage = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 0, "cost": cost}
    return {**head, "usage": usage, "stopReason": "toolUse" if message.calls else "stop", "timestamp": stamp}


def _pi_block(part: Part) -> Object:
    if part.kind == "thinking":
        return {"type": "thinking", "thinking": part.text, "thinkingSignature": "c2lnbmVk"}
    if part.kind == "call":
        return {"type": "toolCall", "id": part.call_id, "name": part.name, "arguments": json.loads(part.text)}
    return {"type": "text", "text": part.text}


def pi_session(messages: Sequence[Message]) -> bytes:
    """A session, version 3: a header and a chain of entries."""
    objects: list[Object] = [
        {"type": "session", "version": 3, "id": SESSION, "timestamp": _time(0), "cwd": "/home/dev/app"},
        {"type": "model_change", "id": "0000ffff", "parentId": None, "timestamp": _time(0), "provider": "anthropic"},
    ]
    objects[-1]["modelId"] = MODEL
    for number, message in enumerate(pi_messages(messages)):
        entry = {"type": "message", "id": f"{number + 1:08x}", "parentId": objects[-1]["id"]}
        objects.append({**entry, "timestamp": _time(number), "message": message})
    return b"".join(map(_line, objects))


def pi_history(messages: Sequence[Message]) -> bytes:
    """The plain history, one message a line."""
    return b"".join(map(_line, pi_messages(messages)))


def pi_history_array(messages: Sequence[Message]) -> bytes:
    """The plain history as one array."""
    return json.dumps(pi_messages(messages), indent=1).encode()


WRITERS: dict[str, tuple[str, Writer]] = {
    "openai-chat lines": ("openai-chat", openai_lines),
    "openai-chat request": ("openai-chat", openai_request),
    "openai-chat array": ("openai-chat", openai_array),
    "anthropic request": ("anthropic", anthropic_request),
    "anthropic lines": ("anthropic", anthropic_lines),
    "axio": ("axio", axio_list),
    "claude-code": ("claude-code", claude_code),
    "codex": ("codex", codex),
    "pi": ("pi", pi_session),
    "pi-history lines": ("pi-history", pi_history),
    "pi-history array": ("pi-history", pi_history_array),
}
"""What is written -> (name of its format, writer)."""
