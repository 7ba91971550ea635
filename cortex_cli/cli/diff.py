"""`cortex diff`: two transcripts side by side."""

from typing import Annotated

import typer

from cortex_cli.cli import sources
from cortex_cli.cli.options import Json, Verbose, command
from cortex_cli.cli.shell import Shell
from cortex_cli.settings_load import LoadedSettings

_SIDE = "A file, `-` for standard input, or a session."


@command(keys=("format", "tokenizer"))
def diff(
    shell: Shell,
    loaded: LoadedSettings,
    before: Annotated[str, typer.Argument(metavar="A", help=_SIDE)],
    after: Annotated[str, typer.Argument(metavar="B", help=_SIDE)],
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Compare two transcripts: what left, what stayed, what changed."""
    from cortex_cli.comparing import compare  # noqa: PLC0415  # `--help` compares nothing
    from cortex_cli.tokens import make_counter  # noqa: PLC0415  # the same

    sources.named_sources([before, after], shell)
    counter = make_counter(loaded.settings.tokenizer)
    one, other = (sources.load_one(name, loaded.settings, shell).transcript for name in (before, after))
    found = compare(one, other, counter)
    if json:
        shell.print_json(found.to_json())
        return
    from cortex_cli.cli.render_diff import print_difference  # noqa: PLC0415  # Rich is slow to import

    print_difference(shell.out, found, verbose=verbose)
