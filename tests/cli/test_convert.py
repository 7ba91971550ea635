"""`cortex convert`: where the result goes, and what is said of losses."""

import json
from pathlib import Path

import pytest

from tests.cli.command import SAMPLES, cortex

CHAT = json.dumps({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}]})


@pytest.fixture(autouse=True)
def _in_an_empty_folder(chdir_tmp: Path) -> None:
    """Write nothing elsewhere."""
    (chdir_tmp / "chat.json").write_text(CHAT)


def test_a_file_stands_beside_its_input() -> None:
    """Under the name of the format, which nothing else takes for a compaction."""
    result = cortex("convert", "chat.json", "--to", "codex")
    assert result.exit_code == 0
    assert "openai to codex, 2 messages: nothing lost; wrote chat.codex.jsonl" in result.stderr
    assert "hint: codex looks for it as" in result.stderr
    assert Path("chat.codex.jsonl").read_text().startswith('{"timestamp"')
    again = cortex("convert", "chat.json", "--to", "codex")
    assert again.exit_code == 1
    assert "--force" in again.stderr
    assert cortex("convert", "chat.json", "--to", "codex", "--force", "--quiet").stderr == ""


def test_what_would_be_lost_stops_it() -> None:
    """Named by kind and number; with --lossy it goes on, with --dry-run it is only told."""
    result = cortex("convert", "chat.json", "--to", "claude-code")
    assert result.exit_code == 1
    assert "chat.json: claude-code cannot hold 1 system prompt" in result.stderr
    assert "hint: --lossy" in result.stderr
    assert not Path("chat.claude-code.jsonl").exists()
    told = cortex("convert", "chat.json", "--to", "claude-code", "--dry-run")
    assert (told.exit_code, "would be lost: 1 system prompt" in told.stdout) == (0, True)
    done = cortex("convert", "chat.json", "--to", "claude-code", "--lossy")
    assert "lost: 1 system prompt" in done.stderr
    assert Path("chat.claude-code.jsonl").exists()


def test_a_pipe_stays_a_pipe() -> None:
    """Standard input to standard output; the data and a JSON report cannot both go there."""
    result = cortex("convert", "--to", "anthropic", stdin=CHAT)
    assert json.loads(result.stdout)["system"] == [{"type": "text", "text": "s"}]
    refused = cortex("convert", "--to", "anthropic", "--json", stdin=CHAT)
    assert refused.exit_code == 2
    report = json.loads(cortex("convert", "chat.json", "--to", "pi", "--lossy", "--json").stdout)
    assert report["input"] == {"path": "chat.json", "format": "openai", "messages": 2}
    assert report["lost"] == {"system prompt": 1}
    assert report["output"]["path"] == "chat.pi.jsonl"


def test_wrong_words_are_explained() -> None:
    """The formats that can be written are named."""
    assert "name one: claude-code" in cortex("convert", "chat.json").stderr
    result = cortex("convert", "chat.json", "--to", "codx")
    assert (result.exit_code, "did you mean 'codex'?" in result.stderr) == (2, True)


@pytest.mark.parametrize("sample", sorted(path.name for path in SAMPLES.glob("*.json*")))
def test_every_sample_goes_to_claude_code(sample: str) -> None:
    """And is valid there."""
    assert cortex("convert", SAMPLES / sample, "--to", "claude-code", "-o", "out.jsonl", "--lossy").exit_code == 0
    assert "valid" in cortex("check", "out.jsonl").stdout
