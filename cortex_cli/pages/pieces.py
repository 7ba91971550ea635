"""What pages are put together from: headings, sections, tables, bars, and how numbers are written."""

from collections.abc import Sequence

from cortex_cli.pages.markup import Html, element, join


def heading(kind: str, name: str, facts: Sequence[tuple[str, str]]) -> Html:
    """Return what a page begins with: what it is, of what, and the facts that all below rests on."""
    folder, slash, last = name.rpartition("/")
    title = element("h1", element("span", kind, class_="kind"), " ", element("bdi", last))
    place = element("p", element("bdi", folder + slash), class_="place") if slash else Html("")
    return element("header", title, place, facts_list(facts))


def facts_list(facts: Sequence[tuple[str, str]]) -> Html:
    """Return names and values; those without a value are left out."""
    pairs = join(element("div", element("dt", label), element("dd", value)) for label, value in facts if value)
    return element("dl", pairs, class_="facts")


def warnings(texts: Sequence[str]) -> Html:
    """Return the warnings of a report, if there are any."""
    if not texts:
        return Html("")
    return element("ul", *(element("li", text) for text in texts), class_="warnings", aria_label="Warnings")


def section(title: str, *contents: Html, note: str = "", name: str = "", kind: str | None = None) -> Html:
    """Return a part of a page under its heading."""
    key = f"{name or title.lower().replace(' ', '-')}-title"
    explained = element("p", note, class_="note") if note else Html("")
    return element("section", element("h2", title, id=key), explained, *contents, aria_labelledby=key, class_=kind)


def number(value: float | None) -> str:
    """Return a whole number with marks between thousands."""
    return "" if value is None else f"{round(value):,}"


def percent(ratio: float) -> str:
    """Return a share in percent."""
    return f"{100 * ratio:.1f} %"


def dollars(value: float | None) -> str:
    """Return a price; cents and what lies below only where they matter."""
    if value is None:
        return "unknown"
    return f"${value:,.2f}" if value >= 1 or value == 0 else f"${value:.4f}"


def table(
    caption: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Html],
    *,
    name: str = "",
    sortable: bool = False,
    kind: str = "",
) -> Html:
    """Return a table.

    Args:
        caption: What it shows; for screen readers.
        columns: Title and class of each; the class `n` is for numbers.
        rows: Made by `row`.
        name: Its id.
        sortable: Its titles are buttons, once a script runs.
        kind: Another class.
    """
    head = (element("th", title, scope="col", class_=kind or None) for title, kind in columns)
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *head)),
        element("tbody", *rows),
        id=name or None,
        class_=f"{'sortable' if sortable else ''} {kind}".strip() or None,
    )
    return element("div", whole, class_="scroll", tabindex=0, role="region", aria_label=caption)


def row(*cells: tuple[str | Html, str] | tuple[str | Html, str, float], name: str | None = None) -> Html:
    """Return a row; its first cell is its heading.

    Args:
        cells: Content, class and, where the content is no plain number, what it is sorted by.
        name: What a script knows the row by.
    """
    made = []
    for at, (content, kind, *order) in enumerate(cells):
        attributes = {"class_": kind or None, "data_order": str(order[0]) if order else None}
        made.append(
            element("th", content, scope="row", **attributes) if at == 0 else element("td", content, **attributes)
        )
    return element("tr", *made, data_name=name)


def bar(ratio: float, label: str, kind: str = "fill") -> Html:
    """Return a bar as long as a share."""
    width = f"{100 * min(1.0, max(0.0, ratio)):.2f}%"
    rail = element("rect", width="100%", height="100%", class_="rail")
    pieces = (rail, element("rect", width=width, height="100%", class_=kind))
    return element("svg", *pieces, class_="bar", role="img", aria_label=label, focusable="false")
