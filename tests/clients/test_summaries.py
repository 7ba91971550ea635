"""The real clients resume what layer 2 wrote: our summary, then the kept tail, nothing of what left."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from cortex_cli import formats, marks
from cortex_cli.compaction import compact
from cortex_cli.errors import DoesNotFitError
from cortex_cli.messages import Message, Transcript
from cortex_cli.settings import Settings, Share
from cortex_cli.tokens import make_counter
from tests.clients import claude_code, codex, pi
from tests.clients.harness import Prepare, Request, resume
from tests.clients.more_turns import append_turns
from tests.clients.sessions import load
from tests.conftest import PROJECT

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("claude", "codex_client", "pi_client")]

CLIENTS: dict[str, Prepare] = {
    "claude-code": claude_code.prepare,
    "codex": codex.prepare,
    "pi": partial(pi.prepare, window=4_000_000),
}

COUNTER = make_counter("o200k_base")
"""As the command line counts by default: `--fit 30%` has to be reachable."""

MIN_MESSAGES = 20
"""Shorter sessions have nothing to summarise. Source: issue 3."""

SHARES = (0.3, 0.85)
"""How small a session is made; the second where rules and environment alone are larger than the first."""

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
    """A session before and after `--fit 30%`, and what its client makes of it."""

    before: Transcript
    after: Transcript
    data: bytes
    request: Request


def compacted(client: str, data: bytes, shares: tuple[float, ...] = SHARES[:1]) -> Compacted:
    """Compact a session as `cortex compact --fit 30%` does, and resume it."""
    before = load(data)
    try:
        settings = Settings(fit=Share(shares[0]), tokenizer=COUNTER.name)
        after = compact(before, settings, counter=COUNTER).transcript
    except DoesNotFitError:
        if len(shares) == 1:
            raise
        return compacted(client, data, shares[1:])
    output = b"".join(formats.dump(after))
    return Compacted(before, after, output, resume(CLIENTS[client], output))


def lines_of(messages: tuple[Message, ...], role: str) -> set[str]:
    """Return the lines by which messages of a role are known again."""
    texts = (part.text for message in messages if message.role == role for part in message.parts if part.kind == "text")
    return {line.strip() for text in texts for line in text.splitlines() if len(line.strip()) >= MIN_CHARS}


def assert_resumes(done: Compacted) -> marks.Summary:
    """The request holds one summary, then the kept tail, and nothing that left and is not quoted in it."""
    assert done.request.problems() == []
    (ours,) = (message for message in done.after.messages if message.synthetic == "summary")
    summary = marks.parse_summary(ours.text)
    assert summary is not None
    sent = done.request.text
    assert sent.count("<compaction-summary ") == sent.count("</compaction-summary>") == 1
    assert summary.text in sent
    kept = [message for message in done.after.messages if not message.synthetic]
    behind = sent[sent.index("</compaction-summary>") :]
    tail = kept[-1].text or kept[-1].parts[-1].text
    assert tail[:200].strip() in behind or json.dumps(tail[:50])[1:-1] in behind
    stays = "\n".join(part.text for message in done.after.messages for part in message.parts)
    gone = {line for line in lines_of(done.before.messages, "assistant") if line not in stays}
    assert [line for line in gone if line in sent] == []
    return summary


@EACH
def test_the_summary_is_what_the_client_sends(client: str, path: Path) -> None:
    """Shown on the request itself: neither what we write nor what we count proves what the agent reads."""
    done = compacted(client, path.read_bytes())
    assert_resumes(done)
    assert done.request.characters < resume(CLIENTS[client], path.read_bytes()).characters
    for message in done.before.messages:
        if message.slot and any(word in message.text for word in PROJECT_RULES):
            assert done.request.text.count(message.text) == 1


@EACH
def test_a_second_compaction_works_on_top_of_the_first(client: str, path: Path) -> None:
    """Ten more turns later the earlier summary is carried and updated: one summary, its messages added up."""
    first = compacted(client, path.read_bytes())
    before = assert_resumes(first)
    longer = append_turns(client, first.data, 10)
    assert len(load(longer).messages) == len(load(first.data).messages) + 20
    second = compacted(client, longer, SHARES)
    summary = assert_resumes(second)
    gone = len(load(longer).messages) - 1 - sum(not one.synthetic for one in second.after.messages)
    assert summary.turns == before.turns + gone
    assert "question 9 of the second part" in second.request.text
