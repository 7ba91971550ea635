"""Text of others never acts on the terminal."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.cli.plain import harmless, one_line

ACTING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@given(st.text(st.characters()))
def test_nothing_that_acts_is_left(text: str) -> None:
    """An escape sequence in a log could rewrite what the report says."""
    assert not ACTING.search(harmless(text))
    assert len(one_line(text).splitlines()) <= 1
    harmless(text).encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\u241b[31mred"),
        ("a\r\nb\tc", "a\nb\tc"),
        ("over\rwritten", "over\u240dwritten"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud83d", "\ufffd"),
        ("[/bold] :smile:", "[/bold] :smile:"),
    ],
)
def test_control_characters_are_shown(text: str, shown: str) -> None:
    """Hidden characters are information: they are pictured, not dropped."""
    assert harmless(text) == shown
