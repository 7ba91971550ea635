"""The real clients resume what observational memory wrote: our log, then the kept tail, nothing of what left."""

from pathlib import Path

import pytest

from cortex_cli import formats, marks
from cortex_cli.compaction import compact
from cortex_cli.settings import Settings
from tests.clients.compacted import CLIENTS, COUNTER, EACH, Compacted, assert_less_is_sent, assert_ours_then_tail
from tests.clients.harness import resume
from tests.clients.more_turns import append_turns
from tests.clients.sessions import load

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
    (ours,) = (message for message in done.after.messages if message.synthetic == "log")
    log = marks.parse_log(ours.text)
    assert log is not None
    assert_ours_then_tail(done, ours, marks.LOG_OPENING, "</observations>")
    return log


@EACH
def test_the_log_is_what_the_client_sends(client: str, path: Path) -> None:
    """Shown on the request itself: neither what we write nor what we count proves what the agent reads."""
    done = observed(client, path.read_bytes())
    assert_resumes(done)
    assert_less_is_sent(done, client, path)


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
