"""`cortex config`: every setting, its value, and where the value came from."""

from typing import Any

from cortex_cli.cli.options import PANELS, PIPELINE, Json, command
from cortex_cli.cli.shell import Shell
from cortex_cli.presets import PRESET_KNOB
from cortex_cli.settings import Knob, Share, knobs
from cortex_cli.settings_load import DEFAULT_ORIGIN, LoadedSettings, as_text


@command(*PIPELINE)
def config(shell: Shell, loaded: LoadedSettings, json: Json = False) -> None:
    """List all settings, their values and where each comes from.

    The first column is the key in cortex.toml; the variable is CORTEX_ and the key in capitals.
    """
    if json:
        shell.print_json({"config": loaded.config, "settings": [_entry(knob, loaded) for knob in _listed()]})
        return
    _print(shell, loaded)


def _listed() -> tuple[Knob, ...]:
    return (PRESET_KNOB, *knobs())


def _value(knob: Knob, loaded: LoadedSettings) -> Any:
    return loaded.preset if knob is PRESET_KNOB else getattr(loaded.settings, knob.key)


def _entry(knob: Knob, loaded: LoadedSettings) -> dict[str, Any]:
    value = _value(knob, loaded)
    return {
        "key": knob.key,
        "value": as_text(value) if isinstance(value, Share) else value,
        "default": knob.default,
        "origin": loaded.origins[knob.key],
        "unit": knob.unit,
        "flag": knob.flag,
        "variable": knob.variable,
        "group": knob.group,
        "help": knob.help,
    }


def _print(shell: Shell, loaded: LoadedSettings) -> None:
    from rich.text import Text  # noqa: PLC0415  # `--json` needs no Rich

    from cortex_cli.cli.paint import LABEL, NAME, STRONG, line, print_all, table  # noqa: PLC0415  # the same

    for group, title in PANELS.items():
        rows = []
        for knob in (knob for knob in _listed() if knob.group == group):
            origin = loaded.origins[knob.key]
            is_given = origin != DEFAULT_ORIGIN
            value = as_text(_value(knob, loaded)) or "-"
            value = "auto" if value == "0" and knob.least == 1 else value
            rows.append(
                (
                    line((knob.key, NAME)),
                    line((value, STRONG if is_given else "")),
                    line((origin, "" if is_given else LABEL)),
                    line((knob.flag, LABEL)),
                )
            )
        print_all(shell.out, [line((title, STRONG)), table(("", "", "", ""), rows), Text()])
    print_all(shell.out, [line(("file  ", LABEL), loaded.config or "none")])
