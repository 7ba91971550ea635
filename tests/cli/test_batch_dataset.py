"""Data sets too large to be read whole: the same result as in one piece, in order, line for line."""

import gzip
import json
import random
import sys
from pathlib import Path

import pytest

from cortex_cli.batch import dataset
from tests.bench.measure import run_child
from tests.cli.command import SAMPLES, cortex

OPTIONS = (
    "--fit",
    "40%",
    "--tokenizer",
    "heuristic",
    "--now",
    "2026-03-04T00:00:00Z",
    "--layers",
    "cap,micro,failsafe",
)


def conversation(number: int, size: int = 30) -> bytes:
    """Write one line: a conversation of that many messages."""
    chance = random.Random(number)
    words = ["the", "build", "of", "part", "failed", "while", "reading", "cache"]
    messages = [
        {"role": ("user", "assistant")[at % 2], "content": " ".join(chance.choices(words, k=40)) + f" {number}.{at}"}
        for at in range(size)
    ]
    return json.dumps({"id": number, "messages": messages}).encode() + b"\n"


@pytest.fixture
def lines(chdir_tmp: Path) -> list[bytes]:
    """Write `data.jsonl` and return its lines; some hold no conversation, two are broken."""
    found = [conversation(number) for number in range(300)]
    found[7] = b'{"meta": "no conversation"}\n'
    found[100] = b'{"messages": [{"role": "user", "content": "torn\n'
    found[299] = b'{"messages": [{"role": \xff\n'
    (chdir_tmp / "data.jsonl").write_bytes(b"".join(found))
    return found


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "STREAM_BYTES", 1_000)
    monkeypatch.setattr(dataset, "PIECE_BYTES", 50_000)


def test_order_and_lines_stay(lines: list[bytes]) -> None:
    """Line n of the result is line n of the input made smaller; what cannot be read stays, with a warning."""
    result = cortex("batch", "data.jsonl", "-o", "out.jsonl", *OPTIONS, "--jobs", "1", "--json")
    report = json.loads(result.stdout)
    written = Path("out.jsonl").read_bytes().splitlines(keepends=True)
    assert len(written) == len(lines)
    for number, (before, after) in enumerate(zip(lines, written, strict=True)):
        if number in (7, 100, 299):
            assert after == before
        else:
            assert json.loads(after)["id"] == number
            assert len(after) < len(before)
    assert result.exit_code == 0
    assert [warning for warning in report["files"][0]["warnings"] if ":101" in warning or "line 101" in warning]
    assert report["files"][0]["output"]["bytes"] == Path("out.jsonl").stat().st_size
    assert report["totals"]["saved_tokens"] == report["files"][0]["saved_tokens"] > 0


def test_pieces_and_processes_make_no_difference(lines: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes whole, in pieces, in several processes and compressed."""
    for name, jobs in (("one", "1"), ("two", "2")):
        cortex("batch", "data.jsonl", "-o", f"{name}.jsonl", *OPTIONS, "--jobs", jobs, "-q")
    Path("packed.jsonl.gz").write_bytes(gzip.compress(b"".join(lines)))
    cortex("batch", "packed.jsonl.gz", "-o", "three.jsonl.gz", *OPTIONS, "--jobs", "1", "-q")
    monkeypatch.setattr(dataset, "PIECE_BYTES", 1)
    cortex("batch", "data.jsonl", "-o", "four.jsonl", *OPTIONS, "--jobs", "1", "-q")
    one = Path("one.jsonl").read_bytes()
    assert one == Path("two.jsonl").read_bytes() == Path("four.jsonl").read_bytes()
    assert one == gzip.decompress(Path("three.jsonl.gz").read_bytes())


@pytest.mark.usefixtures("lines")
def test_the_sums_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures added up over pieces are those of one reading."""
    data = b"".join(
        line for at, line in enumerate(Path("data.jsonl").read_bytes().splitlines(keepends=True)) if at < 90
    )
    Path("good.jsonl").write_bytes(data)

    def totals() -> dict[str, object]:
        result = cortex("batch", "good.jsonl", "--dry-run", *OPTIONS, "--json")
        [entry] = json.loads(result.stdout)["files"]
        return {name: entry[name] for name in ("input", "output", "saved_tokens", "saved_ratio", "layers")}

    streamed = totals()
    monkeypatch.setattr(dataset, "STREAM_BYTES", 10**12)
    whole = totals()
    for report in (streamed, whole):
        report["input"].pop("sha256")  # type: ignore[attr-defined]
        report["layers"] = [(one["name"], one["tokens_before"], one["changed"]) for one in report["layers"]]  # type: ignore[attr-defined]
    assert streamed == whole


@pytest.mark.usefixtures("lines")
def test_in_place_keeps_a_backup_and_a_second_run_changes_nothing() -> None:
    """As for any other file."""
    before = Path("data.jsonl").read_bytes()
    options = ("--fit", "700", *OPTIONS[2:], "-q")  # a share would be a smaller one the second time
    assert cortex("batch", "data.jsonl", "--in-place", *options).exit_code == 0
    after = Path("data.jsonl").read_bytes()
    assert Path("data.jsonl.bak").read_bytes() == before != after
    Path("cortex-batch.jsonl").unlink()
    assert cortex("batch", "data.jsonl", "--in-place", *options).exit_code == 0
    assert Path("data.jsonl").read_bytes() == after
    assert not Path("data.jsonl.bak.1").exists()


def test_nothing_to_do_is_the_input(chdir_tmp: Path) -> None:
    """Without a reason to act the bytes are the same, compressed or not."""
    data = b"".join(conversation(number, 4) for number in range(50))
    (chdir_tmp / "in").mkdir()
    (chdir_tmp / "in" / "a.jsonl").write_bytes(data)
    (chdir_tmp / "in" / "b.jsonl.gz").write_bytes(gzip.compress(data))
    assert cortex("batch", "in", "-o", "out", "-q").exit_code == 0
    for name in ("a.jsonl", "b.jsonl.gz"):
        assert Path("out", name).read_bytes() == Path("in", name).read_bytes()


@pytest.mark.slow
def test_a_large_data_set_takes_little_memory(chdir_tmp: Path) -> None:
    """What is read is let go; a gigabyte takes no more than this (`tests/bench` measures one)."""
    block = b"".join(conversation(number, 200) for number in range(60))
    path = chdir_tmp / "big.jsonl"
    with path.open("wb") as stream:
        while stream.tell() < 120_000_000:
            stream.write(block)
    arguments = ("batch", str(path), "-o", str(chdir_tmp / "out.jsonl"), *OPTIONS, "-q", "--jobs", "2")
    assert run_child([sys.executable, "-m", "cortex_cli", *arguments]).peak_bytes < 200_000_000
    assert Path("out.jsonl").read_bytes().count(b"\n") == path.read_bytes().count(b"\n")


def test_a_session_is_never_taken_for_a_data_set(chdir_tmp: Path) -> None:
    """One message a line is one conversation, however large."""
    data = (SAMPLES / "claude-code.jsonl").read_bytes()
    (chdir_tmp / "s.jsonl").write_bytes(data)
    assert cortex("batch", "s.jsonl", "-o", "out", "--window", "32k", "--fit", "8k", "-q").exit_code == 0
    assert b"compact_boundary" in Path("out/s.jsonl").read_bytes()
