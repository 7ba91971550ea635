"""Text of others made harmless for a terminal: nothing in it moves the cursor, colours or reorders."""

import re

_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\ufffb]"
)
"""C0 and C1 controls except line feed and tab, marks of writing direction, lone surrogates."""

_PICTURES = 0x2400
"""First of the Unicode signs that picture the C0 controls."""


def harmless(text: str) -> str:
    """Show control characters as visible signs; line feeds and tabs stay."""
    return _CONTROLS.sub(_picture, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same on one line: line feeds and tabs become visible or blank."""
    return harmless(text).replace("\n", "\u2424").replace("\t", " ")


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(_PICTURES + code)
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
