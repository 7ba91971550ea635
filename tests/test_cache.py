"""Prompt caches: TTLs, coldness, retention and the adaptive threshold, by the conformance cases and at the edges."""

import json

import pytest

from cortex_cli.cache import (
    adaptive_threshold,
    best_retention,
    cache_ttl_seconds,
    is_cold,
    parse_cache_option,
)
from cortex_cli.errors import OptionError


def cases(shared, layer):
    """Return the conformance cases of one layer."""
    lines = (shared / "conformance" / "cases.jsonl").read_text().splitlines()
    return [case for case in map(json.loads, lines) if case["layer"] == layer]


def test_conformance_cache(shared):
    """The published cases are exact."""
    for case in cases(shared, "cache"):
        given = case["settings"]
        ttl = cache_ttl_seconds(given["provider"], given["retention"])
        found = {"ttlMs": ttl * 1000, "cold": is_cold(ttl, given["age_ms"] / 1000)}
        assert found == case["expect"], case["id"]


def test_conformance_adaptive(shared):
    """The published cases are exact, to the last bit."""
    for case in cases(shared, "adaptive"):
        given = case["settings"]
        last = given["last_interaction_ms"]
        idle = None if last is None else (given["now_ms"] - last) / 1000
        assert adaptive_threshold(given["base"], idle) == case["expect"]["threshold"], case["id"]


@pytest.mark.parametrize(
    ("idle", "expected"), [(0, 0.7), (299.999, 0.7), (300, 0.6), (1799.999, 0.6), (1800, 0.5), (None, 0.5)]
)
def test_adaptive_limits_are_strict(idle, expected):
    """Exactly five minutes is no longer recent."""
    assert adaptive_threshold(0.7, idle) == pytest.approx(expected)
    assert adaptive_threshold(0.05, 1800) == 0


@pytest.mark.parametrize(
    ("provider", "short", "long"),
    [("anthropic", 300, 3600), ("bedrock", 300, 3600), ("openai", 600, 86_400), ("google", 0, 0), ("what", 0, 0)],
)
def test_ttl_table(provider, short, long):
    """The table of SPEC 7."""
    assert [cache_ttl_seconds(provider, one) for one in ("none", "short", "long")] == [0, short, long]


def test_cold():
    """A cache is cold without a TTL, without a call, and from the TTL on."""
    assert is_cold(0, 0)
    assert is_cold(300, None)
    assert is_cold(300, 300)
    assert not is_cold(300, 299.999)


@pytest.mark.parametrize(
    ("provider", "interval", "expected"),
    [
        ("google", 1, "none"),
        ("openai", 1, "long"),
        ("anthropic", 270, "short"),
        ("anthropic", 270.1, "long"),
        ("nobody", 1, "none"),
    ],
)
def test_best_retention(provider, interval, expected):
    """Paying for the long retention is only worth it where calls come too far apart for the short one."""
    assert best_retention(provider, interval) == expected


def test_cache_option():
    """The provider alone means short; mistakes name what there is."""
    assert parse_cache_option("anthropic") == ("anthropic", "short")
    assert parse_cache_option("OpenAI:long") == ("openai", "long")
    assert parse_cache_option("bedrock:none") == ("bedrock", "none")
    with pytest.raises(OptionError, match="provider 'antropic'") as caught:
        parse_cache_option("antropic:short")
    assert "did you mean 'anthropic'?" in caught.value.hint
    with pytest.raises(OptionError, match="retention 'for ever'") as caught:
        parse_cache_option("anthropic:for ever")
    assert "known: none, short, long" in caught.value.hint
