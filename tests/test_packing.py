"""Compressed transcripts: read and written like others."""

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli import files, packing
from cortex_cli.errors import InputError, OptionError
from tests.cli.command import SAMPLES, SMALL, cortex

OTHERS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    ".gz": (gzip.compress, gzip.decompress),
    ".bz2": (bz2.compress, bz2.decompress),
    ".xz": (lzma.compress, lzma.decompress),
    ".zst": (
        lambda data: zstandard.ZstdCompressor().compress(data),
        lambda data: zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read(),
    ),
}
"""Ending -> how others write and read it."""

ENDINGS = pytest.mark.parametrize("ending", packing.ENDINGS)


@ENDINGS
@given(chunks=st.lists(st.binary(max_size=300), max_size=5))
def test_what_is_packed_others_can_read(ending: str, chunks: list[bytes]) -> None:
    """The files are for other tools too, and the same contents always give the same bytes."""
    packed = b"".join(packing.pack(chunks, f"x{ending}"))
    assert OTHERS[ending][1](packed) == b"".join(chunks)
    assert packing.unpack(packed, f"x{ending}") == b"".join(chunks)
    assert packed == b"".join(packing.pack(chunks, f"y{ending}"))


@ENDINGS
def test_several_members_are_one_file(ending: str, tmp_path: Path) -> None:
    """`cat a.gz b.gz` is how logs are put together."""
    path = tmp_path / f"x.jsonl{ending}"
    path.write_bytes(OTHERS[ending][0](b"one\ntwo\n") + OTHERS[ending][0](b"three\n"))
    assert files.read_file(str(path)).data == b"one\ntwo\nthree\n"
    with path.open("rb") as stream:
        assert list(packing.read_lines(stream, str(path))) == [b"one\n", b"two\n", b"three\n"]


@ENDINGS
def test_damaged_files_are_one_line(ending: str, tmp_path: Path) -> None:
    """Cut short by a full disk, or not what the name says."""
    path = tmp_path / f"x.jsonl{ending}"
    whole = OTHERS[ending][0](b'{"role": "user"}\n' * 1000)
    for data in (whole[:-9], b"no such thing at all", b"\x00" * 40):
        path.write_bytes(data)
        with pytest.raises(InputError, match="cannot be decompressed") as caught:
            files.read_file(str(path))
        assert caught.value.hint


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only Python 3.14 brings its own."""
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(OptionError, match=r"zstd is needed") as caught:
        packing.unpack(b"", "x.zst")
    assert "cortex-cli[zstd]" in caught.value.hint


@ENDINGS
def test_a_compressed_transcript_becomes_a_compressed_transcript(ending: str, chdir_tmp: Path) -> None:
    """Compressed or not, the result is the same; a file that stays as it is keeps its very bytes."""
    plain = (SAMPLES / "openai.jsonl").read_bytes()
    path = chdir_tmp / f"s.jsonl{ending}"
    path.write_bytes(OTHERS[ending][0](plain))
    (chdir_tmp / "s.jsonl").write_bytes(plain)
    assert cortex("compact", "s.jsonl", *SMALL).exit_code == 0
    assert cortex("compact", path.name, *SMALL).exit_code == 0
    packed = Path(f"s.compacted.jsonl{ending}").read_bytes()
    assert OTHERS[ending][1](packed) == Path("s.compacted.jsonl").read_bytes() != plain
    assert cortex("compact", path.name, "-o", f"same.jsonl{ending}").exit_code == 0
    assert Path(f"same.jsonl{ending}").read_bytes() == path.read_bytes()
    assert cortex("compact", path.name, "-o", "plain.jsonl").exit_code == 0
    assert Path("plain.jsonl").read_bytes() == plain


def test_a_batch_takes_compressed_files_along(chdir_tmp: Path) -> None:
    """Archives of sessions are kept compressed."""
    (chdir_tmp / "in").mkdir()
    data = (SAMPLES / "openai.jsonl").read_bytes()
    for ending, (write, _) in OTHERS.items():
        (chdir_tmp / "in" / f"s.jsonl{ending}").write_bytes(write(data))
    assert cortex("batch", "in", "-o", "out", *SMALL, "-q").exit_code == 0
    results = {OTHERS[ending][1](Path(f"out/s.jsonl{ending}").read_bytes()) for ending in OTHERS}
    assert len(results) == 1
    assert len(results.pop()) < len(data)
    assert cortex("batch", "in", "-o", "out", *SMALL, "--json").stdout.count('"finished_before": 4') == 1
    assert cortex("batch", "in", "--in-place", *SMALL, "-q").exit_code == 0
    for ending, (_, read) in OTHERS.items():
        assert read(Path(f"in/s.jsonl{ending}.bak").read_bytes()) == data


def test_originals_of_a_compressed_file_come_back(chdir_tmp: Path) -> None:
    """The archive knows contents, however they are stored."""
    data = (SAMPLES / "openai.jsonl").read_bytes()
    (chdir_tmp / "s.jsonl.gz").write_bytes(gzip.compress(data))
    assert cortex("compact", "s.jsonl.gz", *SMALL, "--archive", "a.sqlite").exit_code == 0
    assert cortex("restore", "s.compacted.jsonl.gz", "--archive", "a.sqlite", "-o", "back.jsonl.gz").exit_code == 0
    assert gzip.decompress(Path("back.jsonl.gz").read_bytes()) == data


@ENDINGS
def test_a_converted_file_is_the_converted_one(ending: str, chdir_tmp: Path) -> None:
    """Nothing left the conversation, yet the output is not the input."""
    plain = (SAMPLES / "anthropic.json").read_bytes()
    (chdir_tmp / f"a.json{ending}").write_bytes(OTHERS[ending][0](plain))
    convert = ("convert", f"a.json{ending}", "--to", "openai", "--lossy", "-q")
    assert cortex(*convert, "-o", f"b.json{ending}").exit_code == 0
    assert cortex(*convert, "-o", "b.json").exit_code == 0
    assert packing.unpack(Path(f"b.json{ending}").read_bytes(), f"b.json{ending}") == Path("b.json").read_bytes()
