"""How pi is started on a session of ours."""

import json
from pathlib import Path

from tests.clients.harness import CACHE, PROMPT, Launch, Room

SCRIPT = CACHE / "npm/node_modules/@earendil-works/pi-coding-agent/dist/cli.js"

WINDOW = 200_000
"""Of the model that our server plays: pi compacts a session by itself that it takes for larger."""


def find_binary() -> Path | None:
    """Return the installed client, or None."""
    return SCRIPT if SCRIPT.exists() else None


def prepare(session: bytes, room: Room, *, window: int = WINDOW) -> Launch:
    """Put a session into the working directory that its header has to name."""
    head, rest = session.split(b"\n", 1)
    header = {**json.loads(head), "cwd": str(room.work)}
    path = room.work / "session.jsonl"
    path.write_bytes(json.dumps(header, separators=(",", ":")).encode() + b"\n" + rest)
    return Launch(configure(room, path, window), {})


def configure(room: Room, path: Path, window: int = WINDOW) -> list[str]:
    """Let the client use our server; return the command that resumes the session at `path`."""
    model = {"id": "m1", "name": "m1", "reasoning": False, "input": ["text", "image"], "contextWindow": window}
    model |= {"maxTokens": 4096, "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}}
    provider = {"baseUrl": f"http://127.0.0.1:{room.port}/v1", "apiKey": "none", "api": "openai-completions"}
    (room.home / ".pi/agent").mkdir(parents=True, exist_ok=True)
    models = {"providers": {"local": {**provider, "models": [model]}}}
    (room.home / ".pi/agent/models.json").write_text(json.dumps(models))
    return ["node", str(SCRIPT), "-p", "--session", str(path), "--provider", "local", "--model", "m1", PROMPT]
