"""The strategies of one session over the cores of this machine."""

import os
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool

from cortex_cli import formats
from cortex_cli.errors import CortexError
from cortex_cli.formats.source import Source
from cortex_cli.replaying.engine import assemble, replay_strategy
from cortex_cli.replaying.policies import Strategy
from cortex_cli.replaying.recording import Recording, prepare
from cortex_cli.replaying.results import Replay, StrategyResult
from cortex_cli.settings import Settings
from cortex_cli.workers import MEMORY_HINT, WORKER_DIED, Workers

ALONE_BYTES = 1_000_000
"""A session of no more than this is walked in one process: starting others takes longer."""


def replay_data(
    data: bytes,
    path: str,
    strategies: Sequence[Strategy],
    settings: Settings,
    *,
    summary_tokens: int = 0,
    processes: int = 0,
) -> Replay:
    """Replay the session that a file holds, its strategies side by side.

    Args:
        data: The file.
        path: For errors and reports.
        strategies: What to compare.
        settings: What the manager's strategies begin with.
        summary_tokens: As `replay`.
        processes: 0: one for each core, where the session is large enough.

    Raises:
        CortexError: As `replay`.
    """
    transcript = formats.load(Source(data, path), settings.format)
    recording = prepare(transcript, settings, summary_tokens=summary_tokens)
    wanted = processes or (os.cpu_count() or 1 if len(data) > ALONE_BYTES else 1)
    if min(wanted, len(strategies)) <= 1:
        return assemble(transcript, recording, tuple(replay_strategy(recording, one) for one in strategies))
    given = (data, path, settings, summary_tokens)
    try:
        with Workers(min(wanted, len(strategies)), _prepare, given, finish=False) as workers:
            running = [workers.submit(_replay_in_worker, one) for one in strategies]
            for one in running:
                workers.wait_for([one])
            results = tuple(one.result() for one in running)
    except BrokenProcessPool:
        raise CortexError(WORKER_DIED, where=path, hint=MEMORY_HINT) from None
    return assemble(transcript, recording, results)


_recording: Recording | None = None
"""The worker's own."""


def _prepare(data: bytes, path: str, settings: Settings, summary_tokens: int) -> None:
    global _recording
    transcript = formats.load(Source(data, path), settings.format)
    _recording = prepare(transcript, settings, summary_tokens=summary_tokens)


def _replay_in_worker(strategy: Strategy) -> StrategyResult:
    assert _recording is not None  # `_prepare` ran
    return replay_strategy(_recording, strategy)
