"""axio's SQLite layout: its tables, and how one message stands in a row.

A row holds the role and the list of blocks as JSON, compressed where it is long. A message that axio has no
words for (OpenAI's tool calls, Anthropic's thinking, a plain text as content) stands as one text block with all
of it beside the text: axio reads the text, we read the message. Source: FORMATS section 9.
"""

import base64
import gzip
import json
import zlib
from collections.abc import Mapping
from typing import Any

from cortex_cli.errors import StoreError
from cortex_cli.formats.axio import is_readable

COMPRESS_BYTES = 512
"""JSON of so many bytes and more is compressed. Source: axio's store."""

COMPRESS_LEVEL = 6
"""Of gzip. Source: as above."""

PLAIN, GZIP = "plain:", "gzip:"
"""How a payload begins; one that begins otherwise is bare JSON, as early versions of axio wrote it."""

WHOLE = "cortex"
"""Key beside the text of a block: the members of a message of another kind, without its role."""

TEXT = "cortex_text"
"""Key beside it where the text is that message's `content`, which then is not among the members."""

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS axio_context_messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        session_id TEXT NOT NULL,
        project TEXT NOT NULL,
        position INTEGER NOT NULL,
        role TEXT NOT NULL,
        content TEXT NOT NULL,
        created_at TEXT NOT NULL DEFAULT (datetime('now')),
        UNIQUE(session_id, position))""",
    "CREATE INDEX IF NOT EXISTS idx_axio_context_messages_session ON axio_context_messages(session_id)",
    "CREATE INDEX IF NOT EXISTS idx_axio_context_messages_project ON axio_context_messages(project)",
    """CREATE TABLE IF NOT EXISTS axio_context_tokens (
        session_id TEXT NOT NULL,
        project TEXT NOT NULL,
        input_tokens INTEGER NOT NULL DEFAULT 0,
        output_tokens INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY(session_id, project))""",
)
"""Tables and indices, by axio's names."""


def to_row(message: Mapping[str, Any]) -> tuple[str, str]:
    """Return the role and the payload of a message.

    Raises:
        StoreError: It holds what JSON has no form for.
    """
    role = message["role"]
    blocks = message["content"] if _is_of_axio(message) else _carried(message)
    try:
        return role, _compressed(json.dumps(blocks))
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"a message cannot be stored: {error}", hint="messages are values that JSON has") from error


def _is_of_axio(message: Mapping[str, Any]) -> bool:
    content: Any = message.get("content")
    return message.keys() == {"role", "content"} and is_readable(content) and not any(WHOLE in one for one in content)


def from_row(role: str, payload: str) -> dict[str, Any]:
    """Return the message of a row.

    Raises:
        ValueError: The payload is damaged.
    """
    blocks = blocks_of(payload)
    if len(blocks) == 1 and isinstance(blocks[0], dict) and isinstance(fields := blocks[0].get(WHOLE), dict):
        return {"role": role, **({"content": blocks[0].get("text")} if TEXT in blocks[0] else {}), **fields}
    return {"role": role, "content": blocks}


def blocks_of(payload: str) -> list[Any]:
    """Return the blocks of a payload.

    Raises:
        ValueError: It is damaged.
    """
    try:
        if payload.startswith(GZIP):
            payload = gzip.decompress(base64.b64decode(payload[len(GZIP) :])).decode()
        blocks = json.loads(payload.removeprefix(PLAIN))
    except (EOFError, OSError, zlib.error) as error:  # what gzip says of damage
        raise ValueError(str(error)) from error
    if not isinstance(blocks, list):
        raise ValueError("it is no list of blocks")
    return blocks


def _compressed(text: str) -> str:
    data = text.encode()
    if len(data) < COMPRESS_BYTES:
        return PLAIN + text
    return GZIP + base64.b64encode(gzip.compress(data, COMPRESS_LEVEL, mtime=0)).decode()


def _carried(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Put a message of another kind into one text block, its text readable for axio."""
    content = message.get("content")
    rest = {key: value for key, value in message.items() if key != "role"}
    if isinstance(content, str):
        del rest["content"]
        return [{"type": "text", "text": content, WHOLE: rest, TEXT: True}]
    pieces = content if isinstance(content, list) else ()
    texts = [piece["text"] for piece in pieces if isinstance(piece, dict) and isinstance(piece.get("text"), str)]
    shown = "\n".join(texts) or f"[a message of role {message['role']} that only cortex reads whole]"
    return [{"type": "text", "text": shown, WHOLE: rest}]
