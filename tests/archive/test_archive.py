"""What is put into an archive comes out again: by reference, by search, and as the whole input."""

import os
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.archive import Archive, Filter, Receipt, Removed
from cortex_cli.archive.search import parse_time
from cortex_cli.errors import ArchiveError, ExitCode
from tests.strategies import examples

BEFORE = b"".join(b'{"n":%d,"text":"%s"}\n' % (number, b"word " * 90) for number in range(50))
AFTER = b'{"summary":1}\n' + b"".join(BEFORE.splitlines(keepends=True)[40:])
RECEIPT = Receipt(input="in.jsonl", output="/tmp/out.jsonl", made="2026-03-01T00:00:00Z")


def removed(text: str, number: int = 0, **fields: str) -> Removed:
    """Build a text that left."""
    return Removed(text, message=number, part=0, line=number + 1, **{"role": "tool", **fields})


def filled(path: Path | str, *texts: Removed, before: bytes = BEFORE, receipt: Receipt = RECEIPT) -> Archive:
    """Return an archive of one run with these texts."""
    archive = Archive(path)
    archive.put_run(before, AFTER, lambda _lines: texts, receipt)
    return archive


def found(archive: Archive, query: str, wanted: Filter | None = None) -> list[str]:
    """Return the texts found."""
    return [hit.text for hit in archive.find(query, wanted).hits]


def ask(path: Path, statement: str) -> tuple[object, ...] | None:
    """Run a statement of SQL on an archive and return its first row."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        row: tuple[object, ...] | None = database.execute(statement).fetchone()
        return row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where an archive may be made."""
    return tmp_path / "a.sqlite"


def test_a_run_is_restored(path: Path) -> None:
    """The point of it all."""
    archive = filled(path)
    done = archive.restore(AFTER)
    assert (done.data, done.edited, done.run.input) == (BEFORE, False, "in.jsonl")
    assert [run.output_sha256 for run in archive.runs()] == [done.run.output_sha256]


def test_texts_that_left_are_asked_for_by_line(path: Path) -> None:
    """Records off the live path are searched too, so the caller must know which left."""
    asked: list[Sequence[int]] = []
    Archive(path).put_run(BEFORE, AFTER, lambda lines: asked.append(lines) or (), RECEIPT)
    assert asked == [list(range(40))]


def test_a_second_run_adds_nothing(path: Path) -> None:
    """After a crash between archive and output the run is simply repeated."""
    texts = [removed(f"text {number} " * 50, number) for number in range(9)]
    filled(path, *texts)
    size = path.stat().st_size
    filled(path, *texts)
    assert path.stat().st_size == size
    assert len(Archive(path).runs()) == 1


def test_the_same_content_is_stored_once(path: Path) -> None:
    """Same reference, one copy, both places known."""
    archive = filled(path, removed("the same text", 1), removed("the same text", 2))
    other = Receipt(input="other.jsonl", output="", made="2026-03-02T00:00:00Z")
    filled(path, removed("the same text", 7), before=BEFORE + b"\n", receipt=other)
    [hit] = archive.find("same text").hits
    assert (hit.ref, hit.place.path) == (archive.ref_of("the same text"), "other.jsonl")
    counts = ask(path, "SELECT (SELECT count(*) FROM text), (SELECT count(*) FROM place), count(*) FROM record")
    assert counts == (1, 3, 40 + 1)  # the second input has one line more


def test_a_text_is_read_by_reference(path: Path) -> None:
    """What a transcript says of its originals must be true, also for the first digits typed by hand."""
    text = "one\0two \ud800 \U0001f600\r\n"
    archive = filled(path, removed(text, 3, tool="Bash"))
    ref = archive.ref_of(text)
    for name in (ref, ref[:8], ref.upper(), f"/anywhere/{ref}.txt"):
        hit = archive.read(name)
        assert hit is not None
        assert (hit.text, hit.place.tool, hit.place.line) == (text, "Bash", 4)
    assert [archive.read(name) for name in ("", "abc", "no hex at all", "0123456789abcdef")] == [None] * 4


def test_a_live_session_puts_single_texts(path: Path) -> None:
    """It has no file yet; the same call twice changes nothing."""
    archive = Archive(path)
    refs = {archive.put("said once", "Bash", "non-reproducible", "call_1", 4) for _ in range(2)}
    assert refs == {archive.ref_of("said once")}
    assert found(archive, "said") == ["said once"]
    assert archive.runs() == ()


def test_a_folder_keeps_plain_files(tmp_path: Path) -> None:
    """An agent's Read tool opens paths, not databases."""
    archive = filled(f"{tmp_path / 'kept'}/", removed("whole text\n"))
    ref = Path(archive.ref_of("whole text\n"))
    assert ref.is_absolute()
    assert ref.read_text() == "whole text\n"
    assert archive.restore(AFTER).data == BEFORE
    again = Archive(tmp_path / "kept")
    hit = again.read(str(ref))
    assert hit is not None
    assert hit.ref == str(ref)


@examples(30)
@given(data=st.data())
def test_any_twelve_characters_are_found(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever stands in a text finds it, as typed."""
    texts = data.draw(st.lists(st.text(min_size=12, max_size=60), min_size=1, max_size=4, unique=True))
    archive = filled(tmp_path_factory.mktemp("a") / "a.sqlite", *map(removed, texts))
    text = data.draw(st.sampled_from(texts))
    at = data.draw(st.integers(0, len(text) - 12))
    query = text[at : at + 12]
    if query.strip() == query:
        assert text in found(archive, query)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("00000000000\U00010570", "00000000000\U00010570"),  # its small letter is younger than the index's Unicode
        (
            "\u03a3\u03a3\u03a3\u03a3\u03a3\u03a3",
            "\u03a3\u03a3\u03a3\u03a3\u03a3",
        ),  # sigmas, of which only a last one is written otherwise
        ("eine stra\u00dfe hier", "STRA\u00dfE hier"),
    ],
)
def test_letters_with_cases_of_their_own_are_found(path: Path, text: str, query: str) -> None:
    """What one Unicode calls the same letter and another does not."""
    assert found(filled(path, removed(text)), query) == [text]


def test_typed_before_words_before_some_words(path: Path) -> None:
    """The nearest to what was asked comes first; guesses only where nothing else is."""
    exact, other_case, words = "an error in src/app.py here", "AN ERROR IN SRC/APP.PY", "in src/app.py: an old error"
    archive = filled(path, *map(removed, (words, other_case, exact, "nothing of it", "a parser")))
    assert found(archive, "error in src/app.py") == [exact, other_case, words]
    assert found(archive, "which parser was it?") == ["a parser"]
    assert found(archive, "zebra") == []
    assert found(archive, "   ") == []


def test_short_words_and_signs_are_found(path: Path) -> None:
    """Two Chinese characters are a word; quotation marks are no syntax."""
    archive = filled(path, removed("配置文件"), removed('he said "no" AND left'), removed('{"a":"line\\nbreak"}'))
    assert found(archive, "配置") == ["配置文件"]
    assert found(archive, '"no" AND') == ['he said "no" AND left']
    assert found(archive, "line\nbreak") == ['{"a":"line\\nbreak"}']


def test_time_and_tool_choose(path: Path) -> None:
    """A text without a time is in no range."""
    archive = filled(
        path,
        removed("hit a", 1, time="2026-03-01T10:00:00Z", tool="Bash"),
        removed("hit b", 2, time="2026-03-02T10:00:00.5+00:00", tool="Read"),
        removed("hit c", 3),
    )
    assert found(archive, "hit", Filter(since=parse_time("2026-03-02"))) == ["hit b"]
    assert found(archive, "hit", Filter(until=parse_time("2026-03-01T10:00:00"))) == ["hit a"]
    assert found(archive, "hit", Filter(tool="bash")) == ["hit a"]
    assert found(archive, "hit") == ["hit b", "hit a", "hit c"]


def test_what_is_omitted_is_counted(path: Path) -> None:
    """Ten results of a thousand are another answer than ten of ten."""
    archive = filled(path, *(removed(f"hit {number}", number) for number in range(25)))
    result = archive.find("hit", limit=10)
    assert (len(result.hits), result.omitted) == (10, 15)


def test_an_edited_output_is_refused_unless_forced(path: Path, tmp_path: Path) -> None:
    """Nothing of the user's may be lost by a restore."""
    output = tmp_path / "out.jsonl"
    receipt = Receipt(input="in.jsonl", output=str(output.resolve()), made="2026-03-01T00:00:00Z")
    archive = filled(path, receipt=receipt)
    edited = AFTER + b'{"new":1}\n'
    with pytest.raises(ArchiveError, match="edited since"):
        archive.restore(edited, str(output))
    done = archive.restore(edited, str(output), force=True)
    assert (done.data, done.edited, done.added) == (BEFORE + b'{"new":1}\n', True, 1)
    with pytest.raises(ArchiveError, match="no run"):
        archive.restore(edited, "elsewhere.jsonl", force=True)


def test_several_write_at_once(path: Path) -> None:
    """A batch has a process for each core."""

    def write(number: int) -> None:
        before = b"%d\n" % number + BEFORE
        filled(path, removed(f"text of {number}", number), removed("of all"), before=before)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Archive(path).runs()) == 6
    assert len(found(Archive(path), "text of")) == 6
    assert Archive(path).find("of all").hits[0].text == "of all"


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    """Each with what it is and what to do."""
    plain, other, newer, torn = (tmp_path / name for name in ("a.txt", "b.db", "c.db", "d.db"))
    plain.write_text("no database at all, but a text")
    ask(other, "CREATE TABLE mine (x)")
    filled(newer)
    ask(newer, "PRAGMA user_version = 99")
    filled(torn, *(removed(f"text {number} " * 200, number) for number in range(200)))
    torn.write_bytes(torn.read_bytes()[:5000])
    for path, message in ((plain, "no SQLite"), (other, "no archive"), (newer, "newer"), (torn, "damaged")):
        for work in (lambda path=path: filled(path, removed("x")), lambda path=path: Archive(path).find("text")):
            with pytest.raises(ArchiveError, match=message) as failure:
                work()
            assert failure.value.hint
            assert failure.value.exit_code is ExitCode.BAD_INPUT


def test_damage_is_not_restored(path: Path) -> None:
    """Wrong bytes are worse than none."""
    archive = filled(path)
    ask(path, "UPDATE block SET data = zeroblob(50)")
    with pytest.raises(ArchiveError, match="damaged"):
        archive.restore(AFTER)


def test_a_locked_archive_is_told(path: Path) -> None:
    """Waiting for ever is no answer."""
    filled(path)
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(ArchiveError, match="locked"):
            Archive(path, wait_seconds=0.1).put("more")
    finally:
        database.close()


def test_places_that_cannot_be(tmp_path: Path, path: Path) -> None:
    """What is missing is said before any work."""
    with pytest.raises(ArchiveError, match="no such archive"):
        Archive(path).find("x")
    with pytest.raises(ArchiveError, match="folder does not exist"):
        Archive(tmp_path / "no" / "a.sqlite").check()
    Archive(path).check()
    assert not path.exists()


def test_an_empty_file_is_an_archive_to_be(path: Path) -> None:
    """A kill at the first moment leaves one; the rerun must not stumble over it."""
    path.touch()
    Archive(path).check()
    with pytest.raises(ArchiveError, match="empty"):
        Archive(path).find("x")
    assert filled(path).restore(AFTER).data == BEFORE


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_read_only_archive_can_be_read(path: Path) -> None:
    """A backup medium is where archives end."""
    filled(path, removed("old words"))
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        assert found(Archive(path), "old") == ["old words"]
        with pytest.raises(ArchiveError, match="read-only"):
            Archive(path).put("more")
    finally:
        path.parent.chmod(0o700)
