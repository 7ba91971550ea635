"""Engines: exact, offline, the same number whichever library counts, unharmed by hostile texts."""

import socket
import sys

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from tiktoken_ext import openai_public

from cortex_cli.tokens import engines
from cortex_cli.tokens.engines import ENCODINGS, PIECE_CHARS, Engine, is_right, load_engine, split
from cortex_cli.tokens.vectors import VECTORS
from tests.strategies import examples

WHITE = ("\n", "\r\n", "\n\n", " ", "  ", "\t", "\u00a0", "\u3000", "\x1c", "\x85")
SIGNS = ("/", "//", ".", "...", "=>", "_", "{", '":"', "\\n", "<|endoftext|>", "\x00", "\ud800")
WORDS = ("a", "Bc", "don't", "'LL", "12", "1234", "é", "日本", "\U0001f469\u200d\U0001f467", "Ⅷ")
FRAGMENTS = st.sampled_from(WHITE + SIGNS + WORDS)
TEXTS = st.lists(FRAGMENTS | st.text(max_size=8), max_size=60).map("".join)


def tiktoken_count(encoding: str, text: str) -> int:
    """Count as tiktoken itself does, once its vocabulary is there."""
    engines._load_tiktoken(encoding)
    return len(tiktoken.get_encoding(encoding).encode_ordinary(text))


@pytest.fixture
def toktok():
    """Skip where the extra is not installed."""
    return pytest.importorskip("toktok")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_vectors_are_what_tiktoken_counts(encoding):
    """The vectors judge other engines, so they must be right themselves."""
    for vector in VECTORS:
        assert tiktoken_count(encoding, vector.text) == getattr(vector, ENCODINGS[encoding]), vector.text[:30]


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=TEXTS)
def test_fast_engine_counts_as_tiktoken_does(encoding, text):
    """A count must not depend on which library happens to be installed."""
    pytest.importorskip("toktok")
    assert load_engine(encoding).name.startswith("toktok-rs")
    assert load_engine(encoding).count(text) == tiktoken_count(encoding, text)


@pytest.mark.parametrize("encoding", ["o200k_base", "cl100k_base"])
@given(text=TEXTS.filter(lambda text: "\n" in text))
@examples(200)
def test_safe_cuts_add_up_exactly(encoding, text):
    """Long texts are counted in pieces; the sum has to be the count of the whole."""
    cuts = [match.end() for match in engines._SAFE_CUT.finditer(text)]
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert sum(tiktoken_count(encoding, piece) for piece in pieces) == tiktoken_count(encoding, text)


def test_split_prefers_safe_cuts_and_loses_nothing():
    """Every character is counted exactly once, in pieces that no library chokes on."""
    for text in ("x" * 350_000, "line\n" * 70_000, ("y" * 90_000 + "\n") * 3, "", "z" * PIECE_CHARS):
        pieces = split(text)
        assert "".join(pieces) == text
        assert max(map(len, pieces)) <= PIECE_CHARS
    assert all(piece.endswith("\n") for piece in split("line\n" * 70_000))


@pytest.mark.parametrize("load", [engines._load_toktok, engines._load_tiktoken], ids=["toktok", "tiktoken"])
@pytest.mark.parametrize(
    "text",
    [" " * 1_000_000, "a" * 1_000_000, "\n" * 1_000_000, "\x00" * 200_000, "\ud800" * 200_000, "😀" * 150_000],
    ids=["spaces", "letters", "line feeds", "NUL", "surrogates", "emoji"],
)
def test_hostile_texts_are_counted_alike(load, text):
    """A million equal characters make tiktoken panic; such texts occur in tool output."""
    engine = load("o200k_base")
    if engine is None:
        pytest.skip("toktok-rs is not installed")
    count = engine.count(text)
    assert 0 < count <= 3 * len(text)
    assert count == load_engine("o200k_base").count(text)


def test_wrong_fast_engine_is_not_used(toktok, monkeypatch, caplog):
    """A release that miscounts, or crashes, must fall back to tiktoken by itself."""

    class Wrong:
        def count(self, text: str) -> int:
            return len(text)

    monkeypatch.setattr(toktok, "_encoding", lambda _: Wrong())
    assert engines._load_toktok("o200k_base") is None
    assert "miscounts" in caplog.text
    assert load_engine.__wrapped__("o200k_base").name.startswith("tiktoken")


def test_engine_that_panics_is_wrong():
    """Panics of Rust libraries derive from BaseException."""

    class PanicError(BaseException):
        pass

    def panic(_: str) -> int:
        raise PanicError

    assert not is_right(Engine("x", panic), "o200k_base")

    def interrupt(_: str) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        is_right(Engine("x", interrupt), "o200k_base")


@pytest.mark.parametrize("broken", [None, object()], ids=["absent", "other API"])
def test_fast_engine_is_optional(broken, monkeypatch):
    """Without the extra, or with a release that lost the call, tiktoken counts."""
    monkeypatch.setitem(sys.modules, "toktok", broken)
    assert engines._load_toktok("o200k_base") is None


def test_tiktoken_is_given_our_vocabulary_without_network(monkeypatch):
    """The first exact count must work on a machine that has never been online."""

    def refuse(*_: object) -> None:
        raise AssertionError("network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    theirs = openai_public.load_tiktoken_bpe
    for encoding in ENCODINGS:
        assert engines._load_tiktoken(encoding).count("hello world") == 2
    assert openai_public.load_tiktoken_bpe is theirs
