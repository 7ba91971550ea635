"""How long the layers take beyond counting, on a conversation no window holds (`make bench`)."""

import random

import pytest

from cortex_cli.layers.caps import cap
from cortex_cli.layers.failsafe import failsafe
from cortex_cli.layers.micro import micro
from cortex_cli.layers.view import View
from cortex_cli.messages import Message, Part
from cortex_cli.settings import Settings
from cortex_cli.tokens import make_counter
from cortex_cli.typed import finish
from tests.bench.measure import cpu_seconds, slowness

pytestmark = pytest.mark.bench

RESULTS = 5_000
RESULT_CHARS = 9_600
"""12 million tokens by the heuristic."""

SECONDS = 0.15
"""For each layer, about, on the reference machine. Source: the project's targets."""


@pytest.fixture(scope="module")
def view() -> View:
    """Build the conversation, every result another text."""
    source = random.Random(1)
    lines = [" ".join(source.choices(["alpha", "beta", "x1", "src/a.py:3", "gamma="], k=12)) for _ in range(2_000)]
    messages = [Message("user", (Part("text", "do it"),), typed=True)]
    for at in range(RESULTS):
        text = "\n".join(source.choices(lines, k=RESULT_CHARS // 60))
        messages += [
            Message("assistant", (Part("text", "I look"), Part("call", "{}", "Bash", f"c{at}", json=True))),
            Message("tool", (Part("result", text, "Bash", f"c{at}"),)),
        ]
    return View(messages=finish(messages), window=200_000, budget=200_000)


@pytest.mark.parametrize("layer", [cap, micro, failsafe])
def test_layer(note, view, layer):
    """A live session calls them before every request."""
    counter = make_counter("heuristic")
    took = cpu_seconds(lambda: layer(view, Settings(), counter))
    name = f"{layer.__name__}, {RESULTS} results of {view.count(counter) / 1e6:.0f}M tokens"
    note(name, took, SECONDS * slowness(), "s")
