"""`cortex stats`: where the tokens are."""

from typing import Annotated

import typer

from cortex_cli.cli import sources
from cortex_cli.cli.options import Json, OneSource, command, whole_number
from cortex_cli.cli.shell import Shell
from cortex_cli.settings_load import LoadedSettings

TOP = 10
"""How many of the biggest pieces are named by default."""


@command(keys=("format", "tokenizer", "window", "model"))
def stats(
    shell: Shell,
    loaded: LoadedSettings,
    source: OneSource = None,
    top: Annotated[
        str | None, typer.Option("--top", metavar="N", help=f"How many of the biggest pieces to name. (default {TOP})")
    ] = None,
    json: Json = False,
) -> None:
    """Show where the tokens are.

    By role, by kind of part, by tool, and the biggest single pieces.
    """
    from cortex_cli.stats import measure  # noqa: PLC0415  # named like this function
    from cortex_cli.tokens import make_counter  # noqa: PLC0415  # `--help` counts nothing

    named = whole_number(top, "--top", default=TOP)
    transcript = sources.load_one(source, loaded.settings, shell).transcript
    found = measure(transcript, loaded.settings, make_counter(loaded.settings.tokenizer), top=named)
    if json:
        shell.print_json(found.to_json())
        return
    from cortex_cli.cli.render_stats import print_stats  # noqa: PLC0415  # Rich is slow to import; `--json` needs none

    print_stats(shell.out, found)
