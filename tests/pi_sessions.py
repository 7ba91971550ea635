"""pi sessions written for this project; `CASES` hold what no real session at hand has, to ask the client about."""

from typing import Any

from cortex_cli.jsonedit import encode

SESSION = "019a0000-0000-7000-8000-00000000000b"
START_MS = 1_772_359_200_000
"""2026-03-01T10:00:00Z."""

Object = dict[str, Any]


def session(*entries: Object, version: int | None = 3) -> bytes:
    """Write a session: header, then the entries as a chain, a second apart; what they state themselves holds."""
    header: Object = {"type": "session", "id": SESSION, "timestamp": _time(0), "cwd": "/tmp"}
    if version is not None:
        header["version"] = version
    lines = [header]
    parent = None
    for number, entry in enumerate(entries, start=1):
        links = {"id": f"{number:08x}", "parentId": parent} if version is not None else {}
        body = dict(entry)
        if body.get("type", "message") == "message" and "message" in body:
            body["message"] = {**body["message"], "timestamp": START_MS + number * 1000}
        lines.append({"type": "message", **links, "timestamp": _time(number), **body})
        parent = lines[-1].get("id")
    return b"".join(encode(one) + b"\n" for one in lines)


def _time(number: int) -> str:
    return f"2026-03-01T10:{number // 60:02d}:{number % 60:02d}.000Z"


def typed(text: str, **links: Any) -> Object:
    """Write what the user typed."""
    return {"message": {"role": "user", "content": [{"type": "text", "text": text}]}, **links}


def answered(text: str, *call_ids: str, stop: str = "stop", tokens: int = 0, **links: Any) -> Object:
    """Write an answer with calls of the tool `read`."""
    content: list[Object] = [{"type": "text", "text": text}] if text else []
    content += [{"type": "toolCall", "id": one, "name": "read", "arguments": {"path": f"{one}.py"}} for one in call_ids]
    usage = {"input": tokens, "output": 0, "cacheRead": 0, "cacheWrite": 0, "totalTokens": tokens}
    origin = {"api": "anthropic-messages", "provider": "anthropic", "model": "claude-opus-4-5"}
    stop = "toolUse" if call_ids and stop == "stop" else stop
    return {"message": {"role": "assistant", "content": content, **origin, "usage": usage, "stopReason": stop}, **links}


def result(call_id: str, text: str = "ok", details: Object | None = None, **links: Any) -> Object:
    """Write a tool's result."""
    message = {"role": "toolResult", "toolCallId": call_id, "toolName": "read", "isError": False}
    message["content"] = [{"type": "text", "text": text}]
    return {"message": message if details is None else {**message, "details": details}, **links}


def compaction(summary: str, **members: Any) -> Object:
    """Write a compaction."""
    return {"type": "compaction", "summary": summary, "tokensBefore": 1000, **members}


def bash(output: str, **members: Any) -> Object:
    """Write a command that the user ran himself."""
    message = {"role": "bashExecution", "command": "ls", "output": output, "exitCode": 0, "cancelled": False}
    return {"message": {**message, "truncated": False, **members}}


MODEL = {"type": "model_change", "provider": "anthropic", "modelId": "claude-opus-4-5"}
LEVEL = {"type": "thinking_level_change", "thinkingLevel": "high"}

CASES: dict[str, tuple[bytes, int | None]] = {}


def _case(what: str, *entries: Object, version: int | None = 3) -> None:
    CASES[what] = (session(*entries, version=version), version)


_case(
    "compaction that kept the newest",
    *[typed("one"), answered("first"), typed("two"), answered("second")],
    *[compaction("so far", firstKeptEntryId="00000003"), typed("three"), answered("third")],
)
_case(
    "compaction that kept nothing",
    *[typed("one"), answered("first"), compaction("so far", firstKeptEntryId="ffffffff")],
    *[typed("three"), answered("third")],
)
_case(
    "two compactions",
    *[typed("one"), answered("first"), compaction("once", firstKeptEntryId="00000002"), typed("two")],
    *[answered("second"), compaction("twice", firstKeptEntryId="00000004"), typed("three"), answered("third")],
)
_case(
    "a branch",
    *[MODEL, typed("one"), answered("first"), typed("wrong way"), answered("dead end")],
    {"type": "branch_summary", "fromId": "00000005", "summary": "it was a dead end", "parentId": "00000003"},
    *[typed("two"), answered("second"), {"type": "label", "targetId": "00000004", "label": "here"}],
)
_case(
    "a branch without a summary",
    *[typed("one"), answered("first"), typed("wrong way"), answered("dead end")],
    *[typed("two", parentId="00000002"), answered("second")],
)
_case(
    "entries of extensions",
    {"type": "custom", "customType": "x", "data": {"secret": 1}},
    {"type": "custom_message", "customType": "x", "content": "from a string", "display": True},
    {
        "type": "custom_message",
        "customType": "x",
        "content": [{"type": "text", "text": "from a list"}],
        "display": False,
    },
    *[
        typed("one"),
        answered("first"),
        {"type": "session_info", "name": "mine"},
        LEVEL,
        typed("two"),
        answered("second"),
    ],
)
_case(
    "commands of the user",
    *[typed("one"), answered("first"), bash("a.py"), bash("", cancelled=True), bash("x", exitCode=2)],
    *[bash("secret", excludeFromContext=True), bash("y", truncated=True, fullOutputPath="/tmp/o"), typed("two")],
    answered("second"),
)
_case(
    "failed answers",
    *[typed("one"), answered("half", "c", stop="aborted"), typed("two"), answered("", stop="error"), typed("three")],
    *[answered("", "a", "b"), result("a"), typed("four"), answered("fourth", "d")],
)
_case(
    "thinking",
    typed("one"),
    {
        "message": {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "thinkingSignature": "c2ln"},
                {"type": "thinking", "thinking": "", "thinkingSignature": "ZW5j", "redacted": True},
                {"type": "text", "text": "done"},
                {"type": "toolCall", "id": "a", "name": "read", "arguments": {}, "thoughtSignature": "dGg="},
            ],
            "api": "google",
            "provider": "google",
            "model": "gemini",
            "usage": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 0},
            "stopReason": "toolUse",
        }
    },
    *[result("a", "A"), answered("second")],
)
_case(
    "version 1",
    *[typed("one"), answered("first"), MODEL, typed("two"), answered("second")],
    *[compaction("so far", firstKeptEntryIndex=4), typed("three"), answered("third", "a"), result("a")],
    version=None,
)
_case(
    "version 1, compaction that kept nothing",
    *[typed("one"), answered("first"), compaction("so far", firstKeptEntryIndex=4), typed("three"), answered("third")],
    version=None,
)
_case(
    "version 2",
    {"message": {"role": "hookMessage", "customType": "x", "content": "from a hook", "display": True}},
    *[typed("one"), answered("first"), typed("two"), answered("second")],
    version=2,
)
_case("a parent that is not there", typed("one"), answered("first"), typed("two", parentId="dead0000"), answered("x"))
