"""What an author of a log is shown of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.memory import asking
from cortex_cli.tokens import make_counter

COUNTER = make_counter("heuristic")
LOGS = st.text(alphabet="ab \n\r\x0b\x85🔴", max_size=40)


@given(LOGS, st.integers(0, 12), st.integers(1, 8))
def test_the_newest_lines_are_those_of_the_whole_log(log: str, max_tokens: int, chars: int) -> None:
    """However little of it is cut into lines at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "READ_BACK_CHARS", chars)
        shown = asking.newest_part(log, max_tokens, COUNTER)
    lines = log.splitlines()
    sizes = [COUNTER.count_text(line + "\n") for line in lines]
    fitting = [at for at in range(len(lines) + 1) if sum(sizes[at:]) <= max_tokens]
    assert shown == "\n".join(lines[fitting[0] :]).strip("\n")
