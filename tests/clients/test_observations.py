"""The real clients resume what observational memory wrote: our log, then the kept tail, nothing of what left."""

import json
from pathlib import Path

import pytest

from cortex_cli import formats, marks
from cortex_cli.compaction import compact
from cortex_cli.settings import Settings
from tests.clients.harness import resume
from tests.clients.more_turns import append_turns
from tests.clients.sessions import load
from tests.clients.test_summaries import CLIENTS, COUNTER, EACH, PROJECT_RULES, Compacted, lines_of

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("claude", "codex_client", "pi_client")]

OBSERVE = Settings(layers=("observe",), strategy="observational", activation_ratio=0.0, tokenizer=COUNTER.name)
"""As `cortex observe` sets it."""


def observed(client: str, data: bytes) -> Compacted:
    """Put the log in the place of a session as `cortex observe` does, and resume it."""
    before = load(data)
    after = compact(before, OBSERVE, counter=COUNTER).transcript
    output = b"".join(formats.dump(after))
    return Compacted(before, after, output, resume(CLIENTS[client], output))


def assert_resumes(done: Compacted) -> marks.Log:
    """The request holds one log, then the kept tail, and nothing that left and is not quoted in it."""
    assert done.request.problems() == []
    (ours,) = (message for message in done.after.messages if message.synthetic == "log")
    log = marks.parse_log(ours.text)
    assert log is not None
    sent = done.request.text
    assert sent.count(marks.LOG_OPENING) == sent.count("</observations>") == 1
    assert ours.text in sent
    kept = [message for message in done.after.messages if not message.synthetic]
    behind = sent[sent.index("</observations>") :]
    tail = kept[-1].text or kept[-1].parts[-1].text
    assert tail[:200].strip() in behind or json.dumps(tail[:50])[1:-1] in behind
    stays = "\n".join(part.text for message in done.after.messages for part in message.parts)
    gone = {line for line in lines_of(done.before.messages, "assistant") if line not in stays}
    assert [line for line in gone if line in sent] == []
    return log


@EACH
def test_the_log_is_what_the_client_sends(client: str, path: Path) -> None:
    """Shown on the request itself: neither what we write nor what we count proves what the agent reads."""
    done = observed(client, path.read_bytes())
    assert_resumes(done)
    assert done.request.characters < resume(CLIENTS[client], path.read_bytes()).characters
    for message in done.before.messages:
        if message.slot and any(word in message.text for word in PROJECT_RULES):
            assert done.request.text.count(message.text) == 1


@EACH
def test_the_log_grows_and_the_prompt_keeps_its_beginning(client: str, path: Path) -> None:
    """Ten more turns later: one log, the earlier one is its beginning, and what the client sends begins the same."""
    first = observed(client, path.read_bytes())
    before = assert_resumes(first)
    second = observed(client, append_turns(client, first.data, 10))
    after = assert_resumes(second)
    assert after.observations.startswith(before.observations)
    assert len(after.observations) > len(before.observations)
    assert before.observations in second.request.text
    assert "question 9 of the second part" in second.request.text
