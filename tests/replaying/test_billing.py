"""Bills worked out by hand: what is read, what is written, what it costs."""

from collections.abc import Sequence

import pytest

from cortex_cli.cache import Retention
from cortex_cli.messages import Message, Part
from cortex_cli.models import Model
from cortex_cli.replaying.billing import Biller, Charge
from cortex_cli.replaying.requests import Request

CLAUDE = Model(
    name="claude-test",
    provider="anthropic",
    window=200_000,
    rates={
        "input": ((0, 3.0), (200_000, 6.0)),
        "output": ((0, 15.0), (200_000, 22.5)),
        "cache_read": ((0, 0.3), (200_000, 0.6)),
        "cache_write": ((0, 3.75), (200_000, 7.5)),
        "cache_write_long": ((0, 6.0),),
    },
)
GPT = Model(
    name="gpt-test",
    provider="openai",
    window=400_000,
    rates={"input": ((0, 2.0),), "output": ((0, 8.0),), "cache_read": ((0, 0.5),)},
)


def messages(*sizes: int) -> tuple[Message, ...]:
    """Make messages of so many tokens, as `size_of` below counts them."""
    return tuple(Message("user", (Part("text", f"{at}:{size}"),)) for at, size in enumerate(sizes))


def size_of(message: Message) -> int:
    """Read a size that stands in the text."""
    return int(message.text.partition(":")[2])


class Till:
    """A biller that is handed whole requests."""

    def __init__(self, bill: Biller) -> None:
        self._bill = bill
        self._request = Request()

    def call(self, said: Sequence[Message], output_tokens: int, now: float) -> Charge:
        step = self._request.step_to(said)
        self._request.take(step)
        return self._bill.call(step, output_tokens, now)


def biller(
    model: Model | None = CLAUDE, provider: str = "anthropic", overhead: int = 0, retention: Retention = "short"
) -> Till:
    """Make one."""
    return Till(Biller(model, provider, retention, size_of, overhead))


def test_a_growing_session_reads_what_it_wrote() -> None:
    """Call 1 writes 2,000 tokens; call 2 reads them and writes 500 more."""
    said = messages(2000, 500, 300)
    bill = biller()
    first = bill.call(said[:1], 100, 0.0)
    assert (first.tokens, first.cached, first.written, first.is_break) == (2000, 0, 2000, False)
    assert first.usd == pytest.approx((2000 * 3.75 + 100 * 15) / 1e6)
    second = bill.call(said[:2], 10, 60.0)
    assert (second.tokens, second.cached, second.written) == (2500, 2000, 500)
    assert second.usd == pytest.approx((2000 * 0.3 + 500 * 3.75 + 10 * 15) / 1e6)


def test_the_cache_expires_at_its_ttl() -> None:
    """299.9 s is warm, 300 s is cold, and every call begins the time anew."""
    said = messages(2000, 100, 100, 100)
    bill = biller()
    bill.call(said[:1], 0, 0.0)
    assert bill.call(said[:2], 0, 299.9).cached == 2000
    assert bill.call(said[:3], 0, 599.0).cached == 2100
    cold = bill.call(said, 0, 899.0)
    assert (cold.cached, cold.written, cold.is_break) == (0, 2300, False)


def test_the_long_cache_lives_an_hour_and_costs_more() -> None:
    """What `--cache anthropic:long` asks for."""
    said = messages(2000, 100)
    bill = biller(retention="long")
    assert bill.call(said[:1], 0, 0.0).usd == pytest.approx(2000 * 6.0 / 1e6)
    assert bill.call(said, 0, 3599.0).cached == 2000


def test_less_than_the_minimum_is_not_cached() -> None:
    """1,023 tokens are never read, 1,024 are."""
    said = messages(1023, 1, 1)
    bill = biller()
    small = bill.call(said[:1], 0, 0.0)
    assert small.written == 0
    assert small.usd == pytest.approx(1023 * 3.0 / 1e6)
    assert bill.call(said[:2], 0, 1.0).cached == 0
    assert bill.call(said, 0, 2.0).cached == 1024


def test_openai_caches_in_steps_and_writes_for_nothing() -> None:
    """1,024 and then every 128 tokens; nothing is paid for writing."""
    said = messages(1400, 50)
    bill = biller(GPT, "openai")
    assert bill.call(said[:1], 10, 0.0).usd == pytest.approx((1400 * 2 + 10 * 8) / 1e6)
    second = bill.call(said, 10, 1.0)
    assert second.cached == 1400 - (1400 % 128)
    assert second.usd == pytest.approx((second.cached * 0.5 + (1450 - second.cached) * 2 + 10 * 8) / 1e6)


def test_an_edit_in_the_middle_breaks_what_is_behind_it() -> None:
    """What stands before the edit is read, the rest is written anew."""
    said = messages(1500, 600, 700)
    bill = biller(overhead=100)
    bill.call(said, 0, 0.0)
    edited = (said[0], Message("user", (Part("text", "x:40"),)), said[2])
    broken = bill.call(edited, 0, 10.0)
    assert (broken.tokens, broken.cached, broken.written, broken.is_break) == (2340, 1600, 740, True)


def test_prices_of_long_requests_hold_for_all_of_their_tokens() -> None:
    """Above 200k every token has the higher price."""
    said = messages(200_000, 1)
    bill = biller()
    assert bill.call(said[:1], 0, 0.0).usd == pytest.approx(200_000 * 3.75 / 1e6)
    over = bill.call(said, 10, 1.0)
    assert over.usd == pytest.approx((200_000 * 0.6 + 1 * 7.5 + 10 * 22.5) / 1e6)


def test_without_prices_or_cache_tokens_are_counted_all_the_same() -> None:
    """An unknown model has sizes, and no bill."""
    said = messages(2000, 100)
    bill = biller(None, "")
    bill.call(said[:1], 0, 0.0)
    charge = bill.call(said, 0, 1.0)
    assert (charge.tokens, charge.cached, charge.written, charge.usd) == (2100, 0, 0, None)
