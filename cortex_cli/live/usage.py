"""What a provider says a call took, in whatever shape it says so: OpenAI's two APIs, Anthropic's, or their answers."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple


class CallUsage(NamedTuple):
    """Tokens of one model call, as the provider counted."""

    input_tokens: int
    """All of the request, what was read from the cache included."""
    cached_tokens: int = 0
    """Of these, read from the cache."""
    written_tokens: int = 0
    """Of these, written to the cache, where the provider says so."""
    output_tokens: int = 0
    shape: Literal["anthropic", "openai", ""] = ""
    """Whose shape it had; empty where nothing tells."""


def read_usage(value: Any) -> CallUsage | None:
    """Read a usage object.

    Args:
        value: A dict or an object of a provider's package: the usage itself, or the answer that holds one.

    Returns:
        None where it states no input (an error, an aborted call, a piece of a stream).
    """
    inner = _field(value, "usage")
    usage = value if inner is None else inner
    found = _read_chat(usage) or _read_responses(usage) or _read_anthropic(usage)
    return found if found and found.input_tokens > 0 else None


def _read_chat(usage: Any) -> CallUsage | None:
    """Read chat completions' usage: what was cached is part of `prompt_tokens`.

    Source: https://platform.openai.com/docs/api-reference/chat/object
    """
    if _field(usage, "prompt_tokens") is None:
        return None
    cached = _number(_field(usage, "prompt_tokens_details"), "cached_tokens")
    return CallUsage(
        _number(usage, "prompt_tokens"), cached, output_tokens=_number(usage, "completion_tokens"), shape="openai"
    )


def _read_responses(usage: Any) -> CallUsage | None:
    """Read the Responses API's usage, which has Anthropic's names and OpenAI's way to count.

    Source: https://platform.openai.com/docs/api-reference/responses/object
    """
    details = _field(usage, "input_tokens_details")
    if details is None:
        return None
    cached = _number(details, "cached_tokens")
    return CallUsage(
        _number(usage, "input_tokens"), cached, output_tokens=_number(usage, "output_tokens"), shape="openai"
    )


def _read_anthropic(usage: Any) -> CallUsage | None:
    """Read the Messages API's usage: `input_tokens` is only what came behind the cached part.

    Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
    """
    if _field(usage, "input_tokens") is None:
        return None
    read, written = _number(usage, "cache_read_input_tokens"), _number(usage, "cache_creation_input_tokens")
    names_cache = any(_field(usage, f"cache_{kind}_input_tokens") is not None for kind in ("read", "creation"))
    return CallUsage(
        _number(usage, "input_tokens") + read + written,
        read,
        written,
        _number(usage, "output_tokens"),
        "anthropic" if names_cache else "",
    )


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _number(value: Any, name: str) -> int:
    found = _field(value, name)
    return found if isinstance(found, int) and found > 0 else 0
