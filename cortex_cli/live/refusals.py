"""What a provider's package raised, as text and status: the words stand in other places in each of them."""

from collections.abc import Mapping
from typing import Any

from cortex_cli.formats.contents import compact

UNKNOWN_STATUS = 400
"""Of an error that has none: the one that overflows come with."""


def error_text(error: Any) -> str:
    """Return everything that an error says: its own words and the provider's body."""
    if isinstance(error, str):
        return error
    if isinstance(error, Mapping):
        return compact(dict(error))
    body = getattr(error, "body", None)
    said = body if isinstance(body, str) else compact(body) if isinstance(body, dict | list) else ""
    return f"{error}\n{said}" if said else str(error)


def error_status(error: Any) -> int:
    """Return the HTTP status of an error."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "status"):
            found = holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)
            if isinstance(found, int):
                return found
    return UNKNOWN_STATUS
