"""What every client test needs: the clients installed, and the real sessions."""

import pytest

from tests.clients import claude_code, codex, gemini, pi


@pytest.fixture(scope="session")
def claude() -> None:
    """Skip where Claude Code is not installed."""
    if claude_code.find_binary() is None:
        pytest.skip("Claude Code is not installed: run `make test-clients`")


@pytest.fixture(scope="session")
def codex_client() -> None:
    """Skip where Codex is not installed."""
    if codex.find_binary() is None:
        pytest.skip("Codex is not installed: run `make test-clients`")


@pytest.fixture(scope="session")
def pi_client() -> None:
    """Skip where pi is not installed."""
    if pi.find_binary() is None:
        pytest.skip("pi is not installed: run `make test-clients`")


@pytest.fixture(scope="session")
def gemini_client() -> None:
    """Skip where the Gemini CLI is not installed."""
    if gemini.find_binary() is None:
        pytest.skip("the Gemini CLI is not installed: run `make test-clients`")
