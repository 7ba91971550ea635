"""Large inputs that are held in large pages."""

import copy
import io
import pickle
import zipfile
from pathlib import Path

import pytest

from cortex_cli import files, formats, large
from cortex_cli.errors import CortexError
from cortex_cli.formats.source import Source
from cortex_cli.large import LargeBytes, read_whole

SAMPLES = Path(__file__).parents[1] / "samples"

pytestmark = pytest.mark.skipif(not hasattr(large.mmap, "MADV_HUGEPAGE"), reason="this system has no large pages")


@pytest.fixture(autouse=True)
def _all_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "LARGE_BYTES", 1)


def _read(path: Path) -> LargeBytes:
    data = files.read_file(str(path)).data
    assert isinstance(data, LargeBytes)
    return data


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"role":"user","content":"hi"}\n{"role":"assistant","content":"yes"}\n')
    return path


@pytest.mark.parametrize("path", sorted(SAMPLES.rglob("*.json*")), ids=lambda path: path.name)
def test_an_input_is_the_same_however_it_is_held(path: Path) -> None:
    """Messages, warnings and bytes; what is no transcript is refused alike."""
    data = path.read_bytes()
    held = files.read_file(str(path)).data
    assert bytes(held) == data
    try:
        known = formats.load_all(Source(data, str(path)))
    except CortexError as error:
        with pytest.raises(type(error)):
            formats.load_all(Source(held, str(path)))
        return
    found = formats.load_all(Source(held, str(path)))
    for one, other in zip(known, found, strict=True):
        assert (one.messages, one.warnings, one.size_bytes) == (other.messages, other.warnings, other.size_bytes)
        assert list(one.records) == list(other.records)
        shorter = [list(formats.dump(each.with_messages(each.messages[:-1]))) for each in (one, other)]
        assert shorter[0] == shorter[1]
    assert b"".join(formats.dump_all(found)) == data


def test_a_document_stays_bytes(tmp_path: Path) -> None:
    """It is parsed whole."""
    path = tmp_path / "document.json"
    path.write_bytes(b'[{"role":"user","content":"hi"},\n{"role":"assistant","content":"yes"}]')
    assert isinstance(files.read_file(str(path)).data, bytes)


@pytest.mark.parametrize("size", [1, 66, 67, 68, 1000])
def test_a_file_that_changes_meanwhile_is_read_as_it_is(lines: Path, size: int) -> None:
    """A client may be writing to it."""
    with lines.open("rb") as stream:
        assert bytes(read_whole(stream, size)) == lines.read_bytes()


def test_a_zip_is_known_whatever_is_in_it(lines: Path, tmp_path: Path) -> None:
    """What it holds may be packed without being made smaller."""
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as packed:
        packed.write(lines, "lines.jsonl")
    with pytest.raises(CortexError, match="inspect"):
        files.read_file(str(path))


def test_it_goes_to_other_processes_and_into_copies(lines: Path) -> None:
    """As the bytes that it holds."""
    transcript = formats.load(Source(_read(lines)))
    for again in (pickle.loads(pickle.dumps(transcript)), copy.deepcopy(transcript)):
        assert again.records == transcript.records
        assert again.messages == transcript.messages


def test_small_pages_do_where_there_are_no_large_ones(lines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel may be built without them."""

    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(LargeBytes, "madvise", refuse)
    assert _read(lines)[:] == lines.read_bytes()


def test_a_small_file_is_bytes(lines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large pages are worth it for large files."""
    monkeypatch.setattr(large, "LARGE_BYTES", 1 << 20)
    assert isinstance(files.read_file(str(lines)).data, bytes)
    with io.BytesIO(b"{}\n{}") as stream:
        assert read_whole(stream, 5) == b"{}\n{}"
