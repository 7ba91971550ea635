"""What earlier runs of a batch have done: an append-only JSONL file beside their results.

A line is written when a file is begun and when it is finished, so that a rerun after a kill knows which outputs
are its own. The last line of a file counts; a line torn by a kill is taken away.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Literal

from cortex_cli import clock, locks
from cortex_cli.batch.job import Job, Outcome
from cortex_cli.batch.paths import MANIFEST_NAME
from cortex_cli.errors import InputError, OutputError
from cortex_cli.jsonedit import parse
from cortex_cli.settings import Settings
from cortex_cli.version import VERSION as CORTEX_VERSION

VERSION = 1
"""Of the form of a line; a file with lines of a newer one is refused."""

Result = Literal["begun", "done", "fallback", "failed", "skipped"]
"""fallback: done, by the built-in summariser where a model should have. skipped: no transcript."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line: how one file went."""

    path: str
    """Below the source, with `/`."""
    result: Result
    settings: str
    """`settings_hash` of the run."""
    sha256: str = ""
    """Of the input."""
    bytes: int = -1
    """Of the input."""
    modified_ns: int = -1
    """Of the input: while size and time are the same, it is not read again."""
    output: str = ""
    """Path of a fork."""
    output_sha256: str = ""
    output_bytes: int = -1
    backup: str = ""
    """Where the input is kept, in-place."""
    format: str = ""
    tokens_before: int = 0
    tokens_after: int = 0
    error: str = ""
    hint: str = ""
    seconds: float = 0.0
    time: str = ""
    """ISO 8601, UTC, when it was finished."""


_KEYS = frozenset(one.name for one in fields(Entry))


@lru_cache(maxsize=4)
def settings_hash(settings: Settings) -> str:
    """Return a hash that changes when another result may come out: of every setting, and of the version."""
    known = {"version": CORTEX_VERSION, **asdict(settings)}
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]


class Manifest:
    """An open manifest: what earlier runs said, and where this one says it.

    Args:
        stream: The file, open for appending; None: nothing is kept.
        entries: The last line of each file.
    """

    def __init__(self, stream: BinaryIO | None = None, entries: dict[str, Entry] | None = None) -> None:
        self.entries = entries or {}
        self._stream = stream

    def begin(self, job: Job) -> None:
        """Say that a file is begun, unless its output is somebody else's, which it will refuse to write over."""
        if job.target.overwrite or not job.target.path.is_file():
            self._note(Entry(path=job.name, result="begun", settings=settings_hash(job.settings)))

    def finish(self, outcome: Outcome) -> None:
        """Say how a file went."""
        report = outcome.report
        self._note(
            Entry(
                path=outcome.job.name,
                result=outcome.status,
                settings=settings_hash(outcome.job.settings),
                sha256=outcome.sha256,
                bytes=outcome.bytes,
                modified_ns=outcome.modified_ns,
                output=report["output"]["path"] if report and outcome.job.target.kind == "fork" else "",
                output_sha256=outcome.output_sha256,
                output_bytes=outcome.output_bytes,
                backup=outcome.backup,
                format=report["input"]["format"] if report else "",
                tokens_before=report["input"]["tokens"] if report else 0,
                tokens_after=report["output"]["tokens"] if report else 0,
                error=outcome.error,
                hint=outcome.hint,
                seconds=outcome.seconds,
                time=clock.utc_now(),
            )
        )

    def _note(self, entry: Entry) -> None:
        """Append a line; it is with the system when this returns, so that a kill of this process loses none."""
        self.entries[entry.path] = entry
        if self._stream is not None:
            known = {key: value for key, value in asdict(entry).items() if value not in ("", -1)}
            self._stream.write(json.dumps({"version": VERSION, **known}).encode() + b"\n")
            self._stream.flush()


@contextmanager
def open_manifest(folder: Path) -> Iterator[Manifest]:
    """Open the manifest of a folder and keep other batches out of it as long as the block runs.

    Raises:
        OutputError: Another batch writes there now, or the folder cannot be written to.
        InputError: It was written by a newer version.
    """
    path = folder / MANIFEST_NAME
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locks.hold(path))
            data = path.read_bytes()
            stream = stack.enter_context(path.open("ab"))
        except locks.BusyError:
            hint = "wait until it is done, or write to another directory"
            raise OutputError("another batch is writing here", where=str(folder), hint=hint) from None
        except OSError as error:
            hint = "give a directory that you may write to"
            raise OutputError(f"cannot be written: {error.strerror}", where=str(path), hint=hint) from error
        entries = _entries(data, path)
        stream.truncate(data.rfind(b"\n") + 1)  # without the line that was being written when a run was killed
        yield Manifest(stream, entries)


def _entries(data: bytes, path: Path) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for number, line in enumerate(data.splitlines(), 1):
        value = _value(line)
        if value.pop("version", 0) > VERSION:
            hint = "update cortex, or move the file away to begin anew"
            raise InputError("was written by a newer version", where=f"{path}:{number}", hint=hint)
        if "path" in value and "result" in value:
            entry = Entry(**{"settings": "", **{key: value[key] for key in value if key in _KEYS}})
            found[entry.path] = entry
    return found


def _value(line: bytes) -> dict[str, Any]:
    try:
        value = parse(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) and isinstance(value.get("version", 0), int) else {}
