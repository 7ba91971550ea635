"""Ids of what we write: the same for the same session, text and cut, so that the same input gives the same bytes."""

import uuid
from collections.abc import Iterable

_NAMESPACE = uuid.UUID("86ba20a4-6150-5948-bd2d-a087def8ff17")
"""This project's own, never to be changed: the ids of all that was ever written follow from it."""


def new_uuid(*seed: str) -> str:
    """Make an id that is the same for the same session, text and cut."""
    name = "\n".join(seed).encode(errors="replace").decode()  # a text may hold lone surrogates
    return str(uuid.uuid5(_NAMESPACE, name))


class NewIds:
    """Ids that nothing in a session has yet: what an earlier run wrote may have the same text at the same cut."""

    def __init__(self, taken: Iterable[object], prefix: str = "", length: int = 36) -> None:
        """Know the ids that are taken, and the form of new ones: a prefix, and so much of a UUID."""
        self._taken = {one for one in taken if isinstance(one, str)}
        self._prefix = prefix
        self._length = length

    def make(self, *seed: str) -> str:
        """Make the id that follows from the seed, or the next one that is free."""
        found = self._prefix + new_uuid(*seed)[: self._length]
        while found in self._taken:
            seed = (*seed, "+")
            found = self._prefix + new_uuid(*seed)[: self._length]
        self._taken.add(found)
        return found
