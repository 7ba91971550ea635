"""What a provider's package raised, as text and status: the words stand in other places in each of them."""

from collections.abc import Mapping
from typing import Any

from cortex_cli.formats.contents import compact

BAD_REQUEST = 400
"""What overflows come with; taken for errors without a status."""

SERVER_ERROR = 500
PASSING = (408, 409, 429)
"""Refusals that another attempt may not meet: timeout, conflict, rate limit."""


def error_text(error: Any) -> str:
    """Return everything that an error says: its own words and the provider's body."""
    if isinstance(error, str):
        return error
    if isinstance(error, Mapping):
        return compact(dict(error))
    body = getattr(error, "body", None)
    said = body if isinstance(body, str) else compact(body) if isinstance(body, dict | list) else ""
    return f"{error}\n{said}" if said else str(error)


def error_status(error: Any) -> int | None:
    """Return the HTTP status of an error; None where it has none."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "status"):
            found = holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)
            if isinstance(found, int):
                return found
    return None


def is_lasting(error: Any) -> bool:
    """Tell whether the same call would fail again: a wrong key, a wrong name, a request that is not understood."""
    status = error_status(error)
    return status is not None and BAD_REQUEST <= status < SERVER_ERROR and status not in PASSING
