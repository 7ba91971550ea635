"""`cortex summarize`: layer 2 only."""

from dataclasses import replace

from cortex_cli.cli.options import MODEL_KEYS, OutputOptions, ReportOptions, Sources, command
from cortex_cli.cli.shell import Shell
from cortex_cli.settings_load import LoadedSettings


@command("shared", "summary", without=("layers", *MODEL_KEYS))
def summarize(
    shell: Shell, loaded: LoadedSettings, output: OutputOptions, report: ReportOptions, sources: Sources = None
) -> None:
    """Put a summary in the place of old turns: layer 2 only.

    It acts however empty the window is, unless --threshold is given.
    """
    from cortex_cli.cli.running import Runner  # noqa: PLC0415  # `--help` needs no pipeline

    settings = replace(loaded.settings, layers=("summary",))
    if not loaded.by_flag("threshold"):
        settings = replace(settings, threshold=0.0)
    Runner("summarize", shell, settings, output, report).run(sources)
