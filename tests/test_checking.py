"""Problems are named with their line, and a repaired file has none."""

import json
from pathlib import Path

from cortex_cli import formats
from cortex_cli.checking import check_transcript, fix_transcript
from cortex_cli.files import InputFile
from cortex_cli.formats.source import Source
from cortex_cli.targets import Target
from tests.cli.command import cortex

CALL = {"id": "c1", "type": "function", "function": {"name": "Read", "arguments": "{}"}}
BROKEN = [
    {"role": "user", "content": "go"},
    {"role": "tool", "tool_call_id": "c0", "content": "nobody asked"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "user", "content": "and?"},
]


def _broken(folder: Path) -> Path:
    path = folder / "b.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in BROKEN))
    return path


def test_every_problem_has_a_line(tmp_path: Path) -> None:
    """An editor can jump to it."""
    path = _broken(tmp_path)
    source = InputFile(path.read_bytes(), str(path))
    found = check_transcript(source, formats.load_all(Source(source.data, source.path)))
    assert [(one.line, one.rule) for one in found.problems] == [(2, "results_answer_calls"), (3, "calls_have_results")]
    fixed = fix_transcript(source, formats.load_all(Source(source.data, source.path)), Target("none"))
    assert fixed.problems == ()
    assert len(fixed.repairs) == 2


def test_check_names_problems_and_ends_with_1(tmp_path: Path) -> None:
    """It stands in scripts as a condition; the lines are whole, however narrow the page."""
    path = _broken(tmp_path)
    result = cortex("check", path)
    assert result.exit_code == 1
    assert f"{path}:2: problem: tool result 'c0' has no tool call" in result.stdout
    assert f"cortex check --fix {path}" in result.stdout
    data = json.loads(cortex("check", path, "--json").stdout)
    assert [problem["line"] for problem in data["problems"]] == [2, 3]


def test_fix_writes_a_file_that_passes(tmp_path: Path) -> None:
    """The input stays as it was; the repair stands beside it."""
    path = _broken(tmp_path)
    before = path.read_bytes()
    result = cortex("check", "--fix", path)
    assert result.exit_code == 0
    assert "2 repairs, now valid" in result.stdout
    assert path.read_bytes() == before
    fixed = tmp_path / "b.compacted.jsonl"
    assert cortex("check", fixed).exit_code == 0
    lines = [json.loads(line) for line in fixed.read_text().splitlines()]
    assert [line["role"] for line in lines] == ["user", "assistant", "tool", "user"]


def test_fix_in_a_pipe(tmp_path: Path) -> None:
    """The repaired transcript on one stream, the words on the other."""
    result = cortex("check", "--fix", stdin=_broken(tmp_path).read_bytes())
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 4
    assert "now valid" in result.stderr
