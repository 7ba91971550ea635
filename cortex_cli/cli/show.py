"""`cortex show`: a transcript to read."""

from typing import Annotated

import typer

from cortex_cli.cli import sources
from cortex_cli.cli.options import OneSource, command
from cortex_cli.cli.shell import Shell
from cortex_cli.settings_load import LoadedSettings


@command(keys=("format",))
def show(
    shell: Shell,
    loaded: LoadedSettings,
    source: OneSource = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    start: Annotated[
        str | None, typer.Option("--from", metavar="MESSAGE", help="First message to show (index or id).")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="MESSAGE", help="First message not to show (index or id).")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show long results whole.")] = False,
) -> None:
    """Print a transcript to read.

    As its client would send it on resume: what was compacted away or left on a side branch is not shown.
    """
    from cortex_cli.compaction import find_message  # noqa: PLC0415  # `--help` needs no pipeline

    transcript = sources.load_one(source, loaded.settings, shell).transcript
    messages = transcript.messages
    first = find_message(messages, start) if start else 0
    last = find_message(messages, until) if until else len(messages)
    chosen = messages[first:last]
    if markdown:
        from cortex_cli.cli.plain import harmless  # noqa: PLC0415  # needed here only
        from cortex_cli.reading import to_markdown  # noqa: PLC0415  # the same

        for piece in to_markdown(transcript, chosen, full=verbose):
            shell.stdout.write(harmless(piece) if shell.stdout.isatty() else piece.encode("utf-8", "replace").decode())
        return
    from cortex_cli.cli.render_show import print_messages  # noqa: PLC0415  # Rich is slow to import

    print_messages(shell.out, transcript, chosen, full=verbose)
