"""A batch on Ray: the same job for each file, as a task of a cluster, or of a Ray on this machine.

Ray plans, retries and restarts; here it is only decided how many tasks are handed out ahead. Every node must see the
files under the same paths.
"""

import logging
import time
import uuid
from collections.abc import Iterator, Sequence
from os import cpu_count
from typing import Any, NamedTuple

from cortex_cli.batch.job import Job, Outcome
from cortex_cli.batch.limits import Ledger, Limits, Place, State
from cortex_cli.batch.local import QUEUED_PER_WORKER, Begin, own_counter
from cortex_cli.batch.remote import run_anywhere
from cortex_cli.errors import CortexError, OptionError
from cortex_cli.workers import MEMORY_HINT, WORKER_DIED

LOCAL = "local"
"""Address of a Ray that is started for the run, on this machine."""

RETRIES = 3
"""So often a file is tried again whose worker was lost."""

LOST_CALL_SECONDS = 900.0
"""A model call that long after its begin belongs to a worker that was lost."""


def _ray() -> Any:
    try:
        import ray  # noqa: PLC0415  # an extra, and slow to import
    except ImportError:
        hint = "pip install 'cortex-cli[ray]', or leave --engine out"
        raise OptionError("the package ray is not installed", where="--engine ray", hint=hint) from None
    return ray


class Cluster:
    """A connection to Ray as long as a run takes.

    Args:
        address: Of a cluster (`auto`, `ray://host:port`), or `LOCAL`.
        processes: For a local one; 0: one for each core.

    Raises:
        OptionError: Ray is not installed.
        CortexError: It cannot be reached.
    """

    def __init__(self, address: str = LOCAL, processes: int = 0) -> None:
        self._ray = _ray()
        options: dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": logging.ERROR}
        if address == LOCAL:
            options |= {"include_dashboard": False, "num_cpus": processes or cpu_count() or 1}
        try:
            self._ray.init(**options)
        except Exception as error:  # its errors are of many kinds
            hint = f"check --address, or leave it out for a Ray on this machine ({type(error).__name__})"
            raise CortexError(f"Ray cannot be reached at {address}", where="--engine ray", hint=hint) from error

    def __enter__(self) -> "Cluster":
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go; a local Ray ends."""
        self._ray.shutdown()

    def make_ledger(self) -> Ledger:
        """Start the actor that keeps count of model calls."""
        name = f"cortex-{uuid.uuid4().hex}"
        self._ledger = self._ray.remote(_Ledger).options(name=name, num_cpus=0).remote()
        return _RemoteLedger(name)

    def run_jobs(self, jobs: Sequence[Job], *, begin: Begin = lambda _: None) -> Iterator[Outcome]:
        """Yield how each file went, in the order in which they finish.

        No more jobs are handed out than the cluster works on soon, and only what a job says and how it went goes
        through this process.
        """
        ray = self._ray
        run = ray.remote(max_retries=0)(_run)  # Ray's own tries know nothing of a result that is there already
        ahead = max(1, int(ray.cluster_resources().get("CPU", 1))) * QUEUED_PER_WORKER
        waiting = iter(jobs)
        running: dict[Any, _Try] = {}
        while True:
            while len(running) < ahead and (job := next(waiting, None)) is not None:
                begin(job)
                another_try = _Try(job, job.again(), RETRIES)
                running[run.remote(job)] = another_try
            if not running:
                return
            finished, _ = ray.wait(list(running), num_returns=1)
            for reference in finished:
                one = running.pop(reference)
                try:
                    yield ray.get(reference)
                except ray.exceptions.RayError as error:
                    if one.left:
                        running[run.remote(one.again)] = one._replace(left=one.left - 1)
                    else:
                        yield _lost(one.job, error)


class _Try(NamedTuple):
    """A file that is worked on."""

    job: Job
    again: Job
    """The same for another try."""
    left: int
    """How many more there may be."""


def _lost(job: Job, error: Exception) -> Outcome:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return Outcome(job, "failed", {}, f"{job.path}: {WORKER_DIED} ({reason})", MEMORY_HINT)


def _run(job: Job) -> Outcome:
    return run_anywhere(job, own_counter(job.settings))


class _Ledger:
    """Keeps count for a whole cluster; Ray lets one call in at a time."""

    def __init__(self) -> None:
        self._state = State()
        self._begun: dict[str, float] = {}

    def ask(self, limits: Limits, call: str, most_usd: float) -> Place:
        now = time.time()
        for lost in [one for one, begun in self._begun.items() if begun < now - LOST_CALL_SECONDS]:
            self.finish(lost, None)
        place = self._state.ask(limits, call, most_usd, now)
        if place.is_granted:
            self._begun[call] = now
        return place

    def finish(self, call: str, cost_usd: float | None) -> None:
        self._begun.pop(call, None)
        self._state.finish(call, cost_usd)

    def seconds_left(self, endpoint: str) -> float:
        return self._state.seconds_left(endpoint, time.time())

    def note(self, endpoint: str, failures_allowed: int | None) -> None:
        self._state.note(endpoint, failures_allowed, time.time())


class _RemoteLedger(NamedTuple):
    """The actor as the jobs see it."""

    name: str

    def _call(self, method: str, *arguments: Any) -> Any:
        ray = _ray()
        return ray.get(getattr(ray.get_actor(self.name), method).remote(*arguments))

    def ask(self, limits: Limits, call: str, most_usd: float) -> Place:
        place: Place = self._call("ask", limits, call, most_usd)
        return place

    def finish(self, call: str, cost_usd: float | None) -> None:
        self._call("finish", call, cost_usd)

    def seconds_left(self, endpoint: str) -> float:
        left: float = self._call("seconds_left", endpoint)
        return left

    def note(self, endpoint: str, failures_allowed: int | None) -> None:
        self._call("note", endpoint, failures_allowed)
