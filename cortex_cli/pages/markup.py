"""Markup from values: what is not markup already is escaped, so that text of transcripts stays text."""

import html
import re
from collections.abc import Iterable

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters and halves of pairs: HTML allows no such character, UTF-8 no such half."""

_PICTURES = 0x2400
"""Where Unicode shows the control characters."""

VOID = frozenset({"input", "meta"})
"""Elements of HTML that have no content and no end."""


class Html(str):
    """Text that is markup."""

    __slots__ = ()


Content = str | int | None | Html


def visible(text: str) -> str:
    """Return text with a picture or a mark in the place of what a page may not hold."""
    return _CONTROLS.sub(lambda match: _picture(ord(match[0])), text.replace("\r\n", "\n"))


def _picture(code: int) -> str:
    return chr(_PICTURES + code) if code < ord(" ") else "\ufffd"


def escape(content: Content) -> Html:
    """Return content as markup."""
    if isinstance(content, Html):
        return content
    return Html("" if content is None else html.escape(visible(str(content))))


def join(contents: Iterable[Content]) -> Html:
    """Put contents one after another."""
    return Html("".join(map(escape, contents)))


def element(name: str, /, *contents: Content, **attributes: str | int | bool | None) -> Html:
    """Return an element.

    Args:
        name: Of the element.
        contents: Inside; texts are escaped.
        attributes: `class_` is `class`, `data_name` is `data-name`; None and False are left out, True has no value.
    """
    inside = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    return Html(f"<{name}{inside}>" if name in VOID else f"<{name}{inside}>{join(contents)}</{name}>")


def _attribute(key: str, value: str | int | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    if isinstance(value, bool):
        return f" {name}" if value else ""
    return f' {name}="{escape(value)}"'
