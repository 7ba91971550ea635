"""Options of commands, made from the table of settings; what several commands share stands here once.

A command is a function with plain parameters. `command` gives it the signature that Typer reads: a
parameter of type `LoadedSettings` becomes the flags of the named groups of settings, one of a type
made of options becomes these options, and `Shell` is handed in.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator
from functools import cache
from typing import Annotated, Any, NamedTuple, get_type_hints

import typer
import typer.main

from cortex_cli.cli.help import CONTEXT, CortexCommand
from cortex_cli.cli.shell import Shell
from cortex_cli.errors import OptionError
from cortex_cli.presets import PRESET_KEYS, PRESET_KNOB
from cortex_cli.settings import Knob, knobs
from cortex_cli.settings_load import LoadedSettings, as_text, find_config, load_settings

PANELS = {
    "shared": "Settings",
    "caps": "Layer 0: caps",
    "micro": "Layer 1: microcompaction",
    "summary": "Layer 2: summary",
    "observe": "Layer 2, the other strategy: observational memory",
    "failsafe": "Layer 3: failsafe",
}
"""Group of settings -> its heading in the help."""

PIPELINE = tuple(PANELS)
"""Groups of settings of the whole pipeline."""

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SOURCE]...", help="Files, `-` for standard input, or sessions: claude-code:last, codex:ID, pi:last."
    ),
]
OneSource = Annotated[
    str | None,
    typer.Argument(
        metavar="[SOURCE]", help="A file, `-` for standard input, or a session: claude-code:last, codex:ID, pi:last."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print more.")]


class OutputOptions(NamedTuple):
    """Where the result goes."""

    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Where to write; `-` for standard output. Default: NAME.compacted.EXT.",
        ),
    ] = None
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Write over the input; what it was is kept as NAME.EXT.bak.")
    ] = False
    fork: Annotated[
        bool,
        typer.Option(
            "--fork", help="Write a new session that its client can resume (Claude Code, Codex, pi, Gemini CLI)."
        ),
    ] = False
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite an existing output.")] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Write nothing; print the report on standard output.")
    ] = False


class ReportOptions(NamedTuple):
    """How the report is given."""

    report: Annotated[
        str | None,
        typer.Option(
            "--report",
            metavar="rich|text|json|none",
            help="Form of the report on standard error. Default: rich on a terminal, else text.",
            autocompletion=lambda: ["rich", "text", "json", "none"],
        ),
    ] = None
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on standard output.")] = False
    report_file: Annotated[
        str | None, typer.Option("--report-file", metavar="PATH", help="Write the report to a file too (.json, .html).")
    ] = None
    show_diff: Annotated[bool, typer.Option("--show-diff", help="Show the changed texts, before and after.")] = False
    quiet: Quiet = False
    verbose: Verbose = False


def _is_option_set(kind: Any) -> bool:
    """Tell whether a parameter stands for several options: its type is a named tuple of them."""
    return isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_field_defaults")


CommandFunction = Callable[..., None]


def command(
    *groups: str, keys: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> Callable[[CommandFunction], CommandFunction]:
    """Make a function a command that takes the settings of these groups, and these single ones.

    Args:
        groups: Groups of settings whose flags the command has.
        keys: Further settings, by key.
        without: Settings of the groups that it does not have.
    """
    taken = tuple(knob for knob in knobs() if (knob.group in groups or knob.key in keys) and knob.key not in without)
    if any(knob.key in PRESET_KEYS and knob.group != PRESET_KNOB.group for knob in taken):
        taken = (PRESET_KNOB, *taken)

    def decorate(function: CommandFunction) -> CommandFunction:
        hints = get_type_hints(function, include_extras=True)
        names = list(inspect.signature(function).parameters)

        def run(**given: Any) -> None:
            shell = Shell.of_this_process()
            function(**{name: _gather(name, hints[name], given, shell, taken) for name in names})

        defaults = inspect.signature(function).parameters
        parameters = [one for name in names for one in _expand(defaults[name], hints[name], taken)]
        # Typer reads name, help, parameters and types from the function itself
        run.__name__, run.__doc__ = function.__name__, function.__doc__
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        return run

    return decorate


def _expand(parameter: inspect.Parameter, kind: Any, taken: tuple[Knob, ...]) -> Iterator[inspect.Parameter]:
    """Yield the parameters that Typer sees for one of the function's."""
    if kind is Shell:
        return
    if kind is LoadedSettings:
        yield _parameter("config", _CONFIG, None)
        yield from (_parameter(knob.key, _option_of(knob), None) for knob in taken)
    elif _is_option_set(kind):
        hints = get_type_hints(kind, include_extras=True)
        yield from (_parameter(name, hints[name], kind._field_defaults[name]) for name in kind._fields)
    else:
        yield _parameter(parameter.name, kind, parameter.default)


def _gather(name: str, kind: Any, given: dict[str, Any], shell: Shell, taken: tuple[Knob, ...]) -> Any:
    """Put one argument of the function together from what Typer read."""
    if kind is Shell:
        return shell
    if kind is LoadedSettings:
        config = find_config(given["config"] or "", shell.environment, shell.folder)
        flags = {knob.key: given[knob.key] for knob in taken}
        return load_settings(flags=flags, environment=shell.environment, config=config)
    if _is_option_set(kind):
        return kind(**{field: given[field] for field in kind._fields})
    return given[name]


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_CONFIG = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file. Default: cortex.toml here, else in the user's configuration folder.",
        rich_help_panel=PANELS["shared"],
    ),
]


def _option_of(knob: Knob) -> Any:
    kind: Any = str | None
    if knob.type is bool:
        kind = bool | None
    elif knob.type == tuple[str, ...]:
        kind = list[str] | None
    choices = list(knob.choices)
    option = typer.Option(
        knob.flag,
        help=knob_help(knob),
        metavar=None if knob.type is bool else knob_metavar(knob),
        rich_help_panel=PANELS.get(knob.group, knob.group.capitalize()),
        autocompletion=(lambda: choices) if choices else None,
    )
    return Annotated[kind, option]


def knob_help(knob: Knob) -> str:
    """Say what a setting does, in which unit, and what holds when nothing is given."""
    notes = [knob.unit.split(" or ")[0]] if knob.unit.startswith(_MEASURES) else []
    default = {"true": "on", "false": "", "0": ""}.get(as_text(knob.default), as_text(knob.default))
    if default and "default" not in knob.help:
        notes.append(f"default {default}")
    return f"{knob.help} ({'; '.join(notes)})" if notes else knob.help


_MEASURES = ("tokens", "share", "characters", "factor", "seconds", "results", "messages")
"""Units of numbers; other units only name the kind of text."""

_METAVARS = {"ISO 8601": "TIME", "names": "NAMES", "factor": "F", "NAME=KIND": "NAME=KIND"}


def knob_metavar(knob: Knob) -> str:
    """Say what stands for the value of a setting in its help."""
    if knob.choices and knob.type is str:
        return "|".join(knob.choices)
    if knob.unit.startswith("share"):
        return "SHARE"
    if "%" in knob.unit:
        return "N|P%"
    if knob.type is str or knob.unit in _METAVARS:
        return _METAVARS.get(knob.unit, knob.unit.upper())
    return "N"


@cache
def load_command(name: str) -> CortexCommand:
    """Import a command and build it."""
    module = importlib.import_module(f"cortex_cli.cli.{name}")
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name, cls=CortexCommand, context_settings=CONTEXT)(getattr(module, name))
    built = typer.main.get_command(single)
    assert isinstance(built, CortexCommand)
    return built


def whole_number(raw: str | None, flag: str, *, default: int, least: int = 0) -> int:
    """Read an option that is a number and no setting.

    Raises:
        OptionError: It is no whole number, or too small.
    """
    if raw is None:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise OptionError(f"{raw!r} is not a whole number", where=flag, hint=f"{least} or more") from None
    if value < least:
        raise OptionError(f"{raw!r} is out of range", where=flag, hint=f"{least} or more")
    return value


PAGE_ENDING = ".html"

REPORT_ENDINGS = (".json", PAGE_ENDING)
"""Of report files: as data, or as a page that holds all it shows."""


def check_report_file(path: str | None) -> None:
    """Refuse a report file of a kind that we do not write.

    Raises:
        OptionError: Its ending is not one of `REPORT_ENDINGS`.
    """
    if path and not path.lower().endswith(REPORT_ENDINGS):
        hint = "name it NAME.json (data) or NAME.html (a page to look at)"
        raise OptionError(f"{path!r} does not end in .json or .html", where="--report-file", hint=hint)
