"""How long a live session waits for the manager before every model call (`make bench`)."""

import asyncio
import random
import time

import pytest

from cortex_cli import CompactionManager, Settings
from cortex_cli.tokens import make_counter
from tests.bench.measure import slowness
from tests.bench.tool_output import Tools
from tests.live.conversations import SHAPES, step, texts, user

pytestmark = pytest.mark.bench

TOKENS = 150_000

IDLE_SECONDS = 0.005
"""Nothing is to be done. Source of both: the project's issue on live sessions."""

TRIMMING_SECONDS = 0.050
"""Layer 1 acts: the cache went cold."""

CALLS = 8


@pytest.fixture(scope="module", params=SHAPES)
def session(request):
    """Return the shape, and a history of 150k tokens as an agent has it: about 1,000 tokens a step."""
    shape, source = request.param, random.Random(3)
    tools, counter = Tools(source, "/home/dev/shop"), make_counter("o200k_base")
    messages, tokens, number = [user("Mend the shop.")], 0, 0
    while tokens < TOKENS:
        runs = [tools.run() for _ in range(source.choice((1, 1, 2, 3)))]
        added = step(shape, number, *(run.output[:4000] or "none" for run in runs), text=tools.words(30), tool="Read")
        tokens += sum(map(counter.count_text, texts(added)))
        messages += added
        number += 1
    return shape, messages


def seconds_of(transform):
    """Return the CPU time of one call."""
    started = time.process_time()
    asyncio.run(transform)
    return time.process_time() - started


def test_transform_with_nothing_to_do(note, session):
    """Each call is one step longer than the one before, as in an agent's loop; the cache is warm."""
    shape, messages = session
    made = CompactionManager(Settings(window=300_000))
    made.set_cache("anthropic", "long")
    asyncio.run(made.transform(messages[:1]))
    asyncio.run(made.transform(messages))
    took = []
    for number in range(CALLS):
        messages = [*messages, *step(shape, 100_000 + number, "a result of some length " * 40)]
        took.append(seconds_of(made.transform(messages)))
    note(
        f"transform, nothing to do, {shape}, {len(messages)} messages",
        min(took) * 1e3,
        IDLE_SECONDS * 1e3 * slowness(),
        "ms",
    )


def test_transform_where_layer_1_acts(note, session):
    """After a pause the cache is cold, and every old result is trimmed at once; what was read is known."""
    shape, messages = session
    took = []
    for _ in range(3):
        now = [0.0]
        made = CompactionManager(Settings(window=300_000), clock=lambda now=now: now[0])
        made.set_cache("anthropic")
        asyncio.run(made.transform(messages[:1]))
        assert asyncio.run(made.transform(messages)) == messages
        now[0] = 1_000.0
        started = time.process_time()
        sent = asyncio.run(made.transform(messages))
        took.append(time.process_time() - started)
        assert sent != messages
    note(f"transform, layer 1 acts, {shape}", min(took) * 1e3, TRIMMING_SECONDS * 1e3 * slowness(), "ms")


def test_transform_after_layer_1_acted(note, session):
    """What was decided is done again in every call until the next pause."""
    shape, messages = session
    now = [0.0]
    made = CompactionManager(Settings(window=300_000), clock=lambda: now[0])
    made.set_cache("anthropic")
    asyncio.run(made.transform(messages))
    took = []
    for number in range(CALLS):
        messages = [*messages, *step(shape, 100_000 + number, "a result of some length " * 40)]
        took.append(seconds_of(made.transform(messages)))
    note(f"transform, trims done again, {shape}", min(took) * 1e3, TRIMMING_SECONDS / 5 * 1e3 * slowness(), "ms")
