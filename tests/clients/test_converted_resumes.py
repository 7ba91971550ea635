"""What was converted is resumed by the real Claude Code, Codex and pi, with every call, result and text in it."""

from collections.abc import Iterator

import pytest

from cortex_cli.converting import convert
from cortex_cli.messages import Message
from tests.clients import claude_code, codex, pi
from tests.clients.harness import Prepare, resume
from tests.clients.sessions import load
from tests.conftest import PROJECT
from tests.hostile import SOUND
from tests.writers import WRITERS

pytestmark = pytest.mark.clients

SOURCES = (
    "openai array",
    "anthropic request",
    "claude-code",
    "codex",
    "pi",
    "gemini request",
    "langchain dumpd",
    "atif",
    "openhands",
)
CLIENTS: dict[str, Prepare] = {"claude-code": claude_code.prepare, "codex": codex.prepare, "pi": pi.prepare}
FIXTURES = {"claude-code": "claude", "codex": "codex_client", "pi": "pi_client"}


def said(messages: tuple[Message, ...]) -> Iterator[tuple[str, str]]:
    """Yield kind and text of all that every client sends as it stands."""
    for message in messages:
        for part in message.parts:
            if part.kind == "text" and message.role in ("user", "assistant"):
                yield "text", part.text
            elif part.kind in ("call", "result"):
                yield part.kind, part.call_id


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("written", SOURCES)
def test_converted_sessions_are_resumed(written: str, client: str, request: pytest.FixtureRequest) -> None:
    """The client asks its model with the whole conversation, in order and well formed."""
    request.getfixturevalue(FIXTURES[client])
    transcript = load(WRITERS[written][1](SOUND))
    made = convert(transcript, client, lossy=True)
    sent = resume(CLIENTS[client], made.data)
    assert sent.problems() == []
    blocks = [(one.kind, one.text if one.kind == "text" else one.id) for one in sent.blocks]
    at = 0
    for kind, text in said(load(made.data).messages):
        place = next((i for i, one in enumerate(blocks) if i >= at and one[0] == kind and text in one[1]), None)
        assert place is not None, (kind, text)
        at = place
    assert len(list(said(transcript.messages))) == len(list(said(load(made.data).messages)))


def test_a_sample_goes_from_client_to_client() -> None:
    """As a user would take a session along: nothing that is said is lost on a round through all three."""
    first = load((PROJECT / "samples/claude-code.jsonl").read_bytes())
    data = b""
    transcript = first
    for client in ("codex", "pi", "claude-code"):
        data = convert(transcript, client, lossy=True).data
        transcript = load(data)
    assert list(said(transcript.messages)) == list(said(first.messages))
