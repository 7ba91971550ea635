"""A real small model, served on this machine: how it ends its answers and refuses prompts, never what it says."""

import asyncio
from typing import Any

import pytest

from cortex_cli.llm.ask import Attempts
from cortex_cli.llm.circuit import Circuit
from cortex_cli.llm.client import CompletionRequest, ModelError
from cortex_cli.memory.base import LogEntry, ObserveRequest
from cortex_cli.memory.model import make_observer
from cortex_cli.settings import Settings
from cortex_cli.summarizers.acceptance import why_unusable, why_worthless
from cortex_cli.summarizers.base import SummaryOutcome, SummaryRequest
from cortex_cli.summarizers.ledger import without_ledger
from cortex_cli.summarizers.model import make_client, make_summarizer
from cortex_cli.tokens import make_counter
from tests.conftest import assistant, live, user
from tests.llm.conftest import CONTEXT_TOKENS

pytestmark = [pytest.mark.slow, pytest.mark.loopback]

PROVIDERS = ("openai", "anthropic")


def settings_of(server: str, provider: str, **changes: Any) -> Settings:
    """Name the served model."""
    url = f"{server}/v1" if provider == "openai" else server
    return Settings(summarizer=provider, llm_url=url, llm_model="smollm2", llm_key_env="MY_KEY", **changes)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_cut_off_at_its_limit_is_known(server: str, provider: str) -> None:
    """The two APIs say it in different words, and a cut summary is never used."""
    client = make_client(settings_of(server, provider), {"MY_KEY": "none"})
    request = CompletionRequest(system="You tell stories.", prompt="Tell a long story.", max_tokens=16)
    pieces: list[str] = []
    completion = asyncio.run(client.complete(request, pieces.append))
    assert completion.stop == "length"
    assert completion.output_tokens == 16
    assert "".join(pieces) == completion.text
    assert len(pieces) > 1  # it was streamed


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_overflow_states_the_window(server: str, provider: str) -> None:
    """The real server's wording, not one from a table of ours."""
    client = make_client(settings_of(server, provider), {"MY_KEY": "none"})
    request = CompletionRequest(system="", prompt="word " * 4_000, max_tokens=16)
    with pytest.raises(ModelError, match="too long") as caught:
        asyncio.run(client.complete(request))
    assert caught.value.overflow
    assert caught.value.limit_tokens == CONTEXT_TOKENS


def summarized(server: str, provider: str, max_tokens: int) -> SummaryOutcome:
    """Let the model summarise a short conversation, once."""
    messages = live(
        user("The invoices were charged twice. The port must stay 8473; never edit migrations/."),
        *[(assistant(f"Step {n}: src/billing_{n}.py reads the ledger again. " * 4)) for n in range(8)],
    )
    own = Attempts(1, circuit=Circuit())
    made = make_summarizer(settings_of(server, provider), {"MY_KEY": "none"}, attempts=own)
    assert made is not None
    counter = make_counter("heuristic")
    request = SummaryRequest(messages=messages, earlier=(), max_tokens=max_tokens, counter=counter)

    async def ask() -> SummaryOutcome | None:
        return await made(request)

    outcome = asyncio.run(ask())
    assert outcome is not None
    return outcome


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_summary_cut_off_at_its_limit_is_refused(server: str, provider: str) -> None:
    """The model has no room to finish; half a summary must not replace a conversation."""
    outcome = summarized(server, provider, max_tokens=60)
    assert "cut off at the length limit" in outcome.failure
    assert outcome.summarizer.startswith("builtin (model failed: ")
    assert "8473" in outcome.text


def test_what_a_small_model_says_passes_the_checks_or_is_refused_by_name(server: str) -> None:
    """It loops and invents; nothing that the checks would refuse may be taken, and a refusal says why."""
    outcome = summarized(server, "openai", max_tokens=260)
    if outcome.failure:
        assert outcome.failure.startswith("the summary was refused: ")
        assert outcome.summarizer.startswith("builtin (model failed: ")
    else:
        assert outcome.summarizer == "openai smollm2"
        body = without_ledger(outcome.text)
        assert why_unusable(body, tokens=len(body) // 4, max_tokens=260, replaced_tokens=600) == ""
    assert outcome.text


def test_what_a_small_model_observes_is_a_log_or_is_refused_by_name(server: str) -> None:
    """It forgets tags, loops and invents; what is put on record fits and says something, whoever wrote it."""
    turns = [user("The port must stay 8473; never edit migrations/.")]
    for n in range(3):
        turns += [assistant(f"Step {n}: src/billing_{n}.py reads the ledger again. " * 4), user(f"And step {n + 1}?")]
    counter = make_counter("heuristic")
    settings = settings_of(server, "openai", utility_window_tokens=CONTEXT_TOKENS)
    own = Attempts(1, circuit=Circuit())
    observer = make_observer(settings, make_client(settings, {"MY_KEY": "none"}), attempts=own)

    async def ask() -> LogEntry:
        return await observer(ObserveRequest(messages=live(*turns), earlier="", max_tokens=300, counter=counter))

    entry = asyncio.run(ask())
    assert entry.failure == ""
    assert 0 < counter.count_text(entry.observations) <= 300
    if entry.author == "openai smollm2":
        assert why_worthless(entry.observations, min_chars=12) == ""
    else:
        assert entry.author.startswith("builtin (model failed: ")
        assert "8473" in entry.observations
