"""Real sessions for the client tests, and what is done to them before they are resumed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cortex_cli import formats
from cortex_cli.compaction import compact
from cortex_cli.errors import DoesNotFitError
from cortex_cli.formats.source import Source
from cortex_cli.messages import Transcript
from cortex_cli.settings import Settings, Share
from cortex_cli.tokens import make_counter

COUNTER = make_counter("heuristic")

SHARES = (0.3, 0.5, 0.75)
"""How small a session is made; the next where it cannot be that small."""


def sessions(folder: Path) -> Iterator[object]:
    """Yield the session files of a folder that have at least one call with its result."""
    for path in sorted(folder.glob("*.jsonl")):
        transcript = load(path.read_bytes())
        called = {part.call_id for message in transcript.messages for part in message.calls}
        if any(message.result is not None and message.result.call_id in called for message in transcript.messages):
            yield pytest.param(path, id=path.name[-24:])


def load(data: bytes) -> Transcript:
    """Read a session."""
    return formats.load(Source(data))


def after_micro(transcript: Transcript) -> Transcript:
    """Shorten old results, as caps and layer 1 do in a small window."""
    settings = Settings(window=30_000, tokenizer="heuristic", layers=("cap", "micro"))
    return compact(transcript, settings, counter=COUNTER).transcript


def after_failsafe(transcript: Transcript) -> Transcript:
    """Drop the oldest groups until a part of the session is left.

    What is sent besides the session (measured from its usage) cannot be dropped, and is left out of account.
    """
    transcript = replace(transcript, usage=None)
    for share in SHARES:
        settings = Settings(fit=Share(share), tokenizer="heuristic", layers=("failsafe",))
        try:
            return compact(transcript, settings, counter=COUNTER).transcript
        except DoesNotFitError:
            continue
    pytest.skip("its slots alone are too large")
