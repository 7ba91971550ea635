"""The sessions of the clients on this machine: where they stand, how they are named, how they fork.

The environment is handed in. Sources of the paths: FORMATS sections 1, 2, 6 and 7.
"""

import os
import re
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from cortex_cli.errors import InputError, OptionError, name_hint
from cortex_cli.jsonedit import parse

NEWEST = "last"
"""`claude-code:last` is the session that was written to last."""

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Client(NamedTuple):
    """One agent and the folder of its sessions."""

    name: str
    """As in SOURCE."""
    home_variable: str
    """Environment variable that moves its home."""
    home: str
    """Below the user's home."""
    pattern: str
    """Of its session files, below its home."""
    id_pattern: re.Pattern[str]
    """Finds the session's id in a file's name."""
    resume: str
    """Command that resumes a session."""
    format: str = ""
    """Name of its format, where that is not its own."""
    below_moved: str = ""
    """Where its home is below what the variable names."""


CLIENTS = (
    Client(
        "claude-code",
        "CLAUDE_CONFIG_DIR",
        ".claude",
        "projects/*/*.jsonl",
        re.compile(rf"({_UUID})\.jsonl\Z"),
        "claude --resume {id}",
    ),
    Client(
        "codex",
        "CODEX_HOME",
        ".codex",
        "sessions/*/*/*/rollout-*.jsonl",
        re.compile(rf"rollout-.*-({_UUID})\.jsonl\Z"),
        "codex resume {id}",
    ),
    Client(
        "pi",
        "PI_CODING_AGENT_DIR",
        ".pi/agent",
        "sessions/*/*.jsonl",
        re.compile(r"_([0-9a-zA-Z-]+)\.jsonl\Z"),
        "pi --session {path}",
    ),
    Client(
        "gemini",
        "GEMINI_CLI_HOME",
        ".gemini",
        "tmp/*/chats/session-*.json*",
        re.compile(r"-([0-9a-f]{8})\.jsonl?\Z"),  # the beginning of the session's id
        "gemini --resume {id}",
        format="gemini-cli",
        below_moved=".gemini",
    ),
)


class Session(NamedTuple):
    """One session file in a client's folder."""

    client: str
    id: str
    path: Path
    modified_ns: int


def find_client(name: str) -> Client | None:
    """Return the client of that name; None for a format that is no client's."""
    return next((client for client in CLIENTS if client.name == name), None)


def find_client_of(format: str) -> Client | None:
    """Return the client whose sessions have that format; None where it is no client's."""
    return next((client for client in CLIENTS if format == (client.format or client.name)), None)


def is_session_name(source: str) -> bool:
    """Tell whether a SOURCE names a session (`codex:last`) and not a path."""
    return find_client(source.partition(":")[0]) is not None and ":" in source


def home_of(client: Client, environment: Mapping[str, str]) -> Path:
    """Return the folder in which a client keeps everything."""
    if moved := environment.get(client.home_variable):
        return Path(moved, client.below_moved)
    return Path(environment.get("HOME") or environment.get("USERPROFILE") or "~").expanduser() / client.home


def list_sessions(client: Client, environment: Mapping[str, str]) -> list[Session]:
    """Return a client's sessions, the newest first."""
    found = []
    for path in home_of(client, environment).glob(client.pattern):
        if (match := client.id_pattern.search(path.name)) is not None:
            found.append(Session(client.name, match[1], path, path.stat().st_mtime_ns))
    return sorted(found, key=lambda session: (-session.modified_ns, session.id))


def find_session(source: str, environment: Mapping[str, str]) -> Session:
    """Find the session that `CLIENT:last` or `CLIENT:ID` names; the beginning of an id will do.

    Raises:
        InputError: There is no such session.
        OptionError: Several sessions begin so.
    """
    name, _, wanted = source.partition(":")
    client = find_client(name)
    assert client is not None  # `is_session_name` was asked first
    sessions = list_sessions(client, environment)
    if not sessions:
        where = home_of(client, environment) / client.pattern.partition("/")[0]
        hint = f"set {client.home_variable} if {name} keeps them elsewhere"
        raise InputError(f"no sessions below {where}", where=source, hint=hint)
    if wanted == NEWEST:
        return sessions[0]
    found = [session for session in sessions if wanted and session.id.startswith(wanted)]
    if len(found) > 1:
        raise OptionError(f"{len(found)} sessions begin so", where=source, hint=f"the newest is {found[0].id}")
    if not found:
        hint = name_hint(wanted, [NEWEST, *(session.id for session in sessions[:4])])
        raise InputError(f"no session {wanted!r}", where=source, hint=hint)
    return found[0]


class Fork(NamedTuple):
    """A new session made of a compacted one."""

    id: str
    path: Path
    data: bytes
    command: str
    """Resumes it."""
    folder: str
    """Where that command has to be run; empty where it does not matter."""


_ID_KEYS = rb"sessionId|session_id|id|thread_id|conversation_id"


def fork(data: bytes, format: str, old_id: str, path: str, environment: Mapping[str, str]) -> Fork:
    """Give a session a new id in the file name and in every record that carries it, in its client's folder.

    The id follows from the contents: forking the same twice gives the same file. A fork that was resumed since
    is left alone and the next id is taken.

    Args:
        data: The compacted session.
        format: Name of its format.
        old_id: The session id that it carries.
        path: Where it was read from.
        environment: For the client's home.

    Raises:
        OptionError: The format is no client's, or the session carries no id.
    """
    client = find_client_of(format)
    if client is None:
        hint = f"sessions of {', '.join(one.name for one in CLIENTS)} can be forked; use -o for other files"
        raise OptionError(f"a file of format {format} is no session of a client", where="--fork", hint=hint)
    if not old_id:
        raise OptionError("the session carries no id", where="--fork", hint="use -o")
    import hashlib  # noqa: PLC0415 - with OpenSSL behind it, it takes 3 ms to import

    digest = hashlib.sha256(data).hexdigest()
    for attempt in range(_ATTEMPTS):
        new_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{old_id}:{digest}:{attempt}"))
        forked = _with_id(data, old_id, new_id)
        target = _path_of_fork(client, new_id, path, forked, environment)
        if not target.exists() or target.read_bytes() == forked:
            command = client.resume.format(id=new_id, path=quote(str(target)))
            return Fork(new_id, target, forked, command, working_folder(forked) or _folder_of_project(target))
    raise OptionError(f"{_ATTEMPTS} forks of this session exist", where="--fork", hint="delete some of them")


_ATTEMPTS = 100


def _with_id(data: bytes, old_id: str, new_id: str) -> bytes:
    """Replace the id where it is a record's own value; in texts its quotes are escaped, so it does not match."""
    pattern = rb'("(?:' + _ID_KEYS + rb')"\s*:\s*")' + re.escape(old_id.encode()) + rb'"'
    return re.sub(pattern, rb"\g<1>" + new_id.encode() + rb'"', data)


def _path_of_fork(client: Client, new_id: str, path: str, data: bytes, environment: Mapping[str, str]) -> Path:
    home = home_of(client, environment)
    origin = Path(os.path.realpath(path))
    is_at_home = Path(os.path.realpath(home)) in origin.parents
    if client.name == "claude-code":
        folder = re.sub(r"[^A-Za-z0-9-]", "-", working_folder(data))
        return (origin.parent if is_at_home else home / "projects" / folder) / f"{new_id}.jsonl"
    stamp = _first_time(data)
    if client.name == "gemini":
        if not is_at_home:  # its records do not say of which project they are
            raise OptionError("of which project it is, is not known", where=path, hint="name it where gemini keeps it")
        return origin.with_name(f"session-{stamp[:16].replace(':', '-')}-{new_id[:8]}{origin.suffix}")
    if client.name == "codex":
        folders = (stamp[:4], stamp[5:7], stamp[8:10])
        return home.joinpath("sessions", *folders) / f"rollout-{stamp[:19].replace(':', '-')}-{new_id}.jsonl"
    folder = "--" + re.sub(r"[/\\:]", "-", re.sub(r"^[/\\]", "", working_folder(data))) + "--"
    name = f"{re.sub(r'[:.]', '-', stamp)}_{new_id}.jsonl"
    return (origin.parent if is_at_home else home / "sessions" / folder) / name


def _folder_of_project(path: Path) -> str:
    """Return the folder of a session of the Gemini CLI, which stands beside its chats; empty for others."""
    rooted = path.parent.parent / ".project_root"
    return rooted.read_text(encoding="utf-8").strip() if rooted.is_file() else ""


def _objects(data: bytes) -> Iterator[dict[str, object]]:
    for line in data.split(b"\n"):
        try:
            value = parse(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value
            if isinstance(value.get("payload"), dict):
                yield value["payload"]


def _first_value(data: bytes, key: str) -> str:
    return next((value for one in _objects(data) if isinstance(value := one.get(key), str) and value), "")


def working_folder(data: bytes) -> str:
    """Return the folder in which a session began, as its records say; empty where they do not."""
    return _first_value(data, "cwd")


def _first_time(data: bytes) -> str:
    return _first_value(data, "timestamp") or "1970-01-01T00:00:00.000Z"
