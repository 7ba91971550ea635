"""Whatever an agent does with its list, in whatever order: what is sent is valid, fits, and ends with what was said."""

import asyncio
import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli import CompactionManager, DoesNotFitError, Settings
from cortex_cli.repair import repair
from cortex_cli.tokens import make_counter
from cortex_cli.validity import COMMON_RULES
from tests.conftest import filler
from tests.live.conversations import SHAPES, assert_valid, read, step, user
from tests.strategies import examples

WINDOW = 6_000

NAMES = (
    *("work",) * 4,
    *("parallel", "huge", "say", "rewind", "adopt", "copy", "mark", "wait"),
    *("compact", "overflow", "state", "injected", "broken"),
)
ACTIONS = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 3000)), min_size=5, max_size=40)


class Agent:
    """An agent that does as it is told, and looks at every request."""

    def __init__(self, shape: Any, strategy: str) -> None:
        self.shape, self.now, self.number = shape, 1e6, 0
        self.strategy = strategy
        self.manager = self.make()
        self.manager.set_cache("anthropic")
        self.messages: list[Any] = [user("Mend the parser.")]
        self.sent: list[Any] = []

    def make(self) -> CompactionManager:
        return CompactionManager(
            Settings(window=WINDOW, tokenizer="heuristic", strategy=self.strategy, buffer_min_tokens=300),
            clock=lambda: self.now,
            format=self.shape,
        )

    async def act(self, action: str, size: int) -> None:
        self.now += 5
        injected = [user("<system-reminder>now</system-reminder>")] if action == "injected" else []
        self.change(action, size)
        if action == "compact":
            await self.manager.check_and_compact(self.messages, force=True)
        if action == "state":
            state = self.manager.save_state()
            self.manager = self.make()
            self.manager.restore_state(state, len(self.messages))
        self.sent = await self.manager.transform(self.messages, injected=injected)
        if action == "overflow":
            refused = await self.manager.handle_overflow("prompt is too long: 6500 tokens > 6000 maximum")
            assert refused is not None
            self.sent = refused
        self.look(injected)
        await self.manager.turn_end(self.messages)
        if size % 2:
            await self.manager.settle()

    def change(self, action: str, size: int) -> None:
        """Do to the list what agents do to theirs; what is no such thing is one more step."""
        self.number += 1
        getattr(self, f"do_{action}", self.do_work)(size)

    def do_work(self, size: int, *more: str) -> None:
        self.messages += step(self.shape, self.number, filler(size), *more, text=f"Module {self.number} fails on tabs.")

    def do_parallel(self, size: int) -> None:
        self.do_work(size, filler(50), filler(size))

    def do_huge(self, size: int) -> None:
        self.do_work(20 * size)

    def do_say(self, size: int) -> None:
        self.say(f"Use port {size}.")

    def do_adopt(self, size: int) -> None:
        """Go on with what was sent, injected messages and all."""
        self.messages = list(self.sent) or self.messages
        self.do_work(size)

    def do_copy(self, _size: int) -> None:
        self.messages = copy.deepcopy(self.messages)

    def do_mark(self, _size: int) -> None:
        if isinstance(self.messages[-1]["content"], list):
            self.messages[-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}

    def do_wait(self, size: int) -> None:
        self.now += 100 * size

    def do_broken(self, _size: int) -> None:
        self.messages += step(self.shape, self.number, "x")[:1]
        self.say("never mind")

    def do_rewind(self, size: int) -> None:
        """Go back to before an answer."""
        answers = [at for at, one in enumerate(self.messages) if one["role"] == "assistant" and at]
        if answers:
            self.messages = self.messages[: answers[size % len(answers)]]
            if self.messages[-1]["role"] != "user" or self.shape == "openai":
                self.say("Try another way.")

    def say(self, text: str) -> None:
        if self.shape == "anthropic" and self.messages[-1]["role"] == "user":
            self.messages.append({"role": "assistant", "content": "ok"})
        self.messages.append(user(text))

    def look(self, injected: list[Any]) -> None:
        """Hold what must hold of every request."""
        assert_valid(self.sent, self.shape)
        assert self.manager.status().tokens <= WINDOW
        sent = read(self.sent, self.shape)
        whole = repair(read(self.messages, self.shape), COMMON_RULES, COUNTER).messages
        said = sent[: len(sent) - len(injected)] if injected else sent
        assert said[-1].role == whole[-1].role
        if said[-1].role == "user" and self.shape == "openai":
            assert said[-1].text == whole[-1].text


COUNTER = make_counter("heuristic")


@pytest.mark.parametrize("strategy", ["classic", "observational"])
@pytest.mark.parametrize("shape", SHAPES)
@examples(25)
@given(actions=ACTIONS)
def test_any_agent(shape: Any, strategy: str, actions: list[tuple[str, int]]) -> None:
    """No order of appends, steps back, copies, pauses, refusals and restarts leads to a request that is refused."""

    async def live() -> None:
        agent, done = Agent(shape, strategy), set()
        try:
            for action, size in actions:
                done.add(action)
                await agent.act(action, size)
        except DoesNotFitError:
            assert "overflow" in done  # a provider that counts 6,500 where there is little to take away
        finally:
            await agent.manager.close()

    asyncio.run(live())
