"""The values that everything between `load` and `dump` sees: transcripts, messages, parts.

Frozen, without I/O. A layer returns new values and never edits its argument; `dump` finds
what changed by comparing `Transcript.messages` with `Transcript.loaded`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

Role = Literal["system", "user", "assistant", "tool"]
Kind = Literal["text", "thinking", "call", "result", "media", "opaque"]
Synthetic = Literal["", "summary", "log", "notice", "acknowledgement", "parting", "closing"]

build = tuple.__new__
"""`build(Part, (kind, text, ...))`, every field in its place: a fifth of the time that a call with keywords takes.

For what is done to every message of a long session, and nothing else: it checks no number of fields.
"""

NO_RECORD = -1
"""`Part.record` of a part that stands in no record of the input."""

WHOLE = -1
"""`Part.block` of a part that is its record's whole content (a plain string), not an item of a list."""


class Media(NamedTuple):
    """One image, sound, film or document."""

    type: str
    """MIME type, or the kind alone (`image`) where the file does not say more."""
    tokens: int
    """Estimated size in tokens, see `tokens.estimate_media_tokens`."""
    block: int = WHOLE
    """Position in the content list of the result that holds it; WHOLE for a part of its own."""


class Part(NamedTuple):
    """One piece of a message."""

    kind: Kind
    text: str = ""
    """What the model reads: text, thinking, a call's arguments or a result's texts joined by newlines.

    Arguments and results that are JSON objects in the file (`json`) stand here as compact JSON.
    For opaque parts: the part's own JSON, so that it can be counted and shown.
    """
    name: str = ""
    """Tool name of a call or result (empty: not known), type of an opaque part."""
    call_id: str = ""
    """Joins a call with its result."""
    record: int = NO_RECORD
    """Index into `Transcript.records` (for a JSON document: of the element in its list of messages)."""
    block: int = WHOLE
    """Which piece of the record this is; only the part's own format gives it a meaning."""
    media: tuple[Media, ...] = ()
    """Media inside a result, or the one medium of a `media` part."""
    json: bool = False
    """The value in the file is JSON (object, list), not a string: an edited text must stay valid JSON."""
    signed: bool = False
    """Thinking with a signature, a call with a thought signature: byte-equal or gone, never edited."""
    is_error: bool = False
    """A result that reports a failure."""

    def with_text(self, text: str) -> "Part":
        """Return the same part with another text."""
        return build(Part, (self.kind, text, *self[2:]))

    def placed(self, record: int, block: int) -> "Part":
        """Return the same part in another place."""
        return build(Part, (*self[:4], record, block, *self[6:]))

    def with_name(self, name: str) -> "Part":
        """Return the same part with another name."""
        return build(Part, (self.kind, self.text, name, *self[3:]))


class Message(NamedTuple):
    """What the API would be sent as one message. Every tool result is a message of its own (role `tool`)."""

    role: Role
    parts: tuple[Part, ...]
    records: tuple[int, ...] = ()
    """Records of the input that it stands in, ascending; several messages may share one record."""
    id: str = ""
    """The record's own id (uuid, entry id, ...), empty where the format has none."""
    time: str = ""
    """ISO 8601 with zone, UTC; empty where not recorded."""
    typed: bool = False
    """A user message with text that the person wrote."""
    slot: bool = False
    """Kept by every layer: system prompt, project rules, environment."""
    synthetic: Synthetic = ""
    """Made by a compaction (ours or the client's), not said by anybody."""
    position: int = -1
    """0-based position in the loaded live path; -1 for a message made by a layer."""

    @property
    def text(self) -> str:
        """All text parts, joined by newlines; without thinking, calls and results."""
        return "\n".join(part.text for part in self.parts if part.kind == "text")

    @property
    def calls(self) -> tuple[Part, ...]:
        """The tool calls in it."""
        return tuple(part for part in self.parts if part.kind == "call")

    @property
    def result(self) -> Part | None:
        """The tool result it is, if it is one."""
        for part in self.parts:  # a plain loop: asked for every message of every pass
            if part.kind == "result":
                return part
        return None

    def with_part(self, index: int, part: Part) -> "Message":
        """Return the same message with another part in one place."""
        parts = self.parts
        return self.with_parts((*parts[:index], part, *parts[index + 1 :]) if len(parts) > 1 else (part,))

    def with_parts(self, parts: "tuple[Part, ...]") -> "Message":
        """Return the same message with other parts."""
        return build(Message, (self.role, parts, *self[2:]))

    @property
    def counts_as_recent(self) -> bool:
        """Whether `keep_recent` and `keep_last` count it: slots and synthetic messages do not."""
        return not (self.slot or self.synthetic)


class Usage(NamedTuple):
    """What the newest valid model call reported of its own size."""

    tokens: int
    """Tokens the provider counted: input, cached input and output."""
    messages: int
    """How many messages of the live path that count covers (the call's own answer included)."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation and the bytes it came from."""

    format: str
    """Name of the format it was read as."""
    messages: tuple[Message, ...]
    """The live path, oldest first: what the client would send on resume."""
    loaded: tuple[Message, ...] = ()
    """`messages` as they were loaded; `dump` writes the difference."""
    records: Sequence[bytes] = ()
    """The input's lines (without line ends), or the one document."""
    layout: Any = None
    """What the format's own `dump` needs to know of the envelope; nobody else reads it."""
    size_bytes: int = 0
    """Of the input."""
    path: str = ""
    """Where it came from, for errors and reports; `-` for standard input."""
    model: str = ""
    """Model of the newest answer, empty where the file does not say."""
    window: int = 0
    """Context window that the file itself states, in tokens; 0 where it does not."""
    session_id: str = ""
    """The client's session id; seeds new ids, so that the same input gives the same bytes."""
    usage: Usage | None = None
    """Recorded usage of the newest valid call later than any compaction."""
    preamble: tuple[str, ...] = ()
    """What is sent besides the messages and stands in the file: tool schemas, a top-level system prompt."""
    warnings: tuple[str, ...] = ()
    """One line each: damage that rides along, a doubtful reading."""
    lines: Mapping[int, int] = field(default_factory=dict)
    """1-based line of a record, where that is not its index + 1."""

    @property
    def sha256(self) -> str:
        """Of the input's bytes, hexadecimal, worked out each time; empty for messages that came from no file."""
        import hashlib  # noqa: PLC0415 - start-up time, rarely needed

        digest = hashlib.sha256()
        for index, record in enumerate(self.records):
            digest.update(b"\n" + record if index else record)
        return digest.hexdigest() if self.size_bytes else ""

    def with_messages(self, messages: Sequence[Message]) -> "Transcript":
        """Return the same conversation with other messages."""
        return replace(self, messages=tuple(messages))

    def line_of(self, message: Message) -> int:
        """Return the 1-based line of the message's first record, 0 for a message made by a layer."""
        if not message.records:
            return 0
        record = message.records[0]
        return self.lines.get(record, record + 1)


Action = Literal[
    "cap", "bookend", "placeholder", "clear", "summarized", "observed", "dropped", "repaired", "thinking", "input"
]


class Change(NamedTuple):
    """One thing that a layer did."""

    message: Message
    """The message as the layer found it."""
    part: int
    """Position in its `parts`; -1 for the message as a whole."""
    action: Action
    tokens_before: int
    tokens_after: int
    before: str = ""
    """Empty where the message left as a whole: it is what was there."""
    after: str = ""
    ref: str = ""
    """Where the original can be found again; empty without an archive."""


class LayerResult(NamedTuple):
    """What a layer returns."""

    messages: tuple[Message, ...]
    changes: tuple[Change, ...] = ()
    reason: str = ""
    """Why it acted or did not, one line for people."""

    @property
    def fired(self) -> bool:
        """Whether it changed anything."""
        return bool(self.changes)
