"""`cortex recall`: what was removed, found again."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cortex_cli.cli.options import Json, command, whole_number
from cortex_cli.cli.shell import Shell
from cortex_cli.errors import ExitCode, OptionError
from cortex_cli.settings_load import LoadedSettings

if TYPE_CHECKING:
    from cortex_cli.archive import Archive, Hit


@command(keys=("archive",))
def recall(
    shell: Shell,
    loaded: LoadedSettings,
    query: Annotated[str | None, typer.Argument(metavar="[QUERY]", help="An exact string, or words.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Only from then on (ISO 8601).")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Only up to then (ISO 8601).")] = None,
    tool: Annotated[str | None, typer.Option("--tool", metavar="NAME", help="Only calls and results of it.")] = None,
    limit: Annotated[str | None, typer.Option("--limit", metavar="N", help="Results at most. Default: 10.")] = None,
    ref: Annotated[str | None, typer.Option("--id", metavar="REF", help="Print this one original whole.")] = None,
    json: Json = False,
) -> None:
    """Search what was removed from transcripts; --id prints one original.

    Needs the archive that the compaction was given with --archive. Exits with 1 where nothing is found.
    """
    from cortex_cli.archive import Archive, Filter  # noqa: PLC0415  # `--help` needs no SQLite
    from cortex_cli.recall import MAX_RESULTS, NOTHING, moment  # noqa: PLC0415  # the same

    if not loaded.settings.archive:
        raise OptionError("no archive", hint="name it with --archive PATH, or in CORTEX_ARCHIVE")
    if (query is None) == (ref is None):
        raise OptionError("give what to search for, or --id REF", hint="one of the two")
    archive = Archive(loaded.settings.archive)
    if ref is not None:
        _print_original(shell, archive, ref, json=json)
        return
    wanted = Filter(
        since=moment(since or "", where="--since"),
        until=moment(until or "", is_end=True, where="--until"),
        tool=tool or "",
    )
    found = archive.find(query or "", wanted, limit=whole_number(limit, "--limit", default=MAX_RESULTS))
    if json:
        shell.print_json({"results": [_as_json(hit) for hit in found.hits], "omitted": found.omitted})
    elif found.hits:
        _print_hits(shell, found.hits, found.omitted)
    else:
        shell.stdout.write(f"{NOTHING}\n")
    if not found.hits:
        raise typer.Exit(ExitCode.FAILED)


def _print_original(shell: Shell, archive: "Archive", ref: str, *, json: bool) -> None:
    hit = archive.read(ref)
    if hit is None:
        shell.stderr.write(f"error: {archive.path}: holds nothing under {ref!r}\n")
        raise typer.Exit(ExitCode.FAILED)
    if json:
        shell.print_json(_as_json(hit))
        return
    from cortex_cli.archive.texts import encoded  # noqa: PLC0415  # as above

    shell.write_data().write(encoded(hit.text))


def _print_hits(shell: Shell, hits: "tuple[Hit, ...]", omitted: int) -> None:
    from cortex_cli.cli.plain import one_line  # noqa: PLC0415  # `--help` needs none of it
    from cortex_cli.recall import omitted_line, recalled, result_line  # noqa: PLC0415  # the same

    for hit in hits:
        place = hit.place
        where = f"{place.path}:{place.line}" if place.line else place.path or "a live session"
        names = ", ".join(one_line(name) for name in (where, place.tool, f"id {hit.ref}") if name)
        shell.stdout.write(f"{_visible(result_line(recalled(hit)))}\n    from {names}\n")
    if omitted:
        shell.stdout.write(f"{omitted_line(omitted)}\n")


def _visible(text: str) -> str:
    """Return a text that steers no terminal; `--id` and `--json` give the bytes as they are."""
    return "".join(char if char in "\n\t" or char.isprintable() else "\ufffd" for char in text)


def _as_json(hit: "Hit") -> dict[str, Any]:
    return {"ref": hit.ref, "text": hit.text, **hit.place._asdict()}
