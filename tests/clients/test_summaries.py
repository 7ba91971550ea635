"""The real clients resume what layer 2 wrote: our summary, then the kept tail, nothing of what left."""

from pathlib import Path

import pytest

from cortex_cli import formats, marks
from cortex_cli.compaction import compact
from cortex_cli.errors import DoesNotFitError
from cortex_cli.settings import Settings, Share
from tests.clients.compacted import CLIENTS, COUNTER, EACH, Compacted, assert_less_is_sent, assert_ours_then_tail
from tests.clients.harness import resume
from tests.clients.more_turns import append_turns
from tests.clients.sessions import load

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("claude", "codex_client", "pi_client")]

SHARES = (0.3, 0.85)
"""How small a session is made; the second where rules and environment alone are larger than the first."""


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


def assert_resumes(done: Compacted) -> marks.Summary:
    """The request holds one summary, then the kept tail, and nothing that left and is not quoted in it."""
    (ours,) = (message for message in done.after.messages if message.synthetic == "summary")
    summary = marks.parse_summary(ours.text)
    assert summary is not None
    assert_ours_then_tail(done, ours, "<compaction-summary ", "</compaction-summary>")
    assert summary.text in done.request.text
    return summary


@EACH
def test_the_summary_is_what_the_client_sends(client: str, path: Path) -> None:
    """Shown on the request itself: neither what we write nor what we count proves what the agent reads."""
    done = compacted(client, path.read_bytes())
    assert_resumes(done)
    assert_less_is_sent(done, client, path)


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
