"""The quick cues of rescue find something exactly where the full patterns do."""

from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.layers import rescue

PIECES = (
    *("Error", "TypeError", "error", "E  ", "FAIL", "timed out", "timeout", "exit code 1", "Not found", "ſ", "fail"),
    *(
        "/",
        ".",
        ":",
        "-",
        "_",
        " ",
        "  ",
        "line ",
        "12",
        "3",
        "src",
        "a.py",
        "C:\\x",
        "@",
        "=",
        "https://",
        "http",
        "é",
    ),
    *(
        "deadbee",
        "0a1b2c3",
        "A",
        "AB",
        "B1",
        "v1.2.3",
        "0.1",
        "12345678-abcd-",
        "ABC_DEF",
        "abc_def",
        "--",
        "\t",
        "日本",
    ),
)
LINES = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=14).map("".join)


@given(LINES)
def test_quick_cues_are_the_full_ones(line):
    """A cue that is missed because it is looked for quickly would lose the line it stands in."""
    low = line.casefold()
    hints = tuple(hint for hint in rescue._ERROR_HINTS if hint in low)
    assert rescue._cue_score(line, hints) == sum(
        weight
        for pattern, weight in (
            (rescue._ERROR, rescue._ERROR_WEIGHT),
            (rescue._IDENTIFIER, rescue._IDENTIFIER_WEIGHT),
            (rescue._PLACE, rescue._PLACE_WEIGHT),
            (rescue._VALUE, rescue._VALUE_WEIGHT),
        )
        if pattern.search(line)
    )
