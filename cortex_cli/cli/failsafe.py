"""`cortex failsafe`: layer 3 only."""

from dataclasses import replace

from cortex_cli.cli.options import OutputOptions, ReportOptions, Sources, command
from cortex_cli.cli.shell import Shell
from cortex_cli.settings_load import LoadedSettings


@command("shared", "failsafe", without=("layers",))
def failsafe(
    shell: Shell, loaded: LoadedSettings, output: OutputOptions, report: ReportOptions, sources: Sources = None
) -> None:
    """Drop the oldest messages until it fits: layer 3 only.

    It acts at --failsafe-threshold of the window, or as far as --fit says.
    """
    from cortex_cli.cli.running import Runner  # noqa: PLC0415  # `--help` needs no pipeline

    Runner("failsafe", shell, replace(loaded.settings, layers=("failsafe",)), output, report).run(sources)
