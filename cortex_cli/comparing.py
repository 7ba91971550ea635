"""Two transcripts side by side: what left, what stayed, what changed, what came."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from cortex_cli.messages import Message, Part, Transcript
from cortex_cli.tokens import Counter, count_messages


class Edited(NamedTuple):
    """A message that stands in both and is not the same."""

    before: Message
    after: Message


class Difference(NamedTuple):
    """How two transcripts differ."""

    before: Transcript
    after: Transcript
    left: tuple[Message, ...]
    """Only in the first."""
    came: tuple[Message, ...]
    """Only in the second."""
    edited: tuple[Edited, ...]
    same: int
    """Messages that are equal in both."""
    tokens_before: int
    tokens_after: int
    counter: Counter

    def to_json(self) -> dict[str, Any]:
        """Return what `cortex diff --json` prints."""
        return {
            "version": 1,
            "command": "diff",
            "input": {"path": self.before.path, "messages": len(self.before.messages), "tokens": self.tokens_before},
            "output": {"path": self.after.path, "messages": len(self.after.messages), "tokens": self.tokens_after},
            "saved_tokens": self.tokens_before - self.tokens_after,
            "same": self.same,
            "left": [self._entry(message, self.before) for message in self.left],
            "came": [self._entry(message, self.after) for message in self.came],
            "changed": [self._changed(one) for one in self.edited],
        }

    def _entry(self, message: Message, where: Transcript) -> dict[str, Any]:
        return {
            "message": message.position,
            "line": where.line_of(message),
            "id": message.id,
            "role": message.role,
            "tool": tool_of(message),
            "typed": message.typed,
            "tokens": self.counter.count_message(message),
        }

    def _changed(self, one: Edited) -> dict[str, Any]:
        entry = self._entry(one.before, self.before)
        entry["tokens_before"] = entry.pop("tokens")
        return {**entry, "tokens_after": self.counter.count_message(one.after)}


def tool_of(message: Message) -> str:
    """Return the tool of a result; empty for other messages."""
    return message.result.name if message.result is not None else ""


def compare(before: Transcript, after: Transcript, counter: Counter) -> Difference:
    """Find what left, what came and what was edited on the way from one transcript to another.

    Messages are known again by their id or their call's id, else by their content.
    """
    left: list[Message] = []
    came: list[Message] = []
    edited: list[Edited] = []
    same = 0
    old, new = before.messages, after.messages
    matcher = SequenceMatcher(None, _keys(old), _keys(new), autojunk=False)
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag == "equal":
            pairs = list(zip(old[i:i_end], new[j:j_end], strict=True))
            changed = [Edited(*pair) for pair in pairs if _content(pair[0]) != _content(pair[1])]
            edited.extend(changed)
            same += len(pairs) - len(changed)
        else:
            left.extend(old[i:i_end])
            came.extend(new[j:j_end])
    return Difference(
        before,
        after,
        tuple(left),
        tuple(came),
        tuple(edited),
        same,
        count_messages(old, counter),
        count_messages(new, counter),
        counter,
    )


def _keys(messages: Sequence[Message]) -> list[tuple[Any, ...]]:
    """Name messages so that the same message has the same name in both transcripts."""
    seen: dict[tuple[Any, ...], int] = {}
    keys = []
    for message in messages:
        key = _key(message)
        seen[key] = seen.get(key, 0) + 1
        keys.append((*key, seen[key]))
    return keys


def _key(message: Message) -> tuple[Any, ...]:
    if message.result is not None and message.result.call_id:
        return ("tool", message.result.call_id)
    if message.id:
        return (message.role, message.id)
    if message.calls:
        return (message.role, *(part.call_id for part in message.calls))
    return (message.role, *_content(message))


def _content(message: Message) -> tuple[Any, ...]:
    return tuple((part.kind, part.text, part.name, len(part.media)) for part in message.parts)


def changed_parts(one: Edited) -> Iterator[tuple[Part | None, Part | None]]:
    """Yield the (part before, part after) that differ; None where there is none."""
    before, after = one.before.parts, one.after.parts
    matcher = SequenceMatcher(None, [_look(part) for part in before], [_look(part) for part in after], autojunk=False)
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag != "equal":
            for step in range(max(i_end - i, j_end - j)):
                yield (before[i + step] if i + step < i_end else None, after[j + step] if j + step < j_end else None)


def _look(part: Part) -> tuple[Any, ...]:
    return (part.kind, part.text, part.name, len(part.media))
