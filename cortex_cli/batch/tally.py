"""Sums of a batch: what one report comes down to, and those of the pieces of a data set put together."""

from typing import Any

from cortex_cli.report import Report
from cortex_cli.sums import add_tools, tools_of

MAX_TEXTS = 20
"""Warnings of one file that are kept: a data set may have one for each line."""

_SIDES = ("messages", "tokens", "overhead_tokens")


def entry_of(report: Report) -> dict[str, Any]:
    """Return the JSON report without the single changes: those of every file would fill the memory."""
    entry = report.to_json()
    entry["tools"] = tools_of(entry)
    for layer in entry["layers"]:
        layer["changed"] = len(layer.pop("changes"))
    return entry


class Tally:
    """The sums over the pieces of one data set.

    Args:
        path: Of the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._entry: dict[str, Any] = {}
        self._sizes = [0, 0]

    @property
    def found(self) -> bool:
        """Whether any piece held a conversation."""
        return bool(self._entry)

    @property
    def changed(self) -> bool:
        """Whether anything was changed."""
        return any(layer["changed"] for layer in self._entry.get("layers", ())) or bool(self._entry.get("repairs"))

    def add(self, entry: dict[str, Any] | None, input_bytes: int, output_bytes: int) -> None:
        """Add a piece: its report, its size and that of its result."""
        self._sizes[0] += input_bytes
        self._sizes[1] += output_bytes
        if entry is None:
            return
        if not self._entry:
            self._entry = entry
            return
        known = self._entry
        for side in ("input", "output"):
            for name in _SIDES:
                if name in known[side]:
                    known[side][name] += entry[side][name]
        for name in ("warnings", "repairs"):
            known[name] = list({repr(one): one for one in (*known[name], *entry[name])}.values())[:MAX_TEXTS]
        known["tools"] = add_tools(known["tools"], entry["tools"])
        known["layers"] = _add_layers(known["layers"], entry["layers"])
        known["elapsed_seconds"] += entry["elapsed_seconds"]
        known["events"] = []

    def entry(self, path: str, *, is_dry: bool) -> dict[str, Any]:
        """Return the report of the whole.

        Args:
            path: Of the result.
            is_dry: Nothing was written.
        """
        if not self._entry:
            return {}
        before, after = (self._entry[side]["tokens"] for side in ("input", "output"))
        return {
            **self._entry,
            "dry_run": is_dry,
            "input": {**self._entry["input"], "path": self._path, "sha256": "", "bytes": self._sizes[0]},
            "output": {**self._entry["output"], "path": path, "bytes": self._sizes[1]},
            "saved_tokens": before - after,
            "saved_ratio": round((before - after) / before, 4) if before else 0.0,
            "cost": None,
        }


def _add_layers(known: list[dict[str, Any]], more: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = {layer["name"]: layer for layer in known}
    for layer in more:
        old = found.setdefault(layer["name"], {**layer, "tokens_before": 0, "tokens_after": 0, "changed": 0})
        for name in ("tokens_before", "tokens_after", "changed"):
            old[name] += layer[name]
        old["fired"] = old["fired"] or layer["fired"]
    return list(found.values())
