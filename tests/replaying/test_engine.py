"""Sessions replayed call by call."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cortex_cli import Settings, load
from cortex_cli.errors import InputError, OptionError
from cortex_cli.replaying.engine import replay, replay_strategy
from cortex_cli.replaying.policies import STRATEGIES, find_strategy
from cortex_cli.replaying.recorded import calls_of
from cortex_cli.replaying.recording import prepare
from cortex_cli.replaying.results import pareto_front
from cortex_cli.replaying.sweep import cheapest, parse_sweep, strategies_of
from cortex_cli.tokens import make_counter
from tests.cli.command import SAMPLES, cortex

COUNTER = make_counter("heuristic")
SETTINGS = Settings(tokenizer="heuristic", window=8_000, model="claude-opus-4-5")


def session(turns: int = 40, *, usage: bool = True) -> bytes:
    """Write a Claude Code session: a rule, then reads of files of 400 tokens, one a minute."""
    lines: list[dict[str, Any]] = []

    def add(kind: str, content: Any, **more: Any) -> None:
        number = len(lines)
        lines.append(
            {
                "parentUuid": lines[-1]["uuid"] if lines else None,
                "isSidechain": False,
                "sessionId": "5e55101d-0000-4000-8000-000000000001",
                "type": kind,
                "message": {"role": kind, "content": content, **more},
                "uuid": f"00000000-0000-4000-8000-{number:012}",
                "timestamp": f"2026-01-02T{number // 60:02}:{number % 60:02}:00.000Z",
            }
        )

    add("user", "Never edit the folder migrations/. The port must stay 8473. Look at every file.")
    for turn in range(turns):
        told = {"input_tokens": 5, "cache_read_input_tokens": 100 + 410 * turn, "output_tokens": 20} if usage else {}
        call = {"type": "tool_use", "id": f"toolu_{turn}", "name": "Read", "input": {"path": f"src/file_{turn}.py"}}
        add("assistant", [call], id=f"msg_{turn}", model="claude-opus-4-5", usage=told)
        text = f"line of file {turn} with something in it\n" * 40
        add("user", [{"type": "tool_result", "tool_use_id": f"toolu_{turn}", "content": text}])
    add("assistant", [{"type": "text", "text": "All files are fine."}], id="msg_end", model="claude-opus-4-5", usage={})
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)


def test_every_answer_is_a_call_with_its_time_and_usage() -> None:
    """What was recorded is what is walked."""
    calls = calls_of(load(session(3)), COUNTER)
    assert [call.answer for call in calls] == [1, 3, 5, 7]
    assert [call.time - calls[0].time for call in calls] == [0, 120, 240, 360]
    assert [call.usage.input_tokens if call.usage else None for call in calls] == [105, 515, 925, None]
    assert calls[0].output_tokens == 20


def test_recorded_usage_of_other_clients_is_read(shared: Path) -> None:
    """Codex counts behind its answers, pi has names of its own."""
    for name in ("codex", "pi"):
        found = 0
        for path in (shared / "transcripts" / name).glob("*.jsonl"):
            found += sum(call.usage is not None for call in calls_of(load(path), COUNTER))
        assert found > 100, name


def test_simulated_sizes_are_those_that_were_recorded(shared: Path) -> None:
    """What a replay says rests on its sizes: the middle of all calls of real sessions, and nine tenths of them."""
    ratios = []
    for path in (shared / "transcripts" / "claude-code").glob("*.jsonl"):
        recording = prepare(load(path), Settings()) if calls_of(load(path), COUNTER) else None
        told = [(call, call.usage) for call in recording.calls if call.usage] if recording else []
        if recording and len(told) > 10:
            ratios += [usage.input_tokens / recording.session.ends[call.answer - 1] for call, usage in told]
    ratios.sort()
    assert len(ratios) > 400
    assert 0.97 <= ratios[len(ratios) // 2] <= 1.03
    assert ratios[len(ratios) // 20] >= 0.85
    assert ratios[-len(ratios) // 20] <= 1.15


def test_nothing_done_is_the_recording_itself() -> None:
    """Every call sends all that stands before it; nothing is lost and no cache breaks."""
    transcript = load(session())
    [none] = replay(transcript, [find_strategy("none")], SETTINGS).strategies
    sizes = [COUNTER.count_message(message) for message in transcript.messages]
    prepared = prepare(transcript, SETTINGS)
    for call in none.calls:
        expected = sum(round(size * prepared.session.scale) for size in sizes[: call.answer])
        assert call.charge.tokens - prepared.overhead_tokens == expected
    assert (none.compactions, none.breaks, none.facts_ratio) == (0, 0, 1.0)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=[one.name for one in STRATEGIES])
def test_every_strategy_walks_every_call(strategy: Any) -> None:
    """In a window that half of the session fills, each does what it is for."""
    recording = prepare(load(session()), SETTINGS)
    result = replay_strategy(recording, strategy)
    assert result.failure == ""
    assert len(result.calls) == len(recording.calls)
    assert 0 <= result.facts_ratio <= 1
    if strategy.name in ("classic", "observational", "failsafe", "truncate-oldest", "summarize-80"):
        assert result.peak_tokens <= recording.session.window * 1.05  # the newest result comes on top
        assert result.compactions > 0
    told = [call.facts_known for call in result.calls]
    assert told == sorted(told)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=[one.name for one in STRATEGIES])
def test_pieces_of_a_cut_account_for_all_of_its_tokens(strategy: Any) -> None:
    """What left, what was shortened and what came, with what was said since, make the one request of the other."""
    recording = prepare(load(session()), SETTINGS)
    calls = replay_strategy(recording, strategy).calls
    for last, call in pairwise(calls):
        said = recording.session.tokens(last.answer, call.answer) - recording.overhead_tokens
        change = sum(piece.after - piece.before for piece in call.pieces)
        assert call.charge.tokens == last.charge.tokens + change + said
        assert bool(call.pieces) == bool(call.cut)


def test_a_report_with_texts_tells_what_became_of_each_message() -> None:
    """A page shows what was cut; a report for programs stays as small as it was."""
    found = replay(load(session()), [find_strategy("clear-tool-uses"), find_strategy("classic")], SETTINGS)
    assert not any("pieces" in call for one in found.to_json()["strategies"] for call in one["calls"])
    _, classic = found.to_json(texts=True)["strategies"]
    pieces = next(call["pieces"] for call in classic["calls"] if call["cut"])
    left = next(piece for piece in pieces if piece["message"] >= 0 and not piece["tokens_after"])
    message = found.messages[left["message"]]
    assert left["before"].endswith(message.parts[-1].text[:2000])
    assert left["tokens_before"] > 0
    came = [piece for piece in pieces if not piece["tokens_before"]]
    assert [piece["kind"] for piece in came] == ["summary"]
    assert came[0]["after"].startswith("<compaction-summary")
    shorter = [piece for piece in pieces if piece["tokens_before"] > piece["tokens_after"] > 0]
    assert all(piece["before"][:50] == piece["after"][:50] or "Tool result" in piece["after"] for piece in shorter)


def test_a_rule_survives_where_it_is_kept() -> None:
    """The summary keeps the user's rule, the sliding window does not: cost is never shown without loss."""
    result = replay(load(session(60)), [find_strategy("classic"), find_strategy("keep-last-40")], SETTINGS)
    classic, sliding = result.strategies
    assert classic.final_facts_ratio > sliding.final_facts_ratio


def test_what_a_model_would_take_for_its_summaries_is_paid() -> None:
    """`summary_tokens` stands for a model that writes summaries of that size."""
    transcript = load(session(60))
    free = replay(transcript, [find_strategy("classic")], SETTINGS).strategies[0]
    paid = replay(transcript, [find_strategy("classic")], SETTINGS, summary_tokens=900).strategies[0]
    assert paid.cost_usd is not None
    assert free.cost_usd is not None
    assert paid.cost_usd > free.cost_usd


def test_a_file_without_calls_is_one_line() -> None:
    """There is nothing to replay in a single question."""
    with pytest.raises(InputError, match="no call of a model") as caught:
        replay(load(b'[{"role": "user", "content": "hi"}]', format="openai"))
    assert caught.value.hint


def test_a_sweep_names_the_cheapest_that_keeps_enough() -> None:
    """Both ends are in it, and the front falls in cost as it falls in facts."""
    sweep = parse_sweep("threshold=0.5:0.9:0.2")
    assert sweep.values == ("0.5", "0.7", "0.9")
    results = replay(load(session(60)), strategies_of(sweep), SETTINGS).strategies
    front = pareto_front(results)
    assert [one.cost_usd for one in front] == sorted(one.cost_usd or 0 for one in front)
    assert [one.facts_ratio for one in front] == sorted(one.facts_ratio for one in front)
    assert cheapest(results, 0.0) is front[0]
    assert cheapest(results, 1.1) is None
    for wrong in ("thresold=1:2:1", "threshold=0.5", "threshold=0.9:0.5:0.1", "threshold=0:1:0.001", "threshold=a:b:c"):
        with pytest.raises(OptionError):
            parse_sweep(wrong)


def test_the_command_prints_a_table_data_and_lines(chdir_tmp: Path) -> None:
    """To read, for programs, for a spreadsheet."""
    (chdir_tmp / "s.jsonl").write_bytes(session())
    options = ("--tokenizer", "heuristic", "--window", "8k")
    table = cortex("replay", "s.jsonl", *options)
    assert table.exit_code == 0, table.stderr
    assert all(strategy.name in table.stdout for strategy in STRATEGIES)
    assert all(len(line) <= 80 for line in table.stdout.splitlines())
    data = json.loads(cortex("replay", "s.jsonl", *options, "--json", "--strategies", "none,classic").stdout)
    assert [one["name"] for one in data["strategies"]] == ["none", "classic"]
    assert len(data["strategies"][0]["calls"]) == data["calls"]
    lines = cortex("replay", "s.jsonl", *options, "--csv", "--strategies", "none").stdout.splitlines()
    assert len(lines) == 1 + data["calls"]
    assert lines[0].startswith("session,strategy,message,time,tokens")
    swept = cortex("replay", "s.jsonl", *options, "--sweep", "threshold=0.5:0.7:0.2", "--keep-facts", "50%")
    assert "cheapest that keeps 50% of the facts" in swept.stdout


def test_several_sessions_and_processes(chdir_tmp: Path) -> None:
    """A bad one is named and the others are shown; the result does not depend on the processes."""
    (chdir_tmp / "a.jsonl").write_bytes(session(5))
    (chdir_tmp / "bad.jsonl").write_bytes(b"\x00\n")
    both = cortex("replay", "a.jsonl", "bad.jsonl", "--json", "--tokenizer", "heuristic", "--strategies", "none")
    assert both.exit_code == 1
    assert "bad.jsonl" in both.stderr
    one, two = (
        cortex(
            "replay", "a.jsonl", "--json", "--tokenizer", "heuristic", "--strategies", "none,micro", "-j", jobs
        ).stdout
        for jobs in ("1", "2")
    )
    assert json.loads(one) == json.loads(two)


def test_samples_can_be_replayed() -> None:
    """Every kind of session that the project writes for itself."""
    for path in SAMPLES.glob("*.json*"):
        result = cortex("replay", path, "--json", "--strategies", "none,classic", "--window", "32k")
        assert result.exit_code == 0, (path, result.stderr)
