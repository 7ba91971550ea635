"""`cortex summarize`: layer 2 only."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from cortex_cli.cli.options import OutputOptions, ReportOptions, Sources, command
from cortex_cli.cli.shell import Shell
from cortex_cli.settings_load import LoadedSettings

PrintPrompt = Annotated[
    bool, typer.Option("--print-prompt", help="Print exactly what a model would be sent, and send nothing.")
]
SummaryFile = Annotated[
    str, typer.Option("--summary-file", metavar="FILE", help="Put this reviewed summary in, under the same checks.")
]

UNTRIGGERED: dict[str, Any] = {"threshold": 0.0, "min_gain_ratio": None, "strategy": "classic"}
"""What a summary that was asked for by name does not wait for; flags count more."""


@command("shared", "summary", without=("layers",))
def summarize(
    shell: Shell,
    loaded: LoadedSettings,
    output: OutputOptions,
    report: ReportOptions,
    sources: Sources = None,
    print_prompt: PrintPrompt = False,
    summary_file: SummaryFile = "",
) -> None:
    """Put a summary in the place of old turns: layer 2 only.

    It acts however empty the window is, unless --threshold or --min-gain is given.
    """
    from cortex_cli.cli import running  # noqa: PLC0415  # `--help` needs no pipeline
    from cortex_cli.summarizers.model import accept_file  # noqa: PLC0415  # the same

    settings = replace(loaded.settings, layers=("summary",))
    for key, value in UNTRIGGERED.items():
        if not loaded.by_flag(key):
            settings = replace(settings, **{key: value})
    if print_prompt:
        running.print_prompts(sources, settings, shell)
        return
    reviewed = accept_file(summary_file) if summary_file else None
    running.Runner("summarize", shell, settings, output, report, reviewed).run(sources)
