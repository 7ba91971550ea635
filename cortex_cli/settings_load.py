"""Settings from a file, the environment and flags: which value counts, what it means, where it came from.

The knobs and their bounds stand in `settings.py`. The environment and the flags are handed in.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, get_args

from cortex_cli.cache import parse_cache_option
from cortex_cli.errors import OptionError, name_hint, nearest
from cortex_cli.files import read_file
from cortex_cli.presets import PRESET_KNOB, find_preset
from cortex_cli.settings import Knob, Settings, Share, knobs

CONFIG_NAME = "cortex.toml"
DEFAULT_ORIGIN = "default"
"""Origin of a value that nobody gave."""

_VARIABLE_PREFIX = "CORTEX_"
CONFIG_VARIABLE = "CORTEX_CONFIG"
"""Names the configuration file, as `--config` does."""

_SUFFIXES = {"": 1, "k": 1_000, "m": 1_000_000}
_NUMBER = re.compile(r"([+-]?(?:\d[\d_]*\.?\d*|\.\d+))\s*([km%]?)\Z", re.IGNORECASE)
_SWITCH = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


class LoadedSettings(NamedTuple):
    """Settings, and where each came from."""

    settings: Settings
    origins: Mapping[str, str]
    """Key -> flag, variable, `path:line` of the file, `preset NAME`, or `default`; that of `preset` itself, too."""
    config: str = ""
    """Path of the configuration file that was read; empty where there was none."""
    preset: str = ""
    """Name of the preset that counts; empty: none."""

    def by_flag(self, key: str) -> bool:
        """Tell whether a value was given as a flag."""
        return self.origins[key].startswith("-")


def find_config(explicit: str, environment: Mapping[str, str], folder: Path) -> Path | None:
    """Find the one configuration file that counts.

    `--config` or CORTEX_CONFIG, else `cortex.toml` in the current folder, else in the user's folder
    for configuration. Files are not merged: what one of them says can be read in one place.

    Args:
        explicit: Value of `--config`; empty where it was not given.
        environment: The process environment.
        folder: The current folder.
    """
    named = explicit or environment.get(CONFIG_VARIABLE, "")
    if named:
        return Path(named)
    places = (folder / CONFIG_NAME, *(home / "cortex" / CONFIG_NAME for home in _config_homes(environment)))
    return next((place for place in places if place.is_file()), None)


def _config_homes(environment: Mapping[str, str]) -> Iterator[Path]:
    for variable, below in (("XDG_CONFIG_HOME", ""), ("APPDATA", ""), ("HOME", ".config"), ("USERPROFILE", ".config")):
        if value := environment.get(variable):
            yield Path(value, below)


def load_settings(
    *, flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None, config: Path | None = None
) -> LoadedSettings:
    """Put defaults, file, environment and flags together; the later counts.

    One preset counts, the one that is named last, and it counts where it is named: above the defaults and all places
    before, below what its own place gives by hand. So `--preset cheap` means the same whatever the file says, and the
    file's own keys change a preset that the file names.

    Args:
        flags: Key -> what was typed (texts, lists of texts, switches); None where it was not given.
        environment: The process environment; only `CORTEX_*` is read.
        config: A configuration file.

    Raises:
        OptionError: A key is unknown, or a value is not of its kind or out of its range.
        InputError: The file cannot be read.
    """
    values: dict[str, Any] = {}
    origins = dict.fromkeys((PRESET_KNOB.key, *(field.name for field in fields(Settings))), DEFAULT_ORIGIN)
    places = (_from_file(config), _from_environment(environment or {}), _from_flags(flags or {}))
    for key, value, origin in _with_preset([list(place) for place in places]):
        values[key] = value
        origins[key] = origin
    preset = values.pop(PRESET_KNOB.key, "")
    settings = Settings(**values)
    _check_together(settings, origins)
    return LoadedSettings(settings, origins, str(config) if config is not None else "", preset)


def _with_preset(places: "list[list[Given]]") -> Iterator[tuple[str, Any, str]]:
    """Yield (key, value, origin) of all places, the values of the preset that counts in front of its own place's."""
    named = [at for at, place in enumerate(places) if any(knob is PRESET_KNOB for knob, _, _ in place)]
    for at, place in enumerate(places):
        read = [(knob.key, parse_value(knob, raw, where=origin), origin) for knob, raw, origin in place]
        if named and at == named[-1]:
            preset = next(find_preset(value) for key, value, _ in read if key == PRESET_KNOB.key)
            yield from ((key, value, f"preset {preset.name}") for key, value in preset.values.items())
        yield from read


Given = tuple[Knob, Any, str]
"""A knob, what was given for it, and where."""


def _known() -> tuple[Knob, ...]:
    return (PRESET_KNOB, *knobs())


def _from_file(path: Path | None) -> Iterator[Given]:
    if path is None:
        return
    text = read_file(str(path)).data.decode("utf-8-sig", "replace")
    by_key = {knob.key: knob for knob in _known()}
    for key, raw in _parse_toml(text, path).items():
        where = f"{path}:{_line_of(key, text)}"
        if key not in by_key:
            _refuse_key(key, raw, by_key, where)
        yield by_key[key], raw, where


def _parse_toml(text: str, path: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - start-up time, where there is a file

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"\(at line (\d+), column \d+\)", str(error))
        what = re.sub(r"\s*\(at .*\)", "", str(error))
        where = f"{path}:{match[1]}" if match else str(path)
        raise OptionError(f"not TOML: {what[:1].lower()}{what[1:]}", where=where, hint="write `key = value`") from error


def _line_of(key: str, text: str) -> int:
    match = re.search(rf"^[ \t]*[\"']?{re.escape(key)}[\"']?[ \t]*[.=]|^\[+{re.escape(key)}\b", text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def _refuse_key(key: str, raw: Any, known: Mapping[str, Knob], where: str) -> NoReturn:
    if isinstance(raw, dict):
        raise OptionError(f"unknown section {key!r}", where=where, hint="all keys stand at the top, without sections")
    by_flag = {_plain(knob.flag): name for name, knob in known.items()}
    same = by_flag.get(_plain(key)) or nearest(key, known)
    hint = f"did you mean {same!r}?" if same else "`cortex config` lists all keys"
    raise OptionError(f"unknown key {key!r}", where=where, hint=hint)


def _plain(name: str) -> str:
    """Spell a flag as a key would be."""
    return name.split("/")[0].lstrip("-").replace("-", "_")


def _from_environment(environment: Mapping[str, str]) -> Iterator[Given]:
    by_variable = {knob.variable: knob for knob in _known()}
    for name, raw in environment.items():
        if not name.startswith(_VARIABLE_PREFIX) or name == CONFIG_VARIABLE:
            continue
        if name in by_variable:
            if raw:  # an empty variable is how a shell says "not set"
                yield by_variable[name], raw, name
        elif near := nearest(
            name, by_variable, near=0.85
        ):  # other tools are called Cortex too: only near names are ours
            raise OptionError("unknown variable", where=name, hint=f"did you mean {near}?")


def _from_flags(flags: Mapping[str, Any]) -> Iterator[Given]:
    by_key = {knob.key: knob for knob in _known()}
    for key, raw in flags.items():
        if raw is not None:
            knob = by_key[key]
            yes, _, no = knob.flag.partition("/")
            yield knob, raw, no if raw is False and no else yes


def parse_value(knob: Knob, raw: Any, *, where: str) -> Any:
    """Turn what was typed into the value of a setting.

    Raises:
        OptionError: It is not of the knob's kind, or out of its range.
    """
    kinds = [kind for kind in get_args(knob.type) if kind is not type(None)] or [knob.type]
    if knob.type == tuple[str, ...]:
        return _checked_names(knob, raw, where)
    if bool in kinds:
        return _parse_switch(raw, where)
    if str in kinds:
        return _checked_text(knob, raw, where)
    return _parse_number(knob, raw, where, whole=int in kinds, share=Share in kinds)


def _parse_switch(raw: Any, where: str) -> bool:
    if isinstance(raw, bool):
        return raw
    value = _SWITCH.get(str(raw).strip().lower())
    if value is None:
        raise OptionError(f"{raw!r} is neither true nor false", where=where, hint="write true or false")
    return value


def _checked_text(knob: Knob, raw: Any, where: str) -> str:
    if not isinstance(raw, str):
        raise OptionError(f"{raw!r} is not a text", where=where, hint='put it in quotes, as in key = "value"')
    if knob.choices and raw not in knob.choices:
        raise OptionError(f"unknown {knob.unit} {raw!r}", where=where, hint=name_hint(raw, knob.choices))
    if knob.key == "now" and raw:
        _check_time(raw, where)
    if knob.key == "cache" and raw:
        parse_cache_option(raw, where=where)
    return raw


def _check_time(raw: str, where: str) -> None:
    try:
        datetime.fromisoformat(raw)
    except ValueError as error:
        hint = "write it as 2026-01-31T12:00:00Z"
        raise OptionError(f"{raw!r} is not a time", where=where, hint=hint) from error


def _checked_names(knob: Knob, raw: Any, where: str) -> tuple[str, ...]:
    if isinstance(raw, str):
        raw = [raw]
    if not isinstance(raw, list | tuple) or not all(isinstance(one, str) for one in raw):
        raise OptionError(f"{raw!r} is not a list of names", where=where, hint='write it as ["one", "two"]')
    names = tuple(dict.fromkeys(name.strip() for text in raw for name in text.split(",") if name.strip()))
    for name in names:
        if knob.choices and name not in knob.choices:
            raise OptionError(f"unknown name {name!r}", where=where, hint=name_hint(name, knob.choices))
        if "=" in knob.unit and not all(name.partition("=")[::2]):
            raise OptionError(f"{name!r} is not of the form {knob.unit}", where=where, hint=knob.help)
    if knob.choices and not names:
        raise OptionError("the list is empty", where=where, hint=f"known: {', '.join(knob.choices)}")
    return names


def _parse_number(knob: Knob, raw: Any, where: str, *, whole: bool, share: bool) -> int | float | Share:
    number, is_percent = _read_number(knob, raw, where)
    if is_percent and share:
        if not 0 < number <= 100:
            raise OptionError(f"{raw!r} is out of range", where=where, hint="a share is above 0 % and at most 100 %")
        return Share(number / 100)
    if is_percent:
        if knob.most != 1:
            raise OptionError(f"{raw!r} is a share, not a number", where=where, hint=f"give it in {knob.unit}")
        number /= 100
    if whole and number != int(number):
        raise OptionError(f"{raw!r} is not a whole number", where=where, hint=f"give it in {knob.unit}")
    least = -math.inf if knob.least is None else knob.least
    most = math.inf if knob.most is None else knob.most
    if not least <= number <= most:
        raise OptionError(f"{raw!r} is out of range", where=where, hint=_range_hint(knob))
    return int(number) if whole else float(number)


def _read_number(knob: Knob, raw: Any, where: str) -> tuple[float, bool]:
    if isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw):
        return raw, False
    match = _NUMBER.match(raw.strip()) if isinstance(raw, str) else None
    if match is None:
        raise OptionError(f"{raw!r} is not a number", where=where, hint=_number_hint(knob))
    digits, suffix = match[1].replace("_", ""), match[2].lower()
    if suffix == "%":
        return float(digits), True
    scale = _SUFFIXES[suffix]
    return (float(digits) * scale if "." in digits else int(digits) * scale), False


def _number_hint(knob: Knob) -> str:
    if knob.most == 1:
        return "write a share as 0.25 or 25%"
    percent = ", or as 30%" if "%" in knob.unit else ""
    return f"write a number of {knob.unit.split(' or ')[0]} as 50000, 50k or 1.5m{percent}"


def _range_hint(knob: Knob) -> str:
    unit = knob.unit.split(" or ")[0]
    if knob.most is not None:
        return f"{unit}: from {knob.least:g} to {knob.most:g}, or in percent"
    if knob.least == 1:
        return f"{unit}: 1 or more; leave it out for the default"
    return f"{unit}: {knob.least:g} or more"


_ORDERED: tuple[tuple[str, str], ...] = (("bookend_min_chars", "bookend_max_chars"),)
"""(smaller, larger): settings that must not stand the wrong way round."""


def _check_together(settings: Settings, origins: Mapping[str, str]) -> None:
    if {"summary", "observe"} <= set(settings.layers):
        hint = "name one of them; `--strategy` says which by default"
        raise OptionError("layer 2 is summary or observe, not both", where=origins["layers"], hint=hint)
    flags = {knob.key: knob.flag for knob in knobs()}
    for small, large in _ORDERED:
        low, high = getattr(settings, small), getattr(settings, large)
        if low > high:
            given = small if origins[small] != DEFAULT_ORIGIN else large
            raise OptionError(
                f"{flags[small]} {low} is above {flags[large]} {high}",
                where=origins[given],
                hint=f"set {flags[small]} and {flags[large]} together",
            )


def as_text(value: Any) -> str:
    """Write a value as a user would type it."""
    if value is None or value == "":
        return ""
    if isinstance(value, Share):
        return f"{value.ratio * 100:g}%"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
