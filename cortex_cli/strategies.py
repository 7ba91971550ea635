"""Both strategies on the same session, side by side: what is left, what is still known, what of the prompt stays.

Nothing is written. The facts are those of one ledger, built from the whole input, whatever the strategy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from cortex_cli.compaction import compact
from cortex_cli.groups import safe_cuts
from cortex_cli.memory.telling import facts_in, facts_of
from cortex_cli.messages import Message, Transcript
from cortex_cli.remembering import Remembering
from cortex_cli.report import Facts, Report
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import Summarizer
from cortex_cli.tokens import Counter, count_messages, make_counter

STRATEGIES = ("classic", "observational")
SECOND_LAYER = {"classic": "summary", "observational": "observe"}

EARLY_SHARE = 0.5
"""Of the session's tokens that there were when it was first compacted, to see what a second time leaves of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """What a second compaction leaves of the prompt that the first one made."""

    tokens: int
    """Of that head, unchanged at the front of the second prompt: what a prompt cache still knows."""
    head_tokens: int
    """Of the head of the first prompt: all up to its summary or log, which takes the place of the history."""

    @property
    def ratio(self) -> float:
        """Share that is kept, 0-1."""
        return self.tokens / self.head_tokens if self.head_tokens else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one strategy made of the session."""

    strategy: str
    report: Report
    facts: Facts
    """Of the whole input, in the whole output."""
    prefix: Prefix

    def to_json(self) -> dict[str, Any]:
        """Return the entry of the JSON report."""
        report = self.report
        bill = {"summary_cost": cost} if (cost := report.extra.get("summary_cost")) else {}
        return {
            "strategy": self.strategy,
            "fired": [layer.name for layer in report.layers if layer.fired],
            "output": {"messages": report.output.messages, "tokens": report.output.tokens},
            "saved_tokens": report.saved_tokens,
            "saved_ratio": round(report.saved_ratio, 4),
            "facts": {"found": self.facts.found, "kept": self.facts.kept, "lost": list(self.facts.lost)},
            "prefix": {
                "tokens": self.prefix.tokens,
                "head_tokens": self.prefix.head_tokens,
                "ratio": round(self.prefix.ratio, 4),
            },
            "summarizer": report.summarizer,
            "elapsed_seconds": round(report.elapsed_seconds, 3),
            **bill,
        }


def compare_strategies(
    transcript: Transcript,
    settings: Settings,
    *,
    counter: Counter | None = None,
    summarizer: Summarizer | None = None,
    remembering: Remembering | None = None,
) -> tuple[Outcome, ...]:
    """Compact a session by each strategy; arguments and errors as `compact`.

    Returns:
        One for each strategy. Facts are counted by the same ledger. The prefix is that of two compactions by layer 2
        alone, one when half of the session was there and one at its end.
    """
    counter = counter or make_counter(settings.tokenizer)
    facts = facts_of([message for message in transcript.messages if not message.slot])
    outcomes = []
    for strategy in STRATEGIES:
        own = replace(settings, strategy=strategy)
        run = _Run(own, counter, summarizer if strategy == "classic" else None, remembering)
        done, report = run.compact(transcript, own)
        text = "\n".join(part.text for message in done for part in message.parts)
        outcomes.append(
            Outcome(strategy=strategy, report=report, facts=facts_in(text, facts), prefix=run.prefix(transcript))
        )
    return tuple(outcomes)


@dataclass(frozen=True, slots=True)
class _Run:
    """One strategy."""

    settings: Settings
    counter: Counter
    summarizer: Summarizer | None
    remembering: Remembering | None

    def compact(self, transcript: Transcript, settings: Settings) -> tuple[tuple[Message, ...], Report]:
        """Compact once."""
        result = compact(
            transcript,
            settings,
            counter=self.counter,
            summarizer=self.summarizer,
            remembering=self.remembering,
        )
        return result.transcript.messages, result.report

    def prefix(self, transcript: Transcript) -> Prefix:
        """Compact at half of the session and at its end, and hold the two prompts side by side."""
        settings = replace(
            self.settings,
            layers=(SECOND_LAYER[self.settings.strategy],),
            threshold=0.0,
            activation_ratio=0.0,
            fit=0,
            until="",
            strict=False,
            max_lost_facts=None,
        )
        messages = transcript.messages
        half = _half(messages, self.counter)
        first, _ = self.compact(transcript.with_messages(messages[:half]), settings)
        second, _ = self.compact(transcript.with_messages((*first, *messages[half:])), settings)
        memory = max((at for at, one in enumerate(first) if one.synthetic in ("summary", "log")), default=-1)
        head = first[: memory + 1]
        return Prefix(tokens=common_tokens(head, second, self.counter), head_tokens=count_messages(head, self.counter))


def _half(messages: Sequence[Message], counter: Counter) -> int:
    totals = list(accumulate(counter.count_message(message) for message in messages))
    wanted = EARLY_SHARE * (totals[-1] if totals else 0)
    return next((cut for cut in safe_cuts(messages) if cut and totals[cut - 1] >= wanted), len(messages))


def common_tokens(one: Sequence[Message], other: Sequence[Message], counter: Counter) -> int:
    """Count the tokens that two prompts have in common at their front, to the character."""
    tokens = 0
    for a, b in zip(one, other, strict=False):
        if (a.role, a.parts) == (b.role, b.parts):
            tokens += counter.count_message(a)
            continue
        if a.role == b.role:
            tokens += counter.count_text(a.text[: _same_characters(a.text, b.text)])
        break
    return tokens


def _same_characters(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
