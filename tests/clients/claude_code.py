"""How Claude Code is started on a session of ours."""

import re
from pathlib import Path

from tests.clients.harness import CACHE, PROMPT, Launch, Room

_MODEL = re.compile(rb'"model": ?"(claude-[^"]+)"')
_SESSION = re.compile(rb'"sessionId": ?"([0-9a-fA-F-]{36})"')

DEFAULT_MODEL = "claude-sonnet-4-5"


def find_binary() -> Path | None:
    """Return the installed client, or None."""
    return next(CACHE.glob("py/lib/*/site-packages/claude_agent_sdk/_bundled/claude"), None)


def prepare(session: bytes, room: Room) -> Launch:
    """Put a session where Claude Code looks for it.

    The session's own model is asked, since thinking is sent back only to the model that signed it.
    """
    found = _SESSION.search(session)
    assert found is not None, "the session names no id"
    session_id = found[1].decode()
    models = _MODEL.findall(session)
    folder = room.home / ".claude/projects" / re.sub(r"[^A-Za-z0-9-]", "-", str(room.work))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{session_id}.jsonl").write_bytes(session)
    model = models[-1].decode() if models else DEFAULT_MODEL
    command = [str(find_binary()), "-p", "--resume", session_id, PROMPT, "--output-format", "json", "--model", model]
    env = {
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{room.port}",
        "ANTHROPIC_API_KEY": "none",
        "DISABLE_TELEMETRY": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "DISABLE_AUTO_COMPACT": "1",
    }
    return Launch(command, env)
