"""The state of a memory as a file, between runs (`--state`): read, held against other runs, written in one step.

Only one run at a time has it. The file is written before the output: a crash between the two leaves a state that
knows more than the transcript, which the next run puts right; the other way round would lose what the log was.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from cortex_cli.errors import InputError, OptionError, OutputError
from cortex_cli.files import InputFile, read_file, refuse_if_changed, write_file
from cortex_cli.jsonedit import encode, parse
from cortex_cli.memory.state import load_state

fcntl: ModuleType | None = None
with contextlib.suppress(ImportError):  # Windows: there only the file's own stamp is looked at
    import fcntl

HINT = "name another --state, or delete it to start a new memory"


class StateFile:
    """One state file, while a run has it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._read: InputFile | None = None
        self.data: Mapping[str, Any] | None = None
        """What the file holds; None where it is not there yet."""

    @classmethod
    @contextmanager
    def held(cls, path: str) -> Iterator["StateFile"]:
        """Read a state and keep other runs from it until the end.

        Raises:
            InputError: It is not readable, no state, damaged, of a later version, or another run has it.
        """
        file = cls(path)
        with _lock(path):
            file._take()
            yield file

    def _take(self) -> None:
        if not Path(self.path).exists():
            return
        if Path(self.path).is_dir():
            raise InputError("is a directory", where=self.path, hint="name a file for the memory")
        self._read = read_file(self.path)
        self.data = _parse(self._read.data, self.path)

    def write(self, state: Mapping[str, Any]) -> None:
        """Put a state in the file's place.

        Raises:
            OptionError: Another run wrote it meanwhile, or it cannot be written; the file is as it was.
        """
        data = encode(state) + b"\n"
        try:
            if self._read is None:
                write_file(Path(self.path), [data])
            elif data != self._read.data:
                refuse_if_changed(self._read)
                write_file(Path(self.path), [data], overwrite=True)
        except OutputError as error:
            raise OptionError(f"the memory was not kept: {error}", where="--state", hint=error.hint) from error


def _parse(data: bytes, path: str) -> Mapping[str, Any]:
    try:
        value = parse(data)
    except ValueError as error:
        raise InputError("not a memory: it is no JSON", where=path, hint=HINT) from error
    try:
        load_state(value)
    except InputError as error:
        raise InputError(str(error), where=path, hint=error.hint) from error
    assert isinstance(value, Mapping)
    return value


@contextmanager
def _lock(path: str) -> Iterator[None]:
    """Hold a file that is there; one that is not is guarded by never being written over."""
    if fcntl is None or not os.access(path, os.R_OK) or not Path(path).is_file():
        yield  # reading it says what is wrong
        return
    with Path(path).open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hint = "wait for its end, or name another --state"
            raise InputError("another run has this memory", where=path, hint=hint) from None
        except OSError:  # not every file system has locks
            pass
        yield
