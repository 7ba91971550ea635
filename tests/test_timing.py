"""`--cache`, `--now` and `--adaptive` on files: what a session's own times say, and what follows."""

from dataclasses import replace

import pytest

from cortex_cli import Settings, compact
from cortex_cli.timing import measure_timing
from tests.conftest import assistant, call, filler, result, transcript, user

ASKED, ANSWERED = "2026-03-01T10:00:00Z", "2026-03-01T10:20:00Z"

SETTINGS = Settings(window=20_000, tokenizer="heuristic", hot_zone_min_tokens=1000, layers=("cap", "micro"))


def session(steps=10):
    """A session whose user went away twenty minutes before the newest answer."""
    messages = [user("do it", time=ASKED)]
    for at in range(steps):
        messages += [
            assistant(f"Module {at} fails on tabs.", call("Bash", f"c{at}")),
            result(f"c{at}", filler(4000), name="Bash"),
        ]
    return transcript(*messages, assistant("done", time=ANSWERED), model="claude-sonnet-4-5")


def micro_of(settings):
    """Run layer 1 and return its report, and the whole one."""
    report = compact(session(), settings).report
    return next(layer for layer in report.layers if layer.name == "micro"), report


def test_a_warm_cache_keeps_layer_1_away():
    """Four minutes after the newest answer everything is still cached; the report says so."""
    layer, report = micro_of(replace(SETTINGS, cache="anthropic", now="2026-03-01T10:24:00Z"))
    assert not layer.fired
    assert "the prompt cache is warm" in layer.reason
    assert "the prompt cache of anthropic is warm, layer 1 waits: the last call was 4 min ago, it lives 5 min" in (
        report.hints
    )


@pytest.mark.parametrize(
    ("cache", "now", "fired"),
    [
        ("anthropic", "2026-03-01T10:25:00Z", True),
        ("anthropic:long", "2026-03-01T10:25:00Z", False),
        ("anthropic:long", "2026-03-01T11:20:00Z", True),
        ("anthropic:none", "2026-03-01T10:20:01Z", True),
        ("openai", "2026-03-01T10:29:59Z", False),
        ("google", "2026-03-01T10:20:01Z", True),
        ("anthropic", "", True),  # the clock: long ago
        ("", "2026-03-01T10:20:01Z", True),  # nobody asked
    ],
)
def test_layer_1_waits_as_long_as_the_cache_lives(cache, now, fired):
    """By provider and retention; strictly before the end."""
    assert micro_of(replace(SETTINGS, cache=cache, now=now))[0].fired is fired


def test_what_must_fit_does_not_wait():
    """A summary breaks the cache as well, and says less."""
    settings = replace(SETTINGS, cache="anthropic", now="2026-03-01T10:21:00Z", fit=4000)
    assert micro_of(settings)[0].fired


@pytest.mark.parametrize(
    ("now", "threshold"),
    [("2026-03-01T10:04:59Z", 0.7), ("2026-03-01T10:05:00Z", 0.6), ("2026-03-01T10:30:00Z", 0.5), ("", 0.5)],
)
def test_the_newest_typed_message_is_the_last_interaction(now, threshold):
    """SPEC 8; without `--adaptive` nothing moves."""
    settings = Settings(now=now, adaptive=True)
    adapted = measure_timing(session(), settings).adapt(settings)
    assert adapted.threshold == pytest.approx(threshold)
    plain = Settings(now=now)
    assert measure_timing(session(), plain).adapt(plain).threshold == 0.7


def test_adaptive_fires_earlier_and_says_so():
    """10.5k of 20k are under the threshold, and over that of an idle session."""
    settings = Settings(window=20_000, tokenizer="heuristic", trim_floor_ratio=1.0, now="2026-03-01T11:00:00Z")
    assert not compact(session(), settings).report.changed
    report = compact(session(), replace(settings, adaptive=True)).report
    assert report.summarizer == "builtin"
    assert "nobody typed for 60 min: summaries start at 50% of the budget, not at 70%" in report.hints


def test_the_cost_follows_the_cache():
    """Cold: everything is written anew in any case. Long retention: writing costs more."""
    now = "2026-03-01T10:21:00Z"
    warm, long, cold = (
        compact(session(), replace(SETTINGS, cache=cache, now=time, fit=4000)).report.cost
        for cache, time in (("anthropic", now), ("anthropic:long", now), ("anthropic", ""))
    )
    assert 0 < warm["cache_rewrite_usd"] < long["cache_rewrite_usd"]
    assert (cold["cache_rewrite_usd"], cold["break_even_calls"]) == (0, 0)
    assert warm["per_call_after_usd"] == cold["per_call_after_usd"]
