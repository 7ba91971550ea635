"""How an input is put together again from what was made of it and the pieces that left.

Works on bytes alone, for every format: an input is cut into segments (lines; of a document on one line its
elements), and each is either found in the output or was removed. Nothing here reads or writes.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple

FEW_LINES = 2
"""An input of fewer lines is one document: its segments are its elements."""

MIN_RECORD_BYTES = 256
"""Shorter neighbours that left are kept as one record: a row for every line of an indented document is a waste."""

MIN_JUMP_BYTES = 64
"""A shorter segment is looked for only where the last one was found: `},` stands everywhere."""

SEGMENT_HASH_BYTES = 6
"""Enough to tell the segments of one file apart."""

_BETWEEN_ELEMENTS = re.compile(rb"(?<=\},)\s*(?=\{)")


class Step(NamedTuple):
    """The next piece of the input."""

    kept: bool
    """It stands in the output; else it left."""
    first: int
    """0-based index of its first segment: in the output if kept, else in the input."""
    length: int
    """Segments."""


Load = Callable[[Step], bytes]
"""Returns the bytes of a step that left."""


def split(data: bytes) -> list[bytes]:
    """Cut bytes into segments; joined they are the bytes again."""
    if data.count(b"\n") < FEW_LINES:
        return _split_document(data)
    return data.splitlines(keepends=True) if b"\r" not in data else [*_split_lines(data)]


def _split_lines(data: bytes) -> Iterator[bytes]:
    """Cut at line feeds only: a lone carriage return is no end of a record."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def _split_document(data: bytes) -> list[bytes]:
    cuts = [0, *(match.start() for match in _BETWEEN_ELEMENTS.finditer(data)), len(data)]
    return [data[start:end] for start, end in pairwise(cuts) if end > start]


def compare(before: Sequence[bytes], after: Sequence[bytes]) -> tuple[Step, ...]:
    """Return how `before` is put together from `after` and what is missing there."""
    where: dict[bytes, int] = {}
    for index, segment in enumerate(after):
        where.setdefault(segment, index)
    steps: list[Step] = []
    size = next_kept = 0
    for index, segment in enumerate(before):
        found = _find(segment, after, where, next_kept)
        last = steps[-1] if steps else None
        if found >= 0:
            if last is not None and last.kept and found == next_kept:
                steps[-1] = last._replace(length=last.length + 1)
            else:
                steps.append(Step(True, found, 1))
            next_kept = found + 1
        elif last is not None and not last.kept and size < MIN_RECORD_BYTES:
            steps[-1] = last._replace(length=last.length + 1)
            size += len(segment)
        else:
            steps.append(Step(False, index, 1))
            size = len(segment)
    return tuple(steps)


def _find(segment: bytes, after: Sequence[bytes], where: dict[bytes, int], expected: int) -> int:
    if expected < len(after) and after[expected] == segment:
        return expected
    return where.get(segment, -1) if len(segment) >= MIN_JUMP_BYTES else -1


def apply(steps: Iterable[Step], after: Sequence[bytes], load: Load) -> bytes:
    """Put the input together again from the output's segments."""
    pieces: list[bytes] = []
    for step in steps:
        pieces.extend(after[step.first : step.first + step.length] if step.kept else [load(step)])
    return b"".join(pieces)


def hashes(segments: Iterable[bytes]) -> bytes:
    """Return what tells the segments of an output apart later, one after the other."""
    return b"".join(blake2b(segment, digest_size=SEGMENT_HASH_BYTES).digest() for segment in segments)


class Mended(NamedTuple):
    """What was put together from a file that is no longer the one that was written."""

    data: bytes
    lost: int
    """Segments of the input that were deleted from the file since, and are nowhere else."""
    added: int
    """Segments that came since; they stand behind what they stood behind."""


def apply_edited(steps: Sequence[Step], old_hashes: bytes, now: Sequence[bytes], load: Load) -> Mended:
    """Put the originals back where they still fit into a file that was edited since.

    What left comes back; what stayed is taken as it is now; what was added since stays behind the segment that
    it stands behind. Segments that we wrote in the place of others leave, unless they were edited.

    Args:
        steps: As `compare` returned them.
        old_hashes: Of the output's segments, as `hashes` returned them.
        now: The file's segments as they are.
        load: Loads what left.
    """
    size = SEGMENT_HASH_BYTES
    old = [old_hashes[at : at + size] for at in range(0, len(old_hashes), size)]
    kept = {index for step in steps if step.kept for index in range(step.first, step.first + step.length)}
    current, added = _align(old, now, kept)
    pieces: list[bytes] = [*added.get(-1, [])]
    came = sum(map(len, added.values()))
    lost = 0
    for step in steps:
        if not step.kept:
            pieces.append(load(step))
            continue
        for index in range(step.first, step.first + step.length):
            lost += index not in current
            pieces.append(current.get(index, b""))
            pieces.extend(added.pop(index, []))
    return Mended(_joined(pieces), lost, came)


def _joined(pieces: Iterable[bytes]) -> bytes:
    """Join segments; a last line without its end gets one where something follows it now."""
    found = [piece for piece in pieces if piece]
    is_lines = any(piece.endswith(b"\n") for piece in found)
    ended = [piece if piece.endswith(b"\n") or not is_lines else piece + b"\n" for piece in found[:-1]]
    return b"".join([*ended, *found[-1:]])


def _align(
    old: Sequence[bytes], now: Sequence[bytes], kept: set[int]
) -> tuple[dict[int, bytes], dict[int, list[bytes]]]:
    """Return the segments that stayed as they are now, and those that came since by what they stand behind."""
    matcher = SequenceMatcher(None, old, [hashes([segment]) for segment in now], autojunk=False)
    current: dict[int, bytes] = {}
    added: dict[int, list[bytes]] = {}
    anchor = -1
    for kind, old_start, old_end, start, end in matcher.get_opcodes():
        is_edit = kind == "replace" and old_end - old_start == end - start
        for offset, segment in enumerate(now[start:end]):
            index = old_start + offset
            if (kind == "equal" or is_edit) and index in kept:
                current[index] = segment
                anchor = index
            elif kind != "equal":
                added.setdefault(anchor, []).append(segment)
    return current, added
