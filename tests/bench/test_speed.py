"""How long and how much memory the command takes, against a floor of the same run (`make bench`).

The floor is orjson: parsing and writing every line once, in this process and, next to it, in one of its own. Start-up
is `cortex --version`.
"""

from bisect import bisect
from dataclasses import replace
from itertools import accumulate

import pytest

from cortex_cli import Settings, compact, load
from cortex_cli.tokens import count_messages, counted_texts, make_counter
from cortex_cli.tokens.engines import load_engine
from tests.bench.documents import chat_document
from tests.bench.measure import cpu_seconds, floor_seconds, loading_seconds, process_floor_seconds, run_cortex, slowness

pytestmark = pytest.mark.bench

FLOORS = 5
"""The layers without a summary, with the heuristic, may take so many floors beyond start-up. Source: the project's
targets."""

BARE_LAYERS = ("--layers", "cap,micro,failsafe")

SUMMARY_SECONDS = 0.2
"""The built-in summary of `SUMMARY_TOKENS` on the reference machine, beyond counting. Source: the same."""

SUMMARY_TOKENS = 190_000

START_UP_SECONDS = 0.2
"""CPU of `cortex --version` on the reference machine. Source: the project's targets."""

COUNTING_SHARE = 0.6
"""Counting a transcript reaches at least this share of the tokenizer's bare speed on its texts."""

FILE_SIZES = 3
BASE_MEMORY = 60_000_000
"""Peak memory is at most `FILE_SIZES` times the file plus this. Source: the project's targets."""

LINEAR = 1.25
"""A byte of a larger file may cost this much of a byte of a smaller one."""


def test_start_up(note, start_up):
    """Completion and hooks call the command all the time."""
    note("cortex --version, CPU", start_up, START_UP_SECONDS * slowness(), "s")


def test_compact_with_heuristic(note, session_of, floor, start_up, tmp_path):
    """A batch over years of sessions must be limited by reading JSON, not by us."""
    run = _compact(session_of(50), tmp_path)
    note("compact 50 MB, heuristic, beyond start-up", (run.cpu_seconds - start_up) / floor, FLOORS, "floors")


def test_compact_against_a_process_that_parses_and_writes(note, session_of, start_up, tmp_path):
    """The same, like for like: the floor of above finds its lines in memory, and memory that was used before."""
    run = _compact(session_of(50), tmp_path)
    floors = (run.cpu_seconds - start_up) / process_floor_seconds(session_of(50))
    note("compact 50 MB, heuristic, beyond start-up, floor in a process", floors, FLOORS, "floors")


def test_memory(note, session_of, tmp_path):
    """A laptop's session must fit into a laptop."""
    path = session_of(50)
    size = path.stat().st_size
    run = _compact(path, tmp_path)
    note("compact 50 MB, peak memory", run.peak_bytes / 1e6, (FILE_SIZES * size + BASE_MEMORY) / 1e6, "MB")


def test_memory_of_a_document(note, session_of, tmp_path):
    """One JSON document is parsed as a whole; it must fit all the same."""
    path = tmp_path / "one.json"
    path.write_bytes(chat_document(load(session_of(50)).messages))
    size = path.stat().st_size
    run = _compact(path, tmp_path)
    limit = (FILE_SIZES * size + BASE_MEMORY) / 1e6
    note(f"compact one document of {size / 1e6:.0f} MB, peak memory", run.peak_bytes / 1e6, limit, "MB")


@pytest.mark.parametrize("megabytes", [50, pytest.param(200, marks=pytest.mark.slow)])
def test_cost_is_linear(note, session_of, start_up, tmp_path, megabytes):
    """Twice the session is twice the time, at any size."""
    small, large = session_of(5), session_of(megabytes)
    per_byte = [(_compact(path, tmp_path).cpu_seconds - start_up) / floor_seconds(path) for path in (small, large)]
    note(f"compact {megabytes} MB, cost of a byte against 5 MB", per_byte[1] / per_byte[0], LINEAR, "times")


@pytest.mark.parametrize("tokenizer", ["o200k_base", "cl100k_base"])
def test_counting_is_as_fast_as_the_tokenizer(note, session_of, tokenizer):
    """Exact counts are the default, so all that stands around the tokenizer must be nearly free."""
    transcript = load(session_of(5))
    texts = {text for message in transcript.messages for part in message.parts for text in counted_texts(part)}
    count = load_engine(tokenizer).count
    bare = cpu_seconds(lambda: [count(text) for text in texts])
    ours = cpu_seconds(lambda: count_messages(transcript.messages, make_counter(tokenizer)))
    megabytes = sum(map(len, texts)) / 1e6
    note(
        f"{tokenizer} with {load_engine(tokenizer).name}, counting 5 MB", ours / bare, 1 / COUNTING_SHARE, "times bare"
    )
    note(f"{tokenizer}, a megabyte of text", ours / megabytes, slowness() * 0.1, "s")


def test_compact_with_exact_counts(note, session_of, floor, start_up, tmp_path):
    """What exact counts add is loading the tokenizer and running it over every text once."""
    path = session_of(50)
    texts = {text for message in load(path).messages for part in message.parts for text in counted_texts(part)}
    count = load_engine("o200k_base").count
    counting = cpu_seconds(lambda: [count(text) for text in texts])
    run = _compact(path, tmp_path, tokenizer="o200k_base")
    limit = start_up + FLOORS * floor + loading_seconds() + counting / COUNTING_SHARE
    note("compact 50 MB, o200k_base", run.cpu_seconds, limit, "s")


def test_builtin_summary(note, session_of):
    """Without a model a summary must not be something to wait for."""
    messages = load(session_of(5)).messages
    counter = make_counter("o200k_base")
    sizes = list(accumulate(map(counter.count_message, messages)))
    short = load(session_of(5)).with_messages(messages[: bisect(sizes, SUMMARY_TOKENS)])
    short = replace(short, loaded=short.messages)
    settings = Settings(window=200_000, layers=("summary",))
    assert compact(short, settings, counter=counter).report.summarizer.startswith("builtin")
    taken = cpu_seconds(lambda: compact(short, settings, counter=counter))
    note("built-in summary of 190k tokens, beyond counting", taken, SUMMARY_SECONDS * slowness(), "s")


def test_summary_is_linear(note, session_of, start_up, tmp_path):
    """A summary looks at everything once, however long the session is."""
    sizes = (20, 50)  # of a much smaller one layer 1 leaves too little for a summary
    small, large = ((_compact(session_of(size), tmp_path, layers=()).cpu_seconds - start_up) / size for size in sizes)
    note("compact with a summary, cost of a byte of 50 MB against 20 MB", large / small, LINEAR, "times")


def _compact(path, tmp_path, tokenizer="heuristic", layers=BARE_LAYERS):
    return run_cortex("compact", *layers, "--tokenizer", tokenizer, "--force", "-o", tmp_path / "out.jsonl", path)
