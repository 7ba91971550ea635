"""Settings come from four places, and each value knows from which."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.errors import CortexError, InputError, OptionError
from cortex_cli.settings import Knob, Settings, Share, knobs
from cortex_cli.settings_load import as_text, find_config, load_settings, parse_value

KNOBS = {knob.key: knob for knob in knobs()}


def _load(config: str = "", folder: Path | None = None, **places: Any) -> Settings:
    path = None
    if folder is not None:
        path = folder / "cortex.toml"
        path.write_text(config)
    return load_settings(config=path, **places).settings


def test_later_places_count_and_origins_are_remembered(tmp_path: Path) -> None:
    """`cortex config` answers "why is it so?" for every value."""
    path = tmp_path / "cortex.toml"
    path.write_text("# mine\nwindow = 100_000\nbookend_max_chars = 1500\n\nkeep_tools = ['Read']\n")
    loaded = load_settings(
        config=path,
        environment={"CORTEX_WINDOW": "50k", "CORTEX_BOOKEND_MIN_CHARS": "100", "HOME": "/x"},
        flags={"window": "32k", "fit": None, "rescue": False},
    )
    settings = loaded.settings
    assert (settings.window, settings.bookend_max_chars, settings.bookend_min_chars) == (32_000, 1500, 100)
    assert settings.keep_tools == ("Read",)
    assert loaded.origins["window"] == "--window"
    assert loaded.origins["rescue"] == "--no-rescue"
    assert loaded.origins["bookend_min_chars"] == "CORTEX_BOOKEND_MIN_CHARS"
    assert loaded.origins["bookend_max_chars"] == f"{path}:3"
    assert loaded.origins["keep_tools"] == f"{path}:5"
    assert loaded.origins["fit"] == "default"
    assert loaded.by_flag("window")
    assert not loaded.by_flag("bookend_max_chars")


@pytest.mark.parametrize(
    ("key", "raw", "value"),
    [
        ("window", "200k", 200_000),
        ("window", "1.5M", 1_500_000),
        ("window", "200_000", 200_000),
        ("fit", "30%", Share(0.3)),
        ("fit", 30_000, 30_000),
        ("budget", "12.5 %", Share(0.125)),
        ("trim_floor_ratio", "25%", 0.25),
        ("trim_floor_ratio", "0.3", 0.3),
        ("trim_floor_ratio", 1, 1.0),
        ("extended_retention_multiplier", "1.5", 1.5),
        ("max_aggregate_turn_tokens", "-1", -1),
        ("layers", "cap, micro", ("cap", "micro")),
        ("layers", ["failsafe", "cap"], ("failsafe", "cap")),
        ("tool_categories", ["a=ephemeral", "b=rereadable"], ("a=ephemeral", "b=rereadable")),
        ("rescue", "off", False),
        ("strict", True, True),
        ("now", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
    ],
)
def test_values_are_read_as_people_write_them(key: str, raw: Any, value: Any) -> None:
    """Suffixes, percent and lists work in every place."""
    parsed = parse_value(KNOBS[key], raw, where="here")
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("key", "raw", "message"),
    [
        ("window", "0", "out of range"),
        ("window", 0, "out of range"),
        ("window", "-5", "out of range"),
        ("window", "many", "not a number"),
        ("window", "", "not a number"),
        ("window", "1.0005k", "not a whole number"),
        ("window", "50%", "a share, not a number"),
        ("window", True, "not a number"),
        ("window", float("nan"), "not a number"),
        ("fit", "0", "out of range"),
        ("fit", "0%", "out of range"),
        ("fit", "120%", "out of range"),
        ("trim_floor_ratio", "1.5", "out of range"),
        ("trim_floor_ratio", "150%", "out of range"),
        ("trim_floor_ratio", "-0.1", "out of range"),
        ("keep_last_messages", "-1", "out of range"),
        ("layers", "cap,mikro", "unknown name 'mikro'"),
        ("layers", "", "the list is empty"),
        ("layers", 3, "not a list of names"),
        ("tool_categories", "Read", "not of the form"),
        ("rescue", "perhaps", "neither true nor false"),
        ("model", 3, "not a text"),
        ("now", "yesterday", "not a time"),
    ],
)
def test_bad_values_say_what_is_wrong_and_what_would_be_right(key: str, raw: Any, message: str) -> None:
    """A value that is silently taken for something else costs somebody a session."""
    with pytest.raises(OptionError, match=message) as caught:
        parse_value(KNOBS[key], raw, where="--there")
    assert str(caught.value).startswith("--there: ")
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_unknown_keys_are_errors_with_the_nearest_name(tmp_path: Path) -> None:
    """A typing mistake must not be taken for a comment."""
    with pytest.raises(OptionError, match=r"cortex.toml:2: unknown key 'windw'") as caught:
        _load("strict = true\nwindw = 3\n", tmp_path)
    assert "'window'" in caught.value.hint
    with pytest.raises(OptionError, match="unknown key 'hot-zone-min'") as caught:
        _load("hot-zone-min = 3\n", tmp_path)
    assert "'hot_zone_min_tokens'" in caught.value.hint
    with pytest.raises(OptionError, match=r"cortex.toml:1: unknown section 'micro'"):
        _load("[micro]\nrescue = true\n", tmp_path)


def test_a_broken_file_is_named_with_its_line(tmp_path: Path) -> None:
    """The line is where the user has to look."""
    with pytest.raises(OptionError, match=r"cortex.toml:2: not TOML"):
        _load("window = 1000\nfit = \n", tmp_path)
    with pytest.raises(InputError, match="no such file"):
        load_settings(config=tmp_path / "none.toml")


def test_variables_of_other_tools_are_left_alone_and_mistyped_ones_are_not() -> None:
    """CORTEX_ is not ours alone, but CORTEX_WINDOWS can only be a mistake."""
    assert _load(environment={"CORTEX_API_KEY": "x", "CORTEX_WINDOW": ""}) == Settings()
    with pytest.raises(OptionError, match="CORTEX_WINDOWS") as caught:
        _load(environment={"CORTEX_WINDOWS": "1k"})
    assert "CORTEX_WINDOW?" in caught.value.hint


def test_bookends_must_not_stand_the_wrong_way_round() -> None:
    """A maximum below the minimum has no meaning."""
    with pytest.raises(OptionError, match="--bookend-min 256 is above --bookend-max 100"):
        _load(flags={"bookend_max_chars": "100"})


def test_one_configuration_file_counts(tmp_path: Path) -> None:
    """Flag, variable, current folder, user's folder: the first that is there."""
    home = tmp_path / "home"
    mine = home / ".config" / "cortex" / "cortex.toml"
    mine.parent.mkdir(parents=True)
    environment = {"HOME": str(home)}
    assert find_config("", environment, tmp_path) is None
    mine.touch()
    assert find_config("", environment, tmp_path) == mine
    here = tmp_path / "cortex.toml"
    here.touch()
    assert find_config("", environment, tmp_path) == here
    assert find_config("", {**environment, "CORTEX_CONFIG": "v.toml"}, tmp_path) == Path("v.toml")
    assert find_config("f.toml", {**environment, "CORTEX_CONFIG": "v.toml"}, tmp_path) == Path("f.toml")


@pytest.mark.parametrize("knob", knobs(), ids=lambda knob: knob.key)
def test_every_default_can_be_written_as_text(knob: Knob) -> None:
    """What `cortex config` prints can be typed again."""
    text = as_text(knob.default)
    if text and knob.default != 0:
        assert parse_value(knob, text, where="") == knob.default


@given(st.sampled_from(knobs()), st.text(max_size=12) | st.integers() | st.floats() | st.booleans() | st.none())
def test_no_value_ends_in_anything_but_a_setting_or_an_error_with_a_hint(knob: Knob, raw: Any) -> None:
    """Never a traceback, whatever is typed."""
    hint = "none needed"
    try:
        replace(Settings(), **{knob.key: parse_value(knob, raw, where="x")})
    except CortexError as error:
        hint = error.hint
    assert hint


def test_keys_carry_their_unit() -> None:
    """A size without a unit in its name is read wrongly sooner or later."""
    for knob in knobs():
        if knob.unit == "tokens" and knob.key != "window":
            assert knob.key.endswith("_tokens")
        if knob.unit.startswith("characters") and knob.key != "trim_inputs":
            assert knob.key.endswith("_chars")


def test_flags_variables_and_help_are_of_one_form() -> None:
    """The table is what help, README and errors are made from."""
    flags = [part for knob in knobs() for part in knob.flag.split("/")]
    assert len(flags) == len(set(flags))
    for knob in knobs():
        assert all(re.fullmatch(r"--[a-z]+(-[a-z]+)*", part) for part in knob.flag.split("/"))
        assert knob.variable == f"CORTEX_{knob.key.upper()}"
        assert knob.help.endswith(".")
