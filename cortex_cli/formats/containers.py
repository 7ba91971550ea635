"""Where a list of messages stands in an input, and how it is read: one implementation for all list formats.

The containers: one message a line; one JSON document that is a list of messages or has one under
`messages`; a recorded answer (`choices`, or an answer that is itself a message). Of data sets (one conversation
a line, or an item of a list) each conversation is one of these: `datasets` takes them apart. The formats only
say how one element is read. `rewrite` writes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, Literal, NamedTuple

from cortex_cli.formats import shapes
from cortex_cli.formats.contents import compact, text_of
from cortex_cli.formats.plain_bytes import hide
from cortex_cli.formats.source import Source
from cortex_cli.jsonscan import Path, item_spans
from cortex_cli.marks import INTERRUPTED, answer_kind
from cortex_cli.messages import Message, Part, Transcript, Usage
from cortex_cli.typed import finish

MAX_WARNINGS = 5
"""Elements that are not messages, named one by one; the rest are only counted."""

SAMPLE_CONVERSATIONS = 8
"""Conversations of a data set that `detect` looks into."""


class Box(NamedTuple):
    """A container of messages."""

    kind: Literal["lines", "list", "single", "plain"]
    """A message a line; a list in a document; one message in a document; Python values without bytes."""
    path: Path = ()
    """Where the list (or the single message) stands in the document."""
    top: Mapping[str, Any] = {}
    """The document's members, for model, tools and system prompt."""
    values: Sequence[Any] = ()
    """The elements of a document, parsed; lines are parsed when they are needed."""


class Answer(NamedTuple):
    """What an assistant message tells of the call that made it."""

    model: str = ""
    tokens: int = 0
    """What the provider counted, answer included; 0 where it does not say or the call failed."""


NO_ANSWER = Answer()


@dataclass(frozen=True, slots=True)
class Layout:
    """What `rewrite` needs to know of a list of messages."""

    box: Box
    ids: Mapping[str, str] = field(default_factory=dict)
    """Call ids that stand otherwise in the file: ours -> the file's."""
    compaction: tuple[int, int] | None = None
    """Element and block of a server-side compaction; what stands before it is not sent, and leaves with it."""
    originals: Sequence[Any] = ()
    """The Python values as they were handed in."""
    before: bytes = b""
    """Of one conversation in a data set: what stands before the first, as it stands."""
    after: bytes = b""
    """Of one conversation in a data set: what stands between it and the next."""


class Reader(NamedTuple):
    """How a format reads one element."""

    name: str
    read_element: Callable[[int, dict[str, Any]], Sequence[Message] | None]
    """(index, value) -> its messages; None if it is no message, empty if it is one that is not sent."""
    read_answer: Callable[[dict[str, Any]], Answer] = lambda _value: NO_ANSWER
    is_element: Callable[[Any], bool] = lambda value: is_message(value)
    """Whether a value has the outline of what `read_element` takes."""


class Reading(NamedTuple):
    """The messages of one container, before they are numbered."""

    box: Box
    messages: list[Message]
    model: str
    usage: Usage | None
    warnings: tuple[str, ...]


def find_box(source: Source) -> Box | None:
    """Find the container of an input that holds one conversation; None if it holds no list of messages."""
    document = source.document
    if document is None:
        return Box("lines") if any(map(is_message, source.head)) else None
    if isinstance(document, list):
        if any(map(is_message, document)):
            return Box(kind_of_list(source), values=document)
        return _find_in_only_item(document)
    if isinstance(document, dict):
        return _find_in_object(source, document)
    return None


def kind_of_list(source: Source) -> Literal["list", "plain"]:
    """Tell a document that is a list from a list that a program holds."""
    return "plain" if isinstance(source, PlainSource) else "list"


def _find_in_only_item(document: list[Any]) -> Box | None:
    """Find the messages of a data set that is a list of one conversation."""
    if len(document) != 1 or not is_conversation(document[0]):
        return None
    item = document[0]
    if isinstance(item, list):
        return Box("list", (0,), values=item)
    return Box("list", (0, "messages"), item, item["messages"]) if "messages" in item else None


def _find_in_object(source: Source, document: dict[str, Any]) -> Box | None:
    messages, choices = document.get("messages"), document.get("choices")
    if isinstance(messages, list) and (not messages or any(map(is_message, messages))):
        return Box("list", ("messages",), document, messages)
    if isinstance(choices, list) and choices and isinstance(choices[0], dict) and is_message(choices[0].get("message")):
        return Box("single", ("choices", 0, "message"), document, [choices[0]["message"]])
    answer = document.get("output")  # Bedrock
    if isinstance(answer, dict) and is_message(answer.get("message")):
        return Box("single", ("output", "message"), document, [answer["message"]])
    if is_message(document):
        is_answer = document.get("type") == "message" or not source.is_one_line
        return Box("single", (), document, [document]) if is_answer else Box("lines")
    return None


def is_message(value: Any) -> bool:
    """Tell whether a value has the outline of a message: an object with a role."""
    return isinstance(value, dict) and isinstance(value.get("role"), str)


def is_conversation(value: Any) -> bool:
    """Tell whether a value, a line or an item of a list, holds a whole conversation."""
    messages = _messages_of(value)
    return isinstance(messages, list) and any(map(is_message, messages))


def _messages_of(value: Any) -> Any:
    """Return the list of messages in a line that may hold a conversation; Gemini calls them contents."""
    if not isinstance(value, dict) or "role" in value:
        return value
    return value.get("messages", value.get("contents"))


def is_dataset(source: Source) -> bool:
    """Tell whether the input holds several conversations: one a line, or one an item of a list."""
    return source.remember(_is_dataset)


def _is_dataset(source: Source) -> bool:
    document = source.document
    if document is None:
        return any(map(is_conversation, source.head_values))
    return isinstance(document, list) and len(document) > 1 and any(map(is_conversation, document))


class Sample(NamedTuple):
    """What `detect` looks at: the head of the input."""

    top: Mapping[str, Any]
    messages: tuple[dict[str, Any], ...]


def sample(source: Source) -> Sample | None:
    """Return the first messages, parsed once for all formats; None if the input holds no list of messages."""
    return source.remember(_take_sample)


def _take_sample(source: Source) -> Sample | None:
    if is_dataset(source):
        values = source.head_values if source.document is None else source.document
        some = list(islice(filter(is_conversation, values), SAMPLE_CONVERSATIONS))
        tops = [value for value in some if isinstance(value, dict)]
        lists = map(_messages_of, some)
        messages = tuple(one for messages in lists for one in messages if is_message(one))
        return Sample({key: value for top in tops for key, value in top.items()}, messages)
    box = find_box(source)
    if box is None:
        return None
    return Sample(box.top, tuple(one for one in (box.values or source.head) if is_message(one)))


def only(parts: Iterable[Part], *kinds: str) -> tuple[Part, ...]:
    """Make calls and results opaque unless they are of these kinds: a result in an answer answers nothing."""
    found = tuple(parts)
    for part in found:
        if part.kind in ("call", "result") and part.kind not in kinds:
            break
    else:
        return found  # as nearly always
    wrong = {"call", "result"}.difference(kinds)
    return tuple(part._replace(kind="opaque") if part.kind in wrong else part for part in found)


def piece_types(content: Any) -> set[str]:
    """Return the types of the pieces in a content list; empty ones for pieces without."""
    found: set[str] = set()
    for piece in content if isinstance(content, list) else ():
        if isinstance(piece, dict):
            found.add(text_of(piece.get("type")))
    return found


def elements(source: Source, box: Box) -> Iterable[tuple[int, Any]]:
    """Return (index, value) of every element; of lines those that are JSON."""
    return source.values() if box.kind == "lines" else enumerate(box.values)


def read(source: Source, reader: Reader, box: Box | None = None) -> Reading:
    """Read every element of a container, the input's only one where none is named.

    Raises:
        InputError: There is no list of messages in it, or several conversations.
    """
    box = find_box(source) if box is None else box
    if box is None:
        raise refuse_dataset(source) if is_dataset(source) else shapes.refuse(source)
    messages: list[Message] = []
    strays: list[tuple[int, Any]] = []
    model, usage = "", None
    for index, value in elements(source, box):
        found = reader.read_element(index, value) if reader.is_element(value) else None
        if found is None:
            strays.append((index, value))
            continue
        if found and found[0].role == "assistant":
            answer = reader.read_answer(value)
            model = answer.model or model
            usage = Usage(answer.tokens, len(messages) + 1) if answer.tokens else usage
        messages.extend(found)
    if box.kind == "single":
        usage = None  # it covers the request, which is not in the file
    return Reading(box, messages, model, usage, name_strays(source, box, strays))


def refuse_dataset(source: Source) -> Exception:
    """Build the error for several conversations where one was expected."""
    return source.fail("holds several conversations", hint="use `cortex batch`, or `load_all`")


def name_strays(source: Source, box: Box, strays: Sequence[tuple[int, Any]]) -> tuple[str, ...]:
    """Return a warning for each (index, element) that is not sent; the later ones are only counted."""
    found = [_describe_stray(source, box, index, value) for index, value in strays[:MAX_WARNINGS]]
    return (*found, *([f"{len(strays) - MAX_WARNINGS} more of that kind"] if len(strays) > MAX_WARNINGS else ()))


def _describe_stray(source: Source, box: Box, index: int, value: Any) -> str:
    is_line = box.kind == "lines"
    where = f"{source.path}:{source.first_line + index}" if is_line else f"{source.path}: message {index}"
    if not is_message(value):
        return f"{where}: not a message, kept as it is"
    return f"{where}: a message of role {value['role'][:40]!r} is not sent, kept as it is"


def build(
    source: Source,
    reading: Reading,
    name: str,
    messages: Iterable[Message],
    *,
    ids: Mapping[str, str] | None = None,
    compaction: tuple[int, int] | None = None,
    preamble: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
) -> Transcript:
    """Make the transcript of what was read."""
    box = reading.box
    done = finish(mark_own(name_results(messages)))
    model = box.top.get("model")
    return Transcript(
        format=name,
        messages=done,
        loaded=done,
        records=_records(source, box),
        layout=Layout(box, ids or {}, compaction, getattr(source, "originals", ())),
        path=source.path,
        model=reading.model or text_of(model),
        usage=reading.usage,
        preamble=preamble,
        warnings=source.warnings() + reading.warnings + warnings,
        lines=_Lines(source, box),
    )


def _records(source: Source, box: Box) -> Sequence[bytes]:
    if box.kind == "plain":
        return ()
    return source.records if box.kind == "lines" else (source.data,)


def name_results(messages: Iterable[Message], known: Mapping[str, str] | None = None) -> Iterator[Message]:
    """Give results the name of the tool that their call names, where they have none of their own.

    Of two calls in one answer that share an id the first counts, as in repair.

    Args:
        messages: A conversation, or what was added to one.
        known: Call id -> name of what stands before.
    """
    names = dict(known or {})
    for message in messages:
        if message.role == "assistant":
            names.update([(part.call_id, part.name) for part in reversed(message.parts) if part.kind == "call"])
        elif message.role == "tool" and not all(part.name for part in message.parts):
            named = [one if one.name else one.with_name(names.get(one.call_id, "")) for one in message.parts]
            message = message.with_parts(tuple(named))
        yield message


def mark_own(messages: Iterable[Message], previous: str = "") -> Iterator[Message]:
    """Know again what an earlier run wrote as an answer or as a result; `previous` is of the message before."""
    for message in messages:
        if message.role == "tool" and message.parts[0].text == INTERRUPTED:
            message = message._replace(synthetic="closing")
        elif message.role == "assistant" and len(message.parts) == 1 and message.parts[0].kind == "text":
            message = message._replace(synthetic=answer_kind(message.text, previous) or message.synthetic)
        previous = message.synthetic
        yield message


def preamble_of(top: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    """Return the tool schemas under those keys as compact JSON, one text for each."""
    found: list[str] = []
    for key in keys:
        value = top.get(key)
        found.extend(map(compact, value) if isinstance(value, list) else [value] if isinstance(value, str) else [])
    return tuple(found)


class PlainSource(Source):
    """A list of message dicts, as programs hold them, in the place of bytes."""

    def __init__(self, messages: Sequence[Any]) -> None:
        super().__init__(b"", "-")
        self.originals = list(messages)
        self.__dict__["document"] = [as_plain(message) for message in messages]


def as_plain(value: Any) -> Any:
    """Turn the objects of provider packages (`model_dump`) into dicts, at any depth."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, dict):
        return {key: as_plain(one) for key, one in value.items()}
    if isinstance(value, bytes):
        return hide(value)
    return [as_plain(one) for one in value] if isinstance(value, list | tuple) else value


class _Lines(Mapping[int, int]):
    """1-based line of every element; found when first asked for."""

    def __init__(self, source: Source, box: Box) -> None:
        self._first = source.first_line
        self._box = box
        self._data = b"" if box.kind == "lines" else source.data

    @cached_property
    def _lines(self) -> list[int]:
        end = self._data.find(b"\n")
        if end < 0 or self._data[end:].isspace():
            return [self._first] * len(self._box.values)
        spans = [(0, 0)] if self._box.kind == "single" else item_spans(self._data, self._box.path)
        found, line, last = [], self._first, 0
        for start, _ in spans:
            line += self._data.count(b"\n", last, start)
            last = start
            found.append(line)
        return found

    def __getitem__(self, record: int) -> int:
        if self._box.kind == "lines":
            return self._first + record
        try:
            return self._lines[record]
        except IndexError:
            raise KeyError(record) from None

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def __len__(self) -> int:
        return len(self._box.values)
