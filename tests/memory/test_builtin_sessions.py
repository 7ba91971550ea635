"""The built-in log over whole sessions: every shared one, and chats with rules planted in them, chunk by chunk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cortex_cli import load
from cortex_cli.errors import CortexError
from cortex_cli.memory.base import ObserveRequest, ReflectRequest
from cortex_cli.memory.condensing import reflect
from cortex_cli.memory.log import read_log
from cortex_cli.memory.observing import observe
from cortex_cli.messages import Message
from cortex_cli.tokens import count_messages
from tests.conftest import PROJECT, outputs_by_hash_seed
from tests.memory.logs import COUNTER, is_in_form
from tests.summarizers.chats import HELD_OUT, TUNED, Chat, make_chat, numbered

FOLDER = PROJECT.parent / "shared" / "transcripts"
LARGE_BYTES = 1_000_000
FILES = [
    pytest.param(path, marks=[pytest.mark.slow] * (path.stat().st_size > LARGE_BYTES), id=str(path.relative_to(FOLDER)))
    for path in sorted(FOLDER.rglob("*"))
    if path.is_file() and path.suffix != ".tsv"
]

LEAST_KEPT = 0.95
"""Of rules and latest values; reached are 0.98 and more in every family of wordings."""


def chunked(messages: tuple[Message, ...], chunks: int, share: float) -> Iterator[str]:
    """Observe in pieces as a live session would, each with the newest part of the log so far; yield the logs."""
    log = ""
    size = max(1, -(-len(messages) // chunks))
    for start in range(0, len(messages), size):
        piece = messages[start : start + size]
        room = max(60, int(share * count_messages(piece, COUNTER)))
        entry = observe(ObserveRequest(messages=piece, earlier=log[-8_000:], max_tokens=room, counter=COUNTER))
        assert COUNTER.count_text(entry.observations) <= room
        if entry.observations:
            log = f"{log}\n\n{entry.observations}" if log else entry.observations
            yield log


@pytest.mark.parametrize("path", FILES)
def test_every_shared_session(path: Path) -> None:
    """Whatever a session holds: sizes and form hold, a second time gives the same, reflection makes less of it."""
    try:
        messages = load(path).messages
    except CortexError:
        pytest.skip("no format reads it")
    kept = tuple(message for message in messages if not message.slot)
    logs = list(chunked(kept, 3, 0.1))
    assert logs == list(chunked(kept, 3, 0.1))
    if not logs:
        return
    log = logs[-1]
    assert is_in_form(log)
    for level in range(5):
        limit = max(80, COUNTER.count_text(log) * 3 // 4)
        request = ReflectRequest(observations=log, max_tokens=limit, level=level, counter=COUNTER)
        entry = reflect(request)
        assert 0 < COUNTER.count_text(entry.observations) < limit, entry.failure
        assert is_in_form(entry.observations)
        assert entry == reflect(request)
    if not any(message.typed or message.synthetic for message in kept):
        assert "User: " not in log


def survivors(chat: Chat, log: str) -> tuple[float, float, float]:
    """Return the shares of rules that are critical, of updates whose latest value is there, and of stale ones."""
    critical = " ".join(each.text for each in read_log(log) if each.marker == "critical").lower()
    rules = sum(rule.rstrip(".").lower() in critical for rule in chat.rules) / len(chat.rules)
    latest = sum(new.lower() in critical for _, _, new in chat.updates) / len(chat.updates)
    stale = sum(f"{subject} is {old}".lower() in critical for subject, old, _ in chat.updates) / len(chat.updates)
    return rules, latest, stale


@pytest.mark.parametrize("family", [*TUNED, *HELD_OUT])
def test_planted_rules_are_critical(family: str) -> None:
    """What the user laid down is there, as critical, after observation and after reflection to three quarters of it."""
    rules, latest, stale = [], [], []
    for seed in range(3):
        chat = make_chat((TUNED | HELD_OUT)[family], seed)
        *_, log = chunked(tuple(numbered(chat.messages)), 4, 0.4)
        limit = COUNTER.count_text(log) * 3 // 4
        condensed = reflect(ReflectRequest(observations=log, max_tokens=limit, level=1, counter=COUNTER)).observations
        for found, one in zip((rules, latest, stale), survivors(chat, condensed), strict=True):
            found.append(one)
    assert sum(rules) / len(rules) >= LEAST_KEPT
    assert sum(latest) / len(latest) >= LEAST_KEPT
    assert sum(stale) == 0


@pytest.mark.slow
def test_hash_seed_changes_nothing() -> None:
    """Python orders sets anew in every process; a log must not."""
    code = (
        "from tests.memory.test_builtin_sessions import chunked; from tests.summarizers.chats import *;"
        "print(list(chunked(tuple(numbered(make_chat(TUNED['ops'], 1).messages)), 3, 0.2))[-1])"
    )
    assert len(outputs_by_hash_seed(code)) == 1
