"""Several messages in one text, for formats whose elements are mere texts: written, and read back as they were.

Ours stand in front of somebody's words, a blank line between. Words that met, since what was between them left,
are parted by a line that says who speaks next. Source: SPEC section 10, ShareGPT.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cortex_cli.marks import BLANK_LINE, find_parting, parting_text, split_own, synthetic_kind


class Said(NamedTuple):
    """What one of the messages says."""

    text: str
    speaker: str
    """Whose words these are, as the format calls them."""

    @property
    def is_own(self) -> bool:
        """Whether it is one of our texts."""
        return synthetic_kind(self.text) != ""


def join_said(messages: Sequence[Said], speaker: str) -> str:
    """Write messages as one text.

    Args:
        messages: In their order.
        speaker: Who speaks where a text says nothing else.
    """
    pieces: list[str] = []
    for at, one in enumerate(messages):
        named = next((other.speaker for other in messages[at:] if not other.is_own), one.speaker)
        if named != speaker if not at else not messages[at - 1].is_own:
            pieces.append(parting_text(named))
        pieces.append(one.text)
    return BLANK_LINE.join(pieces)


def split_said(text: str, speaker: str, is_speaker: Callable[[str], bool]) -> list[Said]:
    """Read what `join_said` wrote.

    Args:
        text: It may hold one message alone, as nearly always.
        speaker: Who speaks where the text says nothing else.
        is_speaker: Whether there is somebody of a name; what names nobody is part of the words.
    """
    found: list[Said] = []
    parting = _find_parting(text, is_speaker)
    if parting is not None and parting[0] == 0 and not text.startswith(BLANK_LINE):  # it names who speaks first
        _, begin, speaker = parting
        text = text[begin:]
    while True:
        own, rest = split_own(text)
        found += [Said(one, speaker) for one in own]
        parting = _find_parting(rest, is_speaker)
        if parting is None:
            return found if text == BLANK_LINE.join(own) != "" else [*found, Said(rest, speaker)]
        end, begin, following = parting
        found.append(Said(rest[:end], speaker))
        text, speaker = rest[begin:], following


def _find_parting(text: str, is_speaker: Callable[[str], bool]) -> tuple[int, int, str] | None:
    start = 0
    while (parting := find_parting(text, start)) is not None and not is_speaker(parting[2]):
        start = parting[0] + 1
    return parting
