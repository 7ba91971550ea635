"""What became of single messages where a request was cut: what left, what was shortened, what came in its place."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cortex_cli.messages import Message

SHOWN_CHARS = 2_000
"""Of a text, kept to be shown; a cut may take megabytes away."""

NO_MESSAGE = -1
"""`Piece.message` of what a compaction wrote."""


class Excerpt(NamedTuple):
    """The beginning of a message as its model reads it."""

    text: str
    chars: int
    """Of all of it."""


class Piece(NamedTuple):
    """One message of a cut."""

    message: int
    """Position of the recorded message; `NO_MESSAGE` for what a compaction wrote."""
    before: int
    """Tokens; 0: it came with the cut."""
    after: int
    """Tokens; 0: it left."""
    was: Excerpt | None
    """As it stood before; None: as recorded, or not at all."""
    now: Excerpt | None
    """What stands there now; None: as recorded, or nothing."""
    kind: str = ""
    """What it is, where a compaction wrote it: `summary`, `log`, `notice`, ..."""


class Sized(NamedTuple):
    """A message that left or came, and its tokens."""

    message: Message
    tokens: int


def pieces_of(gone: Sequence[Sized], added: Sequence[Sized], positions: Mapping[int, int]) -> tuple[Piece, ...]:
    """Tell what became of each message of a cut; one that stands for another of the same position is that one changed.

    Args:
        gone: What the request held and holds no longer.
        added: What it holds now. Recorded messages among them are new, or stand there again as they were.
        positions: Of the recorded messages, by identity.
    """
    came = {one.message.position: one for one in added if one.message.position >= 0}
    made = [one for one in added if one.message.position < 0 and id(one.message) not in positions]
    found = []
    for one in gone:
        position = one.message.position
        now = came.get(position) if position >= 0 else None
        was = None if id(one.message) in positions else excerpt(one.message)
        if now is None:
            kind = one.message.synthetic if position < 0 else ""
            found.append(Piece(max(position, NO_MESSAGE), one.tokens, 0, was, None, kind))
        else:
            stands = None if id(now.message) in positions else excerpt(now.message)
            found.append(Piece(position, one.tokens, now.tokens, was, stands))
    found += [
        Piece(NO_MESSAGE, 0, one.tokens, None, excerpt(one.message), one.message.synthetic or "message") for one in made
    ]
    return tuple(found)


def excerpt(message: Message) -> Excerpt:
    """Return the beginning of a message, calls with their tools' names, images as their kind."""
    texts = []
    for part in message.parts:
        shown = f"{part.name} {part.text}" if part.kind == "call" else part.text
        media = [f"[{one.type}]" for one in part.media]
        texts += [text for text in (shown, *media) if text]
    whole = "\n".join(texts)
    return Excerpt(whole[:SHOWN_CHARS], len(whole))


class Recorded:
    """The messages of a session as pieces tell of them; each is read once.

    Args:
        messages: Of the session.
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self._known: dict[int, tuple[str, Excerpt]] = {}

    def piece_to_json(self, piece: Piece) -> dict[str, Any]:
        """Return a piece with its texts."""
        name, said = self._told(piece.message) if piece.message >= 0 else ("", None)
        before = piece.was or (said if piece.before else None)
        after = piece.now or (said if piece.after else None)
        return {
            "message": piece.message,
            "kind": piece.kind or name,
            "tokens_before": piece.before,
            "tokens_after": piece.after,
            "before": before.text if before else "",
            "before_chars": before.chars if before else 0,
            "after": after.text if after else "",
            "after_chars": after.chars if after else 0,
        }

    def _told(self, position: int) -> tuple[str, Excerpt]:
        known = self._known.get(position)
        if known is None:
            message = self._messages[position]
            result = message.result
            name = f"{message.role} {result.name}".strip() if result else message.role
            known = self._known[position] = (name, excerpt(message))
        return known
