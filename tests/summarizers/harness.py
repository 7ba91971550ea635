"""Compacts generated chats as the layer does, round after round on its own output, and counts what survives."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cortex_cli import marks
from cortex_cli.messages import Message, Part
from cortex_cli.summarizers.base import SummaryRequest
from cortex_cli.summarizers.builtin import summarize
from cortex_cli.tokens import Counter, count_messages
from tests.summarizers.chats import Chat, numbered

KEEP_RECENT = 6
TAG_TOKENS = 40


@dataclass(frozen=True, slots=True)
class Survival:
    """Shares, 0-1."""

    rules: float
    values: float
    latest: float
    """Updates of which only the latest value is shown."""
    stale: float
    """Updates of which the old value is still shown."""
    lookalikes: float
    facts: float
    """Of all rules and live values together."""


def compact(messages: Sequence[Message], max_tokens: int, counter: Counter, keep: int = KEEP_RECENT) -> list[Message]:
    """Replace all but the last messages by a built-in summary, so that the result has at most `max_tokens`."""
    prefix, tail = messages[:-keep], messages[-keep:]
    earlier = tuple(
        summary for message in prefix if message.synthetic and (summary := marks.parse_summary(message.text))
    )
    room = max_tokens - count_messages([*tail, tagged("", len(prefix))], counter) - 1
    request = SummaryRequest(
        messages=tuple(message for message in prefix if not message.synthetic),
        earlier=earlier,
        max_tokens=room,
        counter=counter,
        following=tuple(tail),
    )
    outcome = summarize(request)
    if outcome is None:
        return list(tail)
    return [tagged(outcome.text, len(prefix)), *tail]


def tagged(text: str, turns: int) -> Message:
    """Return a summary as it stands in a transcript."""
    tags = marks.summary_text(marks.Summary("2026-01-01T00:00:00Z", turns, text))
    return Message("user", (Part("text", tags),), synthetic="summary")


def rounds(chat: Chat, share: float, counter: Counter, mode: str = "again", count: int = 5) -> str:
    """Compact a chat in so many rounds, each on the output of the one before with new turns behind it.

    Args:
        chat: Generated.
        share: Size of every result, against the whole chat.
        counter: Counts.
        mode: `again`: four fifths of the chat first, the rest in the turns between. `window`: fifths; what still
            fits is not compacted. `growing`: fifths, and the size is a share of what was said so far.
        count: Rounds.
    """
    size = len(chat.messages)
    first = size * 4 // 5 if mode == "again" else size // count
    step = (size - first) / (count - 1)
    cuts = [0, first, *(first + round(step * at) for at in range(1, count))]
    whole = count_messages(chat.messages, counter)
    view: list[Message] = []
    for start, end in pairwise(cuts):
        view = numbered_new(view, chat.messages[start:end])
        limit = int(share * (count_messages(chat.messages[:end], counter) if mode == "growing" else whole))
        if end == size or mode != "window" or count_messages(view, counter) > limit:
            view = compact(view, limit, counter)
    return "\n".join(message.text for message in view)


def numbered_new(view: Sequence[Message], new: Sequence[Message]) -> list[Message]:
    """Put new turns behind a view and number all."""
    return list(numbered([*view, *new]))


def survival(chat: Chat, text: str) -> Survival:
    """Count what is still there."""
    lines = [line.lower() for line in text.split("\n")]
    rules = [_squeezed(rule) in _squeezed(text) for rule in chat.rules]
    values = [_stands(subject, value, lines) for subject, value in chat.values]
    alike = [_stands(subject, value, lines) for subject, value in chat.lookalikes]
    return Survival(
        _share(rules),
        _share(values),
        _share([has_value(text, new) and not has_value(text, old) for _, old, new in chat.updates]),
        _share([has_value(text, old) for _, old, _ in chat.updates]),
        _share(alike),
        _share([*rules, *values, *alike]),
    )


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else 1.0


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def has_value(text: str, value: str) -> bool:
    """Tell whether a value stands in a text, not as a part of another."""
    return re.search(rf"(?<![\w-]){re.escape(value)}(?![\w]|-\w)", text) is not None


def _stands(subject: str, value: str, lines: Sequence[str]) -> bool:
    """A value survives only with its subject: both on one line."""
    return any(subject.lower() in line and has_value(line, value.lower()) for line in lines)
