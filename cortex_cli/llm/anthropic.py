"""The Anthropic Messages API, streamed. Source: https://docs.anthropic.com/en/api/messages-streaming."""

from typing import Any

from cortex_cli.llm.client import Completion, CompletionRequest, Endpoint, OnText, StopReason, gather
from cortex_cli.llm.http import stream_events

DEFAULT_URL = "https://api.anthropic.com"
API_VERSION = "2023-06-01"
"""Header `anthropic-version`; the only one there is."""

_STOPS: dict[str, StopReason] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
    "tool_use": "tool_call",
}


class AnthropicClient(Endpoint):
    """A Messages endpoint."""

    __slots__ = ()
    kind = "anthropic"

    async def complete(self, request: CompletionRequest, on_text: OnText | None = None) -> Completion:
        """Ask once; see `Client.complete`."""
        headers = {"content-type": "application/json", "anthropic-version": API_VERSION, "x-api-key": self.key}
        body = {
            "model": self.model,
            "system": request.system,
            "messages": [{"role": "user", "content": request.prompt}],
            "max_tokens": request.max_tokens,
            "stream": True,
        }
        events = stream_events(
            _address(self.endpoint), headers=headers, body=body, timeout_seconds=self.timeout_seconds
        )
        return await gather(_Answer(), events, request, on_text)


def _address(endpoint: str) -> str:
    base = endpoint.rstrip("/").removesuffix("/v1")
    return base if base.endswith("/messages") else f"{base}/v1/messages"


class _Answer:
    """An answer as its events come in, streamed or whole."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.stop: StopReason = "truncated"
        self.usage: dict[str, Any] = {}

    def take(self, event: dict[str, Any]) -> str:
        """Take one event in and return its text."""
        kind = event.get("type")
        if kind == "message":
            return self._take_whole(event)
        if kind == "message_start":
            self.usage.update(event.get("message", {}).get("usage") or {})
        elif kind == "message_delta":
            self.usage.update(event.get("usage") or {})
            self._stopped(event.get("delta", {}).get("stop_reason"))
        elif kind == "content_block_delta" and event.get("delta", {}).get("type") == "text_delta":
            piece = str(event["delta"].get("text", ""))
            self.text.append(piece)
            return piece
        return ""

    def _take_whole(self, message: dict[str, Any]) -> str:
        self.usage.update(message.get("usage") or {})
        self._stopped(message.get("stop_reason"))
        blocks = message.get("content") or []
        text = "".join(block.get("text", "") for block in blocks if block.get("type") == "text")
        self.text.append(text)
        return text

    def _stopped(self, reason: str | None) -> None:
        if reason:
            self.stop = _STOPS.get(reason, "end")

    def completion(self) -> Completion:
        """Return the whole answer."""
        cached = self.usage.get("cache_read_input_tokens") or 0
        written = self.usage.get("cache_creation_input_tokens") or 0
        return Completion(
            text="".join(self.text),
            stop=self.stop,
            input_tokens=(self.usage.get("input_tokens") or 0) + cached + written,
            output_tokens=self.usage.get("output_tokens") or 0,
            cached_tokens=cached,
        )
