"""`cortex check`: what is broken in transcripts, and its repair."""

from typing import Annotated

import typer

from cortex_cli.cli import outputs, sources
from cortex_cli.cli.options import Json, OutputOptions, Sources, command
from cortex_cli.cli.shell import Shell
from cortex_cli.errors import ExitCode, OptionError
from cortex_cli.settings_load import LoadedSettings


@command(keys=("format", "strict"))
def check(
    shell: Shell,
    loaded: LoadedSettings,
    output: OutputOptions,
    given: Sources = None,
    fix: Annotated[bool, typer.Option("--fix", help="Write the repaired transcript.")] = False,
    json: Json = False,
) -> None:
    """Find what is broken in transcripts; --fix repairs it.

    Every problem is one line, `path:line: what`. Exit code 1 where problems were found and not repaired, or where one
    of several files could not be read.
    """
    from cortex_cli import checking  # noqa: PLC0415  # `--help` checks nothing

    if not fix and (output.output or output.in_place or output.fork):
        raise OptionError("nothing is written without --fix", where="--output", hint="add --fix")
    names = sources.named_sources(given, shell)
    outputs.check_options(output, names, json=json and fix)

    def check_one(name: str) -> checking.Check:
        file, transcripts = sources.load(name, loaded.settings, shell)
        if fix:
            found = checking.fix_transcript(file, transcripts, outputs.target_of(file, output, shell))
        else:
            found = checking.check_transcript(file, transcripts)
        if not json:
            from cortex_cli.cli.render_check import print_check  # noqa: PLC0415  # Rich is slow to import

            print_check(shell.err if found.is_on_stdout else shell.out, found, is_one=len(names) == 1)
        return found

    checks, failed = sources.run_each(names, check_one)
    if json:
        several = checking.check_report(checks, [failure.to_json() for failure in failed])
        shell.print_json(checks[0].to_json() if len(names) == 1 else several)
    sources.refuse_failures(names, failed)
    if any(found.problems or (loaded.settings.strict and found.warnings) for found in checks):
        raise typer.Exit(ExitCode.FAILED)
