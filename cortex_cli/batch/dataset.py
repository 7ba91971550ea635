"""Data sets with one conversation a line, too large to be read whole: in pieces, in order, line for line."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from cortex_cli import files, formats, packing
from cortex_cli.batch.limits import Authors
from cortex_cli.batch.tally import Tally, entry_of
from cortex_cli.compaction import compact
from cortex_cli.errors import CortexError, UnknownFormatError
from cortex_cli.formats.containers import is_dataset
from cortex_cli.formats.source import HEAD_OBJECTS, Source
from cortex_cli.report import merge_reports
from cortex_cli.settings import Settings
from cortex_cli.targets import Target, make_folder
from cortex_cli.tokens import Counter

STREAM_BYTES = 8_000_000
"""Files from this size, on the disk, are not read whole if they are data sets. Smaller ones take 100 MB at most."""

PIECE_BYTES = 1_000_000
"""What one process works on at a time, at least one line."""


_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


class Piece(NamedTuple):
    """Some lines of a data set."""

    data: bytes
    first_line: int
    """1-based, in the file."""


class Failure(NamedTuple):
    """A line that stays as it is."""

    line: int
    """1-based."""
    error: str
    hint: str


class Done(NamedTuple):
    """A piece after compaction."""

    data: bytes
    size: int
    """Bytes before."""
    entry: dict[str, Any] | None
    """As `tally.entry_of` gives it; None where no line could be read."""
    failures: tuple[Failure, ...]
    fell_back: bool


class Streamed(NamedTuple):
    """A data set after compaction."""

    entry: dict[str, Any]
    failures: tuple[Failure, ...]
    fell_back: bool
    path: str
    """Where the result is; empty where nothing was written."""
    backup: str


Spread = Callable[[Iterable[Piece], Settings, str], Iterator[Done]]
"""(pieces, settings with the format, path of the file) -> each after compaction, in order."""


def head_of(path: str) -> Source:
    """Return the beginning of a file, to be recognised by."""
    with Path(path).open("rb") as stream:
        return Source(b"".join(islice(packing.read_lines(stream, path), HEAD_OBJECTS)), path)


def is_streamed(path: str, target: Target, settings: Settings) -> bool:
    """Tell whether a file is a data set that should not be read whole.

    With an archive every file is: its originals go there in one piece.
    """
    if settings.archive or target.kind not in ("file", "in-place", "none"):
        return False
    if not Path(path).is_file() or Path(path).stat().st_size < STREAM_BYTES:
        return False
    source = head_of(path)
    return source.document is None and is_dataset(source)


def compact_dataset(path: str, target: Target, settings: Settings, spread: Spread) -> Streamed:
    """Compact a data set line by line; the result has as many lines, in the same order.

    Args:
        path: The file.
        target: Where the result goes.
        settings: Of the run.
        spread: Compacts pieces, here or in other processes.

    Raises:
        CortexError: It cannot be read or written, or is of no known format. Nothing is written then.
    """
    if settings.format == "auto":  # one reading for all lines, decided by the first ones
        settings = replace(settings, format=formats.detect(head_of(path)).format.NAME)
    state = _State(Tally(path))
    with files.open_input(path) as (stream, file):
        pieces = _pieces(packing.read_lines(stream, path))
        contents = state.watch(spread(pieces, settings, path))
        written, backup = "", ""
        try:
            if target.kind == "none":
                state.drain(contents)
            elif target.kind == "in-place":
                backup = str(files.write_in_place(file, packing.pack(contents, path)))
                written = path
            else:
                make_folder(target.path.parent)
                packed = packing.pack(contents, str(target.path))
                files.write_file(target.path, packed, overwrite=target.overwrite, mode=file.mode)
                written = str(target.path)
        except _UnchangedError:
            if target.kind == "file":
                written = str(target.path)
                _copy(path, target, file.mode)
    entry = state.tally.entry(written, is_dry=target.kind == "none")
    return Streamed(entry, tuple(state.failures), state.fell_back, written, backup)


class _UnchangedError(Exception):
    """Nothing was changed: the input's own bytes are the result."""


class _State:
    """What is known of a data set while it goes by."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.failures: list[Failure] = []
        self.fell_back = False

    def watch(self, results: Iterator[Done]) -> Iterator[bytes]:
        """Yield the contents.

        Raises:
            _UnchangedError: At the end, where they are those of the input.
        """
        for done in results:
            self.tally.add(done.entry, done.size, len(done.data))
            self.failures += done.failures
            self.fell_back = self.fell_back or done.fell_back
            yield done.data
        if not self.tally.changed:
            raise _UnchangedError

    def drain(self, contents: Iterator[bytes]) -> None:
        for _ in contents:
            pass


def _copy(path: str, target: Target, mode: int | None) -> None:
    """Write the input as it is, or as the output's name says that it is compressed."""
    with Path(path).open("rb") as stream:
        is_alike = packing.ending_of(path) == packing.ending_of(str(target.path))
        lines = stream if is_alike else packing.pack(packing.read_lines(stream, path), str(target.path))
        files.write_file(target.path, lines, overwrite=target.overwrite, mode=mode)


def _pieces(lines: Iterator[bytes]) -> Iterator[Piece]:
    """Put lines together until there is enough work in them."""
    gathered: list[bytes] = []
    size, first, number = 0, 1, 0
    for number, line in enumerate(lines, 1):
        gathered.append(line)
        size += len(line)
        if size >= PIECE_BYTES:
            yield Piece(b"".join(gathered), first)
            gathered, size, first = [], 0, number + 1
    if gathered:
        yield Piece(b"".join(gathered), first)


def compact_piece(piece: Piece, settings: Settings, path: str, counter: Counter, authors: Authors) -> Done:
    """Compact some lines. Those that cannot be read stay as they are and are told.

    Args:
        piece: Lines.
        settings: With the name of the format.
        path: Of the file, for errors.
        counter: Counts.
        authors: Who writes summaries and logs.
    """
    try:
        return _compact(piece, settings, path, counter, authors)
    except CortexError as error:
        if piece.data.count(b"\n", 0, len(piece.data) - 1) == 0:
            where = f"{path}:{piece.first_line}"
            known = (
                ()
                if isinstance(error, UnknownFormatError)
                else (Failure(piece.first_line, error.naming(where), error.hint),)
            )
            return Done(piece.data, len(piece.data), None, known, fell_back=False)
    lines = _LINE.findall(piece.data)
    single = [
        compact_piece(Piece(line, piece.first_line + at), settings, path, counter, authors)
        for at, line in enumerate(lines)
    ]
    tally = Tally(path)
    for done in single:
        tally.add(done.entry, done.size, len(done.data))
    return Done(
        b"".join(done.data for done in single),
        len(piece.data),
        tally.entry("", is_dry=True) if tally.found else None,
        tuple(chain.from_iterable(done.failures for done in single)),
        any(done.fell_back for done in single),
    )


def _compact(piece: Piece, settings: Settings, path: str, counter: Counter, authors: Authors) -> Done:
    source = Source(piece.data, path, first_line=piece.first_line)
    transcripts = formats.load_all(source, settings.format)
    results = [
        compact(
            one,
            settings,
            counter=counter,
            summarizer=authors.summarizer,
            remembering=authors.remembering,
            command="batch",
        )
        for one in transcripts
    ]
    report = merge_reports([result.report for result in results])
    data = b"".join(formats.dump_all([result.transcript for result in results])) if report.changed else piece.data
    return Done(data, len(piece.data), entry_of(report), (), any(result.report.fell_back for result in results))
