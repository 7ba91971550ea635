"""What the built-in log costs: about as much as the built-in summary of the same, and condensing it next to nothing."""

import pytest

from cortex_cli.memory.base import ObserveRequest, ReflectRequest
from cortex_cli.memory.condensing import reflect
from cortex_cli.memory.observing import observe
from cortex_cli.summarizers.builtin import summarize
from cortex_cli.tokens import HeuristicCounter
from tests.bench.measure import cpu_seconds, slowness
from tests.bench.test_summary import CHAT_TOKENS, chat, request

pytestmark = pytest.mark.bench

AGAINST_SUMMARY = 1.3
"""Time of the log against that of a summary of the same size."""

REFLECT_SECONDS = 0.1
"""Condensing 12,000 tokens of log, on the reference machine."""


def test_observing(note):
    """A memory without a model must not be something to wait for."""
    messages = chat(CHAT_TOKENS)
    counter = HeuristicCounter()
    asked = ObserveRequest(messages=messages, earlier="", max_tokens=12_000, counter=counter)
    summed = request(messages)
    times = cpu_seconds(lambda: observe(asked)), cpu_seconds(lambda: summarize(summed))
    note("built-in log of 190k tokens of chat against the summary", times[0] / times[1], AGAINST_SUMMARY, "times")
    log = observe(asked).observations
    less = ReflectRequest(observations=log, max_tokens=6_000, level=1, counter=counter)
    note("condensing 12k tokens of log", cpu_seconds(lambda: reflect(less)), REFLECT_SECONDS * slowness(), "s")
