"""A provider for agents to talk to: it counts in its own way, enforces its window, checks pairs, bills by its cache.

Nothing of the package counts or caches here: the bill is worked out from the requests alone.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from cortex_cli.tokens import make_counter

_COUNTER = make_counter("o200k_base")
"""Only for exact counts of plain texts; the provider's own factor comes on top."""

MESSAGE_TOKENS = 4
"""What a message takes besides its texts."""


class Prices(NamedTuple):
    """Per token, as multiples of the input price; sources: the providers' price lists."""

    write: float
    read: float
    output: float
    ttl_seconds: int
    minimum_tokens: int
    """A shorter prefix is not cached."""
    step_tokens: int
    """Prefixes are cached in steps of so many; 0: only where a request ended, and its system prompt."""


ANTHROPIC = Prices(1.25, 0.1, 5.0, 300, 1024, 0)
"""Cache marks at the end of the system prompt and of the last message, found again within 20 blocks.
Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching"""

OPENAI = Prices(1.0, 0.5, 4.0, 600, 1024, 128)
"""Source: https://platform.openai.com/docs/guides/prompt-caching"""

LOOKBACK_BLOCKS = 20
"""How far before a mark Anthropic looks for one written earlier. Source: as above."""


class Refused(Exception):
    """What the provider's package raises."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status_code = status
        self.body = {"error": {"type": "invalid_request_error", "message": message}}


class InvalidRequest(AssertionError):
    """A request that every provider refuses: never to happen."""


@dataclass
class Bill:
    """What was paid, in prices of one input token."""

    calls: int = 0
    rejected: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    written_tokens: int = 0
    output_tokens: int = 0
    utility: float = 0.0
    """For summaries."""
    breaks: int = 0
    """Calls that found less in a living cache than the call before had put there."""
    cost: float = 0.0

    @property
    def total(self) -> float:
        """Everything."""
        return self.cost + self.utility


class _Block(NamedTuple):
    tokens: int
    digest: bytes


@dataclass
class _Entry:
    tokens: int
    expires: float


@dataclass
class Provider:
    """One endpoint."""

    shape: Literal["openai", "anthropic"]
    window: int | None
    """None: it takes everything."""
    scale: float = 1.1
    """Its tokens for one of o200k_base."""
    system_tokens: int = 4_000
    """System prompt and tool schemas: sent with every call, cached like the rest."""
    bill: Bill = field(default_factory=Bill)
    _entries: dict[bytes, _Entry] = field(default_factory=dict)
    _sizes: dict[int, tuple[Any, list[_Block]]] = field(default_factory=dict)
    _newest: tuple[float, int] = (float("-inf"), 0)

    @property
    def prices(self) -> Prices:
        """Of this kind of provider."""
        return ANTHROPIC if self.shape == "anthropic" else OPENAI

    def call(self, messages: Sequence[Any], output_tokens: int, now: float, *, unmarked: int = 0) -> dict[str, Any]:
        """Answer a request: its usage, in the provider's shape.

        Args:
            messages: The request.
            output_tokens: What the answer takes.
            now: The time.
            unmarked: Blocks at the end that are behind the agent's cache mark: it knows that they come only once.

        Raises:
            Refused: It is longer than the window.
            InvalidRequest: Calls and results do not match, or roles are not as they must be.
        """
        check_request(messages, self.shape)
        measured = [block for one in messages for block in self._measure(one)]
        total = self.system_tokens + sum(tokens for tokens, _ in measured)
        if self.window is not None and total > self.window:
            self.bill.rejected += 1
            raise Refused(self._too_long(total))
        prefixes = self._prefixes(measured[: len(measured) - unmarked])
        cached = self._read_cache(prefixes, now)
        self._note_break(cached, now)
        self._write_cache(prefixes, now)
        self._newest = (now, prefixes[-1][1])
        return self._charge(total, cached, output_tokens)

    def _too_long(self, total: int) -> str:
        if self.shape == "anthropic":
            return f"prompt is too long: {total} tokens > {self.window} maximum"
        return (
            f"This model's maximum context length is {self.window} tokens. However, your messages resulted in "
            f"{total} tokens. Please reduce the length of the messages."
        )

    def _measure(self, value: Any) -> list[_Block]:
        """Return the blocks of a message; remembered as long as the object is the same."""
        known = self._sizes.get(id(value))
        if known is None:
            content = value.get("content")
            pieces = content if isinstance(content, list) else [value]
            blocks = [self._measure_block(value["role"], piece) for piece in pieces]
            known = self._sizes[id(value)] = (value, blocks)  # the object is held, so nothing else can have its id
        return known[1]

    def _measure_block(self, role: str, piece: Any) -> _Block:
        tokens = int(self.scale * (MESSAGE_TOKENS + sum(map(_COUNTER.count_text, _texts(piece)))))
        return _Block(tokens, hashlib.blake2b(role.encode() + orjson.dumps(piece), digest_size=16).digest())

    def _prefixes(self, measured: Sequence[_Block]) -> list[tuple[bytes, int]]:
        """Return (hash, tokens) of every prefix, that of the system prompt alone first."""
        chain = hashlib.blake2b(b"system", digest_size=16)
        found, total = [(chain.digest(), self.system_tokens)], self.system_tokens
        for tokens, digest in measured:
            chain.update(digest)
            total += tokens
            found.append((chain.digest(), total))
        return found

    def _read_cache(self, prefixes: Sequence[tuple[bytes, int]], now: float) -> int:
        """Return how many tokens are read, and keep what is read alive."""
        end = len(prefixes) - 1
        for at in range(end, -1, -1):
            is_near = at == 0 or self.prices.step_tokens or end - at <= LOOKBACK_BLOCKS
            entry = self._entries.get(prefixes[at][0]) if is_near else None
            if entry is not None and entry.expires > now:
                entry.expires = now + self.prices.ttl_seconds
                return self._in_steps(entry.tokens)
        return 0

    def _in_steps(self, tokens: int) -> int:
        tokens -= tokens % self.prices.step_tokens if self.prices.step_tokens else 0
        return tokens if tokens >= self.prices.minimum_tokens else 0

    def _write_cache(self, prefixes: Sequence[tuple[bytes, int]], now: float) -> None:
        for digest, tokens in prefixes if self.prices.step_tokens else (prefixes[0], prefixes[-1]):
            if tokens >= self.prices.minimum_tokens:
                self._entries[digest] = _Entry(tokens, now + self.prices.ttl_seconds)

    def _note_break(self, cached: int, now: float) -> None:
        before, tokens = self._newest
        is_alive = now - before < self.prices.ttl_seconds
        self.bill.breaks += is_alive and cached < self._in_steps(tokens)

    def _charge(self, total: int, cached: int, output_tokens: int) -> dict[str, Any]:
        bill, prices, fresh = self.bill, self.prices, total - cached
        bill.calls += 1
        bill.input_tokens += total
        bill.cached_tokens += cached
        bill.written_tokens += fresh
        bill.output_tokens += output_tokens
        bill.cost += cached * prices.read + fresh * prices.write + output_tokens * prices.output
        if self.shape == "openai":
            details = {"cached_tokens": cached}
            return {"prompt_tokens": total, "completion_tokens": output_tokens, "prompt_tokens_details": details}
        return {
            "input_tokens": 0,
            "cache_creation_input_tokens": fresh,
            "cache_read_input_tokens": cached,
            "output_tokens": output_tokens,
        }


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, one in value.items() if key not in ("type", "role", "id") for text in _texts(one)]
    return [text for one in value for text in _texts(one)] if isinstance(value, list) else []


def check_request(messages: Sequence[Any], shape: str) -> None:
    """Refuse what the APIs refuse: their rules, written down apart from the package's own.

    Source: the providers' error texts, FORMATS O1, O2, M1 to M4.

    Raises:
        InvalidRequest: With what is wrong.
    """
    said = [one for one in messages if one["role"] not in ("system", "developer")]
    if not said or said[0]["role"] != "user":
        raise InvalidRequest("the first message must be the user's")
    if shape == "openai":
        _check_openai(said)
    else:
        _check_anthropic(said)


def _check_openai(said: Sequence[Any]) -> None:
    waiting: set[str] = set()
    for one in said:
        if one["role"] == "tool":
            if one["tool_call_id"] not in waiting:
                raise InvalidRequest(f"{one['tool_call_id']}: a tool message must follow its tool_calls")
            waiting.remove(one["tool_call_id"])
            continue
        if waiting:
            raise InvalidRequest(f"tool_calls without a response: {waiting}")
        waiting = {call["id"] for call in one.get("tool_calls", ())}
    if waiting:
        raise InvalidRequest(f"tool_calls without a response: {waiting}")


def _check_anthropic(said: Sequence[Any]) -> None:
    waiting: list[str] = []
    role = ""
    for one in said:
        if one["role"] == role:
            raise InvalidRequest(f"two messages of the {role} in a row")
        role = one["role"]
        blocks = one["content"] if isinstance(one["content"], list) else [{"type": "text", "text": one["content"]}]
        if not blocks or any(block["type"] == "text" and not block["text"] for block in blocks):
            raise InvalidRequest("content must not be empty")
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if sorted(results) != sorted(waiting):
            raise InvalidRequest(f"tool_use {waiting} answered by {results}")
        if any(block["type"] != "tool_result" for block in blocks[: len(results)]):
            raise InvalidRequest("results come first")
        waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]
    if waiting:
        raise InvalidRequest(f"tool_use without a result: {waiting}")
