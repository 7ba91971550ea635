"""A conversation as the raw bytes of agents' trajectories and of data sets, written as their own tools write them.

As in `wire`, whose helpers these share: nothing here knows `cortex_cli.formats`.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from cortex_cli.messages import Message, Part
from tests.wire import Object, json_line, openai_message, result_content, time_of, to_json, user_content


def _text_of(message: Message) -> str:
    """Return all that a message says, results included."""
    return "\n".join(part.text for part in message.parts if part.kind in ("text", "result"))


def tau_bench(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A list of one run."""
    runs: list[Object] = json.loads(before) if before else [{"task_id": 1, "reward": 0.10, "info": {}, "traj": []}]
    runs[0]["traj"] += [openai_message(number, message) for number, message in enumerate(messages)]
    return to_json(runs, indent=1)


def mini_swe_agent(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A trajectory of version 2: calls, and in `extra` what is not sent."""
    return _mini([_mini_entry(number, message) for number, message in enumerate(messages)], before)


def _mini(entries: list[Object], before: bytes) -> bytes:
    empty: Object = {
        "info": {"mini_version": "2.2.7", "cost": 1.10},
        "messages": [],
        "trajectory_format": "mini-swe-agent-1.1",
    }
    document: Object = json.loads(before) if before else empty
    document["messages"] += entries
    return to_json(document, indent=2)


def _mini_entry(number: int, message: Message) -> Object:
    entry = openai_message(number, message)
    stamp = {"timestamp": 1776067032.50 + number}
    if message.role == "tool":
        return {**entry, "extra": {"raw_output": message.parts[0].text + "\n", "returncode": 0, **stamp}}
    if message.role == "assistant":
        return {**entry, "extra": {"response": {"choices": [{"message": entry}]}, "cost": 0.10, **stamp}}
    return entry


def mini_swe_agent_text(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A trajectory whose model acts by text: output comes back as the user."""
    entries: list[Object] = []
    for message in messages:
        role = "user" if message.role == "tool" else message.role
        extra: Object = {"raw_output": _text_of(message), "returncode": 0} if message.role == "tool" else {}
        if message.role == "assistant":
            extra = {"actions": [{"command": part.text} for part in message.calls]}
        entries.append({"role": role, "content": _text_of(message), "extra": extra})
    return _mini(entries, before)


def swe_agent(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A trajectory: the history, and its steps once more."""
    entries = []
    for number, message in enumerate(messages):
        entry = openai_message(number, message)
        if message.role == "tool":
            content = result_content(number, message.parts[0], {"type": "image_url", "image_url": {"url": "x"}})
            entry = {"role": "tool", "content": content, "tool_call_ids": [message.parts[0].call_id]}
        entries.append({**entry, "agent": "main", "message_type": "action" if message.calls else "observation"})
    return _swe(entries, messages, before)


def swe_agent_text(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """The same of a model that acts by text, one action a step."""
    entries: list[Object] = []
    for number, message in enumerate(messages):
        if message.role != "assistant":
            entries.append({"role": "user", "content": _text_of(message), "agent": "primary"})
            continue
        action = f"{message.calls[0].name} {message.calls[0].text}" if message.calls else ""
        content = user_content(0, message)
        entries.append({"role": "assistant", "content": content, "action": action, "agent": "primary", "n": number})
    return _swe(entries, messages, before)


def _swe(entries: list[Object], messages: Sequence[Message], before: bytes) -> bytes:
    empty: Object = {"environment": "swe_main", "trajectory": [], "history": [], "info": {"cost": 1.10}}
    document: Any = json.loads(before) if before else empty
    document["history"] += entries
    document["trajectory"] += [{"observation": _text_of(one), "query": entries[:3]} for one in messages]
    return to_json(document, indent=1)


def sharegpt(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """One conversation with `from` and `value`, in a list; of parallel calls only the first can be written."""
    sets: list[Object] = json.loads(before) if before else [{"conversations": [], "n": 1.10}]
    sets[0]["conversations"] = sets[0]["conversations"] or [{"from": "system", "value": "be brief"}]
    names = {"user": "human", "assistant": "gpt"}
    for who, value in _sharegpt_turns(messages):
        sets[0]["conversations"].append({"from": names.get(who, who), "value": value, "x_unknown": 1.10})
    return to_json(sets, indent=1)


def sharegpt_media(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """One conversation with `role` and `content`, as LLaMA-Factory's sets with media: one, in its first text."""
    document: Object = json.loads(before) if before else {"messages": [], "audios": []}
    document["messages"] = document["messages"] or [{"role": "system", "content": "be brief"}]
    for who, value in _sharegpt_turns(messages):
        mark = "" if document["audios"] else "<audio>"
        document["messages"].append({"role": who, "content": value + mark})
        document["audios"] += ["a.wav"] if mark else []
    return to_json(document)


def _sharegpt_turns(messages: Sequence[Message]) -> Iterator[tuple[str, str]]:
    """Yield (who, what); an empty text says so, as agents do.

    There are no ids: a result away from its call is an observation of nothing.
    """
    for message in messages:
        if message.calls:
            call = message.calls[0]
            yield "function_call", json.dumps({"name": call.name, "arguments": json.loads(call.text)})
        else:
            yield "observation" if message.role == "tool" else message.role, _text_of(message) or "(no output)"


def langchain_dumpd(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """What `dumpd` makes of a list of messages, content as Anthropic's package leaves it."""

    def wrap(body: Object) -> Object:
        name = {"human": "HumanMessage", "ai": "AIMessage", "tool": "ToolMessage"}[body["type"]]
        return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", name], "kwargs": body}

    values = json.loads(before) if before else []
    return to_json([*values, *(wrap(_langchain(number, one)) for number, one in enumerate(messages))], indent=1)


def langchain_dicts(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """What `messages_to_dict` makes of them, in a state, content as OpenAI's package leaves it."""
    document: Object = json.loads(before) if before else {"messages": [], "cost": 1.10}
    for message in messages:
        body = _langchain(0, message)
        if message.calls:
            calls = [openai_message(0, message)["tool_calls"]]
            body |= {"content": message.text, "additional_kwargs": {"tool_calls": calls[0]}}
        document["messages"].append({"type": body["type"], "data": {**body, "name": body.get("name"), "n": 1.10}})
    return to_json(document)


def _langchain(number: int, message: Message) -> Object:
    if message.role == "tool":
        part = message.parts[0]
        content = result_content(number, part, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}})
        status = "error" if part.is_error else "success"
        more = {"tool_call_id": part.call_id, "name": part.name, "status": status, "artifact": {"raw": part.text}}
        return {"content": content, "type": "tool", **more}
    if message.role == "user":
        return {"content": user_content(number, message), "type": "human"}
    blocks = [_langchain_block(part) for part in message.parts]
    calls = [
        {"name": part.name, "args": json.loads(part.text), "id": part.call_id, "type": "tool_call"}
        for part in message.calls
    ]
    return {"content": blocks, "type": "ai", "tool_calls": calls, "invalid_tool_calls": []}


def _langchain_block(part: Part) -> Object:
    if part.kind == "thinking":
        return {"type": "thinking", "thinking": part.text, "signature": "c2ln"}
    if part.kind == "call":
        return {"type": "tool_use", "id": part.call_id, "name": part.name, "input": json.loads(part.text)}
    if part.kind == "opaque":
        return dict(json.loads(part.text))
    return {"type": "text", "text": part.text}


def atif(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A trajectory; a result without a call in the step before it cannot be written."""
    empty: Object = {
        "schema_version": "ATIF-v1.7",
        "session_id": "s",
        "agent": {"name": "a", "version": "1"},
        "steps": [],
    }
    document: Object = json.loads(before) if before else {**empty, "final_metrics": {"total_steps": 0}}
    steps: list[Object] = document["steps"]
    for number, message in enumerate(messages):
        if message.role == "tool":
            _atif_result(number, message.parts[0], steps[-1] if steps else {})
            continue
        step: Object = {"step_id": len(steps) + 1, "timestamp": time_of(number)}
        step |= {"source": "user" if message.role == "user" else "agent", "message": message.text}
        if thoughts := [part.text for part in message.parts if part.kind == "thinking"]:
            step["reasoning_content"] = thoughts[0]
        if message.calls:
            step["tool_calls"] = [_atif_call(part) for part in message.calls]
        steps.append({**step, "extra": {"n": 1.10}})
    document["final_metrics"]["total_steps"] = len(steps)
    return to_json(document, indent=2)


def _atif_call(part: Part) -> Object:
    return {"tool_call_id": part.call_id, "function_name": part.name, "arguments": json.loads(part.text)}


def _atif_result(number: int, part: Part, step: Object) -> None:
    if not any(call["tool_call_id"] == part.call_id for call in step.get("tool_calls", ())):
        return
    image = {"type": "image", "source": {"media_type": "image/png", "path": "a.png"}}
    result = {"source_call_id": part.call_id, "content": result_content(number, part, image)}
    raw = {"tool_result_metadata": {"raw_tool_result": part.text}}
    step.setdefault("observation", {"results": []})["results"].append({**result, "extra": raw})


def openhands(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """Events of the SDK, one a line: every call and every result is one of its own."""
    start = before.count(b"\n") * 1000
    events: list[Object] = []
    for message in messages:
        answer = f"resp_{start + len(events)}"
        for body in _openhands_bodies(message, answer):
            number = start + len(events)
            stamp = f"2026-01-21T20:{number // 60 % 60:02d}:{number % 60:02d}.75{number // 3600:04d}"
            events.append({"id": f"{number:08x}-0000-4000-8000-000000000001", "timestamp": stamp, **body})
    return before + b"".join(map(json_line, events))


def _openhands_bodies(message: Message, answer: str) -> Iterator[Object]:
    texts = [
        {"cache_prompt": False, "type": "text", "text": part.text} for part in message.parts if part.kind == "text"
    ]
    if message.role == "tool":
        part = message.parts[0]
        content: list[Object] = [{"type": "text", "text": part.text}]
        content += [{"type": "image", "image_urls": ["data:image/png;base64,AA"]}] if part.media else []
        seen = {"content": content, "is_error": part.is_error, "kind": "ThinkObservation"}
        names: Object = {"tool_name": part.name, "tool_call_id": part.call_id}
        yield {"source": "environment", **names, "observation": seen, "action_id": "x", "kind": "ObservationEvent"}
        return
    blocks = [
        {"type": "thinking", "thinking": part.text, "signature": "c2ln"}
        for part in message.parts
        if part.kind == "thinking"
    ]
    if not message.calls:
        said = {"role": message.role, "content": texts, "thinking_blocks": blocks}
        source = "user" if message.role == "user" else "agent"
        yield {"source": source, "llm_message": said, "activated_skills": [], "kind": "MessageEvent"}
    for number, part in enumerate(message.calls):
        first = {"thought": [] if number else texts, "thinking_blocks": [] if number else blocks}
        call = {"id": part.call_id, "name": part.name, "arguments": part.text, "origin": "completion"}
        names = {"tool_name": part.name, "tool_call_id": part.call_id, "tool_call": call, "llm_response_id": answer}
        yield {
            "source": "agent",
            **first,
            "action": {"kind": "ThinkAction", "thought": part.text},
            **names,
            "kind": "ActionEvent",
        }


def openhands_v0(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """Events of the older server, in a list."""
    events: list[Object] = json.loads(before) if before else []
    homes: dict[str, int] = {}
    for message in messages:
        for part in message.parts:
            event = _openhands_v0(message, part, homes)
            if event:
                number = max((event["id"] for event in events), default=0) + 1
                homes |= {part.call_id: number} if part.kind == "call" else {}
                events.append({"id": number, "timestamp": f"2025-01-01T00:00:{number % 60:02d}.5", **event, "n": 1.10})
    return to_json(events, indent=1)


def openhands_v0_answers(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """The same with what the model answered beside each event that came of it, and events that no agent sees."""
    events: list[Object] = json.loads(before) if before else []
    homes: dict[str, tuple[int, Object]] = {}
    for message in messages:
        calls = [
            {"id": part.call_id, "type": "function", "function": {"name": part.name, "arguments": part.text}}
            for part in message.calls
        ]
        answer: Object = {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": calls}}]}
        answer = {"id": f"response_{len(events)}", **answer}
        for part in message.parts:
            event = _openhands_v0(message, part, {key: number for key, (number, _) in homes.items()})
            number = max((event["id"] for event in events), default=-1) + 1
            homes |= {part.call_id: (number, answer)} if part.kind == "call" else {}
            if part.kind in ("call", "result") and part.call_id in homes:
                names = {
                    "tool_call_id": part.call_id,
                    "function_name": part.name,
                    "total_calls_in_response": len(calls),
                }
                event["tool_call_metadata"] = {**names, "model_response": homes[part.call_id][1]}
            events.append({"id": number, "timestamp": f"2025-01-01T00:00:{number % 60:02d}.5", **event, "n": 1.10})
    return to_json(events, indent=1)


def _openhands_v0(message: Message, part: Part, homes: dict[str, int]) -> Object:
    if part.kind == "result":
        seen = {"observation": "error" if part.is_error else "run", "content": part.text, "extras": {"raw": part.text}}
        return {"source": "agent", **seen, "cause": homes.get(part.call_id, 0)}
    if part.kind == "call":
        return {"source": "agent", "action": part.name, "args": {**json.loads(part.text), "thought": ""}}
    if part.kind == "text":
        source = "user" if message.role == "user" else "agent"
        return {"source": source, "action": "message", "args": {"content": part.text, "wait_for_response": False}}
    extras = {"agent_state": "running"}
    return {"source": "environment", "observation": "agent_state_changed", "content": "", "extras": extras}


def inspect_log(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A log of one sample: long texts as attachments, all of them once more in an event."""
    sample: Object = {"id": 1, "epoch": 1, "input": "x", "target": "", "messages": [], "events": [], "attachments": {}}
    log: Object = {"version": 2, "status": "success", "eval": {"model": "m", "n": 1.10}, "samples": [sample]}
    log = json.loads(before) if before else log
    sample = log["samples"][0]
    written = [_inspect(number, message, sample["attachments"]) for number, message in enumerate(messages)]
    sample["messages"] += written
    sample["events"].append(
        {"event": "model", "input": [_text_of(message) for message in messages], "tools": [{"name": "f"}]}
    )
    return to_json(log, indent=1)


def _inspect(number: int, message: Message, attachments: Object) -> Object:
    value: Object = {"role": message.role, "content": user_content(number, message), "n": 1.10}
    if message.role == "tool":
        part = message.parts[0]
        content = result_content(number, part, {"type": "image", "image": "data:image/png;base64,AA"})
        if isinstance(content, str) and len(content) > 500:
            key = f"{len(attachments):032x}"
            attachments[key] = content
            content = f"attachment://{key}"
        error = {"error": {"type": "unknown", "message": "x"}} if part.is_error else {}
        return {**value, "content": content, "tool_call_id": part.call_id, "function": part.name, **error}
    if message.role == "assistant":
        thoughts = [
            {"type": "reasoning", "reasoning": part.text, "signature": "s"}
            for part in message.parts
            if part.kind == "thinking"
        ]
        value["content"] = [
            *thoughts,
            *({"type": "text", "text": part.text} for part in message.parts if part.kind == "text"),
        ]
        value["tool_calls"] = [
            {"id": part.call_id, "function": part.name, "arguments": json.loads(part.text)} for part in message.calls
        ]
    return value
