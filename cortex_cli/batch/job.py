"""What is done with one file of a batch, in whatever process: read, compact, write, say how it went."""

import hashlib
import os
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cortex_cli import formats
from cortex_cli.archiving import Recording
from cortex_cli.batch import dataset
from cortex_cli.batch.dataset import Failure, Spread
from cortex_cli.batch.limits import Limits, limited_authors
from cortex_cli.batch.tally import entry_of
from cortex_cli.compaction import compact
from cortex_cli.errors import CortexError, UnknownFormatError
from cortex_cli.files import read_file
from cortex_cli.formats.source import Source
from cortex_cli.report import merge_reports
from cortex_cli.settings import Settings
from cortex_cli.targets import Target, make_folder, write_result
from cortex_cli.tokens import Counter

NANOSECONDS = 1_000_000_000


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
    limits: Limits = Limits()
    """Shared by all processes of the run."""
    keeps_time: bool = False
    """The result gets the time of the input: clients order their sessions by it."""
    is_named: bool = False
    """The user named this very file: if it is no transcript, that is an error, and not what else lies in a folder."""

    def again(self) -> "Job":
        """Return the job for another try, should its process die; to be asked when the first one is begun.

        Where nothing stands in the result's place now, what stands there then is the first try's, and may be replaced.
        """
        if self.target.kind != "file" or self.target.path.exists():
            return self
        return self._replace(target=self.target._replace(overwrite=True))


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
    failures: tuple[Failure, ...] = ()
    """Lines of a data set that stay as they are; the others are done."""

    @property
    def path(self) -> str:
        """Of the input."""
        return self.job.path


def run_job(job: Job, counter: Counter, spread: Spread | None = None) -> Outcome:
    """Compact one file. Never raises: what goes wrong with one file is told, and the others go on.

    Args:
        job: What to do.
        counter: Counts.
        spread: How the pieces of a large data set are compacted; default: here, one after the other.
    """
    started = time.perf_counter()
    outcome = Outcome(job, "failed", {})
    try:
        _undo(job)
        is_streamed = dataset.is_streamed(job.path, job.target, job.settings)
        outcome = _stream(job, counter, spread, outcome) if is_streamed else _compact(job, counter, outcome)
    except CortexError as error:
        is_other = isinstance(error, UnknownFormatError) and not job.is_named
        status: Literal["skipped", "failed"] = "skipped" if is_other else "failed"
        outcome = outcome._replace(status=status, error=error.naming(job.path), hint=error.hint)
        if is_other:  # the size, so that the next run need not look into it again
            outcome = outcome._replace(bytes=_size_and_time(job.path)[0])
    except Exception:  # a bug met on one file must not cost the run; its traceback is the error
        last = traceback.format_exc().strip()
        outcome = outcome._replace(error=f"{job.path}: this is a bug in cortex: {last}", hint="please report it")
    return outcome._replace(seconds=round(time.perf_counter() - started, 3), modified_ns=_modified_ns(job.path))


def _stream(job: Job, counter: Counter, spread: Spread | None, outcome: Outcome) -> Outcome:
    outcome = outcome._replace(sha256=file_sha256(job.path), bytes=Path(job.path).stat().st_size)
    modified_ns = _modified_ns(job.path)
    done = dataset.compact_dataset(job.path, job.target, job.settings, spread or _one_by_one(job, counter))
    if done.entry:
        done.entry["input"]["modified"] = _time_text(modified_ns)
    outcome = outcome._replace(report=done.entry, failures=done.failures)
    return _finished(outcome, done.path, done.backup, fell_back=done.fell_back)


def _one_by_one(job: Job, counter: Counter) -> Spread:
    authors = limited_authors(job.settings, job.environment, job.limits)

    def spread(pieces: Iterable[dataset.Piece], settings: Settings, path: str) -> Iterator[dataset.Done]:
        for piece in pieces:
            yield dataset.compact_piece(piece, settings, path, counter, authors)

    return spread


def _finished(outcome: Outcome, path: str, backup: str, *, fell_back: bool) -> Outcome:
    return outcome._replace(
        status="fallback" if fell_back else "done",
        output_sha256=file_sha256(path) if path else outcome.sha256,
        output_bytes=Path(path).stat().st_size if path else outcome.bytes,
        backup=backup,
    )


def _undo(job: Job) -> None:
    """Put the original back where an earlier run wrote over it without the model that was asked for."""
    if job.backup and file_sha256(job.path) == job.written_sha256:
        Path(job.backup).replace(os.path.realpath(job.path))


def _modified_ns(path: str) -> int:
    return _size_and_time(path)[1]


def _size_and_time(path: str) -> tuple[int, int]:
    """Return a file's size and when it was changed, in nanoseconds; -1 each where it cannot be looked at."""
    try:
        status = os.stat(path)  # noqa: PTH116  # a text already
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _time_text(nanoseconds: int) -> str:
    """Return a time as text, in seconds; empty where it is not known."""
    if nanoseconds < 0:
        return ""
    return datetime.fromtimestamp(nanoseconds // NANOSECONDS, UTC).isoformat()


def file_sha256(path: Path | str) -> str:
    """Return the hash of a file's contents.

    Raises:
        OSError: It cannot be read.
    """
    with (Path(path) if isinstance(path, str) else path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _compact(job: Job, counter: Counter, outcome: Outcome) -> Outcome:
    source = read_file(job.path)
    modified_ns = _modified_ns(job.path)
    outcome = outcome._replace(sha256=hashlib.sha256(source.raw).hexdigest(), bytes=len(source.raw))
    transcripts = formats.load_all(Source(source.data, source.path), job.settings.format)
    authors = limited_authors(job.settings, job.environment, job.limits)
    recording = Recording.of(job.settings)
    persist = recording.persist if recording else None
    results = [
        compact(
            one,
            job.settings,
            counter=counter,
            summarizer=authors.summarizer,
            remembering=authors.remembering,
            persist=persist,
            command="batch",
        )
        for one in transcripts
    ]
    report = merge_reports([result.report for result in results])
    report = replace(report, input=replace(report.input, bytes=len(source.raw)))
    done = [result.transcript for result in results]
    target = job.target
    if target.kind == "fork" and not report.changed:
        target = Target("none")  # a copy under another name would only stand in the way
    if job.target.kind == "file":
        make_folder(job.target.path.parent)
    keeps = job.target.keeps_history(job.settings)
    written = write_result(
        source,
        lambda: formats.dump_all(done, keep_history=keeps),
        target,
        done[0],
        changed=report.changed,
        keep=recording.keeper(source, done, report) if recording else None,
    )
    if job.keeps_time and written.path and source.stamp is not None:
        os.utime(written.path, ns=(time.time_ns(), source.stamp.modified_ns))
    report = report.with_output(path=written.path, size_bytes=written.size_bytes, dry_run=job.target.kind == "none")
    entry = entry_of(report)
    entry["input"]["modified"] = _time_text(modified_ns)
    outcome = outcome._replace(report=entry)
    return _finished(
        outcome, written.path, written.backup, fell_back=any(result.report.fell_back for result in results)
    )
