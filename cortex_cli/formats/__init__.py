"""The transcript formats: which there are, which one an input is, and the way in and out.

A format is an object (a module will do) with `NAME`, `detect`, `load` and `dump`. To add one, write
its file and add it to `FORMATS`, or call `register` from outside.
"""

from collections.abc import Iterator
from typing import Protocol

from cortex_cli.formats.source import Source
from cortex_cli.messages import Transcript


class Format(Protocol):
    """One transcript format."""

    NAME: str
    """As in `--format` and in reports."""

    def detect(self, source: Source) -> float:
        """Say how sure it is that the input is of this format: 0 no, 1 certain, between: it could be."""
        ...

    def load(self, source: Source) -> Transcript:
        """Read the input as the format's own client reads it on resume. Never repairs.

        Raises:
            InputError: It is not of this format.
        """
        ...

    def dump(self, transcript: Transcript) -> Iterator[bytes]:
        """Yield the file's bytes: untouched records as they came in, in edited ones only the named values changed."""
        ...
