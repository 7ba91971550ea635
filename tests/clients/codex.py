"""How Codex is started on a session of ours."""

import json
import re
import subprocess
from pathlib import Path

from tests.clients.harness import CACHE, PROMPT, Launch, Room

BINARY = CACHE / "npm/node_modules/.bin/codex"

PROVIDER = "local"
"""Our server; the provider of a recorded thread cannot be changed on resume, so the copy of a session names it."""


def find_binary() -> Path | None:
    """Return the installed client, or None."""
    return BINARY if BINARY.exists() else None


def configure(room: Room) -> dict[str, str]:
    """Let the client use our server, and ask for nothing; return the environment it needs."""
    folder = room.home / ".codex"
    folder.mkdir(exist_ok=True)
    lines = [
        'model = "gpt-5"',
        f'model_provider = "{PROVIDER}"',
        'approval_policy = "never"',
        f"[model_providers.{PROVIDER}]",
        f'name = "{PROVIDER}"',
        f'base_url = "http://127.0.0.1:{room.port}/v1"',
        'wire_api = "responses"',
        'env_key = "LOCAL_KEY"',
        "[analytics]",
        "enabled = false",
    ]
    (folder / "config.toml").write_text("\n".join(lines) + "\n")
    subprocess.run(["git", "init", "-q", str(room.work)], check=True)
    return {"LOCAL_KEY": "none"}


def command(*words: str) -> list[str]:
    """Return the words that start one turn."""
    return [str(BINARY), "exec", "--skip-git-repo-check", *words]


def prepare(session: bytes, room: Room) -> Launch:
    """Put a rollout where Codex looks for it, under the time and id that it states."""
    meta = next(
        value["payload"]
        for value in map(_parse, session.split(b"\n"))
        if isinstance(value, dict) and value.get("type") == "session_meta"
    )
    stamp = meta["timestamp"][:19].replace(":", "-")
    folder = room.home / ".codex/sessions" / stamp[:4] / stamp[5:7] / stamp[8:10]
    folder.mkdir(parents=True)
    named = re.sub(rb'"model_provider": ?"[^"]*"', f'"model_provider":"{PROVIDER}"'.encode(), session)
    (folder / f"rollout-{stamp}-{meta['id']}.jsonl").write_bytes(named)
    return Launch(command("resume", meta["id"], PROMPT), configure(room))


def _parse(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None
