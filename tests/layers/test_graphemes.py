"""Cuts fall between what a reader sees as characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.layers.graphemes import head_end, is_boundary, tail_start
from cortex_cli.marks import MAX_CLUSTER_CHARS

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"

WHOLE = {
    "line end": "\r\n",
    "combining mark": "e\u0301",
    "emoji of several": FAMILY,
    "heart with a selector": "\u2764\ufe0f",
    "skin tone": "\U0001f44b\U0001f3fd",
    "flag": "\U0001f1e9\U0001f1ea",
    "flag of Scotland": "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "keycap": "1\ufe0f\u20e3",
    "Hangul of letters": "\u1112\u1161\u11ab",
    "Hangul syllable and final": "\uac00\u11a8",
    "Hindi conjunct": "\u0915\u094d\u0937",
    "voiced kana": "\uff76\uff9e",
    "surrogates of a broken encoder": "\ud83d\ude00",
}


@pytest.mark.parametrize("cluster", WHOLE.values(), ids=WHOLE.keys())
def test_a_cluster_is_not_split(cluster: str) -> None:
    """Half of a character is another character, or none."""
    text = "ab" + cluster + "cd"
    for chars in range(3, 2 + len(cluster)):
        assert text[: head_end(text, chars)] == "ab"
        assert text[tail_start(text, chars) :] == "cd"
    assert is_boundary(text, 2)
    assert is_boundary(text, 2 + len(cluster))


@pytest.mark.parametrize(
    "pair", ["ab", "a\n", "\n\r", "\u4e2d\u6587", "a\u4e2d", "\u200da", "\uac00\uac01", "\u0915\u0937"]
)
def test_separate_characters_are_separate(pair: str) -> None:
    """What is no cluster may be cut, or bookends would come out shorter than they should."""
    assert is_boundary(pair, 1)


def test_flags_pair_from_their_beginning() -> None:
    """Four flag letters are two flags, not a letter, a flag and a letter."""
    two = "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7"
    assert [at for at in range(5) if is_boundary(two, at)] == [0, 2, 4]


def test_endless_marks_are_cut_at_some_point() -> None:
    """A text that is one long cluster would otherwise never shrink."""
    text = "a" + "\u0301" * 1_000
    assert head_end(text, 500) == 500
    assert tail_start(text, 500) == 501
    assert head_end(text, MAX_CLUSTER_CHARS - 1) == 0


@given(st.text(alphabet="ab\u0301\u200d\ufe0f\r\n\U0001f468\U0001f1e9\U0001f1ea"), st.integers(0, 30))
def test_ends_are_no_longer_than_asked(text: str, chars: int) -> None:
    """A bookend never keeps more than its setting says."""
    assert head_end(text, chars) <= chars
    assert len(text) - tail_start(text, chars) <= chars
