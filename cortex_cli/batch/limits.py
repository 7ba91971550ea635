"""What all processes of a batch may do with a model together: calls at once, a minute, dollars, and the circuit."""

import asyncio
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from cortex_cli import costs, locks, models
from cortex_cli.errors import OptionError
from cortex_cli.llm.ask import Attempts
from cortex_cli.llm.circuit import OPEN_SECONDS, Circuit
from cortex_cli.llm.client import Client, Completion, CompletionRequest, ModelError, OnText
from cortex_cli.memory.authors import observer_of, reflector_of
from cortex_cli.remembering import Remembering
from cortex_cli.settings import Settings
from cortex_cli.summarizers import summarizer_of
from cortex_cli.summarizers.base import BUILTIN, Summarizer

MINUTE_SECONDS = 60.0

POLL_SECONDS = 0.05
"""Pause before a place is asked for again. A call takes a second or more."""


class Limits(NamedTuple):
    """What the command line allows; 0: no limit."""

    concurrency: int = 0
    """Calls at once."""
    rpm: int = 0
    """Calls begun in any 60 seconds."""
    max_cost_usd: float = 0.0
    ledger: "Ledger | None" = None
    """Where all processes of the run keep count; None: nobody calls a model."""

    def __bool__(self) -> bool:
        """Whether there is a run to share them."""
        return self.ledger is not None


NO_LIMITS = Limits()
"""No model, or a run of one process."""


class Place(NamedTuple):
    """Leave to call, or how long to wait for it."""

    is_granted: bool
    wait_seconds: float = 0.0
    refusal: str = ""
    """Why it will never be granted."""


@dataclass(slots=True)
class State:
    """What is going on in a run; decides without I/O."""

    running: dict[str, float] = field(default_factory=dict)
    """Call -> dollars held back for it."""
    begun: list[float] = field(default_factory=list)
    """Times of the calls of the last minute, seconds since 1970."""
    spent_usd: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)
    open_until: dict[str, float] = field(default_factory=dict)

    def ask(self, limits: Limits, call: str, most_usd: float, now: float) -> Place:
        """Ask for leave to begin a call.

        Args:
            limits: What is allowed.
            call: Its name, of nobody else's.
            most_usd: What it may cost at most.
            now: Seconds since 1970.
        """
        held = sum(self.running.values())
        if limits.max_cost_usd and self.spent_usd + held + most_usd > limits.max_cost_usd:
            if not held or self.spent_usd + most_usd > limits.max_cost_usd:
                left = max(0.0, limits.max_cost_usd - self.spent_usd)
                return Place(False, refusal=f"the call may cost ${most_usd:.4f}, of --max-cost ${left:.4f} are left")
            return Place(False, POLL_SECONDS)  # what is held back for others may come free
        if limits.concurrency and len(self.running) >= limits.concurrency:
            return Place(False, POLL_SECONDS)
        self.begun = [moment for moment in self.begun if moment > now - MINUTE_SECONDS]
        if limits.rpm and len(self.begun) >= limits.rpm:
            return Place(False, max(POLL_SECONDS, self.begun[-limits.rpm] + MINUTE_SECONDS - now))
        self.begun.append(now)
        self.running[call] = most_usd
        return Place(True)

    def finish(self, call: str, cost_usd: float | None) -> None:
        """Note the end of a call; None: what it cost is not known, so it is what was held back."""
        held = self.running.pop(call, 0.0)
        self.spent_usd += held if cost_usd is None else cost_usd

    def seconds_left(self, endpoint: str, now: float) -> float:
        """Return how long an endpoint is still left alone."""
        return max(0.0, self.open_until.get(endpoint, 0.0) - now)

    def note(self, endpoint: str, failures_allowed: int | None, now: float) -> None:
        """Note a failed attempt, the last one allowed opens the circuit; None: a success, the count starts anew."""
        if failures_allowed is None:
            self.failures.pop(endpoint, None)
            self.open_until.pop(endpoint, None)
            return
        self.failures[endpoint] = self.failures.get(endpoint, 0) + 1
        if self.failures[endpoint] >= failures_allowed:
            self.open_until[endpoint] = now + OPEN_SECONDS
            self.failures[endpoint] = 0


class Ledger(Protocol):
    """Where all processes of a run keep count."""

    def ask(self, limits: Limits, call: str, most_usd: float) -> Place:
        """Ask for leave to begin a call."""
        ...

    def finish(self, call: str, cost_usd: float | None) -> None:
        """Note the end of a call."""
        ...

    def seconds_left(self, endpoint: str) -> float:
        """Return how long an endpoint is still left alone."""
        ...

    def note(self, endpoint: str, failures_allowed: int | None) -> None:
        """Note a failed attempt, the last one allowed opens the circuit; None: a success, the count starts anew."""
        ...


class FileLedger(NamedTuple):
    """A small file that every process locks, so that it survives the death of any of them."""

    path: str

    @contextmanager
    def open(self) -> Iterator[State]:
        """Read the state, let it be changed, and write it; no other process does so meanwhile."""
        file = Path(self.path)
        with locks.hold(file.with_suffix(".lock"), wait=True):
            state = State(**json.loads(file.read_bytes())) if file.exists() else State()
            yield state
            file.write_text(json.dumps(asdict(state)))

    def ask(self, limits: Limits, call: str, most_usd: float) -> Place:
        """Ask for leave to begin a call; the places of processes that are gone come free."""
        with self.open() as state:
            for dead in [one for one in state.running if not _lives(int(one.partition(":")[0]))]:
                state.finish(dead, None)
            return state.ask(limits, call, most_usd, time.time())

    def finish(self, call: str, cost_usd: float | None) -> None:
        """Note the end of a call."""
        with self.open() as state:
            state.finish(call, cost_usd)

    def seconds_left(self, endpoint: str) -> float:
        """Return how long an endpoint is still left alone."""
        with self.open() as state:
            return state.seconds_left(endpoint, time.time())

    def note(self, endpoint: str, failures_allowed: int | None) -> None:
        """Note a failed attempt, or a success."""
        with self.open() as state:
            state.note(endpoint, failures_allowed, time.time())


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@dataclass(frozen=True, slots=True)
class LimitedClient:
    """A client that asks for leave before every call."""

    inner: Client
    limits: Limits
    ledger: Ledger

    @property
    def name(self) -> str:
        """For reports."""
        return self.inner.name

    @property
    def model(self) -> str:
        """As the provider names it."""
        return self.inner.model

    @property
    def endpoint(self) -> str:
        """What the circuit opens for."""
        return self.inner.endpoint

    async def complete(self, request: CompletionRequest, on_text: OnText | None = None) -> Completion:
        """Ask once, when the limits allow it.

        Raises:
            ModelError: As the client; or the money is used up.
        """
        call = f"{os.getpid()}:{time.monotonic_ns()}:{id(request)}"
        await self._wait(call, request)
        began = False

        def note(text: str) -> None:
            nonlocal began
            began = True
            if on_text:
                on_text(text)

        cost: float | None = 0.0
        try:
            completion = await self.inner.complete(request, note)
            cost = self._cost(completion)
        except ModelError:
            cost = None if began else 0.0  # an answer that was begun is billed; a refused request is not
            raise
        except BaseException:
            cost = None
            raise
        finally:
            self.ledger.finish(call, cost)
        return completion

    async def _wait(self, call: str, request: CompletionRequest) -> None:
        most = self._most_usd(request)
        while True:
            place = self.ledger.ask(self.limits, call, most)
            if place.is_granted:
                return
            if place.refusal:
                raise ModelError(place.refusal, hint="raise --max-cost, and run it again with --retry-failed")
            await asyncio.sleep(place.wait_seconds)

    def _most_usd(self, request: CompletionRequest) -> float:
        """Return an upper bound of the price: no tokenizer makes more tokens of a text than it has bytes."""
        model = models.find_model(self.model) if self.limits.max_cost_usd else None
        if model is None:
            return 0.0
        size = len(request.system.encode("utf-8", "replace")) + len(request.prompt.encode("utf-8", "replace"))
        return costs.price_of_call(model, size, 0, request.max_tokens) or 0.0

    def _cost(self, completion: Completion) -> float | None:
        model = models.find_model(self.model) if self.limits.max_cost_usd else None
        if model is None:
            return 0.0
        if not completion.input_tokens:  # the provider does not say
            return None
        return costs.price_of_call(model, completion.input_tokens, completion.cached_tokens, completion.output_tokens)


@dataclass(slots=True)
class SharedCircuit(Circuit):
    """The circuit of all processes of a run."""

    ledger: Ledger | None = None

    def seconds_left(self, endpoint: str) -> float:
        """Return how long the endpoint is still left alone; 0: it may be asked."""
        return self._shared.seconds_left(endpoint)

    def failed(self, endpoint: str, limit: int) -> None:
        """Note a failed attempt; the `limit`-th in a row opens the circuit."""
        self._shared.note(endpoint, limit)

    def succeeded(self, endpoint: str) -> None:
        """Note a success: the count starts anew."""
        self._shared.note(endpoint, None)

    @property
    def _shared(self) -> Ledger:
        assert self.ledger is not None  # there is no circuit of a run without one
        return self.ledger


class Authors(NamedTuple):
    """Who writes what stands for old turns; None: the built-in ones."""

    summarizer: Summarizer | None = None
    remembering: Remembering | None = None


def limited_authors(settings: Settings, environ: Mapping[str, str], limits: Limits) -> Authors:
    """Return the models that the settings name for their strategy, within the limits of the run.

    Raises:
        OptionError: The settings name no usable model.
    """
    observes = settings.second_layer == "observe"
    if settings.summarizer == BUILTIN:
        return Authors()
    attempts, wrap = None, None
    if limits.ledger is not None:
        circuit = SharedCircuit(ledger=limits.ledger)
        attempts = Attempts(max(1, settings.max_retries), settings.retry_delay_seconds, circuit=circuit)
        wrap = partial(LimitedClient, limits=limits, ledger=limits.ledger)
    if observes:
        observer = observer_of(settings, environ, attempts=attempts, wrap=wrap)
        return Authors(
            remembering=Remembering(
                observer=observer, reflector=reflector_of(settings, environ, attempts=attempts, wrap=wrap)
            )
        )
    if wrap is None:
        return Authors(summarizer_of(settings, environ))
    from cortex_cli.summarizers.model import make_client, make_summarizer  # noqa: PLC0415 - httpx is slow to import

    client = wrap(make_client(settings, environ))
    return Authors(make_summarizer(settings, environ, client=client, attempts=attempts))


def check_limits(limits: Limits, model: str) -> None:
    """Refuse a limit of dollars that nobody can keep.

    Raises:
        OptionError: The price of the model is not known.
    """
    if not limits.max_cost_usd:
        return
    known = models.find_model(model) if model else None
    if known is None or known.price("input") is None or known.price("output") is None:
        hint = "`cortex models` lists those with prices; without --max-cost any model will do"
        raise OptionError(f"the price of {model or 'the model'} is not known", where="--max-cost", hint=hint)
