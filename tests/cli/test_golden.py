"""Reports as people see them, at 80 columns and without colour.

`pytest --update-golden` writes them anew; the difference is read in review.
"""

import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.command import ROOT, SAMPLES, cortex

GOLDEN = ROOT / "tests" / "golden"

PLAIN = "--layers cap,micro,failsafe --no-rescue"
"""Without what chooses words: how well summaries and kept lines are chosen is for other tests."""

CASES = {
    "compact": f"compact samples/openai.jsonl --window 32k {PLAIN} --dry-run",
    "compact-fit": f"compact samples/openai.jsonl --window 32k --fit 8k {PLAIN} --dry-run",
    "compact-verbose": f"compact samples/openai.jsonl --window 32k --fit 8k {PLAIN} --dry-run -v",
    "compact-nothing": "compact samples/axio.json --dry-run",
    "micro": "micro samples/openai.jsonl --window 64k --hot-zone-min 2k --no-rescue --dry-run --show-diff",
    "failsafe": "failsafe samples/openai.jsonl --fit 8k --dry-run",
    "stats": "stats samples/openai.jsonl --top 5",
    "show": "show samples/openai.jsonl --until 8",
    "show-markdown": "show samples/openai.jsonl --from 9 --until 13 --markdown",
    "check": "check samples/openai.jsonl",
    "batch": f"batch samples --window 32k --fit 8k {PLAIN} --glob openai* --glob codex* --dry-run",
}


@pytest.mark.parametrize("name", CASES)
def test_report(name: str, request: pytest.FixtureRequest, chdir_tmp: Path) -> None:
    """A report is the product as most people meet it."""
    shutil.copytree(SAMPLES, chdir_tmp / "samples", ignore=shutil.ignore_patterns("__pycache__"))
    result = cortex(*shlex.split(CASES[name]))
    assert result.exit_code == 0, result.stderr
    shown = f"$ cortex {CASES[name]}\n{_without_time(result.output)}"
    path = GOLDEN / f"{name}.txt"
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")
    assert all(line == line.rstrip() for line in shown.splitlines() if not name.startswith("show"))


def _without_time(text: str) -> str:
    """Leave out what depends on the machine: seconds, and which engine counts."""
    return "".join(line for line in text.splitlines(keepends=True) if "counted by" not in line)


def test_reports_are_no_wider_than_the_page() -> None:
    """Eighty columns are what a split screen has."""
    for path in GOLDEN.glob("*.txt"):
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        to_copy = ("hint: ", "warning: ", "done; ")  # paths and commands stay whole
        long = [line for line in lines if len(line) > 80 and not line.startswith(to_copy)]
        assert path.stem == "show-markdown" or long == [], path


def test_no_golden_report_is_left_over() -> None:
    """A file that no test reads is a claim nobody checks."""
    assert {path.stem for path in Path(GOLDEN).glob("*.txt")} == CASES.keys()
