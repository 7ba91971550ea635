"""How often is asked, and how long is waited."""

import asyncio
from datetime import UTC, datetime

import pytest

from cortex_cli.llm.ask import MAX_OVERFLOWS, RETRY_AFTER_CAP_SECONDS, Attempts, Refused, attempt, pause_seconds
from cortex_cli.llm.circuit import OPEN_SECONDS, Circuit
from cortex_cli.llm.client import ModelError
from cortex_cli.llm.http import parse_retry_after, refused, shown_url

NOW = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)
AGAIN = ModelError("busy", retry=True)


def run(errors: list[ModelError], limit: int = 3) -> tuple[list[float], list[int], Circuit]:
    """Fail as told, then succeed; return pauses, the numbers of the errors, the circuit."""
    pauses: list[float] = []
    numbers: list[int] = []
    circuit = Circuit(clock=lambda: 0.0)
    left = list(errors)

    async def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def work() -> str:
        attempts = Attempts(limit, 2.0, sleep, circuit)
        return await attempt("there", call, attempts, lambda number, _: numbers.append(number))

    try:
        assert asyncio.run(work()) == "done"
    except ModelError:
        pauses.append(-1.0)
    return pauses, numbers, circuit


def test_pauses_grow_and_differ() -> None:
    """Files that failed together must not come back together."""
    first, second = run([AGAIN, AGAIN])[0]
    assert 1.0 <= first <= 2.0 <= second <= 4.0
    assert len({pause_seconds(1, AGAIN, 2.0) for _ in range(20)}) > 1


def test_the_last_failure_is_raised_without_a_pause() -> None:
    """Nobody waits for nothing; the circuit opens."""
    pauses, numbers, circuit = run([AGAIN] * 5)
    assert pauses[-1] == -1.0
    assert numbers == [1, 2, 3]
    assert len(pauses) == 3
    assert circuit.seconds_left("there") == OPEN_SECONDS


def test_what_cannot_go_through_is_not_tried_again() -> None:
    """A wrong key stays wrong."""
    assert run([ModelError("no such key")])[:2] == ([-1.0], [1])


def test_refused_summaries_are_asked_for_again_at_once() -> None:
    """The server is well; there is nothing to wait for."""
    assert run([Refused("empty")])[0] == [0.0]


def test_overflows_are_no_attempts_and_end_too() -> None:
    """Each makes the prompt smaller; a server that always says so is given up, and is not down."""
    over = ModelError("too long", overflow=True)
    assert run([over] * MAX_OVERFLOWS, limit=1)[0] == []
    pauses, numbers, circuit = run([over] * 100)
    assert pauses == [-1.0]
    assert len(numbers) == MAX_OVERFLOWS + 1
    assert circuit.seconds_left("there") == 0.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Wed, 04 Mar 2026 12:00:30 GMT", 30.0),
        ("Wed, 04 Mar 2026 12:00:30 -0000", 30.0),
        ("Wed, 04 Mar 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    """Both forms are in the standard, and servers send worse."""
    assert parse_retry_after(value, NOW) == seconds


@pytest.mark.parametrize("value", ["1e999", "nan", "99999999999"])
def test_no_retry_after_is_waited_for_long(value: str) -> None:
    """A pause that never ends is a hang."""
    error = ModelError("busy", retry=True, retry_after_seconds=parse_retry_after(value))
    assert 0.0 <= pause_seconds(1, error, 2.0) <= RETRY_AFTER_CAP_SECONDS


def test_a_refusal_as_too_long_states_the_window() -> None:
    """Then one step finds what halving would find in many."""
    error = refused(400, '{"error":{"message":"prompt is too long: 213462 tokens > 8192 maximum"}}')
    assert (error.overflow, error.limit_tokens) == (True, 8192)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@host:8/v1?key=secret#secret", "https://host:8/v1"),
        ("http://host/v1", "http://host/v1"),
        ("http://[broken", "the URL"),
    ],
)
def test_urls_are_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    """Some gateways take the key in the address."""
    assert shown_url(url) == shown
