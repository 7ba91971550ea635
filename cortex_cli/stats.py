"""Where the tokens of a transcript are: by role, tool and kind of part, and the biggest single pieces."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from cortex_cli import sizing
from cortex_cli.messages import Message, Part, Transcript
from cortex_cli.settings import Settings
from cortex_cli.tokens import Counter

PREVIEW_CHARS = 80
"""Characters of an item's text in a report."""


class Share(NamedTuple):
    """What one role, tool or kind takes."""

    name: str
    items: int
    """Messages of the role, results of the tool, parts of the kind."""
    tokens: int


class Item(NamedTuple):
    """One piece of the transcript."""

    message: int
    """0-based index in the live path."""
    line: int
    """1-based line of its record."""
    role: str
    kind: str
    tool: str
    tokens: int
    preview: str
    """The beginning of its text, on one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The sizes of one transcript."""

    path: str
    format: str
    model: str
    messages: int
    turns: int
    """Messages that a person wrote."""
    tokens: int
    """Everything that would be sent, overhead included."""
    overhead_tokens: int
    bytes: int
    window: int
    window_source: str
    model_scale: float
    tokenizer: str
    counter: str
    by_role: tuple[Share, ...]
    by_kind: tuple[Share, ...]
    by_tool: tuple[Share, ...]
    """Tokens of the results of each tool."""
    biggest: tuple[Item, ...]
    warnings: tuple[str, ...] = ()

    @property
    def utilization(self) -> float:
        """Share of the window, 0-1 and above."""
        return self.tokens * self.model_scale / self.window

    def to_json(self) -> dict[str, Any]:
        """Return what `cortex stats --json` prints; the names are those of the compaction report."""
        return {
            "version": 1,
            "command": "stats",
            "input": {
                "path": self.path,
                "format": self.format,
                "messages": self.messages,
                "tokens": self.tokens,
                "bytes": self.bytes,
                "overhead_tokens": self.overhead_tokens,
            },
            "model": self.model,
            "turns": self.turns,
            "window": self.window,
            "window_source": self.window_source,
            "utilization": round(self.utilization, 4),
            "model_scale": self.model_scale,
            "tokenizer": self.tokenizer,
            "counter": self.counter,
            "by_role": [share._asdict() for share in self.by_role],
            "by_kind": [share._asdict() for share in self.by_kind],
            "by_tool": [share._asdict() for share in self.by_tool],
            "biggest": [item._asdict() for item in self.biggest],
            "warnings": list(self.warnings),
        }


def measure(transcript: Transcript, settings: Settings, counter: Counter, *, top: int = 10) -> Stats:
    """Count a transcript.

    Args:
        transcript: As loaded.
        settings: For the window and the model.
        counter: Counts.
        top: How many of the biggest pieces to name.
    """
    sizes = sizing.measure(transcript, settings, counter)
    items = list(_items(transcript, counter))
    messages = transcript.messages
    by_role = _shares((message.role, counter.count_message(message)) for message in messages)
    return Stats(
        path=transcript.path,
        format=transcript.format,
        model=settings.model or transcript.model,
        messages=len(messages),
        turns=sum(message.typed for message in messages),
        tokens=sizes.overhead_tokens + sum(share.tokens for share in by_role),
        overhead_tokens=sizes.overhead_tokens,
        bytes=transcript.size_bytes,
        window=sizes.window,
        window_source=sizes.window_source,
        model_scale=sizes.scale,
        tokenizer=counter.name,
        counter=counter.engine,
        by_role=by_role,
        by_kind=_shares((item.kind, item.tokens) for item in items),
        by_tool=_shares((item.tool or "unknown", item.tokens) for item in items if item.kind == "result"),
        biggest=tuple(sorted(items, key=lambda item: -item.tokens)[:top]),
        warnings=(*transcript.warnings, *sizes.warnings),
    )


def _items(transcript: Transcript, counter: Counter) -> Iterator[Item]:
    for position, message in enumerate(transcript.messages):
        line = transcript.line_of(message)
        for part in message.parts:
            tokens = counter.count_message(message._replace(parts=(part,)))
            yield Item(position, line, message.role, part.kind, _tool(part, message), tokens, _preview(part))


def _tool(part: Part, message: Message) -> str:
    return part.name if part.kind in ("call", "result") or message.role == "tool" else ""


def _preview(part: Part) -> str:
    return " ".join(part.text[: 4 * PREVIEW_CHARS].split())[:PREVIEW_CHARS]


def _shares(counted: Iterable[tuple[str, int]]) -> tuple[Share, ...]:
    """Sum up by name, the largest first."""
    items: dict[str, int] = {}
    tokens: dict[str, int] = {}
    for name, count in counted:
        items[name] = items.get(name, 0) + 1
        tokens[name] = tokens.get(name, 0) + count
    return tuple(sorted((Share(name, items[name], tokens[name]) for name in items), key=lambda one: -one.tokens))
