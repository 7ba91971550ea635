"""What the documents say of defaults and presets holds on real sessions; `docs/choose.py` measures."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from cortex_cli.presets import PRESETS
from tests.cli.command import ROOT, SAMPLES


@pytest.fixture(scope="module")
def choose() -> ModuleType:
    """Import the script that measures."""
    spec = importlib.util.spec_from_file_location("choose", ROOT / "docs" / "choose.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_conversation_in_several_files_counts_once(choose: ModuleType) -> None:
    """The samples are the same session in many formats: counted often, it would outvote real ones."""
    [found] = choose.find_sessions([SAMPLES])
    assert found.calls >= choose.LEAST_CALLS


def test_a_row_is_a_share_of_no_compaction(choose: ModuleType) -> None:
    """In a window that the sample overruns all of them cost less; the tables show each, and layer 1 alone."""
    [session] = choose.find_sessions([SAMPLES / "claude-code.jsonl"])
    row = choose.measure(session, 16_000)
    assert row.fill > 1
    assert all(row.outcomes[name].cost < 1 for name in choose.SHOWN)
    text = choose.tables([row])
    assert all(f"| {name} |" in text for name in (*choose.STRATEGIES, *(one.name for one in choose.LAYER_1)))


def test_the_document_is_one_of_this_script(choose: ModuleType) -> None:
    """`--write` finds its place, and every preset stands there with its values."""
    text = (ROOT / "docs" / "choose.md").read_text(encoding="utf-8")
    assert choose.MARKS.search(text)
    for preset in PRESETS:
        assert re.search(rf"^\| `{preset.name}` \|", text, re.MULTILINE)
        assert all(key in text for key in preset.values)


LONG_AND_REAL = 12
"""Fewer sessions than this, in a window of 64k, would show nothing."""


@pytest.mark.slow
@pytest.mark.parametrize("window", [0, 64_000], ids=["own", "64k"])
def test_defaults_and_cheap_cost_less_than_no_compaction(choose: ModuleType, shared: Path, window: int) -> None:
    """On every real session that is long enough to matter; faithful never costs more."""
    rows = [choose.measure(one, window, choose.SHOWN, ()) for one in choose.find_sessions([shared / "transcripts"])]
    long = [row for row in rows if row is not None and row.fill >= choose.LONG_SHARE and not row.failure]
    assert len(long) >= (LONG_AND_REAL if window else 4)
    for row in long:
        assert row.outcomes["classic"].cost < 1, row.name
        assert row.outcomes["cheap"].cost < row.outcomes["classic"].cost, row.name
        assert row.outcomes["faithful"].cost <= 1 + choose.ROUNDING, row.name
        assert row.outcomes["small"].sent < row.outcomes["classic"].sent, row.name
    facts = {name: sum(row.outcomes[name].facts for row in long) / len(long) for name in choose.SHOWN}
    assert facts["faithful"] == max(facts.values())
    assert facts["cheap"] >= 0.9
    assert facts["small"] >= 0.8
