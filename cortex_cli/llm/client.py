"""What a model client is asked, what it answers, and how it fails."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from cortex_cli.errors import CortexError

StopReason = Literal["end", "length", "refusal", "tool_call", "truncated"]
"""`truncated`: the stream ended without saying why."""

OnText = Callable[[str], None]
"""Called with each piece of text as it comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRequest:
    """One question to a model."""

    system: str
    prompt: str
    max_tokens: int
    """The answer's limit, in the model's tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One answer."""

    text: str
    stop: StopReason
    input_tokens: int = 0
    """As the provider counted, cached ones included; 0: not stated."""
    output_tokens: int = 0
    cached_tokens: int = 0


class Client(Protocol):
    """A model behind some interface."""

    @property
    def name(self) -> str:
        """For reports: `openai gpt-4o-mini`."""
        ...

    @property
    def model(self) -> str:
        """As the provider names it; empty where nobody knows."""
        ...

    @property
    def endpoint(self) -> str:
        """What the circuit opens for: the base URL or the command."""
        ...

    async def complete(self, request: CompletionRequest, on_text: OnText | None = None) -> Completion:
        """Ask once, without retries.

        Raises:
            ModelError: No answer that could be read.
        """
        ...


class ModelError(CortexError):
    """A model call failed.

    Args:
        message: What happened, without keys and without the prompt.
        retry: Whether the same call may go through later.
        retry_after_seconds: What the provider asked to wait.
        overflow: The prompt was too long.
        hint: How to mend it.
    """

    def __init__(
        self,
        message: str,
        *,
        retry: bool = False,
        retry_after_seconds: float | None = None,
        overflow: bool = False,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry = retry
        self.retry_after_seconds = retry_after_seconds
        self.overflow = overflow
