"""One page: its policy, its styles and scripts by hash, its data, its frame. Nothing is loaded from anywhere."""

import base64
import gzip
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from cortex_cli.data.charts import read_uplot
from cortex_cli.pages.markup import Html, element, join, visible
from cortex_cli.version import VERSION


@cache
def asset(name: str) -> str:
    """Return a script or a style of this folder."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def document(title: str, *body: Html, data: str = "", scripts: Sequence[str] = (), plots: bool = False) -> str:
    """Return a page.

    Args:
        title: Of the page.
        body: What stands in it.
        data: For the scripts, `packed`: they find it in the element `data`.
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
    tail = [element("script", Html(data), type="application/gzip", id="data")] if data else []
    tail += [element("script", Html(program)) for program in programs]
    foot = element("footer", f"cortex {VERSION}. This page holds all it shows; it asks the network for nothing.")
    whole = element("html", element("head", head), element("body", element("main", *body), foot, *tail), lang="en")
    return f"<!doctype html>\n{whole}\n"


def packed(data: Any) -> str:
    """Return data as JSON, compressed, in letters that may stand anywhere; the same bytes for the same data."""
    return base64.b64encode(gzip.compress(orjson.dumps(_clean(data)), mtime=0)).decode()


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
