"""Every failure a user can meet, and the exit code each one ends with.

The tree::

    CortexError              exit 1   ran and failed
    ├── InputError           exit 2   a file that cannot be read as what it claims to be
    │   ├── TranscriptError  exit 2   a transcript that breaks its format's rules
    │   └── UnknownFormatError        exit 2   sound data that is no transcript of a known format
    ├── OptionError          exit 2   an option, variable or configuration value
    ├── ArchiveError         exit 2   an archive that cannot be read or written
    ├── StoreError           exit 2   a store of live conversations that cannot be read or written
    ├── OutputError          exit 1   the result could not be written; what was there is unharmed
    └── DoesNotFitError      exit 3   the result cannot be made as small as asked

Anything else that escapes is a bug and keeps its traceback.
"""

from collections.abc import Iterable
from enum import IntEnum

NEAR = 0.6
"""How alike two names must be for one to be offered for the other (0-1). Source: difflib's own default."""


def nearest(name: str, known: Iterable[str], *, near: float = NEAR) -> str:
    """Return the known name most like a mistyped one, empty where none is like it."""
    from difflib import get_close_matches  # noqa: PLC0415 - start-up time: only a mistyped name needs it

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=near)), "")


def name_hint(name: str, known: Iterable[str]) -> str:
    """Return the hint for an unknown name: the nearest one, else all there are."""
    names = list(known)
    near = nearest(name, names)
    return f"did you mean {near!r}?" if near else f"known: {', '.join(names)}"


class ExitCode(IntEnum):
    """What the process tells its caller."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2
    DOES_NOT_FIT = 3
    INTERRUPTED = 130


class CortexError(Exception):
    """An expected failure: one line that says what and where, one that says how to mend it.

    Args:
        message: What went wrong, user values quoted, without a full stop.
        hint: How to mend it; empty when there is nothing to advise.
        where: `path`, `path:line` or an option's name; printed in front of the message.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "", where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.hint = hint
        self.where = where

    def naming(self, path: str) -> str:
        """Say what went wrong with which of several inputs."""
        return str(self) if path in str(self) else f"{path}: {self}"


class InputError(CortexError):
    """The input cannot be read as a transcript."""

    exit_code = ExitCode.BAD_INPUT


class TranscriptError(InputError):
    """The input is a transcript, and it breaks a rule of its format."""


class UnknownFormatError(InputError):
    """The input is sound, and no transcript of a known format: a batch leaves such files alone."""


class OptionError(CortexError):
    """An option, environment variable or configuration value is not usable."""

    exit_code = ExitCode.BAD_INPUT


class ArchiveError(CortexError):
    """An archive cannot be read or written; no transcript was written without its originals."""

    exit_code = ExitCode.BAD_INPUT


class StoreError(CortexError):
    """A store of live conversations cannot be read or written; what it held is unharmed."""

    exit_code = ExitCode.BAD_INPUT


class OutputError(CortexError):
    """The output could not be written; the file that was there is unharmed."""


class DoesNotFitError(CortexError):
    """The result cannot be made as small as was asked.

    Args:
        message: What went wrong.
        smallest_tokens: The smallest size that can be reached, in tokens.
        hint: How to mend it.
    """

    exit_code = ExitCode.DOES_NOT_FIT

    def __init__(self, message: str, *, smallest_tokens: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.smallest_tokens = smallest_tokens
