"""A recorded session, call by call, as a strategy would have sent it; priced, and looked through for what is lost."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from cortex_cli import costs
from cortex_cli.errors import DoesNotFitError
from cortex_cli.growing import note_longer
from cortex_cli.manager import CompactionManager
from cortex_cli.messages import Message, Transcript
from cortex_cli.replaying.policies import STRATEGIES, Habit, Strategy
from cortex_cli.replaying.recorded import pairs
from cortex_cli.replaying.recording import Recording, prepare
from cortex_cli.replaying.results import Replay, StrategyResult
from cortex_cli.replaying.walking import Walk
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import SummaryOutcome, SummaryRequest
from cortex_cli.summarizers.builtin import summarize as summarize_builtin
from cortex_cli.tokens import Counter


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
        messages=recording.session.messages,
        warnings=() if recording.model else ("no price is known for the model: name one with --model",),
    )


def replay_strategy(recording: Recording, strategy: Strategy) -> StrategyResult:
    """Walk the session under one strategy."""
    session = recording.session
    walk = Walk(recording)
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


async def _manage(recording: Recording, settings: Settings, walk: Walk) -> None:
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
    said: tuple[Message, ...] = ()
    for call in recording.calls:
        now = call.time
        said = note_longer(session.messages[: call.answer], said)  # as the manager knows it: from the request before
        sent = await manager.request(said)
        charge = walk.send(call, sent, author.take_bill() if author else 0.0)
        manager.update_usage(input_tokens=charge.tokens)
        if settings.second_layer == "observe":
            await manager.turn_end(note_longer(session.messages[: call.answer + 1], said))
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
