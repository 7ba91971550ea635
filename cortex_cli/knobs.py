"""What the declaration of a setting is made of. The settings themselves stand in `settings.py`."""

from dataclasses import MISSING, Field, field
from typing import Any, NamedTuple


class Share(NamedTuple):
    """A size given in percent."""

    ratio: float
    """0-1, of the budget; for `fit` of the input's tokens."""


Size = int | Share
"""Tokens, or a share of something known later."""


class Knob(NamedTuple):
    """What the world outside sees of one setting."""

    key: str
    flag: str
    """Long option; `--x/--no-x` for a switch with both sides."""
    variable: str
    default: Any
    unit: str
    group: str
    help: str
    source: str
    type: Any
    least: float | None = None
    """Smallest number a user may give; None: any. The default may lie outside (0: worked out later)."""
    most: float | None = None
    choices: tuple[str, ...] = ()
    """The only texts a user may give; empty: any."""


def knob(
    default: Any,
    flag: str,
    unit: str,
    group: str,
    text: str,
    source: str = "SPEC",
    least: float | None = 0,
    **more: Any,
) -> Any:
    """Declare a setting; `more` are the further fields of `Knob`."""
    if unit.startswith("share"):
        more.setdefault("most", 1)
    meta = {"flag": flag, "unit": unit, "group": group, "help": text, "source": source, "least": least, **more}
    return field(default=default, metadata=meta)


def as_knob(one: "Field[Any]", kind: Any) -> Knob:
    """Return what the world sees of a field that was declared with `knob`."""
    assert one.default is not MISSING  # every field is declared through `knob`
    meta = one.metadata
    return Knob(
        key=one.name,
        variable=f"CORTEX_{one.name.upper()}",
        default=one.default,
        type=kind,
        **meta,
    )
