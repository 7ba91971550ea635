"""`cortex micro`: caps and layer 1 only."""

from dataclasses import replace

from cortex_cli.cli.options import OutputOptions, ReportOptions, Sources, command
from cortex_cli.cli.shell import Shell
from cortex_cli.settings_load import LoadedSettings


@command("shared", "caps", "micro", without=("layers",))
def micro(
    shell: Shell, loaded: LoadedSettings, output: OutputOptions, report: ReportOptions, sources: Sources = None
) -> None:
    """Shorten old tool results: caps and microcompaction only.

    It acts however empty the window is, unless --trim-floor is given.
    """
    from cortex_cli.cli.running import Runner  # noqa: PLC0415  # `--help` needs no pipeline

    settings = replace(loaded.settings, layers=("cap", "micro"))
    if not loaded.by_flag("trim_floor_ratio"):
        settings = replace(settings, trim_floor_ratio=0.0)
    Runner("micro", shell, settings, output, report).run(sources)
