"""A batch on this machine: one process for each core, each with its tokenizer loaded once."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from cortex_cli.batch.dataset import Done, Piece, Spread, compact_piece
from cortex_cli.batch.job import Job, Outcome
from cortex_cli.batch.limits import FileLedger, Ledger, limited_authors
from cortex_cli.batch.remote import run_anywhere
from cortex_cli.errors import CortexError
from cortex_cli.settings import Settings
from cortex_cli.tokens import Counter, make_counter
from cortex_cli.workers import MEMORY_HINT, WORKER_DIED, Workers

ALONE_BYTES = 4_000_000
"""A batch of no more than this is done in one process: starting others takes longer."""

LARGE_BYTES = 20_000_000
"""Files from this size take seconds. One process is kept free of them, so that small ones go on meanwhile."""

QUEUED_PER_WORKER = 4
"""Jobs handed out ahead of time, so that no worker waits and nothing piles up."""

Begin = Callable[[Job], None]
"""Told of each job before anything is done for it."""

_counter: Counter | None = None
"""The worker's own."""


class Engine(Protocol):
    """What runs the jobs of a batch."""

    def __enter__(self) -> "Engine":
        """Begin."""
        ...

    def __exit__(self, *_: object) -> None:
        """Let go of what it holds."""
        ...

    def make_ledger(self) -> Ledger:
        """Return where all its processes can keep count of model calls."""
        ...

    def run_jobs(self, jobs: Sequence[Job], *, begin: Begin) -> Iterator[Outcome]:
        """Yield how each file went, in the order in which they finish."""
        ...


class Machine:
    """The processes of this machine.

    Args:
        processes: How many; 0: as many as the jobs are worth.
    """

    def __init__(self, processes: int = 0) -> None:
        self._processes = processes
        self._stack = ExitStack()

    def __enter__(self) -> "Machine":
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take away what was kept for the run."""
        self._stack.close()

    def make_ledger(self) -> Ledger:
        """Return a file that every process locks."""
        return FileLedger(str(Path(self._stack.enter_context(TemporaryDirectory(prefix="cortex-")), "limits.json")))

    def run_jobs(self, jobs: Sequence[Job], *, begin: Begin = lambda _: None) -> Iterator[Outcome]:
        """Yield how each file went, in the order in which they finish."""
        return run_jobs(jobs, processes=self._processes or default_jobs([job.path for job in jobs]), begin=begin)


def default_jobs(paths: Sequence[str]) -> int:
    """Return how many processes a batch over these files is worth."""
    size = sum(map(_size_of, paths))
    if size <= ALONE_BYTES:
        return 1
    pieces = len(paths) if len(paths) > 1 else size // ALONE_BYTES
    return max(1, min(pieces, os.cpu_count() or 1))


def _size_of(path: str) -> int:
    return os.path.getsize(path) if os.path.isfile(path) else 0  # noqa: PTH202, PTH113  # texts already


def run_jobs(jobs: Sequence[Job], *, processes: int, begin: Begin = lambda _: None) -> Iterator[Outcome]:
    """Yield how each file went, in the order in which they finish.

    Closing the iterator (or an interrupt) lets the files that are being written finish, and starts no others. A
    file whose process dies (out of memory, say) is tried once more by itself; if it dies again, the file failed.
    """
    if not jobs:
        return
    if processes <= 1 or len(jobs) == 1:
        counter = make_counter(jobs[0].settings.tokenizer)
        for job in jobs:
            begin(job)
            yield run_anywhere(job, counter, _spread_over(processes, job) if processes > 1 else None)
        return
    suspects: list[Job] = []
    queue = _Queue(jobs, processes)
    while queue:
        yield from _run_pool(queue, processes, processes * QUEUED_PER_WORKER, begin, suspects)
        for suspect in suspects:
            died: list[Job] = []
            yield from _run_pool(_Queue([suspect], 1), 1, 1, begin, died)
            yield from (Outcome(job, "failed", {}, f"{job.path}: {WORKER_DIED}", MEMORY_HINT) for job in died)
        suspects.clear()


def _spread_over(processes: int, job: Job) -> Spread:
    """Return what compacts the pieces of one large data set in several processes."""

    def spread(pieces: Iterable[Piece], settings: Settings, path: str) -> Iterator[Done]:
        running: deque[Future[Done]] = deque()
        try:
            with Workers(processes, finish=True) as workers:
                for piece in pieces:
                    running.append(workers.submit(_compact_in_worker, piece, settings, job))
                    if len(running) >= processes * QUEUED_PER_WORKER:
                        yield _oldest(running, workers)
                while running:
                    yield _oldest(running, workers)
        except BrokenProcessPool:
            raise CortexError(f"{path}: {WORKER_DIED}", hint=MEMORY_HINT) from None

    return spread


def _oldest(running: "deque[Future[Done]]", workers: Workers) -> Done:
    """Wait for the piece that was handed out first."""
    workers.wait_for([running[0]])
    return running.popleft().result()


class _Queue:
    """Jobs in their order, large files in a line of their own: the largest first, and never in all processes."""

    def __init__(self, jobs: Sequence[Job], processes: int) -> None:
        sizes = {job.path: _size_of(job.path) for job in jobs}
        large = sorted((job for job in jobs if sizes[job.path] >= LARGE_BYTES), key=lambda job: -sizes[job.path])
        self._large = deque(large)
        self._small = deque(job for job in jobs if sizes[job.path] < LARGE_BYTES)
        self._most_large = max(1, processes - 1)
        self._large_paths = {job.path for job in large}

    def __bool__(self) -> bool:
        return bool(self._large or self._small)

    def take(self, running: Sequence[Job]) -> Job | None:
        """Return the next job that may be begun beside those that run."""
        large_running = sum(job.path in self._large_paths for job in running)
        if self._large and large_running < self._most_large:
            return self._large.popleft()
        return self._small.popleft() if self._small else None


def _run_pool(queue: _Queue, processes: int, ahead: int, begin: Begin, died: list[Job]) -> Iterator[Outcome]:
    """Run jobs until the queue is empty or a worker dies; then `died` holds the jobs that were under way."""
    running: dict[Future[Outcome], Job] = {}
    job: Job | None = None
    try:
        with Workers(processes, finish=True) as workers:
            while queue or running:
                while len(running) < ahead and (job := queue.take(list(running.values()))) is not None:
                    begin(job)
                    another_try = job.again()
                    running[workers.submit(_run_in_worker, job)] = another_try
                for future in workers.wait_for(running):
                    job = running.pop(future)
                    try:
                        yield future.result()
                    except BrokenProcessPool:
                        died.append(job)
    except BrokenProcessPool:  # met by `submit`; the job it was for has not run
        died.extend((job, *running.values()) if job is not None else running.values())


def _run_in_worker(job: Job) -> Outcome:
    return run_anywhere(job, own_counter(job.settings))


def _compact_in_worker(piece: Piece, settings: Settings, job: Job) -> Done:
    authors = limited_authors(settings, job.environment, job.limits)
    return compact_piece(piece, settings, job.path, own_counter(settings), authors)


def own_counter(settings: Settings) -> Counter:
    """Return this process's counter, made when it is first needed."""
    global _counter
    if _counter is None or _counter.name != settings.tokenizer:
        _counter = make_counter(settings.tokenizer)
    return _counter
