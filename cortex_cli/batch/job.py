"""What is done with one file of a batch, in whatever process: read, compact, write, say how it went."""

import traceback
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from cortex_cli import formats
from cortex_cli.archiving import Recording
from cortex_cli.compaction import compact
from cortex_cli.errors import CortexError, UnknownFormatError
from cortex_cli.files import read_file
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


class Outcome(NamedTuple):
    """How one file went."""

    path: str
    status: Literal["done", "skipped", "failed"]
    report: dict[str, Any]
    """The JSON report, without the single changes; empty unless done."""
    error: str = ""
    hint: str = ""


def run_job(job: Job, counter: Counter) -> Outcome:
    """Compact one file. Never raises: what goes wrong with one file is told, and the others go on."""
    try:
        return Outcome(job.path, "done", _compact(job, counter))
    except UnknownFormatError as error:
        return Outcome(job.path, "skipped", {}, str(error), error.hint)
    except CortexError as error:
        return Outcome(job.path, "failed", {}, error.naming(job.path), error.hint)
    except Exception:  # a bug met on one file must not cost the run; its traceback is the error
        last = traceback.format_exc().strip()
        return Outcome(job.path, "failed", {}, f"{job.path}: this is a bug in cortex: {last}", "please report it")


def _compact(job: Job, counter: Counter) -> dict[str, Any]:
    source = read_file(job.path)
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
    return entry
