"""Sums by format, tool, age and directory."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.sums import OLDEST, UNKNOWN_AGE, add_tools, sums_of, tools_of

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def change(tool: str, before: int, after: int) -> dict[str, Any]:
    return {"tool": tool, "tokens_before": before, "tokens_after": after}


def file(path: str, before: int, after: int, *, days: float | None = None, kind: str = "codex") -> dict[str, Any]:
    modified = "" if days is None else (NOW - timedelta(days=days)).isoformat()
    return {
        "input": {"path": path, "format": kind, "tokens": before, "modified": modified},
        "output": {"tokens": after},
        "layers": [{"changes": [change("Bash", before, after)]}],
    }


def test_sums_tell_where_the_savings_are() -> None:
    """Who runs a batch over an archive wants to know which client, which tool and which folder fills it."""
    files = [
        file("a/1.jsonl", 100, 40, days=2),
        file("a/2.jsonl", 50, 50, days=400, kind="pi"),
        file("s3://bucket/b/3.jsonl", 1000, 100),
    ]
    sums = sums_of(files, NOW.timestamp())
    assert [(one["name"], one["files"], one["saved_tokens"]) for one in sums["format"]] == [
        ("codex", 2, 960),
        ("pi", 1, 0),
    ]
    assert [(one["name"], one["saved_tokens"]) for one in sums["directory"]] == [("s3://bucket/b", 900), ("a", 60)]
    assert [one["name"] for one in sums["age"]] == ["under a week", OLDEST, UNKNOWN_AGE]
    assert sums["tool"] == [
        {"name": "Bash", "changes": 3, "tokens_before": 1150, "tokens_after": 190, "saved_tokens": 960}
    ]


@given(st.lists(st.tuples(st.sampled_from(["Bash", "Read", ""]), st.integers(0, 99), st.integers(0, 99))))
def test_sums_by_tool_are_those_of_the_pieces(entries: list[tuple[str, int, int]]) -> None:
    """A data set is summed piece by piece, and must come out as one file would."""
    changes = [change(*entry) for entry in entries]
    whole = tools_of({"layers": [{"changes": changes}]})
    half = len(changes) // 2
    pieces = [tools_of({"layers": [{"changes": part}]}) for part in (changes[:half], changes[half:])]
    assert add_tools(*pieces) == whole
    assert sum(one["saved_tokens"] for one in whole) == sum(before - after for _, before, after in entries)
