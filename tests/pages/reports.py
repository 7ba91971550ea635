"""Reports for pages: small ones made by hand, and real ones of the library."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cortex_cli import Settings, compact, load

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028\u2029\ud800\x00&amp;]]><!--"
"""What a transcript may say, and a page must only show."""


def piece(message: int, kind: str, before: str, after: str) -> dict[str, Any]:
    """Make what a cut did to one message."""
    texts = {"before": before, "before_chars": len(before), "after": after, "after_chars": len(after)}
    return {"message": message, "kind": kind, "tokens_before": len(before), "tokens_after": len(after), **texts}


def call(at: int, tokens: int, *, cached: int = 0, cut: str = "", is_break: bool = False) -> dict[str, Any]:
    """Make a call of a replayed strategy; a cut changes one message, takes two out and brings another."""
    pieces = [
        piece(3, "tool Read", f"whole {cut}", f"short {cut}"),
        piece(4, "user", f"asked {cut}", ""),
        piece(5, "assistant", f"answered {cut}", ""),
        piece(-1, "summary", "", f"summed up {cut}"),
    ]
    return {
        **({"pieces": pieces} if cut else {}),
        "message": 2 * at + 1,
        "time": 1_700_000_000.0 + 60 * at,
        "tokens": tokens,
        "cached": cached,
        "written": tokens - cached,
        "cache_break": is_break,
        "usd": tokens / 1e6,
        "by_role": {"overhead": 10, "user": tokens // 4, "tool": tokens - 10 - tokens // 4},
        "cut": cut,
        "facts_known": at,
        "facts_kept": at if not cut else at // 2,
    }


def strategy(name: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    """Make a strategy of a replay; its sums are of no matter to the page."""
    return {
        "name": name,
        "peak_tokens": max(one["tokens"] for one in calls),
        "sent_tokens": sum(one["tokens"] for one in calls),
        "cached_ratio": 0.5,
        "compactions": sum(bool(one["cut"]) for one in calls),
        "cache_breaks": sum(one["cache_break"] for one in calls),
        "cost_usd": sum(one["usd"] for one in calls),
        "facts_ratio": 0.9,
        "final_facts_ratio": 0.8,
        "failure": "",
        "front": name != "none",
        "calls": calls,
    }


def replay_report(*, calls: int = 40, text: str = "3 messages left") -> dict[str, Any]:
    """Make the report of a replayed session with two strategies, one of which compacts at its calls 20 and 30."""
    none = [call(at, 1000 + 100 * at, cached=900) for at in range(calls)]
    cutting = [
        call(at, 1000 + 100 * (at % 20), cached=900, cut=text if at in (20, 30) else "", is_break=at == 20)
        for at in range(calls)
    ]
    return {
        "version": 1,
        "command": "replay",
        "input": {"path": "sessions/one.jsonl", "format": "claude-code"},
        "model": "claude-sonnet-4-5",
        "window": 5000,
        "retention": "short",
        "calls": calls,
        "model_scale": 1.0,
        "calibration": 1.02,
        "recorded_calls": calls,
        "strategies": [strategy("none", none), strategy("classic", cutting)],
        "warnings": [],
    }


NOW = "2026-03-04T00:00:00Z"
"""Some samples hold no times, and a summary says when it was made."""


def compaction_report(path: Path, **settings: Any) -> dict[str, Any]:
    """Compact a file, and return its report with the changed texts.

    In a thread: Playwright leaves an event loop running in the one of the tests.
    """
    with ThreadPoolExecutor(1) as pool:
        settings = {"window": 20_000, "now": NOW, **settings}
        result = pool.submit(compact, load(path), Settings(**settings)).result()
    return result.report.to_json(texts=True)


def batch_data(*, path: str = "logs/a.jsonl", error: str = "broken") -> dict[str, Any]:
    """Make the report of a batch with one file and one failure."""
    sizes = {"tokens_before": 900, "tokens_after": 400, "saved_tokens": 500}
    one = {"name": "", "files": 1, **sizes}
    return {
        "version": 1,
        "command": "batch",
        "files": [
            {
                "input": {"path": path, "format": "codex", "tokens": 900},
                "output": {"path": "out", "tokens": 400},
                "saved_tokens": 500,
                "saved_ratio": 0.5556,
                "warnings": [error],
            }
        ],
        "totals": {
            "files": 1,
            "changed": 1,
            "failed": 1,
            "skipped": 0,
            "finished_before": 0,
            "saved_ratio": 0.5556,
            **sizes,
        },
        "failed": [{"path": path, "error": error, "hint": error}],
        "sums": {
            "format": [{**one, "name": "codex"}],
            "tool": [{"name": "Bash", "changes": 2, **sizes}],
            "age": [{**one, "name": "under a week"}],
            "directory": [{**one, "name": path.rpartition("/")[0]}],
        },
    }
