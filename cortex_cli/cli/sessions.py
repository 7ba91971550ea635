"""`cortex sessions`: what the clients on this machine have kept."""

import time
from typing import Annotated

import typer

from cortex_cli.cli.options import Json, Quiet, command, whole_number
from cortex_cli.cli.shell import Shell
from cortex_cli.errors import InputError, OptionError, name_hint
from cortex_cli.sessions import CLIENTS, Client, find_client, home_of
from cortex_cli.settings_load import LoadedSettings

LIMIT = 10
"""How many sessions are looked at by default: each is read and counted whole."""


@command(keys=("tokenizer", "window", "model", "budget", "fit", "layers", "threshold"))
def sessions(
    shell: Shell,
    loaded: LoadedSettings,
    clients: Annotated[
        list[str] | None, typer.Argument(metavar="[CLIENT]...", help="claude-code, codex, pi, gemini. Default: all.")
    ] = None,
    project: Annotated[
        str | None, typer.Option("--project", metavar="P", help="Only of this folder: a path, or a name in it.")
    ] = None,
    limit: Annotated[
        str | None, typer.Option("--limit", metavar="N", help=f"How many, the newest; 0: all. (default {LIMIT})")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List the sessions that agents keep on this machine.

    Claude Code, Codex, pi and Gemini, the newest first: how large each is, what share of the window it takes, and
    what `cortex compact` with these settings would save. Nothing is written and nothing sent.
    """
    from cortex_cli.session_list import list_and_measure, matches_project, newest_sessions  # noqa: PLC0415  # --help
    from cortex_cli.tokens import make_counter  # noqa: PLC0415  # `--help` counts nothing

    wanted = _clients(clients)
    most = whole_number(limit, "--limit", default=LIMIT)
    found = newest_sessions(shell.environment, wanted)
    if not found:
        where = ", ".join(str(home_of(client, shell.environment)) for client in wanted)
        raise InputError(f"no sessions below {where}", hint="name a transcript file instead: cortex stats FILE")
    rows = list_and_measure(
        found if project else found[: most or None],
        loaded.settings,
        make_counter(loaded.settings.tokenizer),
        is_wanted=lambda folder: matches_project(folder, project or ""),
    )
    listed = []
    with shell.working("reading sessions", sum(one.path.stat().st_size for one in found[:most]), quiet=quiet or json):
        for row in rows:
            listed.append(row)
            if most and len(listed) == most:
                break
    if not listed:
        raise InputError(f"none of {len(found)} sessions is of project {project!r}", hint="leave --project out")
    now = time.time()
    if json:
        shell.print_json({"version": 1, "command": "sessions", "sessions": [row.to_json(now) for row in listed]})
        return
    from cortex_cli.cli.render_sessions import print_sessions  # noqa: PLC0415  # Rich is slow to import

    print_sessions(shell.out, listed, now_seconds=now, total=len(found), home=shell.environment.get("HOME", ""))


def _clients(names: list[str] | None) -> list[Client]:
    """Return the clients that were named, or all.

    Raises:
        OptionError: One is not known.
    """
    for name in names or ():
        if find_client(name) is None:
            raise OptionError(f"no client {name!r}", hint=name_hint(name, [client.name for client in CLIENTS]))
    return [client for client in CLIENTS if not names or client.name in names]
