"""One page: its policy, its styles and scripts by hash, its data, its frame. Nothing is loaded from anywhere."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from cortex_cli.data.charts import read_uplot
from cortex_cli.pages.markup import Html, element, join, visible
from cortex_cli.version import VERSION

_UNSAFE = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}
"""What could end the block of data, or a line of a script; in JSON it stands inside of strings only."""


@cache
def asset(name: str) -> str:
    """Return a script or a style of this folder."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def document(title: str, *body: Html, data: Any = None, scripts: Sequence[str] = (), plots: bool = False) -> str:
    """Return a page.

    Args:
        title: Of the page.
        body: What stands in it.
        data: For the scripts: they find it, as JSON, in the element `data`.
        scripts: Names of scripts of this folder.
        plots: The scripts draw with uPlot.
    """
    styles = [asset("page.css")]
    programs = [asset(name) for name in scripts]
    if plots:
        script, style = read_uplot()
        programs, styles = [script, *programs], [style, *styles]
    head = join(
        [
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=_policy(styles, programs)),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("meta", name="referrer", content="no-referrer"),
            element("title", title),
            *(element("style", Html(style)) for style in styles),
        ]
    )
    tail = [] if data is None else [element("script", embedded(data), type="application/json", id="data")]
    tail += [element("script", Html(program)) for program in programs]
    foot = element("footer", f"cortex {VERSION}. This page holds all it shows; it asks the network for nothing.")
    whole = element("html", element("head", head), element("body", element("main", *body), foot, *tail), lang="en")
    return f"<!doctype html>\n{whole}\n"


def embedded(data: Any) -> Html:
    """Return data as JSON that may stand in a `script` element."""
    return Html(orjson.dumps(_clean(data)).decode().translate(_UNSAFE))


def _clean(value: Any) -> Any:
    """Replace, in all texts, what UTF-8 or a page cannot hold."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(key): _clean(one) for key, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list | tuple) else value


def _policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Allow nothing but what stands in the page, by hash."""
    rules = ["default-src 'none'", f"style-src {_hashes(styles)}", f"script-src {_hashes(scripts)}"]
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def _hashes(texts: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
