"""A client's own sessions as the source of a batch: found by name, those in use left alone."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from cortex_cli.batch.plan import Place, Plan
from cortex_cli.errors import OptionError
from cortex_cli.files import is_product
from cortex_cli.holders import find_holder
from cortex_cli.session_list import matches_project, project_of
from cortex_cli.sessions import Client, Session, home_of, list_sessions

RECENT_SECONDS = 600
"""A session that was written to since may be open in a client that leaves no trace. Ours: a long tool call's time."""

NANOSECONDS = 1_000_000_000

_UNITS = {"s": 1, "min": 60, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)\Z")


def parse_age(text: str) -> float:
    """Read an age like `7d`, `12h`, `30min`, `2w`.

    Returns:
        Seconds.

    Raises:
        OptionError: It is none.
    """
    match = _AGE.match(text.strip().lower())
    if match is None:
        raise OptionError(f"{text!r} is no age", where="--older-than", hint="write 7d, 12h, 30min or 2w")
    return float(match[1]) * _UNITS[match[2]]


def state_folder(environment: Mapping[str, str]) -> Path:
    """Return where manifests stand that have no place beside the results: of clients' folders, and of stores."""
    if moved := environment.get("XDG_STATE_HOME"):
        base = Path(moved)
    elif local := environment.get("LOCALAPPDATA"):
        base = Path(local)
    else:
        base = Path(environment.get("HOME") or "~").expanduser() / ".local" / "state"
    return base / "cortex" / "batch"


def place_of(
    client: Client, environment: Mapping[str, str], output: Path | None, *, in_place: bool, force: bool, fork: bool
) -> Place:
    """Return where a batch over a client's sessions reads and writes."""
    manifest = output if output is not None else state_folder(environment) / client.name if in_place or fork else None
    root = home_of(client, environment)
    return Place(root, output, in_place, force, fork=fork, homes=environment, manifest=manifest)


def plan_home(
    client: Client,
    environment: Mapping[str, str],
    *,
    now_seconds: float,
    older_than_seconds: float = 0.0,
    project: str = "",
) -> Plan:
    """Find a client's sessions that may be worked on.

    Args:
        client: Whose.
        environment: For its home.
        now_seconds: Since 1970.
        older_than_seconds: Since the last writing, at least.
        project: Only sessions of this folder: a path, or a name in it; empty: all.
    """
    sessions = [one for one in list_sessions(client, environment) if not is_product(one.path.name)]
    chosen: list[Path] = []
    busy: list[tuple[Path, str]] = []
    for session in sorted(sessions, key=lambda one: one.path):
        age = now_seconds - session.modified_ns / NANOSECONDS
        if age < older_than_seconds or not _is_of(session, project):
            continue
        if reason := _in_use(session.path, age):
            busy.append((session.path, reason))
        else:
            chosen.append(session.path)
    return Plan(tuple(chosen), (), tuple(busy))


def _is_of(session: Session, project: str) -> bool:
    return not project or matches_project(project_of(session, session.path.read_bytes()), project)


def _in_use(path: Path, age_seconds: float) -> str:
    if holder := find_holder(path):
        return f"open in {holder}"
    return "written to in the last 10 minutes" if age_seconds < RECENT_SECONDS else ""


def chosen_client(clients: Sequence[Client], given: Mapping[str, bool]) -> Client | None:
    """Return the client that was asked for, if any.

    Raises:
        OptionError: Several were.
    """
    found = [client for client in clients if given.get(client.name)]
    if len(found) > 1:
        flags = " and ".join(f"--{client.name}" for client in found)
        raise OptionError(f"{flags} exclude each other", where="batch", hint="run one after the other")
    return found[0] if found else None
