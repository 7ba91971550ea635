"""Every real transcript through the pipeline, at three windows: what issue and specification promise of each.

The folder stands beside the project, not in it; without it nothing here runs.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cortex_cli import formats
from cortex_cli.compaction import CompactResult, compact
from cortex_cli.errors import DoesNotFitError, InputError
from cortex_cli.formats.source import Source
from cortex_cli.messages import Transcript
from cortex_cli.repair import repair
from cortex_cli.settings import Settings
from cortex_cli.sizing import measure
from cortex_cli.tokens import Counter, count_messages, make_counter
from cortex_cli.validity import Rules, find_problems
from tests.conftest import PROJECT, REAL_TRANSCRIPT
from tests.roundtrip import as_read_back, dump_all, essence, load_all, missing_record

FOLDER = PROJECT.parent / "shared" / "transcripts"
FORMATS = {
    "cline": "cline",
    "gemini": "gemini",
    "openai-responses": "openai-responses",
    "bedrock-converse": "bedrock-converse",
    "claude-code": "claude-code",
    "codex": "codex",
    "openai-chat": "openai",
    "anthropic-messages": "anthropic",
    "pi": "pi",
    "axio": "axio",
    "cortex-mono": "pi-history",
    "tau-bench": "tau-bench",
    "mini-swe-agent": "mini-swe-agent",
    "swe-agent": "swe-agent",
    "sharegpt": "sharegpt",
    "langchain": "langchain",
    "openhands": "openhands",
    "inspect-ai": "inspect-ai",
    "atif": "atif",
}
"""Folder -> name of its format."""

OTHERS = {
    "tests__test_data__local.e2040d.traj.json": "openai",
    "ec_38b74f08e3_2.session.json": "gemini-cli",
}
"""Files whose format is not their folder's: of version 0, a bare list of chat messages; a session of the CLI."""

NO_TRANSCRIPTS = ("session__session.json",)
"""Files that hold no conversation: the manifest of a session of Cline's."""

AMBIGUOUS = {"derived05.messages.json": {"openai"}, "derived09.messages.json": {"anthropic"}}
"""Files that another format could hold as well -> which; in all others something tells."""

FILES = [
    pytest.param(path, OTHERS.get(path.name, name), id=str(path.relative_to(FOLDER)))
    for folder, name in FORMATS.items()
    for path in sorted((FOLDER / folder).glob("*"))
    if path.name not in NO_TRANSCRIPTS
]
EACH_FILE = pytest.mark.parametrize(("path", "name"), FILES)
WINDOWS = (16_000, 64_000, 200_000)
EXACT_BYTES = 300_000
"""Files up to this size are run with exact counts too."""

UNFIT = {
    "rollout-2026-03-05T22-50-24-019cc1e9-6537-70a3-a8cd-d2957e043dd4__ec45ce69.jsonl": "rules and tools of the client",
    "test_pause_turn_web_search_vcr.request.json": "an answer in progress with encrypted results of the server",
}
"""Files of which more must stay than fits into a small window: what that is. All others must fit."""

COUNTER = make_counter("heuristic")


def run(transcript: Transcript, window: int, counter: Counter = COUNTER) -> CompactResult:
    """Compact with the layers that need no model."""
    settings = Settings(window=window, tokenizer=counter.name, layers=("cap", "micro", "failsafe"))
    return compact(transcript, settings, counter=counter)


@EACH_FILE
def test_detected_and_unharmed(path: Path, name: str) -> None:
    """Loading finds the format by itself and costs no byte."""
    data = path.read_bytes()
    transcripts = load_all(data)
    assert {one.format for one in transcripts} == {name}
    assert dump_all(transcripts) == data
    assert dump_all([one.with_messages(list(one.messages)) for one in transcripts]) == data


@EACH_FILE
def test_doubt_is_said(path: Path, name: str) -> None:
    """Two formats that hold the same list are both named, and only they; whichever is taken, nothing is lost."""
    source = Source(path.read_bytes(), path.name)
    found = formats.detect(source)
    assert name == found.format.NAME
    assert {one.NAME for one in found.others} == AMBIGUOUS.get(path.name, set())
    warnings = [warning for one in load_all(source.data) for warning in one.warnings]
    assert any("it could also be" in warning for warning in warnings) == bool(found.others)
    for other in found.others:
        assert dump_all([formats.load(source, other.NAME)]) == source.data


def test_what_is_no_transcript_is_refused(shared: Path) -> None:
    """A file that merely stands beside transcripts is not read as something near."""
    for name in NO_TRANSCRIPTS:
        (path,) = (shared / "transcripts").glob(f"*/{name}")
        with pytest.raises(InputError, match="not a transcript of a known format"):
            formats.detect(Source(path.read_bytes(), path.name))


@EACH_FILE
@pytest.mark.parametrize("window", WINDOWS)
def test_compacted(path: Path, name: str, window: int, record_property: Callable[[str, object], None]) -> None:
    """The output is valid, smaller or the same, whole in the user's words, and the second run changes nothing."""
    changed = check_compaction(path, name, window, COUNTER)
    record_property(REAL_TRANSCRIPT, [name, window, changed])


@pytest.mark.parametrize(
    ("path", "name"),
    [one for one in FILES if isinstance(one.values[0], Path) and one.values[0].stat().st_size < EXACT_BYTES],
)
def test_compacted_by_exact_counts(path: Path, name: str) -> None:
    """The default counter decides otherwise than the heuristic; the same holds."""
    check_compaction(path, name, WINDOWS[0], make_counter("o200k_base"))


def check_compaction(path: Path, name: str, window: int, counter: Counter) -> bool:
    """Compact and check all that must hold of every output; a data set holds several conversations.

    Returns:
        Whether anything was changed.
    """
    transcripts = load_all(path.read_bytes())
    try:
        results = [run(transcript, window, counter) for transcript in transcripts]
    except DoesNotFitError as error:
        check_refusal(path, transcripts, window, counter, error)
        return False
    output = dump_all([done.transcript for done in results])
    again = load_all(output)
    for before, done, after in zip(transcripts, results, again, strict=True):
        check_pair(before, done, after, formats.rules_of(name), counter)
    if len(transcripts) == 1:
        assert missing_record(transcripts[0], results[0].transcript, output) is None
    assert dump_all([run(one, window, counter).transcript for one in again]) == output
    return output != path.read_bytes()


def check_refusal(
    path: Path, transcripts: Sequence[Transcript], window: int, counter: Counter, error: DoesNotFitError
) -> None:
    """A refusal is right only for the files named for it, and where what must stay is alone too large."""
    assert path.name in UNFIT, error
    (transcript,) = transcripts
    settings = Settings(window=window, tokenizer=counter.name)
    sizes = measure(transcript, settings, counter)
    newest = transcript.messages[-settings.keep_last_messages :]
    stays = [one for one in transcript.messages if one.slot or (one in newest and one.result is None)]
    fixed = sizes.overhead_tokens + count_messages(stays, counter)
    assert settings.failsafe_threshold * window / sizes.scale < fixed <= error.smallest_tokens


def check_pair(before: Transcript, done: CompactResult, after: Transcript, rules: Rules, counter: Counter) -> None:
    """Compare a conversation with what was made of it and with what is read back."""
    repaired = repair(before.messages, rules, counter).messages
    assert find_problems(after.messages, rules) == ()
    assert list(formats.check(after)) == []
    assert essence(after.messages) == essence(as_read_back(done.transcript))
    assert count_messages(after.messages, counter) <= count_messages(repaired, counter)
    assert typed(after) == typed(before, without=dropped(done))


def typed(transcript: Transcript, *, without: frozenset[int] = frozenset()) -> list[str]:
    """Return the texts that a person wrote, but for those of some messages."""
    return [one.text for one in transcript.messages if one.typed and one.position not in without]


def dropped(done: CompactResult) -> frozenset[int]:
    """Return the messages that the report names as dropped."""
    changes = (change for layer in done.report.layers for change in layer.changes)
    return frozenset(change.message for change in changes if change.action == "dropped")
