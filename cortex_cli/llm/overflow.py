"""Is an error "the prompt is too long", and by how much? A table of the providers' wordings.

Rate limits speak of tokens too; they are told apart first. Used by summaries and by live sessions.
"""

import re
from typing import NamedTuple


class Wording(NamedTuple):
    """How one provider says it."""

    provider: str
    pattern: re.Pattern[str]
    """Groups `used` and `limit` where the error states them, `over` where it states the excess itself."""


class Overflow(NamedTuple):
    """A refused request."""

    provider: str
    used_tokens: int | None
    """What the provider counted; None where it does not say."""
    limit_tokens: int | None

    @property
    def excess_tokens(self) -> int | None:
        """By how much it was too long; None where that is not known."""
        if self.used_tokens is None or self.limit_tokens is None:
            return None
        return max(0, self.used_tokens - self.limit_tokens)


def _wording(provider: str, pattern: str) -> Wording:
    return Wording(provider, re.compile(pattern, re.IGNORECASE | re.DOTALL))


_N = r"(?P<{}>\d[\d,]*)"
_USED, _LIMIT, _OVER = _N.format("used"), _N.format("limit"), _N.format("over")

WORDINGS = (
    _wording("anthropic", rf"prompt is too long: {_USED} tokens > {_LIMIT} maximum"),
    _wording("anthropic", rf"input length and `?max_tokens`? exceed context limit: {_USED} \+ \d+ > {_LIMIT}"),
    _wording("anthropic", r"prompt is too long|request_too_large"),
    _wording(
        "openai",
        rf"maximum context length is {_LIMIT} tokens.{{0,80}}?(?:resulted in|requested) (?:about )?{_USED} tokens",
    ),
    _wording("openai", r"exceeds the context window|context_length_exceeded"),
    _wording("azure", rf"maximum context length is {_LIMIT} tokens"),
    _wording("bedrock", r"input is too long for requested model|too many input tokens"),
    _wording("gemini", rf"input token count \(?{_USED}\)? exceeds the maximum number of tokens allowed \(?{_LIMIT}\)?"),
    _wording("mistral", rf"prompt contains {_USED} tokens.{{0,80}}?{_LIMIT} maximum context length"),
    _wording("mistral", r"too large for model with \d+ maximum context length"),
    _wording("xai", rf"maximum prompt length is {_LIMIT} but the request contains {_USED} tokens"),
    _wording("groq", r"reduce the length of the messages or completion"),
    _wording("llama.cpp", rf'"n_prompt_tokens"\s*:\s*{_USED}.{{0,40}}?"n_ctx"\s*:\s*{_LIMIT}'),
    _wording("llama.cpp", rf"request \({_USED} tokens\) exceeds the available context size \({_LIMIT} tokens\)"),
    _wording("llama.cpp", r"exceed_context_size_error|exceeds the available context size"),
    _wording("vllm", rf"(?:decoder )?prompt \(length {_USED}\) is longer than the maximum model length of {_LIMIT}"),
    _wording("vllm", rf"maximum context length is {_LIMIT} tokens and your request has {_USED} input tokens"),
    _wording("vllm", rf"maximum model length.{{0,40}}?{_LIMIT}"),
    _wording("ollama", rf"exceeded max context length by {_OVER} tokens"),
    _wording("ollama", r"input length exceeds the (?:maximum )?context length|prompt too long"),
    _wording("openrouter", rf"maximum context length is {_LIMIT} tokens.{{0,60}}?requested about {_USED} tokens"),
)
"""Sources: the providers' documentation and recorded answers; the llama.cpp form was measured (TOKENS.md)."""

_RATE_LIMIT = re.compile(
    r"rate.?limit|tokens per (?:minute|day|hour)|\b[TR]PM\b|requests per|too many requests|quota|throttl|overloaded",
    re.IGNORECASE,
)


def find_overflow(message: str, status: int = 400) -> Overflow | None:
    """Recognise a request that was refused as too long.

    Args:
        message: The error's text or its whole JSON body.
        status: HTTP status; 429 and 5xx are never an overflow.

    Returns:
        Who said it and what it states; None for every other error.
    """
    if status == 429 or status >= 500 or _RATE_LIMIT.search(message):
        return None
    hits = [(wording, match) for wording in WORDINGS if (match := wording.pattern.search(message))]
    if not hits:
        return None
    wording, match = max(hits, key=lambda hit: len(hit[1].groupdict()))
    found = {name: int(value.replace(",", "")) for name, value in match.groupdict().items() if value}
    if "over" in found:
        return Overflow(wording.provider, found["over"], 0)
    return Overflow(wording.provider, found.get("used"), found.get("limit"))
