"""What a conversation holds, apart from how a format writes it: read from any transcript, compared with any other.

A `Part` is what the layers need; to write it elsewhere takes more, which stands in the record: the bytes of an
image, the signature of a thought. This finds it there.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from cortex_cli.formats import containers, rewrite
from cortex_cli.formats.contents import compact, parse_text, text_of
from cortex_cli.jsonedit import parse
from cortex_cli.jsonscan import parse_first
from cortex_cli.messages import Message, Part, Role, Transcript
from cortex_cli.typed import is_typed_text

Family = Literal["", "anthropic", "openai", "gemini"]
"""Whose signature it is: no other provider takes it."""


REDACTED = "redacted"
"""Name of a thought that its provider encrypted: its signature is all there is of it."""


class Picture(NamedTuple):
    """One image."""

    mime: str = ""
    data: str = ""
    """Base64; empty where only a URL is known."""
    url: str = ""

    @property
    def data_url(self) -> str:
        """The URL, that of the data itself where there is data."""
        return f"data:{self.mime};base64,{self.data}" if self.data else self.url


class Piece(NamedTuple):
    """One piece of a message."""

    kind: Literal["text", "thinking", "call", "result", "image", "other"]
    text: str = ""
    """What was said; arguments as JSON; of other pieces what they are called."""
    name: str = ""
    call_id: str = ""
    is_error: bool = False
    images: tuple[Picture, ...] = ()
    signature: str = ""
    """Of a thought; of OpenAI's the whole item as JSON, which is sent back as it came."""
    family: Family = ""


class Entry(NamedTuple):
    """One message."""

    role: Role
    pieces: tuple[Piece, ...]
    id: str = ""
    time: str = ""
    typed: bool = False


def read_entries(transcript: Transcript) -> list[Entry]:
    """Read what a transcript's live conversation holds."""
    reader = _Reader(transcript)
    return [reader.read(message) for message in transcript.messages]


class _Reader:
    """Finds in a transcript's records what its parts leave out."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._pictures: dict[int, list[Picture]] = {}
        self._signed: dict[int, list[tuple[str | None, str, Family]]] = {}

    def read(self, message: Message) -> Entry:
        pieces = tuple(self._piece(message, part) for part in message.parts)
        typed = message.role == "user" and any(one.kind == "text" and is_typed_text(one.text) for one in pieces)
        return Entry(message.role, pieces, message.id, message.time, typed)

    def _piece(self, message: Message, part: Part) -> Piece:
        if part.kind == "text":
            return Piece("text", part.text)
        if part.kind == "thinking":
            return self._thought(part)
        if part.kind == "call":
            return Piece("call", part.text, part.name, part.call_id)
        if part.kind == "result":
            images = tuple(self._take(part.record) for one in part.media if one.type.startswith("image"))
            return Piece("result", part.text, part.name, part.call_id, part.is_error, images)
        if part.kind == "media" and all(one.type.startswith("image") for one in part.media):
            return Piece("image", images=tuple(self._take(part.record) for _ in part.media))
        return Piece("other", part.name or ", ".join(one.type for one in part.media) or message.role)

    def _thought(self, part: Part) -> Piece:
        """Find a thought's signature: that of the next one in the record with its text."""
        waiting = self._signatures(part.record)
        for at, (text, signature, family) in enumerate(waiting):
            if part.text == (signature if text is None else text):
                del waiting[at]
                name = REDACTED if text is None else ""
                return Piece("thinking", part.text, name, signature=signature, family=family)
        return Piece("thinking", part.text)

    def _take(self, record: int) -> Picture:
        if record not in self._pictures:
            self._pictures[record] = list(_pictures(self._value(record)))
        found = self._pictures[record]
        return found.pop(0) if found else Picture()

    def _signatures(self, record: int) -> list[tuple[str | None, str, Family]]:
        if record not in self._signed:
            self._signed[record] = list(_signatures(self._value(record)))
        return self._signed[record]

    def _value(self, record: int) -> Any:
        """Return a record's value, without what its client keeps beside the message."""
        if record < 0:
            return None
        if isinstance(self._transcript.layout, containers.Layout):
            value: Any = rewrite.element_reader(self._transcript)(record)
        else:
            value = _parse(self._transcript.records[record])
        inner = next((value[key] for key in ("message", "payload") if isinstance(value.get(key), dict)), value)
        return inner


def _parse(line: bytes) -> dict[str, Any]:
    try:
        value = parse(line)
    except ValueError:
        value = parse_first(line)
    return value if isinstance(value, dict) else {}


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a value, in order; without recursion."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield one
            left.extend(reversed(one.values()))
        elif isinstance(one, list):
            left.extend(reversed(one))


def _pictures(value: Any) -> Iterator[Picture]:
    for one in _walk(value):
        inner = one.get("inlineData", one.get("inline_data"))
        if isinstance(inner, dict):
            mime = text_of(inner.get("mimeType")) or text_of(inner.get("mime_type"))
            yield Picture(mime, text_of(inner.get("data")))
        elif isinstance(one.get("image"), dict) and "format" in one["image"]:
            source = one["image"].get("source")
            yield Picture(
                f"image/{one['image']['format']}", text_of(source.get("bytes")) if isinstance(source, dict) else ""
            )
        elif one.get("type") in ("image", "image_url", "input_image"):
            yield _picture(one)


def _picture(piece: Mapping[str, Any]) -> Picture:
    inner: Any = next((piece[key] for key in ("source", "image_url", "image") if key in piece), piece)
    if isinstance(inner, dict):
        mime = next((text_of(inner[key]) for key in ("media_type", "mimeType", "mime_type") if key in inner), "")
        if isinstance(data := inner.get("data", inner.get("base64")), str) and data:
            return Picture(mime, data)
        inner = inner.get("url")
    url = text_of(inner)
    if url.startswith("data:") and ";base64," in url:
        mime, _, data = url.removeprefix("data:").partition(";base64,")
        return Picture(mime, data)
    return Picture(url=url)


def _signatures(value: Any) -> Iterator[tuple[str | None, str, Family]]:
    """Yield (text, signature, whose it is) of every signed thought; of a redacted one its data and None for a text."""
    for one in _walk(value):
        text = next(
            (text_of(one[key]) for key in ("thinking", "reasoning", "text") if isinstance(one.get(key), str)), ""
        )
        if one.get("type") == "redacted_thinking" or "redactedContent" in one:
            yield None, text_of(one.get("data")) or text_of(one.get("redactedContent")), "anthropic"
        elif isinstance(one.get("encrypted_content"), str) and one.get("type") == "reasoning":
            yield _summary_of(one), compact(one), "openai"
        elif found := text_of(one.get("thinkingSignature")):
            yield text, found, "openai" if found.startswith("{") else "anthropic"
        elif found := text_of(one.get("thoughtSignature")) or text_of(one.get("thought_signature")):
            yield text, found, "gemini"
        elif found := text_of(one.get("signature")):
            yield text, found, "anthropic"


def _summary_of(item: Mapping[str, Any]) -> str:
    pieces = [*(item.get("summary") or ()), *(item.get("content") or ())]
    texts = (text_of(piece.get("text")) for piece in pieces if isinstance(piece, dict))
    return "\n".join(filter(None, texts))


def facts_of(entries: Sequence[Entry], tools: Sequence[str] = ()) -> Counter[tuple[str, ...]]:
    """Return all that a conversation holds, each with its kind, to be counted and compared."""
    found: Counter[tuple[str, ...]] = Counter(("tool schema", one) for one in tools)
    for entry in entries:
        found.update([("message id", entry.id)] if entry.id else [])
        found.update([("time", entry.time)] if entry.time else [])
        for piece in entry.pieces:
            found.update(_facts(entry.role, piece))
    return found


def _facts(role: str, piece: Piece) -> Iterator[tuple[str, ...]]:
    if piece.kind == "text" and piece.text:
        yield ("system prompt" if role == "system" else f"{role} text", piece.text)
    elif piece.kind == "thinking":
        yield ("thinking", piece.text)
        if piece.signature:
            yield ("signature of a thought", piece.signature)
    elif piece.kind == "call":
        yield ("tool call", piece.name, _canonical(piece.text))
        yield ("id of a call", piece.call_id.partition("#")[0])
    elif piece.kind == "result":
        yield ("tool result", piece.text)
        yield from [("mark of an error", piece.call_id.partition("#")[0])] if piece.is_error else []
    elif piece.kind == "other":
        yield (f"{piece.text or 'unknown'} block", "")
    yield from (("image", one.data_url) for one in piece.images)


def _canonical(arguments: str) -> str:
    try:
        return compact(parse_text(arguments))
    except ValueError:
        return arguments


def count_losses(before: Counter[tuple[str, ...]], after: Counter[tuple[str, ...]]) -> dict[str, int]:
    """Count what the first holds and the second does not, by kind."""
    lost: defaultdict[str, int] = defaultdict(int)
    for fact, count in (before - after).items():
        lost[fact[0]] += count
    return dict(lost)
