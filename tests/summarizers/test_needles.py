"""A pattern is left out only where it has no match, whatever the pattern and the text."""

import re
from functools import cache
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from cortex_cli.summarizers import redact
from cortex_cli.summarizers.needles import letters_of, needle_of
from tests.strategies import examples

DETECTORS = (*redact._own_detectors(), *redact._detectors())
SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)


@cache
def secrets_of(pattern: re.Pattern[str]) -> st.SearchStrategy[str]:
    """Make texts that a pattern of secrets has a match in."""
    return st.from_regex(pattern).filter(lambda text: pattern.search(text) is not None)


def unfiltered(text: str) -> list[redact.Found]:
    """Find secrets with every pattern tried everywhere."""
    own = tuple(one._replace(needle=None) for one in redact._own_detectors())
    others = tuple(one._replace(needle=None) for one in redact._detectors())
    with patch.object(redact, "_own_detectors", lambda: own), patch.object(redact, "_detectors", lambda: others):
        return list(redact.find_secrets(text))


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: f"{one.kind}: {one.pattern.pattern[:40]}")
@examples(25, suppress_health_check=SLOW, deadline=None)
@given(st.data())
def test_no_secret_of_any_detector_is_missed(detector: redact.Detector, data: st.DataObject) -> None:
    """The patterns of the package itself say what a secret looks like; what is found is what they find everywhere."""
    text = data.draw(secrets_of(detector.pattern))
    letters = letters_of(text)
    assert detector.needle is None or detector.needle.is_in(letters)
    assert [match.span() for match in detector.matches(letters)] == [m.span() for m in detector.pattern.finditer(text)]
    assert list(redact.find_secrets(text)) == unfiltered(text)


@examples(60, suppress_health_check=SLOW, deadline=None)
@given(st.data())
def test_texts_with_several_secrets_are_redacted_as_without_needles(data: st.DataObject) -> None:
    """Secrets of all kinds side by side, small and capital, between prose and letters of other scripts."""
    secret = st.sampled_from(DETECTORS).flatmap(lambda one: secrets_of(one.pattern))
    changed = secret.flatmap(lambda text: st.sampled_from((text, text.swapcase(), text.replace("s", "ſ"), text[1:])))
    prose = st.sampled_from(("the key is kept", "\n", " ", "\\n", '"', "İ ¦ K ſecret ‑", "token: ", "password = ", "x"))
    text = "".join(data.draw(st.lists(st.one_of(changed, prose), min_size=1, max_size=6)))
    assert list(redact.find_secrets(text)) == unfiltered(text)


def test_nearly_all_patterns_have_a_needle() -> None:
    """Without one a pattern is tried everywhere: that is slow."""
    assert {one.kind for one in DETECTORS if one.needle is None} == {"Private Key"}


def test_letters_of_any_script_are_seen_as_patterns_see_them() -> None:
    """Where case is ignored, a few letters outside ASCII match one in it."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    alike = {letter: re.compile(letter, re.IGNORECASE) for letter in letters}
    every = "".join(map(chr, range(0x110000)))
    seen = letters_of(every)
    assert len(seen.plain) == len(seen.small) == len(every)
    for letter, pattern in alike.items():
        assert {match.start() for match in pattern.finditer(every)} == {
            at for at, small in enumerate(seen.small) if small == letter
        }
    assert all(plain in (char, "?") for plain, char in zip(seen.plain, every, strict=True))


@pytest.mark.parametrize(
    ("source", "heads"),
    [
        (r"abc\d+", ("abc",)),
        (r"\d+abc\.d", ("abc.d",)),
        (r"abcd?\d", ("abc",)),
        (r"(?:key|pwd|pw)=\d", ("key", "pw")),
        (r"(?:abc|)x", ("x",)),
        (r"(?:abc)?[xy]z", ("z",)),
        (r"(?:a(?:b|c)d|ef)gh[i|j]", ("gh",)),
        (r"[a(b]cd", ("cd",)),
        (r"[]ab]cd", ("cd",)),
        (r"(?<=abc)\w", None),
        (r"(?=abcd)ef", ("ef",)),
        (r"x(?:abc|abd|abde)\d", ("ab",)),
        (r"(?:abc|acd)\d", ("abc", "acd")),
        (r"abc|def", None),
        (r"(abc)\1", None),
        (r"(?i:abc)\d", None),
        (r"abc{0,2}", ("ab",)),
        (r"abc{}", ("abc",)),
        (r"\d\w.", None),
    ],
)
def test_words_are_read_off_a_pattern(source: str, heads: tuple[str, ...] | None) -> None:
    """Only what must stand in a match counts: nothing that may be missing, no branch of a choice alone."""
    needle = needle_of(re.compile(source))
    assert (needle.heads if needle else None) == heads


def test_a_spaced_pattern_has_no_needle() -> None:
    """Its blanks and comments do not stand for themselves."""
    assert needle_of(re.compile("abc def", re.VERBOSE)) is None
    assert needle_of(re.compile("abcdef", re.VERBOSE)) is not None


ATOMS = st.sampled_from(
    ("a", "b", "key", "-", r"\.", r"\d", r"\W", "[ab]", "[^a]", r"[\]|(]", ".", r"\b", "(?:k|)", "(?=k)", "^", "$")
)
SOURCES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: f"(?:{'|'.join(some)})"),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: f"({'|'.join(some)})"),
        st.tuples(inner, st.sampled_from(("?", "*", "+", "{2}", "{0,1}", "{,2}", "+?", "{1,}"))).map(
            lambda both: f"(?:{both[0]}){both[1]}"
        ),
        st.tuples(st.sampled_from(("a", "k", "[ab]", r"\.")), st.sampled_from(("?", "*", "+", "{2}", "{0}"))).map(
            "".join
        ),
    ),
    max_leaves=8,
)


@examples(300, suppress_health_check=SLOW, deadline=None)
@given(SOURCES, st.sampled_from((0, re.IGNORECASE, re.MULTILINE)), st.data())
def test_a_pattern_without_its_needle_has_no_match(source: str, flags: int, data: st.DataObject) -> None:
    """Whatever is put together of words, choices, repetitions and assertions."""
    pattern = re.compile(source, flags)
    text = data.draw(st.one_of(st.text("abkKeyſ-.]|(1 \n", max_size=12), st.from_regex(pattern)))
    needle = needle_of(pattern)
    if needle is not None and pattern.search(text):
        assert needle.is_in(letters_of(text))
