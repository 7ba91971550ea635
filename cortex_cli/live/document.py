"""A program's list of messages as it grows from call to call: each element is read once, and written as itself.

Reading whole lists and writing them is the formats' affair; here stands only what makes it cheap to do again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import is_
from typing import Any

from cortex_cli import formats
from cortex_cli.formats import rewrite
from cortex_cli.formats.containers import Box, Layout, PlainSource, as_plain, is_message, mark_own, name_results
from cortex_cli.growing import begins_with, common_length, note_longer
from cortex_cli.messages import Message, Transcript
from cortex_cli.typed import finish
from cortex_cli.validity import Rules

OWN = "messages"
"""Format of a list of our own `Message` values."""

SURE = 0.9
"""From here on a format that was recognised is not given up for one that the caller is likelier to use."""

CACHE_MARK = "cache_control"
"""Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching"""

_PLAIN_KEYS = {"role", "content"}


def shell_of(value: Any) -> Any:
    """Copy the dicts and lists of a value, and nothing in them: comparing with it later tells whether it was edited.

    Texts are shared, so a comparison of what is equal looks at no character.
    """
    if type(value) is dict:
        return {key: shell_of(one) for key, one in value.items()}
    return [shell_of(one) for one in value] if type(value) is list else value


def same_length(shells: Sequence[Any], values: Sequence[Any]) -> int:
    """Return how many values at the beginning say what they said when the shells were made.

    Marks for the provider's cache, which agents move along with every call, say nothing.
    """
    at = common_length(shells, values)
    while at < min(len(shells), len(values)) and without_marks(shells[at]) == without_marks(values[at]):
        at += 1 + common_length(shells[at + 1 :], values[at + 1 :])
    return at


def without_marks(value: Any) -> Any:
    """Return a value without marks for the provider's cache."""
    if type(value) is dict:
        return {key: without_marks(one) for key, one in value.items() if key != CACHE_MARK}
    return [without_marks(one) for one in value] if type(value) is list else value


@dataclass(slots=True)
class Rendered:
    """What our own messages were written as, kept from call to call: most calls only add to the end."""

    messages: tuple[Message, ...] = ()
    values: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A list of values and what they say."""

    values: tuple[Any, ...]
    shells: tuple[Any, ...]
    front: int
    """So many values at the beginning are kept by every layer."""
    transcript: Transcript
    """`loaded` is what the values say; its format is `OWN` for values that are `Message`s."""
    is_sure: bool
    """Further values cannot show that it is another format."""
    names: dict[str, str] = field(default_factory=dict)
    """Every call id so far -> the tool's name."""
    made: rewrite.Made = field(default_factory=dict)
    """Values that were edited, to be used again."""
    rendered: Rendered = field(default_factory=Rendered, compare=False, repr=False)
    """Our own messages as they were last written."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the values say."""
        return self.transcript.loaded

    @property
    def rules(self) -> Rules:
        """What the format demands."""
        return formats.rules_of(self.transcript.format)

    def render(self, messages: tuple[Message, ...]) -> Sequence[Any]:
        """Write messages as the caller's values; untouched ones are the same objects."""
        if self.transcript.format != OWN:
            return formats.dump_messages(self.transcript.with_messages(messages), self.made)
        if messages is self.messages:
            return self.values
        if self.messages is self.values:
            return messages
        known = self.rendered
        values = known.values if begins_with(messages, known.messages) else ()
        added = tuple([self._as_given(message) for message in messages[len(values) :]])
        known.messages, known.values = messages, note_longer(values + added, values)
        return known.values

    def behind(self, place: int) -> Iterator[Message]:
        """Yield the messages that stand in the values from a place on."""
        if self.transcript.format == OWN:
            yield from self.messages[place:]
        else:
            yield from (message for message in self.messages if self.place(message) >= place)

    def _as_given(self, message: Message) -> Message:
        if message.position < 0:
            return message
        given: Message = self.values[message.position]
        if message is self.messages[message.position]:
            return given
        if (message.position, message.slot) == (given.position, given.slot):
            return message
        return message._replace(position=given.position, slot=given.slot)

    def places(self, rendered: Sequence[Any], *, with_edited: bool) -> list[int]:
        """Return for rendered values which of ours they are, -1 for new ones.

        Args:
            rendered: As `render` returned them just now.
            with_edited: Whether an edited value counts as the one it was.
        """
        own = {id(value): at for at, value in enumerate(self.values)}
        if with_edited:
            own |= {id(value): at for at, (_, value) in self.made.items()}
        return [own.get(id(value), -1) for value in rendered]

    def place(self, message: Message) -> int:
        """Return the value that a message stands in; -1: in none."""
        if self.transcript.format == OWN:
            return message.position
        return message.records[0] if message.records else -1


def read_document(
    values: Sequence[Any], *, front: int, format: str, prefer: str = "", known: Document | None = None
) -> Document:
    """Read values; of those that a known document begins with only once.

    Args:
        values: Message dicts, objects of a provider's package, or `Message`s. At least one.
        front: So many at the beginning are kept by every layer.
        format: A format's name, or `auto`.
        prefer: The format to take where the values could be of several.
        known: What was read before.

    Raises:
        InputError: They are of no known format.
        OptionError: There is no such format.
    """
    if isinstance(values[0], Message):
        return _read_own(values, front, known)
    if known is not None and known.front == front and known.transcript.format != OWN:
        grown = _grow(known, values)
        if grown is not None:
            return grown
    return _read_all(values, front, _choose(values, format, prefer))


def _read_own(values: Sequence[Message], front: int, known: Document | None) -> Document:
    """Place our own messages; those of before are the same objects, so that what is known of them is found again."""
    given = tuple(values)
    is_grown = known is not None and known.transcript.format == OWN and known.front == front
    if known is not None and is_grown and begins_with(given, known.values):
        messages, rendered = known.messages, known.rendered
    else:
        messages, rendered = (), Rendered()
    same = len(messages)
    if not same or same < len(given):
        added = given[same:]
        placed = tuple([_placed(message, at, front) for at, message in enumerate(added, start=same)])
        if (not same or (known is not None and messages is known.values)) and all(map(is_, placed, added)):
            messages = given
        else:
            messages = note_longer(messages + placed, messages)
    transcript = Transcript(format=OWN, messages=messages, loaded=messages)
    return Document(given, given, front, transcript, is_sure=True, rendered=rendered)


def _placed(message: Message, at: int, front: int) -> Message:
    slot = message.slot or message.role == "system" or at < front
    return message if (message.position, message.slot) == (at, slot) else message._replace(position=at, slot=slot)


def _choose(values: Sequence[Any], format: str, prefer: str) -> str:
    if format != "auto" or not prefer:
        return format
    source = PlainSource(values)
    best = formats.detect(source).format
    return prefer if best.detect(source) < SURE and formats.find(prefer).detect(source) else best.NAME


def _read_all(values: Sequence[Any], front: int, format: str) -> Document:
    transcript = formats.load_messages(values, format)
    loaded = tuple(
        message._replace(slot=True) if message.records and message.records[0] < front else message
        for message in transcript.loaded
    )
    sureness = formats.find(transcript.format).detect(PlainSource(values))
    return Document(
        tuple(values),
        tuple(map(shell_of, values)),
        front,
        replace(transcript, messages=loaded, loaded=loaded),
        is_sure=format != "auto" or sureness >= 1,
        names={part.call_id: part.name for message in loaded for part in message.calls},
    )


def _grow(known: Document, values: Sequence[Any]) -> Document | None:
    """Read what stands behind a known document; None where the format has to look at everything again."""
    same = common_length(known.shells, values)
    if same < len(known.values):
        patched = _patch_front(known, values) if same < known.front else None
        return _grow(patched, values) if patched else None
    if same == len(values) and all(map(is_, values, known.values)):
        return known
    plain = [as_plain(value) for value in values[same:]]
    added = _read_added(known, plain)
    if added is None:
        return None
    layout: Layout = known.transcript.layout
    box = Box("plain", values=[*layout.box.values, *plain])
    messages = (*known.messages, *added)
    transcript = replace(
        known.transcript,
        messages=messages,
        loaded=messages,
        layout=replace(layout, box=box, originals=list(values)),
    )
    return replace(
        known,
        values=tuple(values),
        shells=(*known.shells, *map(shell_of, values[same:])),
        transcript=transcript,
        names=known.names | {part.call_id: part.name for message in added for part in message.calls},
    )


def _read_added(known: Document, plain: Sequence[Any]) -> tuple[Message, ...] | None:
    """Read further elements, where what they say depends on those before only through names and ids."""
    read = getattr(formats.find(known.transcript.format), "read_element", None)
    layout: Layout = known.transcript.layout
    is_begun = any(message.typed or message.synthetic in ("summary", "log") for message in known.messages)
    if read is None or layout.ids or layout.compaction or not is_begun:
        return None
    found: list[Message] = []
    for at, value in enumerate(plain, start=len(known.values)):
        if not is_message(value) or not (known.is_sure or _is_mere_text(value)):
            return None
        messages = read(at, value)
        if messages is None:
            return None
        found.extend(messages)
    ids = [part.call_id for message in found for part in message.calls]
    if len({*ids}) < len(ids) or not all(ids) or not known.names.keys().isdisjoint(ids):
        return None
    if any(part.kind == "opaque" and part.name == "compaction" for message in found for part in message.parts):
        return None
    named = name_results(found, known.names)
    return finish(mark_own(named, known.messages[-1].synthetic), after=known.messages)


def _is_mere_text(value: dict[str, Any]) -> bool:
    return value.keys() <= _PLAIN_KEYS and isinstance(value.get("content"), str)


def _patch_front(known: Document, values: Sequence[Any]) -> Document | None:
    """Read system prompts anew that are other than they were (they may hold the time); None where more differs."""
    read = getattr(formats.find(known.transcript.format), "read_element", None)
    layout: Layout = known.transcript.layout
    if read is None or len(values) < len(known.values):
        return None
    plains, shells, messages = list(layout.box.values), list(known.shells), list(known.messages)
    for at in range(known.front):
        if shells[at] == values[at]:
            continue
        plain = as_plain(values[at])
        found = read(at, plain) if is_message(plain) else None
        if found is None or len(found) != 1 or messages[at].records != (at,) or found[0].role != messages[at].role:
            return None
        plains[at], shells[at] = plain, shell_of(values[at])
        messages[at] = found[0]._replace(position=at, slot=True)
        known.made.pop(at, None)
    if common_length(shells, values) < len(shells):
        return None
    loaded = tuple(messages)
    layout = replace(layout, box=layout.box._replace(values=plains), originals=list(values[: len(shells)]))
    transcript = replace(known.transcript, messages=loaded, loaded=loaded, layout=layout)
    return replace(known, values=tuple(values[: len(shells)]), shells=tuple(shells), transcript=transcript)
