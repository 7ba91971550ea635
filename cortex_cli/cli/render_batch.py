"""A batch for people: progress while it runs, and the sums at its end."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.text import Text

from cortex_cli.cli.paint import (
    BAD,
    CAREFUL,
    GOOD,
    LABEL,
    NAME,
    STRONG,
    count,
    line,
    number,
    percent,
    print_all,
    table,
    tail_of,
)
from cortex_cli.cli.shell import Shell

if TYPE_CHECKING:
    from cortex_cli.batch.job import Job, Outcome

MAX_FILES = 15
"""Files named one by one, those with the largest savings; `-v` names all."""

SIZE_COLUMNS = 42
"""What the numbers beside a file's name may take."""


def track(shell: Shell, outcomes: "Iterable[Outcome]", jobs: "Sequence[Job]", *, quiet: bool) -> "Iterator[Outcome]":
    """Yield the outcomes, with a bar, the rate and the time left on standard error where that is a terminal."""
    if quiet or not shell.err.is_terminal or not jobs:
        yield from outcomes
        return
    sizes = {job.path: _size_of(job.path) for job in jobs}
    columns = (
        TextColumn("{task.fields[done]}/{task.fields[files]} files"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=shell.err, transient=True) as progress:
        task = progress.add_task("", total=sum(sizes.values()), done=0, files=len(jobs))
        for done, outcome in enumerate(outcomes, 1):
            progress.update(task, advance=sizes[outcome.path], done=done)
            yield outcome


def _size_of(path: str) -> int:
    return Path(path).stat().st_size if Path(path).is_file() else 0


def print_batch(console: Console, report: Mapping[str, Any], root: str, *, verbose: bool) -> None:
    """Print what a batch did below `root`."""
    files = report["files"]
    told = (_files(console, files, root, verbose=verbose), _formats(files), _warnings(files, verbose=verbose))
    print_all(console, chain(*told, _in_use(report, verbose=verbose), _totals(report)))


def _files(
    console: Console, files: Sequence[Mapping[str, Any]], root: str, *, verbose: bool
) -> Iterator[RenderableType]:
    changed = sorted((one for one in files if one["saved_tokens"]), key=lambda one: -one["saved_tokens"])
    shown = changed if verbose or len(changed) <= MAX_FILES + 1 else changed[:MAX_FILES]
    if not shown:
        return
    columns = max(20, console.width - SIZE_COLUMNS)
    names = (tail_of(os.path.relpath(one["input"]["path"], root), columns) for one in shown)
    rows = [
        (line((name, NAME)), *_sizes(one["input"]["tokens"], one["output"]["tokens"]))
        for name, one in zip(names, shown, strict=True)
    ]
    yield table(("file", "before", "after", "saved", ""), rows, right=(1, 2, 3, 4), indent=0)
    if len(shown) < len(changed):
        yield line((f"... {count(len(changed) - len(shown), 'file')} more with smaller savings; -v lists them", LABEL))
    yield Text()


def _sizes(before: int, after: int) -> tuple[RenderableType, ...]:
    ratio = (before - after) / before if before else 0.0
    saved = line((number(before - after), GOOD if before > after else ""))
    return (line(number(before)), line(number(after)), saved, line((percent(max(0.0, ratio)), LABEL)))


def _formats(files: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    by_format: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in files:
        by_format[one["input"]["format"]].append(one)
    rows = [
        (
            line((name, NAME)),
            number(len(those)),
            *_sizes(*(sum(one[side]["tokens"] for one in those) for side in ("input", "output"))),
        )
        for name, those in sorted(by_format.items())
    ]
    if rows:
        yield table(("format", "files", "before", "after", "saved", ""), rows, right=(1, 2, 3, 4, 5), indent=0)
        yield Text()


def _warnings(files: Sequence[Mapping[str, Any]], *, verbose: bool) -> Iterator[RenderableType]:
    warnings = [(one["input"]["path"], warning) for one in files for warning in one["warnings"]]
    if verbose:
        yield from (line(("warning: ", CAREFUL), f"{path}: {warning}") for path, warning in warnings)
    elif warnings:
        yield line((f"{count(len(warnings), 'warning')}; -v shows them", CAREFUL))


def _in_use(report: Mapping[str, Any], *, verbose: bool) -> Iterator[RenderableType]:
    busy = report.get("in_use", ())
    if verbose:
        yield from (line((f"{one['path']} left alone: {one['reason']}", LABEL)) for one in busy)
    elif busy:
        yield line((f"{count(len(busy), 'session')} in use left alone; -v names them", LABEL))


def _totals(report: Mapping[str, Any]) -> Iterator[RenderableType]:
    totals = report["totals"]
    pieces: list[str | tuple[str, str]] = [
        (count(totals["files"], "transcript"), STRONG),
        f", {totals['changed']} smaller",
        (f", {totals['failed']} failed" if totals["failed"] else "", BAD),
        (f", {count(totals['skipped'], 'other file')} left alone" if totals["skipped"] else "", LABEL),
        (f", {number(totals['finished_before'])} done before" if totals["finished_before"] else "", LABEL),
    ]
    yield line(*pieces)
    saved = f"{number(totals['saved_tokens'])} tokens ({percent(max(0.0, totals['saved_ratio']))})"
    yield line(
        (f"{number(totals['tokens_before'])} -> {number(totals['tokens_after'])} tokens, saved ", LABEL), (saved, GOOD)
    )
