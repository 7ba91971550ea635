"""Turns behind a session, in the records of its own format, built from those that are recorded in it."""

import json
import uuid
from typing import Any

Object = dict[str, Any]


def append_turns(client: str, data: bytes, turns: int) -> bytes:
    """Add turns of one question and one answer each."""
    records = [json.loads(line) for line in data.splitlines() if line.strip()]
    build = {"claude-code": _claude_code, "codex": _codex, "pi": _pi}[client]
    added: list[Object] = []
    for number in range(turns):
        question = f"This is question {number} of the second part: what is the value of setting_{number}?"
        answer = f"The answer: setting_{number} is {number * 37 + 11} and stays so. " + "It was looked up. " * 40
        added += build([*records, *added], question, answer)
    lines = [json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() for record in added]
    return data.rstrip(b"\n") + b"\n" + b"\n".join(lines) + b"\n"


def _id(*what: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, repr(what)))


def _claude_code(records: list[Object], question: str, answer: str) -> list[Object]:
    """Hang both below the newest record of the tree."""
    last = next(record for record in reversed(records) if record.get("uuid") and not record.get("isSidechain"))
    kept = ("isSidechain", "userType", "cwd", "sessionId", "version", "gitBranch", "timestamp")
    common = {name: last[name] for name in kept if name in last}
    models = [record["message"]["model"] for record in records if record.get("type") == "assistant"]
    asked, said = _id(question), _id(answer)
    message = {
        "model": models[-1] if models else "claude-sonnet-4-5",
        "id": f"msg_{said[:12]}",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": answer}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }
    user = {"type": "user", "message": {"role": "user", "content": question}}
    return [
        {"parentUuid": last["uuid"], **common, **user, "uuid": asked},
        {"parentUuid": asked, **common, "type": "assistant", "message": message, "requestId": f"r{said}", "uuid": said},
    ]


def _codex(records: list[Object], question: str, answer: str) -> list[Object]:
    """Add two response items; the order of lines is all there is."""
    time = records[-1]["timestamp"]

    def item(role: str, kind: str, text: str) -> Object:
        payload = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
        return {"timestamp": time, "type": "response_item", "payload": payload}

    return [item("user", "input_text", question), item("assistant", "output_text", answer)]


def _pi(records: list[Object], question: str, answer: str) -> list[Object]:
    """Hang both below the last entry; sessions of the first version have no ids, only an order."""
    last = records[-1]
    asked, said = _id(question)[:8], _id(answer)[:8]
    recorded = next(record["message"] for record in records if record.get("message", {}).get("role") == "assistant")
    message = {**recorded, "content": [{"type": "text", "text": answer}], "stopReason": "stop"}
    user = {"role": "user", "content": question, "timestamp": recorded.get("timestamp", 0)}
    common = {"type": "message", "timestamp": last["timestamp"]}
    if "id" not in last:
        return [{**common, "message": user}, {**common, "message": message}]
    return [
        {**common, "id": asked, "parentId": last["id"], "message": user},
        {**common, "id": said, "parentId": asked, "message": message},
    ]
