"""What all tests share: builders for messages, the folder of real transcripts, no network."""

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings

from cortex_cli import clock
from cortex_cli.llm.circuit import CIRCUIT
from cortex_cli.marks import Notice, notice_text
from cortex_cli.messages import Message, Part, Transcript
from cortex_cli.typed import finish, is_typed_text

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a job in the background of a shell without job control ignores Ctrl-C, and so would every program it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)

PROJECT = Path(__file__).resolve().parent.parent

REAL_TRANSCRIPT = "real transcript"
"""Property of a test over one of them: [format, window, whether the file was changed]."""

settings.register_profile("cortex", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", settings.get_profile("cortex"), max_examples=2000)  # --hypothesis-profile=deep
settings.register_profile("gate", settings.get_profile("cortex"), derandomize=True)
"""The same examples in every run of the same tests: a change is refused for what it did, not for a rare old bug that a
new example met. Those are looked for by `make test`, which draws new ones each time, and by the deep profile."""
settings.load_profile("gate" if os.environ.get("CI") else "cortex")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let reports that tests compare with be written anew."""
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew, to be read in review")


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark of tests that talk to a server of their own."""
    config.addinivalue_line("markers", "loopback: may talk to a server on this machine's loopback address")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print how many real transcripts of each format there are, and how many of them were changed."""
    reports = terminalreporter.stats.get("passed", ())
    runs = [value for one in reports for name, value in one.user_properties if name == REAL_TRANSCRIPT]
    if not runs:
        return
    windows = sorted({window for _, window, _ in runs})
    files = Counter(name for name, window, _ in runs if window == windows[0])
    changed = Counter((name, window) for name, window, was_changed in runs if was_changed)
    terminalreporter.write_sep("=", "real transcripts: files of each format, and how many changed in a window")
    terminalreporter.write_line(f"{'format':<20}{'files':>6}" + "".join(f"{window:>9,}" for window in windows))
    for name in sorted(files):
        cells = "".join(f"{changed[name, window]:>9}" for window in windows)
        terminalreporter.write_line(f"{name:<20}{files[name]:>6}{cells}")
    totals = "".join(f"{sum(changed[name, window] for name in files):>9}" for window in windows)
    terminalreporter.write_line(f"{'all':<20}{files.total():>6}{totals}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real transcripts and conformance cases beside the project; skip where it is absent."""
    folder = PROJECT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no ../shared beside the project")
    return folder


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every connection raise; tests marked `loopback`, `clients` or `bench` may reach this machine."""
    if any(request.node.get_closest_marker(name) for name in ("loopback", "clients", "bench")):
        return

    def refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
        raise RuntimeError("a test tried to use the network; mark it `loopback` if it serves itself")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.fixture(autouse=True)
def _clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two runs of one test write the same time: a second may end between them."""
    began = clock.utc_now()
    monkeypatch.setattr(clock, "utc_now", lambda: began)


def text(value: str, **fields: Any) -> Part:
    """Build a text part."""
    return Part("text", value, **fields)


def thinking(value: str, *, signed: bool = True, **fields: Any) -> Part:
    """Build a thinking part."""
    return Part("thinking", value, signed=signed, **fields)


def call(name: str = "Read", call_id: str = "call_1", arguments: str = '{"path":"a.py"}', **fields: Any) -> Part:
    """Build a tool call."""
    return Part("call", arguments, name=name, call_id=call_id, json=True, **fields)


def system(value: str, **fields: Any) -> Message:
    """Build a system prompt."""
    return Message("system", (text(value),), **fields)


def user(value: str, **fields: Any) -> Message:
    """Build a user message, typed unless its text is machine text."""
    return Message("user", (text(value),), **{"typed": is_typed_text(value), **fields})


def assistant(*pieces: str | Part, **fields: Any) -> Message:
    """Build an assistant message of texts and parts."""
    return Message("assistant", tuple(text(one) if isinstance(one, str) else one for one in pieces), **fields)


def result(
    call_id: str = "call_1",
    value: str = "",
    *,
    name: str = "Read",
    chars: int = 0,
    is_error: bool = False,
    **fields: Any,
) -> Message:
    """Build a tool result with the given text, or with `chars` characters of lines."""
    part = Part("result", value or filler(chars), name=name, call_id=call_id, is_error=is_error)
    return Message("tool", (part,), **fields)


def notice(messages: int = 3, tokens: int = 40) -> Message:
    """Build a failsafe notice as the layer puts it in."""
    return Message("user", (text(notice_text(Notice(messages, tokens))),), synthetic="notice")


def tool_pair(name: str = "Read", *, chars: int = 100, call_id: str = "call_1", value: str = "") -> list[Message]:
    """Build an assistant message with one call, and its result."""
    return [assistant(call(name, call_id)), result(call_id, value, name=name, chars=chars)]


def filler(chars: int) -> str:
    """Build a text of so many characters, in numbered lines."""
    return "".join(f"line {number} of some tool output\n" for number in range(chars // 25 + 1))[:chars]


def live(*messages: Message | list[Message]) -> tuple[Message, ...]:
    """Number messages and mark slots, as `load` does; lists (of `tool_pair`) are taken apart."""
    flat: list[Message] = []
    for one in messages:
        flat.extend([one] if isinstance(one, Message) else one)
    return finish(flat)


def transcript(*messages: Message | list[Message], **fields: Any) -> Transcript:
    """Build a transcript without bytes behind it, for layers and reports."""
    path = live(*messages)
    return Transcript(format="test", messages=path, loaded=path, **fields)


@pytest.fixture
def closed_circuit() -> None:
    """Let no test's outage reach another's server."""
    CIRCUIT._failures.clear()
    CIRCUIT._open_until.clear()


@pytest.fixture
def chdir_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty folder that is the home folder too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def odd_folder(chdir_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in a folder whose name is not UTF-8, where the system has such."""
    folder = chdir_tmp / os.fsdecode(b"odd\xff")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("every name of a file is UTF-8 here")
    monkeypatch.chdir(folder)
    return folder


def outputs_by_hash_seed(code: str) -> set[bytes]:
    """Run a program under several hash seeds, each in a process of its own: Python orders sets anew in every one."""
    environ = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**environ, "PYTHONHASHSEED": seed},
            cwd=PROJECT,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
