"""Chat completions as OpenAI speaks them: OpenAI, vLLM, llama.cpp, Ollama, gateways.

Source: https://platform.openai.com/docs/api-reference/chat/streaming
"""

from typing import Any

from cortex_cli.llm.client import Completion, CompletionRequest, Endpoint, OnText, StopReason, gather
from cortex_cli.llm.http import stream_events

DEFAULT_URL = "https://api.openai.com/v1"

_STOPS: dict[str, StopReason] = {
    "stop": "end",
    "length": "length",
    "content_filter": "refusal",
    "tool_calls": "tool_call",
    "function_call": "tool_call",
}


class OpenAIClient(Endpoint):
    """An OpenAI-compatible endpoint."""

    __slots__ = ()
    kind = "openai"

    async def complete(self, request: CompletionRequest, on_text: OnText | None = None) -> Completion:
        """Ask once; see `Client.complete`."""
        headers = {"content-type": "application/json"}
        if self.key:
            headers["authorization"] = f"Bearer {self.key}"
        events = stream_events(
            _address(self.endpoint), headers=headers, body=self._body(request), timeout_seconds=self.timeout_seconds
        )
        return await gather(_Answer(), events, request, on_text)

    def _body(self, request: CompletionRequest) -> dict[str, Any]:
        is_own = self.endpoint.startswith("https://api.openai.com")
        limit = "max_completion_tokens" if is_own else "max_tokens"  # others know only the older name
        return {
            "model": self.model,
            "messages": [{"role": "system", "content": request.system}, {"role": "user", "content": request.prompt}],
            limit: request.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }


def _address(endpoint: str) -> str:
    base = endpoint.rstrip("/")
    return base if base.endswith("/chat/completions") else f"{base}/chat/completions"


class _Answer:
    """An answer as its events come in, streamed or whole."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.stop: StopReason = "truncated"
        self.usage: dict[str, Any] = {}
        self.called = False

    def take(self, event: dict[str, Any]) -> str:
        """Take one event in and return its text."""
        self.usage = event.get("usage") or self.usage
        choices = event.get("choices") or [{}]
        choice = choices[0] if isinstance(choices[0], dict) else {}
        message = choice.get("delta") or choice.get("message") or {}
        self.called = self.called or bool(message.get("tool_calls") or message.get("function_call"))
        if message.get("refusal"):
            self.stop = "refusal"
        elif choice.get("finish_reason") and self.stop != "refusal":
            self.stop = _STOPS.get(choice["finish_reason"], "end")
        piece = message.get("content")
        if not isinstance(piece, str):
            return ""
        self.text.append(piece)
        return piece

    def completion(self) -> Completion:
        """Return the whole answer."""
        details = self.usage.get("prompt_tokens_details") or {}
        return Completion(
            text="".join(self.text),
            stop="tool_call" if self.called and not "".join(self.text).strip() else self.stop,
            input_tokens=self.usage.get("prompt_tokens") or 0,
            output_tokens=self.usage.get("completion_tokens") or 0,
            cached_tokens=details.get("cached_tokens") or 0,
        )
