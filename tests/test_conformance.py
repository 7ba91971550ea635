"""The layers against the shared conformance cases."""

import json
from typing import Any

import pytest

from cortex_cli.formats.pi_history import read_messages
from cortex_cli.groups import call_groups
from cortex_cli.layers.caps import cap
from cortex_cli.layers.failsafe import plan_drops
from cortex_cli.layers.micro import micro
from cortex_cli.layers.partition import plan_partition
from cortex_cli.layers.sizes import keep_recent
from cortex_cli.layers.view import View
from cortex_cli.memory.limits import buffer_interval, reflection_threshold
from cortex_cli.settings import Settings
from cortex_cli.tokens import HeuristicCounter
from tests.conftest import PROJECT

CASES = PROJECT.parent / "shared" / "conformance" / "cases.jsonl"
KEYS = {"threshold": "failsafe_threshold"}
"""Keys of the failsafe's cases that are called otherwise in `Settings`, where names of layers may not collide."""


def cases(layer: str) -> list[Any]:
    """Return the cases of one layer as parameters; one that skips where the shared folder is absent."""
    if not CASES.is_file():
        return [pytest.param({}, marks=pytest.mark.skip(reason="no ../shared beside the project"))]
    found = map(json.loads, CASES.read_text().splitlines())
    return [pytest.param(case, id=case["id"]) for case in found if case["layer"] == layer]


def view_of(case: dict[str, Any]) -> View:
    """Build the case's view; its budget is its window."""
    return View(messages=read_messages(case["input"]), window=case["window"], budget=case["window"])


def settings_of(case: dict[str, Any], **more: Any) -> Settings:
    """Build the case's settings."""
    return Settings(**{KEYS.get(key, key): value for key, value in case["settings"].items()}, **more)


@pytest.mark.parametrize("case", cases("micro"))
def test_micro(case: dict[str, Any]) -> None:
    """One pass over the published design's cases gives its texts to the letter."""
    view = view_of(case)
    done = micro(view, settings_of(case, rescue=False), HeuristicCounter())
    texts = {str(at): one.parts[0].text for at, one in enumerate(done.messages) if one != view.messages[at]}
    assert texts == case["expect"]["texts"]
    actions = {str(change.message.position): change.action for change in done.changes}
    assert actions == case["expect"]["actions"]


@pytest.mark.parametrize("case", cases("cap"))
def test_cap(case: dict[str, Any]) -> None:
    """The cap of a single result gives the published texts to the letter."""
    view = view_of(case)
    done = cap(view, settings_of(case), HeuristicCounter())
    texts = {str(at): one.parts[0].text for at, one in enumerate(done.messages) if one != view.messages[at]}
    assert texts == case["expect"]["texts"]


@pytest.mark.parametrize("case", cases("failsafe"))
def test_failsafe(case: dict[str, Any]) -> None:
    """The bare layer keeps what the published one keeps, or as little more as a fresh count allows."""
    view, counter = view_of(case), HeuristicCounter()
    drops = plan_drops(view, settings_of(case), counter, with_notice=False)
    kept = [at for at in range(len(view.messages)) if at not in drops.dropped]
    assert drops.tokens <= case["expect"]["target_tokens"]
    expected = case["expect"]["kept"]
    if kept != expected:
        spared = max(call_groups(view.messages), key=lambda group: group.start if group.start in drops.dropped else -1)
        one_less = [view.messages[at] for at in sorted({*kept, *spared.members})]
        assert set(kept) < set(expected)
        assert view.with_messages(tuple(one_less)).count(counter) > case["expect"]["target_tokens"]


@pytest.mark.parametrize("case", cases("summary"))
def test_summary(case: dict[str, Any]) -> None:
    """The kept tail of the published design's cases: groups moved back, the latest typed message kept."""
    messages = read_messages(case["input"])
    keep = keep_recent(settings_of(case))
    found = plan_partition(messages, [1] * len(messages), keep_recent_messages=keep)
    assert [found.tail, len(messages)] == case["expect"]["tail"]


@pytest.mark.parametrize("case", cases("buffer_interval"))
def test_buffer_interval(case: dict[str, Any]) -> None:
    """How much is observed at a time, as the published design reckons."""
    given = case["settings"]
    found = buffer_interval(
        given["tokens_until_activation"],
        cycles=given["bufferTargetCycles"],
        cap=given["bufferTokenCap"],
        minimum=given["bufferMinTokens"],
        utility_window=given["utilityModelContextWindow"],
    )
    assert found == case["expect"]["interval"]


@pytest.mark.parametrize("case", cases("reflection_threshold"))
def test_reflection_threshold(case: dict[str, Any]) -> None:
    """From which size on the log is condensed, as the published design reckons."""
    given = case["settings"]
    found = reflection_threshold(given["context_window"], ratio=given["ratio"], utility_window=given["utility_window"])
    assert found == case["expect"]["tokens"]
