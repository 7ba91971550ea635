"""The real Gemini CLI resumes what we read and what we write, and sends what we say it sends."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cortex_cli import formats
from cortex_cli.compaction import compact
from cortex_cli.formats.gemini_records import ACKNOWLEDGEMENT
from cortex_cli.messages import Message, Transcript
from cortex_cli.sessions import fork
from cortex_cli.settings import Settings
from tests.clients.gemini import prepare
from tests.clients.harness import PROMPT, Block, Request, resume
from tests.clients.sessions import COUNTER, after_failsafe, after_micro, load
from tests.conftest import assistant, call, filler, live, notice, result, user
from tests.hostile import SOUND
from tests.wire import SESSION, json_line
from tests.wire_clients import GEMINI_HEAD, gemini_cli_json, gemini_cli_lines

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("gemini_client")]

LONG = live(
    *(
        message
        for turn in range(6)
        for message in (
            user(f"question {turn}: {filler(200)}"),
            assistant(f"I look {turn}", call("Read", f"a{turn}"), call("Bash", f"b{turn}")),
            result(f"a{turn}", chars=9_000),
            result(f"b{turn}", chars=12_000, name="Bash"),
            assistant(f"it was {turn}"),
        )
    )
)
"""A session long enough for every layer."""


def record(kind: str, name: str, content: Any, **more: Any) -> dict[str, Any]:
    """Build a record."""
    return {"id": name, "timestamp": "2026-01-02T00:00:00.000Z", "type": kind, "content": content, **more}


def lines(*values: Any) -> bytes:
    """Write a session."""
    return b"".join(map(json_line, (GEMINI_HEAD, *values)))


ASKED, SAID = record("user", "u1", "first words"), record("gemini", "g1", "an answer")
SUMMARY = Settings(window=100_000, tokenizer="heuristic", layers=("summary",), threshold=0.0, keep_recent_messages=3)

RARE = {
    "replaced": lines(ASKED, SAID, record("gemini", "g1", "another answer"), record("user", "u2", "go on")),
    "taken back": lines(
        ASKED, SAID, record("user", "u2", "not that"), {"$rewindTo": "u2"}, record("user", "u3", "but")
    ),
    "a list": lines(record("user", "u0", "old"), {"$set": {"messages": [ASKED, SAID]}}, record("user", "u2", "go on")),
    "ignored": lines(
        ASKED, SAID, record("user", "u2", "/help"), record("info", "i1", "x"), record("user", "u3", "go on")
    ),
    "a text for a result": lines(
        ASKED,
        record(
            "gemini", "g1", "", toolCalls=[{"id": "a", "name": "f", "args": {}, "status": "success", "result": "r"}]
        ),
        record("user", "u2", "go on"),
    ),
}
"""What no session at hand has."""


def dump(transcript: Transcript, *, keep_history: bool = False) -> bytes:
    """Write a session."""
    return b"".join(formats.dump(transcript, keep_history=keep_history))


def expected(messages: Sequence[Message]) -> Iterator[Block]:
    """Write our live path as the client sends it; what it says behind a summary is not counted as a message."""
    for at, message in enumerate(messages):
        if (found := message.result) is not None:
            text = found.text if found.json else json.dumps({"output": found.text}, ensure_ascii=False)
            yield Block("tool", "result", found.call_id, _sorted(text))
            continue
        for part in message.parts:
            if part.kind == "call":
                yield Block("assistant", "call", part.call_id, _sorted(part.text))
            elif part.kind in ("text", "thinking"):
                yield Block(message.role, part.kind, "", part.text)
        is_ours = message.role == "user" and message.synthetic
        if is_ours and at + 1 < len(messages) and messages[at + 1].role == "user":
            yield Block("assistant", "text", "", ACKNOWLEDGEMENT)


def _sorted(arguments: str) -> str:
    return json.dumps(json.loads(arguments), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def sent(request: Request) -> list[Block]:
    """Return what was sent between the client's own context and the prompt of the check."""
    assert request.problems() == []
    blocks = [block for block in request.blocks if not block.text.startswith("<session_context>")]
    assert PROMPT in blocks[-1].text
    return blocks[:-1]


SESSIONS = {"lines": gemini_cli_lines(LONG), "document": gemini_cli_json(LONG), "sound": gemini_cli_lines(SOUND)}
EACH = pytest.mark.parametrize("what", SESSIONS)


@pytest.mark.parametrize("what", [*SESSIONS, *RARE])
def test_live_path_is_what_the_client_sends(what: str) -> None:
    """Whatever we count, cut and drop is decided on the history that the client really has."""
    data = {**SESSIONS, **RARE}[what]
    assert sent(resume(prepare, data)) == list(expected(load(data).messages))


@EACH
def test_resumes_after_micro(what: str) -> None:
    """Shortened results are edited in place; the client must notice nothing but their size."""
    data = SESSIONS[what]
    output = dump(after_micro(load(data)))
    request = resume(prepare, output)
    assert sent(request) == list(expected(load(output).messages))
    if output != data:
        assert request.characters < resume(prepare, data).characters


@EACH
@pytest.mark.parametrize("keep_history", [False, True], ids=["tail", "keep-history"])
def test_resumes_after_failsafe(what: str, keep_history: bool) -> None:
    """Notice, task and tail are sent, nothing of what was dropped."""
    data = SESSIONS[what]
    after = after_failsafe(load(data))
    output = dump(after, keep_history=keep_history)
    request = resume(prepare, output)
    assert sent(request) == list(expected(load(output).messages))
    (text,) = (message.text for message in after.messages if message.synthetic == "notice")
    assert sum(text in block.text for block in request.blocks) == 1
    assert request.characters < resume(prepare, data).characters


@pytest.mark.parametrize("keep_history", [False, True], ids=["tail", "keep-history"])
def test_summaries_are_carried_on(keep_history: bool) -> None:
    """The client sends our summary in the place of what left; a second one, later, in the place of the first."""
    data = SESSIONS["lines"]
    for number in range(2):
        summed = compact(load(data), SUMMARY, counter=COUNTER).transcript
        output = dump(summed, keep_history=keep_history)
        blocks = sent(resume(prepare, output))
        assert blocks == list(expected(load(output).messages))
        assert sum("<compaction-summary " in block.text for block in blocks) == 1
        assert (blocks[1].text == ACKNOWLEDGEMENT) == (blocks[2].role == "user")
        later = (user(f"and then {number}?"), assistant("I look again", call("Read", f"c{number}")))
        data = gemini_cli_lines(live(*later, result(f"c{number}", chars=9_000), assistant("there")), output)


def test_forks_are_sessions_of_their_own(tmp_path: Path) -> None:
    """A fork has its own id in its header, and the beginning of it in its name."""
    after = after_failsafe(load(SESSIONS["lines"]))
    chats = tmp_path / ".gemini/tmp/work/chats"
    chats.mkdir(parents=True)
    path = chats / f"session-2026-01-02T00-00-{SESSION[:8]}.jsonl"
    path.write_bytes(SESSIONS["lines"])
    made = fork(dump(after), "gemini-cli", after.session_id, str(path), {"HOME": str(tmp_path)})
    assert after.session_id.encode() not in made.data
    request = resume(partial(prepare, name=made.path.name, wanted=made.id), made.data)
    assert sent(request) == list(expected(load(made.data).messages))


@pytest.mark.parametrize("keep_history", [False, True], ids=["tail", "keep-history"])
@pytest.mark.parametrize("what", RARE)
def test_rare_lines_survive_a_compaction(what: str, keep_history: bool) -> None:
    """Whatever stood before, the client sends our message and the tail that we wrote."""
    before = load(RARE[what])
    tail = before.messages[-1:]
    output = dump(before.with_messages([notice(), *tail]), keep_history=keep_history)
    assert sent(resume(prepare, output)) == list(expected([notice(), *tail]))
