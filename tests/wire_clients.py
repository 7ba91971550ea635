"""Sessions and logs of further clients, written as they write them; see `wire`."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from cortex_cli.messages import Message, Part
from tests.wire import SESSION, Object, gemini_part, json_line, time_of, to_json

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
