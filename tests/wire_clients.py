"""Sessions and logs of further clients, written as they write them; see `wire`."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from cortex_cli.messages import Message, Part
from tests.wire import (
    MODEL,
    SESSION,
    Object,
    anthropic_messages,
    codex_items,
    gemini_part,
    json_line,
    pi_messages,
    time_of,
    to_json,
)

GEMINI_HEAD: Object = {
    "sessionId": SESSION,
    "projectHash": "0" * 64,
    "startTime": time_of(0),
    "lastUpdated": time_of(0),
}


def gemini_records(messages: Sequence[Message], start: int = 0) -> Iterator[Object]:
    """Yield the records of the Gemini CLI as they are written: an answer again for each result that it gets."""
    answers: list[Object] = []
    for number, message in enumerate(messages, start):
        stamp = {"id": f"00000000-0000-4000-8000-{number:012d}", "timestamp": time_of(number)}
        if message.role == "assistant":
            answers.append({**stamp, "type": "gemini", **_gemini_answer(message), "x_unknown": 1.10})
            yield answers[-1]
        elif message.role == "tool" and (changed := _gemini_result(answers, message.parts[0])) is not None:
            yield changed
        else:
            pieces = [gemini_part(part, with_ids=True) for part in message.parts]
            is_text = number % 2 == 0 and len(pieces) == 1 and "text" in pieces[0]
            yield {**stamp, "type": "user", "content": pieces[0]["text"] if is_text else pieces}


def _gemini_answer(message: Message) -> Object:
    thoughts = [
        {"subject": "", "description": part.text, "timestamp": time_of(0)}
        for part in message.parts
        if part.kind == "thinking"
    ]
    calls = [
        {"id": part.call_id, "name": part.name, "args": json.loads(part.text), "status": "success"}
        for part in message.calls
    ]
    return {
        "content": message.text,
        "thoughts": thoughts,
        "model": "gemini-3",
        **({"toolCalls": calls} if calls else {}),
    }


def _gemini_result(answers: list[Object], part: Part) -> Object | None:
    """Write a result into the newest answer with an open call of its id; None where there is none."""
    for at in range(len(answers) - 1, -1, -1):
        calls = answers[at].get("toolCalls", [])
        for number, call in enumerate(calls):
            if call["id"] == part.call_id and "result" not in call:
                shown = {"result": [gemini_part(part, with_ids=True)], "resultDisplay": part.text}
                done = {**call, **shown, "status": "error" if part.is_error else "success"}
                answers[at] = {**answers[at], "toolCalls": [*calls[:number], done, *calls[number + 1 :]]}
                return answers[at]
    return None


def gemini_cli_lines(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A session as JSON Lines; something was taken back on the way."""
    records = list(gemini_records(messages, before.count(b"\n") * 1000))
    taken = {"id": f"taken-{len(before)}", "timestamp": time_of(1), "type": "user", "content": "no, not that"}
    lines: list[Object] = [] if before else [GEMINI_HEAD]
    for number, record in enumerate(records):
        lines += [record, {"$set": {"lastUpdated": record["timestamp"]}}]
        if number == 2:
            lines += [
                taken,
                {"$rewindTo": taken["id"]},
                {"id": "i", "timestamp": time_of(2), "type": "info", "content": "x"},
            ]
    return before + b"".join(map(json_line, lines))


def gemini_cli_json(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A session as one document."""
    session: Object = json.loads(before) if before else {**GEMINI_HEAD, "messages": []}
    newest: dict[str, Any] = {one["id"]: one for one in session["messages"]}
    newest |= {one["id"]: one for one in gemini_records(messages, len(session["messages"]) * 1000)}
    return to_json({**session, "messages": list(newest.values())}, indent=2)


def cline_session(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A session of Cline: Anthropic's blocks, an id and a time to each message, metrics with the answers."""
    session: Object = {"version": 1, "updated_at": time_of(0), "agent": "lead", "sessionId": SESSION, "messages": []}
    session = json.loads(before) if before else {**session, "system_prompt": "be brief"}
    for number, message in enumerate(anthropic_messages(messages), len(session["messages"])):
        stamp = {"id": f"msg_{number:08d}", **message, "ts": 1_767_312_000_000 + number}
        if message["role"] == "assistant":
            model = {"id": MODEL, "provider": "cline"}
            stamp |= {"modelInfo": model, "metrics": {"inputTokens": 0, "outputTokens": 0, "cost": 0.10}}
        session["messages"].append(stamp)
    return to_json(session, indent="\t")


def claude_stream(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """What Claude Code prints in print mode: one block of an answer a line, one result a line, a subagent's words."""
    init: Object = {"type": "system", "subtype": "init", "cwd": "/home/dev/app", "session_id": SESSION, "model": MODEL}
    lines: list[Object] = [] if before else [init]
    start = before.count(b"\n") * 1000
    for number, message in enumerate(messages, start):
        for inner in _stream_messages(number, message):
            uuid = f"00000000-0000-4000-8000-{start + len(lines):012d}"
            line = {"type": inner["role"], "message": inner, "parent_tool_use_id": None, "session_id": SESSION}
            lines.append({**line, "uuid": uuid})
            if message.role == "tool":
                lines[-1]["tool_use_result"] = {"stdout": message.parts[0].text, "n": 1.10}
    if not before:
        lines.append({**init, "type": "assistant", "parent_tool_use_id": "toolu_1", "message": {"role": "assistant"}})
    return before + b"".join(map(json_line, lines))


def _stream_messages(number: int, message: Message) -> Iterator[Object]:
    if message.role != "assistant":
        yield from anthropic_messages([message])
        return
    for part in message.parts:
        (written,) = anthropic_messages([message._replace(parts=(part,))])
        yield {"id": f"msg_{number}", "type": "message", **written, "model": MODEL}


def codex_legacy(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """An old Codex session: a header, bare items, and states that are none."""
    lines: list[Object] = [{"id": SESSION, "timestamp": time_of(0), "instructions": "be brief"}]
    lines = [] if before else lines
    for number, message in enumerate(messages):
        lines += [{"record_type": "state"}, *codex_items(number, message)]
    return before + b"".join(map(json_line, lines))


def codex_legacy_document(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """The same as the first client in TypeScript wrote it."""
    session: Object = {"session": {"id": SESSION, "timestamp": time_of(0), "instructions": ""}, "items": []}
    session = json.loads(before) if before else session
    session["items"] += [item for number, message in enumerate(messages) for item in codex_items(number, message)]
    return to_json(session, indent=2)


def cortex_session(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """The files of a session of the manager's agent, as one document."""
    meta = {"id": SESSION, "mode": "build", "provider": "anthropic", "model": MODEL, "cwd": "/home/dev/app"}
    meta |= {"createdAt": 1, "updatedAt": 2, "contextTokenCount": 0}  # type: ignore[dict-item]
    state = {"observations": "", "bufferedChunks": [], "bufferWatermark": 3, "generationCount": 1.10}
    session: Object = {"history.json": [], "meta.json": meta, "observations.json": state}
    session = json.loads(before) if before else session
    session["history.json"] += pi_messages(messages)
    return to_json(session)
