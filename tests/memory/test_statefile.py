"""A state between runs: written whole, held by one run, and refused where it is not what it should be."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.errors import InputError, OptionError
from cortex_cli.memory.identity import Mark
from cortex_cli.memory.state import Chunk, Hint, MemoryState, Reflection, dump_state, load_state
from cortex_cli.memory.statefile import StateFile
from tests.conftest import PROJECT

FULL = MemoryState(
    observations="Date: Jan 02, 2026\n* 🔴 (09:00) no",
    hint=Hint("task", "next"),
    observation_tokens=12,
    generation=2,
    chunks=(
        Chunk(
            observations="* 🟢 yes",
            observed_tokens=900,
            messages=4,
            until=Mark(9, ("a", "-b"), "c", 3),
            created_at="2026-01-02T09:00:00Z",
            hint=Hint("t", ""),
            author="builtin",
        ),
    ),
    merged=Mark(5, ("a",)),
    kept=("k",),
    lineage=("x", "y"),
    reflection=Reflection(7, "* all"),
    recall="`cortex recall`",
    session="s-1",
)


def test_a_state_survives_json() -> None:
    """What is written is what is read, all of it."""
    assert load_state(json.loads(json.dumps(dump_state(FULL)))) == FULL
    assert load_state(dump_state(MemoryState())) == MemoryState()


def test_a_file_is_read_and_written(tmp_path: Path) -> None:
    """The first run makes it, the second goes on from it; what did not change is not written."""
    path = tmp_path / "state.json"
    with StateFile.held(str(path)) as file:
        assert file.data is None
        file.write(dump_state(FULL))
    before = path.stat()
    with StateFile.held(str(path)) as file:
        assert file.data is not None
        assert load_state(file.data) == FULL
        file.write(dump_state(FULL))
    assert path.stat() == before or path.stat().st_mtime_ns == before.st_mtime_ns
    with StateFile.held(str(path)) as file:
        file.write(dump_state(MemoryState()))
    assert load_state(json.loads(path.read_bytes())) == MemoryState()
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "no JSON"),
        (b'{"kind": "cortex-mem', "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[]", "not a memory"),
        (b'{"observations": "x"}', "not a memory"),
        (b'{"kind": "cortex-memory", "version": 2}', "version 2"),
        (b'{"kind": "cortex-memory", "version": null}', "version None"),
        (b'{"kind": "cortex-memory", "version": 1, "observations": 1}', "'observations'"),
        (b'{"kind": "cortex-memory", "version": 1, "watermark": 1, "chunks": [1]}', "damaged"),
        (b'{"kind": "cortex-memory", "version": 1, "merged": {"position": -1}}', "'position'"),
        (b'{"kind": "cortex-memory", "version": 1, "kept": [1]}', "'kept'"),
    ],
)
def test_what_is_no_state_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    """One line says what and where, one what to do; exit code 2, and the file is as it was."""
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=what) as error, StateFile.held(str(path)):
        pass
    assert error.value.where == str(path)
    assert error.value.hint
    assert error.value.exit_code == 2
    assert path.read_bytes() == content


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """A mistake of typing, told as one."""
    with pytest.raises(InputError, match="is a directory"), StateFile.held(str(tmp_path)):
        pass


def test_what_another_run_wrote_meanwhile_is_not_lost(tmp_path: Path) -> None:
    """Both paid for what they know; the second is told."""
    path = tmp_path / "state.json"
    with StateFile.held(str(path)) as file:
        path.write_bytes(b"theirs")
        with pytest.raises(OptionError, match="not kept"):
            file.write(dump_state(FULL))
    assert path.read_bytes() == b"theirs"
    path.write_bytes(json.dumps(dump_state(FULL)).encode())
    with StateFile.held(str(path)) as file:
        time.sleep(0.01)
        path.write_bytes(b"theirs, again")
        with pytest.raises(OptionError, match="not kept"):
            file.write(dump_state(MemoryState()))
    assert path.read_bytes() == b"theirs, again"


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    """The memory cannot be kept: the run stops before the output is written."""
    with StateFile.held(str(tmp_path / "no" / "state.json")) as file, pytest.raises(OptionError, match="not kept"):
        file.write(dump_state(FULL))


@pytest.mark.skipif(sys.platform == "win32", reason="locks of this kind are not there")
def test_one_run_at_a_time(tmp_path: Path) -> None:
    """Else two would pay for the same observations, and one of them in vain."""
    path = tmp_path / "state.json"
    path.write_bytes(json.dumps(dump_state(FULL)).encode())
    script = (
        "import sys, time\nfrom cortex_cli.memory.statefile import StateFile\n"
        f"with StateFile.held({str(path)!r}):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match="another run"), StateFile.held(str(path)):
            pass
    finally:
        other.communicate(b"")
    with StateFile.held(str(path)):
        pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*dump_state(FULL)]), JSON))
def test_any_damage_is_told_and_never_a_traceback(damage: dict[str, Any]) -> None:
    """Whatever stands in the file: it is a state, or an error with a hint."""
    try:
        state = load_state({**dump_state(FULL), **damage})
    except InputError as error:
        assert error.hint  # noqa: PT017  # both ways are allowed
    else:
        assert load_state(dump_state(state)) == state
