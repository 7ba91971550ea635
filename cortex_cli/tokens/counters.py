"""Counters: what the rest of the program asks for the size of a text or a message.

Every text is counted once and remembered. Counters are always passed in.
"""

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Protocol

from cortex_cli.errors import OptionError, name_hint
from cortex_cli.growing import find_beginning
from cortex_cli.messages import Message, Part
from cortex_cli.tokens.engines import ENCODINGS, Engine, load_engine

CHARS_PER_TOKEN = 4
"""Code points to a token, for the heuristic. Source: SPEC section 1."""

HEURISTIC = "heuristic"
"""Name of the counter that needs no vocabulary."""

MEMO_TEXTS = 200_000
"""How many counts a counter remembers at least (about 30 MB), at most twice as many; a 200 MB session has half."""

REMEMBERED = 4
"""Conversations whose sizes are remembered: as loaded, as repaired, before a layer and after it."""


class Counter(Protocol):
    """Counts tokens; one instance is shared by everything that handles one transcript."""

    name: str
    """What the user asked for: `o200k_base`, `cl100k_base`, `heuristic`."""
    engine: str
    """What counts: `tiktoken 0.14.0`, `toktok-rs 0.3.0`, `heuristic`."""

    def count_text(self, text: str) -> int:
        """Count one text."""
        ...

    def count_message(self, message: Message) -> int:
        """Count all of a message that the model would be sent."""
        ...


def make_counter(name: str) -> Counter:
    """Return a counter of its own memory; vocabularies are loaded once per process, from the package itself.

    Args:
        name: `heuristic`, or a name that tiktoken knows and whose vocabulary ships with the package.

    Raises:
        OptionError: There is no such counter.
    """
    if name == HEURISTIC:
        return HeuristicCounter()
    if name not in ENCODINGS:
        raise OptionError(f"unknown tokenizer {name!r}", hint=name_hint(name, tokenizer_names()))
    return ExactCounter(name, load_engine(name))


def tokenizer_names() -> tuple[str, ...]:
    """Return every name that `make_counter` takes."""
    return (*ENCODINGS, HEURISTIC)


def estimate_tokens(characters: int) -> int:
    """Return the heuristic's count of that many characters."""
    return -(-characters // CHARS_PER_TOKEN)


class _Known:
    """The sizes of one conversation.

    Args:
        messages: Held, so that nothing else can have their places in memory while they are told apart by these.
        counted: Their sizes, perhaps with those of messages behind them: conversations that grow share one list.
        total: Of all messages.
        largest: Of one.
    """

    __slots__ = ("_sizes", "counted", "largest", "messages", "total")

    def __init__(self, messages: tuple[Message, ...], counted: list[int], total: int, largest: int) -> None:
        self.messages = messages
        self.counted = counted
        self.total = total
        self.largest = largest
        self._sizes: tuple[int, ...] | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of each message; put together when first asked for, since most ask for the sum only."""
        if self._sizes is None:
            self._sizes = tuple(self.counted[: len(self.messages)])
        return self._sizes

    def grown(self, messages: tuple[Message, ...], added: list[int]) -> "_Known":
        """Return the sizes of a conversation that begins with this one."""
        counted = self.counted
        with _growing:
            if len(counted) > len(self.messages):  # it grew otherwise before
                counted = counted[: len(self.messages)]
            counted.extend(added)
        return _Known(messages, counted, self.total + sum(added), max(self.largest, *added, 0))


_growing = Lock()
"""Held while a shared list grows: threads may share a counter."""


class _Sizes:
    """Remembers the sizes of the newest conversations: every step of a run asks for the same ones again."""

    def __init__(self) -> None:
        self._known: tuple[_Known, ...] = ()

    def know(self, messages: tuple[Message, ...]) -> _Known:
        """Count a conversation; messages of the one before, or of one that it begins with, are not counted again."""
        for known in self._known:
            if known.messages is messages:
                return known
        before = self._known
        at = find_beginning(messages, [one.messages for one in before])
        if at is not None:
            shorter = before[at]
            found = shorter.grown(messages, [self.count_message(one) for one in messages[len(shorter.messages) :]])
            rest = (*before[:at], *before[at + 1 :])
        else:
            sizes = self._count_others(messages)
            found, rest = _Known(messages, sizes, sum(sizes), max(sizes, default=0)), before
        self._known = (found, *rest[: REMEMBERED - 1])
        return found

    def _count_others(self, messages: tuple[Message, ...]) -> list[int]:
        count = self.count_message
        if not self._known:
            return list(map(count, messages))
        before = dict(zip(map(id, self._known[0].messages), self._known[0].sizes, strict=True))
        known = map(before.get, map(id, messages))
        return [count(one) if size is None else size for one, size in zip(messages, known, strict=True)]

    def count_message(self, message: Message) -> int:
        """Count all of a message that the model would be sent."""
        raise NotImplementedError


class HeuristicCounter(_Sizes):
    """`ceil(characters / 4)`, over all of a message at once."""

    name = HEURISTIC
    engine = HEURISTIC

    def count_text(self, text: str) -> int:
        """Count one text."""
        return -(-len(text) // CHARS_PER_TOKEN)

    def count_message(self, message: Message) -> int:
        """Count all of a message that the model would be sent."""
        characters = tokens = 0
        for part in message.parts:
            characters += len(part.text)
            if part.kind == "call":
                characters += len(part.name)
            if part.media:
                tokens += count_media(part)
        return -(-characters // CHARS_PER_TOKEN) + tokens


class ExactCounter(_Sizes):
    """Exact counts of a real vocabulary, remembered by content.

    The memory holds no texts: its key is the text's hash (which Python keeps with the string) and length.
    It has two generations, so that a long-lived counter forgets what it has not met for long. Threads may
    share it: at worst a text is counted twice.
    """

    def __init__(self, name: str, engine: Engine) -> None:
        super().__init__()
        self.name = name
        self.engine = engine.name
        self._count = engine.count
        self._young: dict[tuple[int, int], int] = {}
        self._old: dict[tuple[int, int], int] = {}

    def count_text(self, text: str) -> int:
        """Count one text."""
        key = (hash(text), len(text))
        known = self._young.get(key)
        if known is None:
            known = self._old.get(key)
            if known is None:
                known = self._count(text)
            self._remember(key, known)
        return known

    def count_message(self, message: Message) -> int:
        """Count all of a message that the model would be sent."""
        total = 0
        for part in message.parts:
            if part.kind == "opaque":
                total += estimate_tokens(len(part.text))
                continue
            if part.text:
                total += self.count_text(part.text)
            if part.kind == "call":
                total += self.count_text(part.name)
            if part.media:
                total += count_media(part)
        return total

    def _remember(self, key: tuple[int, int], tokens: int) -> None:
        if len(self._young) >= MEMO_TEXTS:
            self._old, self._young = self._young, {}
        self._young[key] = tokens


def counted_texts(part: Part) -> tuple[str, ...]:
    """Return the texts of a part that count: a call's name and arguments, else its text."""
    return (part.name, part.text) if part.kind == "call" else (part.text,)


def count_media(part: Part) -> int:
    """Return the estimated tokens of the media in a part."""
    return sum(media.tokens for media in part.media)


def count_messages(messages: Iterable[Message], counter: Counter) -> int:
    """Count messages."""
    if isinstance(counter, _Sizes) and isinstance(messages, tuple):
        return counter.know(messages).total if messages else 0  # none is not to push out a conversation
    return sum(map(counter.count_message, messages))


def message_sizes(messages: Sequence[Message], counter: Counter) -> tuple[int, ...]:
    """Count each of several messages."""
    if isinstance(counter, _Sizes) and isinstance(messages, tuple):
        return counter.know(messages).sizes
    return tuple(map(counter.count_message, messages))


def largest_message(messages: Sequence[Message], counter: Counter) -> int:
    """Return the size of the largest of several messages; 0 where there is none."""
    if isinstance(counter, _Sizes) and isinstance(messages, tuple):
        return counter.know(messages).largest
    return max(map(counter.count_message, messages), default=0)
