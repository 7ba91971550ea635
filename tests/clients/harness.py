"""Resume a session in the real agent, without network, and see what it would send: the truth about a file.

The agent runs in a home folder of its own against a server on loopback. What differs between the agents
(where a session lies, how it is resumed) is one `Prepare` function each: `claude_code.py`, `codex.py`, `pi.py`,
`gemini.py`.
"""

import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from tests.clients.server import serving

PROMPT = "ping from the resume check"
TIMEOUT_SECONDS = 120

CACHE = Path(os.environ.get("CLIENTS") or Path.home() / ".cache" / "agent-clients")
"""Where `install.py` put the clients."""


class Room(NamedTuple):
    """What one run has to itself."""

    home: Path
    work: Path
    """The agent's working directory, inside `home`."""
    port: int
    """Of the server on loopback."""


class Launch(NamedTuple):
    """How to start the agent; the session already lies where it looks for it."""

    command: list[str]
    env: dict[str, str]


Prepare = Callable[[bytes, Room], Launch]


class Block(NamedTuple):
    """One piece of what was sent."""

    role: str
    kind: str
    """text, thinking, call, result, media, or the API's own name."""
    id: str
    """Joins a call with its result."""
    text: str
    """Text, thinking, compact JSON arguments (keys sorted), or a result's texts joined by newlines."""


@dataclass(frozen=True)
class Request:
    """The longest request that the agent sent: the history as it read it."""

    body: dict[str, Any]
    prompt_sent: bool
    output: str
    """The end of what the agent printed, for a failed run."""

    @cached_property
    def blocks(self) -> list[Block]:
        """Everything in it, in order."""
        return list(_blocks(self.body))

    @property
    def text(self) -> str:
        """All texts and results, to look for something in."""
        return "\n".join(block.text for block in self.blocks)

    @property
    def characters(self) -> int:
        """Size of what was sent, to compare one run with another."""
        return sum(len(block.text) for block in self.blocks)

    def problems(self) -> list[str]:
        """Say what is wrong with the history: unpaired calls, a wrong start, thinking out of place."""
        if not self.body:
            return [f"no request: {self.output}"]
        found = [] if self.prompt_sent else ["the prompt was not sent"]
        return [*found, *_unpaired(self.blocks), *_misplaced(self.body), *_reasoning_alone(self.body)]


def resume(prepare: Prepare, session: bytes) -> Request:
    """Resume a session and return what the agent sent."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as root, serving() as server:
        home = Path(root) / "home"
        work = home / "work"
        work.mkdir(parents=True)
        room = Room(home, work, server.port)
        run = run_client(prepare(session, room), room)
        # an agent may compact a long history first, or ask for a title: the longest request is what it read
        body = max(server.bodies, key=lambda body: len(list(_blocks(body))), default={})
        sent = any(PROMPT in json.dumps(body) for body in server.bodies)
        return Request(body, sent, (run.stderr or run.stdout).strip()[-500:])


def run_client(launch: Launch, room: Room) -> subprocess.CompletedProcess[str]:
    """Run the agent to its end."""
    env = {
        "PATH": f"{os.environ['PATH']}{os.pathsep}{CACHE / 'py/bin'}",
        "HOME": str(room.home),
        "LANG": "C.UTF-8",
        **launch.env,
    }
    return subprocess.run(
        launch.command,
        cwd=room.work,
        env=env,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def _blocks(body: dict[str, Any]) -> Iterator[Block]:
    for item in body.get("input") or []:
        yield from _response_item(item)
    for content in body.get("contents") or []:
        yield from (_content_part(content["role"], part) for part in content["parts"])
    for message in body.get("messages") or []:
        if message["role"] == "tool":
            yield Block("tool", "result", message["tool_call_id"], _text(message.get("content")))
            continue
        for part in _list(message.get("content")):
            yield _content_block(message["role"], part)
        for call in message.get("tool_calls") or []:
            yield Block("assistant", "call", call["id"], _arguments(call["function"]["arguments"]))


def _response_item(item: dict[str, Any]) -> Iterator[Block]:
    kind = item.get("type", "message")
    if kind in ("function_call", "custom_tool_call"):
        yield Block("assistant", "call", item["call_id"], item.get("arguments") or item.get("input") or "")
    elif kind in ("function_call_output", "custom_tool_call_output"):
        yield Block("tool", "result", item["call_id"], _text(item.get("output")))
    elif kind == "message":
        yield Block(item["role"], "text", "", _text(item.get("content")))
    else:
        yield Block("assistant", kind, item.get("id") or "", json.dumps(item))


def _content_part(role: str, part: dict[str, Any]) -> Block:
    if call := part.get("functionCall"):
        return Block("assistant", "call", call["id"], _arguments(call["args"]))
    if answer := part.get("functionResponse"):
        return Block("tool", "result", answer["id"], _arguments(answer["response"]))
    kind = "thinking" if part.get("thought") else "text" if "text" in part else "media"
    return Block("assistant" if role == "model" else role, kind, "", part.get("text", ""))


def _content_block(role: str, part: dict[str, Any]) -> Block:
    kind = part.get("type", "text")
    if kind == "tool_use":
        return Block(role, "call", part["id"], _arguments(part["input"]))
    if kind == "tool_result":
        return Block(role, "result", part["tool_use_id"], _text(part.get("content")))
    if kind == "thinking":
        return Block(role, "thinking", part.get("signature", ""), part["thinking"])
    if kind in ("image", "image_url", "document"):
        return Block(role, "media", "", kind)
    return Block(role, kind, "", part.get("text", ""))


def _arguments(value: Any) -> str:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _list(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content or []


def _text(content: Any) -> str:
    return "\n".join(part["text"] for part in _list(content) if isinstance(part.get("text"), str))


def _unpaired(blocks: list[Block]) -> list[str]:
    open_calls: Counter[str] = Counter()
    found = []
    for block in blocks:
        if block.kind == "call":
            open_calls[block.id] += 1
        elif block.kind == "result":
            if not open_calls[block.id]:
                found.append(f"result {block.id} has no open call")
            open_calls[block.id] -= 1
    return found + [f"call {call_id} has no result" for call_id, left in open_calls.items() if left > 0]


def _misplaced(body: dict[str, Any]) -> list[str]:
    messages = [message for message in body.get("messages") or [] if message["role"] not in ("system", "developer")]
    found = []
    if messages and messages[0]["role"] != "user":
        found.append(f"the first message is from the {messages[0]['role']}")
    for message in messages:
        kinds = [part.get("type") for part in _list(message.get("content"))]
        thoughts = [i for i, kind in enumerate(kinds) if kind in ("thinking", "redacted_thinking")]
        if thoughts and thoughts[-1] == len(kinds) - 1:
            found.append("a message ends in thinking")
        if thoughts and "tool_use" in kinds and thoughts[0] > kinds.index("tool_use"):
            found.append("a tool use stands before the thinking")
    return found


_REASONED = {"reasoning", "message", "function_call", "custom_tool_call"} | {
    "web_search_call",
    "local_shell_call",
    "tool_search_call",
}


def _reasoning_alone(body: dict[str, Any]) -> list[str]:
    items = body.get("input") or []
    found = []
    for here, after in pairwise([*items, {"type": "nothing"}]):
        kind = after.get("type", "message")
        by_user = kind == "message" and after.get("role") != "assistant"
        if here.get("type") == "reasoning" and (kind not in _REASONED or by_user):
            found.append(f"reasoning followed by {after.get('role', '')} {kind}")
    return found
