"""The command `cortex`: which commands there are. Each stands in a file of its own, imported when it is used."""

import gc
from typing import Annotated, Any, NamedTuple

import typer
import typer.core

from cortex_cli import __version__
from cortex_cli.cli.boundary import boundary
from cortex_cli.cli.help import CONTEXT, styled, take_as_typed, write_groups, write_options


class Entry(NamedTuple):
    """One command, as the list of commands shows it."""

    name: str
    """Its function stands under this name in the module of this name."""
    help: str
    """First line of the function's docstring."""
    panel: str


_COMPACT, _LOOK, _KEPT, _KNOW = "Compact", "Look", "Bring back", "Know"

ENTRIES = (
    Entry("compact", "Make a transcript smaller: the whole pipeline.", _COMPACT),
    Entry("micro", "Shorten old tool results: caps and microcompaction only.", _COMPACT),
    Entry("summarize", "Put a summary in the place of old turns: layer 2 only.", _COMPACT),
    Entry("observe", "Put a growing log in the place of old turns: memory only.", _COMPACT),
    Entry("failsafe", "Drop the oldest messages until it fits: layer 3 only.", _COMPACT),
    Entry("batch", "Compact all transcripts below a directory.", _COMPACT),
    Entry("sessions", "List the sessions that agents keep on this machine.", _LOOK),
    Entry("stats", "Show where the tokens are.", _LOOK),
    Entry("show", "Print a transcript to read.", _LOOK),
    Entry("check", "Find what is broken in transcripts; --fix repairs it.", _LOOK),
    Entry("replay", "Show what strategies would have cost and kept on a session.", _LOOK),
    Entry("diff", "Compare two transcripts: what left, what stayed, what changed.", _LOOK),
    Entry("convert", "Write a conversation in another format.", _LOOK),
    Entry("recall", "Search what was removed from transcripts; --id prints one original.", _KEPT),
    Entry("restore", "Give the original bytes of a compacted file back, from the archive.", _KEPT),
    Entry("hook", "Keep facts while a client compacts its session: the client runs it.", _KEPT),
    Entry("models", "List models: windows, prices, cache rules.", _KNOW),
    Entry("config", "List all settings, their values and where each comes from.", _KNOW),
)


class _LazyCommand(typer.core.TyperCommand):
    """A command by name and help, until it is used: nothing is imported for a list of commands."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.name, help=entry.help, rich_help_panel=entry.panel)

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Let the command itself take over."""
        assert self.name is not None
        from cortex_cli.cli.options import load_command  # noqa: PLC0415  # `cortex --version` needs none of it

        return load_command(self.name).make_context(*arguments, **options)


class CortexGroup(typer.core.TyperGroup):
    """The group of commands, and the one boundary between errors and exits."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**{**attributes, "rich_markup_mode": None})
        self.commands = {entry.name: _LazyCommand(entry) for entry in ENTRIES}

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options, that of the help included."""
        return take_as_typed(super().get_params(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands under their headings, then the options."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for entry in ENTRIES:
            groups.setdefault(entry.panel, []).append((styled(entry.name), entry.help))
        write_groups(groups, formatter)
        write_options(self.get_params(ctx), formatter)

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the options of `cortex` itself."""
        with boundary():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with boundary():
            return super().invoke(ctx)


app = typer.Typer(
    name="cortex",
    cls=CortexGroup,
    context_settings=CONTEXT,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="`cortex COMMAND --help` shows a command's options. Settings can stand in cortex.toml and in CORTEX_*"
    " variables too; `cortex config` lists them.",
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"cortex {__version__}")
        raise typer.Exit


@app.callback()
def cortex(
    version: Annotated[  # its callback acts
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Compact language-model transcripts: always valid, measured loss, measured cost, offline."""


def run() -> None:
    """Run the command line of this process."""
    try:
        app(prog_name="cortex")
    finally:
        gc.freeze()  # else the interpreter looks through everything once more before it exits
