"""Write help texts and output in the README anew, by running the commands.

    python docs/generate.py

A block begins with `<!-- $ COMMAND -->` and ends with `<!-- end -->`; what stands between is made here.
`tests/test_docs.py` holds that it is what the commands print now.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"

_BLOCK = re.compile(r"<!-- \$ (.*?) -->\n.*?<!-- end -->", re.DOTALL)


def generate(text: str) -> str:
    """Return a document with all of its blocks made anew."""
    return _BLOCK.sub(_block, text)


def _block(match: re.Match[str]) -> str:
    command = match[1]
    return f"<!-- $ {command} -->\n```console\n$ {command}\n{run(command)}```\n<!-- end -->"


def run(command: str) -> str:
    """Run a `cortex` command and return what it prints, as on a page of 80 columns."""
    name, *arguments = shlex.split(command)
    assert name == "cortex", command
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-m", "cortex_cli", *arguments],
            cwd=ROOT,
            env={**environment, "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
    return done.stdout


if __name__ == "__main__":
    README.write_text(generate(README.read_text(encoding="utf-8")), encoding="utf-8")
