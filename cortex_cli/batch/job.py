"""What is done with one file of a batch, in whatever process: read, compact, write, say how it went."""

import hashlib
import os
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cortex_cli import formats
from cortex_cli.archiving import Recording
from cortex_cli.compaction import compact
from cortex_cli.errors import CortexError, UnknownFormatError
from cortex_cli.files import InputFile, read_file
from cortex_cli.formats.source import Source
from cortex_cli.report import merge_reports
from cortex_cli.settings import Settings
from cortex_cli.summarizers import summarizer_of
from cortex_cli.targets import Target, write_result
from cortex_cli.tokens import Counter


class Job(NamedTuple):
    """One file to compact."""

    path: str
    target: Target
    settings: Settings
    environment: Mapping[str, str] = {}
    """The variable that holds the model's key, where there is one."""
    name: str = ""
    """Below the source, with `/`: by this the manifest knows it."""
    backup: str = ""
    """What the file was before the model failed on it: put back first, if the file is still as that run left it."""
    written_sha256: str = ""
    """As that run left it."""


class Outcome(NamedTuple):
    """How one file went."""

    job: Job
    status: Literal["done", "fallback", "skipped", "failed"]
    report: dict[str, Any]
    """The JSON report, without the single changes; empty unless done."""
    error: str = ""
    hint: str = ""
    sha256: str = ""
    """Of the input; empty where it could not be read."""
    bytes: int = -1
    modified_ns: int = -1
    """Of the input as it stands now."""
    output_sha256: str = ""
    output_bytes: int = -1
    backup: str = ""
    """Where an input that was written over is kept."""
    seconds: float = 0.0

    @property
    def path(self) -> str:
        """Of the input."""
        return self.job.path


def run_job(job: Job, counter: Counter) -> Outcome:
    """Compact one file. Never raises: what goes wrong with one file is told, and the others go on."""
    started = time.perf_counter()
    outcome = Outcome(job, "failed", {})
    try:
        _undo(job)
        source = read_file(job.path)
        raw = source.data if source.packed is None else source.packed
        outcome = outcome._replace(sha256=hashlib.sha256(raw).hexdigest(), bytes=len(raw))
        outcome = _compact(job, source, counter, outcome)
    except UnknownFormatError as error:
        outcome = outcome._replace(status="skipped", error=str(error), hint=error.hint)
    except CortexError as error:
        outcome = outcome._replace(error=error.naming(job.path), hint=error.hint)
    except Exception:  # a bug met on one file must not cost the run; its traceback is the error
        last = traceback.format_exc().strip()
        outcome = outcome._replace(error=f"{job.path}: this is a bug in cortex: {last}", hint="please report it")
    return outcome._replace(seconds=round(time.perf_counter() - started, 3), modified_ns=_modified_ns(job.path))


def _undo(job: Job) -> None:
    """Put the original back where an earlier run wrote over it without the model that was asked for."""
    if job.backup and file_sha256(job.path) == job.written_sha256:
        Path(job.backup).replace(os.path.realpath(job.path))


def _modified_ns(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116  # a text already
    except OSError:
        return -1


def file_sha256(path: Path | str) -> str:
    """Return the hash of a file's contents.

    Raises:
        OSError: It cannot be read.
    """
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _compact(job: Job, source: InputFile, counter: Counter, outcome: Outcome) -> Outcome:
    transcripts = formats.load_all(Source(source.data, source.path), job.settings.format)
    summarizer = summarizer_of(job.settings, job.environment)
    recording = Recording.of(job.settings)
    persist = recording.persist if recording else None
    results = [
        compact(one, job.settings, counter=counter, summarizer=summarizer, persist=persist, command="batch")
        for one in transcripts
    ]
    report = merge_reports([result.report for result in results])
    done = [result.transcript for result in results]
    if job.target.kind == "file":
        job.target.path.parent.mkdir(parents=True, exist_ok=True)
    keeps = job.target.keeps_history(job.settings)
    written = write_result(
        source,
        lambda: formats.dump_all(done, keep_history=keeps),
        job.target,
        done[0],
        changed=report.changed,
        keep=recording.keeper(source, done, report) if recording else None,
    )
    is_dry = job.target.kind == "none"
    entry = report.with_output(path=written.path, size_bytes=written.size_bytes, dry_run=is_dry).to_json()
    for layer in entry["layers"]:
        layer["changed"] = len(layer.pop("changes"))  # a list of every change of every file would fill the memory
    return outcome._replace(
        status="fallback" if any(result.report.fell_back for result in results) else "done",
        report=entry,
        output_sha256=file_sha256(written.path) if written.path else outcome.sha256,
        output_bytes=Path(written.path).stat().st_size if written.path else outcome.bytes,
        backup=written.backup,
    )
