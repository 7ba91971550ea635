"""What turns a text into an exact number of tokens: toktok-rs where it is installed and right, else tiktoken.

An engine takes any text that Python can hold and gives the same number whichever library is behind it:
texts are cut into the same pieces first.
"""

import re
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from cortex_cli.tokens.vectors import VECTORS

if TYPE_CHECKING:
    import logging

PIECE_CHARS = 100_000
"""Longer texts are counted in pieces: tiktoken panics at about a million equal characters. Source: TOKENS.md."""

_SAFE_CUT = re.compile(r"\n(?=[^\s/])")
"""Where every pattern in use ends a match: after a line feed, before a character that neither continues white
space nor, in o200k_base, punctuation (`[\\r\\n/]*`). Counts of the two sides add up exactly."""

ENCODINGS = {"o200k_base": "o200k_base", "cl100k_base": "cl100k_base", "o200k_harmony": "o200k_base"}
"""tiktoken's name -> the vocabulary it needs. Harmony has other special tokens, which ordinary text never uses."""

Count = Callable[[str], int]


class Engine(NamedTuple):
    """A loaded tokenizer."""

    name: str
    """Library and version, for reports."""
    count: Count
    """Exact count of any text."""


@cache
def load_engine(encoding: str) -> Engine:
    """Return the fastest engine that proves itself, loaded once per process.

    Args:
        encoding: A key of `ENCODINGS`.
    """
    return _load_toktok(encoding) or _load_tiktoken(encoding)


def split(text: str) -> list[str]:
    """Cut a text into pieces whose counts add up to its own, none much over `PIECE_CHARS` characters.

    Where no safe cut is near, the cut is hard and the sum may be off by a token.
    """
    pieces = []
    start, size = 0, len(text)
    while size - start > PIECE_CHARS:
        safe = _SAFE_CUT.search(text, start + PIECE_CHARS // 2, start + PIECE_CHARS)
        end = safe.end() if safe else start + PIECE_CHARS
        pieces.append(text[start:end])
        start = end
    pieces.append(text[start:])
    return pieces


def without_surrogates(text: str) -> str:
    """Return the text as UTF-8 can hold it: surrogate pairs joined, lone ones replaced, as tiktoken does itself."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _engine(name: str, count_piece: Count) -> Engine:
    def count(text: str) -> int:
        if len(text) > PIECE_CHARS:
            return sum(map(count_whole, split(text)))
        return count_whole(text)

    def count_whole(text: str) -> int:
        try:
            return count_piece(text)
        except UnicodeEncodeError:
            return count_piece(without_surrogates(text))

    return Engine(name, count)


def is_right(engine: Engine, encoding: str) -> bool:
    """Tell whether an engine counts every vector as tiktoken does; nothing it raises gets out."""
    vocabulary = ENCODINGS[encoding]
    try:
        return all(engine.count(vector.text) == getattr(vector, vocabulary) for vector in VECTORS)
    except BaseException as error:  # a panic of a Rust library is a BaseException
        if isinstance(error, KeyboardInterrupt):
            raise
        return False


def _load_toktok(encoding: str) -> Engine | None:
    try:
        import toktok  # noqa: PLC0415 - optional, and 0.3 s to load

        # `batch_count` is the documented call, but it starts a thread pool for each text (5 times slower).
        engine = _engine(f"toktok-rs {toktok.__version__}", toktok._encoding(encoding).count)
    except (ImportError, AttributeError, KeyError) as error:
        _logger().debug("toktok-rs is not used: %r", error)
        return None
    if is_right(engine, encoding):
        return engine
    _logger().warning("%s miscounts %s, tiktoken is used", engine.name, encoding)
    return None


def _logger() -> "logging.Logger":
    import logging  # noqa: PLC0415 - start-up time, hardly ever needed

    return logging.getLogger(__name__)


_loader_lock = Lock()


def _load_tiktoken(encoding: str) -> Engine:
    # Start-up time: only exact counts without a fast engine need these.
    import tiktoken  # noqa: PLC0415
    from tiktoken_ext import openai_public  # noqa: PLC0415

    from cortex_cli.data.vocabulary import read_vocabulary  # noqa: PLC0415

    def read_ours(url: str, expected_hash: str | None = None) -> dict[bytes, int]:  # noqa: ARG001
        return read_vocabulary(url.rsplit("/", 1)[-1].removesuffix(".tiktoken"))

    with _loader_lock:  # tiktoken knows no other way to be given a vocabulary than a file it downloads
        theirs = openai_public.load_tiktoken_bpe
        openai_public.load_tiktoken_bpe = read_ours
        try:
            loaded: Any = tiktoken.get_encoding(encoding)
        finally:
            openai_public.load_tiktoken_bpe = theirs
    encode = loaded.encode_ordinary
    return _engine(f"tiktoken {tiktoken.__version__}", lambda text: len(encode(text)))
