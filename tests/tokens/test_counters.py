"""Counters: what counts, how it is remembered, and names."""

import subprocess
import sys

import pytest

from cortex_cli.errors import OptionError
from cortex_cli.messages import Media, Message, Part
from cortex_cli.tokens import ExactCounter, count_messages, counted_texts, counters, make_counter, tokenizer_names
from cortex_cli.tokens.engines import Engine

TALK = Message(
    "assistant",
    (
        Part("thinking", "hmm, well"),
        Part("text", "hello world"),
        Part("call", '{"path":"a.py"}', name="Read", call_id="1"),
    ),
)


def test_heuristic_rounds_once_per_message():
    """Conformance cases count ceil(all characters / 4), not a sum of rounded parts."""
    counter = make_counter("heuristic")
    assert counter.count_message(TALK) == -(-(9 + 11 + 15 + 4) // 4)
    assert counter.count_text("") == 0
    assert counter.count_text("abcde") == 2
    assert counter.count_text("日本語の") == 1


def test_exact_sums_texts_names_and_arguments():
    """An exact size is the sum over everything the model reads; a signature is not text and does not count."""
    counter = make_counter("o200k_base")
    parts = [text for part in TALK.parts for text in counted_texts(part)]
    assert counter.count_message(TALK) == sum(map(counter.count_text, parts))
    signed = TALK._replace(parts=(TALK.parts[0]._replace(signed=True), *TALK.parts[1:]))
    assert counter.count_message(signed) == counter.count_message(TALK)


@pytest.mark.parametrize("name", tokenizer_names())
def test_media_and_opaque_parts_count_by_estimate(name):
    """An image or an encrypted item is sent as well; no counter may leave it out."""
    counter = make_counter(name)
    image = Message("tool", (Part("result", "", media=(Media("image/png", 1600), Media("image/png", 7))),))
    assert counter.count_message(image) == 1607
    opaque = Message("assistant", (Part("opaque", "x" * 401, name="compaction"),))
    assert counter.count_message(opaque) == 101
    assert count_messages([image, opaque], counter) == 1708


def test_each_text_is_counted_once():
    """Layers ask again and again; only the first time may cost."""
    seen = []

    def count(text: str) -> int:
        seen.append(text)
        return 1

    counter = ExactCounter("x", Engine("fake", count))
    for _ in range(3):
        assert counter.count_text("".join(["a", "b"])) == 1
    assert seen == ["ab"]


def test_memory_is_bounded_and_keeps_what_is_used(monkeypatch):
    """A manager that runs for weeks must not grow, and must not forget what it asks for every turn."""
    monkeypatch.setattr(counters, "MEMO_TEXTS", 10)
    calls = []
    counter = ExactCounter("x", Engine("fake", lambda text: calls.append(text) or len(text)))
    for number in range(100):
        counter.count_text(f"new {number}")
        assert counter.count_text("used") == 4
    assert len(counter._young) + len(counter._old) <= 20
    assert calls.count("used") == 1


def test_unknown_tokenizer_names_the_nearest():
    """A typing error ends in two helpful lines."""
    with pytest.raises(OptionError) as caught:
        make_counter("o200kbase")
    assert "'o200kbase'" in str(caught.value)
    assert "did you mean 'o200k_base'?" in caught.value.hint
    with pytest.raises(OptionError) as caught:
        make_counter("zzz")
    assert caught.value.hint.startswith("known: ")


def test_import_and_heuristic_load_no_tokenizer():
    """`--help`, `check` and the heuristic must not pay for a vocabulary."""
    code = (
        "import sys; from cortex_cli.tokens import make_counter; make_counter('heuristic').count_text('x');"
        "print([n for n in ('tiktoken', 'toktok', 'zlib', 'requests', 'difflib') if n in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
