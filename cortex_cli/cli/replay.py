"""`cortex replay`: what strategies would have cost and kept on recorded sessions."""

import csv
import io
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from cortex_cli.cli import sources
from cortex_cli.cli.boundary import print_error
from cortex_cli.cli.options import PAGE_ENDING, PIPELINE, Json, Quiet, Sources, check_report_file, command, whole_number
from cortex_cli.cli.outputs import write_report
from cortex_cli.cli.shell import Shell
from cortex_cli.errors import CortexError, OptionError
from cortex_cli.settings import Settings
from cortex_cli.settings_load import LoadedSettings

if TYPE_CHECKING:
    from cortex_cli.replaying.policies import Strategy
    from cortex_cli.replaying.results import Replay

LEAST_FACTS = 0.9
"""Share of the facts that the cheapest setting of a sweep has to keep, by default."""


class ReplayOptions(NamedTuple):
    """What is compared."""

    strategies: Annotated[
        str | None,
        typer.Option("--strategies", metavar="NAMES", help="Strategies to compare, with commas. Default: all."),
    ] = None
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            "--sweep", metavar="KEY=A:B:STEP", help="Compare values of a setting instead (threshold=0.5:0.9:0.1)."
        ),
    ] = None
    keep_facts: Annotated[
        str | None,
        typer.Option(
            "--keep-facts", metavar="SHARE", help=f"Facts that the cheapest must keep. (default {LEAST_FACTS})"
        ),
    ] = None
    summary_tokens: Annotated[
        str | None,
        typer.Option(
            "--summary-tokens", metavar="N", help="Price summaries as a model's of this size. Default: built-in, free."
        ),
    ] = None
    jobs: Annotated[
        str | None, typer.Option("--jobs", "-j", metavar="N", help="Processes. Default: one for each core.")
    ] = None


class OutputOptions(NamedTuple):
    """How the result is given."""

    json: Json = False
    csv: Annotated[bool, typer.Option("--csv", help="Print a line for each call and strategy, as CSV.")] = False
    report_file: Annotated[
        str | None, typer.Option("--report-file", metavar="PATH", help="Write the report to a file too (.json, .html).")
    ] = None
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite an existing report file.")] = False
    quiet: Quiet = False


@command(*PIPELINE, without=("until", "fit", "archive", "state", "keep_history", "layers", "strategy"))
def replay(
    shell: Shell,
    loaded: LoadedSettings,
    options: ReplayOptions,
    output: OutputOptions,
    sessions: Sources = None,
) -> None:
    """Show what strategies would have cost and kept on a session.

    Every recorded call of the model is walked as it would have happened live, priced with the prompt cache and the
    times of the recording. No model is called and nothing is sent.
    """
    from cortex_cli.replaying.spread import replay_data  # noqa: PLC0415  # `--help` needs none of it

    check_report_file(output.report_file)
    if output.json and output.csv:
        raise OptionError("--json and --csv exclude each other", hint="give one of them")
    compared = _strategies(options, loaded.settings)
    least = _share(options.keep_facts)
    summary_tokens = whole_number(options.summary_tokens, "--summary-tokens", default=0)
    processes = whole_number(options.jobs, "--jobs", default=0)
    names = sources.named_sources(sessions, shell)
    done: list[Replay] = []
    failed: list[tuple[str, CortexError]] = []
    for name in names:
        try:
            file = sources.read(name, shell)
            with shell.working(f"replaying {name}", shell_bytes(len(file.data), len(compared)), quiet=output.quiet):
                done.append(
                    replay_data(
                        bytes(file.data),
                        file.path,
                        compared,
                        loaded.settings,
                        summary_tokens=summary_tokens,
                        processes=processes,
                    )
                )
        except CortexError as error:
            if len(names) == 1:
                raise
            print_error(error.naming(name), error.hint)
            failed.append((name, error))
    _give(shell, done, output, least if options.sweep else None)
    if failed:
        raise CortexError(f"{len(failed)} of {len(names)} sessions failed")


def shell_bytes(size: int, strategies: int) -> int:
    """Return a size by which the work takes as long as other commands' on it."""
    return size * 20 * strategies  # a call looks at all messages before it


def _strategies(options: ReplayOptions, settings: Settings) -> "tuple[Strategy, ...]":
    """Return what is compared.

    Raises:
        OptionError: A name or a range is wrong.
    """
    from cortex_cli.replaying.policies import STRATEGIES, find_strategy  # noqa: PLC0415  # `--help` needs none of it
    from cortex_cli.replaying.sweep import parse_sweep, strategies_of  # noqa: PLC0415  # the same

    del settings
    named = tuple(find_strategy(name.strip()) for name in options.strategies.split(",")) if options.strategies else ()
    if not options.sweep:
        return named or STRATEGIES
    bases = named or (find_strategy("classic"),)
    swept = [one for text in options.sweep for base in bases for one in strategies_of(parse_sweep(text), base.name)]
    return (find_strategy("none"), *swept)


def _share(text: str | None) -> float:
    try:
        value = LEAST_FACTS if text is None else float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise OptionError(f"{text!r} is no share", where="--keep-facts", hint="0.9 or 90%") from None
    if not 0 <= value <= 1:
        raise OptionError(f"{text!r} is out of range", where="--keep-facts", hint="0 to 1, or 0% to 100%")
    return value


def _give(shell: Shell, done: "list[Replay]", output: OutputOptions, least: float | None) -> None:
    reports = [one.to_json() for one in done]
    if output.report_file:
        from cortex_cli.pages import replay_page  # noqa: PLC0415  # few ask for a page

        is_page = output.report_file.lower().endswith(PAGE_ENDING)
        told = [one.to_json(texts=True) for one in done] if is_page else reports
        write_report(shell, output.report_file, _together(told), replay_page, overwrite=output.force)
    if output.json:
        shell.print_json(_together(reports))
    elif output.csv:
        shell.stdout.write(_as_csv(reports))
    elif not output.quiet:
        from cortex_cli.cli.render_replay import print_replay  # noqa: PLC0415  # Rich is slow to import

        for one in done:
            print_replay(shell.out, one, least_facts=least)


def _together(reports: list[dict[str, Any]]) -> dict[str, Any]:
    return reports[0] if len(reports) == 1 else {"version": 1, "command": "replay", "sessions": reports}


def _as_csv(reports: list[dict[str, Any]]) -> str:
    """Write a line for each call."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    columns = (
        "message",
        "time",
        "tokens",
        "cached",
        "written",
        "cache_break",
        "usd",
        "facts_known",
        "facts_kept",
        "cut",
    )
    writer.writerow(("session", "strategy", *columns))
    for report in reports:
        for strategy in report["strategies"]:
            for call in strategy["calls"]:
                writer.writerow((report["input"]["path"], strategy["name"], *(call[name] for name in columns)))
    return stream.getvalue()
