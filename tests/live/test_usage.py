"""Usage in the shapes that providers and their packages give it."""

from types import SimpleNamespace

import pytest

from cortex_cli.live.usage import CallUsage, read_usage

CHAT = {"prompt_tokens": 900, "completion_tokens": 30, "prompt_tokens_details": {"cached_tokens": 512}}
RESPONSES = {"input_tokens": 900, "output_tokens": 30, "input_tokens_details": {"cached_tokens": 512}}
ANTHROPIC = {
    "input_tokens": 100,
    "cache_read_input_tokens": 512,
    "cache_creation_input_tokens": 288,
    "output_tokens": 30,
}


@pytest.mark.parametrize("usage", [CHAT, RESPONSES, {"usage": CHAT}])
def test_openai_counts_the_cached_part_in(usage):
    """Adding it again would make every cached call look too large."""
    assert read_usage(usage) == CallUsage(900, 512, 0, 30, "openai")


@pytest.mark.parametrize("usage", [ANTHROPIC, {"usage": ANTHROPIC, "role": "assistant"}])
def test_anthropic_counts_the_cached_part_apart(usage):
    """`input_tokens` alone would make a cached call look tiny."""
    assert read_usage(usage) == CallUsage(900, 512, 288, 30, "anthropic")


def test_objects_of_provider_packages():
    """Their attributes are read as keys are."""
    anthropic = pytest.importorskip("anthropic.types")
    usage = anthropic.Usage(input_tokens=100, output_tokens=30, cache_read_input_tokens=512)
    assert read_usage(SimpleNamespace(usage=usage)) == CallUsage(612, 512, 0, 30, "anthropic")
    openai = pytest.importorskip("openai.types")
    assert read_usage(openai.CompletionUsage(**CHAT, total_tokens=930)) == CallUsage(900, 512, 0, 30, "openai")


@pytest.mark.parametrize("usage", [None, {}, {"usage": None}, {"input_tokens": 0}, {"prompt_tokens": None}, "x", []])
def test_what_states_no_input_is_no_usage(usage):
    """Errors, aborted calls and pieces of streams come with zeros."""
    assert read_usage(usage) is None


def test_plain_input_tokens():
    """Without details nobody knows whose shape it is."""
    assert read_usage({"input_tokens": 70, "output_tokens": 1}) == CallUsage(70, 0, 0, 1, "")
