"""The real Claude Code runs the hook around a compaction that its window forces, and sends the facts afterwards."""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cortex_cli.integrations.claude_code_hook import MAX_CONTEXT_CHARS, SETTINGS
from cortex_cli.messages import Message
from tests import wire
from tests.clients import claude_code
from tests.clients.harness import PROMPT, Launch, Room, run_client
from tests.clients.more_turns import append_turns
from tests.clients.server import Server, serving
from tests.conftest import PROJECT, assistant, live, tool_pair, user

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("claude")]

WINDOW = 100_000
"""Tokens that the client is told it may fill."""

USAGE = {
    "input_tokens": 4,
    "cache_creation_input_tokens": 200,
    "cache_read_input_tokens": 2 * WINDOW,
    "output_tokens": 10,
}
"""What the model's calls took, tokens, as the client reads it in a session: the window is full."""

RULE = "Never edit anything below migrations/."
LATER = "Use tabs in Makefiles, never blanks."


class Client:
    """Claude Code with the hook in its settings, in a home of its own that stays from run to run."""

    def __init__(self, folder: Path, server: Server, command: str) -> None:
        self.server = server
        self.room = Room(folder / "home", folder / "home/work", server.port)
        self.room.work.mkdir(parents=True)
        self.state = self.room.home / ".local/state/cortex/claude-code"
        hooks = json.dumps(SETTINGS).replace("cortex hook claude-code", command)
        settings = self.room.home / ".claude/settings.json"
        settings.parent.mkdir()
        settings.write_text(hooks)

    def run(self, session: bytes) -> list[dict[str, Any]]:
        """Resume a session; return the requests that were sent."""
        before = len(self.server.bodies)
        launch = claude_code.prepare(session, self.room)
        env = {name: value for name, value in launch.env.items() if name != "DISABLE_AUTO_COMPACT"}
        done = run_client(Launch(launch.command, {**env, "CLAUDE_CODE_AUTO_COMPACT_WINDOW": str(WINDOW)}), self.room)
        assert json.loads(done.stdout)["subtype"] == "success"
        return self.server.bodies[before:]

    def session(self) -> bytes:
        """Return the session's file as the client left it."""
        [path] = self.room.home.glob(f".claude/projects/*/{wire.SESSION}.jsonl")
        return path.read_bytes()


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a model that answers everything, a compaction too, with one word."""
    with serving() as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """Set the client up as the README says, with this project's `cortex`."""
    command = f"PYTHONPATH={PROJECT} {sys.executable} -m cortex_cli hook claude-code"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Client(Path(folder), server, command)


def long_session(*first: str) -> bytes:
    """Write a session that is over the window, with this said at its beginning."""
    turns: list[Message | list[Message]] = []
    for text in first:
        turns += [user(text), assistant("Understood.")]
    for n in range(40):
        pair = tool_pair("Read", call_id=f"toolu_{n}", chars=3_000)
        turns += [user(f"And what of step {n}?"), pair, assistant(f"Step {n} is done.")]
    records = [json.loads(line) for line in wire.claude_code(live(*turns)).splitlines()]
    for record in records:
        if record["type"] == "assistant":
            record["message"]["usage"] = USAGE
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def last(bodies: list[dict[str, Any]]) -> str:
    """Return the last request's messages: what the model is asked after the compaction."""
    return "\n".join(
        part["text"]
        for message in bodies[-1]["messages"]
        for part in (message["content"] if isinstance(message["content"], list) else [])
        if part["type"] == "text"
    )


def test_facts_reach_the_model_after_a_compaction(client: Client) -> None:
    """The model's summary here is `PONG`; all that is left of the session is what the hook hands back."""
    bodies = client.run(long_session(f"Please move the port to 8473. {RULE}"))
    text = last(bodies)
    assert len(bodies) > 1
    assert PROMPT in text
    assert f"user: {RULE}" in text
    assert "And what of step 3?" not in text
    [ledger] = client.state.iterdir()
    assert ledger.read_text() in text


def test_a_second_compaction_keeps_what_the_first_one_kept(client: Client) -> None:
    """The session goes on after it was compacted, until its window is full again."""
    client.run(long_session(RULE))
    more = append_turns("claude-code", client.session(), 3).replace(b"This is question 1 of", f"{LATER} And".encode())
    bodies = client.run(
        more.replace(b'"usage":{"input_tokens":0,"output_tokens":0}', f'"usage":{json.dumps(USAGE)}'.encode())
    )
    assert len(bodies) > 1
    text = last(bodies)
    for rule in (RULE, LATER):
        assert f"user: {rule}" in text


def test_a_resumed_session_still_has_them(client: Client) -> None:
    """The client keeps what a hook gave it in the session's file."""
    client.run(long_session(RULE))
    bodies = client.run(client.session())
    assert len(bodies) == 1
    assert f"user: {RULE}" in last(bodies)


def test_the_longest_context_arrives_whole(client: Client) -> None:
    """The client cuts what is longer than it likes."""
    rules = [f"Never change table_{n}; its owner is team {n * 7} in room {n * 31}." for n in range(400)]
    text = last(client.run(long_session(*rules)))
    [ledger] = client.state.iterdir()
    assert len(ledger.read_text()) > 0.8 * MAX_CONTEXT_CHARS
    assert ledger.read_text() in text


@pytest.mark.parametrize("command", ["exit 1", "cortex-is-not-installed hook", "STATE"])
def test_a_broken_hook_breaks_nothing(server: Server, tmp_path: Path, command: str) -> None:
    """The session goes on without the facts."""
    if command == "STATE":
        command = f"XDG_STATE_HOME=/dev/null PYTHONPATH={PROJECT} {sys.executable} -m cortex_cli hook claude-code"
    text = last(Client(tmp_path, server, command).run(long_session(RULE)))
    assert PROMPT in text
    assert "cortex-facts" not in text
