"""Ids of what we write: the same for the same session, text and cut, so that the same input gives the same bytes."""

import uuid

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://pypi.org/project/cortex-cli")


def new_uuid(*seed: str) -> str:
    """Make an id that is the same for the same session, text and cut."""
    name = "\n".join(seed).encode(errors="replace").decode()  # a text may hold lone surrogates
    return str(uuid.uuid5(_NAMESPACE, name))
