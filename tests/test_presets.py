"""Presets: what they set, which of them counts, and how it is told."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import cortex_cli
from cortex_cli import load
from cortex_cli.errors import OptionError
from cortex_cli.presets import PRESET_KEYS, PRESETS, Preset
from cortex_cli.replaying.engine import replay
from cortex_cli.replaying.policies import STRATEGIES, find_strategy
from cortex_cli.settings import Settings, knobs
from cortex_cli.settings_load import as_text, load_settings, parse_value
from tests.cli.command import SAMPLES, cortex
from tests.replaying.test_engine import session

KNOBS = {knob.key: knob for knob in knobs()}


@pytest.mark.parametrize("preset", PRESETS, ids=[preset.name for preset in PRESETS])
def test_presets_only_say_what_could_be_typed(preset: Preset) -> None:
    """A preset is no mechanism of its own: every value is one of a setting, within its bounds, and not the default."""
    for key, value in preset.values.items():
        parsed = parse_value(KNOBS[key], as_text(value), where="")
        assert parsed == value
        assert type(parsed) is type(value)
        assert value != KNOBS[key].default


def test_presets_leave_alone_what_is_not_theirs() -> None:
    """Which model, which file, what leaves the machine: a preset decides none of it."""
    for key in PRESET_KEYS:
        assert KNOBS[key].group != "shared" or key == "strategy"
        assert not key.startswith(("llm_", "summarizer", "observer", "reflector", "redact", "rescue"))


def test_settings_of_a_preset_in_a_program() -> None:
    """The library has what the command line has, and own values count more."""
    cheap = cortex_cli.Settings.preset("cheap", window=100_000, keep_recent_messages=9)
    assert cheap == replace(load_settings(flags={"preset": "cheap"}).settings, window=100_000, keep_recent_messages=9)
    with pytest.raises(OptionError, match="unknown preset 'chaep'") as caught:
        Settings.preset("chaep")
    assert caught.value.hint == "did you mean 'cheap'?"


def test_what_is_given_by_hand_in_the_same_place_counts_more(tmp_path: Path) -> None:
    """A file that names a preset may change it, whatever the order of its lines; so may variables and flags."""
    path = tmp_path / "cortex.toml"
    path.write_text('threshold = 0.4\npreset = "cheap"\n')
    loaded = load_settings(
        config=path, environment={"CORTEX_SUMMARY_MAX_TOKENS": "9k"}, flags={"min_gain_ratio": "0.2"}
    )
    settings, origins = loaded.settings, loaded.origins
    assert (settings.threshold, origins["threshold"]) == (0.4, f"{path}:1")
    assert (settings.summary_max_tokens, origins["summary_max_tokens"]) == (9_000, "CORTEX_SUMMARY_MAX_TOKENS")
    assert (settings.min_gain_ratio, origins["min_gain_ratio"]) == (0.2, "--min-gain")
    assert (settings.keep_recent_messages, origins["keep_recent_messages"]) == (4, "preset cheap")
    assert (loaded.preset, origins["preset"]) == ("cheap", f"{path}:2")
    assert not loaded.by_flag("keep_recent_messages")


def test_a_preset_counts_where_it_is_named(tmp_path: Path) -> None:
    """`--preset small` means small, whatever stands in a file; what small says nothing of stays the file's."""
    path = tmp_path / "cortex.toml"
    path.write_text("threshold = 0.8\nfailsafe_threshold = 0.95\nwindow = 50_000\n")
    loaded = load_settings(config=path, flags={"preset": "small"})
    assert (loaded.settings.threshold, loaded.origins["threshold"]) == (0.1, "preset small")
    assert (loaded.settings.failsafe_threshold, loaded.settings.window) == (0.95, 50_000)
    variable = load_settings(config=path, environment={"CORTEX_PRESET": "small", "CORTEX_THRESHOLD": "0.3"})
    assert (variable.settings.threshold, variable.settings.keep_recent_messages) == (0.3, 2)


def test_one_preset_counts_the_one_named_last(tmp_path: Path) -> None:
    """Half of one and half of another is neither."""
    path = tmp_path / "cortex.toml"
    path.write_text('preset = "small"\nwindow = 50_000\n')
    loaded = load_settings(config=path, environment={"CORTEX_PRESET": "cheap"}, flags={"preset": "faithful"})
    assert loaded.settings == Settings.preset("faithful", window=50_000)
    assert loaded.preset == "faithful"
    assert load_settings(config=path, environment={"CORTEX_PRESET": ""}).preset == "small"


@pytest.mark.usefixtures("chdir_tmp")
@pytest.mark.parametrize(
    ("arguments", "env", "config", "where"),
    [
        (["compact", "--preset", "chep", "x"], {}, "", "--preset"),
        (["batch", "--preset", "chep", "x", "-o", "y"], {}, "", "--preset"),
        (["replay", "x"], {"CORTEX_PRESET": "chep"}, "", "CORTEX_PRESET"),
        (["compact", "x"], {}, 'window = 1_000\npreset = "chep"\n', "cortex.toml:2"),
    ],
)
def test_an_unknown_preset_is_refused_with_the_nearest(
    arguments: list[str], env: dict[str, str], config: str, where: str
) -> None:
    """Wherever it was named."""
    unlike = cortex("compact", "--preset", "xyz", "x")
    assert unlike.stderr.splitlines()[1] == "hint: known: cheap, faithful, small"
    if config:
        Path("cortex.toml").write_text(config)
    result = cortex(*arguments, env=env)
    error, hint = result.stderr.splitlines()
    assert result.exit_code == 2
    assert f"{where}: unknown preset 'chep'" in error
    assert hint == "hint: did you mean 'cheap'?"


def test_config_says_what_a_preset_set(chdir_tmp: Path) -> None:
    """Each value with the preset it came from, and the preset with its place."""
    (chdir_tmp / "cortex.toml").write_text('preset = "cheap"\n')
    listed = {entry["key"]: entry for entry in json.loads(cortex("config", "--json").stdout)["settings"]}
    assert (listed["preset"]["value"], listed["preset"]["origin"]) == ("cheap", f"{chdir_tmp}/cortex.toml:1")
    assert (listed["threshold"]["value"], listed["threshold"]["origin"]) == (0.15, "preset cheap")
    assert listed["failsafe_threshold"]["origin"] == "default"
    assert "preset cheap" in cortex("config").stdout


@pytest.mark.parametrize("name", ["compact", "batch", "replay", "micro", "summarize", "observe", "sessions", "config"])
def test_commands_that_a_preset_changes_offer_it(name: str) -> None:
    """With its names, so that nobody has to look them up."""
    assert "--preset" in cortex(name, "--help").stdout
    assert "cheap|faithful|small" in cortex(name, "--help").stdout


@pytest.mark.parametrize("name", ["stats", "check", "failsafe", "models"])
def test_commands_that_no_preset_changes_do_not(name: str) -> None:
    """An option without an effect is a promise that is not kept."""
    assert "--preset" not in cortex(name, "--help").stdout


def test_each_preset_acts_when_it_should() -> None:
    """On a session that fills a third of the window: the small ones act, the faithful one waits as the defaults do."""
    fired = {}
    for preset in (None, *(preset.name for preset in PRESETS)):
        chosen = ("--preset", preset) if preset else ()
        done = cortex("compact", SAMPLES / "claude-code.jsonl", "--window", "64k", *chosen, "-n", "--json")
        report = json.loads(done.stdout)
        fired[preset] = [layer["name"] for layer in report["layers"] if layer["fired"]]
        assert report["facts"]["kept"] >= 0.9 * report["facts"]["found"]
    assert "summary" in fired["cheap"]
    assert "summary" in fired["small"]
    assert fired["faithful"] == []


def test_each_preset_is_what_it_is_called() -> None:
    """Live, in a window that the session passes several times."""
    names = ["none", "classic", *(preset.name for preset in PRESETS)]
    settings = Settings(tokenizer="heuristic", window=24_000, model="claude-opus-4-5")
    done = replay(load(session(200)), [find_strategy(name) for name in names], settings)
    none, classic, cheap, faithful, small = done.strategies
    assert small.peak_tokens < cheap.peak_tokens < classic.peak_tokens < none.peak_tokens
    bills = [one.cost_usd for one in (cheap, classic, faithful, none)]
    assert None not in bills
    assert max(filter(None, bills)) == none.cost_usd
    assert min(filter(None, bills)) == cheap.cost_usd
    assert faithful.facts_ratio == max(one.facts_ratio for one in (classic, cheap, faithful, small))


def test_a_layer_asked_for_by_name_acts_whatever_a_preset_says() -> None:
    """`summarize` writes a summary, not a log, and does not wait until one frees enough."""
    for preset in PRESETS:
        done = cortex("summarize", SAMPLES / "claude-code.jsonl", "--preset", preset.name, "-n", "--json")
        [layer] = [layer for layer in json.loads(done.stdout)["layers"] if layer["fired"]]
        assert layer["name"] == "summary"
    picky = ("summarize", SAMPLES / "claude-code.jsonl", "-n", "--json", "--min-gain", "99%")
    assert not any(layer["fired"] for layer in json.loads(cortex(*picky).stdout)["layers"])


def test_replay_compares_presets_as_they_are() -> None:
    """Whatever else the run was given: `cheap` beside `classic` is the preset, not a mixture."""
    assert {preset.name for preset in PRESETS} <= {strategy.name for strategy in STRATEGIES}
    for preset in PRESETS:
        changes = find_strategy(preset.name).changes
        assert changes is not None
        mixed = replace(Settings(threshold=0.33, strategy="observational", reflection_ratio=0.9), **changes)
        assert mixed == Settings.preset(preset.name)


def test_classic_is_classic_in_a_run_whose_settings_say_otherwise() -> None:
    """A strategy by its name does not become another one because a file names that."""
    arguments = ("replay", SAMPLES / "claude-code.jsonl", "--window", "16k", "--strategies", "classic,micro", "--json")
    plain, other = cortex(*arguments), cortex(*arguments, env={"CORTEX_STRATEGY": "observational"})
    assert json.loads(plain.stdout)["strategies"] == json.loads(other.stdout)["strategies"]
