"""What a command has of the process around it."""

import subprocess
import sys
import weakref
from pathlib import Path

from cortex_cli.cli.shell import keep_until_exit

ROOT = Path(__file__).parents[2]


class _Value:
    """Something that can be seen to go."""


def test_only_the_newest_values_are_kept() -> None:
    """Of many sources no two are held at once."""
    first, second = _Value(), _Value()
    seen = weakref.ref(first), weakref.ref(second)
    keep_until_exit(first)
    del first
    assert seen[0]() is not None
    keep_until_exit(second)
    del second
    assert [one() is None for one in seen] == [True, False]
    keep_until_exit()
    assert seen[1]() is None


def test_what_is_kept_is_not_taken_apart_at_the_end() -> None:
    """The end of the process frees all of it at once."""
    code = """
from cortex_cli.cli.main import run
from cortex_cli.cli.shell import keep_until_exit
class Loud:
    def __del__(self):
        print("let go of", flush=True)
keep_until_exit(Loud())
run()
"""
    done = subprocess.run([sys.executable, "-c", code, "--version"], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.startswith("cortex ")
    assert "let go of" not in done.stdout
