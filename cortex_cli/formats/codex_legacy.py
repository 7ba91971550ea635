"""Old Codex sessions: bare items below a header, as lines (before 0.30) or in one document (the TypeScript client).

The items are those of the Responses API. There is no record for a compaction, so ours is a user's message. Source:
FORMATS section 2, "Detect".
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cortex_cli.formats import containers, openai_responses, rewrite
from cortex_cli.formats.containers import Box
from cortex_cli.formats.contents import text_of
from cortex_cli.formats.openai_responses import is_item
from cortex_cli.formats.source import Source
from cortex_cli.messages import Message, Transcript
from cortex_cli.validity import Rules

NAME = "codex-legacy"

RULES = Rules(user_first=True)
"""As of rollouts."""


def detect(source: Source) -> float:
    """Tell whether an input is an old session: its first line or its `session` is a header."""
    document = source.document
    if isinstance(document, dict) and _is_header(document.get("session")):
        return float(isinstance(document.get("items"), list))
    return float(bool(source.head) and _is_header(source.head[0]) and "type" not in source.head[0])


def _is_header(value: Any) -> bool:
    has_id = isinstance(value, dict) and isinstance(value.get("id"), str) and isinstance(value.get("timestamp"), str)
    return has_id and "instructions" in value and "role" not in value


def load(source: Source) -> Transcript:
    """Read a session.

    Raises:
        InputError: It has no header.
    """
    if not detect(source):
        raise source.fail("not an old Codex session", line=1, hint="it begins with `id`, `timestamp`, `instructions`")
    document = source.document
    is_document = isinstance(document, dict) and "items" in document
    box = Box("list", ("items",), document, document["items"]) if is_document else Box("lines")
    header = document["session"] if is_document else source.head[0]
    instructions = text_of(header.get("instructions"))
    values = [(index, value) for index, value in containers.elements(source, box) if is_item(value)]
    messages = openai_responses.read_values(values)
    reading = containers.Reading(box, messages, "", None, ())
    preamble = (instructions,) if instructions else ()
    transcript = containers.build(source, reading, NAME, messages, preamble=preamble)
    return replace(transcript, session_id=header["id"])


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the changed items below their header."""
    yield from rewrite.render(transcript, openai_responses.plan_items(transcript, _encode_spoken))


def _encode_spoken(message: Message) -> dict[str, Any]:
    role = "assistant" if message.role == "assistant" else "user"
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": message.text}]}
