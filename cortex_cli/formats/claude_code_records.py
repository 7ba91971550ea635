"""One line of a Claude Code session: its place in the tree and its parts.

What is done with the records (which of them are the conversation, which make one message) is decided
by `claude_code_tree` and `claude_code_messages`. Source: FORMATS section 1.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cortex_cli.formats.anthropic_elements import read_parts, usage_tokens
from cortex_cli.formats.claude_code_tree import Node
from cortex_cli.formats.containers import only
from cortex_cli.formats.contents import read_result, text_of
from cortex_cli.messages import Media, Part
from cortex_cli.tokens import estimate_media_tokens
from cortex_cli.typed import is_typed_text

SYNTHETIC_MODEL = "<synthetic>"
"""Model of answers that the client wrote itself."""

INTERRUPTION = "[Request interrupted by user"
"""How the client's own note begins that the user stopped an answer; nobody typed it."""

SENT_ATTACHMENTS = {
    "agent_listing_delta": ("addedLines",),
    "agent_mention": ("agentType",),
    "async_hook_response": ("response",),
    "auto_mode": (),
    "compact_file_reference": ("filename",),
    "critical_system_reminder": ("content",),
    "date": ("date",),
    "date_change": ("newDate",),
    "deferred_tools_delta": ("addedLines", "removedNames"),
    "diagnostics": ("files",),
    "edited_text_file": ("filename", "snippet"),
    "environment": ("snapshot",),
    "file": ("filename", "content"),
    "hook_additional_context": ("content",),
    "hook_success": ("content",),
    "invoked_skills": ("skills",),
    "mcp_instructions_delta": ("addedBlocks", "removedNames"),
    "mcp_resource": ("content",),
    "model": ("text",),
    "nested_memory": ("path", "content"),
    "opened_file_in_ide": ("filename",),
    "output_style": ("style",),
    "plan_mode": ("planFilePath",),
    "plan_mode_exit": ("planFilePath",),
    "queued_command": ("prompt",),
    "selected_lines_in_ide": ("filename", "content"),
    "skill_listing": ("content",),
    "task_reminder": ("content",),
    "task_status": ("description", "deltaSummary"),
    "total_tokens_reminder": ("text",),
    "ultrathink_effort": (),
}
"""Attachments that the client sends, and where the words stand that it makes a reminder of. Tried in the client."""


@dataclass(slots=True, eq=False)
class Record(Node):
    """What one line says."""

    parts: tuple[Part, ...] = ()
    """What of it is sent; empty for records that only hold a place."""
    session: str = ""
    typed: bool = False
    summary: bool = False
    """`isCompactSummary`."""
    caller: str = ""
    """The assistant record whose call it answers."""
    request: str = ""
    """`requestId` of an assistant record."""
    model: str = ""
    usage: Any = None
    """As the answer states it; only the newest is ever asked for its sum."""
    failed: bool = False
    """An error of the API that the client wrote down as an answer; never sent."""

    @property
    def tokens(self) -> int:
        """What the answer's usage says of its size."""
        return usage_tokens(self.usage)


def read_record(index: int, value: Mapping[str, Any]) -> Record | None:
    """Read a line of the conversation; None for all other lines.

    Args:
        index: Index of the line.
        value: Its object.
    """
    kind = value.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None or not isinstance(value.get("uuid"), str):
        return None
    return reader(index, value)


def _place(index: int, value: Mapping[str, Any]) -> tuple[str, str, int, str, Any, bool]:
    """Return the first fields of a record: where it stands."""
    get = value.get
    return value["uuid"], text_of(get("parentUuid")), index, value["type"], get("timestamp"), get("isSidechain") is True


def _read_user(index: int, value: Mapping[str, Any]) -> Record:
    message = value.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    is_meta = value.get("isMeta") is True
    parts = only(read_parts(index, content), "result")
    kinds = [part.kind for part in parts]
    place = _place(index, value)
    is_summary = value.get("isCompactSummary") is True
    said = "text" in kinds and not (is_meta or is_summary or place[-1]) and _is_human(value.get("origin"))
    typed = said and any(is_typed(part.text) for part in parts if part.kind == "text")
    caller = text_of(value.get("sourceToolAssistantUUID")) or place[1]
    flags = "result" in kinds, is_meta, False
    return Record(*place, "", *flags, parts, text_of(value.get("sessionId")), typed, is_summary, caller)


def is_typed(text: str) -> bool:
    """Tell whether a user text holds words that a person typed."""
    return is_typed_text(text) and not text.startswith(INTERRUPTION)


def _is_human(origin: Any) -> bool:
    return not isinstance(origin, dict) or origin.get("kind") in (None, "human")


def _read_assistant(index: int, value: Mapping[str, Any]) -> Record:
    message = value.get("message")
    message = message if isinstance(message, dict) else {}
    model = text_of(message.get("model"))
    is_own = model == SYNTHETIC_MODEL
    return Record(
        *_place(index, value),
        text_of(message.get("id")),
        False,
        False,
        False,
        only(read_parts(index, message.get("content")), "call"),
        text_of(value.get("sessionId")),
        False,
        False,
        "",
        text_of(value.get("requestId")),
        "" if is_own else model,
        message.get("usage"),
        is_own and value.get("isApiErrorMessage") is True,
    )


def _read_system(index: int, value: Mapping[str, Any]) -> Record:
    subtype, content = value.get("subtype"), value.get("content")
    is_sent = subtype == "local_command" and isinstance(content, str)
    parts = (Part("text", text_of(content), record=index),) if is_sent else ()
    return Record(*_place(index, value), follows=True, boundary=subtype == "compact_boundary", parts=parts)


def _read_attachment(index: int, value: Mapping[str, Any]) -> Record:
    record = Record(*_place(index, value), follows=True)
    attachment = value.get("attachment")
    if not isinstance(attachment, dict):
        return record
    if attachment.get("type") == "queued_command":
        return _read_queued(record, attachment)
    texts = _rendered(value.get("rendered"))
    if not texts and text_of(attachment.get("type")) in SENT_ATTACHMENTS:
        texts = [_reminder(attachment)]
    text = (Part("text", "\n".join(texts), record=index),) if texts else ()
    return replace(record, parts=(*text, *_attached_media(index, attachment)))


def _read_queued(record: Record, attachment: Mapping[str, Any]) -> Record:
    """Read what the user typed, or a program reported, while an answer was being written."""
    parts = only(read_parts(record.index, attachment.get("prompt")))
    said = attachment.get("commandMode") in (None, "prompt") and _is_human(attachment.get("origin"))
    typed = said and not record.sidechain and any(is_typed(part.text) for part in parts if part.kind == "text")
    return replace(record, parts=parts, typed=typed)


def _rendered(rendered: Any) -> list[str]:
    """Return the texts that the client wrote down as sent."""
    pieces = [one.get("content") for one in rendered if isinstance(one, dict)] if isinstance(rendered, list) else []
    return [read_result(piece).text for piece in pieces if piece]


def _reminder(attachment: Mapping[str, Any]) -> str:
    """Write what an attachment is sent as, near enough for its size to be right."""
    kind = attachment["type"]
    words = [word for key in SENT_ATTACHMENTS[kind] for word in _strings(attachment.get(key))]
    return "\n".join(["<system-reminder>", *(words or [kind]), "</system-reminder>"])


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in ("type", "base64"):
                yield from _strings(item)


def _attached_media(index: int, attachment: Mapping[str, Any]) -> tuple[Part, ...]:
    """Estimate an attached image or document: `content.file.base64`."""
    content = attachment.get("content")
    file = content.get("file") if isinstance(content, dict) else None
    data = file.get("base64") if isinstance(file, dict) else None
    if not isinstance(file, dict) or not isinstance(data, str):
        return ()
    mime = text_of(file.get("type")) or "application/pdf"
    return (Part("media", record=index, media=(Media(mime, estimate_media_tokens(mime, data)),)),)


_READERS = {
    "user": _read_user,
    "assistant": _read_assistant,
    "system": _read_system,
    "attachment": _read_attachment,
}
