"""`cortex convert`: a conversation in another format."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cortex_cli.cli import sources
from cortex_cli.cli.options import Json, OneSource, Quiet, command
from cortex_cli.cli.shell import Shell
from cortex_cli.errors import OptionError
from cortex_cli.files import STDIO, InputFile
from cortex_cli.settings_load import LoadedSettings

if TYPE_CHECKING:
    from cortex_cli.targets import Target


@command(keys=("format",))
def convert(
    shell: Shell,
    loaded: LoadedSettings,
    source: OneSource = None,
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="Format to write; one of them is `codex`.")] = "",
    lossy: Annotated[bool, typer.Option("--lossy", help="Convert also where something is lost; it is listed.")] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="PATH", help="Where to write; `-` for standard output. Default: NAME.FORMAT.EXT."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite an existing output.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Write nothing; list what would be lost.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a conversation in another format.

    As its client would send it on resume: what was compacted away is not converted. What the other format cannot hold
    is listed by kind and number, and nothing is written then without --lossy.
    """
    from cortex_cli import converting, folders  # noqa: PLC0415  # `--help` converts nothing
    from cortex_cli.targets import write_result  # noqa: PLC0415  # the same

    known = ", ".join(converting.TARGETS)
    if not to:
        raise OptionError("no format to convert to", where="--to", hint=f"name one: {known}")
    given = sources.load_one(source, loaded.settings, shell)
    done = converting.convert(given.transcript, to, lossy=lossy or dry_run)
    target = _target_of(given.file, output, to, shell, force=force, dry_run=dry_run)
    if json and target.kind == "stream":
        raise OptionError("standard output has the transcript already", where="--json", hint="add -o PATH")
    # what is written is no longer what was packed
    beside = (
        InputFile(given.file.data, STDIO) if folders.is_session(given.file.path) else given.file._replace(packed=None)
    )
    written = write_result(beside, lambda: [done.data], target, given.transcript, changed=False)
    report = converting.ConversionReport(given.transcript, to, done, written, dry_run=dry_run)
    if json:
        shell.print_json(report.to_json())
    elif not quiet:
        from cortex_cli.cli.render_convert import print_conversion  # noqa: PLC0415  # Rich is slow to import

        print_conversion(shell.out if dry_run else shell.err, report)


def _target_of(source: InputFile, output: str | None, to: str, shell: Shell, *, force: bool, dry_run: bool) -> "Target":
    """Decide where the result goes."""
    from cortex_cli.targets import Target  # noqa: PLC0415  # as above

    if dry_run:
        return Target("none")
    if output == STDIO or (output is None and source.stamp is None):
        return Target("stream", stream=shell.write_data())
    path = _name(Path(source.path), to) if output is None else Path(output)
    if output is not None and path.is_dir():
        path = path / _name(Path("stdin" if source.path == STDIO else source.path), to).name
    return Target("file", path, overwrite=force)


def _name(path: Path, to: str) -> Path:
    """Return the name beside the input: `NAME.FORMAT.EXT`."""
    from cortex_cli import packing  # noqa: PLC0415  # as above
    from cortex_cli.converting import LINES  # noqa: PLC0415  # as above

    stem = Path(path.stem).stem if packing.ending_of(path.name) else path.stem
    return path.with_name(f"{stem}.{to}.{'jsonl' if to in LINES else 'json'}")
