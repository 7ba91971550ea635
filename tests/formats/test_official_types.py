"""Compacted transcripts of OpenAI and Anthropic APIs against the types of the official packages."""

import json
from pathlib import Path
from typing import Any

import pytest

from cortex_cli.compaction import compact
from cortex_cli.errors import DoesNotFitError
from cortex_cli.settings import Settings
from cortex_cli.tokens import make_counter
from tests.formats.sdk import (
    needs_beta,
    validate_anthropic,
    validate_bedrock,
    validate_gemini,
    validate_openai,
    validate_responses,
)
from tests.hostile import SOUND
from tests.roundtrip import dump, load
from tests.wire import anthropic_request, bedrock_request, gemini_request, openai_request, responses_request

COUNTER = make_counter("heuristic")
WINDOWS = (600, 2_000, 16_000, 64_000)


_LISTS = ("messages", "input", "contents")
"""Where requests keep their messages."""


def messages_of(data: bytes) -> list[Any]:
    """Return the messages of a request, without records that no client sends."""
    value = json.loads(data)
    messages = value if isinstance(value, list) else next(value[key] for key in _LISTS if key in value)
    return [message for message in messages if message.get("role") != "exit"]


def compacted(data: bytes, name: str, window: int) -> list[Any]:
    """Compact and return the messages; as they were where they cannot be made to fit."""
    settings = Settings(window=window, layers=("cap", "micro", "failsafe"))
    try:
        return messages_of(dump(compact(load(data, name), settings, counter=COUNTER).transcript))
    except DoesNotFitError:
        return messages_of(data)


def _known(item: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != "x_unknown"}


@pytest.mark.parametrize("window", WINDOWS)
def test_what_layers_make_is_what_the_packages_take(window: int) -> None:
    """In any window, down to where the failsafe drops nearly all."""
    validate_openai(compacted(openai_request(SOUND), "openai", window))
    validate_responses([_known(item) for item in compacted(responses_request(SOUND), "openai-responses", window)])
    validate_anthropic(compacted(anthropic_request(SOUND), "anthropic", window))
    validate_bedrock(compacted(bedrock_request(SOUND), "bedrock-converse", window))
    validate_gemini(compacted(gemini_request(SOUND), "gemini", window))


@pytest.mark.parametrize("window", WINDOWS)
def test_real_requests_stay_what_the_packages_take(shared: Path, window: int) -> None:
    """Every recorded request, and the long agent runs that are lists of chat messages."""
    folder = shared / "transcripts"
    for path in [*folder.glob("openai-chat/*.request.json"), *folder.glob("mini-swe-agent/*")]:
        validate_openai(compacted(path.read_bytes(), "openai", window))
    for path in folder.glob("openai-responses/*.request.json"):
        validate_responses(compacted(path.read_bytes(), "openai-responses", window))
    for path in folder.glob("bedrock-converse/*.request.json"):
        validate_bedrock(compacted(path.read_bytes(), "bedrock-converse", window))
    for path in folder.glob("gemini/*.request.json"):
        validate_gemini(compacted(path.read_bytes(), "gemini", window))
    for path in folder.glob("anthropic-messages/*.request.json"):
        data = path.read_bytes()
        validate_anthropic(compacted(data, "anthropic", window), is_beta=needs_beta(messages_of(data)))
