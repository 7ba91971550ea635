"""A replay as a page: how large each strategy's requests grew, what they cost and kept, and what was cut when."""

from collections.abc import Mapping, Sequence
from typing import Any

from cortex_cli.pages.document import document
from cortex_cli.pages.markup import Html, element
from cortex_cli.pages.pieces import dollars, heading, number, percent, row, section, table, warnings

ROLES = ("overhead", "system", "user", "assistant", "tool")
"""Of what a request is stacked, lowest first."""

COLUMNS = ("tokens", "cached", "written", "usd", "facts_known", "facts_kept")
"""Of a call, what becomes one list over all calls: a list is a third of as many objects."""


def replay_page(report: Mapping[str, Any]) -> str:
    """Return the page of a replayed session.

    Args:
        report: As `Replay.to_json` returns it.
    """
    strategies = report["strategies"]
    path = report["input"]["path"]
    parts = (
        heading("Replay", path, _facts(report)),
        warnings(report["warnings"]),
        _strategies(strategies),
        _plot("Context", "context", "Tokens of each request. A dot is a compaction of the strategy looked into: "
              "choose it, by mouse or with the arrow keys and Enter, to read what was cut."),
        _inside(strategies),
        _plot("Cost so far", "cost", "US dollars, from the first call on; recorded answers included."),
        _plot("Facts kept", "facts", "Of the facts said by then, the share that the request still holds."),
        _plot("Prompt cache", "cache", "Tokens of each request of the strategy looked into: read from the cache, or "
              "new. A triangle is a break: less was found than the call before had put there."),
        _cuts(),
    )  # fmt: skip
    unscripted = element(
        "noscript", element("p", "The charts are drawn by a script; the table above needs none.", class_="note")
    )
    scripts = ["tables.js", "plots.js", "replay.js"]
    return document(f"Replay of {path}", *parts, unscripted, data=_data(report), scripts=scripts, plots=True)


def _facts(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    calibration = report["calibration"]
    measured = "not recorded"
    if calibration is not None:
        measured = f"{calibration:.2f} × the simulated ones ({number(report['recorded_calls'])} calls)"
    return [
        ("Model", report["model"] or "unknown"),
        ("Window", f"{number(report['window'])} tokens"),
        ("Calls", number(report["calls"])),
        ("Format", report["input"]["format"]),
        ("Cache kept", report["retention"]),
        ("Recorded input tokens", measured),
    ]


def _strategies(strategies: Sequence[Mapping[str, Any]]) -> Html:
    rows = [
        row(
            (one["name"], ""),
            (dollars(one["cost_usd"]), "n", -1 if one["cost_usd"] is None else one["cost_usd"]),
            (number(one["peak_tokens"]), "n"),
            (number(one["sent_tokens"]), "n"),
            (percent(one["cached_ratio"]), "n", one["cached_ratio"]),
            (number(one["compactions"]), "n"),
            (number(one["cache_breaks"]), "n"),
            (percent(one["facts_ratio"]), "n", one["facts_ratio"]),
            (percent(one["final_facts_ratio"]), "n", one["final_facts_ratio"]),
            (one["failure"], "bad"),
            name=one["name"],
        )
        for one in strategies
    ]
    numbers = ("Cost", "Peak tokens", "Sent", "Cached", "Compactions", "Breaks", "Facts kept", "At the end")
    columns = (("Strategy", ""), *((title, "n") for title in numbers), ("", ""))
    search = element("input", type="search", id="filter", aria_controls="strategies", placeholder="part of a name")
    tools = element(
        "div",
        element("label", "Filter ", search),
        element("button", "Show all", type="button", id="all"),
        element("button", "Show none", type="button", id="none"),
        element("span", class_="count", id="shown", role="status"),
        class_="tools",
        hidden=True,
    )
    shown = table("Strategies over the whole session", columns, rows, name="strategies", sortable=True)
    note = "Choose a name to look into it below; the boxes say which ones the charts draw."
    return section("Strategies", tools, shown, note=note)


def _plot(title: str, name: str, note: str) -> Html:
    return section(title, _figure(name), note=note, name=name)


def _figure(name: str) -> Html:
    canvas = element("div", class_="canvas", tabindex=0, role="img", id=name, aria_describedby=f"{name}-title")
    marks = element("div", class_="marks", role="toolbar", aria_label="Compactions", id=f"{name}-marks")
    said = element("div", class_="said", id=f"{name}-said", role="status", hidden=True)
    numbers = element("details", element("summary", "Numbers"), element("div"), class_="numbers", id=f"{name}-numbers")
    plot = element("div", canvas, *([marks] if name == "context" else []), class_="plot")
    readout = element("div", class_="readout", id=f"{name}-readout")
    live = element("div", class_="aside", role="status", id=f"{name}-live")
    return element("figure", plot, readout, live, *([said] if name == "context" else []), numbers)


def _inside(strategies: Sequence[Mapping[str, Any]]) -> Html:
    options = (element("option", one["name"], value=one["name"]) for one in strategies)
    choice = element("label", "Strategy ", element("select", *options, id="chosen"))
    tools = element("div", choice, class_="tools", hidden=True)
    return section("Looked into", tools, _figure("roles"), note="Of what each request is made.", name="roles")


def _cuts() -> Html:
    return section("What was cut when", element("div", id="cuts"), name="cuts", kind="long")


def _data(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the script draws: lists over calls in the place of calls."""
    strategies = report["strategies"]
    longest: list[Mapping[str, Any]] = max((one["calls"] for one in strategies), key=len, default=[])
    return {
        "window": report["window"],
        "roles": ROLES,
        "messages": [call["message"] for call in longest],
        "times": [round(call["time"]) for call in longest],
        "strategies": [_columns(one) for one in strategies],
    }


def _columns(strategy: Mapping[str, Any]) -> dict[str, Any]:
    calls = strategy["calls"]
    return {
        "name": strategy["name"],
        **{name: [call[name] for call in calls] for name in COLUMNS},
        "roles": {role: [call["by_role"].get(role, 0) for call in calls] for role in ROLES},
        "breaks": [at for at, call in enumerate(calls) if call["cache_break"]],
        "cuts": [[at, call["cut"]] for at, call in enumerate(calls) if call["cut"]],
    }
