"""The model calls of a recorded session: when each was made, what it took, how long its answer is."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cortex_cli.formats.times import to_milliseconds
from cortex_cli.jsonedit import parse
from cortex_cli.live.usage import CallUsage, read_usage
from cortex_cli.messages import Message, Transcript
from cortex_cli.tokens import Counter

MILLISECONDS = 1000


class RecordedCall(NamedTuple):
    """One call of the model: everything in front of its answer was sent."""

    answer: int
    """Position of the answer in the live path."""
    time: float
    """Seconds since 1970; that of the call before where the file does not say."""
    output_tokens: int
    """As recorded, else counted."""
    usage: CallUsage | None
    """As recorded."""


def calls_of(transcript: Transcript, counter: Counter) -> tuple[RecordedCall, ...]:
    """Return the calls of a session, oldest first.

    Args:
        transcript: As loaded.
        counter: Counts answers whose usage was not recorded.
    """
    usages = _usages(transcript)
    found: list[RecordedCall] = []
    time = 0.0
    for at, message in enumerate(transcript.messages):
        if message.role != "assistant" or message.synthetic or at == 0:
            continue
        time = max(time, to_milliseconds(message.time) / MILLISECONDS)
        usage = next((usages[record] for record in reversed(message.records) if record in usages), None)
        output = usage.output_tokens if usage and usage.output_tokens else counter.count_message(message)
        found.append(RecordedCall(at, time, output, usage))
    return tuple(found)


def _usages(transcript: Transcript) -> dict[int, CallUsage]:
    """Return what the records say of usage: their own, or a count that stands behind them (Codex)."""
    found: dict[int, CallUsage] = {}
    answers = sorted({message.records[-1] for message in transcript.messages if _is_answer(message)})
    waiting = iter(answers)
    nearest = -1
    ahead = next(waiting, None)
    for index, record in enumerate(transcript.records):
        while ahead is not None and ahead <= index:
            nearest, ahead = ahead, next(waiting, None)
        if b"token" not in record and b"usage" not in record:
            continue
        value = _value(record)
        if usage := read_usage(_own_usage(value)):
            found[index] = usage
        elif nearest >= 0 and (counted := _codex_usage(value)):
            found[nearest] = counted
    return found


def _is_answer(message: Message) -> bool:
    return message.role == "assistant" and bool(message.records)


def _value(record: bytes) -> Mapping[str, Any]:
    try:
        value = parse(record)
    except (ValueError, json.JSONDecodeError):
        return {}
    return value if isinstance(value, dict) else {}


def _own_usage(value: Mapping[str, Any]) -> Any:
    message = value.get("message", value)
    usage = message.get("usage") if isinstance(message, dict) else None
    if isinstance(usage, dict) and "cacheRead" in usage:  # pi's names
        cached, written = _number(usage, "cacheRead"), _number(usage, "cacheWrite")
        return {
            "input_tokens": _number(usage, "input"),
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": written,
            "output_tokens": _number(usage, "output"),
        }
    return usage


def _codex_usage(value: Mapping[str, Any]) -> CallUsage | None:
    payload = value.get("payload")
    info = payload.get("info") if isinstance(payload, dict) else None
    last = info.get("last_token_usage") if isinstance(info, dict) else None
    if not isinstance(last, dict) or not _number(last, "input_tokens"):
        return None
    return CallUsage(
        _number(last, "input_tokens"),
        _number(last, "cached_input_tokens"),
        output_tokens=_number(last, "output_tokens"),
        shape="openai",
    )


def _number(values: Mapping[str, Any], key: str) -> int:
    value = values.get(key)
    return value if isinstance(value, int) else 0


def pairs(calls: tuple[RecordedCall, ...]) -> Iterator[tuple[RecordedCall, CallUsage]]:
    """Yield the calls whose usage was recorded."""
    yield from ((call, call.usage) for call in calls if call.usage is not None)
