"""The process as commands see it: streams, environment, folder. Made in one place and handed in."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 80
"""Columns of a report that goes to no terminal."""

LONG_BYTES = 5_000_000
"""Input from which work takes long enough to be shown: about half a second."""

MIN_WIDTH = 40
"""Columns below which no table can be read."""

_kept: list[object] = []
_kept.append(_kept)  # a cycle: only a look for cycles frees it, and `main.run` spares the exit that look


def keep_until_exit(*values: object) -> None:
    """Hold values until the process ends, in the place of those that were held before.

    The end gives all memory back at once; to let go of a long session before, value by value, takes a twentieth of
    the time of all that was done with it.
    """
    _kept[1:] = values


@dataclass(frozen=True)
class Shell:
    """What a command has of the world around it."""

    stdin: BinaryIO
    stdin_is_terminal: bool
    stdout: TextIO
    stderr: TextIO
    environment: Mapping[str, str]
    folder: Path

    @classmethod
    def of_this_process(cls) -> "Shell":
        """Take the streams as they are now: tests put theirs in the place of the process's.

        A stream that is closed (`<&-`) is None in Python; the null device stands in for it.
        """
        stdin = sys.stdin or _null("r")
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # a terminal that is not UTF-8 gets a `?`, not a traceback
        return cls(
            stdin=stdin.buffer,
            stdin_is_terminal=sys.stdin is None or stdin.isatty(),
            stdout=sys.stdout or _null("w"),
            stderr=sys.stderr or _null("w"),
            environment=os.environ,
            folder=Path.cwd(),
        )

    @cached_property
    def out(self) -> "Console":
        """Console for what was asked for, as text."""
        return make_console(self.stdout, self.environment)

    @cached_property
    def err(self) -> "Console":
        """Console for everything else."""
        return make_console(self.stderr, self.environment)

    def write_data(self) -> BinaryIO:
        """Return standard output for bytes."""
        self.stdout.flush()
        return self.stdout.buffer

    @contextmanager
    def working(self, text: str, size_bytes: int, *, quiet: bool = False) -> Iterator[None]:
        """Show on a terminal that something large is being worked on."""
        if quiet or size_bytes < LONG_BYTES or not self.stderr.isatty():
            yield
            return
        from cortex_cli.cli.plain import one_line  # noqa: PLC0415  # `--version` needs none of it

        with self.err.status(one_line(text)):
            yield

    def json_text(self, value: object, *, ascii_only: bool) -> str:
        """Write one JSON value for people and programs."""
        import json  # noqa: PLC0415  # only commands that print JSON pay for it

        text = json.dumps(value, ensure_ascii=ascii_only, indent=2)
        return text.encode("utf-8", "replace").decode() + "\n"  # lone surrogates cannot be written

    def print_json(self, value: object, stream: TextIO | None = None) -> None:
        """Print one JSON value, on standard output by default; ASCII only where the stream is not UTF-8."""
        stream = stream or self.stdout
        stream.write(self.json_text(value, ascii_only=not is_utf8(stream)))


def _null(mode: str) -> Any:
    return Path(os.devnull).open(mode, encoding="utf-8")  # open as long as the process lives


def is_utf8(stream: TextIO) -> bool:
    """Tell whether a text stream can carry every character."""
    return (getattr(stream, "encoding", None) or "").lower().replace("-", "").startswith("utf")


def make_console(stream: TextIO, environment: Mapping[str, str], *, form: str | None = None) -> "Console":
    """Make a console on which no text is markup.

    Args:
        stream: Where it writes.
        environment: For NO_COLOR, TERM, COLUMNS.
        form: `rich` for colours also where there is no terminal, `text` for none; None decides by the stream.
    """
    from rich.console import Console  # noqa: PLC0415  # Rich takes longer to import than `--version` may take

    is_rich = form == "rich" or (form is None and stream.isatty())
    columns = environment.get("COLUMNS", "")
    given = max(MIN_WIDTH, int(columns)) if columns.isdecimal() else None
    return Console(
        file=stream,
        color_system="auto" if is_rich else None,
        force_terminal=is_rich,
        no_color=bool(environment.get("NO_COLOR")) or None,
        width=given or (None if stream.isatty() else PLAIN_WIDTH),
        markup=False,
        highlight=False,
        emoji=False,
        _environ=environment,
    )
