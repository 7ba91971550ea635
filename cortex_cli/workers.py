"""Processes that work beside this one, and what Ctrl-C does to them."""

import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import active_children, connection, get_context, parent_process
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any, Self, TypeVar

T = TypeVar("T")

WORKER_DIED = "the process that worked on it died"
MEMORY_HINT = "memory may be short; try --jobs 1"


class Workers:
    """A pool of processes that Ctrl-C ends in order.

    It is noted, and raised by `wait_for` or at the end: raised inside the pool's own code, which any line of it may be
    in, it leaves a lock that is held for ever. Pressed once more it is raised wherever that is.

    Args:
        count: How many; >= 1.
        prepare: Called in each process before its first task, with `given`.
        given: Arguments of `prepare`.
        finish: After Ctrl-C the tasks under way are done to their end; else they are broken off.
    """

    def __init__(
        self, count: int, prepare: Callable[..., None] | None = None, given: tuple[Any, ...] = (), *, finish: bool
    ) -> None:
        # `spawn`: a fork of a process with threads (a progress bar is one) may deadlock
        self._pool = ProcessPoolExecutor(
            count, get_context("spawn"), initializer=_begin, initargs=(finish, prepare, given)
        )
        self._finish = finish
        self._children: set[BaseProcess] = set()
        self._is_interrupted = False
        self._handler: Any = None

    def __enter__(self) -> Self:
        """Take over Ctrl-C, if this thread gets it and nobody has turned it off."""
        handler = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread() and callable(handler):
            self._handler = handler
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Wait until every process has ended.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed since they were last waited for.
        """
        self._break_off()
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
        self._raise_noted()

    def submit(self, task: Callable[..., T], *arguments: Any) -> "Future[T]":
        """Hand a task out; the first one starts the processes.

        Raises:
            BrokenProcessPool: One of them has died.
        """
        before = set(active_children())
        with _interrupts_later():
            future = self._pool.submit(task, *arguments)
        self._children |= {*active_children()} - before
        return future

    def wait_for(self, futures: "Collection[Future[T]]") -> "set[Future[T]]":
        """Return those that are done, as soon as one is.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed.
        """
        self._raise_noted()
        done, _ = wait(futures, return_when=FIRST_COMPLETED)
        self._raise_noted()
        return done

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._is_interrupted:
            self._handler(number, frame)
        self._is_interrupted = True
        self._break_off()

    def _raise_noted(self) -> None:
        if self._is_interrupted:
            raise KeyboardInterrupt

    def _break_off(self) -> None:
        if self._is_interrupted and not self._finish:
            for child in self._children:
                child.terminate()


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Hold Ctrl-C back: a process that is only just being started would answer it with a traceback."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # what is started inherits it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(finish: bool, prepare: Callable[..., None] | None, given: tuple[Any, ...]) -> None:
    # Ctrl-C in a terminal reaches every process: the first one decides, or this one ends without a word
    signal.signal(signal.SIGINT, signal.SIG_IGN if finish else signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if prepare is not None:
        prepare(*given)


def _end_with_parent() -> None:
    """End this process when the one that began it is gone: else it waits for work for ever, or still writes."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
