"""Sessions to measure with, and the table of what was measured."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.measure import floor_seconds, run_cortex
from tests.bench.sessions import claude_code_session

MEGABYTE = 1_000_000

_ROWS: list[tuple[str, str, str]] = []

Note = Callable[[str, float, float, str], None]
SessionOf = Callable[..., Path]


@pytest.fixture(scope="session")
def session_of(tmp_path_factory: pytest.TempPathFactory) -> SessionOf:
    """Return a session file of so many megabytes, made once; outputs may have a share of their usual length."""
    folder = tmp_path_factory.mktemp("sessions")

    def make(megabytes: int, share: float = 1.0) -> Path:
        path = folder / f"{megabytes}mb-{share}.jsonl"
        if not path.exists():
            path.write_bytes(claude_code_session(megabytes * MEGABYTE, share=share))
        return path

    return make


@pytest.fixture(scope="session")
def floor(session_of: SessionOf) -> float:
    """CPU seconds that orjson alone takes on 50 MB."""
    return floor_seconds(session_of(50))


@pytest.fixture(scope="session")
def start_up() -> float:
    """CPU seconds of `cortex --version`."""
    return run_cortex("--version", repeat=5).cpu_seconds


@pytest.fixture
def note() -> Note:
    """Write a row of the table and hold the limit: name, measured, limit, unit."""

    def write(name: str, measured: float, limit: float, unit: str) -> None:
        _ROWS.append((name, f"{measured:,.2f} {unit}", f"{limit:,.2f} {unit}"))
        assert measured <= limit, f"{name}: {measured:,.3f} {unit}, at most {limit:,.3f}"

    return write


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    if not _ROWS:
        return
    terminalreporter.section("measured")
    wide = max(len(name) for name, _, _ in _ROWS)
    for name, measured, limit in _ROWS:
        terminalreporter.write_line(f"{name:<{wide}}  {measured:>16}  at most {limit:>16}")
