"""Real transcripts under options drawn at random: whatever is asked, what is written is valid and comes to rest.

Users combine options that nobody planned together. Each file has its own draws, the same in every run.
"""

import random
from pathlib import Path

import pytest

from tests.cli.command import cortex
from tests.test_shared_transcripts import FILES

pytestmark = pytest.mark.slow

DRAWS = 4
"""Sets of options for each file."""

MAX_BYTES = 600_000
"""Larger files have their own tests; here it is the number of runs that finds something."""

_PATHS = [one.values[0] for one in FILES]
SMALL_FILES = [path for path in _PATHS if isinstance(path, Path) and path.stat().st_size < MAX_BYTES]

OPTIONS: tuple[tuple[float, tuple[str, ...], tuple[str, ...]], ...] = (
    (0.6, ("--fit",), ("5%", "12%", "25%", "40%", "70%", "90%", "2k", "8k")),
    (0.6, ("--window",), ("8k", "16k", "40k", "200k", "1m")),
    (0.3, ("--budget",), ("50%", "20%", "6k")),
    (0.3, ("--layers",), ("cap", "micro", "summary", "failsafe", "cap,summary", "micro,failsafe", "cap,micro,summary")),
    (0.25, ("--strategy",), ("observational",)),
    (0.2, ("--drop-thinking",), ()),
    (0.2, ("--trim-inputs",), ("50", "400")),
    (0.2, ("--until",), ("3", "9", "20")),
    (0.2, ("--keep-history",), ()),
    (0.2, ("--keep-recent",), ("0", "1", "7", "12")),
    (0.15, ("--style",), ("store",)),
    (0.15, ("--no-rescue",), ()),
    (0.15, ("--keep-last",), ("0", "1", "5")),
    (0.15, ("--no-pin-task",), ()),
    (0.1, ("--adaptive",), ()),
    (0.1, ("--cache",), ("anthropic", "openai:long")),
    (0.1, ("--threshold",), ("0.1",)),
    (0.1, ("--tokenizer",), ("heuristic", "cl100k_base")),
)
"""(how often, flag, its values)."""


def drawn(chance: random.Random) -> list[str]:
    """Draw options; a layer list of its own names no strategy."""
    given: list[str] = []
    for often, flag, values in OPTIONS:
        if chance.random() < often and not (flag == ("--strategy",) and "--layers" in given):
            given += [*flag, *([chance.choice(values)] if values else [])]
    return given


def comes_to_rest(given: list[str]) -> bool:
    """Tell whether a second run asks for the same: a share is of another input, `--until` of another message."""
    fit = given[given.index("--fit") + 1] if "--fit" in given else ""
    return not fit.endswith("%") and "--until" not in given


@pytest.mark.parametrize("draw", range(DRAWS))
@pytest.mark.parametrize("path", SMALL_FILES, ids=lambda path: path.name)
def test_whatever_is_asked_the_result_is_valid(path: Path, draw: int, tmp_path: Path) -> None:
    """It loads, `check` finds nothing in it that was not there, and the same again changes no byte."""
    given = drawn(random.Random(f"{path.name} {draw}"))
    once, twice = tmp_path / f"once{path.suffix}", tmp_path / f"twice{path.suffix}"
    done = cortex("compact", path, "-o", once, "-q", *given)
    if done.exit_code:
        assert done.exit_code in (2, 3), (given, done.stderr)
        assert not once.exists()
        return
    checked = cortex("check", once)
    assert checked.exit_code == 0 or cortex("check", path).exit_code, (given, checked.stdout)
    if comes_to_rest(given):
        again = cortex("compact", once, "-o", twice, "-q", *given)
        assert again.exit_code == 0, (given, again.stderr)
        assert twice.read_bytes() == once.read_bytes(), given
