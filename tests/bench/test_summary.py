"""What the built-in summary costs on plain chat, where everything is words: time, growth, memory."""

import tracemalloc

import pytest

from cortex_cli.messages import Message
from cortex_cli.summarizers.base import SummaryRequest
from cortex_cli.summarizers.builtin import summarize
from cortex_cli.tokens import HeuristicCounter, count_messages
from tests.bench.measure import collecting_as_the_command, cpu_seconds, slowness
from tests.summarizers.chats import TUNED, make_chat, numbered

pytestmark = pytest.mark.bench

CHAT_TOKENS = 190_000
CHAT_SECONDS = 0.2
"""On the reference machine, as the command runs. Source: the project's targets. Measured: 0.20 to 0.21 s by itself,
more beside other work, which the reference loop does not always tell of. There is little room left: every sentence
is weighed and compared (real agent sessions of that size take 0.13 to 0.18 s). Two fifths go to weighing sentences, a
quarter to comparing them, a sixth to cutting them out of their messages; within these no function takes more than a
tenth."""

CHAT_REPEATS = 15
"""Runs of which the best counts; of three none is undisturbed on a machine that does other work too."""

LINEAR = 1.35
"""Cost of a token in a conversation four times as long."""

BYTES_A_BYTE = 14
"""Peak memory against the characters of the conversation; measured: 11."""


def chat(tokens: int) -> tuple[Message, ...]:
    """Build plain chat of about so many tokens, by the heuristic."""
    messages: list[Message] = []
    seed = 0
    while count_messages(messages, HeuristicCounter()) < tokens:
        for family in TUNED.values():
            messages += make_chat(family, seed).messages
        seed += 1
    return numbered(messages)


def request(messages: tuple[Message, ...]) -> SummaryRequest:
    """Ask for the largest summary there is by default."""
    return SummaryRequest(messages=messages, earlier=(), max_tokens=12_000, counter=HeuristicCounter())


def test_plain_chat(note):
    """A summary without a model must not be something to wait for."""
    asked = request(chat(CHAT_TOKENS))
    with collecting_as_the_command():
        seconds = cpu_seconds(lambda: summarize(asked), repeat=CHAT_REPEATS)
    note("built-in summary of 190k tokens of chat", seconds, CHAT_SECONDS * slowness(), "s")


def test_cost_is_linear(note):
    """No statement may be compared with every other."""
    small, large = request(chat(CHAT_TOKENS // 4)), request(chat(CHAT_TOKENS))
    costs = [
        cpu_seconds(lambda one=one: summarize(one)) / count_messages(one.messages, HeuristicCounter())
        for one in (small, large)
    ]
    note("built-in summary, cost of a token of 190k against 48k", costs[1] / costs[0], LINEAR, "times")


def test_memory(note):
    """Peak memory grows with the conversation and no faster."""
    asked = request(chat(CHAT_TOKENS))
    size = sum(len(message.text) for message in asked.messages)
    tracemalloc.start()
    summarize(asked)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    note("built-in summary of chat, peak memory against its characters", peak / size, BYTES_A_BYTE, "times")
