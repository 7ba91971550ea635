"""Models: names as they are written in the wild, windows and their sources, prices, scales."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from cortex_cli import models
from cortex_cli.models import (
    DEFAULT_WINDOW,
    Model,
    find_model,
    list_models,
    nearest_model,
    scale_for,
    unknown_model_warning,
    window_for,
)


@pytest.mark.parametrize(
    ("spelling", "name", "provider", "window"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5", "anthropic", 200_000),
        ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5", "anthropic", 200_000),
        ("Claude-Opus-4-6[1m]", "claude-opus-4-6", "anthropic", 1_000_000),
        ("claude-sonnet-4-5[1m]", "claude-sonnet-4-5", "anthropic", 1_000_000),
        ("litellm_proxy/anthropic/claude-sonnet-4-20250514", "claude-sonnet-4-0", "anthropic", 200_000),
        ("gpt-5.1-codex", "gpt-5.1", "openai", 400_000),
        ("gpt-5.2-20251211", "gpt-5.2", "openai", 400_000),
        ("azure/gpt-4o", "gpt-4o", "azure", 128_000),
        ("models/gemini-2.5-pro", "gemini-2.5-pro", "google", 1_048_576),
        ("vertex_ai/gemini-3-pro-preview", "gemini-3-pro-preview", "google", 1_048_576),
        ("deepseek/deepseek-chat", "deepseek-chat", "deepseek", 64_000),
    ],
)
def test_names_as_transcripts_write_them(spelling, name, provider, window):
    """Clients and gateways decorate names; the price is that of the model inside."""
    model = find_model(spelling)
    assert model is not None
    assert (model.name, model.provider, model.window) == (name, provider, window)


@pytest.mark.parametrize(
    "spelling",
    [
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "bedrock/us.anthropic.claude-3-7-sonnet-20250219-v1:0",
        "openrouter/anthropic/claude-3.7-sonnet",
        "claude-3-5-haiku@20241022",
        "glm-4.6",
        "qwen3-coder-plus",
        "moonshotai/Kimi-K2-Instruct",
        "gpt-4o-2024-08-06:beta",
    ],
)
def test_gateway_names_are_found(spelling):
    """A model behind a gateway must not fall back to the default window."""
    model = find_model(spelling)
    assert model is not None
    assert model.window > 0
    assert model.price("input") is not None


@pytest.mark.parametrize("spelling", ["", "<synthetic>", "my-own-model", "/", "[1m]", "🤖", "anthropic/"])
def test_unknown_names_are_unknown(spelling):
    """A wrong guess would show a wrong price."""
    assert find_model(spelling) is None


def test_every_listed_model_finds_itself():
    """Our reading of the price list's rules must agree with the package's own."""
    snapshot = pytest.importorskip("genai_prices.data_snapshot").get_snapshot()
    for provider in snapshot.providers:
        for listed in provider.models:
            theirs = _theirs(snapshot, provider, listed.id)
            ours = find_model(f"{provider.id}/{listed.id}")
            if theirs is not None:
                assert ours is not None, listed.id
                assert (ours.provider, ours.name) == (provider.id, theirs), listed.id


def _theirs(snapshot, provider, name):
    try:
        return snapshot.find_provider_model(name, provider, None, None)[1].id
    except LookupError:
        return None


def test_prices_agree_with_the_package():
    """Money is shown to people; it must be what the price list says."""
    genai_prices = pytest.importorskip("genai_prices")
    noon = datetime.now(UTC).replace(hour=12)  # some are cheaper at night: what is shown is the full price
    for name in ("claude-opus-4-6", "claude-sonnet-4-5", "gpt-5.1", "gemini-2.5-pro", "gpt-4o", "deepseek-chat"):
        model = find_model(name)
        for tokens in (1000, 250_000):
            usage = genai_prices.Usage(input_tokens=tokens, output_tokens=0)
            theirs = float(genai_prices.calc_price(usage, name, genai_request_timestamp=noon).input_price)
            assert tokens * model.price("input", tokens) / 1e6 == pytest.approx(theirs)


def test_price_tiers_are_cliffs():
    """Over the threshold all tokens cost the higher price."""
    model = Model("m", "p", 0, {"input": ((0, 1.0), (200_000, 2.0))})
    assert [model.price("input", size) for size in (0, 200_000, 200_001)] == [1.0, 1.0, 2.0]
    assert model.price("output") is None


def test_cache_rule_takes_lifetimes_from_the_provider_and_prices_from_the_list():
    """Where the price list says otherwise it wins (SPEC 7)."""
    claude = find_model("claude-opus-4-5").cache
    assert (claude.short_ttl_seconds, claude.long_ttl_seconds) == (300, 3600)
    assert (claude.short_write_factor, claude.long_write_factor, claude.read_factor) == (1.25, 2.0, 0.1)
    assert find_model("gpt-5.1").cache.read_factor == pytest.approx(0.1)
    assert find_model("us.anthropic.claude-sonnet-4-5-20250929-v1:0").cache.short_ttl_seconds == 300
    assert Model("m", "openai", 0, {}).cache.read_factor == 0.5
    assert Model("m", "nobody", 0, {"input": ((0, 0.0),)}).cache.read_factor == 1.0


def test_window_order():
    """Option, then the file, then --model, then the file's model, then 200k; the report says which."""
    window = {"stated": 272_000, "model": "gpt-4o", "recorded_model": "gpt-5.1"}
    assert window_for(5, **window) == (5, "--window")
    assert window_for(0, **window) == (272_000, "stated in the file")
    window["stated"] = 0
    assert window_for(0, **window) == (128_000, "--model gpt-4o")
    window["model"] = ""
    assert window_for(0, **window) == (400_000, "the file's model gpt-5.1")
    assert window_for(0) == (DEFAULT_WINDOW, "default")
    assert window_for(0, model="what") == (DEFAULT_WINDOW, "default (--model what is not known)")
    size, source = window_for(0, recorded_model="claude-v1")
    assert (size, source) == (DEFAULT_WINDOW, "default (no window is known of the file's model claude-v1)")


def test_claude_code_has_200k_without_suffix():
    """The API gives Opus 4.6 a million tokens; Claude Code uses them only on request."""
    code = {"format": "claude-code"}
    assert window_for(0, recorded_model="claude-opus-4-6", **code) == (200_000, "Claude Code with claude-opus-4-6")
    assert window_for(0, recorded_model="claude-opus-4-6[1m]", **code)[0] == 1_000_000
    assert window_for(0, recorded_model="claude-sonnet-4-5-20250929", **code)[0] == 200_000
    assert window_for(0, recorded_model="claude-opus-4-6", format="anthropic")[0] == 1_000_000
    assert window_for(0, model="claude-opus-4-6[1m]", **code)[0] == 1_000_000


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("claude-3-5-haiku-20241022", 1.16),
        ("claude-opus-4-6", 1.16),
        ("claude-opus-4-20250514", 1.16),
        ("anthropic/claude-sonnet-4.5", 1.16),
        ("claude-2.1", 1.16),
        ("claude-opus-4-7", 1.48),
        ("claude-opus-4.8", 1.48),
        ("claude-4.7-opus", 1.48),
        ("claude-sonnet-5-20260101", 1.48),
        ("us.anthropic.claude-fable-5-1-v1:0", 1.48),
        ("gpt-5.1-codex", 1.0),
        ("", 1.0),
    ],
)
def test_scale(name, scale):
    """Claude counts more than o200k; a report that hides it would promise too much room."""
    assert scale_for(name)[0] == scale
    assert bool(scale_for(name)[1]) == (scale != 1.0)
    assert scale_for(name, "heuristic") == (1.0, "")


def test_unknown_model_is_warned_about_with_the_nearest_name():
    """A typing error in --model would otherwise silently mean 200k."""
    assert unknown_model_warning("claude-opus-4-5") == ""
    assert unknown_model_warning("") == ""
    assert "did you mean 'claude-opus-4-5'?" in unknown_model_warning("claud-opus-4-5")
    assert unknown_model_warning("zzzzzzzzzzz") == "model 'zzzzzzzzzzz' is not known"
    assert nearest_model("openai/gpt-5.4-minni") == "gpt-5.4-mini"


def test_listing():
    """`cortex models` shows them all, each as data."""
    every = list_models()
    assert len(every) > 1000
    assert {model.provider for model in list_models("anthropic")} == {"anthropic"}
    data = find_model("claude-sonnet-4-5").to_json()
    assert data["window"] == 200_000
    assert data["usd_per_million_tokens"]["input"] == 3.0
    assert data["tiers"]["input"] == [[0, 3.0], [200_000, 6.0]]
    assert data["cache"]["short_ttl_seconds"] == 300


def test_price_list_is_not_imported():
    """The package takes 0.25 s to import, more than compacting several megabytes."""
    code = (
        "import sys; from cortex_cli.models import find_model; find_model('claude-opus-4-6').cache;"
        "print([n for n in ('genai_prices', 'pydantic', 'httpx', 'importlib.metadata') if n in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_future_prices_wait_for_their_day():
    """A price list announces changes ahead of time."""
    prices = [["", {"input": [[0, 1.0]]}], ["2020-01-01", {"input": [[0, 2.0]]}], ["9999-01-01", {"input": [[0, 3.0]]}]]
    assert models._rates_of_today(prices)["input"] == [[0, 2.0]]
    assert models._rates_of_today(prices[2:])["input"] == [[0, 3.0]]


def test_unknown_rule_of_a_newer_price_list_is_an_error():
    """Guessing would price the wrong model."""
    with pytest.raises(ValueError, match="sounds_like"):
        models._matches(["sounds_like", "claude"], "claude")
