"""The real pi resumes what we read and what we write, and sends what we say it sends."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from cortex_cli import marks
from cortex_cli.formats import pi as pi_format
from cortex_cli.formats.pi_history import COMPACTION_PREFIX, SUMMARY_SUFFIX
from cortex_cli.groups import cut_at_or_before, safe_cuts
from cortex_cli.messages import Message, Part, Transcript
from cortex_cli.sessions import fork
from tests.clients import pi
from tests.clients.harness import PROMPT, Block, Request, resume
from tests.clients.sessions import after_failsafe, after_micro, load, sessions
from tests.conftest import PROJECT
from tests.pi_sessions import CASES

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("pi_client")]

NOTICE = Message("user", (Part("text", marks.notice_text(marks.Notice(3, 40))),), synthetic="notice")

EACH = pytest.mark.parametrize("path", list(sessions(PROJECT.parent / "shared/transcripts/pi")))

LARGE = partial(pi.prepare, window=4_000_000)
"""A window that no session fills, so that pi does not compact what it is given."""


NO_TEXT = "(see attached image)"
"""What pi says to this API for a result without text."""


def dump(transcript: Transcript, *, keep_history: bool = False) -> bytes:
    """Write a session."""
    return b"".join(pi_format.dump(transcript, keep_history=keep_history))


def expected(transcript: Transcript) -> Iterator[Block]:
    """Write our live path as pi sends it to another model: thinking becomes text, summaries are wrapped."""
    wrapped = transcript.layout.compaction_record
    for message in transcript.messages:
        if message.result is not None:
            yield Block("tool", "result", message.result.call_id, message.result.text or NO_TEXT)
        elif message.role == "assistant":
            said = (part.text for part in message.parts if part.kind in ("text", "thinking"))
            if text := "".join(one for one in said if one.strip()):
                yield Block("assistant", "text", "", text)
            yield from (Block("assistant", "call", part.call_id, _sorted(part.text)) for part in message.calls)
        else:
            texts = [part.text for part in message.parts if part.kind == "text"]
            if wrapped in message.records:
                texts = [f"{COMPACTION_PREFIX}{message.text}{SUMMARY_SUFFIX}"]
            yield from (Block("user", "text", "", text) for text in texts)


def _sorted(arguments: str) -> str:
    return json.dumps(json.loads(arguments), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def sent(request: Request) -> list[Block]:
    """Return what was sent between the system prompt and the prompt of the check."""
    blocks = [block for block in request.blocks if block.role not in ("system", "developer")]
    assert PROMPT in blocks[-1].text
    return blocks[:-1]


@EACH
def test_live_path_is_what_pi_sends(path: Path) -> None:
    """Whatever we count, cut and drop is decided on the history that the client really has."""
    data = path.read_bytes()
    request = resume(LARGE, data)
    assert request.problems() == []
    assert sent(request) == list(expected(load(data)))


@pytest.mark.parametrize("what", CASES)
def test_rare_entries_are_read_as_pi_reads_them(what: str) -> None:
    """Branches, compactions, commands and old versions that no real session at hand has."""
    data, _ = CASES[what]
    request = resume(LARGE, data)
    assert sent(request) == list(expected(load(data)))


@pytest.mark.parametrize("keep_history", [False, True], ids=["tail", "keep-history"])
@pytest.mark.parametrize("what", CASES)
def test_rare_entries_survive_a_compaction(what: str, keep_history: bool) -> None:
    """Whatever stood before, pi sends our message and the tail that we wrote."""
    before = load(CASES[what][0])
    cut = cut_at_or_before(safe_cuts(before.messages), len(before.messages) - 1)
    slots = [message for message in before.messages[:cut] if message.slot]
    output = dump(before.with_messages([*slots, NOTICE, *before.messages[cut:]]), keep_history=keep_history)
    again = load(output)
    request = resume(LARGE, output)
    assert sent(request) == list(expected(again))
    kept = [*slots, *before.messages[cut:]]
    assert [message.text for message in again.messages] == [NOTICE.text, *(message.text for message in kept)]


@EACH
def test_resumes_after_micro(path: Path) -> None:
    """Shortened results are edited in place; pi must notice nothing but their size."""
    data = path.read_bytes()
    before = load(data)
    after = after_micro(before)
    output = dump(after)
    request = resume(LARGE, output)
    assert request.problems() == []
    assert sent(request) == list(expected(load(output)))
    if after.messages != before.messages:
        assert request.characters < resume(LARGE, data).characters


@EACH
@pytest.mark.parametrize("keep_history", [False, True], ids=["tail", "keep-history"])
def test_resumes_after_failsafe(path: Path, keep_history: bool) -> None:
    """Notice, task and tail are sent, nothing of what was dropped."""
    data = path.read_bytes()
    after = after_failsafe(load(data))
    output = dump(after, keep_history=keep_history)
    request = resume(LARGE, output)
    assert request.problems() == []
    assert sent(request) == list(expected(load(output)))
    (notice,) = (message.text for message in after.messages if message.synthetic == "notice")
    assert sum(notice in block.text for block in request.blocks) == 1
    assert request.characters < resume(LARGE, data).characters


def test_what_is_compacted_is_not_compacted_again(shared: Path) -> None:
    """Kept answers report the size the session had: pi must not take that for the size it has."""
    data = (shared / "transcripts/pi/before-compaction__5e744e3d.jsonl").read_bytes()
    before = load(data)
    assert before.usage is not None
    output = dump(after_failsafe(before))
    request = resume(partial(pi.prepare, window=before.usage.tokens), output)
    assert sent(request) == list(expected(load(output)))


def test_a_summary_stays_under_a_notice(shared: Path) -> None:
    """Pi honours one compaction: the earlier summary stays that, our notice follows as a message."""
    before = load((shared / "transcripts/pi/before-compaction__5e744e3d.jsonl").read_bytes())
    output = dump(after_failsafe(before))
    blocks = sent(resume(LARGE, output))
    assert before.messages[0].text in blocks[0].text
    assert blocks[1].text.startswith("[cortex: ")
    again = load(output)
    assert [message.synthetic for message in again.messages[:2]] == ["summary", "notice"]


@EACH
def test_forks_are_sessions_of_their_own(path: Path, tmp_path: Path) -> None:
    """A fork has its own id in the header and in its name."""
    after = after_failsafe(load(path.read_bytes()))
    made = fork(dump(after), "pi", after.session_id, str(path), {"HOME": str(tmp_path)})
    assert made.path.name.endswith(f"_{made.id}.jsonl")
    assert after.session_id.encode() not in made.data
    assert load(made.data).session_id == made.id
    assert resume(LARGE, made.data).problems() == []
