"""Observational memory over recorded sessions: valid in every format, the same twice, its beginning unchanged."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cortex_cli import formats, marks
from cortex_cli.compaction import CompactResult, compact
from cortex_cli.errors import DoesNotFitError
from cortex_cli.groups import safe_cuts
from cortex_cli.messages import Message, Transcript
from cortex_cli.remembering import Remembering
from cortex_cli.repair import repair
from cortex_cli.settings import Settings
from cortex_cli.strategies import common_tokens
from cortex_cli.tokens import count_messages, make_counter
from cortex_cli.validity import find_problems
from tests.conftest import PROJECT
from tests.roundtrip import as_read_back, dump_all, essence, load_all
from tests.test_shared_transcripts import EACH_FILE, dropped

COUNTER = make_counter("heuristic")
OBSERVE = Settings(strategy="observational", layers=("observe",), activation_ratio=0.0, tokenizer="heuristic")
"""As `cortex observe` sets it."""
SMALL_WINDOW = Settings(strategy="observational", window=8_000, tokenizer="heuristic")

SESSIONS = PROJECT.parent / "shared" / "transcripts"
LONG = 30_000
"""Tokens of a session that fills a small window several times."""
WINDOW = 12_000
TIMES = 12
"""How often a growing session is compacted."""


@EACH_FILE
@pytest.mark.parametrize("settings", [OBSERVE, SMALL_WINDOW], ids=["observe", "small"])
@pytest.mark.slow
def test_every_format_takes_up_a_log(path: Path, name: str, settings: Settings) -> None:
    """Valid, read back as it was written, one log at most, and a second run changes no byte."""
    transcripts = load_all(path.read_bytes())
    try:
        results = [compact(one, settings, counter=COUNTER) for one in transcripts]
    except DoesNotFitError:
        pytest.skip("what must stay is larger than the window")
    output = dump_all([done.transcript for done in results])
    again = load_all(output)
    for before, done, after in zip(transcripts, results, again, strict=True):
        _check(before, done, after, name)
    assert dump_all([compact(one, settings, counter=COUNTER).transcript for one in again]) == output


def _check(before: Transcript, done: CompactResult, after: Transcript, name: str) -> None:
    rules = formats.rules_of(name)
    assert find_problems(after.messages, rules) == ()
    assert list(formats.check(after)) == []
    assert essence(after.messages) == essence(as_read_back(done.transcript))
    assert sum(message.synthetic == "log" for message in after.messages) <= 1
    repaired = repair(before.messages, rules, COUNTER).messages
    assert count_messages(after.messages, COUNTER) <= count_messages(repaired, COUNTER)
    latest = [message for message in before.messages if message.typed][-1:]
    if latest and latest[0].position not in dropped(done):  # by the failsafe, which comes behind the memory
        assert [message.text for message in after.messages if message.typed][-1] == latest[0].text


def _long_sessions() -> list[object]:
    if not SESSIONS.is_dir():
        return [pytest.param("", marks=pytest.mark.skip(reason="no ../shared beside the project"))]
    found = []
    for client in ("claude-code", "codex", "pi"):
        sized = [(path.stat().st_size, path) for path in (SESSIONS / client).glob("*.jsonl")]
        for _, path in sorted(sized, reverse=True)[:3]:
            transcript = load_all(path.read_bytes())[0]
            if count_messages(transcript.messages, COUNTER) > LONG:
                found.append(pytest.param(str(path), id=f"{client}-{path.name[-14:-6]}"))
    return found


def _grown(transcript: Transcript) -> list[Transcript]:
    """Return the session as it was at several times, the last of them now."""
    cuts = [cut for cut in safe_cuts(transcript.messages) if cut]
    bare = replace(transcript, usage=None)
    chosen = sorted({cuts[len(cuts) * number // TIMES - 1] for number in range(1, TIMES + 1)})
    return [bare.with_messages(transcript.messages[:cut]) for cut in chosen]


def _head(messages: Sequence[Message]) -> tuple[Message, ...]:
    at = max((at for at, message in enumerate(messages) if message.synthetic == "log"), default=-1)
    return tuple(messages[: at + 1])


@pytest.mark.parametrize("path", _long_sessions())
@pytest.mark.slow
def test_the_beginning_of_the_prompt_stays_between_reflections(path: str) -> None:
    """What a cache holds of the log stays the same bytes until the log is condensed: only hints at its end change."""
    settings = Settings(strategy="observational", window=WINDOW, tokenizer="heuristic", layers=("cap", "observe"))
    state, generation, head, log = None, 0, (), ""
    kept = whole = 0
    for transcript in _grown(load_all(Path(path).read_bytes())[0]):
        done = compact(transcript, settings, counter=COUNTER, remembering=Remembering(state=state, saves=True))
        state = done.report.memory
        assert state is not None
        if state["generation"] == generation and head:
            kept += common_tokens(head, done.transcript.messages, COUNTER)
            whole += count_messages(head, COUNTER)
            assert state["observations"].startswith(log)
            (now,) = (message for message in done.transcript.messages if message.synthetic == "log")
            assert now.text.startswith(head[-1].text[: head[-1].text.index("\n</observations>")])
        generation, log = state["generation"], state["observations"]
        head = _head(done.transcript.messages)
        assert not head or marks.parse_log(head[-1].text) is not None
    assert log
    if whole:
        print(f"{Path(path).name}: {kept} of {whole} tokens in front stayed, {generation} reflections")
        assert kept >= 0.95 * whole
