"""Conversations written as sessions that Claude Code, Codex and pi resume, and as items of the Responses API.

Source: FORMATS sections 1, 2, 4 and 6: the invariants of a file that its client resumes.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain, count
from typing import Any, NamedTuple
from uuid import UUID

from cortex_cli.converting.blocks import anthropic_block, arguments_of
from cortex_cli.converting.content import REDACTED, Entry, Picture, Piece
from cortex_cli.formats.contents import parse_text
from cortex_cli.formats.ids import new_uuid
from cortex_cli.formats.times import to_milliseconds

Object = dict[str, Any]

NO_TIME = "2020-01-01T00:00:00.000Z"
"""Where nothing in the conversation has a time; clients sort by it, and refuse none."""

FOLDER = "/"
"""Where the session says that it ran: nobody knows, and clients go by the folder they are started in."""

_CLAUDE = "claude-sonnet-4-5"
_GPT = "gpt-5"
"""Models to name where the conversation names none of the client's."""


_IS_PI_ID = re.compile(r"[0-9a-f]{8}\Z").match


class Head(NamedTuple):
    """What a session says of itself."""

    session_id: str
    """A UUID."""
    model: str

    def new_id(self, *seed: object) -> str:
        """Make an id that is the same for the same session and place."""
        return new_uuid(self.session_id, *map(str, seed))


def head_of(entries: Sequence[Entry], session_id: str, model: str) -> Head:
    """Keep the session's id where it is one that clients take."""
    if not is_uuid(session_id):
        session_id = new_uuid(session_id, *(piece.text for entry in entries for piece in entry.pieces))
    return Head(session_id, model)


def is_uuid(text: str) -> bool:
    """Tell whether a text is a UUID as clients write it."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def with_times(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Give every entry a time: its own, else that of the one before."""
    time = next((entry.time for entry in entries if entry.time), NO_TIME)
    for entry in entries:
        time = entry.time or time
        yield entry._replace(time=time)


def claude_code_lines(entries: Sequence[Entry], head: Head) -> Iterator[Object]:
    """Write a session of Claude Code: one block a line, every line a child of the one before."""
    parent: str | None = None
    calls: dict[str, str] = {}
    taken: set[str] = set()
    model = head.model if head.model.startswith("claude") else _CLAUDE
    for number, entry in enumerate(with_times(entries)):
        if entry.role == "system":
            continue
        blocks = [block for piece in entry.pieces for block in anthropic_block(piece)]
        groups = [[block] for block in blocks] if entry.role == "assistant" else [blocks] if blocks else []
        for place, group in enumerate(groups):
            keeps_id = not place and is_uuid(entry.id) and entry.id not in taken
            line_id = entry.id if keeps_id else head.new_id("line", number, place)
            taken.add(line_id)
            line = _claude_line(entry, group, head, model, number)
            above = calls.get(str(group[0].get("tool_use_id")), parent)
            more = {"sourceToolAssistantUUID": above} if entry.role == "tool" else {}
            calls |= {str(group[0]["id"]): line_id} if group[0]["type"] == "tool_use" else {}
            yield {"parentUuid": above, **line, "uuid": line_id, "timestamp": entry.time, **more}
            parent = line_id


def _claude_line(entry: Entry, blocks: list[Object], head: Head, model: str, number: int) -> Object:
    kind = "assistant" if entry.role == "assistant" else "user"
    said: Object = {"role": kind, "content": blocks}
    if kind == "assistant":
        usage = {"input_tokens": 0, "output_tokens": 0}
        names = {"id": f"msg_{head.new_id('message', number)}", "type": "message", "model": model}
        said = {**names, **said, "stop_reason": None, "stop_sequence": None, "usage": usage}
    elif len(blocks) == 1 and blocks[0]["type"] == "text":
        said["content"] = blocks[0]["text"]
    envelope = {"isSidechain": False, "userType": "external", "cwd": FOLDER, "sessionId": head.session_id}
    return {**envelope, "version": "2.0.0", "gitBranch": "", "type": kind, "message": said}


def codex_lines(entries: Sequence[Entry], head: Head) -> Iterator[Object]:
    """Write a rollout: header, the turn's context, then items; what the user typed is told as an event too."""
    timed = list(with_times(entries))
    start = timed[0].time if timed else NO_TIME
    meta: Object = {"id": head.session_id, "timestamp": start, "cwd": FOLDER, "originator": "codex_cli_rs"}
    meta |= {"cli_version": "0.58.0", "instructions": None, "source": "cli", "model_provider": "openai"}
    yield {"timestamp": start, "type": "session_meta", "payload": meta}
    model = head.model if head.model.startswith(("gpt", "o", "codex")) else _GPT
    context: Object = {"cwd": FOLDER, "approval_policy": "never", "sandbox_policy": {"type": "read-only"}}
    yield {"timestamp": start, "type": "turn_context", "payload": {**context, "model": model, "summary": "auto"}}
    for entry in timed:
        for item in items_of(entry):
            yield {"timestamp": entry.time, "type": "response_item", "payload": item}
        if entry.typed:
            told = "\n".join(piece.text for piece in entry.pieces if piece.kind == "text")
            event = {"type": "user_message", "message": told, "images": []}
            yield {"timestamp": entry.time, "type": "event_msg", "payload": event}


def items_of(entry: Entry) -> Iterator[Object]:
    """Write one message as items of the Responses API; thinking only as the item that OpenAI made."""
    if entry.role in ("user", "system"):
        role = "developer" if entry.role == "system" else "user"
        content = [block for piece in entry.pieces for block in _input(piece)]
        if content:
            yield {"type": "message", "role": role, "content": content}
        return
    for piece in entry.pieces:
        if piece.kind == "thinking" and piece.family == "openai":
            yield parse_text(piece.signature)
        elif piece.kind == "text" and piece.text:
            yield {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": piece.text}]}
        elif piece.kind == "call":
            yield {"type": "function_call", "name": piece.name, "arguments": piece.text, "call_id": piece.call_id}
        elif piece.kind == "result":
            output: Any = [{"type": "input_text", "text": piece.text}, *map(_input_image, piece.images)]
            value = output if piece.images else piece.text
            yield {"type": "function_call_output", "call_id": piece.call_id, "output": value}


def _input(piece: Piece) -> Iterator[Object]:
    if piece.kind == "text" and piece.text:
        yield {"type": "input_text", "text": piece.text}
    elif piece.kind == "image":
        yield from map(_input_image, piece.images)


def _input_image(picture: Picture) -> Object:
    return {"type": "input_image", "image_url": picture.data_url}


def pi_lines(entries: Sequence[Entry], head: Head) -> Iterator[Object]:
    """Write a session of pi, version 3: a header and a chain of entries."""
    timed = [entry for entry in with_times(entries) if entry.role != "system"]
    start = timed[0].time if timed else NO_TIME
    yield {"type": "session", "version": 3, "id": head.session_id, "timestamp": start, "cwd": FOLDER}
    parent: str | None = None
    taken: set[str] = set()
    for number, entry in enumerate(timed):
        message = _pi_message(entry, head)
        if not message["content"]:
            continue
        made = (f"{other:08x}" for other in count(number + 1))
        entry_id = next(one for one in chain([entry.id], made) if _IS_PI_ID(one) and one not in taken)
        taken.add(entry_id)
        yield {"type": "message", "id": entry_id, "parentId": parent, "timestamp": entry.time, "message": message}
        parent = entry_id


def _pi_message(entry: Entry, head: Head) -> Object:
    stamp = {"timestamp": to_milliseconds(entry.time)}
    if entry.role == "tool":
        piece = entry.pieces[0]
        content = [{"type": "text", "text": piece.text}, *map(_pi_image, piece.images)]
        names = {"toolCallId": piece.call_id, "toolName": piece.name}
        return {"role": "toolResult", **names, "content": content, "isError": piece.is_error, **stamp}
    content = [block for piece in entry.pieces for block in _pi_block(piece)]
    if entry.role == "user":
        return {"role": "user", "content": content, **stamp}
    is_openai = any(piece.family == "openai" for piece in entry.pieces)
    api, provider = ("openai-responses", "openai") if is_openai else ("anthropic-messages", "anthropic")
    cost = dict.fromkeys(("input", "output", "cacheRead", "cacheWrite", "total"), 0)
    usage = {**dict.fromkeys(("input", "output", "cacheRead", "cacheWrite", "totalTokens"), 0), "cost": cost}
    model = head.model or (_GPT if is_openai else _CLAUDE)
    stop = "toolUse" if any(piece.kind == "call" for piece in entry.pieces) else "stop"
    made = {"api": api, "provider": provider, "model": model, "usage": usage, "stopReason": stop}
    return {"role": "assistant", "content": content, **made, **stamp}


def _pi_block(piece: Piece) -> Iterator[Object]:
    if piece.kind == "text" and piece.text:
        yield {"type": "text", "text": piece.text}
    elif piece.kind == "thinking" and piece.name != REDACTED:
        signed = {"thinkingSignature": piece.signature} if piece.family in ("anthropic", "openai") else {}
        yield {"type": "thinking", "thinking": piece.text, **signed}
    elif piece.kind == "call":
        yield {"type": "toolCall", "id": piece.call_id, "name": piece.name, "arguments": arguments_of(piece)}
    elif piece.kind == "image":
        yield from map(_pi_image, piece.images)


def _pi_image(picture: Picture) -> Object:
    return {"type": "image", "data": picture.data, "mimeType": picture.mime}
