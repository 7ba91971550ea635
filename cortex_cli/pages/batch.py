"""A batch as a page: its sums by format, tool, age and directory, what failed, and its files."""

from collections.abc import Mapping, Sequence
from typing import Any

from cortex_cli.pages.compaction import NO_TOOL
from cortex_cli.pages.document import document
from cortex_cli.pages.markup import Html, element
from cortex_cli.pages.pieces import bar, heading, number, percent, row, section, table, warnings
from cortex_cli.sums import UNKNOWN_AGE

MAX_ROWS = 2000
"""Rows of one table, those with the largest savings: browsers stay quick. The JSON report has all."""

TITLES = {"format": "By format", "tool": "By tool", "age": "By age", "directory": "By directory"}

NOTES = {
    "format": "",
    "tool": "Tokens of the results that were changed; a result that two layers changed counts twice.",
    "age": "By the time of the inputs' last change.",
    "directory": "",
}


def batch_page(report: Mapping[str, Any]) -> str:
    """Return the page of a batch.

    Args:
        report: As `batch_report` makes it, with `sums` (see `sums_of`).
    """
    totals = report["totals"]
    facts = [
        ("Transcripts", number(totals["files"])),
        ("Smaller", number(totals["changed"])),
        ("Failed", number(totals["failed"])),
        ("Other files left alone", number(totals["skipped"])),
        ("Done before", number(totals["finished_before"])),
        ("In use, left alone", number(len(report["in_use"])) if report.get("in_use") else ""),
    ]
    told = [f"{one['input']['path']}: {text}" for one in report["files"] for text in one["warnings"]]
    parts = (
        heading("Batch", f"{number(totals['files'])} transcripts", facts),
        _total(totals),
        _failures(report["failed"]),
        *(_sum(key, report["sums"][key]) for key in TITLES),
        _files(report["files"]),
        section("Warnings", warnings(told[:MAX_ROWS]), kind="long") if told else Html(""),
    )
    return document("cortex batch", *parts, scripts=["tables.js"])


def _total(totals: Mapping[str, Any]) -> Html:
    rows = []
    for label, tokens in (("Before", totals["tokens_before"]), ("After", totals["tokens_after"])):
        ratio = tokens / totals["tokens_before"] if totals["tokens_before"] else 0.0
        kind = "saved" if label == "After" else "fill"
        rows += [element("span", label), bar(ratio, f"{label}: {number(tokens)} tokens", kind)]
        rows.append(element("span", f"{number(tokens)} tokens", class_="n"))
    saved = f"Saved {number(totals['saved_tokens'])} tokens, {percent(totals['saved_ratio'])}."
    return section("Tokens", element("div", *rows, class_="windows"), note=saved)


def _failures(failed: Sequence[Mapping[str, Any]]) -> Html:
    if not failed:
        return Html("")
    rows = [
        row(
            (str(one["path"]), "path"), (number(one.get("line")), "n"), (one["error"], "bad path"), (one["hint"], "low")
        )
        for one in failed[:MAX_ROWS]
    ]
    columns = (("File", ""), ("Line", "n"), ("What went wrong", ""), ("Hint", ""))
    shown = table(f"{number(len(failed))} failures", columns, rows, name="failures", sortable=True)
    return section("Failures", shown, _left_out(len(failed)), kind="long")


def _sum(key: str, sums: Sequence[Mapping[str, Any]]) -> Html:
    if not sums or [one["name"] for one in sums] == [UNKNOWN_AGE]:
        return Html("")
    counted = "changes" if key == "tool" else "files"
    most = max(1, *(one["saved_tokens"] for one in sums))
    rows = [
        row(
            (one["name"] or (NO_TOOL if key == "tool" else "unknown"), "path" if one["name"] else "low"),
            (number(one[counted]), "n"),
            (number(one["tokens_before"]), "n"),
            (number(one["tokens_after"]), "n"),
            (number(one["saved_tokens"]), "n"),
            (bar(one["saved_tokens"] / most, f"{number(one['saved_tokens'])} tokens saved", "saved"), "wide"),
        )
        for one in sums[:MAX_ROWS]
    ]
    name = key.capitalize()
    columns = ((name, ""), (counted.capitalize(), "n"), ("Tokens before", "n"), ("After", "n"), ("Saved", "n"))
    shown = table(f"What was saved by {key}", (*columns, ("", "wide")), rows, name=key, sortable=True)
    return section(TITLES[key], shown, _left_out(len(sums)), note=NOTES[key])


def _files(files: Sequence[Mapping[str, Any]]) -> Html:
    if not files:
        return Html("")
    largest = sorted(files, key=lambda one: -one["saved_tokens"])
    rows = [
        row(
            (one["input"]["path"], "path"),
            (one["input"]["format"], "low"),
            (number(one["input"]["tokens"]), "n"),
            (number(one["output"]["tokens"]), "n"),
            (number(one["saved_tokens"]), "n"),
            (percent(one["saved_ratio"]), "n low", one["saved_ratio"]),
        )
        for one in largest[:MAX_ROWS]
    ]
    columns = (("File", ""), ("Format", ""), ("Tokens before", "n"), ("After", "n"), ("Saved", "n"), ("", "n"))
    search = element("input", type="search", aria_controls="files", placeholder="part of a name")
    count = element("span", class_="count", role="status")
    tools = element("div", element("label", "Filter ", search), count, class_="tools", hidden=True)
    shown = table("Files, largest savings first", columns, rows, name="files", sortable=True)
    return section("Files", tools, shown, _left_out(len(files)), kind="long")


def _left_out(count: int) -> Html:
    if count <= MAX_ROWS:
        return Html("")
    return element("p", f"… and {number(count - MAX_ROWS)} more; the JSON report has all.", class_="note")
