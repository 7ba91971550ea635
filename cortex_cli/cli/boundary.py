"""The one place where errors become exits: at most two lines on standard error, and a code.

Bugs pass through and keep their traceback.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from cortex_cli.cli.plain import one_line
from cortex_cli.errors import CortexError, ExitCode

# Typer brings a Click of its own since some release after 0.16; its error for wrong use is known only as this base.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]


@contextmanager
def boundary() -> Iterator[None]:
    """Turn every expected failure inside into its exit."""
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # a full disk or a closed pipe shows here, not at exit
    except CortexError as error:
        print_error(str(error), error.hint)
        raise typer.Exit(error.exit_code) from error
    except UsageError as error:
        _leave_for_usage(error)
    except KeyboardInterrupt as error:
        raise typer.Exit(ExitCode.INTERRUPTED) from error
    except BrokenPipeError as error:
        _close_quietly()
        raise typer.Exit(ExitCode.FAILED) from error
    except OSError as error:
        if error.filename is not None:
            raise  # files have errors of their own: this one is a bug
        print_error(f"standard output cannot be written: {error.strerror}")
        _close_quietly()
        raise typer.Exit(ExitCode.FAILED) from error


def print_error(message: str, hint: str = "") -> None:
    """Print what went wrong, and how to mend it."""
    lines = [f"error: {one_line(message)}"]
    if hint:
        lines.append(f"hint: {one_line(hint)}")
    typer.echo("\n".join(lines), err=True)


def _leave_for_usage(error: Exception) -> NoReturn:
    """Say what is wrong with the command line, and where its help is."""
    if type(error).__name__ == "NoArgsIsHelpError":
        raise error  # its text is the help, and has been printed
    message, hint = _split_suggestion(str(getattr(error, "format_message", error.__str__)()))
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "cortex"
    print_error(message, hint or f"`{path} --help` shows how it is used")
    raise typer.Exit(ExitCode.BAD_INPUT) from error


_SUGGESTION = re.compile(r"[.\s]*\(?((?:Did you mean|Possible options:).*?)\)?$")


def _split_suggestion(text: str) -> tuple[str, str]:
    text = text.strip().rstrip(".")
    match = _SUGGESTION.search(text)
    message, hint = (text[: match.start()], match[1]) if match else (text, "")
    return message[:1].lower() + message[1:], hint[:1].lower() + hint[1:]


def _close_quietly() -> None:
    """Let nothing more be written to a standard output that is closed, at exit neither."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = None  # Python's own way to say that there is none
