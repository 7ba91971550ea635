"""A conversation into another format, and what the other format cannot hold.

The live conversation, repaired where it is broken, is written anew, as the other tool writes one, and read back: what
is not there then is lost, whatever the reason, and is named. Nothing of the envelope goes along: usage, working folder,
the client's own records.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from cortex_cli import formats
from cortex_cli.converting import blocks, sessions
from cortex_cli.converting.content import Entry, count_losses, facts_of, read_entries
from cortex_cli.errors import CortexError, OptionError, name_hint
from cortex_cli.formats.source import Source
from cortex_cli.jsonedit import encode
from cortex_cli.marks import parse_summary, summary_text
from cortex_cli.messages import Message, Transcript
from cortex_cli.repair import repair
from cortex_cli.sessions import find_client_of
from cortex_cli.summarizers.earlier import earlier_summary
from cortex_cli.targets import Written
from cortex_cli.tokens import make_counter

MAX_KINDS = 6
"""Kinds of losses that an error names."""


class Converted(NamedTuple):
    """A conversation in another format."""

    data: bytes
    lost: dict[str, int]
    """Kind -> how many; empty where the other format holds all of it."""
    messages: int
    hints: tuple[str, ...] = ()
    repairs: int = 0
    """Broken pairs of calls and results that were put in order, as `compact` does first."""


class ConversionReport(NamedTuple):
    """What a conversion did, for the command line."""

    source: Transcript
    to: str
    done: Converted
    written: Written
    dry_run: bool = False

    def to_json(self) -> dict[str, Any]:
        """Write it for programs."""
        source = {"path": self.source.path, "format": self.source.format, "messages": len(self.source.messages)}
        output = {"path": self.written.path, "format": self.to, "messages": self.done.messages}
        return {
            "version": 1,
            "command": "convert",
            "dry_run": self.dry_run,
            "input": source,
            "output": {**output, "bytes": len(self.done.data)},
            "lost": self.done.lost,
            "repairs": self.done.repairs,
            "hints": list(self.done.hints),
        }


class LossError(CortexError):
    """The other format cannot hold all of the conversation."""


Write = Callable[[Sequence[Entry], sessions.Head], bytes]


def _document(value: Any) -> bytes:
    return encode(value) + b"\n"


def _lines(values: Iterable[Any]) -> bytes:
    return b"".join(encode(value) + b"\n" for value in values)


def _with_system(entries: Sequence[Entry], key: str, write: Callable[[str], Any]) -> dict[str, Any]:
    texts = blocks.system_texts(entries)
    return {key: [write(text) for text in texts]} if texts else {}


def _text_block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _text_part(text: str) -> dict[str, Any]:
    return {"text": text}


def _model(head: sessions.Head) -> dict[str, Any]:
    return {"model": head.model} if head.model else {}


def _anthropic(entries: Sequence[Entry], head: sessions.Head) -> bytes:
    messages = blocks.in_turns(entries, blocks.anthropic_block, blocks.SIDES)
    model = _model(head) if "claude" in head.model else {}
    return _document({**model, **_with_system(entries, "system", _text_block), "messages": messages})


def _axio(entries: Sequence[Entry], _head: sessions.Head) -> bytes:
    system = [{"role": "system", "content": [_text_block(text)]} for text in blocks.system_texts(entries)]
    return _document([*system, *blocks.in_turns(entries, blocks.axio_block, blocks.SIDES)])


def _bedrock(entries: Sequence[Entry], head: sessions.Head) -> bytes:
    messages = blocks.in_turns(entries, blocks.bedrock_block, blocks.SIDES)
    model = {"modelId": head.model} if head.model else {}
    system = _with_system(entries, "system", _text_part)
    return _document({**model, **system, "messages": messages, "inferenceConfig": {}})


def _gemini(entries: Sequence[Entry], _head: sessions.Head) -> bytes:
    texts = blocks.system_texts(entries)
    system = {"systemInstruction": {"parts": list(map(_text_part, texts))}} if texts else {}
    names = {"user": "user", "assistant": "model"}
    return _document({**system, "contents": blocks.in_turns(entries, blocks.gemini_part, names, "parts")})


def _openai(entries: Sequence[Entry], head: sessions.Head) -> bytes:
    return _document({**_model(head), "messages": list(map(blocks.chat_message, entries))})


def _responses(entries: Sequence[Entry], head: sessions.Head) -> bytes:
    items = [item for entry in entries for item in sessions.items_of(entry)]
    return _document({**_model(head), "input": items, "store": False})


def _langchain(entries: Sequence[Entry], _head: sessions.Head) -> bytes:
    return _document(list(map(blocks.langchain_message, entries)))


def _claude_code(entries: Sequence[Entry], head: sessions.Head) -> bytes:
    return _lines(sessions.claude_code_lines(entries, head))


def _codex(entries: Sequence[Entry], head: sessions.Head) -> bytes:
    return _lines(sessions.codex_lines(entries, head))


def _pi(entries: Sequence[Entry], head: sessions.Head) -> bytes:
    return _lines(sessions.pi_lines(entries, head))


TARGETS: dict[str, Write] = {
    "claude-code": _claude_code,
    "codex": _codex,
    "pi": _pi,
    "openai": _openai,
    "openai-responses": _responses,
    "anthropic": _anthropic,
    "bedrock-converse": _bedrock,
    "gemini": _gemini,
    "axio": _axio,
    "langchain": _langchain,
}
"""Formats that a conversation can be written in."""

LINES = ("claude-code", "codex", "pi")
"""Those that are JSON Lines."""


def convert(transcript: Transcript, to: str, *, lossy: bool = False) -> Converted:
    """Write a conversation in another format.

    Args:
        transcript: As loaded; what its client would send on resume is converted.
        to: Name of the format.
        lossy: Whether something may be lost.

    Raises:
        OptionError: No conversation can be written in that format.
        LossError: Something would be lost, and `lossy` is off.
        InputError: There is nothing to convert.
    """
    if to not in TARGETS:
        raise OptionError(f"cannot write {to!r}", where="--to", hint=name_hint(to, TARGETS))
    transcript = transcript.with_messages(list(map(_with_known_summary, transcript.messages)))
    entries = read_entries(transcript)
    repaired = repair(transcript.messages, formats.rules_of(to), make_counter("heuristic"))
    if repaired.is_refused or not any(entry.pieces for entry in entries):
        raise Source(b"", transcript.path).fail("no conversation to convert", hint="see `cortex show`")
    sound = read_entries(transcript.with_messages(repaired.messages)) if repaired.changes else entries
    data = TARGETS[to](sound, sessions.head_of(entries, transcript.session_id, transcript.model))
    again = formats.load(Source(data, transcript.path), to)
    tools = [one for one in transcript.preamble if one.startswith("{")]
    lost = count_losses(facts_of(entries, tools), facts_of(read_entries(again), again.preamble))
    if lost and not lossy:
        raise LossError(
            f"{to} cannot hold {told(lost)}", where=transcript.path, hint="--lossy converts it all the same"
        )
    return Converted(data, lost, len(again.messages), _hints(to, again), len(repaired.changes))


def _with_known_summary(message: Message) -> Message:
    """Put a client's own summary into our tags: what says in its own format that it is one stays behind.

    Read in the other format it would be what the user said last, or first, and no layer would let it go.
    """
    is_plain = message.role == "user" and [part.kind for part in message.parts] == ["text"]
    if message.synthetic != "summary" or not is_plain or parse_summary(message.text):
        return message
    return message.with_part(0, message.parts[0].with_text(summary_text(earlier_summary(message))))


def told(lost: dict[str, int]) -> str:
    """Tell losses in words, most first."""
    kinds = sorted(lost.items(), key=lambda one: (-one[1], one[0]))
    named = [f"{count:,} {kind if count == 1 else plural(kind)}" for kind, count in kinds[:MAX_KINDS]]
    more = [f"{len(kinds) - MAX_KINDS} more kinds"] if len(kinds) > MAX_KINDS else []
    return ", ".join([*named, *more])


def plural(kind: str) -> str:
    """Put the name of a kind into the plural."""
    first, of, rest = kind.partition(" of ")
    return f"{first}s{of}{rest}" if first != "thinking" else "thoughts"


def _hints(to: str, transcript: Transcript) -> tuple[str, ...]:
    """Say where a session's client looks for it."""
    places = {
        "claude-code": f"~/.claude/projects/<folder>/{transcript.session_id}.jsonl",
        "codex": f"~/.codex/sessions/YYYY/MM/DD/rollout-<time>-{transcript.session_id}.jsonl",
    }
    client = find_client_of(to)
    return (f"{client.name} looks for it as {places[to]}",) if client is not None and to in places else ()
