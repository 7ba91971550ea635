"""`cortex check`: what is broken in a transcript, and its repair."""

from typing import Annotated

import typer

from cortex_cli.cli import outputs, sources
from cortex_cli.cli.options import Json, OneSource, OutputOptions, command
from cortex_cli.cli.shell import Shell
from cortex_cli.errors import ExitCode, OptionError
from cortex_cli.settings_load import LoadedSettings


@command(keys=("format", "strict"))
def check(
    shell: Shell,
    loaded: LoadedSettings,
    output: OutputOptions,
    source: OneSource = None,
    fix: Annotated[bool, typer.Option("--fix", help="Write the repaired transcript.")] = False,
    json: Json = False,
) -> None:
    """Find what is broken in a transcript; --fix repairs it.

    Every problem is one line, `path:line: what`. Exit code 1 where problems were found and not repaired.
    """
    from cortex_cli.checking import check_transcript, fix_transcript  # noqa: PLC0415  # `--help` checks nothing

    if not fix and (output.output or output.in_place or output.fork):
        raise OptionError("nothing is written without --fix", where="--output", hint="add --fix")
    [name] = sources.named_sources([source] if source else None, shell)
    outputs.check_options(output, [name], json=json and fix)
    given = sources.load(name, loaded.settings, shell)
    if fix:
        found = fix_transcript(given.file, given.transcripts, outputs.target_of(given.file, output, shell))
    else:
        found = check_transcript(given.file, given.transcripts)
    if json:
        shell.print_json(found.to_json())
    else:
        from cortex_cli.cli.render_check import print_check  # noqa: PLC0415  # Rich is slow to import

        print_check(shell.err if found.is_on_stdout else shell.out, found)
    if found.problems or (loaded.settings.strict and found.warnings):
        raise typer.Exit(ExitCode.FAILED)
