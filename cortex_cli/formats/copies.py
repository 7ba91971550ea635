"""Copies of a text that a tool keeps beside the message for its own display or its log: they shrink with the original.

Nothing of them is sent, but a file whose results shrink and whose copies do not stays as large as it was.
Source: SPEC section 3, "Copies of the text that the client does not send".
"""

from collections.abc import Iterator
from typing import Any

from cortex_cli.jsonedit import Edit, Path, Replace
from cortex_cli.messages import Part, Transcript

COPY_MAX_CHARS = 256
"""Longer strings shrink with their original. Source: SPEC section 3, `bookend_min_chars`."""


def shrink_all(path: Path, value: Any, old: Part, new: Part) -> Iterator[Edit]:
    """Shorten every long string of a value that is known to be the copy of one result.

    Args:
        path: Where the value stands.
        value: The copy; perhaps in pieces, or formatted otherwise than the result.
        old: The result as it was loaded.
        new: The result as it is to be.
    """
    for place, text in _long_strings(path, value):
        yield Replace(place, new.text if text == old.text else _shortened(text))


class Changed:
    """The texts of a transcript that changed or left, for logs that quote them anywhere."""

    def __init__(self, transcript: Transcript) -> None:
        now = {(part.record, part.block): part for message in transcript.messages for part in message.parts}
        self._texts: dict[str, str | None] = {}
        for message in transcript.loaded:
            for part in message.parts:
                new = now.get((part.record, part.block))
                if len(part.text) > COPY_MAX_CHARS and (new is None or new.text != part.text):
                    self._texts[part.text] = new.text if new else None
        self._kept = {part.text for part in now.values()}
        self._texts = {old: new for old, new in self._texts.items() if old not in self._kept}
        self._seen: dict[str, str] = {}

    def edits(self, path: Path, value: Any) -> Iterator[Edit]:
        """Shorten the strings in a value that are such a text, or a long piece of one."""
        if not self._texts:
            return
        for place, text in _long_strings(path, value):
            if (new := self._find(text)) != text:
                yield Replace(place, new)

    def _find(self, text: str) -> str:
        if text not in self._seen:
            self._seen[text] = self._shorter(text)
        return self._seen[text]

    def _shorter(self, text: str) -> str:
        """Return what becomes of one string; a piece of what is kept stays, wherever else it stood too."""
        body = text.strip()
        whole = text if text in self._texts else next((one for one in self._texts if body in one), None)
        if whole is None or any(body in one for one in self._kept):
            return text
        new = self._texts[whole]
        return new if new is not None and len(new) < len(text) else _shortened(text)


def _long_strings(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    """Yield every string in a value that may shrink, and its place.

    Without recursion: a log may be nested as deep as it likes.
    """
    left: list[tuple[Path, Any]] = [(path, value)]
    while left:
        place, one = left.pop()
        if isinstance(one, str):
            if len(one) > COPY_MAX_CHARS:
                yield place, one
        elif isinstance(one, dict | list):
            members = one.items() if isinstance(one, dict) else enumerate(one)
            left += [
                ((*place, key), member)
                for key, member in members
                if not isinstance(member, str) or len(member) > COPY_MAX_CHARS  # most are short, and need no place
            ]


def _shortened(text: str) -> str:
    mark = f"... [{len(text)} characters, trimmed]"
    return text[: COPY_MAX_CHARS - len(mark)] + mark
