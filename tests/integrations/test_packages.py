"""Integrations whose package is missing, and what they share."""

import asyncio
import importlib
import subprocess
import sys
from typing import Any

import pytest

from cortex_cli.errors import CortexError
from cortex_cli.integrations.conversations import MAX_CONVERSATIONS, AsTheyAre, Conversations, run_sync
from cortex_cli.integrations.packages import MissingPackageError, need
from tests.conftest import PROJECT

MODULES = ("langchain", "openai_agents", "litellm", "pydantic_ai")

HIDE = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("langchain", "langchain_core", "litellm", "pydantic_ai", "agents"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hide())
try:
    exec(sys.argv[1])
except ImportError as error:
    print(type(error).__name__, "|", error, "|", error.hint)
"""


@pytest.mark.parametrize(
    ("code", "package"),
    [
        ("from cortex_cli.integrations.langchain import CompactionMiddleware", "langchain"),
        ("from cortex_cli.integrations.litellm import CompactionCallback", "litellm"),
        ("from cortex_cli.integrations.pydantic_ai import history_processor; history_processor()", "pydantic-ai-slim"),
    ],
)
def test_a_missing_package_is_told_in_one_line(code: str, package: str) -> None:
    """With what to install; it is an ImportError for those who look for one."""
    done = subprocess.run(
        [sys.executable, "-c", HIDE, code], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith("MissingPackageError | ")
    assert done.stdout.strip().endswith(f"| pip install {package}")


@pytest.mark.parametrize("name", MODULES)
def test_modules_can_be_imported_without_their_packages(name: str) -> None:
    """Tools that walk through a package import everything."""
    module = importlib.import_module(f"cortex_cli.integrations.{name}")
    with pytest.raises(AttributeError):
        module.nothing  # noqa: B018 - read to be refused


def test_a_missing_package_is_an_error_of_ours_too() -> None:
    """Who catches all of ours catches this one."""
    with pytest.raises(CortexError) as caught:
        need("no_such_package_anywhere", "none")
    assert isinstance(caught.value, MissingPackageError)


def test_conversations_are_not_kept_forever() -> None:
    """A server has new ones every day."""
    found = Conversations(AsTheyAre(), None, {})
    first = found.of("first")
    assert found.of("first") is first
    for number in range(MAX_CONVERSATIONS):
        found.of(number)
    assert found.of("first") is not first


def test_a_synchronous_face_works_inside_a_loop() -> None:
    """In a notebook a loop runs already."""

    async def answer() -> int:
        return 7

    async def inside() -> int:
        return run_sync(answer())

    found: list[Any] = [run_sync(answer()), asyncio.run(inside())]
    assert found == [7, 7]
