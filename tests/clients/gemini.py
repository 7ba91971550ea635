"""How the Gemini CLI is started on a session of ours."""

import hashlib
import json
from pathlib import Path

from tests.clients.harness import CACHE, PROMPT, Launch, Room

SCRIPT = CACHE / "npm/node_modules/@google/gemini-cli/bundle/gemini.js"

MODEL = "gemini-2.5-flash"
"""Named, so that the client asks no model which model to ask."""

SETTINGS = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "general": {"enableAutoUpdate": False, "sessionRetention": {"enabled": False}},
    "privacy": {"usageStatisticsEnabled": False},
}


def find_binary() -> Path | None:
    """Return the installed client, or None."""
    return SCRIPT if SCRIPT.exists() else None


def prepare(session: bytes, room: Room, *, name: str = "", wanted: str = "latest") -> Launch:
    """Put a session into the folder of its project, which the header has to name.

    Args:
        session: Its bytes.
        room: Where the client runs.
        name: Of the file.
        wanted: What is resumed: the session's id, or the newest.
    """
    home = room.home / ".gemini"
    chats = home / "tmp/work/chats"
    chats.mkdir(parents=True)
    (home / "settings.json").write_text(json.dumps(SETTINGS))
    (home / "projects.json").write_text(json.dumps({"projects": {str(room.work): "work"}}))
    for folder in (home / "tmp/work", home / "history/work"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".project_root").write_text(str(room.work))
    project = hashlib.sha256(str(room.work).encode()).hexdigest()
    is_document = session.lstrip().startswith(b"{\n")
    name = name or f"session-2026-01-02T00-00-5e55101d.{'json' if is_document else 'jsonl'}"
    (chats / name).write_bytes(session.replace(b"0" * 64, project.encode(), 1))
    command = ["node", str(SCRIPT), "--model", MODEL, "--resume", wanted, "--prompt", PROMPT]
    address = f"http://127.0.0.1:{room.port}"
    env = {"GEMINI_API_KEY": "none", "GOOGLE_GEMINI_BASE_URL": address, "GEMINI_CLI_TRUST_WORKSPACE": "true"}
    return Launch(command, {**env, "NO_PROXY": "127.0.0.1"})
