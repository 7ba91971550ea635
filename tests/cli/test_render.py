"""The parts of a report that not every run has."""

import io
import os
import pty
import subprocess
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from cortex_cli.cli.render import MAX_DROPPED, MAX_TOOLS, print_report
from cortex_cli.cli.render_changes import print_changes
from cortex_cli.cli.shell import make_console
from cortex_cli.report import ChangeReport, Facts, LayerReport, Report, Side
from cortex_cli.targets import Written
from tests.cli.command import ROOT, SAMPLES


def _change(number: int, tool: str, action: str = "placeholder", **fields: object) -> ChangeReport:
    values = {"line": number + 1, "id": "", "part": 0, "tokens_before": 100 + number, "tokens_after": 10, **fields}
    return ChangeReport(message=number, tool=tool, action=action, **values)  # type: ignore[arg-type]


def _report(*changes: ChangeReport, **fields: object) -> Report:
    layer = LayerReport("micro", bool(changes), "because", 10_000, 4_000, changes)
    report = Report(
        command="compact",
        input=Side("s.jsonl", 20, 10_000, bytes=40_000, format="openai"),
        output=Side("o.jsonl", 15, 4_000, bytes=9_000),
        window=8_000,
        window_source="--window",
        budget=8_000,
        tokenizer="o200k_base",
        counter="counter 1.0",
        layers=(layer,),
    )
    return replace(report, **fields)  # type: ignore[arg-type]


def _print(report: Report, written: Written | None = None, *, verbose: bool = False) -> str:
    stream = io.StringIO()
    print_report(make_console(stream, {}), report, written or Written("o.jsonl", 9_000), verbose=verbose)
    return stream.getvalue()


def test_a_window_that_is_too_small_is_seen() -> None:
    """A bar cannot be longer than full; the figure says how far over it is."""
    text = _print(_report())
    assert "125% of 8k" in text
    assert "50% of 8k" in text
    assert "5 messages fewer" in text


def test_many_tools_are_summed_up() -> None:
    """The biggest savings are named, the rest is one line."""
    text = _print(_report(*(_change(number, f"tool{number}") for number in range(MAX_TOOLS + 4))))
    assert "tool11" in text
    assert "tool0 " not in text
    assert "4 others" in text


def test_dropped_words_of_a_person_are_quoted() -> None:
    """What somebody typed never leaves in silence; -v quotes all of it."""
    changes = [
        _change(number, "", "dropped", part=-1, typed=True, before=f"wish {number}")
        for number in range(MAX_DROPPED + 5)
    ]
    text, whole = (_print(_report(*changes), verbose=verbose) for verbose in (False, True))
    assert f"{MAX_DROPPED + 5} messages that a person wrote left" in text
    assert "message 3, line 4" in text
    assert "wish 3" in text
    assert "wish 12" not in text
    assert "5 more; -v shows them" in text
    assert "wish 12" in whole


def test_repairs_cost_facts_overhead_and_scale_are_told() -> None:
    """Everything that decided stands in the report."""
    cost = {
        "model": "m1",
        "per_call_before_usd": 1.5,
        "per_call_after_usd": 0.0123,
        "cache_rewrite_usd": 0.5,
        "break_even_calls": None,
    }
    text = _print(
        _report(
            repairs=(_change(4, "Bash", "repaired", before="orphan"),),
            cost=cost,
            facts=Facts(found=12, kept=11, lost=("port 8473",)),
            budget=6_000,
            model_scale=1.16,
            model_scale_source="a source",
            warnings=("s.jsonl:3: torn last line, kept as it is",),
            input=Side("-", 20, 10_000, format="openai", overhead_tokens=700),
        )
    )
    for piece in (
        "standard input",
        "1 repair made first:",
        "orphan",
        "$1.50 -> $0.0123  (m1",
        "$0.5000 once, never paid back",
        "11 of 12 kept",
        "lost  port 8473",
        "budget 6,000",
        "700 tokens are sent with every call",
        "1.16 model tokens for one of ours: a source",
        "warning: s.jsonl:3: torn last line, kept as it is",
    ):
        assert piece in text


@pytest.mark.parametrize(
    ("written", "piece"),
    [
        (Written("-", 9_000), "done; 9.0 kB on standard output"),
        (Written("o.jsonl", 9_000), "done; wrote o.jsonl (9.0 kB, was 40.0 kB)"),
        (Written("s.jsonl", 9_000, backup="s.jsonl.bak"), "; what it was is in s.jsonl.bak"),
    ],
)
def test_the_last_line_says_where_the_result_is(written: Written, piece: str) -> None:
    """It is the line that people look for."""
    assert piece in _print(_report(_change(1, "Read")), written)


def test_removed_lines_are_dimmed_and_counted() -> None:
    """A change of a long text is shown by its edges; -v shows it all."""
    before = "same\n" + "".join(f"old {number}\n" for number in range(40)) + "end"
    report = _report(_change(1, "Read", before=before, after="same\nnew\nend"))
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, color_system="standard", width=80, _environ={})
    print_changes(console, report)
    shown = stream.getvalue()
    assert "\x1b[2mold 0" in shown
    assert "\x1b[32mnew" in shown
    assert "28 lines more; -v shows them" in shown
    assert "old 20" not in shown


def test_on_a_terminal_it_is_coloured_and_elsewhere_not() -> None:
    """NO_COLOR is obeyed, too."""
    command = [sys.executable, "-m", "cortex_cli", "stats", str(SAMPLES / "openai.jsonl"), "--tokenizer", "heuristic"]
    seen = {}
    for no_color in ("", "1"):
        ours, theirs = pty.openpty()
        environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "NO_COLOR": no_color, "COLUMNS": "100"}
        subprocess.run(command, cwd=ROOT, env=environment, stdout=theirs, check=True, timeout=60)
        os.close(theirs)
        seen[no_color] = os.read(ours, 100_000)
        os.close(ours)
    assert b"\x1b[36m" in seen[""]
    assert b"\x1b[36m" not in seen["1"]
    assert "█".encode() in seen["1"]
