"""Presets: settings that were chosen together, by replaying real sessions.

A preset only gives some settings other values; whatever is given by hand counts more. What each costs and keeps on
which sessions, and how to measure it on one's own, stands in `docs/choose.md`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from cortex_cli.errors import OptionError, name_hint
from cortex_cli.knobs import Knob, Share


class Preset(NamedTuple):
    """One of them."""

    name: str
    help: str
    values: Mapping[str, Any]
    """Setting key -> value, where it differs from the default."""


PRESETS = (
    Preset(
        "cheap",
        "Lowest bill that keeps nine tenths of the facts: early summaries, few and large.",
        MappingProxyType(
            {"threshold": 0.15, "min_gain_ratio": 0.30, "keep_recent_messages": 4, "summary_max_tokens": Share(0.12)}
        ),
    ),
    Preset(
        "faithful",
        "Most facts kept: a log that only grows, and results stay whole until the window is nearly full.",
        MappingProxyType(
            {
                "strategy": "observational",
                "activation_ratio": 0.80,
                "reflection_ratio": 0.40,
                "trim_floor_ratio": 0.90,
            }
        ),
    ),
    Preset(
        "small",
        "Smallest context that keeps eight tenths: earlier and further down; large results are cut when they come.",
        MappingProxyType(
            {
                "threshold": 0.10,
                "min_gain_ratio": 0.30,
                "keep_recent_messages": 2,
                "summary_max_tokens": Share(0.08),
                "max_result_tokens": 8_000,
            }
        ),
    ),
)
"""What there is. Source: `docs/choose.md`, measured by `docs/choose.py`."""

PRESET_KEYS = tuple(dict.fromkeys(key for preset in PRESETS for key in preset.values))
"""Settings that any preset changes."""

PRESET_KNOB = Knob(
    key="preset",
    flag="--preset",
    variable="CORTEX_PRESET",
    default="",
    unit="preset",
    group="shared",
    help="Settings chosen together; what is given by hand counts more.",
    source="docs/choose.md",
    type=str,
    choices=tuple(preset.name for preset in PRESETS),
)
"""How the world outside names one. It is no setting itself: it stands for values of others."""


def find_preset(name: str, *, where: str = "") -> Preset:
    """Return the preset of that name.

    Args:
        name: As in `PRESETS`.
        where: As what it was given, for the error.

    Raises:
        OptionError: There is none.
    """
    for preset in PRESETS:
        if preset.name == name:
            return preset
    raise OptionError(f"unknown preset {name!r}", where=where, hint=name_hint(name, PRESET_KNOB.choices))
