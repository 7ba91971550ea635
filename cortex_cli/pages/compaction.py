"""One compaction as a page: what it came to, which layer did what and why, and every change with its texts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from cortex_cli.pages.document import document
from cortex_cli.pages.markup import Html, element, join
from cortex_cli.pages.pieces import bar, dollars, heading, number, percent, row, section, table, warnings
from cortex_cli.sums import tools_of
from cortex_cli.unified import Line, clipped_line, unified

MAX_LINES = 60
"""Removed, and added, lines shown of one change; of what was added to the conversation all are shown."""

MAX_CHARACTERS = 3_000_000
"""Of all texts in a page: browsers stay quick. Later changes stand there without their texts."""

NO_TOOL = "messages and calls"
"""The name of changes that are of no tool's results."""

Change = Mapping[str, Any]


def compaction_page(report: Mapping[str, Any]) -> str:
    """Return the page of one run of `compact`, `micro`, `summarize` or `failsafe`.

    Args:
        report: As `Report.to_json(texts=True)` returns it; without texts the page shows the changes' sizes only.
    """
    facts = [
        ("Format", report["input"]["format"]),
        ("Messages", f"{number(report['input']['messages'])} → {number(report['output']['messages'])}"),
        ("Strategy", report["strategy"]),
        ("Summary by", report["summarizer"]),
        ("Tokens counted by", f"{report['tokenizer']} ({report['counter']})"),
        ("Written to", "nothing: a dry run" if report["dry_run"] else report["output"]["path"]),
    ]
    parts = (
        heading(report["command"].capitalize(), report["input"]["path"], facts),
        warnings(report["warnings"]),
        _window(report),
        _layers(report["layers"]),
        _tools(report),
        _cost(report["cost"]),
        _facts(report["facts"]),
        _changes(report),
    )
    return document(f"{report['command']}: {report['input']['path']}", *parts, scripts=["tables.js"])


def _window(report: Mapping[str, Any]) -> Html:
    window = report["window"]
    rows = []
    for label, side in (("Before", report["input"]), ("After", report["output"])):
        tokens = side["tokens"]
        kind = "over" if tokens > report["budget"] else "saved" if label == "After" else "fill"
        said = f"{label}: {number(tokens)} of {number(window)} tokens"
        rows += [element("span", label), bar(tokens / window if window else 0.0, said, kind)]
        share = f" ({percent(tokens / window)} of the window)" if window else ""
        rows.append(element("span", f"{number(tokens)} tokens{share}", class_="n"))
    saved = f"Saved {number(report['saved_tokens'])} tokens, {percent(report['saved_ratio'])}."
    limits = f" The window is {number(window)} tokens ({report['window_source']})"
    limits += f", of which {number(report['budget'])} may be filled." if report["budget"] != window else "."
    return section("Window", element("div", *rows, class_="windows"), note=saved + limits)


def _layers(layers: Sequence[Mapping[str, Any]]) -> Html:
    rows = [
        row(
            (layer["name"], "" if layer["fired"] else "low"),
            (layer["reason"], "" if layer["fired"] else "low"),
            (number(len(layer["changes"])) if layer["fired"] else "", "n", len(layer["changes"])),
            (number(layer["tokens_before"] - layer["tokens_after"]) if layer["fired"] else "", "n"),
        )
        for layer in layers
    ]
    columns = (("Layer", ""), ("What it did, or why not", ""), ("Changes", "n"), ("Tokens saved", "n"))
    return section("Layers", table("Layers, in the order they acted", columns, rows))


def _tools(report: Mapping[str, Any]) -> Html:
    rows = [
        row(
            (tool["name"] or NO_TOOL, "" if tool["name"] else "low"),
            (number(tool["changes"]), "n"),
            (number(tool["tokens_before"]), "n"),
            (number(tool["tokens_after"]), "n"),
            (number(tool["saved_tokens"]), "n"),
        )
        for tool in tools_of(report)
    ]
    if not rows:
        return Html("")
    columns = (("Tool", ""), ("Changes", "n"), ("Tokens before", "n"), ("After", "n"), ("Saved", "n"))
    return section("By tool", table("What was saved by tool", columns, rows, sortable=True))


def _cost(cost: Mapping[str, Any] | None) -> Html:
    if cost is None:
        return Html("")
    calls = cost["break_even_calls"]
    even = "it never pays for itself" if calls is None else f"it has paid for itself after {number(calls)} calls"
    rows = [
        row(("A call before, read from the cache", ""), (dollars(cost["per_call_before_usd"]), "n")),
        row(("A call after", ""), (dollars(cost["per_call_after_usd"]), "n")),
        row(
            ("What the first call after costs more: the cache is written anew", ""),
            (dollars(cost["cache_rewrite_usd"]), "n"),
        ),
    ]
    shown = table(f"Prices of {cost['model']}", (("", ""), ("US dollars", "n")), rows)
    return section("Cost", shown, note=f"At the prices of {cost['model']} {even}.")


def _facts(facts: Mapping[str, Any]) -> Html:
    if not facts["found"]:
        return Html("")
    said = f"{number(facts['kept'])} of {number(facts['found'])} facts of what was summarised stand in what is left."
    lost = element("ul", *(element("li", text) for text in facts["lost"]), class_="lost")
    shown = (
        [element("details", element("summary", f"{number(len(facts['lost']))} lost"), lost)] if facts["lost"] else []
    )
    return section("Facts", *shown, note=said)


def _changes(report: Mapping[str, Any]) -> Html:
    groups = [("repair", report["repairs"]), *((layer["name"], layer["changes"]) for layer in report["layers"])]
    found = [(name, change) for name, changes in groups for change in changes]
    if not found:
        return section("Changes", note="Nothing was changed.")
    search = element("input", type="search", aria_controls="changes", placeholder="tool, action, number")
    tools = element(
        "div",
        element("label", "Filter ", search),
        element("button", "Open all", type="button", class_="open"),
        element("span", class_="count", role="status"),
        class_="tools",
        hidden=True,
    )
    items = element("ol", *_items(found), class_="changes", id="changes")
    note = "Every message that was changed, with its text before and after; what went is struck through."
    return section("Changes", tools, items, note=note, kind="long")


def _items(found: Iterable[tuple[str, Change]]) -> Iterator[Html]:
    left = MAX_CHARACTERS
    for layer, change in found:
        lines = list(_diff(change)) if left > 0 else []
        left -= sum(len(one.text) for one in lines)
        head = _head(layer, change)
        if lines:
            shown = element("div", *map(_line, lines), class_="diff", tabindex=0, role="group", aria_label="Text")
            yield element("li", element("details", element("summary", *head), shown))
        else:
            yield element("li", element("div", *head, class_="plain"))


def _head(layer: str, change: Change) -> tuple[Html, ...]:
    at = change["message"]
    place = f"message {at}" if at >= 0 else "added"
    what = change["tool"] or ("typed by a person" if change.get("typed") else "message" if at >= 0 else layer)
    sizes = f"{number(change['tokens_before'])} → {number(change['tokens_after'])} tokens"
    kinds = ((place, "low"), (what, ""), (change["action"], "what"), (sizes, "n what"))
    return tuple(element("span", text, class_=kind or None) for text, kind in kinds)


def _diff(change: Change) -> Iterator[Line]:
    before, after = change.get("before", ""), change.get("after", "")
    limit = 0 if change["message"] < 0 else MAX_LINES
    return chain(unified(before.splitlines(), after.splitlines(), removed=limit, added=limit))


TAGS = {"": "span", "-": "del", "+": "ins"}
"""Elements by sign: screen readers tell what went from what came."""

KINDS = {"": None, "-": "gone", "+": "came"}


def _line(one: Line) -> Html:
    if one.left_out:
        said = f"… {number(one.left_out)} lines {'more' if one.sign else 'as before'}"
        return element("span", said, class_="left")
    text, length = clipped_line(one.text)
    more = element("span", f" … ({number(length)} characters)", class_="left") if length else Html("")
    return element(TAGS[one.sign], join([text, more]), class_=KINDS[one.sign])
