"""What of a conversation is observed, and where its log stands in it."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from cortex_cli import marks
from cortex_cli.layers.observe import find_log, lay_out
from cortex_cli.memory.identity import FEW_MESSAGES, end_of_kept, find_mark, fingerprint, kept_positions
from cortex_cli.memory.state import Hint, MemoryState, digest
from cortex_cli.messages import Message, Part
from cortex_cli.settings import Settings
from cortex_cli.summarizers.boundaries import open_tags
from cortex_cli.tokens import Counter, message_sizes

NOT_OBSERVED = ("log", "notice", "acknowledgement", "parting", "closing")
"""Synthetic messages that say nothing to be noted."""


def is_observable(message: Message) -> bool:
    """Tell whether there is something to be noted of a message."""
    return not message.slot and message.synthetic not in NOT_OBSERVED


@lru_cache(maxsize=4)
def _read_log(text: str) -> tuple[marks.Log | None, str]:
    """Read a log and what it is known by; the same one stands in a live session from call to call."""
    log = marks.parse_log(text)
    return log, digest(log.observations) if log else ""


class Standing:
    """A state, held against the messages of its conversation. Nothing here asks an author."""

    def __init__(self, settings: Settings, counter: Counter, state: MemoryState) -> None:
        self.settings = settings
        self.counter = counter
        self.state = state
        self._slot: tuple[marks.Log, Message | None] | None = None
        self._placed: tuple[tuple[Message, ...], MemoryState, tuple[Message, ...]] | None = None
        """A conversation, the state then, and how `place` laid it out: a step asks more than once."""

    def adopt(self, messages: Sequence[Message]) -> bool:
        """Take over the log that stands in a conversation, where the state does not know it.

        Returns:
            False where state and conversation tell of different things; the state is then as it was.
        """
        at = find_log(messages)
        found, told = _read_log(messages[at].text) if at is not None else (None, "")
        state = self.state
        if found is None:
            return True
        if told in state.lineage:
            if self._is_current(messages[at or 0]):
                self._keep_recall(found)
            return True
        if state.observations and not found.observations.startswith(state.observations):
            return False
        self.state = replace(
            state.with_log(found.observations, self.counter.count_text(found.observations)),
            hint=Hint(found.current_task, found.suggested_response),
            chunks=tuple(chunk for chunk in state.chunks if chunk.observations not in found.observations),
        )
        self._keep_recall(found)
        return True

    def _keep_recall(self, found: marks.Log) -> None:
        """Leave a log as it stands while nothing is added to it: a line of how to look things up would be all."""
        if self.state.recall != found.recall:
            self.state = replace(self.state, recall=found.recall)

    def is_of(self, messages: Sequence[Message]) -> bool:
        """Tell whether the state knows anything of a conversation: its log stands there, or a message it observed."""
        state = self.state
        if not (state.observations or state.chunks) or find_log(messages) is not None:
            return True
        places = [*([state.merged] if state.merged else []), *(chunk.until for chunk in state.chunks)]
        known = {print_ for mark in places for print_ in mark.trail}
        return not known or len(known.intersection(map(fingerprint, messages))) >= min(FEW_MESSAGES, len(known))

    def merged_position(self, messages: Sequence[Message]) -> int:
        """Return the position up to which the log stands for the messages."""
        at, state = find_log(messages), self.state
        kept = end_of_kept(state.kept, messages, at + 1) if at is not None else 0
        if state.merged is None or (at is not None and self._is_current(messages[at])):
            return kept  # all else that the log stands for has left
        return max(kept, find_mark(state.merged, messages) or 0)

    def _is_current(self, message: Message) -> bool:
        """Tell whether the log in a conversation is the one of the state, as it is now."""
        log, told = _read_log(message.text)
        return log is not None and self.state.lineage[-1:] == (told,)

    def position(self, messages: Sequence[Message]) -> int:
        """Return the position of the first message that is not observed yet."""
        chunks = [find_mark(chunk.until, messages) or 0 for chunk in self.state.chunks[-1:]]
        return max(self.merged_position(messages), *chunks, 0)

    def unobserved_tokens(self, messages: Sequence[Message], end: int | None = None) -> int:
        """Count what is not observed yet, up to a position."""
        start = self.position(messages)
        sizes = message_sizes(messages, self.counter)[start:end]
        new = messages[start:end]
        return sum(size for one, size in zip(new, sizes, strict=True) if is_observable(one))

    def slot(self) -> Message | None:
        """Return the log as a message, the same one while it says the same; None while it is empty."""
        state = self.state
        log = marks.Log(state.observations, *state.hint, state.recall)
        if self._slot is None or self._slot[0] != log:
            self._slot = log, _make_slot(log)
        return self._slot[1]

    def place(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """Put the log in the place of what it stands for; the same messages where all stands as it should."""
        known = self._placed
        if known is not None and known[0] is messages and known[1] is self.state:
            return known[2]
        covered = self.merged_position(messages)
        done = lay_out(messages, covered, kept_positions(self.state.kept, messages, covered), self.slot())
        self._placed = messages, self.state, done
        return done


def _make_slot(log: marks.Log) -> Message | None:
    if not log.observations:
        return None
    task, response = open_tags(log.current_task), open_tags(log.suggested_response)
    text = marks.log_text(log._replace(current_task=task, suggested_response=response))
    return Message("user", (Part("text", text),), synthetic="log")
