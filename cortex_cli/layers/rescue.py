"""Which lines of a removed middle a bookend keeps: the most telling ones that there is room for.

What makes a line telling is decided by `summarizers.rescue`. Source: SPEC section 3 (rescue).
"""

from cortex_cli.marks import LINE_MARK
from cortex_cli.summarizers.rescue import MAX_LINE_CHARS, telling_lines

MIN_ROOM_CHARS = 40
"""With less room no line is worth the mark around it."""

USUAL_LINE_CHARS = 40
"""So many lines are asked for as would fit if they were this long."""


def pick_lines(text: str, start: int, end: int, max_chars: int) -> tuple[str, ...]:
    """Choose the most telling lines of `text[start:end]`, in their order.

    Args:
        text: A tool result.
        start: Where the middle begins; a line that it cuts belongs to it, as half of a line says nothing.
        end: Where it ends, in the same way.
        max_chars: The most that the lines may take, a line end for each included.
    """
    if max_chars < MIN_ROOM_CHARS or end - start < MIN_ROOM_CHARS:
        return ()
    start, end = _line_start(text, start), _line_end(text, end)
    chosen: list[tuple[int, int, str]] = []
    for line in telling_lines(text, start, end, most=max_chars // USUAL_LINE_CHARS):
        if len(line.text) < max_chars and LINE_MARK not in line.text:
            chosen.append((line.start, text.find(line.text, line.start), line.text))  # pieces share a start
            max_chars -= len(line.text) + 1
    return tuple(line for _, _, line in sorted(chosen))


def _line_start(text: str, at: int) -> int:
    start = text.rfind("\n", max(0, at - MAX_LINE_CHARS), at) + 1
    return start if start or at <= MAX_LINE_CHARS else at


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at - 1, at + MAX_LINE_CHARS)
    return end if end >= 0 else at
