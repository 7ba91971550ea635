"""Sessions that are folders: read as one document, written back as the folder."""

import json
from pathlib import Path
from typing import Any

import pytest

from cortex_cli import Settings, compact, folders, load
from cortex_cli.errors import InputError, OutputError
from cortex_cli.library import dump
from tests.cli.command import cortex
from tests.conftest import filler
from tests.formats.test_cortex_session import META, said

STATE = {"observations": "", "bufferedChunks": [], "bufferWatermark": 2}


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Make a session of twenty messages, its files spelled by hand."""
    folder = tmp_path / "s1"
    folder.mkdir()
    history = [said("assistant" if at % 2 else "user", f"{at} {filler(400)}") for at in range(20)]
    write(folder, "history.json", json.dumps(history) + "\n")
    write(folder, "meta.json", json.dumps({**META, "contextTokenCount": 1.50}, indent=2))
    write(folder, "observations.json", " " + json.dumps(STATE) + "\n\n")
    return folder


def write(folder: Path, name: str, text: str) -> None:
    """Write a file."""
    (folder / name).write_text(text, encoding="utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    """Return what stands in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def small(folder: Path) -> Any:
    """Compact a session."""
    settings = Settings(window=2_000, fit=600, tokenizer="heuristic", layers=("failsafe",))
    return compact(load(folder), settings)


def test_every_file_keeps_its_bytes(session: Path, tmp_path: Path) -> None:
    """White space around them too."""
    assert folders.split(folders.read(str(session)).data) == contents(session)
    dump(load(session), tmp_path / "copy")
    assert contents(tmp_path / "copy") == contents(session)


def test_a_compacted_session_is_a_folder(session: Path, tmp_path: Path) -> None:
    """The library writes what the agent loads."""
    before = contents(session)
    done = small(session)
    dump(done.transcript, tmp_path / "small")
    after = contents(tmp_path / "small")
    assert len(after["history.json"]) < len(before["history.json"]) / 2
    assert load(tmp_path / "small").messages[0].text == done.transcript.messages[0].text
    assert json.loads(after["observations.json"])["bufferWatermark"] < 2
    assert contents(session) == before
    with pytest.raises(OutputError, match="already exists"):
        dump(done.transcript, tmp_path / "small")
    dump(done.transcript, tmp_path / "small", overwrite=True)
    assert contents(tmp_path / "small") == after


def test_the_command_line_takes_folders(session: Path) -> None:
    """Beside it, over it with backups, and back from the archive."""
    options = ("--fit", "600", "--layers", "failsafe", "--tokenizer", "heuristic")
    before = contents(session)
    archive = ("--archive", str(session.parent / "a.db"))
    done = cortex("compact", str(session), *options, *archive)
    assert done.exit_code == 0, done.stderr
    beside = session.with_name("s1.compacted")
    assert cortex("check", str(beside)).exit_code == 0
    assert cortex("restore", str(beside), *archive, "-o", str(session.parent / "back")).exit_code == 0
    assert contents(session.parent / "back") == before
    assert cortex("compact", str(session), *options, "--in-place").exit_code == 0
    after = contents(session)
    assert after["history.json.bak"] == before["history.json"]
    assert after["history.json"] == contents(beside)["history.json"]
    again = cortex("compact", str(session), *options, "--in-place")
    assert again.exit_code == 0
    assert contents(session) == after


def test_a_history_is_not_written_over_alone(session: Path) -> None:
    """The state beside it would then call messages observed that nobody has read."""
    before = contents(session)
    done = cortex("compact", str(session / "history.json"), "--fit", "600", "--tokenizer", "heuristic", "--in-place")
    assert (done.exit_code, contents(session)) == (2, before)
    assert "name the folder" in done.stderr


def test_a_session_that_moves_on_is_left_alone(session: Path) -> None:
    """Its agent writes at every turn."""
    source = folders.read(str(session))
    write(session, "history.json", "[]")
    with pytest.raises(OutputError, match="has changed"):
        folders.write_in_place(source, [source.data])


@pytest.mark.parametrize("name", ["history.json", "observations.json"])
def test_a_damaged_file_is_named(session: Path, name: str) -> None:
    """One line that says which."""
    write(session, name, "[{")
    done = cortex("compact", str(session))
    assert done.exit_code == 2
    assert name in done.stderr
    with pytest.raises(InputError):
        folders.read(str(session))


def test_other_folders_are_no_sessions(tmp_path: Path) -> None:
    """Without its meta data nobody loads a history; the file alone can still be given."""
    write(tmp_path, "history.json", "[]")
    assert not folders.is_session(tmp_path)
    assert cortex("compact", str(tmp_path)).exit_code == 2
