"""One JSON document to measure with: the chat of a session, written as Python's own `json` writes it."""

import json
from collections.abc import Iterable
from typing import Any

from cortex_cli.messages import Message


def chat_document(messages: Iterable[Message]) -> bytes:
    """Return a chat request that holds texts, calls and results of a conversation."""
    return json.dumps({"model": "gpt-4.1", "messages": list(map(_element, messages))}).encode()


def _element(message: Message) -> dict[str, Any]:
    if message.result is not None:
        return {"role": "tool", "tool_call_id": message.result.call_id, "content": message.result.text}
    calls = [
        {"id": part.call_id, "type": "function", "function": {"name": part.name, "arguments": part.text}}
        for part in message.calls
    ]
    return {"role": message.role, "content": message.text, **({"tool_calls": calls} if calls else {})}
