"""`cortex models`: windows, prices, cache rules."""

from typing import Annotated

import typer

from cortex_cli.cli.options import Json, command
from cortex_cli.cli.shell import Shell
from cortex_cli.errors import InputError


@command()
def models(
    shell: Shell,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A model, a provider, or a part of a model's name.")
    ] = None,
    json: Json = False,
) -> None:
    """List models: windows, prices, cache rules."""
    from cortex_cli.models import find_model, list_models, nearest_model  # noqa: PLC0415  # named like this function

    exact = find_model(name) if name else None
    wanted = (name or "").lower()
    found = (exact,) if exact else tuple(m for m in list_models() if wanted in m.name.lower() or wanted == m.provider)
    if not found:
        near = nearest_model(wanted)
        hint = f"did you mean {near!r}?" if near else "`cortex models` lists all"
        raise InputError(f"no model {name!r} is known", hint=hint)
    if json:
        shell.print_json({"models": [model.to_json() for model in found]})
        return
    from cortex_cli.cli.render_models import print_model, print_models  # noqa: PLC0415  # Rich is slow to import

    if exact:
        print_model(shell.out, exact)
    else:
        print_models(shell.out, found)
