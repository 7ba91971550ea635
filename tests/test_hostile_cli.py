"""Bad input on the command line: one clear error and exit 2, or handled and reported; files are whole either way."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cortex_cli.cli.main import app
from cortex_cli.formats.source import Source
from tests.hostile import NOT_TRANSCRIPTS, awkward, damaged_lines, is_lines, sound
from tests.roundtrip import load
from tests.test_hostile import KNOWN, WRITTEN
from tests.writers import WRITERS

SMALL = ("--window", "2500", "--tokenizer", "heuristic", "--layers", "cap,micro,failsafe")
LONG_LINE_BYTES = 100_000_000


def cortex(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    """Run the command line in this process; a traceback fails the test."""
    result = CliRunner().invoke(app, [str(one) for one in arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def is_clear(result: Result, path: Path) -> bool:
    """Tell whether it ended with code 2 and at most two lines: where and what, then a hint."""
    lines = result.stderr.splitlines()
    return (
        result.exit_code == 2
        and lines[0].startswith(f"error: {path}")
        and len(lines) <= 2
        and all(line.startswith("hint: ") for line in lines[1:])
    )


def each_damage() -> Iterator[object]:
    """Yield (writing, bytes) for everything in `hostile`."""
    for written in WRITTEN:
        for what, data in awkward(written):
            yield pytest.param(written, data, id=f"{written}: {what}")
        if is_lines(written):
            for what, data in damaged_lines(written):
                yield pytest.param(written, data, id=f"{written}: {what}")


def opaque_lines(data: bytes) -> list[bytes]:
    """Return the lines that are no JSON object: nobody can say what they were."""
    source = Source(data)
    readable = {index for index, _ in source.objects()} - source.damage.keys()
    return [line for index, line in enumerate(source.records) if index not in readable and line.strip()]


@pytest.mark.parametrize(("written", "data"), list(each_damage()))
def test_damaged_files_are_compacted(written: str, data: bytes, tmp_path: Path) -> None:
    """What cannot be read rides along, what can is compacted, and the output is read again without complaint."""
    path, output = tmp_path / "t.jsonl", tmp_path / "out.jsonl"
    path.write_bytes(data)
    name = WRITERS[written][0]
    result = cortex("compact", path, "-o", output, "--format", name, *SMALL)
    assert result.exit_code == 0, result.stderr
    assert path.read_bytes() == data
    after = output.read_bytes()
    assert len(after) < len(data) or len(load(data, name).messages) <= 1  # the client reads no more of it
    assert not is_lines(written) or all(line in after for line in opaque_lines(data))
    assert cortex("check", output, "--format", name).exit_code == 0
    again = cortex("compact", output, "-o", "-", "--format", name, *SMALL, "--report", "none")
    assert again.stdout_bytes == after


@pytest.mark.parametrize("command", ["compact", "check", "stats", "show"])
@pytest.mark.parametrize("name", NOT_TRANSCRIPTS)
def test_no_transcript_no_traceback(command: str, name: str, tmp_path: Path) -> None:
    """Any file may be named by mistake."""
    path = tmp_path / "t.jsonl"
    path.write_bytes(NOT_TRANSCRIPTS[name])
    result = cortex(command, path)
    assert is_clear(result, path)
    assert [one.name for one in tmp_path.iterdir()] == ["t.jsonl"]


@pytest.mark.parametrize("command", ["compact", "check", "stats", "show"])
def test_places_that_are_no_files(command: str, tmp_path: Path) -> None:
    """A directory, a name that is not there."""
    for path in (tmp_path, tmp_path / "nowhere.jsonl"):
        assert is_clear(cortex(command, path), path)


@pytest.mark.parametrize("written", WRITTEN)
def test_wrong_formats_are_refused(written: str, tmp_path: Path) -> None:
    """Read as another format, a file is refused, or comes out as it was; it is never bent into the wrong one."""
    path = tmp_path / "t.jsonl"
    path.write_bytes(sound(written))
    for format in sorted(KNOWN):
        output = tmp_path / f"out.{format}.jsonl"
        result = cortex("compact", path, "-o", output, "--format", format, *SMALL)
        assert is_clear(result, path) or result.exit_code == 0, format
        assert output.exists() == (result.exit_code == 0), format


@pytest.mark.parametrize("window", ["0", "-1", "x", "1e99", "", "99999999999999999999999"])
def test_impossible_windows(window: str, tmp_path: Path) -> None:
    """A size that makes no sense is an option's fault, or means that it is not known."""
    path = tmp_path / "t.jsonl"
    path.write_bytes(sound(WRITTEN[0]))
    result = cortex("compact", path, "--window", window, "--tokenizer", "heuristic")
    assert result.exit_code in (0, 2)
    if result.exit_code:
        assert "--window" in result.stderr.splitlines()[0]
        assert len(result.stderr.splitlines()) <= 2


@pytest.mark.parametrize("written", WRITTEN)
def test_standard_input_is_read_like_a_file(written: str) -> None:
    """A pipe has no second chance: a torn line in it must not end the run."""
    data = sound(written)
    data += data[:50] if is_lines(written) else b""
    result = cortex("compact", "-", "--format", WRITERS[written][0], *SMALL, "--report", "none", stdin=data)
    assert result.exit_code == 0, result.stderr
    assert len(load(result.stdout_bytes, WRITERS[written][0]).messages) > 5


def test_strict_refuses_damage(tmp_path: Path) -> None:
    """Who wants to know of every scratch gets no output for a scratched file."""
    written = next(one for one in WRITTEN if is_lines(one))
    path = tmp_path / "t.jsonl"
    path.write_bytes(sound(written) + b'{"torn')
    result = cortex("compact", path, "--strict", "--format", WRITERS[written][0])
    assert is_clear(result, path)
    assert "torn last line" in result.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["t.jsonl"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["message", "noise", "digits"])
def test_one_line_of_100_megabytes(kind: str, tmp_path: Path) -> None:
    """It takes a while, and that is all."""
    path = tmp_path / "t.jsonl"
    content = "word " * (LONG_LINE_BYTES // 5) if kind == "message" else "ok"
    calls = [{"id": "a", "type": "function", "function": {"name": "Read", "arguments": "{}"}}]
    talk = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "a", "content": content},
    ]
    noise = {"message": [], "noise": ["[" * LONG_LINE_BYTES], "digits": ["7" * LONG_LINE_BYTES]}
    lines = [*map(json.dumps, talk), *noise[kind]]
    path.write_text("\n".join(lines) + "\n")
    output = tmp_path / "out.jsonl"
    result = cortex("compact", path, "-o", output, "--tokenizer", "heuristic", "--window", "200k")
    assert result.exit_code == 0, result.stderr
    assert (output.stat().st_size < LONG_LINE_BYTES) == (kind == "message")
