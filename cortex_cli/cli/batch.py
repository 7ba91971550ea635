"""`cortex batch`: all transcripts below a directory, or a data set."""

import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from cortex_cli.batch.paths import is_remote
from cortex_cli.batch.plan import Place, Plan, check_place, plan_files
from cortex_cli.cli.boundary import print_error
from cortex_cli.cli.options import PIPELINE, Quiet, Verbose, check_report_file, command, whole_number
from cortex_cli.cli.outputs import write_report
from cortex_cli.cli.shell import Shell
from cortex_cli.errors import CortexError, OptionError, name_hint
from cortex_cli.settings import Settings
from cortex_cli.settings_load import LoadedSettings
from cortex_cli.summarizers.base import BUILTIN

if TYPE_CHECKING:
    from cortex_cli.batch.job import Outcome
    from cortex_cli.batch.limits import Limits
    from cortex_cli.batch.local import Engine
    from cortex_cli.batch.manifest import Manifest

ENGINES = ("local", "ray")


class HomeOptions(NamedTuple):
    """Which sessions of which client, instead of a SOURCE."""

    claude_code: Annotated[
        bool, typer.Option("--claude-code", help="The sessions of Claude Code on this machine; those in use are left.")
    ] = False
    codex: Annotated[bool, typer.Option("--codex", help="The sessions of Codex.")] = False
    pi: Annotated[bool, typer.Option("--pi", help="The sessions of pi.")] = False
    project: Annotated[
        str | None,
        typer.Option("--project", metavar="P", help="Only sessions of this folder: a path, or a name in it."),
    ] = None
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="Only sessions not written to since (7d, 12h).")
    ] = None


class LimitOptions(NamedTuple):
    """What the calls of a model may come to, over all processes."""

    llm_concurrency: Annotated[
        str | None, typer.Option("--llm-concurrency", metavar="N", help="Model calls at once, over all processes.")
    ] = None
    llm_rpm: Annotated[
        str | None, typer.Option("--llm-rpm", metavar="N", help="Model calls in any minute, over all processes.")
    ] = None
    max_cost: Annotated[
        str | None,
        typer.Option(
            "--max-cost", metavar="USD", help="No model call that could pass it; the rest is summarised without."
        ),
    ] = None


class BatchOptions(NamedTuple):
    """Which files, and where the results go."""

    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="DIR", help="Write the results there, in the same tree.")
    ] = None
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Write over the inputs; what they were is kept as NAME.EXT.bak.")
    ] = False
    fork: Annotated[
        bool, typer.Option("--fork", help="Write new sessions that their client can resume; the old ones stay.")
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
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Only what failed in an earlier run, or whose model did.")
    ] = False
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            metavar="local|ray",
            help="What runs it: processes here, or Ray. (default local)",
            autocompletion=lambda: list(ENGINES),
        ),
    ] = "local"
    address: Annotated[
        str | None,
        typer.Option("--address", metavar="A", help="Of a Ray cluster: auto, ray://HOST:PORT. Default: here."),
    ] = None
    jobs: Annotated[
        str | None, typer.Option("--jobs", "-j", metavar="N", help="Processes. Default: one for each core.")
    ] = None
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on standard output.")] = False
    report_file: Annotated[
        str | None, typer.Option("--report-file", metavar="PATH", help="Write the report to a file too (.json, .html).")
    ] = None
    quiet: Quiet = False
    verbose: Verbose = False


@command(*PIPELINE, without=("until",))
def batch(
    shell: Shell,
    loaded: LoadedSettings,
    options: BatchOptions,
    home: HomeOptions,
    limit: LimitOptions,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[SOURCE]", help="A directory or a URL (s3://...): all below it is looked at. Or a data set."
        ),
    ] = None,
) -> None:
    """Compact all transcripts below a directory.

    Files that are no transcripts, our own outputs (*.compacted.*) and backups (*.bak) are left alone. A bad file
    is named, the others go on, and the exit code is 1. One of -o, --in-place, --fork, --dry-run is needed. What
    was done is kept in cortex-batch.jsonl beside the results: run again, it does what is new, changed or failed.
    """
    from cortex_cli.batch.todo import plan_jobs  # noqa: PLC0415  # `--help` needs none of it
    from cortex_cli.cli.render_batch import track  # noqa: PLC0415  # the same
    from cortex_cli.summarizers import key_environment  # noqa: PLC0415  # the same

    check_report_file(options.report_file)
    _check_memory(loaded.settings)
    place, plan = _plan(source, options, home, shell)
    with (
        _manifest(place, shell) as manifest,
        _engine(options) as engine,
    ):
        todo = plan_jobs(
            plan.paths,
            place,
            loaded.settings,
            manifest,
            environment=key_environment(loaded.settings, shell.environment),
            limits=_limits(limit, loaded.settings, engine),
            retry_failed=options.retry_failed,
        )
        outcomes = engine.run_jobs(todo.jobs, begin=manifest.begin)
        tracked = track(shell, _recorded(outcomes, manifest), todo.jobs, quiet=options.quiet)
        report = _collect(tracked, plan, todo.finished)
    _give(shell, report, str(place.root), options)
    _raise_for(report["failed"], len(todo.jobs))


def _manifest(place: Place, shell: Shell) -> "AbstractContextManager[Manifest]":
    """Open what tells of earlier runs; a dry run leaves nothing behind."""
    from cortex_cli.batch import homes, remote  # noqa: PLC0415  # `--help` needs none of it
    from cortex_cli.batch.manifest import Manifest, open_manifest  # noqa: PLC0415  # the same

    if place.home is None:
        return nullcontext(Manifest())
    if is_remote(place.home):
        return remote.open_remote_manifest(place.home, homes.state_folder(shell.environment))
    return open_manifest(place.home)


def _engine(options: BatchOptions) -> "Engine":
    """Return what runs the jobs.

    Raises:
        OptionError: There is no such engine, or it is not installed.
    """
    processes = whole_number(options.jobs, "--jobs", default=0)
    if options.engine == "ray":
        from cortex_cli.batch.on_ray import LOCAL, Cluster  # noqa: PLC0415  # an extra

        return Cluster(options.address or LOCAL, processes)
    if options.engine not in ENGINES:
        raise OptionError(f"no engine {options.engine!r}", where="--engine", hint=name_hint(options.engine, ENGINES))
    if options.address is not None:
        raise OptionError("goes with Ray only", where="--address", hint="add --engine ray")
    from cortex_cli.batch.local import Machine  # noqa: PLC0415  # `--help` needs none of it

    return Machine(processes)


def _check_memory(settings: Settings) -> None:
    """Refuse one memory for many files.

    Raises:
        OptionError: There is one.
    """
    if settings.state:
        raise OptionError("a memory is of one conversation", where="--state", hint="use `cortex compact` for each file")


def _limits(options: LimitOptions, settings: Settings, engine: "Engine") -> "Limits":
    """Read what limits the calls of a model, and say where all processes keep count.

    Raises:
        OptionError: One is no number, or cannot be kept, or there is no model.
    """
    from cortex_cli.batch.limits import Limits, check_limits  # noqa: PLC0415  # `--help` needs none of it

    if settings.summarizer == BUILTIN:
        if given := [name for name, value in options._asdict().items() if value is not None]:
            flag = f"--{given[0].replace('_', '-')}"
            raise OptionError("no model is named that it could limit", where=flag, hint="name one with --summarizer")
        return Limits()
    try:
        most = float(options.max_cost or 0)
    except ValueError:
        raise OptionError(
            f"{options.max_cost!r} is no number", where="--max-cost", hint="US dollars, like 2.50"
        ) from None
    limits = Limits(
        whole_number(options.llm_concurrency, "--llm-concurrency", default=0, least=1),
        whole_number(options.llm_rpm, "--llm-rpm", default=0, least=1),
        most,
    )
    named = {settings.llm_model, settings.observer_model, settings.reflector_model} - {""}
    for model in sorted(named) or [""]:
        check_limits(limits, model)
    return limits._replace(ledger=engine.make_ledger())


def _plan(source: str | None, options: BatchOptions, home: HomeOptions, shell: Shell) -> tuple[Place, Plan]:
    """Return where the batch reads and writes, and the files that are looked at."""
    from cortex_cli.batch import homes  # noqa: PLC0415  # `--help` needs none of it
    from cortex_cli.batch.remote import open_path, told  # noqa: PLC0415  # the same
    from cortex_cli.sessions import CLIENTS  # noqa: PLC0415  # the same

    output = open_path(options.output) if options.output is not None else None
    client = homes.chosen_client(CLIENTS, {"claude-code": home.claude_code, "codex": home.codex, "pi": home.pi})
    if (client is None) == (source is None):
        raise OptionError(
            "name a SOURCE, or a client" if client is None else "a SOURCE and a client exclude each other",
            where="batch",
            hint="a directory, a data set, --claude-code, --codex or --pi",
        )
    if client is None:
        assert source is not None  # just checked
        if home.project or home.older_than or options.fork:
            flag = "--project" if home.project else "--older-than" if home.older_than else "--fork"
            raise OptionError(
                "goes with a client's sessions only", where=flag, hint="add --claude-code, --codex or --pi"
            )
        place = Place.of(open_path(source), output, in_place=options.in_place, force=options.force)
        check_place(place, dry_run=options.dry_run)
        with told(source):
            return place, plan_files(place, globs=options.glob or (), exclude=options.exclude or ())
    place = homes.place_of(
        client, shell.environment, output, in_place=options.in_place, force=options.force, fork=options.fork
    )
    check_place(place, dry_run=options.dry_run)
    older_than = homes.parse_age(home.older_than) if home.older_than else 0.0
    return place, homes.plan_home(
        client, shell.environment, now_seconds=time.time(), older_than_seconds=older_than, project=home.project or ""
    )


def _raise_for(failed: list[dict[str, Any]], total: int) -> None:
    """End with exit code 1 where anything failed.

    Raises:
        CortexError: Files failed, or lines of data sets.
    """
    lines = sum("line" in failure for failure in failed)
    said = []
    if len(failed) > lines:
        said.append(f"{len(failed) - lines} of {total} files failed")
    if lines:
        said.append(f"{lines} lines of data sets could not be read and stay as they are")
    if said:
        raise CortexError("; ".join(said))


def _recorded(outcomes: "Iterable[Outcome]", manifest: "Manifest") -> "Iterator[Outcome]":
    for outcome in outcomes:
        manifest.finish(outcome)
        yield outcome


def _collect(outcomes: "Iterable[Outcome]", plan: Plan, finished: int) -> dict[str, Any]:
    """Gather how each file went; a failure is told at once."""
    from cortex_cli.report import batch_report  # noqa: PLC0415  # `--help` needs none of it
    from cortex_cli.sums import sums_of  # noqa: PLC0415  # the same

    skipped = len(plan.skipped)
    done: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for outcome in outcomes:
        for failure in outcome.failures:
            print_error(failure.error, failure.hint)
            failed.append({"path": outcome.path, "line": failure.line, "error": failure.error, "hint": failure.hint})
        if outcome.status == "skipped":
            skipped += 1
        elif outcome.status == "failed":
            print_error(outcome.error, outcome.hint)
            failed.append({"path": outcome.path, "error": outcome.error, "hint": outcome.hint})
        elif outcome.report:
            done.append(outcome.report)
    done.sort(key=lambda report: str(report["input"]["path"]))
    failed.sort(key=lambda failure: (str(failure["path"]), failure.get("line", 0)))
    report = batch_report("batch", done, failed, skipped=skipped, finished=finished)
    report["sums"] = sums_of(done, time.time())
    if plan.busy:
        report["in_use"] = [{"path": str(path), "reason": reason} for path, reason in plan.busy]
    return report


def _give(shell: Shell, report: dict[str, Any], source: str, options: BatchOptions) -> None:
    if options.report_file:
        from cortex_cli.pages import batch_page  # noqa: PLC0415  # few ask for a page

        write_report(shell, options.report_file, report, batch_page, overwrite=options.force)
    if options.json:
        shell.print_json(report)
    elif not options.quiet:
        from cortex_cli.cli.render_batch import print_batch  # noqa: PLC0415  # Rich is slow to import

        print_batch(shell.out if options.dry_run else shell.err, report, source, verbose=options.verbose)
