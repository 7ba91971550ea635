"""Which lines of a removed middle a bookend keeps: the most telling ones that there is room for.

What makes a line telling is decided by `summarizers.rescue`. Source: SPEC section 3 (rescue).
"""

from cortex_cli.marks import LINE_MARK
from cortex_cli.summarizers.rescue import telling_lines

MIN_ROOM_CHARS = 40
"""With less room no line is worth the mark around it."""

USUAL_LINE_CHARS = 40
"""So many lines are asked for as would fit if they were this long."""


def pick_lines(text: str, start: int, end: int, max_chars: int) -> tuple[str, ...]:
    """Choose the most telling lines of `text[start:end]`, in their order.

    Args:
        text: A tool result.
        start: Where the middle begins; a line that it cuts is left out.
        end: Where it ends.
        max_chars: The most that the lines may take, a line end for each included.
    """
    if max_chars < MIN_ROOM_CHARS or end - start < MIN_ROOM_CHARS:
        return ()
    chosen: list[tuple[int, int, str]] = []
    for line in telling_lines(text, start, end, most=max_chars // USUAL_LINE_CHARS):
        if len(line.text) < max_chars and LINE_MARK not in line.text:
            chosen.append((line.start, text.find(line.text, line.start), line.text))  # pieces share a start
            max_chars -= len(line.text) + 1
    return tuple(line for _, _, line in sorted(chosen))
