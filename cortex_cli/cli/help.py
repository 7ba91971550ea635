"""How commands look in `--help`: two calm columns, options under the heading of what they are about.

Written with the formatter that Typer brings: its boxes need Rich, which takes longer to import than all else.
"""

import os
from collections.abc import Iterable
from typing import Any

import typer
import typer.core

OPTIONS = "Options"
"""Heading of options that belong to no group."""

FLAG_COLUMNS = 30
"""Widest first column; longer flags have a line of their own."""

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""Settings of every Typer context."""


class CortexCommand(typer.core.TyperCommand):
    """A command with our help."""

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments, **{**attributes, "rich_markup_mode": None})

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options, that of the help included."""
        return take_as_typed(super().get_params(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options under their headings."""
        write_options(self.get_params(ctx), formatter)


def write_options(parameters: Iterable[Any], formatter: Any) -> None:
    """Write options, grouped by panel in order of appearance; the general ones come first."""
    groups: dict[str, list[tuple[str, str]]] = {OPTIONS: []}
    for parameter in parameters:
        if parameter.param_type_name != "option":
            groups.setdefault("Arguments", []).append(
                (styled(parameter.metavar or parameter.name), parameter.help or "")
            )
        elif not parameter.hidden:
            panel = getattr(parameter, "rich_help_panel", None) or OPTIONS
            groups.setdefault(panel, []).append((_flags(parameter), parameter.help or ""))
    write_groups(groups, formatter)


def write_groups(groups: dict[str, list[tuple[str, str]]], formatter: Any) -> None:
    """Write headings with two columns below each."""
    for heading, rows in groups.items():
        if rows:
            with formatter.section(heading):
                formatter.write_dl(rows, col_max=FLAG_COLUMNS)


def _flags(parameter: Any) -> str:
    short = [name for name in parameter.opts if not name.startswith("--")]
    long = [name for name in parameter.opts if name.startswith("--")]
    name = long[0]
    if parameter.secondary_opts:
        name = f"--[no-]{name.removeprefix('--')}"
    value = "" if parameter.is_flag or parameter.count else f" {parameter.metavar or 'TEXT'}"
    return styled(f"{short[0]}, {name}" if short else f"    {name}") + value


def styled(text: str) -> str:
    """Make a name stand out; the formatter takes the colour out where it goes to no terminal."""
    return text if os.environ.get("NO_COLOR") else typer.style(text, fg="cyan")


def take_as_typed(parameters: list[Any]) -> list[Any]:
    """Let options be handed on as they were typed, without Typer's validators; return them."""
    for parameter in parameters:
        if hasattr(parameter, "_runtime_param"):
            parameter._runtime_param = _AsTyped()
    return parameters


class _AsTyped:
    """Hand texts on as they were typed.

    Typer 0.29 imports Pydantic and builds a validator for every option to see that a text is a text: 0.1 s of
    each start and more. All options here are texts, lists of texts and switches; `settings_load` checks what
    they say.
    """

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002  # Typer's signature
        """Return the value; an option that may be repeated and was not given is an empty tuple."""
        if value is None and (param.multiple or param.nargs == -1):
            return ()
        return value
