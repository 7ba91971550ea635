"""A replay as a page: how large each strategy's requests grew, what they cost and kept, and what was cut when."""

from collections.abc import Mapping, Sequence
from typing import Any

from cortex_cli.pages.document import document
from cortex_cli.pages.markup import Html, element
from cortex_cli.pages.pieces import dollars, facts_list, heading, number, percent, row, section, table, warnings
from cortex_cli.pages.replay_data import replay_data

COMPARED = 2
"""Strategies with a price that can be compared at all."""

DOTS = """Tokens of each request. A dot is a compaction of the strategy looked into: choose it, by mouse or with the
arrow keys and Enter, to read what was cut."""

FRONT = """Each strategy by what it cost and how much of the facts its requests held. Those on the line are the Pareto
front: no other one is cheaper and keeps more."""

CACHE = """Tokens of each request of the strategy looked into: read from the cache, or new. A triangle is a break: less
was found than the call before had put there."""


def replay_page(report: Mapping[str, Any]) -> str:
    """Return the page of replayed sessions.

    Args:
        report: As `Replay.to_json` returns it; or `sessions`, a list of such.
    """
    sessions = report.get("sessions", [report])
    if "sessions" in report:
        title = f"{number(len(sessions))} sessions"
        parts = [heading("Replay", title, ()), _together(sessions)]
        parts += [_folded(f"s{at}", session, is_open=at == 0) for at, session in enumerate(sessions)]
    else:
        title = report["input"]["path"]
        parts = [heading("Replay", title, _facts(report)), *_session("s0", report)]
    unscripted = element(
        "noscript", element("p", "The charts are drawn by a script; the tables need none.", class_="note")
    )
    unread = element("p", "The charts need a browser of 2023 or later.", class_="note", id="unread", hidden=True)
    scripts = ["tables.js", "plots.js", "cuts.js", "front.js", "replay.js"]
    data = replay_data(sessions)
    return document(f"Replay of {title}", *parts, unscripted, unread, data=data, scripts=scripts, plots=True)


def _session(key: str, report: Mapping[str, Any]) -> list[Html]:
    """Return the parts of one session; all ids in them begin with its key."""
    strategies = report["strategies"]
    return [
        warnings(report["warnings"]),
        _strategies(key, strategies),
        _front(key, strategies),
        _plot(key, "context", "Context", DOTS),
        _inside(key, strategies),
        _plot(key, "cost", "Cost so far", "US dollars, from the first call on; recorded answers included."),
        _plot(key, "facts", "Facts kept", "Of the facts said by then, the share that the request still holds."),
        _plot(key, "cache", "Prompt cache", CACHE),
        section("What was cut when", element("div", id=f"{key}-cuts"), name=f"{key}-cut", kind="long"),
    ]


def _folded(key: str, report: Mapping[str, Any], *, is_open: bool) -> Html:
    title = f"{report['input']['path']} ({number(report['calls'])} calls)"
    parts = (element("summary", element("bdi", title)), facts_list(_facts(report)), *_session(key, report))
    return element("details", *parts, class_="session", id=key, open=is_open)


def _together(sessions: Sequence[Mapping[str, Any]]) -> Html:
    """Return the sums of strategies that every session was replayed under."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for session in sessions:
        for one in session["strategies"]:
            found.setdefault(one["name"], []).append(one)
    rows = [_sum(name, those) for name, those in found.items() if len(those) == len(sessions)]
    numbers = ("Cost", "Peak tokens", "Sent", "Cached", "Compactions", "Breaks", "Facts kept")
    columns = (("Strategy", ""), *((title, "n") for title in numbers))
    shown = table("Strategies over all sessions", columns, rows, sortable=True, kind="strategies")
    note = (
        "Costs, tokens and compactions are sums; facts are of all calls. Open a session below to see it call by call."
    )
    return section("All sessions", shown, note=note)


def _sum(name: str, those: Sequence[Mapping[str, Any]]) -> Html:
    costs = [one["cost_usd"] for one in those]
    cost = None if None in costs else sum(costs)
    sent = sum(one["sent_tokens"] for one in those)
    calls = [call for one in those for call in one["calls"]]
    known = sum(call["facts_known"] for call in calls)
    cached = sum(call["cached"] for call in calls) / sent if sent else 0.0
    kept = sum(call["facts_kept"] for call in calls) / known if known else 1.0
    return row(
        (name, ""),
        (dollars(cost), "n", -1 if cost is None else cost),
        (number(max(one["peak_tokens"] for one in those)), "n"),
        (number(sent), "n"),
        (percent(cached), "n", cached),
        (number(sum(one["compactions"] for one in those)), "n"),
        (number(sum(one["cache_breaks"] for one in those)), "n"),
        (percent(kept), "n", kept),
    )


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


def _strategies(key: str, strategies: Sequence[Mapping[str, Any]]) -> Html:
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
    search = element("input", type="search", aria_controls=f"{key}-strategies", placeholder="part of a name")
    tools = element(
        "div",
        element("label", "Filter ", search),
        element("button", "Show all", type="button", id=f"{key}-all"),
        element("button", "Show none", type="button", id=f"{key}-none"),
        element("span", class_="count", role="status"),
        class_="tools",
        id=f"{key}-tools",
        hidden=True,
    )
    shown = table(
        "Strategies over the whole session", columns, rows, name=f"{key}-strategies", sortable=True, kind="strategies"
    )
    note = "Choose a name to look into it below; the boxes say which ones the charts draw."
    return section("Strategies", tools, shown, note=note, name=f"{key}-all-strategies")


def _front(key: str, strategies: Sequence[Mapping[str, Any]]) -> Html:
    """Return cost against facts kept, and beside it the Pareto front; nothing where there is nothing to compare."""
    priced = [one for one in strategies if one["cost_usd"] is not None and not one["failure"]]
    if len(priced) < COMPARED:
        return Html("")
    best = sorted((one for one in priced if one["front"]), key=lambda one: one["cost_usd"])
    rows = [
        row(
            (one["name"], ""),
            (dollars(one["cost_usd"]), "n", one["cost_usd"]),
            (percent(one["facts_ratio"]), "n", one["facts_ratio"]),
        )
        for one in best
    ]
    columns = (("Strategy", ""), ("Cost", "n"), ("Facts kept", "n"))
    shown = table("Pareto front, the cheapest first", columns, rows, kind="strategies")
    pair = element("div", _figure(key, "front"), shown, class_="pair")
    return section("Cost against facts kept", pair, note=FRONT, name=f"{key}-front-of-all")


def _plot(key: str, name: str, title: str, note: str) -> Html:
    return section(title, _figure(key, name), note=note, name=f"{key}-{name}")


def _figure(key: str, name: str) -> Html:
    whole = f"{key}-{name}"
    canvas = element("div", class_="canvas", tabindex=0, role="img", id=whole, aria_describedby=f"{whole}-title")
    marks = element("div", class_="marks", role="toolbar", aria_label="Compactions", id=f"{whole}-marks")
    said = element("div", class_="said", id=f"{whole}-said", role="region", aria_label="What was cut", hidden=True)
    numbers = element("details", element("summary", "Numbers"), element("div"), class_="numbers", id=f"{whole}-numbers")
    plot = element("div", canvas, *([marks] if name == "context" else []), class_="plot")
    readout = element("div", class_="readout", id=f"{whole}-readout")
    live = element("div", class_="aside", role="status", id=f"{whole}-live")
    return element("figure", plot, readout, live, *([said] if name == "context" else []), numbers)


def _inside(key: str, strategies: Sequence[Mapping[str, Any]]) -> Html:
    options = (element("option", one["name"], value=one["name"]) for one in strategies)
    choice = element("label", "Strategy ", element("select", *options, id=f"{key}-chosen"))
    tools = element("div", choice, class_="tools", id=f"{key}-choice", hidden=True)
    figure = _figure(key, "roles")
    return section("Looked into", tools, figure, note="Of what each request is made.", name=f"{key}-roles")
