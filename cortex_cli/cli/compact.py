"""`cortex compact`: the whole pipeline."""

from cortex_cli.cli.options import PIPELINE, OutputOptions, ReportOptions, Sources, command
from cortex_cli.cli.shell import Shell
from cortex_cli.settings_load import LoadedSettings


@command(*PIPELINE)
def compact(
    shell: Shell, loaded: LoadedSettings, output: OutputOptions, report: ReportOptions, sources: Sources = None
) -> None:
    """Make a transcript smaller: the whole pipeline."""
    from cortex_cli.cli.running import Runner  # noqa: PLC0415  # `--help` needs no pipeline

    Runner("compact", shell, loaded.settings, output, report).run(sources)
