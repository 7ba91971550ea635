"""What an archive of a long session costs, and how fast it answers."""

from random import Random
from statistics import median

import pytest

from cortex_cli import load
from cortex_cli.archive import Archive
from cortex_cli.archive.texts import removed_texts
from tests.bench.measure import cpu_seconds, run_cortex, slowness

pytestmark = pytest.mark.bench

QUERIES = 60
QUERY_CHARS = 12
RECALL_SECONDS = 0.05
"""CPU of one search on the reference machine. Source: the project's targets."""

ARCHIVE_SHARE = 1 / 3
"""Of the session's size. Source: the same."""

PUT_SECONDS = 12.0
"""CPU beyond the compaction, to store and index all of 50 MB; ours."""


def test_archive_of_a_long_session(note, session_of, tmp_path):
    """Nearly everything leaves a session of 50 MB; any twelve characters of it are found, and all of it comes back."""
    path, archive, output = session_of(50), tmp_path / "a.sqlite", tmp_path / "out.jsonl"
    options = ("--tokenizer", "heuristic", "--layers", "cap,micro,failsafe", "--force", "-o", output, path)
    bare = run_cortex("compact", *options, repeat=1)
    kept = run_cortex("compact", "--archive", archive, *options, repeat=1)
    note("archive of 50 MB, CPU beyond compacting", kept.cpu_seconds - bare.cpu_seconds, PUT_SECONDS * slowness(), "s")
    note("archive of 50 MB, size", archive.stat().st_size / 1e6, path.stat().st_size / 1e6 * ARCHIVE_SHARE, "MB")
    assert Archive(archive).restore(output.read_bytes()).data == path.read_bytes()

    before = load(path)
    removed = [one.text for one in removed_texts(before.with_messages([])) if len(one.text) > QUERY_CHARS]
    kept_texts = Archive(archive)
    random = Random(1)
    chosen = [text for text in random.sample(removed, 4 * QUERIES) if kept_texts.read(kept_texts.ref_of(text))]
    assert len(chosen) >= QUERIES
    seconds = [_search(kept_texts, text, random) for text in chosen[:QUERIES]]
    note("recall of 12 characters, median CPU", median(seconds), RECALL_SECONDS * slowness(), "s")


def _search(archive: Archive, text: str, random: Random) -> float:
    at = random.randrange(len(text) - QUERY_CHARS)
    query = text[at : at + QUERY_CHARS]
    if query != query.strip():
        query = query.strip() or text[:QUERY_CHARS]
    found = archive.find(query, limit=100_000)
    assert any(query in hit.text for hit in found.hits)
    return cpu_seconds(lambda: archive.find(query), repeat=1)
