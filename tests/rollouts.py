"""Codex rollouts written for this project; `CASES` hold what no real session at hand has, to ask the client about."""

from typing import Any

from cortex_cli.jsonedit import encode

SESSION = "0199aaaa-0000-7000-8000-000000000001"

Line = dict[str, Any]


def rollout(*lines: Line) -> bytes:
    """Write a rollout: header, then the lines, a second apart."""
    meta = {"id": SESSION, "timestamp": "2026-03-01T10:00:00.000Z", "cwd": "/tmp", "originator": "codex_cli_rs"}
    meta |= {"cli_version": "0.130.0", "source": "cli", "model_provider": "openai"}
    numbered = enumerate([line("session_meta", meta), *lines])
    return b"".join(encode({"timestamp": _time(number), **one}) + b"\n" for number, one in numbered)


def _time(number: int) -> str:
    return f"2026-03-01T10:{number // 60:02d}:{number % 60:02d}.000Z"


def line(kind: str, payload: Line) -> Line:
    """Write a line of any type."""
    return {"type": kind, "payload": payload}


def item(kind: str, **members: Any) -> Line:
    """Write a line with a response item."""
    return line("response_item", {"type": kind, **members})


def event(kind: str, **members: Any) -> Line:
    """Write a line with an event."""
    return line("event_msg", {"type": kind, **members})


def said(text: str, role: str = "user") -> Line:
    """Write what somebody said, as an item alone."""
    kind = "output_text" if role == "assistant" else "input_text"
    return item("message", role=role, content=[{"type": kind, "text": text}])


def called(call_id: str, output: str | None = "ok", *, name: str = "shell") -> list[Line]:
    """Write a call and its output, if it has one."""
    call = item("function_call", name=name, arguments='{"command":["ls"]}', call_id=call_id)
    if output is None:
        return [call]
    return [call, item("function_call_output", call_id=call_id, output=output)]


def turn(number: int, *lines: Line) -> list[Line]:
    """Write a turn with the events around it that newer clients write."""
    turn_id = f"turn-{number}"
    context = {"turn_id": turn_id, "cwd": "/tmp", "approval_policy": "never", "model": "gpt-5", "summary": "auto"}
    context["sandbox_policy"] = {"type": "read-only"}
    return [
        event("task_started", turn_id=turn_id, model_context_window=272000),
        line("turn_context", context),
        *lines,
        event("task_complete", turn_id=turn_id, last_agent_message=None),
    ]


def typed(text: str) -> list[Line]:
    """Write what the user typed, with the event that tells of it."""
    return [said(text), event("user_message", message=text, images=[])]


ENVIRONMENT = said("<environment_context>\n  <cwd>/tmp</cwd>\n</environment_context>")
RULES = said("# AGENTS.md instructions for /tmp\n\n<INSTRUCTIONS>\nBe brief.\n</INSTRUCTIONS>")
DEVELOPER = said("<permissions instructions>\nread only\n</permissions instructions>", "developer")


def compacted(*history: Line, message: str = "") -> Line:
    """Write a compaction that states the history from then on."""
    return line("compacted", {"message": message, "replacement_history": [one["payload"] for one in history]})


SUMMARY = (
    "Another language model started to solve this problem and produced a summary of its thinking process. You also"
    " have access to the state of the tools that were used by that language model.\nWe did it."
)

REASONING = item("reasoning", summary=[{"type": "summary_text", "text": "hm"}], content=None, encrypted_content="gAAA")

CHECKPOINT = compacted(RULES, said("one"), said(SUMMARY))

CASES: dict[str, list[Line]] = {
    "replacement history": [
        *turn(1, RULES, *typed("one"), *called("a"), said("first", "assistant")),
        compacted(DEVELOPER, RULES, said("one"), said("[cortex: 3 earlier messages (~9 tokens) removed to fit]")),
        *turn(2, *typed("two"), REASONING, *called("b"), said("second", "assistant")),
    ],
    "compaction without history": [
        *turn(1, RULES, *typed("one"), *called("a"), said("first", "assistant")),
        line("compacted", {"message": SUMMARY}),
        *turn(2, *typed("two"), *called("b"), said("second", "assistant")),
    ],
    "compaction without history, long words": [
        *turn(1, RULES, *typed("early " * 9000), *typed("late " * 10000), said("first", "assistant")),
        line("compacted", {"message": SUMMARY}),
        *turn(2, *typed("two"), said("second", "assistant")),
    ],
    "compaction twice": [
        *turn(1, RULES, *typed("one"), said("first", "assistant")),
        line("compacted", {"message": SUMMARY}),
        *turn(2, *typed("two"), said("second", "assistant")),
        compacted(RULES, said("two"), said(SUMMARY), message=SUMMARY),
        *turn(3, *typed("three"), *called("c")),
    ],
    "rollback": [
        *turn(1, RULES, *typed("one"), *called("a"), said("first", "assistant")),
        *turn(2, *typed("two"), said("second", "assistant")),
        *turn(3, ENVIRONMENT, *typed("three"), said("third", "assistant")),
        event("thread_rolled_back", num_turns=1),
        *turn(4, *typed("four"), said("fourth", "assistant")),
    ],
    "rollback of part of a turn": [
        *turn(1, RULES, *typed("one"), said("first", "assistant")),
        *turn(2, *typed("two"), said("second", "assistant"), *typed("more"), said("further", "assistant")),
        event("thread_rolled_back", num_turns=1),
        *turn(4, *typed("four"), said("fourth", "assistant")),
    ],
    "rollback of all": [
        *turn(1, DEVELOPER, RULES, *typed("one"), said("first", "assistant")),
        event("thread_rolled_back", num_turns=9),
        *turn(4, *typed("four"), said("fourth", "assistant")),
    ],
    "rollback of a turn with a compaction": [
        *turn(1, RULES, *typed("one"), *called("a"), said("first", "assistant")),
        *turn(2, *typed("two"), CHECKPOINT, said("second", "assistant")),
        event("thread_rolled_back", num_turns=1),
        *turn(3, *typed("three"), said("third", "assistant")),
    ],
    "rollback behind a compaction": [
        *turn(1, RULES, *typed("one"), said("first", "assistant")),
        *turn(2, *typed("two"), CHECKPOINT, said("second", "assistant")),
        *turn(3, *typed("three"), said("third", "assistant")),
        event("thread_rolled_back", num_turns=1),
        *turn(4, *typed("four"), said("fourth", "assistant")),
    ],
    "rollback past a compaction": [
        *turn(1, RULES, *typed("one"), said("first", "assistant")),
        *turn(2, *typed("two"), said("second", "assistant")),
        compacted(RULES, said("one"), said("two"), said(SUMMARY)),
        *turn(3, *typed("three"), said("third", "assistant")),
        event("thread_rolled_back", num_turns=2),
        *turn(4, *typed("four"), said("fourth", "assistant")),
    ],
    "compaction at the end of a turn, rollback of the next": [
        *turn(1, RULES, *typed("one"), said("first", "assistant"), CHECKPOINT),
        *turn(2, *typed("two"), said("second", "assistant")),
        event("thread_rolled_back", num_turns=1),
        *turn(3, *typed("three"), said("third", "assistant")),
    ],
    "compaction and rollback without signs of turns": [
        *[RULES, *typed("one"), said("first", "assistant"), CHECKPOINT, said("x", "assistant")],
        *[*typed("two"), said("second", "assistant"), event("thread_rolled_back", num_turns=1)],
        *[*typed("three"), said("third", "assistant")],
    ],
    "items of all kinds": [
        *turn(
            1,
            DEVELOPER,
            said("never sent", "system"),
            item("ghost_snapshot", ghost_commit={"id": "a", "parent": None}),
            *typed("one"),
            REASONING,
            item("custom_tool_call", status="completed", call_id="p", name="apply_patch", input="*** Begin Patch"),
            item("custom_tool_call_output", call_id="p", output='{"output":"Done","metadata":{"exit_code":0}}'),
            item("web_search_call", status="completed", action={"type": "search", "query": "x"}),
            said("found", "assistant"),
            item("local_shell_call", call_id="l", status="completed", action={"type": "exec", "command": ["ls"]}),
            item("function_call_output", call_id="l", output="a.py"),
            item("tool_search_call", call_id="t", execution="client", status="completed", arguments={"query": "db"}),
            item("tool_search_output", call_id="t", execution="client", status="completed", tools=[]),
            item("function_call", name="view_image", arguments="{}", call_id="v"),
            item("function_call_output", call_id="v", output=[{"type": "input_text", "text": "seen"}]),
            said("done", "assistant"),
        )
    ],
    "parallel and interleaved calls": [
        *turn(
            1,
            *typed("one"),
            *called("a", None),
            *called("b", None),
            item("function_call_output", call_id="b", output="B"),
            *called("c", None),
            item("function_call_output", call_id="a", output="A"),
            item("function_call_output", call_id="c", output="C"),
            said("done", "assistant"),
        )
    ],
    "header twice": [
        *turn(1, *typed("one"), *called("a"), said("first", "assistant")),
        line("session_meta", {"id": SESSION, "timestamp": "2026-03-01T10:00:00.000Z", "cwd": "/srv"}),
        *turn(2, *typed("two"), said("second", "assistant")),
    ],
    "another agent": [
        *turn(
            1,
            *typed("one"),
            item("agent_message", author="/root/a", recipient="/root", content=[{"type": "input_text", "text": "hi"}]),
        ),
        *turn(2, *typed("two"), said("second", "assistant")),
    ],
}
"""What happened -> lines behind the header."""
