"""From a SOURCE on the command line to its bytes and its transcript."""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from cortex_cli import files, folders, formats, sessions
from cortex_cli.cli.boundary import print_error
from cortex_cli.cli.shell import Shell
from cortex_cli.errors import CortexError, OptionError
from cortex_cli.files import STDIO, InputFile
from cortex_cli.formats.source import Source
from cortex_cli.messages import Transcript
from cortex_cli.settings import Settings

T = TypeVar("T")


class Loaded(NamedTuple):
    """One input, read and understood."""

    file: InputFile
    transcripts: tuple[Transcript, ...]
    """One, or one for each conversation of a data set."""

    @property
    def transcript(self) -> Transcript:
        """The only conversation."""
        return self.transcripts[0]


def named_sources(given: list[str] | None, shell: Shell) -> list[str]:
    """Return the sources that were named, or standard input where something is piped in.

    Raises:
        OptionError: Nothing is named and nothing piped in, or standard input is named twice.
    """
    names = list(given or ())
    if not names:
        if shell.stdin_is_terminal:
            raise OptionError("no input", hint="name a file or a session (claude-code:last), or pipe a transcript in")
        return [STDIO]
    if names.count(STDIO) > 1:
        raise OptionError("standard input can be read only once", where=STDIO, hint="name it once")
    return names


class Failure(NamedTuple):
    """One of several inputs that could not be done."""

    name: str
    error: CortexError

    def to_json(self) -> dict[str, str]:
        """Return an entry of `failed` in a JSON report over several files."""
        return {"path": self.name, "error": self.error.naming(self.name), "hint": self.error.hint}


def run_each(names: Sequence[str], run: Callable[[str], T]) -> tuple[list[T], list[Failure]]:
    """Run something over every source; a bad one of several is told and the others go on.

    Returns:
        What came of the good ones, and the bad ones; `refuse_failures` ends the command with these.

    Raises:
        CortexError: The only source failed.
    """
    done: list[T] = []
    failed: list[Failure] = []
    for name in names:
        try:
            done.append(run(name))
        except CortexError as error:
            if len(names) == 1:
                raise
            print_error(error.naming(name), error.hint)
            failed.append(Failure(name, error))
    return done, failed


def refuse_failures(names: Sequence[str], failed: Sequence[Failure]) -> None:
    """End a command of which some inputs failed.

    Raises:
        CortexError: Some did.
    """
    if failed:
        raise CortexError(f"{len(failed)} of {len(names)} inputs failed")


def path_of(source: str, shell: Shell) -> str:
    """Return the path that a source stands for: a file of that name, else a client's session."""
    if source != STDIO and sessions.is_session_name(source) and not os.path.lexists(source):
        return str(sessions.find_session(source, shell.environment).path)
    return source


def read(source: str, shell: Shell) -> InputFile:
    """Read a source."""
    path = path_of(source, shell)
    return files.read_stream(shell.stdin) if path == STDIO else folders.read_source(path)


def load(source: str, settings: Settings, shell: Shell) -> Loaded:
    """Read a source and load all of its conversations."""
    file = read(source, shell)
    return Loaded(file, formats.load_all(Source(file.data, file.path), settings.format))


def load_one(source: str | None, settings: Settings, shell: Shell) -> Loaded:
    """Read the one source of a command, which must hold one conversation."""
    [name] = named_sources([source] if source else None, shell)
    file = read(name, shell)
    return Loaded(file, (formats.load(Source(file.data, file.path), settings.format),))
