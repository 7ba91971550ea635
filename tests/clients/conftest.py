"""What every client test needs: the clients installed, and the real sessions."""

import pytest

from tests.clients import claude_code


@pytest.fixture(scope="session")
def claude() -> None:
    """Skip where Claude Code is not installed."""
    if claude_code.find_binary() is None:
        pytest.skip("Claude Code is not installed: run `make test-clients`")
