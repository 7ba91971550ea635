"""`cortex compact`: the whole pipeline."""

from typing import Annotated

import typer

from cortex_cli.cli.options import PIPELINE, OutputOptions, ReportOptions, Sources, command
from cortex_cli.cli.shell import Shell
from cortex_cli.settings_load import LoadedSettings

Compare = Annotated[
    bool,
    typer.Option(
        "--compare-strategies", help="Show what summaries and observational memory would make of it; write nothing."
    ),
]


@command(*PIPELINE)
def compact(
    shell: Shell,
    loaded: LoadedSettings,
    output: OutputOptions,
    report: ReportOptions,
    sources: Sources = None,
    compare_strategies: Compare = False,
) -> None:
    """Make a transcript smaller: the whole pipeline."""
    if compare_strategies:
        from cortex_cli.cli.comparing import compare  # noqa: PLC0415  # `--help` needs no pipeline

        compare(sources, loaded.settings, shell, output, report)
        return
    from cortex_cli.cli.running import Runner  # noqa: PLC0415  # `--help` needs no pipeline

    Runner("compact", shell, loaded.settings, output, report).run(sources)
