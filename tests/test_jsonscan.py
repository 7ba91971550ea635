"""Finding values in a JSON text, piece by piece."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli import jsonscan
from cortex_cli.jsonscan import CUT_BYTES, end_of, item_spans

SPELLINGS = (
    "-12.5e+17",
    "0.125E-3",
    "-0",
    "true",
    "null",
    '"a\\"b\\\\"',
    '"\\u00e9 \u00e9"',
    "[]",
    '{"k":[1,{"n":2.5e+9}]}',
)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("behind", ["", ",1", "]", " \n}", ',"more":"' + "x" * 40])
def test_the_end_of_a_value_is_where_it_is_however_much_is_read_at_once(
    monkeypatch: pytest.MonkeyPatch, spelling: str, behind: str
) -> None:
    """What was read may end in the middle of anything: an exponent, an escape, a sign of two bytes."""
    monkeypatch.setattr(jsonscan, "LOOK_GROWTH", 2)
    value = spelling.encode()
    for first_look in range(1, 30):
        monkeypatch.setattr(jsonscan, "FIRST_LOOK_BYTES", first_look)
        assert end_of(b"[" + value + behind.encode(), 1) == 1 + len(value), first_look


def test_no_number_is_cut_by_more_than_is_allowed_for() -> None:
    """A longer beginning that is no number by itself would be taken for its end."""
    whole = "-12.5e+17"
    cuts = [whole[:size] for size in range(2, len(whole))]
    found = [jsonscan._end_in(cut.encode()) for cut in cuts]
    assert max(len(cut) - end for cut, end in zip(cuts, found, strict=True)) == CUT_BYTES


@given(
    st.lists(st.recursive(st.integers() | st.floats(allow_nan=False) | st.text(max_size=2_000), st.lists, max_leaves=9))
)
def test_items_are_found_in_long_lists(items: list[object]) -> None:
    """Values longer than what is read first, and shorter ones, in one list."""
    data = json.dumps(items, ensure_ascii=False).encode()
    spans = item_spans(data, ())
    assert [json.loads(data[start:end]) for start, end in spans] == items


@pytest.mark.parametrize("data", [b"[1,2", b'["ab', b"[1,", b"[", b'{"a":[1,'])
def test_a_text_that_ends_too_early_is_no_json(data: bytes) -> None:
    """Whoever asks gets the error that is promised."""
    with pytest.raises(ValueError, match=r"byte|string"):
        item_spans(data, () if data.startswith(b"[") else ("a",))


def test_deep_nesting_and_long_numbers_have_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own reader gives up on both."""
    for value in (b"[" * 100_000 + b"]" * 100_000, b"9" * 5_000):
        assert end_of(b"[" + value + b",1]", 1) == 1 + len(value)
    monkeypatch.setattr(jsonscan, "FIRST_LOOK_BYTES", 10_000_000)
    assert end_of(b"9" * 5_000, 0) == 5_000
