"""What is left to do of a plan: everything that is new, changed or failed since the runs that the manifest tells of."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cortex_cli.batch.job import Job, file_sha256
from cortex_cli.batch.limits import NO_LIMITS, Limits
from cortex_cli.batch.manifest import Entry, Manifest, settings_hash
from cortex_cli.batch.paths import is_remote
from cortex_cli.batch.plan import Place, target_for
from cortex_cli.batch.remote import stamp_of
from cortex_cli.errors import CortexError
from cortex_cli.settings import Settings

_FINISHED = ("done", "fallback", "skipped")
_TO_RETRY = ("failed", "fallback")


class Todo(NamedTuple):
    """The jobs of a run."""

    jobs: tuple[Job, ...]
    finished: int
    """Files that an earlier run has done and that have not changed since."""


def plan_jobs(
    paths: Sequence[Path],
    place: Place,
    settings: Settings,
    manifest: Manifest,
    *,
    environment: Mapping[str, str],
    limits: Limits = NO_LIMITS,
    retry_failed: bool = False,
) -> Todo:
    """Decide what is to be done.

    Args:
        paths: The files of the plan.
        place: Where they are, and where results go.
        settings: Of the run; another setting makes every result another one.
        manifest: What earlier runs did.
        environment: For the jobs.
        limits: Of model calls, for all jobs together.
        retry_failed: Only what failed, or fell back because its model did.
    """
    run = settings_hash(settings)
    jobs: list[Job] = []
    finished = 0
    forks = {entry.output for entry in manifest.entries.values() if entry.output}
    for path in paths:
        if str(path) in forks:  # a session that an earlier run made
            continue
        name = path.relative_to(place.root).as_posix()
        entry = manifest.entries.get(name)
        is_wanted = entry is not None and entry.result in _TO_RETRY if retry_failed else True
        if not is_wanted or (not retry_failed and entry is not None and _is_finished(entry, path, place, run)):
            finished += 1
            continue
        jobs.append(_job(path, name, place, entry)._replace(settings=settings, environment=environment, limits=limits))
    return Todo(tuple(jobs), finished)


def _job(path: Path, name: str, place: Place, entry: Entry | None) -> Job:
    output = place.output / (place.output_name or name) if place.output is not None else None
    force = place.force or (entry is not None and output is not None and _is_ours(entry, output))
    target = target_for(path, place._replace(force=force))
    undo = entry if entry is not None and place.in_place and entry.result == "fallback" else None
    return Job(
        path=str(path),
        target=target,
        settings=Settings(),
        name=name,
        backup=undo.backup if undo else "",
        written_sha256=undo.output_sha256 if undo else "",
        keeps_time=bool(place.homes),
        is_named=place.only is not None,
    )


def _is_finished(entry: Entry, path: Path, place: Place, run: str) -> bool:
    if entry.result not in _FINISHED or entry.settings != run:
        return False
    if entry.result == "skipped":  # who names a file wants that file
        return place.only is None and _is_as_it_was(path, entry.bytes, entry.modified_ns, entry.sha256)
    if place.in_place:
        return _is_as_it_was(path, entry.output_bytes, entry.modified_ns, entry.output_sha256)
    if place.output is not None:
        output = place.output / (place.output_name or entry.path)
        if not output.is_file() or output.stat().st_size != entry.output_bytes:
            return False
    return _is_as_it_was(path, entry.bytes, entry.modified_ns, entry.sha256)


def _is_as_it_was(path: Path, size: int, modified_ns: int, digest: str) -> bool:
    """Tell whether a file is what a run left; it is read only where its time has changed and its size has not."""
    try:
        status = path.stat()
        if status.st_size != size:
            return False
        stamp = stamp_of(path) if is_remote(path) else status.st_mtime_ns
        return stamp == modified_ns != -1 or file_sha256(path) == digest
    except (OSError, CortexError):
        return False


def _is_ours(entry: Entry, output: Path) -> bool:
    """Tell whether an existing output is what a batch wrote, and nobody has edited since."""
    if entry.result == "begun":  # killed before it could say what it wrote
        return True
    try:
        return output.stat().st_size == entry.output_bytes and file_sha256(output) == entry.output_sha256
    except OSError:
        return False
