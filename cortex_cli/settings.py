"""Every knob: its key, flag, variable, default, unit and source, in one place.

The fields of `Settings` are the keys of `cortex.toml`; `CORTEX_<KEY>` is the variable; the flag stands
in the field. Values come from defaults < file < environment < flags. This module reads neither files
nor the environment: they are handed in.
"""

from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Self, get_type_hints

from cortex_cli.knobs import Knob, Share, Size, as_knob
from cortex_cli.knobs import knob as _knob
from cortex_cli.presets import find_preset

__all__ = ["DEFAULT_LAYERS", "LAYER_NAMES", "Knob", "Settings", "Share", "Size", "knobs"]


LAYER_NAMES = ("cap", "micro", "summary", "observe", "failsafe")
"""Layers that there are, in the order in which they run. Source: DESIGN section 1."""

DEFAULT_LAYERS = ("cap", "micro", "summary", "failsafe")
"""`summary` stands for layer 2, whatever the strategy makes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one run. Sizes are in tokens unless the name says otherwise."""

    format: str = _knob(
        "auto", "--format", "name", "shared", "Transcript format; `auto` looks at the content.", "DESIGN 4"
    )
    tokenizer: str = _knob(
        "o200k_base", "--tokenizer", "name", "shared", "o200k_base, cl100k_base or heuristic.", "SPEC 1"
    )
    window: int = _knob(
        0, "--window", "tokens", "shared", "Context window; default: from file or model, else 200k.", "DESIGN 4", 1
    )
    model: str = _knob("", "--model", "name", "shared", "Model, for window, price and cache rules.", "DESIGN 4")
    budget: Size = _knob(
        0,
        "--budget",
        "tokens or % of the window",
        "shared",
        "A smaller limit for layers 1 and 2; default: the window.",
        "SPEC 0",
        1,
    )
    fit: Size = _knob(
        0, "--fit", "tokens or % of the messages", "shared", "Make the result at most this large.", "SPEC 5", 1
    )
    layers: tuple[str, ...] = _knob(
        DEFAULT_LAYERS, "--layers", "names", "shared", "Layers to run.", "DESIGN 4", choices=LAYER_NAMES
    )
    strategy: str = _knob(
        "classic",
        "--strategy",
        "name",
        "shared",
        "What layer 2 is: a summary, or a log of observations that grows.",
        "SPEC 6",
        choices=("classic", "observational"),
    )
    until: str = _knob(
        "", "--until", "message", "shared", "Compact only what stands before this message (index or id).", "DESIGN 4"
    )
    strict: bool = _knob(False, "--strict", "switch", "shared", "Damaged input is an error.", "DESIGN 4")
    repair: bool = _knob(
        True, "--repair/--no-repair", "switch", "shared", "Mend broken call/result pairs first.", "SPEC 10"
    )
    drop_thinking: bool = _knob(
        False, "--drop-thinking", "switch", "shared", "Take the thinking of finished turns out.", "DESIGN 4"
    )
    trim_inputs: int = _knob(
        0, "--trim-inputs", "characters", "shared", "Shorten longer strings in old call arguments; 0: off.", "DESIGN 4"
    )
    keep_history: bool = _knob(
        False, "--keep-history", "switch", "shared", "Leave the records before a compaction in the file.", "SPEC 11"
    )
    archive: str = _knob(
        "",
        "--archive",
        "path",
        "shared",
        "Keep originals there: a SQLite file, or a folder (NAME/) of plain files.",
        "DESIGN 4",
    )
    now: str = _knob(
        "", "--now", "ISO 8601", "shared", "The time it is; empty: the newest time in the transcript.", "SPEC 4"
    )
    cache: str = _knob(
        "",
        "--cache",
        "PROVIDER[:none|short|long]",
        "shared",
        "Whose prompt cache may still hold this session: while it does, old results stay as they are.",
        "SPEC 7",
    )
    adaptive: bool = _knob(
        False, "--adaptive", "switch", "shared", "Summarise earlier where nobody typed for five minutes.", "SPEC 8"
    )

    max_result_tokens: int | None = _knob(
        None,
        "--max-result",
        "tokens",
        "caps",
        "Largest single result; default 50000, at most 25 % of the budget; 0: no limit.",
        "SPEC 2",
    )
    max_aggregate_turn_tokens: int | None = _knob(
        None,
        "--max-turn",
        "tokens",
        "caps",
        "Largest sum of the results of one assistant message; default 150000, at most 60 % of the budget; 0: no limit.",
        "SPEC 2",
        None,
    )

    trim_floor_ratio: float = _knob(
        0.25, "--trim-floor", "share of the budget", "micro", "Below this utilization nothing is trimmed.", "SPEC 3"
    )
    hot_zone_min_tokens: int | None = _knob(
        None,
        "--hot-zone-min",
        "tokens",
        "micro",
        "Newest tokens left alone, at least; default 16000, at most half the budget.",
        "SPEC 3",
    )
    hot_zone_ratio: float = _knob(
        0.05, "--hot-zone-ratio", "share of the budget", "micro", "Newest share left alone, at least.", "SPEC 3"
    )
    bookend_max_chars: int = _knob(
        2000, "--bookend-max", "characters a side", "micro", "Longest bookend, at the edge of the hot zone.", "SPEC 3"
    )
    bookend_min_chars: int = _knob(256, "--bookend-min", "characters a side", "micro", "Shortest bookend.", "SPEC 3")
    degradation_span_ratio: float = _knob(
        0.40, "--degradation-span", "share of the budget", "micro", "Distance over which bookends shrink.", "SPEC 3"
    )
    extended_retention_multiplier: float | None = _knob(
        None,
        "--retention",
        "factor",
        "micro",
        "Hot zone of non-reproducible results; default 1.5, 1.0 with an archive.",
        "SPEC 3",
    )
    keep_last_results: int = _knob(
        0, "--keep-last-results", "results", "micro", "Newest results never trimmed.", "SPEC 3"
    )
    keep_tools: tuple[str, ...] = _knob(
        (), "--keep-tool", "names", "micro", "Tools whose results are never trimmed.", "SPEC 3"
    )
    tool_categories: tuple[str, ...] = _knob(
        (),
        "--tool-category",
        "NAME=KIND",
        "micro",
        "rereadable, non-reproducible, ephemeral or computational.",
        "SPEC 3",
    )
    rescue: bool = _knob(
        True,
        "--rescue/--no-rescue",
        "switch",
        "micro",
        "Keep telling lines from the middle of trimmed results.",
        "SPEC 3",
    )

    threshold: float = _knob(
        0.70, "--threshold", "share of the budget", "summary", "At or above it old turns are summarised.", "SPEC 4"
    )
    keep_recent_messages: int | None = _knob(
        None,
        "--keep-recent",
        "messages",
        "summary",
        "Newest messages that stay verbatim; default 6, with --fit as many as there is room for beside a summary.",
        "SPEC 4",
    )
    keep_recent_tokens: int = _knob(
        0,
        "--keep-recent-tokens",
        "tokens",
        "summary",
        "Keep this much of the newest instead; 0: count messages.",
        "SPEC 4",
    )
    summary_max_tokens: Size = _knob(
        0,
        "--summary-max",
        "tokens or % of the budget, at most 12k",
        "summary",
        "Size of the summary; 0: 10 % of the budget, 20 % of what it replaces or 12k.",
        "SPEC 4",
    )
    min_gain_ratio: float | None = _knob(
        None,
        "--min-gain",
        "share of the messages",
        "summary",
        "A summary that would free less waits until --failsafe-threshold; default 10 %, or 2000 tokens.",
        "ours",
    )
    summarizer: str = _knob(
        "builtin",
        "--summarizer",
        "name",
        "summary",
        "What writes summaries.",
        "DESIGN 4",
        choices=("builtin", "openai", "anthropic", "command"),
    )
    llm_url: str = _knob("", "--llm-url", "URL", "summary", "Base URL of the model's API.", "DESIGN 4")
    llm_model: str = _knob("", "--llm-model", "name", "summary", "Model that writes summaries.", "DESIGN 4")
    llm_key_env: str = _knob(
        "", "--llm-key-env", "variable", "summary", "Environment variable that holds the API key.", "DESIGN 4"
    )
    llm_command: str = _knob(
        "", "--llm-command", "command", "summary", "Program that reads the prompt and prints the summary.", "DESIGN 4"
    )
    utility_window_tokens: int = _knob(
        0,
        "--utility-window",
        "tokens",
        "summary",
        "Window of the model that summarises or observes; 0: as known of it, else 64k.",
        "ours",
    )
    focus: str = _knob("", "--focus", "text", "summary", "What the summary should look at most.", "SPEC 4")
    prompt_file: str = _knob("", "--prompt-file", "path", "summary", "Your own prompt instead of ours.", "SPEC 4")
    max_retries: int = _knob(3, "--max-retries", "attempts", "summary", "Attempts to get a summary.", "SPEC 4")
    retry_delay_seconds: float = _knob(
        2.0, "--retry-delay", "seconds", "summary", "First pause between attempts; it grows.", "SPEC 4"
    )
    timeout_seconds: float = _knob(120.0, "--timeout", "seconds", "summary", "Longest silence of the model.", "ours")
    fallback: str = _knob(
        "builtin",
        "--fallback",
        "name",
        "summary",
        "What acts when the model fails.",
        "SPEC 4",
        choices=("builtin", "none"),
    )
    redact: bool = _knob(
        True,
        "--redact/--no-redact",
        "switch",
        "summary",
        "Take secrets out of what is sent and kept in a summary.",
        "SPEC 4",
    )
    max_lost_facts: int | None = _knob(
        None, "--max-lost-facts", "facts", "summary", "More lost facts than this are an error.", "DESIGN 4"
    )
    style: str = _knob(
        "tagged",
        "--style",
        "name",
        "summary",
        "tagged, or store: summary and acknowledgement.",
        "SPEC 4",
        choices=("tagged", "store"),
    )

    activation_ratio: float = _knob(
        0.90, "--activation", "share of the budget", "observe", "At or above it the log takes over.", "SPEC 6"
    )
    buffer_cap_tokens: int = _knob(
        30_000, "--buffer-cap", "tokens", "observe", "Most that is observed at a time.", "SPEC 6", 1
    )
    buffer_min_tokens: int = _knob(
        5_000, "--buffer-min", "tokens", "observe", "Least that is observed at a time.", "SPEC 6"
    )
    buffer_target_cycles: int = _knob(
        4, "--buffer-cycles", "observations", "observe", "Observations aimed at before the log takes over.", "SPEC 6", 1
    )
    reflection_ratio: float = _knob(
        0.20, "--reflection", "share of the budget", "observe", "At or above it the log is condensed.", "SPEC 6"
    )
    reflection_buffer_ratio: float = _knob(
        0.5,
        "--reflection-buffer",
        "share of --reflection",
        "observe",
        "From here it is condensed in the background.",
        "SPEC 6",
    )
    previous_observations_tokens: int = _knob(
        2_000, "--previous-observations", "tokens", "observe", "Newest part of the log the observer sees.", "SPEC 6"
    )
    observer_model: str = _knob(
        "", "--observer-model", "name", "observe", "Model that observes; default: --llm-model.", "DESIGN 4"
    )
    reflector_model: str = _knob(
        "", "--reflector-model", "name", "observe", "Model that condenses the log; default: --llm-model.", "DESIGN 4"
    )
    observer_instruction: str = _knob(
        "", "--observer-instruction", "text", "observe", "What to look at most.", "DESIGN 4"
    )
    reflector_instruction: str = _knob(
        "", "--reflector-instruction", "text", "observe", "What to keep when the log is condensed.", "DESIGN 4"
    )
    state: str = _knob(
        "",
        "--state",
        "path",
        "observe",
        "Memory of earlier runs: only what is new is observed; written anew at the end.",
        "SPEC 6",
    )

    failsafe_threshold: float = _knob(
        0.90,
        "--failsafe-threshold",
        "share of the window",
        "failsafe",
        "At or above it the oldest messages are dropped.",
        "SPEC 5",
    )
    failsafe_target: float = _knob(
        0.80,
        "--failsafe-target",
        "share of the window",
        "failsafe",
        "How far a live session is cut when it fires; files are cut to the threshold.",
        "SPEC 5",
    )
    keep_last_messages: int = _knob(
        3, "--keep-last", "messages", "failsafe", "Newest messages never dropped.", "SPEC 5"
    )
    pin_task: bool = _knob(
        True, "--pin-task/--no-pin-task", "switch", "failsafe", "Keep the first typed message.", "SPEC 5"
    )

    @classmethod
    def preset(cls, name: str, **own: Any) -> Self:
        """Return the settings of a preset: `Settings.preset("cheap", window=200_000)`.

        Args:
            name: `cheap`, `faithful` or `small`.
            own: Further settings; they count more than those of the preset.

        Raises:
            OptionError: There is no such preset.
        """
        return cls(**{**find_preset(name).values, **own})

    @property
    def second_layer(self) -> str:
        """What layer 2 is in this run: `summary` or `observe`; empty where it does not run."""
        if "observe" in self.layers:
            return "observe"
        if "summary" not in self.layers:
            return ""
        return "observe" if self.strategy == "observational" else "summary"


@cache
def knobs() -> tuple[Knob, ...]:
    """Return every setting, in the order of declaration."""
    types = get_type_hints(Settings)
    return tuple(as_knob(one, types[one.name]) for one in fields(Settings))
