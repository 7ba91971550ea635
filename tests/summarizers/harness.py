"""Compacts generated chats as the layer does, round after round on its own output, and counts what survives."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cortex_cli.layers.summary import install_summary, plan_summary
from cortex_cli.layers.view import View
from cortex_cli.messages import Message
from cortex_cli.settings import Settings
from cortex_cli.summarizers.builtin import summarize
from cortex_cli.tokens import Counter, count_messages
from tests.summarizers.chats import Chat, numbered

WINDOW = 200_000
SETTINGS = Settings(now="2026-01-01T00:00:00Z")
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


def compact(messages: Sequence[Message], max_tokens: int, counter: Counter) -> list[Message]:
    """Let layer 2 make a conversation at most `max_tokens`, as `--fit` does."""
    view = View(messages=numbered(messages), window=WINDOW, budget=WINDOW, target_tokens=max_tokens)
    plan = plan_summary(view, SETTINGS, counter)
    outcome = summarize(plan.request) if plan.request else None
    return list(install_summary(view, plan, outcome, SETTINGS, counter).messages)


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
