"""Object stores and whatever else fsspec reaches (`s3://`, `gs://`, `memory://`): a job is done on a copy here.

`universal_pathlib` gives their files the interface of paths, so that plan and manifest are those of folders.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from cortex_cli.batch.dataset import Spread
from cortex_cli.batch.job import Job, Outcome, run_job
from cortex_cli.batch.manifest import Manifest, open_manifest
from cortex_cli.batch.paths import MANIFEST_NAME, is_remote, is_url
from cortex_cli.errors import CortexError, InputError, OptionError, OutputError
from cortex_cli.targets import Target
from cortex_cli.tokens import Counter

HINT = "check the URL, and the credentials that its package reads (for S3: AWS_* variables or ~/.aws)"


def open_path(text: str) -> Path:
    """Return the path that a user's text names, a URL's too.

    Raises:
        OptionError: It is a URL, and the packages for that are not installed.
    """
    if not is_url(text):
        return Path(text)
    try:
        from upath import UPath  # noqa: PLC0415  # an extra

        return cast(Path, UPath(text))
    except (ImportError, ValueError) as error:
        hint = "pip install 'cortex-cli[remote]'; other stores need the package that fsspec names for them"
        raise OptionError(f"{text} cannot be opened: {error}", hint=hint) from None


@contextmanager
def told(where: object) -> Iterator[None]:
    """Turn what a store raises into one line: its errors are of as many kinds as there are stores."""
    try:
        yield
    except (CortexError, KeyboardInterrupt):
        raise
    except Exception as error:
        text = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"cannot be reached: {text}", where=str(where), hint=HINT) from error


def run_anywhere(job: Job, counter: Counter, spread: Spread | None = None) -> Outcome:
    """Do a job, as `run_job` does; one of remote files on copies in a folder of this machine.

    A result is sent when it is whole.
    """
    if not is_url(job.path) and not is_remote(job.target.path):
        return run_job(job, counter, spread)
    with TemporaryDirectory(prefix="cortex-") as folder:
        try:
            local = _fetch(job, Path(folder))
            outcome = run_job(local, counter, spread)
            if outcome.status in ("done", "fallback"):
                _send(job, local)
        except CortexError as error:
            return Outcome(job, "failed", {}, error.naming(job.path), error.hint)
        return _renamed(outcome, job, local)


def _fetch(job: Job, folder: Path) -> Job:
    source = folder / "in" / Path(job.name).name
    source.parent.mkdir()
    if is_url(job.path):
        with told(job.path):
            source.write_bytes(open_path(job.path).read_bytes())
    else:
        source = Path(job.path)
    target = job.target
    if target.kind == "file" and is_remote(target.path):
        with told(target.path):
            if not target.overwrite and target.path.exists():
                raise OutputError("already exists", where=str(target.path), hint="`--force` overwrites it")
        target = Target("file", folder / "out" / target.path.name)
    elif target.kind == "in-place":
        raise OptionError("files of a store cannot be written over", where=job.path, hint="use -o URL")
    return job._replace(path=str(source), target=target)


def _send(job: Job, local: Job) -> None:
    """Write the result: object stores show it when it is whole."""
    if job.target.kind == "file" and local.target.path != job.target.path:
        with told(job.target.path):
            job.target.path.parent.mkdir(parents=True, exist_ok=True)
            job.target.path.write_bytes(local.target.path.read_bytes())


def _renamed(outcome: Outcome, job: Job, local: Job) -> Outcome:
    """Say of the remote files what was said of the copies."""
    report: dict[str, Any] = outcome.report
    if report:
        report = {
            **report,
            "input": {**report["input"], "path": job.path},
            "output": {**report["output"], "path": str(job.target.path) if report["output"]["path"] else ""},
        }
    error = outcome.error.replace(local.path, job.path).replace(str(local.target.path), str(job.target.path))
    stamp = stamp_of(open_path(job.path)) if is_url(job.path) else outcome.modified_ns
    return outcome._replace(job=job, report=report, error=error, modified_ns=stamp)


def stamp_of(path: Path) -> int:
    """Return a number that changes when a remote file does: of whatever its store says of its last change."""
    with told(path):
        info = getattr(path.stat(), "info", {})
    known = [str(info[key]) for key in ("ETag", "etag", "LastModified", "mtime", "updated", "created") if info.get(key)]
    return int.from_bytes(hashlib.sha256("\n".join(known).encode()).digest()[:6]) if known else -1


@contextmanager
def open_remote_manifest(output: Path, state: Path) -> Iterator[Manifest]:
    """Open the manifest of a remote folder: a copy here, so that a kill loses none of it, sent at the end.

    Args:
        output: The folder of the results.
        state: Where copies stand on this machine.
    """
    key = hashlib.sha256(str(output).encode()).hexdigest()[:16]
    folder = state / "remote" / key
    theirs = output / MANIFEST_NAME
    with told(theirs):
        if not (folder / MANIFEST_NAME).exists() and theirs.exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / MANIFEST_NAME).write_bytes(theirs.read_bytes())
    with open_manifest(folder) as manifest:
        try:
            yield manifest
        finally:
            with told(theirs):
                theirs.write_bytes((folder / MANIFEST_NAME).read_bytes())
