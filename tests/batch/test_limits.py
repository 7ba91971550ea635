"""What a batch may do with a model: never more, whoever of its processes asks."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.batch import limits
from cortex_cli.batch.limits import FileLedger, Limits, State
from cortex_cli.batch.paths import MANIFEST_NAME
from tests.cli.command import ROOT, SAMPLES
from tests.llm.test_faults import GOOD

KEY = {"MY_KEY": "sk-very-secret-0123456789"}


@given(
    steps=st.lists(st.tuples(st.integers(0, 30), st.floats(0, 0.5), st.floats(0, 1), st.booleans()), max_size=60),
    concurrency=st.integers(0, 3),
    rpm=st.integers(0, 5),
    most=st.sampled_from([0.0, 0.7, 2.0]),
)
def test_no_limit_is_ever_passed(
    steps: Sequence[tuple[int, float, float, bool]], concurrency: int, rpm: int, most: float
) -> None:
    """However calls come, how long they run and what they cost of what was held back."""
    allowed = Limits(concurrency, rpm, most)
    state, now, begun = State(), 1_000.0, []
    for number, (pause, price, share, ends) in enumerate(steps):
        now += pause
        place = state.ask(allowed, f"1:{number}", price, now)
        if place.is_granted:
            begun.append(now)
        if ends and state.running:
            call, held = next(iter(state.running.items()))
            state.finish(call, held * share)
        assert not concurrency or len(state.running) <= concurrency
        assert not rpm or sum(moment > now - 60 for moment in begun) <= rpm
        assert not most or state.spent_usd + sum(state.running.values()) <= most + 1e-9


def test_money_held_back_for_others_is_waited_for() -> None:
    """A call in flight may cost less than it could; only what is spent is gone."""
    state, allowed = State(), Limits(max_cost_usd=1.0)
    assert state.ask(allowed, "1:a", 0.9, 0).is_granted
    waiting = state.ask(allowed, "1:b", 0.5, 0)
    assert not waiting.is_granted
    assert not waiting.refusal
    state.finish("1:a", 0.1)
    assert state.ask(allowed, "1:b", 0.5, 0).is_granted
    state.finish("1:b", None)
    assert state.spent_usd == pytest.approx(0.6)
    assert "--max-cost" in state.ask(allowed, "1:c", 0.5, 0).refusal


def test_the_places_of_dead_processes_come_free(tmp_path: Path) -> None:
    """Else a killed worker would hold the batch for ever."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    ledger = FileLedger(str(tmp_path / "limits.json"))
    with ledger.open() as state:
        state.running = {f"{dead.pid}:x": 0.25, f"{os.getpid()}:y": 0.5}
    assert not ledger.ask(Limits(concurrency=1), f"{os.getpid()}:z", 0.0).is_granted
    with ledger.open() as state:
        assert list(state.running) == [f"{os.getpid()}:y"]
        assert state.spent_usd == 0.25


@pytest.fixture
def tree(chdir_tmp: Path) -> Path:
    """Return a folder of eight transcripts that are worth a summary."""
    root = chdir_tmp / "in"
    root.mkdir()
    data = (SAMPLES / "openai.jsonl").read_bytes()
    for number in range(8):
        (root / f"{number}.jsonl").write_bytes(data)
    return root


def run(
    tree: Path, server: Any, *more: str, jobs: int = 2, model: str = "gpt-4o-mini", output: str = "--output=out"
) -> "subprocess.CompletedProcess[str]":
    """Run a batch with a model as a process of its own."""
    command = [sys.executable, "-m", "cortex_cli", "batch", str(tree), output, "--window", "32k", "--fit", "8k"]
    options = ["--summarizer", "openai", "--llm-url", server.base_url("openai"), "--llm-model", model]
    rest = ["--llm-key-env", "MY_KEY", "--jobs", str(jobs), "--retry-delay", "0.01", "--json", *more]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tree.parent), "PYTHONPATH": str(ROOT), **KEY}
    return subprocess.run([*command, *options, *rest], env=environment, capture_output=True, text=True, timeout=120)


def results(folder: Path) -> dict[str, str]:
    """Return the last result of each file in the manifest."""
    lines = [json.loads(line) for line in (folder / MANIFEST_NAME).read_text().splitlines()]
    return {line["path"]: line["result"] for line in lines}


def most_at_once(requests: Sequence[Any]) -> int:
    """Return how many requests the server answered at the same time."""
    events = sorted([(one.started_at, 1) for one in requests] + [(one.ended_at, -1) for one in requests])
    now = most = 0
    for _, step in events:
        now += step
        most = max(most, now)
    return most


@pytest.mark.slow
@pytest.mark.loopback
def test_calls_at_once_are_limited_over_all_processes(tree: Path, llmock: Any) -> None:
    """Two processes, one place."""
    llmock.reply(GOOD, times=None).delay(0.1, times=None)
    done = run(tree, llmock, "--llm-concurrency", "1")
    assert done.returncode == 0, done.stderr
    assert set(results(Path("out")).values()) == {"done"}
    assert len(llmock.requests) == 8
    assert most_at_once(llmock.requests) == 1


@pytest.mark.slow
@pytest.mark.loopback
def test_calls_a_minute_are_limited(tree: Path, llmock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured at the server, with a short minute."""
    llmock.reply(GOOD, times=None)
    minute = 1.0
    (tree.parent / "sitecustomize.py").write_text(
        f"import cortex_cli.batch.limits as limits\nlimits.MINUTE_SECONDS = {minute}\n"
    )
    monkeypatch.setitem(globals(), "ROOT", f"{tree.parent}{os.pathsep}{ROOT}")
    done = run(tree, llmock, "--llm-rpm", "3")
    assert done.returncode == 0, done.stderr
    begun = sorted(one.started_at for one in llmock.requests)
    assert len(begun) == 8
    slack = 0.2  # between leave and arrival at the server
    assert all(later - first >= minute - slack for first, later in zip(begun, begun[3:], strict=False))


@pytest.mark.slow
@pytest.mark.loopback
def test_money_is_never_passed_and_the_rest_can_be_done_later(tree: Path, llmock: Any) -> None:
    """What the calls cost stays below; the other files are summarised without a model, and are marked so."""
    llmock.reply(GOOD, times=None)
    most = 0.005  # a call costs 0.0006 here and could cost 0.003: there is room for the first and not for the last
    done = run(tree, llmock, "--max-cost", str(most))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    spent = sum(one["summary_cost"]["usd"] for one in report["files"] if "summary_cost" in one)
    assert 0 < spent <= most
    marks = results(Path("out"))
    assert set(marks.values()) == {"done", "fallback"}
    fallen = {path for path, result in marks.items() if result == "fallback"}
    asked = len(llmock.requests)
    again = run(tree, llmock, "--retry-failed")
    assert json.loads(again.stdout)["totals"]["files"] == len(fallen) == len(llmock.requests) - asked
    assert set(results(Path("out")).values()) == {"done"}


@pytest.mark.slow
@pytest.mark.loopback
def test_an_outage_in_the_middle_is_marked_and_mended(tree: Path, llmock: Any) -> None:
    """All processes leave the endpoint alone together; `--retry-failed` redoes exactly what fell back."""
    llmock.reply(GOOD, times=None).delay(0.2, times=None)

    def go_down() -> None:
        while len(llmock.requests) < 3:
            time.sleep(0.01)
        llmock.outage()

    watching = threading.Thread(target=go_down)
    watching.start()
    done = run(tree, llmock, "--llm-concurrency", "1")
    watching.join()
    assert done.returncode == 0, done.stderr
    marks = results(Path("out"))
    fallen = {path for path, result in marks.items() if result == "fallback"}
    assert 8 - 5 <= len(fallen) <= 5
    refused = [one for one in llmock.requests if one.status == 503]
    assert len(refused) <= 2 * 3  # the circuit opens for both processes at once
    llmock.reset().reply(GOOD, times=None)
    again = run(tree, llmock, "--retry-failed")
    assert again.returncode == 0, again.stderr
    assert {Path(one["input"]["path"]).name for one in json.loads(again.stdout)["files"]} == fallen
    assert set(results(Path("out")).values()) == {"done"}


@pytest.mark.slow
@pytest.mark.loopback
def test_what_fell_back_in_place_is_done_again_from_the_original(tree: Path, llmock: Any) -> None:
    """The summary that stood in is no input for the model's: the backup is put back first."""
    before = {path.name: path.read_bytes() for path in tree.glob("*.jsonl")}
    llmock.fail(400, times=None)
    assert run(tree, llmock, output="--in-place").returncode == 0
    assert set(results(tree).values()) == {"fallback"}
    llmock.reset().reply(GOOD, times=None)
    again = run(tree, llmock, "--retry-failed", output="--in-place")
    assert again.returncode == 0, again.stderr
    assert set(results(tree).values()) == {"done"}
    assert {name: (tree / f"{name}.bak").read_bytes() for name in before} == before
    assert not list(tree.glob("*.bak.*"))
    assert all(b"The port must stay 8473" in (tree / name).read_bytes() for name in before)


@pytest.mark.loopback
def test_limits_that_nobody_can_keep_are_refused(tree: Path, llmock: Any) -> None:
    """An unknown price, no model at all, no number."""
    unknown = run(tree, llmock, "--max-cost", "1", model="my-own-model")
    assert unknown.returncode == 2
    assert "price of my-own-model is not known" in unknown.stderr
    assert run(tree, llmock, "--llm-rpm", "0").returncode == 2
    assert run(tree, llmock, "--max-cost", "much").returncode == 2
    without = run(tree, llmock, "--max-cost", "1", "--summarizer", "builtin")
    assert without.returncode == 2
    assert "--summarizer" in without.stderr
    assert not llmock.requests


def test_the_state_outlives_its_users(tmp_path: Path) -> None:
    """Every process reads what the others wrote."""
    path = str(tmp_path / "limits.json")
    with FileLedger(path).open() as state:
        state.spent_usd = 0.5
    with FileLedger(path).open() as state:
        assert state.spent_usd == 0.5
    circuit = limits.SharedCircuit(ledger=FileLedger(path))
    circuit.failed("e", 2)
    assert limits.SharedCircuit(ledger=FileLedger(path)).seconds_left("e") == 0
    limits.SharedCircuit(ledger=FileLedger(path)).failed("e", 2)
    assert 0 < circuit.seconds_left("e") <= 60
    circuit.succeeded("e")
    assert circuit.seconds_left("e") == 0
