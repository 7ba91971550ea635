"""Times in transcripts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.formats.times import to_milliseconds, to_utc


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z"),
        ("2026-01-02 03:04:05.5", "2026-01-02T03:04:05.500Z"),
        (1767323045, "2026-01-02T03:04:05Z"),
        (1767323045.25, "2026-01-02T03:04:05.250Z"),
        (1767323045678, "2026-01-02T03:04:05.678Z"),
        ("soon", ""),
        ("", ""),
        (None, ""),
        (True, ""),
        (1e300, ""),
        (float("nan"), ""),
        ({"t": 1}, ""),
    ],
)
def test_times_come_in_one_form(value: Any, expected: str) -> None:
    """Layers compare them as texts; what is no time is no error."""
    assert to_utc(value) == expected


@given(st.integers(10**11, 10**13))
def test_milliseconds_survive(value: int) -> None:
    """Pi's own messages carry them."""
    assert to_milliseconds(to_utc(value)) == value


def test_no_time_is_zero() -> None:
    """A file without times gets no invented ones."""
    assert to_milliseconds("") == 0
