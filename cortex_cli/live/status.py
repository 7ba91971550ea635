"""How a live session stands, as values; and its state as JSON, to be gone on with later."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cortex_cli.cache import Retention
from cortex_cli.errors import InputError
from cortex_cli.formats.containers import as_plain
from cortex_cli.jsonedit import encode
from cortex_cli.live.document import OWN, shell_of, without_marks
from cortex_cli.live.history import History
from cortex_cli.live.passing import Known, Trims

STATE_VERSION = 1
"""Of the saved state's form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What `CompactionManager.status` tells. Sizes are in tokens, times in seconds of the session's clock."""

    strategy: str
    messages: int
    """In the saved history."""
    tokens: int
    """Of the newest call, as the model counts: anchored on real usage where that is known."""
    usage_ratio: float
    """Of the budget, 0-1."""
    window: int
    utility_window: int
    """Of the model that writes summaries; 0: not known."""
    budget: int
    threshold: float
    """The layer-2 threshold that holds now, 0-1 of the budget."""
    scale: float
    """What the model counts for one token of ours."""
    overhead_tokens: int
    """Sent with every call beside the messages, in our tokens."""
    cache_provider: str
    """Empty: no cache is reckoned with."""
    cache_retention: Retention
    cache_ttl_seconds: int
    is_cold: bool
    best_retention: Retention
    """For calls that come as they did."""
    last_call: float | None
    last_interaction: float | None
    failures: int
    """Failed model calls in a row."""
    compactions: int
    """How often the saved history was replaced."""
    slot_text: str = ""
    """The observation slot, where the strategy has one."""
    observation_tokens: int = 0
    in_flight: tuple[str, ...] = ()
    """What runs now: `pass`, `observation`, `reflection`."""


def dump_history(known: Known) -> dict[str, Any] | None:
    """Return the part of the state that stands for a compacted history; None where it is the caller's own.

    Raises:
        InputError: The messages are no plain values.
    """
    history = known.history
    if not history.solid:
        return None
    if known.document is not None and known.document.transcript.format == OWN:
        raise InputError("only histories of message dicts can be saved", hint="dump them with `dump` instead")
    head = [value for value, origin in zip(history.values, history.origins, strict=True) if origin < history.solid]
    return {
        "covered": history.solid,
        "digest": digest(history.source[: history.solid]),
        "head": head,
        "decisions": dict(known.trims.decisions),
    }


def load_history(state: Mapping[str, Any], given: Sequence[Any]) -> tuple[History, Trims] | None:
    """Return the history that a state stands for.

    Args:
        state: As `dump_history` made it.
        given: The caller's messages, without system prompts in front.

    Returns:
        None where the messages do not begin with those that the state covers.
    """
    covered = int(state["covered"])
    if len(given) < covered or digest(given[:covered]) != state["digest"]:
        return None
    head = tuple(state["head"])
    source = tuple(map(shell_of, given[:covered]))
    history = History(head, (-1,) * len(head), covered, source, is_frozen=False)
    return history, Trims(dict(state["decisions"]))


def digest(values: Sequence[Any]) -> str:
    """Return a hash of message dicts."""
    found = hashlib.sha256()
    for value in values:
        found.update(encode(without_marks(as_plain(value))) + b"\n")
    return found.hexdigest()
