"""What a run saved by tool, and a batch by format, tool, age and directory. Works on JSON reports."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import PurePath
from typing import Any

AGES = (("under a day", 1), ("under a week", 7), ("under a month", 30), ("under 3 months", 90), ("under a year", 365))
"""Name and days of each age; what is older has none."""

OLDEST = "a year and more"
UNKNOWN_AGE = "unknown"

_DAY_SECONDS = 86_400


def tools_of(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a run changed by tool, largest savings first.

    Args:
        report: With the single changes in its layers, or with what this function returned before under `tools`.

    Returns:
        Of each: name (empty for messages and calls), changes, tokens_before, tokens_after, saved_tokens.
    """
    if "tools" in report:
        return list(report["tools"])
    changes = (change for layer in report["layers"] for change in layer.get("changes", ()))
    return _sorted(_summed((change["tool"], "changes", _sizes(change)) for change in changes))


def add_tools(known: Iterable[Mapping[str, Any]], more: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add the sums of two runs by tool."""
    return _sorted(_summed((one["name"], "changes", one) for one in (*known, *more)))


def sums_of(files: Iterable[Mapping[str, Any]], now_seconds: float) -> dict[str, list[dict[str, Any]]]:
    """Return the sums of a batch.

    Args:
        files: Reports of its files.
        now_seconds: Since 1970; ages are those of the inputs' last change, `modified` of their `input`.

    Returns:
        By `format`, `age` and `directory`: name, files, tokens_before, tokens_after, saved_tokens; by `tool` as
        `tools_of`. Largest savings first, ages from young to old.
    """
    reports = list(files)
    sizes = [_sizes({f"tokens_{key}": one[side]["tokens"] for key, side in _SIDES.items()}) for one in reports]

    def by(names: Iterable[str]) -> list[dict[str, Any]]:
        return _sorted(_summed((name, "files", size) for name, size in zip(names, sizes, strict=True)))

    ages = by(_age_of(one["input"].get("modified", ""), now_seconds) for one in reports)
    order = [*(name for name, _ in AGES), OLDEST, UNKNOWN_AGE]
    return {
        "format": by(one["input"]["format"] for one in reports),
        "tool": _sorted(_summed((tool["name"], "changes", tool) for one in reports for tool in tools_of(one))),
        "age": sorted(ages, key=lambda age: order.index(age["name"])),
        "directory": by(_folder_of(one["input"]["path"]) for one in reports),
    }


_SIDES = {"before": "input", "after": "output"}


def _sizes(one: Mapping[str, Any]) -> dict[str, Any]:
    return {key: one[key] for key in ("tokens_before", "tokens_after")}


def _summed(entries: Iterable[tuple[str, str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Add up sizes by name; what is counted beside them (files, changes) stands for 1 where an entry has none."""
    found: dict[str, dict[str, Any]] = {}
    for name, counted, sizes in entries:
        start = {"name": name, counted: 0, "tokens_before": 0, "tokens_after": 0}
        one = found.setdefault(name, start)
        one[counted] += sizes.get(counted, 1)
        one["tokens_before"] += sizes["tokens_before"]
        one["tokens_after"] += sizes["tokens_after"]
    for one in found.values():
        one["saved_tokens"] = one["tokens_before"] - one["tokens_after"]
    return list(found.values())


def _sorted(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(entries, key=lambda one: (-one["saved_tokens"], one["name"]))


def _age_of(modified: str, now_seconds: float) -> str:
    if not modified:
        return UNKNOWN_AGE
    days = (now_seconds - datetime.fromisoformat(modified).timestamp()) / _DAY_SECONDS
    return next((name for name, most in AGES if days < most), OLDEST)


def _folder_of(path: str) -> str:
    return path.rpartition("/")[0] if "://" in path else str(PurePath(path).parent)
