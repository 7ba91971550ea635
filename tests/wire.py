"""A conversation as the raw bytes of every format that has tools, written as its client writes it.

The writers know nothing of `cortex_cli.formats`: loads and dumps are tested against them. String and list
forms of content alternate, unknown fields and odd numbers are strewn in, so that both have to survive.
A writer takes the bytes that stand before as well, and writes on as the client would.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cortex_cli.messages import Message, Part

Object = dict[str, Any]
Writer = Callable[..., bytes]
"""(messages, bytes before = none) -> bytes."""

SESSION = "5e55101d-0000-4000-8000-000000000001"
MODEL = "claude-opus-4-5"
IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="
"""A PNG of one pixel, base64."""

DATA_URL = f"data:image/png;base64,{IMAGE}"


def to_json(value: Any, **form: Any) -> bytes:
    """Write JSON in UTF-8; in ASCII only where a lone surrogate stands in it."""
    try:
        return json.dumps(value, ensure_ascii=False, **form).encode()
    except UnicodeEncodeError:
        return json.dumps(value, **form).encode()


def json_line(value: Any) -> bytes:
    return to_json(value, separators=(",", ":")) + b"\n"


def read_objects(before: bytes) -> list[Object]:
    """Read the lines that stand before."""
    return [json.loads(line) for line in before.splitlines() if line.strip()]


def time_of(number: int) -> str:
    return f"2026-01-{2 + number // 86400:02d}T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}.250Z"


def text_blocks(message: Message) -> list[Object]:
    return [{"type": "text", "text": part.text} for part in message.parts if part.kind == "text"]


def user_content(number: int, message: Message) -> Any:
    """The string form for even numbers, the list form for odd ones and for several texts."""
    return text_blocks(message) if number % 2 or len(message.parts) > 1 else message.text


def result_content(number: int, part: Part, image: Object) -> Any:
    """The same for results; one with an image is always a list."""
    if number % 2 == 0 and not part.media:
        return part.text
    return [{"type": "text", "text": part.text}, *([image] if part.media else [])]


def documents(messages: list[Object], before: bytes, **form: Any) -> bytes:
    """Write a bare array, longer than it was."""
    return to_json([*(json.loads(before) if before else []), *messages], **form)


def openai_messages(messages: Sequence[Message]) -> list[Object]:
    """Write message objects of chat completions."""
    return [openai_message(number, message) for number, message in enumerate(messages)]


def openai_message(number: int, message: Message) -> Object:
    if message.role == "tool":
        part = message.parts[0]
        content = result_content(number, part, {"type": "image_url", "image_url": {"url": DATA_URL}})
        return {"role": "tool", "tool_call_id": part.call_id, "content": content}
    written: Object = {"role": message.role, "content": user_content(number, message)}
    if message.role == "assistant":
        written["content"] = message.text or None
    if calls := message.calls:
        written["tool_calls"] = [
            {"id": part.call_id, "type": "function", "function": {"name": part.name, "arguments": part.text}}
            for part in calls
        ]
    if thinking := [part.text for part in message.parts if part.kind == "thinking"]:
        written["reasoning_content"] = thinking[0]
    return {**written, "x_unknown": 1.10}


def openai_lines(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """One message a line."""
    return before + b"".join(map(json_line, openai_messages(messages)))


def openai_request(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """One request object, indented."""
    request: Object = json.loads(before) if before else {"model": "gpt-5", "messages": [], "seed": 12345}
    request["messages"] += openai_messages(messages)
    return to_json(request, indent=2)


def openai_array(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A bare array."""
    return documents(openai_messages(messages), before)


def anthropic_messages(messages: Sequence[Message]) -> list[Object]:
    """Write message objects of the Messages API: the results of an answer in one user message."""
    written: list[Object] = []
    for number, message in enumerate(messages):
        if message.role == "tool":
            if not (written and written[-1]["role"] == "user" and _only_results(written[-1])):
                written.append({"role": "user", "content": []})
            written[-1]["content"].append(_anthropic_result(number, message.parts[0]))
        elif message.role == "user" and number % 3 == 0 and written and _only_results(written[-1]):
            written[-1]["content"].extend(text_blocks(message))
        elif message.role == "user":
            written.append({"role": "user", "content": user_content(number, message)})
        elif message.role == "assistant":
            written.append({"role": "assistant", "content": [_anthropic_block(part) for part in message.parts]})
    return written


def _only_results(message: Object) -> bool:
    return isinstance(message["content"], list) and all(one["type"] == "tool_result" for one in message["content"])


def _anthropic_result(number: int, part: Part) -> Object:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}}
    content = result_content(number, part, image)
    written: Object = {"type": "tool_result", "tool_use_id": part.call_id, "content": content}
    return {**written, "is_error": True} if part.is_error else written


def _anthropic_block(part: Part) -> Object:
    if part.kind == "thinking":
        return {"type": "thinking", "thinking": part.text, "signature": "c2lnbmVk"}
    if part.kind == "call":
        return {"type": "tool_use", "id": part.call_id, "name": part.name, "input": json.loads(part.text)}
    return dict(json.loads(part.text)) if part.kind == "opaque" else {"type": "text", "text": part.text}


def anthropic_request(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """One request object."""
    request: Object = {"model": MODEL, "max_tokens": 4096, "system": "be brief", "messages": []}
    request = json.loads(before) if before else request
    request["messages"] += anthropic_messages(messages)
    return to_json(request)


def anthropic_lines(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """One message a line."""
    return before + b"".join(map(json_line, anthropic_messages(messages)))


def axio_list(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """Axio messages: as Anthropic's, without thinking and server tools, images flat, `is_error` always there."""
    written = anthropic_messages([_for_axio(message) for message in messages])
    for message in written:
        if isinstance(message["content"], str):
            message["content"] = [{"type": "text", "text": message["content"]}]
        for block in message["content"]:
            if block["type"] == "tool_result":
                block.setdefault("is_error", False)
                block["content"] = _axio_content(block["content"])
    return documents(written, before)


def _for_axio(message: Message) -> Message:
    return message._replace(parts=tuple(part for part in message.parts if part.kind not in ("thinking", "opaque")))


def _axio_content(content: Any) -> Any:
    if isinstance(content, str):
        return content
    return [
        {"type": "image", "media_type": "image/png", "data": IMAGE} if piece["type"] == "image" else piece
        for piece in content
    ]


def bedrock_request(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A Converse request: as Anthropic's messages, blocks named by their key, no server tools."""
    request: Object = {"modelId": MODEL, "messages": [], "system": [{"text": "be brief"}], "inferenceConfig": {}}
    request = json.loads(before) if before else request
    for message in anthropic_messages([_without_opaque(message) for message in messages]):
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        request["messages"].append({"role": message["role"], "content": list(map(_bedrock_block, blocks))})
    return to_json(request)


def _without_opaque(message: Message) -> Message:
    return message._replace(parts=tuple(part for part in message.parts if part.kind != "opaque"))


def _bedrock_block(block: Object) -> Object:
    kind = block["type"]
    if kind == "tool_use":
        return {"toolUse": {"toolUseId": block["id"], "name": block["name"], "input": block["input"]}}
    if kind == "thinking":
        return {"reasoningContent": {"reasoningText": {"text": block["thinking"], "signature": block["signature"]}}}
    if kind == "tool_result":
        pieces = block["content"]
        pieces = [{"text": pieces}] if isinstance(pieces, str) else [_bedrock_piece(piece) for piece in pieces]
        status = "error" if block.get("is_error") else "success"
        return {"toolResult": {"toolUseId": block["tool_use_id"], "content": pieces, "status": status}}
    return _bedrock_piece(block)


def _bedrock_piece(piece: Object) -> Object:
    if piece["type"] == "image":
        return {"image": {"format": "png", "source": {"bytes": IMAGE}}}
    try:
        value = json.loads(piece["text"])
    except ValueError:
        return {"text": piece["text"]}
    return {"json": value} if isinstance(value, dict) else {"text": piece["text"]}


def gemini_contents(messages: Sequence[Message], *, with_ids: bool) -> list[Object]:
    """Write contents: the results of an answer in one of the user's, calls with their signature."""
    written: list[Object] = []
    for message in messages:
        role = "model" if message.role == "assistant" else "user"
        parts = [gemini_part(part, with_ids=with_ids) for part in message.parts if part.kind != "opaque"]
        if message.role == "tool" and written and any("functionResponse" in part for part in written[-1]["parts"]):
            written[-1]["parts"] += parts
        else:
            written.append({"role": role, "parts": parts})
    return written


def gemini_part(part: Part, *, with_ids: bool) -> Object:
    """Write one part of a content."""
    named = {"id": part.call_id, "name": part.name} if with_ids else {"name": part.name}
    if part.kind == "thinking":
        return {"text": part.text, "thought": True, "thoughtSignature": "c2lnbmVk"}
    if part.kind == "call":
        return {"functionCall": {**named, "args": json.loads(part.text)}, "thoughtSignature": "c2lnbmVk"}
    if part.kind == "text":
        return {"text": part.text}
    try:
        value = json.loads(part.text)
    except ValueError:
        value = part.text
    response = value if isinstance(value, dict) else {"output": part.text}
    picture = {"parts": [{"inlineData": {"mimeType": "image/png", "data": IMAGE}}]} if part.media else {}
    return {"functionResponse": {**named, "response": response, **picture}}


def gemini_request(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A request, its calls with ids."""
    request: Object = {"contents": [], "systemInstruction": {"parts": [{"text": "be brief"}]}, "x_unknown": 1.10}
    request = json.loads(before) if before else request
    request["contents"] += gemini_contents(messages, with_ids=True)
    return to_json(request, indent=1)


def gemini_without_ids(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A bare list of contents whose calls have no ids, as older models write them."""
    return documents(gemini_contents(messages, with_ids=False), before)


def adk_session(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A session of the Agent Development Kit: an event for each content."""
    session: Object = {"id": SESSION, "app_name": "app", "user_id": "u", "state": {}, "events": []}
    session = json.loads(before) if before else session
    for number, content in enumerate(gemini_contents(messages, with_ids=True), len(session["events"])):
        author = "agent" if content["role"] == "model" else "user"
        event: Object = {"content": content, "invocation_id": "e-1", "author": author, "actions": {"state_delta": {}}}
        session["events"].append({**event, "id": f"{number:08x}", "timestamp": 1_767_312_000.25 + number})
    return to_json(session)


def claude_code(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A session: one block a line, every line a child of the one before."""
    start = before.count(b"\n") * 1000
    snapshot = {"type": "file-history-snapshot", "messageId": _uuid(9), "snapshot": {"n": 1.10}}
    objects: list[Object] = [] if before else [{**snapshot, "isSnapshotUpdate": False}]
    call_lines: dict[str, str] = {}
    parents = [one["uuid"] for one in read_objects(before) if one.get("uuid") and not one.get("isSidechain")]
    parent = parents[-1] if parents else None
    for number, message in enumerate(messages, start):
        for block in _claude_blocks(number, message):
            uuid = _uuid(1000 + start + len(objects))
            kind = "assistant" if message.role == "assistant" else "user"
            entry = _claude_entry(kind, uuid, parent, number, block)
            if message.role == "tool":
                entry["toolUseResult"] = {"stdout": message.parts[0].text, "stderr": ""}
                entry["sourceToolAssistantUUID"] = call_lines.get(message.parts[0].call_id, parent)
            elif block.get("type") == "tool_use":
                call_lines[block["id"]] = uuid
            objects.append(entry)
            parent = uuid
    return before + b"".join(map(json_line, objects))


def _uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def _claude_blocks(number: int, message: Message) -> list[Object]:
    if message.role == "tool":
        return [_anthropic_result(number, message.parts[0])]
    return [] if message.role == "system" else [_anthropic_block(part) for part in message.parts]


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
    return {**entry, "uuid": uuid, "timestamp": time_of(number)}


def codex(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A rollout: header, context, then items; user messages are mirrored as events."""
    meta: Object = {"id": SESSION, "timestamp": time_of(0), "cwd": "/home/dev/app", "originator": "codex_cli_rs"}
    meta |= {"cli_version": "0.58.0", "instructions": None, "source": "cli", "model_provider": "openai"}
    items: list[tuple[str, Object]] = [
        ("session_meta", meta),
        ("response_item", _codex_text("user", "input_text", "<environment_context>x</environment_context>")),
        ("turn_context", {"cwd": "/home/dev/app", "approval_policy": "never", "model": "gpt-5", "summary": "auto"}),
    ]
    items = [] if before else items
    for number, message in enumerate(messages):
        if message.role == "user":
            items.append(("event_msg", {"type": "user_message", "message": message.text, "images": []}))
        items.extend(("response_item", item) for item in codex_items(number, message))
    start = before.count(b"\n")
    lines = ({"timestamp": time_of(start + n), "type": kind, "payload": one} for n, (kind, one) in enumerate(items))
    return before + b"".join(map(json_line, lines))


def _codex_text(role: str, kind: str, *texts: str) -> Object:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text} for text in texts]}


def codex_items(number: int, message: Message) -> Iterator[Object]:
    """Write the items of one message."""
    if message.role == "user":
        yield _codex_text("user", "input_text", *(part.text for part in message.parts))
        return
    for part in message.parts:
        if part.kind == "thinking":
            yield {"type": "reasoning", "summary": [], "content": None, "encrypted_content": "c2VjcmV0" * 8}
        elif part.kind == "call":
            yield {"type": "function_call", "name": part.name, "arguments": part.text, "call_id": part.call_id}
        elif part.kind == "result":
            output = result_content(number, part, {"type": "input_image", "image_url": DATA_URL})
            if isinstance(output, list):
                output[0]["type"] = "input_text"
            yield {"type": "function_call_output", "call_id": part.call_id, "output": output}
        elif part.kind == "opaque":
            yield {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}}
        elif message.role == "assistant":
            yield _codex_text("assistant", "output_text", part.text)


def responses_request(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A request of the Responses API."""
    request: Object = {"model": "gpt-5", "instructions": "be brief", "input": [], "store": False}
    request = json.loads(before) if before else request
    request["input"] += _responses_items(messages, len(request["input"]))
    return to_json(request)


def responses_lines(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """One item a line."""
    return before + b"".join(map(json_line, _responses_items(messages, before.count(b"\n"))))


def _responses_items(messages: Sequence[Message], start: int) -> Iterator[Object]:
    """Write items behind so many others, whose ids are not given again."""
    for number, message in enumerate(messages, start):
        yield from _responses_message(number, message)


def _responses_message(number: int, message: Message) -> Iterator[Object]:
    for place, item in enumerate(codex_items(number, message)):
        if item["type"] in ("reasoning", "web_search_call"):
            item = {"id": f"rs_{number}_{place}", **item}
        if item["type"] == "reasoning":
            item["content"] = []
        elif item.get("role") == "assistant":
            item |= {"id": f"msg_{number}_{place}", "status": "completed"}
            item["content"] = [{**piece, "annotations": []} for piece in item["content"]]
        yield {**item, "x_unknown": 1.10}


def pi_messages(messages: Sequence[Message]) -> list[Object]:
    """Write pi's plain message history."""
    return [_pi(number, message) for number, message in enumerate(messages) if message.role != "system"]


def _pi(number: int, message: Message) -> Object:
    stamp = 1_767_312_000_000 + number * 1000
    if message.role == "tool":
        part = message.parts[0]
        written: Object = {"role": "toolResult", "toolCallId": part.call_id, "toolName": part.name}
        image = {"type": "image", "data": IMAGE, "mimeType": "image/png"}
        return {**written, "content": result_content(1, part, image), "isError": part.is_error, "timestamp": stamp}
    if message.role == "user":
        return {"role": "user", "content": user_content(number, message), "timestamp": stamp}
    head = {"role": "assistant", "content": [_pi_block(part) for part in message.parts if part.kind != "opaque"]}
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


def pi_session(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A session, version 3: a header and a chain of entries."""
    header = {"type": "session", "version": 3, "id": SESSION, "timestamp": time_of(0), "cwd": "/home/dev/app"}
    change = {"type": "model_change", "id": "0000ffff", "parentId": None, "timestamp": time_of(0)}
    objects: list[Object] = [] if before else [header, {**change, "provider": "anthropic", "modelId": MODEL}]
    start = before.count(b"\n") * 1000 + 1
    parent = [*read_objects(before), *objects][-1]["id"]
    for number, message in enumerate(pi_messages(messages), start):
        entry = {"type": "message", "id": f"{number:08x}", "parentId": parent}
        objects.append({**entry, "timestamp": time_of(number), "message": message})
        parent = entry["id"]
    return before + b"".join(map(json_line, objects))


def pi_history(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """The plain history, one message a line."""
    return before + b"".join(map(json_line, pi_messages(messages)))


def pi_history_array(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """The plain history as one array."""
    return documents(pi_messages(messages), before, indent=1)
