"""An input's lines, cut out when they are asked for."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli import compact, load
from cortex_cli.formats.source import Lines, Source

DATA = st.lists(st.sampled_from([b"\n", b"a", b"\r\n", b"{}", b"\n\n", b" "]), max_size=12).map(b"".join)


@given(DATA, st.data())
def test_lines_are_what_a_split_gives(data, draw):
    """Everything that is written goes through them; a byte lost here is lost in the file."""
    lines, split = Lines(data), data.split(b"\n")
    assert list(lines) == split
    assert len(lines) == len(split)
    assert lines == split
    assert lines == Lines(bytes(bytearray(data)))
    assert b"\n".join(lines) == data
    index = draw.draw(st.integers(-len(split), len(split) - 1))
    assert lines[index] == split[index]
    part = draw.draw(st.slices(len(split)))
    assert lines[part] == split[part]


def test_lines_end():
    """Loops that run to an IndexError must find one."""
    lines = Lines(b"a\nb")
    for index in (2, -3):
        with pytest.raises(IndexError):
            lines[index]
    assert lines != Lines(b"a\nc")
    assert Source(b"a\nb").records == lines


@pytest.mark.parametrize(
    "data",
    [
        b'{"role":"user","content":"hi"}\n{"role":"assistant","content":"ho"}\n',
        b'\xef\xbb\xbf[{"role":"user","content":"hi"}]\n\n',
    ],
    ids=["lines", "document"],
)
def test_hash_is_that_of_the_bytes(data):
    """A report names its input by its hash; it is worked out from what was kept of it."""
    transcript = load(data)
    digest = hashlib.sha256(data).hexdigest()
    assert transcript.sha256 == digest
    assert compact(transcript).report.to_json()["input"]["sha256"] == digest
    assert load([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]).sha256 == ""
