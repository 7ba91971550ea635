"""Sessions whose beginning was replaced by a text of ours, and what the real clients make of them."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from cortex_cli.messages import Message, Transcript
from cortex_cli.tokens import make_counter
from tests.clients import claude_code, codex, pi
from tests.clients.harness import Prepare, Request, resume
from tests.clients.sessions import load
from tests.conftest import PROJECT

CLIENTS: dict[str, Prepare] = {
    "claude-code": claude_code.prepare,
    "codex": codex.prepare,
    "pi": partial(pi.prepare, window=4_000_000),
}

COUNTER = make_counter("o200k_base")
"""As the command line counts by default: `--fit 30%` has to be reachable."""

MIN_MESSAGES = 20
"""Shorter sessions have nothing to summarise. Source: issue 3."""

MIN_CHARS = 60
"""Of a line by which a summarised message is known again; shorter ones may stand in several."""

PROJECT_RULES = ("AGENTS.md", "<environment_context>")


def _sessions() -> Iterator[object]:
    for client in CLIENTS:
        for path in sorted((PROJECT.parent / "shared/transcripts" / client).glob("*.jsonl")):
            if len(load(path.read_bytes()).messages) >= MIN_MESSAGES:
                yield pytest.param(client, path, id=f"{client}-{path.name[-16:-6]}")


EACH = pytest.mark.parametrize(("client", "path"), list(_sessions()))


class Compacted(NamedTuple):
    """A session before and after, and what its client makes of it."""

    before: Transcript
    after: Transcript
    data: bytes
    request: Request


def lines_of(messages: tuple[Message, ...], role: str) -> set[str]:
    """Return the lines by which messages of a role are known again."""
    texts = (part.text for message in messages if message.role == role for part in message.parts if part.kind == "text")
    return {line.strip() for text in texts for line in text.splitlines() if len(line.strip()) >= MIN_CHARS}


def assert_ours_then_tail(done: Compacted, ours: Message, opening: str, closing: str) -> None:
    """The request holds our text once, then the kept tail, and nothing that left and is not quoted in it."""
    assert done.request.problems() == []
    sent = done.request.text
    assert sent.count(opening) == sent.count(closing) == 1
    assert ours.text.strip() in sent
    kept = [message for message in done.after.messages if not message.synthetic]
    behind = sent[sent.index(closing) :]
    tail = kept[-1].text or kept[-1].parts[-1].text
    assert tail[:200].strip() in behind or json.dumps(tail[:50])[1:-1] in behind
    stays = "\n".join(part.text for message in done.after.messages for part in message.parts)
    gone = {line for line in lines_of(done.before.messages, "assistant") if line not in stays}
    assert [line for line in gone if line in sent] == []


def assert_less_is_sent(done: Compacted, client: str, path: Path) -> None:
    """Fewer characters than without it, and the project's rules once."""
    assert done.request.characters < resume(CLIENTS[client], path.read_bytes()).characters
    for message in done.before.messages:
        if message.slot and any(word in message.text for word in PROJECT_RULES):
            assert done.request.text.count(message.text) == 1
