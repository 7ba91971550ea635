"""`cortex batch`: all transcripts below a directory."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from cortex_cli import files
from cortex_cli.cli.boundary import print_error
from cortex_cli.cli.options import PIPELINE, Quiet, Verbose, check_report_file, command, whole_number
from cortex_cli.cli.shell import Shell
from cortex_cli.errors import CortexError
from cortex_cli.settings_load import LoadedSettings

if TYPE_CHECKING:
    from cortex_cli.batch.job import Job, Outcome


class BatchOptions(NamedTuple):
    """Which files, and where the results go."""

    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="DIR", help="Write the results there, in the same tree.")
    ] = None
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Write over the inputs; what they were is kept as NAME.EXT.bak.")
    ] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Write nothing; print what would be saved.")] = False
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite existing outputs.")] = False
    glob: Annotated[
        list[str] | None,
        typer.Option(
            "--glob", metavar="PATTERN", help="Only files that match. Default: *.jsonl, *.json, *.ndjson, *.traj."
        ),
    ] = None
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", metavar="PATTERN", help="Leave out what matches, folders too.")
    ] = None
    jobs: Annotated[
        str | None, typer.Option("--jobs", "-j", metavar="N", help="Processes. Default: one for each core.")
    ] = None
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on standard output.")] = False
    report_file: Annotated[
        str | None, typer.Option("--report-file", metavar="PATH", help="Write the report to a file too (.json).")
    ] = None
    quiet: Quiet = False
    verbose: Verbose = False


@command(*PIPELINE, without=("until",))
def batch(
    shell: Shell,
    loaded: LoadedSettings,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A directory; everything below it is looked at.")],
    options: BatchOptions,
) -> None:
    """Compact all transcripts below a directory.

    Files that are no transcripts, our own outputs (*.compacted.*) and backups (*.bak) are left alone. A bad file
    is named, the others go on, and the exit code is 1. One of -o, --in-place, --dry-run is needed.
    """
    from cortex_cli.batch.local import default_jobs, run_jobs  # noqa: PLC0415  # `--help` needs none of it
    from cortex_cli.cli.render_batch import track  # noqa: PLC0415  # the same

    todo, skipped = _plan(source, options, loaded, shell)
    processes = whole_number(options.jobs, "--jobs", default=0) or default_jobs([job.path for job in todo])
    outcomes = track(shell, run_jobs(todo, processes=processes), len(todo), quiet=options.quiet)
    report = _collect(outcomes, skipped)
    _give(shell, report, source, options)
    if failed := report["failed"]:
        raise CortexError(f"{len(failed)} of {len(todo)} files failed")


def _plan(source: str, options: BatchOptions, loaded: LoadedSettings, shell: Shell) -> "tuple[list[Job], int]":
    """Return what is to be done, and how many files are left alone for their names."""
    from cortex_cli.batch.job import Job  # noqa: PLC0415  # `--help` needs none of it
    from cortex_cli.batch.plan import check_target, plan_directory, target_for  # noqa: PLC0415  # the same
    from cortex_cli.summarizers import key_environment  # noqa: PLC0415  # the same

    root, output = Path(source), Path(options.output) if options.output is not None else None
    check_target(root, output=output, in_place=options.in_place, dry_run=options.dry_run)
    check_report_file(options.report_file)
    plan = plan_directory(root, globs=options.glob or (), exclude=options.exclude or (), output=output)
    targets = (
        target_for(path, root, output=output, in_place=options.in_place, force=options.force) for path in plan.paths
    )
    environment = key_environment(loaded.settings, shell.environment)
    todo = [
        Job(str(path), target, loaded.settings, environment) for path, target in zip(plan.paths, targets, strict=True)
    ]
    return todo, len(plan.skipped)


def _collect(outcomes: "Iterable[Outcome]", skipped: int) -> dict[str, Any]:
    """Gather how each file went; a failure is told at once."""
    from cortex_cli.report import batch_report  # noqa: PLC0415  # `--help` needs none of it

    done: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    for outcome in outcomes:
        if outcome.status == "done":
            done.append(outcome.report)
        elif outcome.status == "skipped":
            skipped += 1
        else:
            print_error(outcome.error, outcome.hint)
            failed.append({"path": outcome.path, "error": outcome.error, "hint": outcome.hint})
    done.sort(key=lambda report: str(report["input"]["path"]))
    failed.sort(key=lambda failure: failure["path"])
    return batch_report("batch", done, failed, skipped=skipped)


def _give(shell: Shell, report: dict[str, Any], source: str, options: BatchOptions) -> None:
    if options.report_file:
        text = shell.json_text(report, ascii_only=False)
        files.write_file(Path(options.report_file), [text.encode()], overwrite=options.force)
    if options.json:
        shell.print_json(report)
    elif not options.quiet:
        from cortex_cli.cli.render_batch import print_batch  # noqa: PLC0415  # Rich is slow to import

        print_batch(shell.out if options.dry_run else shell.err, report, source, verbose=options.verbose)
