"""The recall tool: what an agent asks with, and the lines it gets."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from cortex_cli import Archive, recall_tool
from cortex_cli.archive import Receipt, Removed
from cortex_cli.recall import NOTHING, Recalled, excerpt

TIME = "2026-03-01T10:00:00Z"


def ask(source, query, time_range=None) -> str:
    """Call the tool as an agent would."""
    return asyncio.run(recall_tool(source).call(query, timeRange=time_range))


def archive_of(path: Path, *texts: str) -> Archive:
    """Return an archive with these texts."""
    archive = Archive(path)
    removed = [Removed(text, at, 0, at, role="tool", tool="Bash", time=TIME) for at, text in enumerate(texts)]
    archive.put_run(b"in", b"out", lambda _gone: removed, Receipt(input="s", output="o", made=TIME))
    return archive


def test_lines_are_in_the_given_form(tmp_path: Path) -> None:
    """Source: SPEC section 6, "Recall"."""
    archive = archive_of(tmp_path / "a", *(f"error {number}" for number in range(12)))
    lines = ask(archive, "error").splitlines()
    assert len(lines) == 11
    assert lines[0] == f"[tool] ({TIME}): error 11"
    assert lines[-1] == "(2 additional results omitted)"
    assert ask(archive, "nowhere") == NOTHING


def test_time_range_is_obeyed_and_checked(tmp_path: Path) -> None:
    """A model's bad argument is an answer to it, not an exception in the agent."""
    archive = archive_of(tmp_path / "a", "error")
    assert ask(archive, "error", {"start": "2026-03-01", "end": "2026-03-01"}).endswith("error")
    assert ask(archive, "error", {"start": "2026-03-02"}) == NOTHING
    assert ask(archive, "error", {"start": "soon"}).startswith("Error: 'soon' is no time")


def test_a_search_of_the_consumers_own() -> None:
    """Waiting or not; its results are shown in the same form."""
    asked = []

    async def search(query, since, until):
        asked.append((query, since, until))
        return [Recalled("x" * 3000, "note", TIME), Recalled("no time")]

    first, second = ask(search, "q", {"start": "2026-03-01"}).splitlines()
    assert first == f"[note] ({TIME}): {'x' * 2000}"
    assert second == "[message] (time unknown): no time"
    assert asked == [("q", datetime(2026, 3, 1, tzinfo=UTC), None)]
    assert ask(lambda *_: [], "q") == NOTHING


def test_the_schema_names_what_call_takes() -> None:
    """It goes to the model as it is."""
    schema = recall_tool(lambda *_: []).schema
    assert schema["name"] == "recall"
    assert set(schema["parameters"]["properties"]) == {"query", "timeRange"}


def test_an_excerpt_shows_what_was_found() -> None:
    """The first 2,000 characters of a log seldom hold the line that was asked for."""
    text = "a" * 5000 + "needle" + "b" * 5000
    assert "needle" in excerpt(text, 5000)
    assert len(excerpt(text, 5000)) == 2000
    assert excerpt("short", 3) == "short"
