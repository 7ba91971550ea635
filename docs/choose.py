"""Measure defaults and presets on recorded sessions: what each would have cost and kept. Writes Markdown tables.

    python docs/choose.py SESSIONS... [--extra SESSION...] [--windows 128k,64k,32k] [--jobs 2] [--write]

SESSIONS are transcripts, or folders of them; those of `--extra`, such as generated ones, are shown and not averaged.
Without `--write` the tables go to standard output; with it they take the place of those in `docs/choose.md`, between
its two marks. No model is called and nothing is sent. `tests/replaying/test_choice.py` holds what the document says of
them, by the functions of this script.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from cortex_cli import Settings, load
from cortex_cli.errors import CortexError
from cortex_cli.layers.micro import micro
from cortex_cli.layers.view import View
from cortex_cli.messages import Transcript
from cortex_cli.models import find_model
from cortex_cli.presets import PRESETS
from cortex_cli.replaying.engine import replay_strategy
from cortex_cli.replaying.policies import Habit, Strategy, find_strategy
from cortex_cli.replaying.policies import Session as Replayed
from cortex_cli.replaying.recording import prepare
from cortex_cli.replaying.requests import Request, Step
from cortex_cli.replaying.results import StrategyResult

DOCUMENT = Path(__file__).resolve().parent / "choose.md"
MARKS = re.compile(r"(<!-- tables -->\n).*(<!-- end -->)", re.DOTALL)

STRATEGIES = ("micro", "classic", "observational", *(preset.name for preset in PRESETS))
SHOWN = ("classic", *(preset.name for preset in PRESETS))
"""Of these every session is shown by itself."""

LONG_SHARE = 0.70
"""A session is long enough to matter in a window of which it fills so much, left alone: where the default settings
summarise. Source: SPEC section 4."""

OVERHEAD_SHARE = 0.5
"""With more of the window taken by system prompt and tools, it is not the session's window. Source: SPEC section 1."""

LEAST_CALLS = 10
CACHING = ("anthropic", "openai")
"""Providers whose cache is known; sessions of others are priced as a stand-in's, whose cache makes every cut dearer."""
STAND_INS = {"codex": "gpt-5"}
STAND_IN = "claude-sonnet-4-5"
"""What prices a session that names no model of theirs: by format, else this one."""

ROUNDING = 0.0005
"""Of a bill: repairing a broken history adds an answer of a few tokens, which is no compaction's doing."""

ENDINGS = (".jsonl", ".json", ".traj")


def batches(least: float) -> type[Habit]:
    """Return a habit that trims old results as layer 1 does, warm cache or not, where that frees this share."""

    class Batches(Habit):
        def __init__(self, session: Replayed) -> None:
            super().__init__(session)
            self._request = Request()

        def send(self, end: int) -> Step:
            session = self.session
            sent = [*self._request.messages, *session.messages[self.end : end]]
            view = View(messages=tuple(sent), window=session.window, budget=session.window, scale=session.scale)
            trimmed = micro(view, SETTINGS, session.counter)
            freed = sum(change.tokens_before - change.tokens_after for change in trimmed.changes)
            if freed * session.scale >= max(1, least * session.tokens(0, end)):
                sent = list(trimmed.messages)
            self.end = end
            step = self._request.step_to(sent)
            self._request.take(step)
            return step

    return Batches


SETTINGS = Settings()

LAYER_1 = (
    Strategy("while the cache is cold", "The default.", {"layers": ("cap", "micro")}),
    Strategy("at every call", "", habit=batches(0.0)),
    Strategy("in batches of 5 %", "", habit=batches(0.05)),
    Strategy("in batches of 15 %", "", habit=batches(0.15)),
    Strategy("in batches of 30 %", "", habit=batches(0.30)),
    Strategy("results cut to 8k when they come", "", {"layers": ("cap",), "max_result_tokens": 8_000}),
    Strategy("results cut to 4k when they come", "", {"layers": ("cap",), "max_result_tokens": 4_000}),
)
"""When layer 1 could act, alone: no summary, no failsafe."""


class Outcome(NamedTuple):
    """One session in one window under one strategy."""

    cost: float
    """Its bill, as a share of that of no compaction."""
    peak: int
    sent: float
    """Tokens of all calls, as a share likewise."""
    compactions: int
    facts: float
    """Share that the model still saw, over all calls."""
    facts_at_end: float


class Row(NamedTuple):
    """One session in one window."""

    name: str
    format: str
    window: int
    is_own: bool
    """The window is the session's own."""
    calls: int
    peak: int
    """Tokens of the largest call, left alone."""
    usd: float
    """Its bill, left alone."""
    outcomes: dict[str, Outcome]
    failure: str = ""
    """Why it cannot be made to fit."""
    is_extra: bool = False
    """Shown by itself only."""

    @property
    def fill(self) -> float:
        """Share of the window that it fills, left alone."""
        return self.peak / self.window


class Session(NamedTuple):
    """A transcript that can be replayed and priced."""

    path: Path
    model: str
    """Prices it; empty: its own."""
    told: tuple[str, ...]
    """What the user typed: by it two files are known as the same conversation."""
    calls: int
    is_extra: bool = False


def find_sessions(paths: Iterable[Path]) -> tuple[Session, ...]:
    """Return the sessions of some length; of several files of one conversation that with most calls."""
    found = [session for path in paths for session in map(_read, _files(path)) if session]
    found.sort(key=lambda one: (-one.calls, bool(one.model), str(one.path)))
    chosen: list[Session] = []
    for session in found:
        if not any(other.told[: len(session.told)] == session.told for other in chosen):
            chosen.append(session)
    return tuple(chosen)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    yield from (one for one in sorted(path.rglob("*")) if one.is_file() and one.suffix in ENDINGS)


def _read(path: Path) -> Session | None:
    try:
        transcript = load(path)
        calls = len(prepare(transcript, Settings()).calls)
    except CortexError:  # no transcript, several of them, or no call of a model
        return None
    told = tuple(message.text for message in transcript.messages if message.typed)
    return Session(path, _stand_in(transcript), told, calls) if calls >= LEAST_CALLS and told else None


def _stand_in(transcript: Transcript) -> str:
    known = find_model(transcript.model) if transcript.model else None
    if known is not None and known.provider in CACHING and known.price("input") is not None:
        return ""
    return STAND_INS.get(transcript.format, STAND_IN)


def measure(
    session: Session, window: int, names: Sequence[str] = STRATEGIES, layer_1: Sequence[Strategy] = LAYER_1
) -> Row | None:
    """Replay one session in one window (0: its own); None where the window cannot be the session's."""
    transcript = load(session.path)
    own = prepare(transcript, Settings(model=session.model))
    recording = prepare(transcript, Settings(model=session.model, window=window)) if window else own
    size = recording.session.window
    if own.overhead_tokens > OVERHEAD_SHARE * size:
        return None
    none = replay_strategy(recording, find_strategy("none"))
    assert none.cost_usd
    is_long = none.peak_tokens >= LONG_SHARE * size
    strategies = (*map(find_strategy, names), *(layer_1 if is_long else ()))
    done = [replay_strategy(recording, strategy) for strategy in strategies]
    return Row(
        name=_short(session.path),
        format=transcript.format,
        window=size,
        is_own=not window,
        calls=len(recording.calls),
        peak=none.peak_tokens,
        usd=none.cost_usd,
        outcomes={one.name: _outcome(one, none) for one in done},
        failure=next((one.failure for one in done if one.failure), ""),
        is_extra=session.is_extra,
    )


def _outcome(one: StrategyResult, none: StrategyResult) -> Outcome:
    return Outcome(
        cost=(one.cost_usd or 0.0) / (none.cost_usd or 1.0),
        peak=one.peak_tokens,
        sent=one.sent_tokens / none.sent_tokens,
        compactions=one.compactions,
        facts=one.facts_ratio,
        facts_at_end=one.final_facts_ratio,
    )


def measure_all(sessions: Sequence[Session], windows: Sequence[int], jobs: int) -> list[Row]:
    """Replay every session in its own window and in these, where it can be the session's."""
    work = [(session, window) for window in (0, *windows) for session in sessions]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        rows = [row for row in pool.map(_measure, work) if row is not None]
    own = {(row.name, row.window) for row in rows if row.is_own}
    return [row for row in rows if row.is_own or (row.name, row.window) not in own]


def _measure(job: tuple[Session, int]) -> Row | None:
    return measure(*job)


def _short(path: Path) -> str:
    return re.sub(r"\.traj$|\.trajectory$", "", path.stem)[:48].rstrip("-_.")


def tables(rows: Sequence[Row]) -> str:
    """Return the tables as Markdown."""
    sound = [row for row in rows if not row.failure]
    shown = [row for row in sound if row.fill >= LONG_SHARE]
    long = [row for row in shown if not row.is_extra]
    short = [row for row in sound if row.fill < LONG_SHARE and not row.is_extra]
    groups = [*_by_window(long), ("all", long)]
    parts = ["### Long enough to matter\n", _summary(groups)]
    parts += ["### The others\n", _summary([("all", short)])]
    parts += ["### Layer 1 alone, by when it acts\n", _summary(groups, [strategy.name for strategy in LAYER_1])]
    parts += [f"### Session by session, window {name}\n\n{_sessions(group)}" for name, group in _by_window(shown)]
    parts += [f"Left out: {row.name} in a window of {row.window:,}: {row.failure}.\n" for row in rows if row.failure]
    return "\n".join(parts)


def _by_window(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Group by window: each session's own first, then from the largest on."""
    groups: dict[int, list[Row]] = {}
    for row in sorted(rows, key=lambda one: (not one.is_own, -one.window)):
        groups.setdefault(0 if row.is_own else row.window, []).append(row)
    return [(f"{window // 1000}k" if window else "own", group) for window, group in groups.items()]


def _summary(groups: Sequence[tuple[str, Sequence[Row]]], names: Sequence[str] = STRATEGIES) -> str:
    lines = [
        "| window | sessions | strategy | cost | dearest | dearer than none | sent | peak of the window | compactions "
        "| facts | at end |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, rows in groups:
        for strategy in names if rows else ():
            found = [row.outcomes[strategy] for row in rows]
            dearer = sum(one.cost > 1 + ROUNDING for one in found)
            cells = (
                name,
                len(rows),
                strategy,
                _percent(mean(one.cost for one in found)),
                _percent(max(one.cost for one in found)),
                dearer,
                _percent(mean(one.sent for one in found)),
                _percent(mean(row.outcomes[strategy].peak / row.window for row in rows)),
                f"{mean(one.compactions for one in found):.1f}",
                _percent(mean(one.facts for one in found)),
                _percent(mean(one.facts_at_end for one in found)),
            )
            lines.append(_line(cells))
    return "\n".join(lines) + "\n"


def _sessions(rows: Sequence[Row]) -> str:
    head = ("session", "calls", "left alone", *SHOWN)
    lines = [_line(head), "|---|---:|---:|" + "---:|" * len(SHOWN)]
    for row in sorted(rows, key=lambda one: -one.peak):
        shown = [f"{_percent(row.outcomes[name].cost)}, {_percent(row.outcomes[name].facts)}" for name in SHOWN]
        name = f"{row.format} {row.name}{' (extra)' if row.is_extra else ''}"
        lines.append(_line((name, row.calls, f"{row.peak // 1000}k, ${row.usd:.2f}", *shown)))
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _percent(ratio: float) -> str:
    return f"{ratio:.0%}" if not 0.995 <= ratio < 1 and not 1 < ratio < 1.005 else f"{ratio:.1%}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print, or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sessions", nargs="+", type=Path)
    parser.add_argument("--extra", nargs="+", type=Path, default=[])
    parser.add_argument("--windows", default="128k,64k,32k")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    windows = [int(size.removesuffix("k")) * 1000 for size in given.windows.split(",") if size]
    extra = [session._replace(is_extra=True) for session in find_sessions(given.extra)]
    text = tables(measure_all([*find_sessions(given.sessions), *extra], windows, given.jobs))
    if given.write:
        DOCUMENT.write_text(MARKS.sub(lambda marks: marks[1] + text + marks[2], DOCUMENT.read_text("utf-8")), "utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
