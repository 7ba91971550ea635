"""Which files below a directory are compacted, and where each result goes."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from cortex_cli import files, packing
from cortex_cli.errors import InputError, OptionError
from cortex_cli.targets import Target

MANIFEST_NAME = "cortex-batch.jsonl"
"""What tells of earlier runs, in the folder of the results; in-place: in the folder of the sources."""

ENDINGS = (".jsonl", ".json", ".ndjson", ".traj")
"""Endings that transcripts have, those of compressed ones in front of `.gz` and the like.

Files with others are counted and left alone, unless `--glob` names them.
"""


class Place(NamedTuple):
    """Where a batch reads and writes."""

    root: Path
    output: Path | None = None
    in_place: bool = False
    force: bool = False
    """Replace outputs that are not ours."""

    @property
    def home(self) -> Path | None:
        """The folder of the manifest; None for a dry run, which leaves nothing behind."""
        return self.root if self.in_place else self.output


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch is going to do."""

    paths: tuple[Path, ...]
    """In the order of their names."""
    skipped: tuple[Path, ...]
    """Files that are no transcripts by their name, our own outputs and backups."""


def plan_directory(
    root: Path, *, globs: Sequence[str] = (), exclude: Sequence[str] = (), output: Path | None = None
) -> Plan:
    """Find the transcripts below a directory.

    Args:
        root: The directory.
        globs: Patterns of names or paths below it; a file must match one. None given: by ending.
        exclude: Patterns of names or paths that are left out, of folders too.
        output: Folder for the results; if it lies below `root`, it is left out.

    Raises:
        InputError: The root is no directory.
    """
    if not root.is_dir():
        hint = f"`cortex compact {root}` takes a file" if root.exists() else "check the path"
        raise InputError("is not a directory" if root.exists() else "no such directory", where=str(root), hint=hint)
    chosen: list[Path] = []
    skipped: list[Path] = []
    for path in _walk(root, exclude, output):
        relative = path.relative_to(root)
        wanted = _matches(relative, globs) if globs else packing.unpacked_name(path.name).lower().endswith(ENDINGS)
        is_ours = files.is_product(path.name) or path.name == MANIFEST_NAME
        (chosen if wanted and not is_ours else skipped).append(path)
    return Plan(tuple(chosen), tuple(skipped))


def _walk(root: Path, exclude: Sequence[str], output: Path | None) -> Iterator[Path]:
    left_out = os.path.realpath(output) if output is not None else ""
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if os.path.realpath(here / name) != left_out and not _matches((here / name).relative_to(root), exclude)
        )
        yield from (here / name for name in sorted(names) if not _matches((here / name).relative_to(root), exclude))


def _matches(relative: Path, patterns: Sequence[str]) -> bool:
    return any(fnmatch(relative.name, pattern) or fnmatch(relative.as_posix(), pattern) for pattern in patterns)


def target_for(path: Path, place: Place) -> Target:
    """Decide where the result of one file goes: the same place below the output folder, over it, or nowhere."""
    if place.in_place:
        return Target("in-place")
    if place.output is None:
        return Target("none")
    return Target("file", place.output / path.relative_to(place.root), overwrite=place.force)


def check_target(root: Path, *, output: Path | None, in_place: bool, dry_run: bool) -> None:
    """Refuse a batch that does not say where its results go.

    Raises:
        OptionError: None or several of the three are given, or the output is the source.
    """
    given = [
        flag
        for flag, is_given in (("-o", output is not None), ("--in-place", in_place), ("--dry-run", dry_run))
        if is_given
    ]
    if len(given) != 1:
        message = f"{' and '.join(given)} exclude each other" if given else "a batch must know where its results go"
        raise OptionError(message, where="batch", hint="give one of -o DIR, --in-place, --dry-run")
    if output is not None and output.exists() and not output.is_dir():
        raise OptionError("is not a directory", where=str(output), hint="give a directory, or a new name")
    if output is not None and os.path.realpath(output) == os.path.realpath(root):
        raise OptionError("the output is the source", where="-o", hint="use --in-place, which keeps backups")
