"""The real Claude Code resumes what we read and what we write, and sends what we say it sends."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cortex_cli.formats import claude_code as claude_code_format
from cortex_cli.marks import INTERRUPTED
from cortex_cli.messages import Message, Part, Transcript
from cortex_cli.sessions import fork
from tests.claude_sessions import Session, random_session, uuid_of
from tests.clients import claude_code
from tests.clients.harness import PROMPT, Block, Request, resume
from tests.clients.sessions import after_failsafe, after_micro, load, sessions
from tests.conftest import PROJECT

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("claude")]

EACH = pytest.mark.parametrize("path", list(sessions(PROJECT.parent / "shared/transcripts/claude-code")))

RANDOM_SESSIONS = 24

REMINDERS = re.compile(r"\s*<system-reminder>.*?</system-reminder>\s*", re.DOTALL)
"""The client puts them into whatever stands nearest."""

FILLED_IN = frozenset(
    {
        "[Tool result missing due to internal error]",
        "[Tool use interrupted]",
        "[Orphaned tool result removed due to conversation resume]",
        "(no content)",
        "No response requested.",
    }
)
CLOSED = "[Tool call interrupted:"
"""What the client says for what is missing: it stands in no file, and is no part of the conversation."""


def dump(transcript: Transcript, *, keep_history: bool = False) -> bytes:
    """Write a session."""
    return b"".join(claude_code_format.dump(transcript, keep_history=keep_history))


def expected(messages: Sequence[Message]) -> Iterator[Block]:
    """Write our live path as the harness writes a request, without what differs from run to run."""
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        for part in message.parts:
            if part.kind in ("text", "result"):
                text = REMINDERS.sub("", part.text).strip()
                if text or part.kind == "result":
                    yield Block(role, part.kind, part.call_id, text)
            elif part.kind == "call":
                yield Block(role, "call", part.call_id, "")
            else:
                yield Block(role, part.kind, "", part.text)


def sent(request: Request) -> Iterator[Block]:
    """Return the history that was sent: without what the client adds of its own, and without the prompt."""
    for block in request.blocks:
        text = block.text
        if block.kind in ("text", "result"):
            text = REMINDERS.sub("", text).strip()
            if text in FILLED_IN or text.startswith(CLOSED) or (block.kind == "text" and text in ("", PROMPT)):
                continue
        kind = "thinking" if block.kind == "redacted_thinking" else block.kind
        identity = block.id if kind in ("call", "result") else ""
        yield Block(block.role, kind, identity, "" if kind == "call" else text)


def assert_sent(request: Request, transcript: Transcript) -> None:
    """Our live path is what the client sends: same texts, calls, results, in the same order.

    Of the thinking it sends only what the model of the resumed session has signed.
    """
    ours, theirs = list(expected(transcript.messages)), list(sent(request))
    assert [one for one in ours if one.kind != "thinking"] == [one for one in theirs if one.kind != "thinking"]
    rest = iter(ours)
    assert all(one in rest for one in theirs)


@EACH
def test_live_path_is_what_the_client_sends(path: Path) -> None:
    """Whatever we count, cut and drop is decided on the history that the client really has."""
    data = path.read_bytes()
    request = resume(claude_code.prepare, data)
    assert request.problems() == []
    assert_sent(request, load(data))


@pytest.mark.parametrize("seed", range(RANDOM_SESSIONS))
def test_random_sessions_are_read_as_the_client_reads_them(seed: int) -> None:
    """Branches, gaps, interleaved and missing results, compactions: more than any folder of real files has."""
    data = random_session(seed).data()
    assert_sent(resume(claude_code.prepare, data), load(data))


@EACH
def test_resumes_after_micro(path: Path) -> None:
    """Shortened results are edited in place; the client must notice nothing but their size."""
    data = path.read_bytes()
    before = load(data)
    after = after_micro(before)
    output = dump(after)
    request = resume(claude_code.prepare, output)
    assert request.problems() == []
    assert_sent(request, load(output))
    if after.messages != before.messages:
        assert request.characters < resume(claude_code.prepare, data).characters


@EACH
@pytest.mark.parametrize("keep_history", [False, True], ids=["tail", "keep-history"])
def test_resumes_after_failsafe(path: Path, keep_history: bool) -> None:
    """Notice, task and tail are sent, nothing of what was dropped, and no call without its result."""
    data = path.read_bytes()
    after = after_failsafe(load(data))
    output = dump(after, keep_history=keep_history)
    request = resume(claude_code.prepare, output)
    assert request.problems() == []
    assert_sent(request, load(output))
    (notice,) = (message.text for message in after.messages if message.synthetic == "notice")
    assert [block.text.strip() for block in request.blocks].count(notice) == 1
    assert request.blocks[0].role == "user"
    assert request.characters < resume(claude_code.prepare, data).characters


@pytest.mark.parametrize("seed", range(RANDOM_SESSIONS))
def test_random_sessions_resume_after_a_drop(seed: int) -> None:
    """Whatever stood in the file: after half of it was dropped the client sends the other half."""
    transcript = load(random_session(seed).data())
    messages = list(transcript.messages)
    place = next((i for i in range(len(messages) // 2, len(messages)) if messages[i].role == "user"), 0)
    notice = Message("user", (Part("text", "[cortex: 9 earlier messages (~9 tokens) removed to fit]"),))
    compacted = transcript.with_messages([notice._replace(synthetic="notice"), *messages[place:]])
    output = dump(compacted, keep_history=seed % 2 == 1)
    request = resume(claude_code.prepare, output)
    assert_sent(request, load(output))
    assert next(block.text for block in sent(request)) == notice.text


def test_resumes_after_the_clients_own_compaction_was_compacted() -> None:
    """What it preserved stands before its boundary in the file, and must be sent all the same."""
    session = Session().user("go").assistant("sure").user("first kept", name="k1").assistant("kept", name="k2")
    session.assistant("not kept").boundary("summary", preservedSegment=_segment("k1", "k2"))
    before = load(session.user("next").assistant("done").user("last").assistant("end").data())
    assert_sent(resume(claude_code.prepare, session.data()), before)
    summary = Message("user", (Part("text", "our summary"),), synthetic="summary")
    for messages in ([summary, *before.messages[1:]], [summary, *before.messages[2:]]):
        output = dump(before.with_messages(messages))
        request = resume(claude_code.prepare, output)
        assert_sent(request, load(output))
        assert [block.text for block in sent(request)] == [message.text for message in messages]


def _segment(head: str, tail: str) -> dict[str, str]:
    return {"headUuid": uuid_of(head), "anchorUuid": uuid_of("boundary summary"), "tailUuid": uuid_of(tail)}


def test_a_closed_call_is_sent_with_its_result() -> None:
    """What repair wrote for a dead call is a result like any other to the client."""
    session = Session().user("go").call("c1", "a", name="c1").call("c2", "a", name="c2").result("c2", parent="c2")
    transcript = load(session.call("c3").result("c3").data())
    closing = Message("tool", (Part("result", INTERRUPTED, name="Bash", call_id="c1"),), synthetic="closing")
    output = dump(transcript.with_messages([*transcript.messages[:3], closing, *transcript.messages[3:]]))
    request = resume(claude_code.prepare, output)
    assert request.problems() == []
    assert_sent(request, load(output))
    assert INTERRUPTED in request.text


@EACH
def test_forks_are_sessions_of_their_own(path: Path, tmp_path: Path) -> None:
    """A fork lies where Claude Code looks for the new id, and every record carries it."""
    after = after_failsafe(load(path.read_bytes()))
    made = fork(dump(after), "claude-code", after.session_id, str(path), {"HOME": str(tmp_path)})
    assert made.command == f"claude --resume {made.id}"
    assert f'"sessionId":"{after.session_id}"'.encode() not in made.data
    request = resume(claude_code.prepare, made.data)
    assert request.problems() == []
    assert load(made.data).session_id == made.id
