"""`cortex restore`: the original bytes back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cortex_cli import files, folders, packing
from cortex_cli.cli.options import Json, command
from cortex_cli.cli.shell import Shell
from cortex_cli.errors import OptionError
from cortex_cli.files import STDIO
from cortex_cli.settings_load import LoadedSettings

if TYPE_CHECKING:
    from cortex_cli.archive import Restored, Run


@command(keys=("archive",))
def restore(
    shell: Shell,
    loaded: LoadedSettings,
    source: Annotated[
        str | None, typer.Argument(metavar="[OUTPUT]", help="What a compaction wrote: a file, or `-`.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="PATH", help="Where to write; `-` (the default): standard output."),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Show the runs in the archive.")] = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Also into a file edited since, and over an existing one.")
    ] = False,
    json: Json = False,
) -> None:
    """Give the original bytes of a compacted file back, from the archive.

    A file that was edited since is refused; with --force its originals are put back where they still fit.
    """
    from cortex_cli.archive import Archive  # noqa: PLC0415  # `--help` needs no SQLite

    if not loaded.settings.archive:
        raise OptionError("no archive", hint="name it with --archive PATH, or in CORTEX_ARCHIVE")
    archive = Archive(loaded.settings.archive)
    if listing:
        _list(shell, archive.runs(), json=json)
        return
    if source is None:
        raise OptionError("no file to restore", hint="name what the compaction wrote, or give --list")
    file = files.read_stream(shell.stdin) if source == STDIO else folders.read_source(source)
    done = archive.restore(file.data, "" if source == STDIO else source, force=force)
    if output is None or output == STDIO:
        files.write_stream(shell.write_data(), packing.pack([done.data], STDIO, file.packed))
    elif folders.is_session(source):
        folders.write(Path(output), [done.data], overwrite=force)
    else:
        files.write_file(Path(output), packing.pack([done.data], output, file.packed), overwrite=force, mode=file.mode)
    _tell(shell, done, output or STDIO)


def _tell(shell: Shell, done: "Restored", output: str) -> None:
    from cortex_cli.cli.plain import one_line  # noqa: PLC0415  # as above

    said = f"restored {one_line(done.run.input)} ({len(done.data):,} bytes)"
    if output != STDIO:
        said += f" to {one_line(output)}"
    if done.edited:
        said += f"; the file was edited since: {done.added} records more than then, {done.lost} deleted ones are lost"
    shell.stderr.write(f"{said}\n")


def _list(shell: Shell, runs: "tuple[Run, ...]", *, json: bool) -> None:
    from cortex_cli.cli.plain import one_line  # noqa: PLC0415  # as above

    if json:
        shell.print_json({"runs": [run._asdict() for run in runs]})
        return
    for run in runs:
        sizes = f"{run.input_bytes:,} -> {run.output_bytes:,} bytes"
        command = run.about.get("command", "")
        shell.stdout.write(f"{run.made}  {command}  {one_line(run.input)} -> {one_line(run.output)}  {sizes}\n")
