"""What is known of a sequence that only grows is what a look at all of it says."""

from collections.abc import Sequence
from threading import RLock

from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.growing import COMPARED, NOTED, Snapshot, begins_with, common_length, note_longer

NUMBERS = st.lists(st.integers(0, 3), max_size=12)


@given(NUMBERS, NUMBERS, st.sampled_from([0, COMPARED - 3, COMPARED]))
def test_the_common_beginning_is_the_longest(one: Sequence[int], two: Sequence[int], shared: int) -> None:
    """Against the plain way to find it; where it ends does not depend on what is compared at a time."""
    one, two = (*range(shared), *one), [*range(shared), *two]
    pairs = zip(one, two, strict=False)
    plain = next((at for at, pair in enumerate(pairs) if pair[0] != pair[1]), min(len(one), len(two)))
    assert common_length(one, two) == plain


@given(NUMBERS, NUMBERS)
def test_what_begins_with_another_is_known_noted_or_not(one: Sequence[int], two: Sequence[int]) -> None:
    """A note only saves the look."""
    whole, beginning = (*one, *two), tuple(one)
    assert begins_with(whole, beginning)
    assert begins_with(tuple(two), beginning) == (tuple(two)[: len(one)] == beginning)
    assert begins_with(note_longer(whole, beginning), beginning)


def test_notes_do_not_pile_up() -> None:
    """What was noted long ago is looked at again; nothing is held for ever."""
    first = tuple(range(5))
    made = [note_longer((*first, at), first) for at in range(3 * NOTED)]
    assert all(begins_with(one, first) for one in made)
    assert not begins_with(made[0], made[1])


@given(st.integers(0, 8), st.integers(0, 8))
def test_a_snapshot_stays_as_it_was(count: int, more: int) -> None:
    """Who holds a shorter conversation's results does not see those that came later."""
    entries = {2 * at: f"value {at}" for at in range(count)}
    plain, taken = dict(entries), Snapshot(entries, RLock())
    entries.update({2 * at: f"value {at}" for at in range(count, count + more)})
    assert dict(taken.items()) == plain == taken
    assert [*taken] == [*plain]
    assert (len(taken), bool(taken)) == (len(plain), bool(plain))
    assert all((key in taken, taken.get(key)) == (key in plain, plain.get(key)) for key in range(2 * (count + more)))
