"""One way of talking: how rules, values, changes and small talk are worded in generated chats."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One way of talking."""

    rules: Sequence[str]
    """Sentences with slots."""
    values: Sequence[tuple[str, str]]
    """(subject, what its value is drawn from)."""
    states: Sequence[str]
    """`{s}` is `{v}`, in words."""
    updates: Sequence[str]
    """The same after a change."""
    lookalikes: Sequence[tuple[str, str, str]]
    """Two subjects that look alike, and what their values are drawn from."""
    slots: dict[str, Sequence[str]]
    user_talk: Sequence[str]
    assistant_talk: Sequence[str]
