"""How the tests run the command line: in this process, or as a process of its own where streams matter."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from cortex_cli.cli.main import app

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLES = ROOT / "samples"
SMALL = ("--window", "32k", "--fit", "8k", "--now", "2026-03-04T00:00:00Z")
"""Options under which every sample is compacted, to the same bytes each time: some samples hold no times."""


def cortex(*arguments: object, stdin: bytes | str | None = None, env: Mapping[str, str] | None = None) -> Result:
    """Run the command line in this process, at 80 columns; a traceback fails the test."""
    environment = {"COLUMNS": "80", "NO_COLOR": "1", **(env or {})}
    result = CliRunner().invoke(app, [str(one) for one in arguments], input=stdin, env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def spawn(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run it as a process of its own."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
    environment |= options.pop("env", {})
    command = [sys.executable, "-m", "cortex_cli", *map(str, arguments)]
    return subprocess.run(command, env=environment, timeout=60, **{"capture_output": True, **options})
