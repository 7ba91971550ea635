"""The built-in summary on real sessions: within its size, the same each time, no structure from what it quotes."""

from functools import cache
from pathlib import Path

import pytest

from cortex_cli import load
from cortex_cli.errors import CortexError
from cortex_cli.messages import Message
from cortex_cli.summarizers.base import SummaryRequest
from cortex_cli.summarizers.builtin import summarize
from cortex_cli.summarizers.earlier import FACT, NOTE, QUOTE, is_marked
from cortex_cli.summarizers.sections import TITLES
from cortex_cli.tokens import HeuristicCounter
from tests.conftest import outputs_by_hash_seed

FOLDERS = ("claude-code", "codex", "pi", "openai-chat", "anthropic-messages", "axio", "cortex-mono")
LINES = (QUOTE, NOTE, FACT, *(f"## {title}" for title in TITLES.values()))


@cache
def sessions(shared: Path) -> list[tuple[str, tuple[Message, ...]]]:
    """Load every shared session that can be loaded, without slots and earlier summaries."""
    found = []
    for folder in FOLDERS:
        for path in sorted((shared / "transcripts" / folder).iterdir()):
            try:
                messages = load(path).messages
            except CortexError:
                continue
            kept = tuple(one for one in messages if not one.slot and one.synthetic != "summary")
            if kept:
                found.append((path.name, kept))
    return found


@pytest.mark.parametrize(
    "max_tokens", [pytest.param(60, marks=pytest.mark.slow), 800, pytest.param(6000, marks=pytest.mark.slow)]
)
def test_summary_fits_and_keeps_its_form(shared: Path, max_tokens: int) -> None:
    """Whatever a session holds, no line of it becomes a line of another kind."""
    counter = HeuristicCounter()
    for name, messages in sessions(shared):
        request = SummaryRequest(messages=messages, earlier=(), max_tokens=max_tokens, counter=counter)
        outcome = summarize(request)
        if outcome is None:
            continue
        assert counter.count_text(outcome.text) <= max_tokens, name
        assert astray(outcome.text) == [], name
        assert "</compaction-summary" not in outcome.text, name
        assert outcome.facts.found == outcome.facts.kept + len(outcome.facts.lost), name
        assert summarize(request) == outcome, name


def astray(text: str) -> list[str]:
    """Return the lines that are of no kind: without a sign only a quote goes on."""
    found: list[str] = []
    quoted = False
    for line in text.split("\n"):
        if line.startswith(LINES):
            quoted = line.startswith(QUOTE)
        elif not quoted or is_marked(line):
            found.append(line)
    return found


def test_hash_seed_changes_nothing() -> None:
    """Python orders sets anew in every process; a summary must not."""
    code = (
        "from tests.summarizers.chats import TUNED, make_chat; from tests.summarizers.harness import compact;"
        "from cortex_cli.tokens import HeuristicCounter; from tests.summarizers.chats import numbered;"
        "print(compact(list(numbered(make_chat(TUNED['ops'], 1).messages)), 1500, HeuristicCounter())[0].text)"
    )
    assert len(outputs_by_hash_seed(code)) == 1
