"""What a model client is asked, what it answers, and how it fails."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from cortex_cli.errors import CortexError

T = TypeVar("T")

URL_HINT = "check --llm-url, and that --summarizer names the API that is served there"

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


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model behind an address; the base of the clients that speak HTTP."""

    model: str
    key: str = field(repr=False)
    """Never shown; empty where none is needed."""
    endpoint: str
    """Base URL."""
    timeout_seconds: float = 120.0
    """Longest silence."""
    kind: ClassVar[str] = ""

    @property
    def name(self) -> str:
        """For reports."""
        return f"{self.kind} {self.model}"


class ModelError(CortexError):
    """A model call failed.

    Args:
        message: What happened, without keys and without the prompt.
        retry: Whether the same call may go through later.
        retry_after_seconds: What the provider asked to wait.
        overflow: The prompt was too long.
        limit_tokens: The model's window, where the refusal states it; 0: it does not.
        hint: How to mend it.
    """

    def __init__(
        self,
        message: str,
        *,
        retry: bool = False,
        retry_after_seconds: float | None = None,
        overflow: bool = False,
        limit_tokens: int = 0,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry = retry
        self.retry_after_seconds = retry_after_seconds
        self.overflow = overflow
        self.limit_tokens = limit_tokens


MAX_CHARS_PER_TOKEN = 20
"""An answer that is longer than this for every token it was allowed does not heed the limit; prose has 4 or 5."""


class Answer(Protocol):
    """An answer as its events come in; each API has its own."""

    def take(self, event: dict[str, Any]) -> str:
        """Take one event in and return its text."""
        ...

    def completion(self) -> Completion:
        """Return the whole answer."""
        ...


async def gather(
    answer: Answer, events: AsyncIterator[dict[str, Any]], request: CompletionRequest, on_text: OnText | None
) -> Completion:
    """Read an answer to its end.

    Raises:
        ModelError: It is not in the API's form, or does not end.
    """
    chars = 0
    async for event in events:
        piece = _in_form(answer.take, event)
        chars += len(piece)
        if chars > request.max_tokens * MAX_CHARS_PER_TOKEN:
            raise ModelError("the answer does not end", retry=True)
        if piece and on_text:
            on_text(piece)
    return _in_form(answer.completion)


def _in_form(read: Callable[..., T], *given: Any) -> T:
    try:
        return read(*given)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:  # a list where an object should be
        raise ModelError("the answer is not in the API's form", retry=True, hint=URL_HINT) from error
