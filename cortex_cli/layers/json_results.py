"""Results that are JSON: the one text inside them, or their long strings, edited in place.

Everything but the named strings keeps its bytes. A JSON text without one text of its own (a list, an
API's answer) that the file holds as a string is plain text to us.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cortex_cli.jsonedit import Path, Replace, edit, encode, parse
from cortex_cli.marks import parse_result, split_images

TEXT_FIELDS = ("output", "result", "content", "stdout")
"""Fields that hold what a tool said. Source: SPEC section 3; `stdout` is ours."""

MAX_DEPTH = 64
"""Strings nested deeper are left alone: no tool says its text there."""


class TextField(NamedTuple):
    """The one text of a JSON object."""

    path: Path
    text: str


def find_text_field(text: str) -> TextField | None:
    """Find the one text field of a JSON object.

    It is the text of the result only where it is most of it, or has been shortened by us: an object
    `{"result": "ok", "rows": [...]}` says its piece in `rows`.
    """
    if text[:64].lstrip()[:1] != "{" or text[-64:].rstrip()[-1:] != "}":
        return None
    value = parse_or_none(text)
    if not isinstance(value, dict):
        return None
    names = [name for name in TEXT_FIELDS if isinstance(value.get(name), str)]
    if len(names) != 1:
        return None
    inner = value[names[0]]
    if 2 * len(encode(inner)) < len(encode(value)) and parse_result(split_images(inner)[0]) is None:
        return None
    return TextField((names[0],), inner)


def parse_or_none(text: str) -> Any:
    """Parse a JSON text; None where it is none."""
    try:
        return parse(text.encode())
    except (ValueError, UnicodeEncodeError):
        return None


def long_strings(text: str, least: int = 1) -> dict[Path, str]:
    """Return the strings of a JSON text of at least so many characters (keys excluded), by path, in order."""
    value = parse_or_none(text)
    return {path: one for path, one in _strings(value) if len(one) >= least}


def put_strings(text: str, strings: Mapping[Path, str]) -> str:
    """Put other strings in the places of those at the given paths."""
    return edit(text.encode(), [Replace(path, value) for path, value in strings.items()]).decode()


def _strings(root: Any) -> Iterator[tuple[Path, str]]:
    waiting: list[tuple[Path, Any]] = [((), root)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            yield path, value
        elif len(path) < MAX_DEPTH and isinstance(value, dict):
            waiting.extend(((*path, key), value[key]) for key in reversed(value))
        elif len(path) < MAX_DEPTH and isinstance(value, list):
            waiting.extend(((*path, at), value[at]) for at in range(len(value) - 1, -1, -1))
