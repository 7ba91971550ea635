"""What may stand between an agent and its provider: nothing, a naive trim at every call, or the manager."""

from typing import Any

from cortex_cli import CompactionManager, Settings
from cortex_cli.tokens import make_counter
from tests.live.conversations import Shape, texts
from tests.simulation.agent import Clock, Policy
from tests.simulation.provider import ANTHROPIC, Bill

KEPT_RESULTS = 10
"""Newest results that the naive policy leaves whole."""

_COUNTER = make_counter("o200k_base")


async def _nothing(*_args: Any) -> None:
    return None


def whole_history(shape: Shape) -> Policy:
    """Send everything."""

    async def send(history: list[Any], injected: list[Any]) -> list[Any]:
        return join(history, injected, shape)

    return Policy(send, lambda _usage: None, _nothing, _nothing)


def naive_trim(shape: Shape, window: int) -> Policy:
    """At every call replace all but the newest results by a word, and drop the oldest messages over half the window."""

    async def send(history: list[Any], injected: list[Any]) -> list[Any]:
        results = [at for at, one in enumerate(history) if _holds_results(one)]
        old = set(results[:-KEPT_RESULTS])
        trimmed = [_trimmed(one) if at in old else one for at, one in enumerate(history)]
        sizes = [sum(map(_COUNTER.count_text, texts([one]))) for one in trimmed]
        start, left = 1, sum(sizes)
        while left > window // 2:
            following = next(at for at in range(start + 1, len(history)) if history[at]["role"] == "assistant")
            start, left = following, left - sum(sizes[start:following])
        return join([trimmed[0], *trimmed[start:]], injected, shape)

    return Policy(send, lambda _usage: None, _nothing, _nothing)


def _holds_results(value: Any) -> bool:
    content = value["content"]
    return value["role"] == "tool" or (
        isinstance(content, list) and any(one["type"] == "tool_result" for one in content)
    )


def _trimmed(value: Any) -> Any:
    if value["role"] == "tool":
        return {**value, "content": "[old result]"}
    content = [{**one, "content": "[old result]"} if one["type"] == "tool_result" else one for one in value["content"]]
    return {**value, "content": content}


def join(history: list[Any], injected: list[Any], shape: Shape) -> list[Any]:
    """Put injected messages behind; in the shape where roles alternate, into the last message."""
    if not injected or shape == "openai" or history[-1]["role"] != "user":
        return [*history, *injected]
    last = history[-1]["content"]
    blocks = [{"type": "text", "text": one["content"]} for one in injected]
    own = [{"type": "text", "text": last}] if isinstance(last, str) else last
    return [*history[:-1], {"role": "user", "content": [*own, *blocks]}]


class Utility:
    """A model that writes summaries, fails at every third call, and is billed like the other."""

    def __init__(self, bill: Bill) -> None:
        self.bill = bill
        self.calls = 0

    async def __call__(self, system: str, prompt: str, max_tokens: int) -> str:
        """Write what is asked for as a mediocre model would."""
        self.calls += 1
        self.bill.utility += _COUNTER.count_text(system + prompt)
        if self.calls % 3 == 0:
            raise ConnectionError("529 overloaded")
        if "<observations>" in prompt:
            answer = _observations(prompt)
        else:
            said = [line.strip() for line in prompt.splitlines() if "assistant" in line and len(line) < 400][-12:]
            answer = f"<summary>The agent works through the modules of the shop. Lately: {' / '.join(said)}</summary>"
        answer = answer[: max_tokens * 4]
        self.bill.utility += ANTHROPIC.output * _COUNTER.count_text(answer)
        return answer


def _observations(prompt: str) -> str:
    """Note what the user said, and the last steps; of a log keep what is critical."""
    lines = prompt.splitlines()
    said = [f"* \N{LARGE RED CIRCLE} (10:00) User: {line[10:]}" for line in lines if line.startswith("**user**: ")]
    steps = [line[15:] for line in lines if line.startswith("**assistant**: ")]
    done = [f"* \N{LARGE YELLOW CIRCLE} (10:00) Agent: {line}" for line in steps]
    is_log = not said and not done
    critical = [line for line in lines if line.startswith("* \N{LARGE RED CIRCLE} (10:00)")] if is_log else []
    return "\n".join(["<observations>", "Date: Nov 14, 2023", *critical, *said, *done[-6:], "</observations>"])


def managed(made: CompactionManager) -> Policy:
    """Ours."""

    async def send(history: list[Any], injected: list[Any]) -> list[Any]:
        await made.settle()  # the script's time stands still while an observer works
        return await made.transform(history, injected=injected)

    async def overflow(error: Exception) -> list[Any] | None:
        return await made.handle_overflow(error)

    return Policy(send, made.update_usage, overflow, made.turn_end)


def make_manager(
    clock: Clock, window: int, *, strategy: str = "classic", utility: Utility | None = None
) -> CompactionManager:
    """Build a manager that knows of its provider what an agent's author knows: a window, and no more."""
    settings = Settings(window=window, strategy=strategy, retry_delay_seconds=0.0)
    return CompactionManager(settings, complete=utility, clock=clock)
