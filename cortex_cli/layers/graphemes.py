"""Where a text may be cut without splitting what a reader sees as one character.

The rules that matter in tool output, from the standard library's Unicode tables: line ends, combining
marks, joiners, variation selectors, skin tones, flags, Hangul syllables, Indic conjuncts, surrogate
pairs. Not a full UAX #29; Thai and Lao vowels in front, for one, are ordinary letters here.
Source: https://unicode.org/reports/tr29/
"""

import unicodedata

from cortex_cli.marks import MAX_CLUSTER_CHARS

_JOINER = "\u200d"
_NON_JOINER = "\u200c"
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
_VIRAMA_CLASS = 9
_MARKS = frozenset(("Mn", "Me", "Mc"))


def head_end(text: str, chars: int) -> int:
    """Return the end of the longest head of at most `chars` code points; endless clusters are cut all the same."""
    if chars >= len(text) or chars <= 0:
        return min(max(chars, 0), len(text))
    around = text[chars - 1 : chars + 1]
    if (around.isascii() and around != "\r\n") or is_boundary(text, chars):  # nearly always
        return chars
    least = chars - MAX_CLUSTER_CHARS
    return next((at for at in range(chars, max(least, -1), -1) if is_boundary(text, at)), chars)


def tail_start(text: str, chars: int) -> int:
    """Return the start of the longest tail of at most `chars` code points; endless clusters are cut all the same."""
    first = max(len(text) - chars, 0)
    last = min(first + MAX_CLUSTER_CHARS, len(text) + 1)
    return next((at for at in range(first, last) if is_boundary(text, at)), first)


def is_boundary(text: str, at: int) -> bool:
    """Tell whether the text may be cut before the code point at `at`."""
    if at <= 0 or at >= len(text):
        return True
    left, right = text[at - 1], text[at]
    if left < "\x80" and right < "\x80":
        return not (left == "\r" and right == "\n")
    if _extends(right) or _is_surrogate_pair(left, right):
        return False
    if left == _JOINER:
        return right < "\x80" or unicodedata.category(right) != "So"
    if right in _FLAG_LETTERS and left in _FLAG_LETTERS:
        before = text[max(at - 2 * MAX_CLUSTER_CHARS, 0) : at]
        return (len(before) - len(before.rstrip(_FLAG_LETTERS))) % 2 == 0
    if unicodedata.combining(left) == _VIRAMA_CLASS:
        return unicodedata.category(right) != "Lo"
    return not _is_hangul_pair(left, right)


def _extends(right: str) -> bool:
    """Tell whether a code point belongs to whatever stands before it."""
    if (
        right in (_JOINER, _NON_JOINER)
        or "\U0001f3fb" <= right <= "\U0001f3ff"
        or "\U000e0020" <= right <= "\U000e007f"
    ):
        return True  # joiners, skin tones, tags of subdivision flags
    return unicodedata.category(right) in _MARKS or right in "\uff9e\uff9f"


def _is_surrogate_pair(left: str, right: str) -> bool:
    """Tell whether two lone surrogates would make one character, as broken encoders write them."""
    return "\ud800" <= left <= "\udbff" and "\udc00" <= right <= "\udfff"


def _is_hangul_pair(left: str, right: str) -> bool:
    """Tell whether two Hangul letters belong to one syllable."""
    if "\u1160" <= right <= "\u11ff":
        return "\u1100" <= left <= "\u11ff" or "\uac00" <= left <= "\ud7a3"
    return "\u1100" <= left <= "\u115f" and ("\u1100" <= right <= "\u115f" or "\uac00" <= right <= "\ud7a3")
