"""`cortex batch`: all transcripts below a directory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from cortex_cli import files
from cortex_cli.cli.boundary import print_error
from cortex_cli.cli.options import Json, Quiet, Verbose, command, whole_number
from cortex_cli.cli.running import check_report_file
from cortex_cli.cli.shell import Shell
from cortex_cli.errors import CortexError
from cortex_cli.settings_load import LoadedSettings


@command("shared", "caps", "micro", "failsafe", without=("until",))
def batch(
    shell: Shell,
    loaded: LoadedSettings,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A directory; everything below it is looked at.")],
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="DIR", help="Write the results there, in the same tree.")
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Write over the inputs; what they were is kept as NAME.EXT.bak.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Write nothing; print what would be saved.")] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite existing outputs.")] = False,
    glob: Annotated[
        list[str] | None,
        typer.Option(
            "--glob", metavar="PATTERN", help="Only files that match. Default: *.jsonl, *.json, *.ndjson, *.traj."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", metavar="PATTERN", help="Leave out what matches, folders too.")
    ] = None,
    jobs: Annotated[
        str | None, typer.Option("--jobs", "-j", metavar="N", help="Processes. Default: one for each core.")
    ] = None,
    json: Json = False,
    report_file: Annotated[
        str | None, typer.Option("--report-file", metavar="PATH", help="Write the report to a file too (.json).")
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Compact all transcripts below a directory.

    Files that are no transcripts, our own outputs (*.compacted.*) and backups (*.bak) are left alone. A bad file
    is named, the others go on, and the exit code is 1. One of -o, --in-place, --dry-run is needed.
    """
    from cortex_cli.batch.job import Job  # noqa: PLC0415  # `--help` needs none of it
    from cortex_cli.batch.local import default_jobs, run_jobs  # noqa: PLC0415  # the same
    from cortex_cli.batch.plan import check_target, plan_directory, target_for  # noqa: PLC0415  # the same
    from cortex_cli.cli.render_batch import print_batch, track  # noqa: PLC0415  # the same
    from cortex_cli.report import batch_report  # noqa: PLC0415  # the same

    root, folder = Path(source), Path(output) if output is not None else None
    check_target(root, output=folder, in_place=in_place, dry_run=dry_run)
    check_report_file(report_file)
    plan = plan_directory(root, globs=glob or (), exclude=exclude or (), output=folder)
    todo = [
        Job(str(path), target_for(path, root, output=folder, in_place=in_place, force=force), loaded.settings)
        for path in plan.paths
    ]
    processes = whole_number(jobs, "--jobs", default=0) or default_jobs([job.path for job in todo])
    done: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    skipped = len(plan.skipped)
    outcomes: Iterator[Any] = run_jobs(todo, processes=processes)
    for outcome in track(shell, outcomes, len(todo), quiet=quiet):
        if outcome.status == "done":
            done.append(outcome.report)
        elif outcome.status == "skipped":
            skipped += 1
        else:
            print_error(outcome.error, outcome.hint)
            failed.append({"path": outcome.path, "error": outcome.error, "hint": outcome.hint})
    done.sort(key=lambda report: report["input"]["path"])
    report = batch_report("batch", done, failed, skipped=skipped)
    if report_file:
        files.write_file(Path(report_file), [shell.json_text(report, ascii_only=False).encode()], overwrite=force)
    if json:
        shell.print_json(report)
    elif not quiet:
        print_batch(shell.out if dry_run else shell.err, report, source, verbose=verbose)
    if failed:
        raise CortexError(f"{len(failed)} of {len(todo)} files failed")
