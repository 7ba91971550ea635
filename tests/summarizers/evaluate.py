"""Prints how much survives compaction: `python -m tests.summarizers.evaluate [TRANSCRIPT ...]`.

Without arguments, or with a mode of `harness.rounds`: generated chats at several sizes, with and without header words.
With transcripts: the
built-in summary of each, and what it cost.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from cortex_cli.tokens import Counter, make_counter
from tests.summarizers import chats
from tests.summarizers.families import Family
from tests.summarizers.harness import Survival, rounds, survival

SHARES = (0.10, 0.20, 0.30, 0.60)
SEEDS = range(6)
GROUPS = (
    ("tuned", chats.TUNED),
    ("looked at", chats.DEV),
    ("held out", chats.HELD_OUT),
    ("fresh", chats.FRESH),
    ("latest", chats.LATEST),
    ("code", chats.CODE),
)
MODES = ("again", "window", "growing")


def tables(counter: Counter, mode: str = "again") -> Iterator[str]:
    """Yield the lines of the survival table."""
    yield f"{'family':18} {'size':>5} {'rules':>6} {'values':>6} {'facts':>6} {'latest':>6} {'stale':>6} {'alike':>6}"
    for group, families in GROUPS:
        for name, family in families.items():
            for headers in (False, True):
                for share in SHARES:
                    yield _row(f"{name}{' +headers' if headers else ''}", family, headers, share, mode, counter)
        yield f"-- above: {group}"


def _row(name: str, family: Family, headers: bool, share: float, mode: str, counter: Counter) -> str:
    runs: list[Survival] = []
    for seed in SEEDS:
        chat = chats.make_chat(family, seed, headers=headers)
        runs.append(survival(chat, rounds(chat, share, counter, mode)))
    means = {key: 100 * sum(getattr(run, key) for run in runs) / len(runs) for key in Survival.__slots__}
    columns = ("rules", "values", "facts", "latest", "stale", "lookalikes")
    return f"{name:18} {share:5.0%} " + " ".join(f"{means[key]:6.0f}" for key in columns)


def main(arguments: list[str]) -> None:
    """Print the tables, or the summaries of transcripts."""
    counter = make_counter("o200k_base")
    if not arguments or arguments[0] in MODES:
        for line in tables(counter, arguments[0] if arguments else MODES[0]):
            print(line, flush=True)
        return
    from cortex_cli import load  # noqa: PLC0415 - the tables need no formats
    from cortex_cli.summarizers.base import SummaryRequest  # noqa: PLC0415
    from cortex_cli.summarizers.builtin import summarize  # noqa: PLC0415
    from cortex_cli.summarizers.earlier import earlier_summary  # noqa: PLC0415

    for path in map(Path, arguments):
        transcript = load(path)
        messages = tuple(message for message in transcript.messages if not message.slot)
        tokens = sum(map(counter.count_message, messages))
        started = time.perf_counter()
        request = SummaryRequest(
            messages=tuple(message for message in messages if message.synthetic != "summary"),
            earlier=tuple(earlier_summary(message) for message in messages if message.synthetic == "summary"),
            max_tokens=max(800, min(12_000, tokens // 5)),
            counter=counter,
        )
        outcome = summarize(request)
        took = time.perf_counter() - started
        print(f"==== {path.name}: {len(messages)} messages, {tokens} tokens, {took:.2f} s")
        if outcome is not None:
            print(outcome.text)
            print(
                f"---- {counter.count_text(outcome.text)} tokens; facts {outcome.facts.found} found, "
                f"{outcome.facts.kept} kept"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
