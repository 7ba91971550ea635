"""The real Codex resumes what we read and what we write, and sends what we say it sends."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cortex_cli import marks
from cortex_cli.formats import codex as codex_format
from cortex_cli.groups import cut_at_or_before, safe_cuts
from cortex_cli.messages import Message, Part, Transcript
from cortex_cli.sessions import fork
from tests.clients import codex
from tests.clients.harness import PROMPT, Block, Request, Room, resume
from tests.clients.server import serving
from tests.clients.sessions import after_failsafe, after_micro, load, sessions
from tests.conftest import PROJECT
from tests.rollouts import CASES, rollout

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("codex_client")]

EACH = pytest.mark.parametrize("path", list(sessions(PROJECT.parent / "shared/transcripts/codex")))

TRUNCATED = re.compile(r"…\d+ (?:chars|tokens) truncated…")
"""Codex shortens outputs over the limit of the model that it runs now; the file has them whole."""


def dump(transcript: Transcript, *, keep_history: bool = False) -> bytes:
    """Write a session."""
    return b"".join(codex_format.dump(transcript, keep_history=keep_history))


def expected(messages: tuple[Message, ...]) -> Iterator[Block]:
    """Write our live path as the harness writes a request; texts of one record are one message there."""
    for message in messages:
        texts: list[str] = []
        record = None
        for part in message.parts:
            if texts and (part.kind != "text" or part.record != record):
                yield Block(_role(message), "text", "", "\n".join(texts))
                texts = []
            record = part.record
            if part.kind == "text":
                texts.append(part.text)
            elif part.name == "local_shell" and part.kind == "call":
                yield Block("assistant", "local_shell_call", "", "")
            elif part.kind in ("call", "result"):
                yield Block("tool" if part.kind == "result" else "assistant", part.kind, part.call_id, part.text)
            elif part.kind in ("thinking", "opaque"):
                yield Block("assistant", part.name or "reasoning", "", "")
        if texts:
            yield Block(_role(message), "text", "", "\n".join(texts))


def _role(message: Message) -> str:
    return "developer" if message.role == "system" else message.role


def sent(request: Request) -> list[Block]:
    """Return what was sent behind the client's own instructions."""
    blocks = [one if one.kind in ("text", "call", "result") else _plain(one) for one in request.blocks]
    return blocks[1:] if blocks[0].role == "developer" else blocks


def _plain(block: Block) -> Block:
    """Leave the content of an opaque item out; what another agent says is read as a user's text."""
    if block.kind == "agent_message":
        return Block("user", "text", "", json.loads(block.text)["content"][0]["text"])
    return Block(block.role, block.kind, "", "")


def assert_sent(request: Request, transcript: Transcript) -> None:
    """Our live path is what the client sends first: same texts, calls, results, same order."""
    ours, theirs = list(expected(transcript.messages)), sent(request)
    for here, there in zip(ours, theirs, strict=False):
        if here != there:
            head, _, tail = there.text.partition(found[0] if (found := TRUNCATED.search(there.text)) else "\0")
            assert here[:3] == there[:3]
            assert tail, (here, there)
            assert here.text.startswith(head)
            assert here.text.endswith(tail)
    assert len(theirs) > len(ours)
    added = theirs[len(ours) :]
    assert all(one.role in ("developer", "user") and one.kind == "text" for one in added)


@EACH
def test_live_path_is_what_codex_sends(path: Path) -> None:
    """Whatever we count, cut and drop is decided on the history that the client really has."""
    data = path.read_bytes()
    request = resume(codex.prepare, data)
    assert request.problems() == []
    assert_sent(request, load(data))


@pytest.mark.parametrize("what", CASES)
def test_rare_lines_are_read_as_codex_reads_them(what: str) -> None:
    """Compactions, rollbacks and items that no real session at hand has."""
    data = rollout(*CASES[what])
    assert_sent(resume(codex.prepare, data), load(data))


@pytest.mark.parametrize("what", CASES)
def test_rare_lines_survive_a_compaction(what: str) -> None:
    """Whatever stood before, Codex sends our message and the tail that we wrote."""
    before = load(rollout(*CASES[what]))
    notice = Message("user", (Part("text", marks.notice_text(marks.Notice(4, 20))),), synthetic="notice")
    cut = cut_at_or_before(safe_cuts(before.messages), len(before.messages) - 2)
    slots = [message for message in before.messages[:cut] if message.slot]
    output = dump(before.with_messages([*slots, notice, *before.messages[cut:]]))
    request = resume(codex.prepare, output)
    assert_sent(request, load(output))
    assert notice.text in request.text


@EACH
def test_resumes_after_micro(path: Path) -> None:
    """Shortened results are edited in place; Codex must notice nothing but their size."""
    data = path.read_bytes()
    before = load(data)
    after = after_micro(before)
    output = dump(after)
    request = resume(codex.prepare, output)
    assert request.problems() == []
    assert_sent(request, load(output))
    if after.messages != before.messages:
        assert request.characters < resume(codex.prepare, data).characters


@EACH
@pytest.mark.parametrize("keep_history", [False, True], ids=["tail", "keep-history"])
def test_resumes_after_failsafe(path: Path, keep_history: bool) -> None:
    """Context, notice, task and tail are sent, nothing of what was dropped; Codex does not compact it again."""
    data = path.read_bytes()
    before = load(data)
    after = after_failsafe(before)
    output = dump(after, keep_history=keep_history)
    request = resume(codex.prepare, output)
    assert request.problems() == []
    assert PROMPT in request.text  # else the longest request is the one in which Codex compacts
    assert_sent(request, load(output))
    texts = [block.text for block in request.blocks]
    (notice,) = (message.text for message in after.messages if message.synthetic == "notice")
    assert texts.count(notice) == 1
    assert set(texts) >= {message.text for message in after.messages if message.slot}
    assert request.characters < resume(codex.prepare, data).characters


@EACH
def test_forks_are_sessions_of_their_own(path: Path, tmp_path: Path) -> None:
    """A fork has its own id wherever Codex looks for one, and is found by it."""
    after = after_failsafe(load(path.read_bytes()))
    made = fork(dump(after), "codex", after.session_id, str(path), {"HOME": str(tmp_path)})
    assert made.path.name.endswith(f"-{made.id}.jsonl")
    assert after.session_id.encode() not in made.data.split(b"\n")[0]
    request = resume(codex.prepare, made.data)
    assert request.problems() == []
    assert load(made.data).session_id == made.id


def _say(room: Room, *words: str) -> None:
    """Run one turn of the client in its room."""
    env = {"PATH": os.environ["PATH"], "HOME": str(room.home), "LANG": "C.UTF-8", **codex.configure(room)}
    command = codex.command(*words)
    subprocess.run(command, cwd=room.work, env=env, check=True, capture_output=True, stdin=subprocess.DEVNULL)


def test_the_initial_context_is_sent_once(tmp_path: Path) -> None:
    """World state and turn context stand behind the carrier: else Codex sends rules and skills a second time."""
    with serving() as server:
        room = Room(tmp_path, tmp_path / "work", server.port)
        room.work.mkdir()
        (room.work / "AGENTS.md").write_text("# Rules\nAlways say please.\n")
        _say(room, "one")
        _say(room, "resume", "--last", "two")
        _say(room, "resume", "--last", "three")
        (rollout,) = (room.home / ".codex/sessions").rglob("rollout-*.jsonl")
        before = load(rollout.read_bytes())
        notice = Message("user", (Part("text", marks.notice_text(marks.Notice(4, 20))),), synthetic="notice")
        slots = [message for message in before.messages if message.slot]
        rollout.write_bytes(dump(before.with_messages([*slots, notice, *before.messages[-2:]])))
        _say(room, "resume", before.session_id, PROMPT)
        request = Request(server.bodies[-1], prompt_sent=True, output="")
    assert request.problems() == []
    assert request.text.count("Always say please.") == 1
    assert [block.text for block in request.blocks][-3:] == ["three", "PONG", PROMPT]
