"""Who has a session open right now: what Claude Code and Codex leave behind while they run, and open files.

Looked up in the real clients (Claude Code 2.1.330, Codex 0.14x); pi leaves no trace, so that its sessions are
guarded only by the check that nobody wrote to the file.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from cortex_cli.jsonedit import parse

fcntl: ModuleType | None = None
with contextlib.suppress(ImportError):  # not on Windows
    import fcntl

_PROC = Path("/proc")


def find_holder(path: Path) -> str:
    """Name the program that has a session file open; empty where nobody is known to."""
    real = Path(os.path.realpath(path))
    for ask in (_claude_code, _codex, _open_file):
        if holder := ask(real):
            return holder
    return ""


def _claude_code(path: Path) -> str:
    """A running Claude Code writes `sessions/PID.json` with its session id, beside `projects/`."""
    if len(path.parents) < 3 or path.parents[1].name != "projects":
        return ""
    for record in _json_files(path.parents[2] / "sessions"):
        pid = record.get("pid")
        if record.get("sessionId") == path.stem and isinstance(pid, int) and _is_alive(pid):
            return f"Claude Code (process {pid})"
    return ""


def _json_files(folder: Path) -> Iterator[dict[str, Any]]:
    for path in folder.glob("*.json"):
        with contextlib.suppress(OSError, ValueError):  # may be gone or half-written by now
            value = parse(path.read_bytes())
            if isinstance(value, dict):
                yield value


def _is_alive(pid: int) -> bool:
    if pid <= 0 or os.name == "nt":  # there, signal 0 would end the process
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it lives, and belongs to somebody else
    return True


def _codex(path: Path) -> str:
    """A running Codex locks `thread-writer-locks/ID.lock`, beside `sessions/`."""
    if fcntl is None or len(path.parents) < 5 or path.parents[3].name != "sessions":
        return ""
    lock = path.parents[4] / "thread-writer-locks" / f"{path.stem[-36:]}.lock"  # a UUID has 36 characters
    try:
        with lock.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return "Codex"
    except OSError:
        return ""
    return ""


def _open_file(path: Path) -> str:
    """Any other process with the file open; Linux tells, other systems do not."""
    own = str(os.getpid())
    for process in _PROC.glob("[0-9]*") if _PROC.is_dir() else ():
        if process.name == own:
            continue
        with contextlib.suppress(OSError):  # of others we may not look
            if any(_leads_to(link, path) for link in (process / "fd").iterdir()):
                name = (process / "comm").read_text(errors="replace").strip()
                return f"{name} (process {process.name})"
    return ""


def _leads_to(link: Path, path: Path) -> bool:
    with contextlib.suppress(OSError):
        return str(link.readlink()) == str(path)
    return False
