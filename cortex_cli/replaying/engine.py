"""A recorded session, call by call, as a strategy would have sent it; priced, and looked through for what is lost."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from statistics import median
from typing import Any, NamedTuple

from cortex_cli import costs, models, sizing
from cortex_cli.cache import Retention
from cortex_cli.errors import DoesNotFitError, InputError
from cortex_cli.groups import safe_cuts
from cortex_cli.manager import CompactionManager
from cortex_cli.memory.telling import fact_is_in, facts_of
from cortex_cli.messages import Message, Transcript
from cortex_cli.replaying.billing import Biller, Charge, common_prefix
from cortex_cli.replaying.policies import STRATEGIES, Habit, Session, Strategy
from cortex_cli.replaying.recorded import RecordedCall, calls_of, pairs
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import SummaryOutcome, SummaryRequest
from cortex_cli.summarizers.builtin import summarize as summarize_builtin
from cortex_cli.summarizers.ledger import Fact
from cortex_cli.tokens import Counter, make_counter

VERSION = 1


class ReplayedCall(NamedTuple):
    """One call under one strategy; tokens as the model counts them."""

    answer: int
    """Position of the recorded answer."""
    time: float
    charge: Charge
    by_role: dict[str, int]
    """Tokens sent of each role; `overhead` is what is sent besides the messages."""
    cut: str
    """What was compacted before this call, one line; empty for nothing."""
    facts_known: int
    """Facts that had been said by then."""
    facts_kept: int
    """Of these, still in what is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyResult:
    """A session under one strategy."""

    name: str
    calls: tuple[ReplayedCall, ...]
    failure: str = ""
    """Why it ended early."""

    @property
    def peak_tokens(self) -> int:
        """Largest request."""
        return max((call.charge.tokens for call in self.calls), default=0)

    @property
    def sent_tokens(self) -> int:
        """Of all requests together."""
        return sum(call.charge.tokens for call in self.calls)

    @property
    def cached_ratio(self) -> float:
        """Share of what was sent that was read from the cache."""
        return sum(call.charge.cached for call in self.calls) / self.sent_tokens if self.sent_tokens else 0.0

    @property
    def compactions(self) -> int:
        """Calls before which something was compacted."""
        return sum(bool(call.cut) for call in self.calls)

    @property
    def breaks(self) -> int:
        """Calls that found less in a living cache than was put there."""
        return sum(call.charge.is_break for call in self.calls)

    @property
    def cost_usd(self) -> float | None:
        """Of all calls; None where no price is known."""
        prices = [call.charge.usd for call in self.calls]
        return sum(usd for usd in prices if usd is not None) if None not in prices else None

    @property
    def facts_ratio(self) -> float:
        """Share of the facts known at a call that the model still saw, over all calls."""
        known = sum(call.facts_known for call in self.calls)
        return sum(call.facts_kept for call in self.calls) / known if known else 1.0

    @property
    def final_facts_ratio(self) -> float:
        """The same at the last call."""
        last = self.calls[-1] if self.calls else None
        return last.facts_kept / last.facts_known if last and last.facts_known else 1.0

    def to_json(self) -> dict[str, Any]:
        """Return the entry of the JSON report."""
        cost = self.cost_usd
        return {
            "name": self.name,
            "peak_tokens": self.peak_tokens,
            "sent_tokens": self.sent_tokens,
            "cached_ratio": round(self.cached_ratio, 4),
            "compactions": self.compactions,
            "cache_breaks": self.breaks,
            "cost_usd": None if cost is None else round(cost, 6),
            "facts_ratio": round(self.facts_ratio, 4),
            "final_facts_ratio": round(self.final_facts_ratio, 4),
            "failure": self.failure,
            "calls": [_call_to_json(call) for call in self.calls],
        }


def _call_to_json(call: ReplayedCall) -> dict[str, Any]:
    charge = call.charge
    return {
        "message": call.answer,
        "time": call.time,
        "tokens": charge.tokens,
        "cached": charge.cached,
        "written": charge.written,
        "cache_break": charge.is_break,
        "usd": None if charge.usd is None else round(charge.usd, 8),
        "by_role": call.by_role,
        "cut": call.cut,
        "facts_known": call.facts_known,
        "facts_kept": call.facts_kept,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A session under several strategies."""

    path: str
    format: str
    model: str
    window: int
    retention: Retention
    calls: int
    scale: float
    """The model's tokens for one of ours."""
    calibration: float | None
    """Recorded input tokens of a call over those simulated for it, the middle of all calls; None: none recorded."""
    recorded_calls: int
    strategies: tuple[StrategyResult, ...]
    warnings: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return the JSON report."""
        return {
            "version": VERSION,
            "command": "replay",
            "input": {"path": self.path, "format": self.format},
            "model": self.model,
            "window": self.window,
            "retention": self.retention,
            "calls": self.calls,
            "model_scale": self.scale,
            "calibration": None if self.calibration is None else round(self.calibration, 4),
            "recorded_calls": self.recorded_calls,
            "strategies": [one.to_json() for one in self.strategies],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A session made ready to be replayed."""

    session: Session
    calls: tuple[RecordedCall, ...]
    facts: tuple[Fact, ...]
    model: models.Model | None
    overhead_tokens: int
    settings: Settings
    retention: Retention
    summary_tokens: int = 0
    """Size of the summaries of a model that is made believe; 0: the built-in ones, which cost nothing."""


def replay(
    transcript: Transcript,
    strategies: Sequence[Strategy] = STRATEGIES,
    settings: Settings | None = None,
    *,
    counter: Counter | None = None,
    retention: Retention = "short",
    summary_tokens: int = 0,
) -> Replay:
    """Replay a recorded session; no model is called.

    Args:
        transcript: As `load` returned it; its live path is walked.
        strategies: What to compare.
        settings: What the manager's strategies begin with; `model` asks what another one would have cost.
        counter: Default: the one the settings name.
        retention: Of the prompt cache.
        summary_tokens: Size of the summaries of a model that is made believe, priced as `model`; 0: the built-in ones.

    Raises:
        InputError: The session holds no call of a model.
        CortexError: As `compact`.
    """
    recording = prepare(
        transcript, settings or Settings(), counter=counter, retention=retention, summary_tokens=summary_tokens
    )
    results = tuple(replay_strategy(recording, strategy) for strategy in strategies)
    return assemble(transcript, recording, results)


def prepare(
    transcript: Transcript,
    settings: Settings,
    *,
    counter: Counter | None = None,
    retention: Retention = "short",
    summary_tokens: int = 0,
) -> Recording:
    """Read what all strategies share: sizes, calls, facts.

    Raises:
        InputError: The session holds no call of a model.
        OptionError: The budget is larger than the window.
    """
    counter = counter or make_counter(settings.tokenizer)
    calls = calls_of(transcript, counter)
    if not calls:
        hint = "replay walks answers of a model; `cortex show` tells what is in the file"
        raise InputError("no call of a model is recorded", where=transcript.path, hint=hint)
    sizes = sizing.measure(transcript, settings, counter)
    scale = models.scale_for(settings.model or transcript.model, counter.name)[0]
    overhead = round(sizes.overhead_tokens * (1.0 if sizes.scale == 1.0 else scale))
    counted = (round(counter.count_message(message) * scale) for message in transcript.messages)
    ends = tuple(accumulate(counted, initial=overhead))[1:]
    session = Session(transcript.messages, ends, safe_cuts(transcript.messages), sizes.window, counter, scale)
    return Recording(
        session=session,
        calls=calls,
        facts=facts_of(transcript.messages),
        model=models.find_model(settings.model or transcript.model) if settings.model or transcript.model else None,
        overhead_tokens=overhead,
        settings=settings,
        retention=retention,
        summary_tokens=summary_tokens,
    )


def assemble(transcript: Transcript, recording: Recording, results: tuple[StrategyResult, ...]) -> Replay:
    """Put the results of strategies together, with what the recording says of their accuracy."""
    ends = recording.session.ends
    ratios = [usage.input_tokens / ends[call.answer - 1] for call, usage in pairs(recording.calls)]
    return Replay(
        path=transcript.path,
        format=transcript.format,
        model=recording.model.name if recording.model else transcript.model,
        window=recording.session.window,
        retention=recording.retention,
        calls=len(recording.calls),
        scale=recording.session.scale,
        calibration=median(ratios) if ratios else None,
        recorded_calls=len(ratios),
        strategies=results,
        warnings=() if recording.model else ("no price is known for the model: name one with --model",),
    )


def replay_strategy(recording: Recording, strategy: Strategy) -> StrategyResult:
    """Walk the session under one strategy."""
    session = recording.session
    walk = _Walk(recording)
    failure = ""
    if strategy.changes is None:
        habit = (strategy.habit or Habit)(session)
        for call in recording.calls:
            walk.take(call, habit.send(call.answer))
    else:
        try:
            changed: Any = strategy.changes
            asyncio.run(_manage(recording, replace(recording.settings, **changed), walk))
        except DoesNotFitError as error:
            failure = str(error)
    return StrategyResult(name=strategy.name, calls=tuple(walk.calls), failure=failure)


async def _manage(recording: Recording, settings: Settings, walk: "_Walk") -> None:
    """Let the live manager act before each call, its clock that of the recording."""
    now = 0.0
    session = recording.session
    author = _StandIn(recording) if recording.summary_tokens else None
    manager = CompactionManager(
        replace(settings, window=session.window),
        counter=session.counter,
        clock=lambda: now,
        adaptive=settings.adaptive,
        summarizer=author.summarize if author else None,
    )
    provider = recording.model.provider if recording.model else ""
    if provider:
        manager.set_cache("bedrock" if provider == "aws" else provider, recording.retention)
    for call in recording.calls:
        now = call.time
        messages = session.messages[: call.answer]
        sent = await manager.transform(messages)
        charge = walk.take(call, sent, author.take_bill() if author else 0.0)
        manager.update_usage(input_tokens=charge.tokens)
        await manager.turn_end(session.messages[: call.answer + 1])
        await manager.settle()
    await manager.close()


class _StandIn:
    """Stands for a model that writes summaries of one size: the built-in ones, priced as a model's."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._usd = 0.0

    async def summarize(self, request: SummaryRequest) -> SummaryOutcome | None:
        size = self._recording.summary_tokens
        session = self._recording.session
        if self._recording.model is not None:
            asked = sum(map(session.counted, request.messages))
            self._usd += costs.price_of_call(self._recording.model, asked, 0, round(size * session.scale)) or 0.0
        return summarize_builtin(replace(request, max_tokens=size))

    def take_bill(self) -> float:
        """Return what was asked since the last time, US dollars."""
        usd, self._usd = self._usd, 0.0
        return usd


class _Walk:
    """The calls of one strategy so far."""

    def __init__(self, recording: Recording) -> None:
        self.calls: list[ReplayedCall] = []
        self._recording = recording
        self._sizes: dict[int, tuple[Message, int]] = {}
        session = recording.session
        self._biller = Biller(recording.model, recording.retention, self._size_of, recording.overhead_tokens)
        self._positions = {id(message): at for at, message in enumerate(session.messages)}
        self._sent: tuple[Message, ...] = ()
        self._by_role: dict[str, int] = {}
        self._lost: set[int] = set()
        """Facts, by their place in the list, that were told and are not seen any more."""
        self._told = 0
        """Facts that were told so far."""
        self._facts = sorted(recording.facts, key=lambda fact: fact.message)

    def take(self, call: RecordedCall, messages: Sequence[Message], compaction_usd: float = 0.0) -> Charge:
        """Take one request in.

        Args:
            call: As recorded.
            messages: What is sent.
            compaction_usd: What model calls of the compaction before it cost.
        """
        sent = tuple(messages)
        same = common_prefix(self._sent, sent)
        is_grown = same == len(self._sent)
        cut = "" if is_grown else self._describe(sent)
        charge = self._biller.call(sent, call.output_tokens, call.time)
        if compaction_usd and charge.usd is not None:
            charge = charge._replace(usd=charge.usd + compaction_usd)
        self._by_role = self._roles(sent, same) if is_grown else self._roles(sent, 0)
        self._look(sent, call.answer, is_grown=is_grown)
        self._sent = sent
        roles = {**self._by_role, "overhead": self._recording.overhead_tokens}
        facts = (self._told, self._told - len(self._lost))
        self.calls.append(ReplayedCall(call.answer, call.time, charge, roles, cut, *facts))
        return charge

    def _size_of(self, message: Message) -> int:
        known = self._sizes.get(id(message))
        if known is None:
            known = self._sizes[id(message)] = (message, self._recording.session.counted(message))
        return known[1]

    def _roles(self, sent: tuple[Message, ...], start: int) -> dict[str, int]:
        found = dict(self._by_role) if start else {}
        for message in sent[start:]:
            found[message.role] = found.get(message.role, 0) + self._size_of(message)
        return found

    def _describe(self, sent: tuple[Message, ...]) -> str:
        """Say in one line what became of the request before."""
        before = sum(map(self._size_of, self._sent))
        kept = {id(message) for message in sent}
        gone = sum(id(message) not in kept for message in self._sent)
        kinds = sorted(
            {message.synthetic for message in sent if message.synthetic and id(message) not in self._positions}
        )
        what = f", {' and '.join(kinds)}" if kinds else ""
        return f"{gone} messages left or changed, {before:,} -> {sum(map(self._size_of, sent)):,} tokens{what}"

    def _look(self, sent: tuple[Message, ...], answer: int, *, is_grown: bool) -> None:
        """Find the facts that were told and are not in the request; while it only grows nothing more is lost."""
        facts = self._facts
        while self._told < len(facts) and facts[self._told].message < answer:
            self._told += 1
        if is_grown and self._sent:
            return
        whole = {self._positions[id(message)] for message in sent if id(message) in self._positions}
        made = "\n".join(message.text for message in sent if id(message) not in self._positions)
        self._lost = {
            at
            for at, fact in enumerate(facts[: self._told])
            if fact.message not in whole and not fact_is_in(fact, made)
        }
