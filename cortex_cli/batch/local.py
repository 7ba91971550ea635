"""A batch on this machine: one process for each core, each with its tokenizer loaded once."""

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context

from cortex_cli.batch.job import Job, Outcome, run_job
from cortex_cli.tokens import Counter, make_counter

ALONE_BYTES = 4_000_000
"""A batch of no more than this is done in one process: starting others takes longer."""

QUEUED_PER_WORKER = 4
"""Jobs handed out ahead of time, so that no worker waits and nothing piles up."""

_counter: Counter | None = None
"""The worker's own."""


def default_jobs(paths: Sequence[str]) -> int:
    """Return how many processes a batch over these files is worth."""
    size = sum(os.stat(path).st_size for path in paths if os.path.isfile(path))  # noqa: PTH116, PTH113  # texts already
    if size <= ALONE_BYTES:
        return 1
    return max(1, min(len(paths), os.cpu_count() or 1))


def run_jobs(jobs: Sequence[Job], *, processes: int) -> Iterator[Outcome]:
    """Yield how each file went, in the order in which they finish.

    Closing the iterator (or an interrupt) lets the files that are being written finish, and starts no others.
    """
    if not jobs:
        return
    if processes <= 1:
        counter = make_counter(jobs[0].settings.tokenizer)
        for job in jobs:
            yield run_job(job, counter)
        return
    # `spawn`: a fork of a process with threads (a progress bar is one) may deadlock
    pool = ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=_prepare, initargs=(jobs[0].settings.tokenizer,)
    )
    try:
        yield from _feed(pool, jobs, processes * QUEUED_PER_WORKER)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _feed(pool: ProcessPoolExecutor, jobs: Sequence[Job], ahead: int) -> Iterator[Outcome]:
    """Hand the jobs out, the largest file first among those near: one at the end would leave the others idle."""
    waiting = list(reversed(jobs))
    running: set[Future[Outcome]] = set()
    while waiting or running:
        while waiting and len(running) < ahead:
            running.add(pool.submit(_run_in_worker, waiting.pop()))
        finished, running = wait(running, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in finished)


def _prepare(tokenizer: str) -> None:
    global _counter
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the first one decides
    _counter = make_counter(tokenizer)


def _run_in_worker(job: Job) -> Outcome:
    assert _counter is not None  # `_prepare` ran
    return run_job(job, _counter)
