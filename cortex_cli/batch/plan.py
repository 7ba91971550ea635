"""Which files below a directory are compacted, and where each result goes."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple, cast

from cortex_cli import files, packing
from cortex_cli.batch.paths import MANIFEST_NAME, is_remote
from cortex_cli.errors import InputError, OptionError
from cortex_cli.targets import Target

ENDINGS = (".jsonl", ".json", ".ndjson", ".traj", ".eval")
"""Endings that transcripts have, those of compressed ones in front of `.gz` and the like.

Files with others are counted and left alone, unless `--glob` names them.
"""


class Place(NamedTuple):
    """Where a batch reads and writes."""

    root: Path
    """The folder of the sources."""
    output: Path | None = None
    """The folder of the results."""
    in_place: bool = False
    force: bool = False
    """Replace outputs that are not ours."""
    only: Path | None = None
    """The one file that was named instead of a folder; `root` is where it stands."""
    output_name: str = ""
    """What its result is called, where that was said."""
    fork: bool = False
    """Each result becomes a session of its own."""
    homes: Mapping[str, str] = {}
    """The environment, which says where clients keep their sessions."""
    manifest: Path | None = None
    """The folder of the manifest, where it is neither that of the results nor that of the sources."""

    @classmethod
    def of(cls, source: Path, output: Path | None, *, in_place: bool, force: bool) -> "Place":
        """Make one of what the command line says: a folder, or one file and a folder or a name for its result."""
        if source.is_dir() or not source.exists():
            return cls(source, output, in_place, force)
        name = ""
        if output is not None and not output.is_dir() and packing.unpacked_name(output.name).lower().endswith(ENDINGS):
            output, name = output.parent, output.name
        return cls(source.parent, output, in_place, force, source, name)

    @property
    def home(self) -> Path | None:
        """The folder of the manifest; None for a dry run, which leaves nothing behind."""
        return self.manifest or (self.root if self.in_place else self.output)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch is going to do."""

    paths: tuple[Path, ...]
    """In the order of their names."""
    skipped: tuple[Path, ...]
    """Files that are no transcripts by their name, our own outputs and backups."""
    busy: tuple[tuple[Path, str], ...] = ()
    """Sessions in use, which are left alone, and who uses them."""


def plan_files(place: Place, *, globs: Sequence[str] = (), exclude: Sequence[str] = ()) -> Plan:
    """Find the transcripts below a directory; a file that was named is taken, whatever it is called.

    Args:
        place: Where to look; an output folder below it is left out.
        globs: Patterns of names or paths below it; a file must match one. None given: by ending.
        exclude: Patterns of names or paths that are left out, of folders too.

    Raises:
        InputError: There is nothing at that place.
    """
    root = place.root
    if place.only is not None:
        return Plan((place.only,), ())
    if not root.is_dir():
        raise InputError("no such file or directory", where=str(root), hint="check the path")
    chosen: list[Path] = []
    skipped: list[Path] = []
    for path in _walk(root, exclude, place.output):
        relative = path.relative_to(root)
        wanted = _matches(relative, globs) if globs else packing.unpacked_name(path.name).lower().endswith(ENDINGS)
        is_ours = files.is_product(path.name) or path.name == MANIFEST_NAME
        (chosen if wanted and not is_ours else skipped).append(path)
    return Plan(tuple(chosen), tuple(skipped))


def _walk(root: Path, exclude: Sequence[str], output: Path | None) -> Iterator[Path]:
    left_out = real_path(output) if output is not None else ""
    for folder, folders, names in root.walk() if is_remote(root) else os.walk(root):  # type: ignore[attr-defined]
        here = cast(Path, folder) if is_remote(root) else Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if real_path(here / name) != left_out and not _matches((here / name).relative_to(root), exclude)
        )
        yield from (here / name for name in sorted(names) if not _matches((here / name).relative_to(root), exclude))


def real_path(path: Path) -> str:
    """Return what two paths of the same folder have in common."""
    return str(path).rstrip("/") if is_remote(path) else os.path.realpath(path)


def _matches(relative: Path, patterns: Sequence[str]) -> bool:
    return any(fnmatch(relative.name, pattern) or fnmatch(relative.as_posix(), pattern) for pattern in patterns)


def target_for(path: Path, place: Place) -> Target:
    """Decide where the result of one file goes: the same place below the output folder, over it, or nowhere."""
    if place.in_place:
        return Target("in-place")
    if place.fork:
        return Target("fork", environment=place.homes)
    if place.output is None:
        return Target("none")
    name = place.output_name or path.relative_to(place.root).as_posix()
    return Target("file", place.output / name, overwrite=place.force)


def check_place(place: Place, *, dry_run: bool) -> None:
    """Refuse a batch that does not say where its results go.

    Raises:
        OptionError: None or several of the three are given, or the output is the source.
    """
    output = place.output
    if is_remote(place.root) and place.in_place:
        raise OptionError("files of a store cannot be written over", where="--in-place", hint="use -o URL")
    choices = (
        ("-o", output is not None),
        ("--in-place", place.in_place),
        ("--fork", place.fork),
        ("--dry-run", dry_run),
    )
    given = [flag for flag, is_given in choices if is_given]
    if len(given) != 1:
        message = f"{' and '.join(given)} exclude each other" if given else "a batch must know where its results go"
        raise OptionError(message, where="batch", hint="give one of -o DIR, --in-place, --dry-run")
    if output is None:
        return
    if output.exists() and not output.is_dir():
        raise OptionError("is not a directory", where=str(output), hint="give a directory, or a new name")
    is_same_folder = real_path(output) == real_path(place.root)
    if is_same_folder and place.output_name in ("", place.only.name if place.only else ""):
        raise OptionError("the output is the source", where="-o", hint="use --in-place, which keeps backups")
