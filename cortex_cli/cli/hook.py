"""`cortex hook`: what a client runs around its own compaction."""

from typing import Annotated

import typer

from cortex_cli.cli.boundary import print_error
from cortex_cli.cli.options import command
from cortex_cli.cli.shell import Shell
from cortex_cli.errors import CortexError, ExitCode

CLIENT = "claude-code"


@command()
def hook(
    shell: Shell,
    client: Annotated[str, typer.Argument(metavar="CLIENT", help="Whose hooks: claude-code.")],
    print_settings: Annotated[
        bool, typer.Option("--print-settings", help="Print the lines that belong into the client's settings.")
    ] = False,
) -> None:
    """Keep facts while a client compacts its session: the client runs it.

    Reads the hook's JSON on standard input. At PreCompact it keeps the facts of the session in
    $XDG_STATE_HOME/cortex/claude-code (else ~/.local/state/...), at SessionStart it hands them back. Whatever goes
    wrong is told on standard error; the client is never stopped.
    """
    if client != CLIENT or (shell.stdin_is_terminal and not print_settings):
        what = (
            f"no hooks for {client!r}" if client != CLIENT else "a client runs this, with the event on standard input"
        )
        print_error(what, f"`cortex hook {CLIENT} --print-settings` shows how it is set up")
        raise typer.Exit(ExitCode.FAILED)  # not 2: that stops the client's compaction
    from cortex_cli.integrations.claude_code_hook import (  # noqa: PLC0415  # `--help` needs none of it
        SETTINGS,
        answer_hook,
        state_folder,
    )

    if print_settings:
        shell.print_json(dict(SETTINGS))
        return
    try:
        answer = answer_hook(shell.stdin.read(), state_folder(shell.environment))
    except CortexError as error:
        shell.stderr.write(f"cortex: {error}\n")
        return
    except Exception as error:  # a bug of ours must not break somebody's session
        shell.stderr.write(f"cortex: {type(error).__name__}: {error}\n")
        return
    shell.stdout.write(answer.output)
    if answer.note:
        shell.stderr.write(f"{answer.note}\n")
