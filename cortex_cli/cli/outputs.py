"""From options to the place where each result goes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cortex_cli import files
from cortex_cli.cli.options import PAGE_ENDING, OutputOptions
from cortex_cli.cli.shell import Shell
from cortex_cli.errors import OptionError
from cortex_cli.files import STDIO, InputFile
from cortex_cli.targets import Target


def check_options(options: OutputOptions, sources: list[str], *, json: bool) -> None:
    """Refuse options that say different things about the output.

    Raises:
        OptionError: They do.
    """
    given = {"--output": options.output is not None, "--in-place": options.in_place, "--fork": options.fork}
    places = [flag for flag, is_given in given.items() if is_given]
    if len(places) > 1:
        hint = f"give one of them, {places[0]} or {places[1]}"
        raise OptionError("a result goes to one place", where=" ".join(places), hint=hint)
    if options.in_place and STDIO in sources:
        raise OptionError("standard input has no place to be written over", where="--in-place", hint="use -o PATH")
    if options.output is not None and len(sources) > 1 and not Path(options.output).is_dir():
        hint = "give a directory, or leave it out: each result then stands beside its input"
        raise OptionError(f"{len(sources)} inputs and one output", where="--output", hint=hint)
    if json and not options.dry_run and any(_goes_to_stdout(source, options) for source in sources):
        hint = "add -o PATH, or use --report json (standard error) or --report-file PATH"
        raise OptionError("standard output has the transcript already", where="--json", hint=hint)


def _goes_to_stdout(source: str, options: OutputOptions) -> bool:
    if options.in_place or options.fork:
        return False
    return options.output == STDIO or (options.output is None and source == STDIO)


def target_of(source: InputFile, options: OutputOptions, shell: Shell) -> Target:
    """Decide where the result of one input goes."""
    if options.dry_run:
        return Target("none")
    if options.in_place:
        return Target("in-place")
    if options.fork:
        return Target("fork", environment=shell.environment)
    is_piped = options.output is None and source.stamp is None  # `<(zcat ...)`: there is no place beside it
    if is_piped or _goes_to_stdout(source.path, options):
        return Target("stream", stream=shell.write_data())
    return Target("file", _path(source.path, options), overwrite=options.force)


def _path(source: str, options: OutputOptions) -> Path:
    if options.output is None:
        return files.compacted_name(Path(source))
    if Path(options.output).is_dir():
        name = "stdin.compacted" if source == STDIO else files.compacted_name(Path(source)).name
        return Path(options.output) / name
    return Path(options.output)


def write_report(
    shell: Shell, path: str, data: Mapping[str, Any], make_page: Callable[[Mapping[str, Any]], str], *, overwrite: bool
) -> None:
    """Write a report to a file: as a page or as JSON, by its name.

    Raises:
        CortexError: The file is there, or cannot be written.
    """
    text = make_page(data) if path.lower().endswith(PAGE_ENDING) else shell.json_text(data, ascii_only=False)
    files.write_file(Path(path), [text.encode()], overwrite=overwrite)
