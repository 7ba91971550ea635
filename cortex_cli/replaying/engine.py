"""A recorded session, call by call, as a strategy would have sent it; priced, and looked through for what is lost."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from statistics import median
from typing import Any

from cortex_cli import costs, models, sizing
from cortex_cli.cache import Retention, parse_cache_option
from cortex_cli.errors import DoesNotFitError, InputError
from cortex_cli.groups import safe_cuts
from cortex_cli.manager import CompactionManager
from cortex_cli.memory.telling import fact_is_in, facts_of
from cortex_cli.messages import Message, Transcript
from cortex_cli.replaying.billing import Biller, Charge, common_prefix
from cortex_cli.replaying.policies import STRATEGIES, Habit, Session, Strategy
from cortex_cli.replaying.recorded import RecordedCall, calls_of, pairs
from cortex_cli.replaying.results import Replay, ReplayedCall, StrategyResult
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import SummaryOutcome, SummaryRequest
from cortex_cli.summarizers.builtin import summarize as summarize_builtin
from cortex_cli.summarizers.ledger import Fact
from cortex_cli.tokens import Counter, make_counter


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A session made ready to be replayed."""

    session: Session
    calls: tuple[RecordedCall, ...]
    facts: tuple[Fact, ...]
    model: models.Model | None
    provider: str
    """Whose prompt cache it was; empty where nobody knows."""
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
    summary_tokens: int = 0,
) -> Replay:
    """Replay a recorded session; no model is called.

    Args:
        transcript: As `load` returned it; its live path is walked.
        strategies: What to compare.
        settings: What the manager's strategies begin with; `model` asks what another one would have cost, `cache`
            whose prompt cache there was.
        counter: Default: the one the settings name.
        summary_tokens: Size of the summaries of a model that is made believe, priced as `model`; 0: the built-in ones.

    Raises:
        InputError: The session holds no call of a model.
        CortexError: As `compact`.
    """
    recording = prepare(transcript, settings or Settings(), counter=counter, summary_tokens=summary_tokens)
    results = tuple(replay_strategy(recording, strategy) for strategy in strategies)
    return assemble(transcript, recording, results)


def prepare(
    transcript: Transcript,
    settings: Settings,
    *,
    counter: Counter | None = None,
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
    counted = [round(counter.count_message(message) * scale) for message in transcript.messages]
    overhead = round(sizes.overhead_tokens * scale)
    if transcript.usage is not None and sizes.overhead_tokens:  # in the model's own tokens, so it needs no scale
        overhead = max(0, transcript.usage.tokens - sum(counted[: transcript.usage.messages]))
    ends = tuple(accumulate(counted, initial=overhead))[1:]
    session = Session(transcript.messages, ends, safe_cuts(transcript.messages), sizes.window, counter, scale)
    name = settings.model or transcript.model
    model = models.find_model(name) if name else None
    provider, retention = _cache_of(transcript, settings, model)
    return Recording(
        session=session,
        calls=calls,
        facts=facts_of(transcript.messages),
        model=model,
        provider=provider,
        overhead_tokens=overhead,
        settings=settings,
        retention=retention,
        summary_tokens=summary_tokens,
    )


_PROVIDERS = {"claude-code": "anthropic", "codex": "openai"}
"""Of clients whose sessions may not name a model that is known."""


def _cache_of(transcript: Transcript, settings: Settings, model: models.Model | None) -> tuple[str, Retention]:
    """Return whose prompt cache a session had: as `--cache` says, else the model's, else the client's."""
    if settings.cache:
        option = parse_cache_option(settings.cache)
        return option.provider, option.retention
    if model is not None:
        return ("bedrock" if model.provider == "aws" else model.provider), "short"
    return _PROVIDERS.get(transcript.format, ""), "short"


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
    if recording.provider:
        manager.set_cache(recording.provider, recording.retention)
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
        self._biller = Biller(
            recording.model, recording.provider, recording.retention, self._size_of, recording.overhead_tokens
        )
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
        left = "1 message" if gone == 1 else f"{gone} messages"
        return f"{left} left or changed, {before:,} -> {sum(map(self._size_of, sent)):,} tokens{what}"

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
