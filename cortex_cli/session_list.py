"""What the sessions on this machine hold, how full they are, and what a compaction would save."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cortex_cli import files, formats
from cortex_cli.compaction import compact
from cortex_cli.errors import CortexError
from cortex_cli.formats.source import Source
from cortex_cli.holders import find_holder
from cortex_cli.jsonedit import parse
from cortex_cli.messages import Transcript
from cortex_cli.report import Report
from cortex_cli.sessions import CLIENTS, Client, Session, list_sessions, working_folder
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import BUILTIN
from cortex_cli.tokens import Counter

NANOSECONDS = 1_000_000_000

TITLE_CHARS = 120
"""Longest title; a first request may be a page."""

_TITLE_KEYS = ("customTitle", "aiTitle", "name", "summary")
"""Keys that hold a session's title, the strongest first: what its user called it, what its client did.

Source: the real Claude Code (custom-title, ai-title, summary) and pi (session_info.name); Gemini's `summary`.
"""

_TITLE_RECORD = re.compile(rb'"(?:custom-title|ai-title|session_info)"|"type"\s*:\s*"summary"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One session, looked at."""

    session: Session
    title: str
    """What it is called, else how its user began."""
    project: str
    """The folder it works in."""
    held_by: str
    """The program that has it open; empty where nobody is known to."""
    size_bytes: int
    report: Report | None
    """What compacting it would do; None where it cannot be read."""
    error: str = ""

    @property
    def source(self) -> str:
        """What to type to name it."""
        return f"{self.session.client}:{self.session.id}"

    @property
    def utilization(self) -> float:
        """Share of the window, 0-1 and above."""
        return self.report.input.tokens * self.report.model_scale / self.report.window if self.report else 0.0

    def to_json(self, now_seconds: float) -> dict[str, Any]:
        """Return what `cortex sessions --json` prints; names as in the compaction report."""
        found: dict[str, Any] = {
            "source": self.source,
            "client": self.session.client,
            "id": self.session.id,
            "path": str(self.session.path),
            "title": self.title,
            "project": self.project,
            "age_seconds": round(age_seconds(self.session, now_seconds)),
            "bytes": self.size_bytes,
            "held_by": self.held_by,
            "error": self.error,
        }
        if self.report is not None:
            found |= {
                "messages": self.report.input.messages,
                "tokens": self.report.input.tokens,
                "window": self.report.window,
                "utilization": round(self.utilization, 4),
                "saved_tokens": self.report.saved_tokens,
                "saved_ratio": round(self.report.saved_ratio, 4),
            }
        return found


def age_seconds(session: Session, now_seconds: float) -> float:
    """Return how long ago a session was written to."""
    return max(0.0, now_seconds - session.modified_ns / NANOSECONDS)


def newest_sessions(environment: Mapping[str, str], clients: Sequence[Client] = CLIENTS) -> list[Session]:
    """Return the sessions of these clients, the newest first."""
    found = [session for client in clients for session in list_sessions(client, environment)]
    return sorted(found, key=lambda session: (-session.modified_ns, session.client, session.id))


def list_and_measure(
    sessions: Sequence[Session],
    settings: Settings,
    counter: Counter,
    *,
    is_wanted: Callable[[str], bool] = lambda _: True,
) -> Iterator[Listed]:
    """Look at sessions one after the other, without writing or sending anything.

    Args:
        sessions: In the order wanted.
        settings: What a compaction would run with; the summary is the built-in one whatever they say.
        counter: Counts.
        is_wanted: Told a session's project; false leaves it out, before anything of it is counted.
    """
    offline = replace(settings, summarizer=BUILTIN, archive="", strict=False, max_lost_facts=None)
    for session in sessions:
        listed = _look(session, offline, counter, is_wanted)
        if listed is not None:
            yield listed


def _look(session: Session, settings: Settings, counter: Counter, is_wanted: Callable[[str], bool]) -> Listed | None:
    project, size = "", 0
    try:
        file = files.read_file(str(session.path))
        size = len(file.data)
        project = project_of(session, bytes(file.data))
        if not is_wanted(project):
            return None
        transcript = formats.load(Source(file.data, file.path), settings.format)
        report = compact(transcript, settings, counter=counter).report
    except CortexError as error:
        return _listed(session, size, project, error=str(error))
    title = _name_in_index(session) or title_of(transcript)
    return replace(_listed(session, size, project), title=title, report=report)


def _listed(session: Session, size: int, project: str, error: str = "") -> Listed:
    return Listed(
        session=session,
        title="",
        project=project,
        held_by=find_holder(session.path),
        size_bytes=size,
        report=None,
        error=error,
    )


def project_of(session: Session, data: bytes) -> str:
    """Return the folder that the records name; else what the client's own folder is called."""
    if session.client == "gemini":  # tmp/PROJECT/chats/FILE, the folder's path beside the chats where it is kept
        rooted = session.path.parent.parent / ".project_root"
        return rooted.read_text().strip() if rooted.is_file() else session.path.parent.parent.name
    return working_folder(data) or session.path.parent.name


def _name_in_index(session: Session) -> str:
    """Return what Codex's index of threads calls a session: `session_index.jsonl` in its home, the last line counts."""
    if session.client != "codex":
        return ""
    index = session.path.parents[4] / "session_index.jsonl"  # of sessions/YYYY/MM/DD/FILE
    lines = index.read_bytes().splitlines() if index.is_file() else []
    for raw in reversed(lines):
        value = _object_in(raw) if session.id.encode() in raw else {}
        if value.get("id") == session.id and isinstance(name := value.get("thread_name"), str):
            return " ".join(name.split())[:TITLE_CHARS]
    return ""


def _object_in(raw: bytes) -> dict[str, Any]:
    try:
        value = parse(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def title_of(transcript: Transcript) -> str:
    """Say what a session is about: its own title, else the beginning of the first text that a person typed."""
    found: dict[str, str] = {}
    for record in transcript.records:
        if _TITLE_RECORD.search(record):
            found |= _titles_in(record, transcript)
    title = next((found[key] for key in _TITLE_KEYS if found.get(key)), "")
    typed = next((message.text for message in transcript.messages if message.typed), "")
    return " ".join((title or typed).split())[:TITLE_CHARS]


def _titles_in(record: bytes, transcript: Transcript) -> dict[str, str]:
    """Return the titles that one record gives; a later one wins, an empty one takes it back."""
    value = _object_in(record)
    if value.get("type") not in ("custom-title", "ai-title", "session_info", "summary"):
        return {}
    if value["type"] == "summary" and not _is_about(value.get("leafUuid"), transcript):
        return {}
    return {key: text.strip() for key in _TITLE_KEYS if isinstance(text := value.get(key), str)}


def _is_about(leaf: object, transcript: Transcript) -> bool:
    """Tell whether a summary line names a message of this file: most in old files are of other sessions."""
    if not isinstance(leaf, str) or not leaf:
        return False
    needle = b'"uuid":"' + leaf.encode() + b'"'
    return any(needle in record for record in transcript.records)


def shorten_home(folder: str, home: str) -> str:
    """Write a folder below the user's home with `~`."""
    if home and (folder == home or folder.startswith(home.rstrip("/\\") + "/")):
        return "~" + folder[len(home.rstrip("/\\")) :]
    return folder


def matches_project(project: str, wanted: str) -> bool:
    """Tell whether a session's folder is the one asked for, below it, or named like it."""
    if not wanted:
        return True
    asked = str(Path(wanted).expanduser().absolute())
    return project == asked or project.startswith(asked + "/") or wanted.strip("/") in Path(project).parts
