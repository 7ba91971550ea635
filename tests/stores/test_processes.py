"""Several processes on one file, and processes that are killed: old or new history whole, nothing lost."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT
from tests.stores.talk import fill, run, said
from tests.stores.worker import EVERY, PADDING, SESSION, open_store, tally

KILLS = 25


def start(*arguments: Any) -> subprocess.Popen[str]:
    """Start a worker."""
    command = [sys.executable, "-m", "tests.stores.worker", *map(str, arguments)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)


@contextmanager
def working(*arguments: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a worker that is gone afterwards, whatever happens."""
    with start(*arguments) as worker:
        try:
            yield worker
        finally:
            worker.kill()


def finish(worker: subprocess.Popen[str]) -> None:
    """Let a worker end well."""
    worker.communicate(timeout=60)
    assert worker.returncode == 0


def history(path: Path) -> list[dict[str, Any]]:
    """Read the session."""

    async def work() -> list[dict[str, Any]]:
        store = open_store(str(path))
        found = await store.get_history()
        await store.close()
        return found

    return run(work())


def check_file(path: Path) -> None:
    """Positions are dense, the file is sound, and there is no session but the one."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT session_id, position FROM axio_context_messages ORDER BY position").fetchall()
        assert rows == [(SESSION, number) for number in range(len(rows))]
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def begin(path: Path, count: int) -> None:
    """Make a session of so many messages, with counts."""

    async def work() -> None:
        store = await fill(open_store(str(path)), [said("user", f"old-{number}{PADDING}") for number in range(count)])
        await store.set_context_tokens(1000, 2000)
        await store.close()

    run(work())


def test_two_writers_share_a_session(tmp_path: Path) -> None:
    """Both begin on a file that is not there yet; every message is kept, each writer's in order."""
    path = tmp_path / "a.db"
    with working("write", path, "one", 40) as one, working("write", path, "two", 40) as two:
        finish(one)
        finish(two)
    assert tally(history(path)) == {"one": 40, "two": 40}
    check_file(path)


@pytest.mark.slow
def test_two_that_compact_and_one_that_writes(tmp_path: Path) -> None:
    """Whoever comes second finds the history changed and drops its summary; what is appended meanwhile stays."""
    path = tmp_path / "a.db"
    work = [("churn", path, "one", 4 * EVERY), ("churn", path, "two", 4 * EVERY), ("write", path, "three", 40)]
    with working(*work[0]) as one, working(*work[1]) as two, working(*work[2]) as three:
        for worker in (one, two, three):
            finish(worker)
    assert tally(history(path)) == {"one": 4 * EVERY, "two": 4 * EVERY, "three": 40}
    assert len(history(path)) < 100, "nothing was compacted"
    check_file(path)


@pytest.mark.slow
def test_a_summary_of_a_history_that_was_compacted_is_dropped(tmp_path: Path) -> None:
    """Two processes write a summary of the same messages at once; the messages are summarised once."""
    path, gate = tmp_path / "a.db", tmp_path / "gate"
    begin(path, 20)
    with working("compact", path, gate, 0) as one, working("compact", path, gate, 0) as two:
        for worker in (one, two):
            assert worker.stdout is not None
            assert worker.stdout.readline() == "asked\n"
        gate.touch()
        finish(one)
        finish(two)
    assert [len(history(path)), tally(history(path))] == [6, {"old": 20}]
    check_file(path)


def test_a_process_killed_in_the_refill_leaves_the_old_history(tmp_path: Path) -> None:
    """Between the removal of the old messages and the arrival of the new ones."""
    path = tmp_path / "a.db"
    begin(path, 20)
    with working("die", path, "-", 0) as worker:
        output, _ = worker.communicate(timeout=60)
        assert (output, worker.returncode) == ("dying\n", -signal.SIGKILL)
    assert [len(history(path)), tally(history(path))] == [20, {"old": 20}]
    assert run(open_store(str(path)).get_context_tokens()) == (1001, 2000)
    check_file(path)


@pytest.mark.slow
def test_kills_at_any_moment_lose_nothing(tmp_path: Path) -> None:
    """Each worker appends and compacts until it is killed; what it was told is kept is there, once and in order."""
    path = tmp_path / "a.db"
    begin(path, 20)
    chance = random.Random(9)
    written = 0
    for _ in range(KILLS):
        with working("churn", path, "one", 100_000) as worker:
            assert worker.stdout is not None
            # moments in its own time: on a busy machine too it gets to compact, which it does every EVERY messages
            said_so = [int(worker.stdout.readline()) for _ in range(chance.randrange(1, 3 * EVERY))]
            time.sleep(chance.uniform(0.0, 0.02))
            worker.kill()
            said_so += map(int, worker.stdout)
        counts = tally(history(path))
        assert counts["old"] == 20
        assert counts["one"] >= max(written, said_so[-1] + 1)
        written = counts["one"]
        check_file(path)
    assert run(open_store(str(path)).get_context_tokens())[0] >= 1000
