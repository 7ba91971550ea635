"""`cortex observe`: observational memory only."""

from dataclasses import replace

from cortex_cli.cli.options import OutputOptions, ReportOptions, Sources, command
from cortex_cli.cli.shell import Shell
from cortex_cli.settings_load import LoadedSettings

MODEL_KEYS = (
    "keep_recent_messages",
    "keep_recent_tokens",
    "summarizer",
    "llm_url",
    "llm_model",
    "llm_key_env",
    "llm_command",
    "utility_window_tokens",
    "max_retries",
    "retry_delay_seconds",
    "timeout_seconds",
    "fallback",
    "redact",
    "max_lost_facts",
)
"""Settings of summaries that hold for observations too."""


@command("shared", "observe", keys=MODEL_KEYS, without=("layers", "strategy"))
def observe(
    shell: Shell, loaded: LoadedSettings, output: OutputOptions, report: ReportOptions, sources: Sources = None
) -> None:
    """Put a growing log in the place of old turns: memory only.

    It acts however empty the window is, unless --activation is given; the newest turns stay.
    """
    from cortex_cli.cli.running import Runner  # noqa: PLC0415  # `--help` needs no pipeline

    settings = replace(loaded.settings, layers=("observe",), strategy="observational")
    if not loaded.by_flag("activation_ratio"):
        settings = replace(settings, activation_ratio=0.0)
    Runner("observe", shell, settings, output, report).run(sources)
