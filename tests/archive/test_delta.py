"""An input is put together again from its output and what left, whatever both are."""

from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.archive import delta

LINES = st.lists(
    st.sampled_from([b"a\n", b"b" * 80 + b"\n", b"c" * 300 + b"\n", b"\n", b"\r\n", b"no end"]), max_size=12
)
DOCUMENTS = st.lists(st.sampled_from([b'{"a":1}', b'{"b":"' + b"x" * 90 + b'"}', b"[{}, {}]"]), max_size=8).map(
    lambda items: b"[" + b",".join(items) + b"]"
)
INPUTS = st.one_of(LINES.map(b"".join), DOCUMENTS, st.binary(max_size=60))


def loader(before: bytes) -> delta.Load:
    """Return what loads the pieces that left, from the input itself."""
    segments = delta.split(before)
    return lambda step: b"".join(segments[step.first : step.first + step.length])


@given(INPUTS)
def test_segments_are_the_input(data: bytes) -> None:
    """A byte lost in the cut is lost for good."""
    assert b"".join(delta.split(data)) == data


@given(INPUTS, INPUTS)
def test_what_left_and_what_stayed_are_the_input(before: bytes, after: bytes) -> None:
    """However output and input are related, the input comes back."""
    steps = delta.compare(delta.split(before), delta.split(after))
    assert delta.apply(steps, delta.split(after), loader(before)) == before


@given(INPUTS, INPUTS)
def test_an_unedited_file_needs_no_force(before: bytes, after: bytes) -> None:
    """The careful way and the forced way agree where nothing was edited; a missing last line end may be added."""
    old, new = delta.split(before), delta.split(after)
    mended = delta.apply_edited(delta.compare(old, new), delta.hashes(new), new, loader(before))
    assert mended.data.split() == before.split()
    assert (mended.lost, mended.added) == (0, 0)


def lines(*names: str) -> bytes:
    """Build records that are long enough to be told apart."""
    return b"".join(f"{name} {name * 300}\n".encode() for name in names)


def mend(before: bytes, after: bytes, edited: bytes) -> delta.Mended:
    """Compact `before` to `after`, edit it, put the originals back."""
    new = delta.split(after)
    steps = delta.compare(delta.split(before), new)
    return delta.apply_edited(steps, delta.hashes(new), delta.split(edited), loader(before))


def test_a_session_that_went_on_keeps_what_came() -> None:
    """The commonest edit of all: the client appended to the compacted file."""
    found = mend(lines("a", "b", "c"), lines("S", "c"), lines("S", "c", "d", "e"))
    assert found == delta.Mended(lines("a", "b", "c", "d", "e"), 0, 2)


def test_an_edited_record_stays_edited() -> None:
    """What the user changed is the user's."""
    found = mend(lines("a", "b", "c"), lines("S", "b", "c"), lines("S", "B", "c"))
    assert found == delta.Mended(lines("a", "B", "c"), 0, 0)


def test_a_deleted_record_is_counted() -> None:
    """It stands nowhere else, and that must be said."""
    found = mend(lines("a", "b", "c"), lines("S", "b", "c"), lines("S", "c"))
    assert found == delta.Mended(lines("a", "c"), 1, 0)


def test_an_edited_summary_stays_as_a_record() -> None:
    """The originals come back, and no word of the user's is thrown away."""
    found = mend(lines("a", "b"), lines("S", "b"), lines("T", "b"))
    assert found == delta.Mended(lines("T", "a", "b"), 0, 1)


def test_short_neighbours_are_one_record() -> None:
    """An indented document is thousands of short lines."""
    before = b"".join(b"  %d,\n" % number for number in range(1000))
    assert len(delta.compare(delta.split(before), [])) < 40
