"""Logs of inspect-ai in their zip: read as the log they are, written as a zip in which only what changed is new."""

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli import Settings, compact, compressors, formats, packing
from cortex_cli.errors import CortexError, ExitCode, InputError, OptionError, UnknownFormatError
from cortex_cli.formats.source import Source
from cortex_cli.library import dump, load, load_all
from cortex_cli.messages import Message
from cortex_cli.zipped_logs import write
from tests.cli.command import cortex, spawn
from tests.conftest import filler
from tests.eval_logs import DEFLATE, STORED, ZSTD, Object, entries_of, read_zip, zip_of
from tests.strategies import CONVERSATIONS
from tests.wire_agents import inspect_log

FIT = ("--fit", "1500", "--tokenizer", "heuristic", "-q")
SHORT = Settings(window=2_000, fit=600, tokenizer="heuristic", layers=("micro", "failsafe"))


def sample(own_id: int | str, epoch: int = 1, *, chars: int = 9_000) -> Object:
    """Build a sample with a long result, unless that is to be short."""
    call = {"id": "c", "function": "ls", "arguments": {"n": 1.50}}
    messages: list[Object] = [
        {"id": "m1", "role": "user", "content": f"go {own_id}"},
        {"id": "m2", "role": "assistant", "content": "I look", "tool_calls": [call]},
        {"id": "m3", "role": "tool", "content": "attachment://aa", "tool_call_id": "c", "function": "ls"},
        {"id": "m4", "role": "assistant", "content": "done"},
    ]
    events = [{"event": "model", "input": [{"content": "attachment://aa"}]}]
    return {
        "id": own_id,
        "epoch": epoch,
        "messages": messages,
        "events": events,
        "attachments": {"aa": filler(chars)},
    }


def log(*samples: Object) -> Object:
    """Build a log."""
    return {"version": 2, "status": "success", "eval": {"model": "m", "x": 1.10}, "samples": list(samples)}


SAMPLES = (sample("a"), sample("b/c", chars=90), sample("a", 2))
LOG = log(*SAMPLES)


@pytest.fixture(params=[STORED, DEFLATE, ZSTD])
def path(request: pytest.FixtureRequest, chdir_tmp: Path) -> Path:
    """Write a log of three samples, of which the first and the last are long."""
    file = chdir_tmp / "x.eval"
    file.write_bytes(zip_of(entries_of(LOG), request.param))
    return file


def spans(data: bytes) -> dict[str, bytes]:
    """Return name -> compressed data as they stand, of every entry."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
    starts = [info.header_offset + 30 + len(info.filename.encode()) + len(info.extra) for info in infos]
    return {info.filename: data[start : start + info.compress_size] for info, start in zip(infos, starts, strict=True)}


def test_a_zip_is_read_as_its_json_form(path: Path) -> None:
    """One way to read a log, whichever way it is stored."""
    document = packing.unpack(path.read_bytes(), "x.eval")
    assert json.loads(document) == {**LOG, "reductions": [{"scorer": "includes", "samples": []}]}
    assert [one.text for one in load_all(path)[2].messages] == [
        one.text for one in load_all(json.dumps(LOG).encode())[2].messages
    ]
    assert len(load_all(path.read_bytes())) == 3


def test_only_changed_samples_are_new(path: Path) -> None:
    """Everything else is the same compressed bytes, in the same order; the summaries count what is there."""
    assert cortex("compact", path.name, *FIT).exit_code == 0
    before, after = path.read_bytes(), Path("x.compacted.eval").read_bytes()
    assert list(spans(before)) == list(spans(after))
    changed = {name for name, data in spans(before).items() if spans(after)[name] != data}
    assert changed == {"samples/a_epoch_1.json", "samples/a_epoch_2.json"}
    made = read_zip(after)
    assert len(made["samples/a_epoch_1.json"]) < 9_000
    assert cortex("compact", path.name, *FIT, "-o", "y.json").exit_code == 0
    assert json.loads(Path("y.json").read_bytes()) == json.loads(packing.unpack(after, "-"))


@pytest.mark.usefixtures("chdir_tmp")
def test_summaries_count_the_messages_that_are_left() -> None:
    """A list of samples says how long each is; nothing else of it is touched."""
    talk = [{"role": role, "content": f"{at} {filler(300)}"} for at in range(10) for role in ("user", "assistant")]
    data = zip_of(entries_of(log(sample("a") | {"messages": talk}, sample("b", chars=90))))
    Path("x.eval").write_bytes(data)
    assert cortex("compact", "x.eval", *FIT, "--layers", "failsafe", "--fit", "1k").exit_code == 0
    before, after = read_zip(data), read_zip(Path("x.compacted.eval").read_bytes())
    counts = [len(json.loads(after[f"samples/{name}_epoch_1.json"])["messages"]) for name in "ab"]
    assert (counts[0] < 20, counts[1]) == (True, 4)
    for name in ("summaries.json", "_journal/summaries/1.json"):
        assert [row["message_count"] for row in json.loads(before[name])] == [20, 4]
        assert after[name] == before[name].strip().replace(
            b'"message_count": 20', f'"message_count": {counts[0]}'.encode()
        )
    for name in ("header.json", "_journal/start.json", "reductions.json"):
        assert before[name] == after[name]


def test_what_stays_as_it_is_keeps_every_byte(path: Path) -> None:
    """Under another name, through standard streams, in place."""
    data = path.read_bytes()
    assert cortex("compact", path.name, "-q", "-o", "same.eval").exit_code == 0
    assert Path("same.eval").read_bytes() == data
    assert spawn("compact", "-q", input=path.read_bytes()).stdout == data
    assert cortex("compact", path.name, "-q", "--in-place").exit_code == 0
    assert path.read_bytes() == data


def test_every_way_in_and_out(path: Path) -> None:
    """Files, streams, in place with a backup, nothing at all: the same log."""
    data = path.read_bytes()
    assert cortex("compact", path.name, *FIT, "-o", "small.eval").exit_code == 0
    small = Path("small.eval").read_bytes()
    assert spawn("compact", *FIT, input=path.read_bytes()).stdout == small
    assert cortex("compact", path.name, *FIT, "--in-place").exit_code == 0
    assert path.read_bytes() == small
    assert Path("x.eval.bak").read_bytes() == data
    assert cortex("compact", "small.eval", *FIT, "-o", "again.eval").exit_code == 0
    assert Path("again.eval").read_bytes() == small
    shown = cortex("compact", "x.eval", "--dry-run", "--json")
    assert json.loads(shown.stdout)["input"]["bytes"] == json.loads(shown.stdout)["output"]["bytes"] == len(small)
    assert cortex("check", "small.eval").exit_code == 0


@pytest.mark.usefixtures("chdir_tmp")
def test_one_sample_alone() -> None:
    """Commands for one conversation read a log of one; the library writes it by way of the file it came from."""
    Path("one.eval").write_bytes(zip_of(entries_of(log(SAMPLES[0])), ZSTD))
    assert "go a" in cortex("show", "one.eval").stdout
    assert cortex("stats", "one.eval", "--json").exit_code == 0
    small = compact(load("one.eval"), SHORT).transcript
    dump(small, "small.eval")
    assert [one.text for one in load("small.eval").messages] == [one.text for one in small.messages]
    assert json.loads(dump(small))["samples"][0]["id"] == "a"
    assert cortex("convert", "one.eval", "--to", "openai", "--lossy", "-q").exit_code == 0
    assert load("one.openai.json").messages[0].text == "go a"


def test_a_batch_takes_logs_along(chdir_tmp: Path) -> None:
    """Archives of evaluations are folders of them; other zips are left alone, and nothing is done twice."""
    folder = chdir_tmp / "in"
    folder.mkdir()
    (folder / "x.eval").write_bytes(zip_of(entries_of(LOG), ZSTD))
    (folder / "other.eval").write_bytes(zip_of({"a.txt": b"a"}))
    assert cortex("batch", "in", "-o", "out", *FIT).exit_code == 0
    assert len(load_all("out/x.eval")) == 3
    assert len(Path("out/x.eval").read_bytes()) < len((folder / "x.eval").read_bytes())
    assert not Path("out/other.eval").exists()
    assert json.loads(cortex("batch", "in", "-o", "out", *FIT, "--json").stdout)["totals"]["finished_before"] == 2


@pytest.mark.usefixtures("chdir_tmp")
def test_originals_come_back() -> None:
    """From the archive, into a zip that holds what the first one held."""
    Path("x.eval").write_bytes(zip_of(entries_of(log(*(sample(number) for number in range(3)))), ZSTD))
    before = read_zip(Path("x.eval").read_bytes())
    assert cortex("compact", "x.eval", "--fit", "100", "--archive", "a.sqlite", "-q").exit_code == 0
    assert read_zip(Path("x.compacted.eval").read_bytes()) != before
    for output in ("back.eval", "back.json"):
        assert cortex("restore", "x.compacted.eval", "--archive", "a.sqlite", "-o", output).exit_code == 0
    after = read_zip(Path("back.eval").read_bytes())
    assert {name: json.loads(data) for name, data in after.items()} == {
        name: json.loads(data) for name, data in before.items()
    }
    assert json.loads(Path("back.json").read_bytes())["samples"] == [sample(number) for number in range(3)]


@pytest.mark.usefixtures("chdir_tmp")
def test_a_run_that_has_not_ended() -> None:
    """Its header is in the journal; a sample that was run again is in the zip twice, and the second counts."""
    entries = entries_of(log(SAMPLES[0]))
    del entries["header.json"], entries["summaries.json"], entries["reductions.json"]
    old = json.dumps(sample("a", chars=20)).encode()
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = zip_of([("samples/a_epoch_1.json", old), *entries.items()])
    [transcript] = load_all(data)
    assert len(transcript.messages[2].parts[0].text) > 8_000
    Path("x.eval").write_bytes(data)
    assert cortex("compact", "x.eval", *FIT, "-o", "y.eval").exit_code == 0
    with zipfile.ZipFile("y.eval") as archive:
        infos = [one for one in archive.infolist() if one.filename == "samples/a_epoch_1.json"]
        assert archive.read(infos[0]) == old
        assert len(archive.read(infos[1])) < 8_000


@pytest.mark.usefixtures("chdir_tmp")
def test_what_writers_of_zips_do() -> None:
    """Sizes behind the data, extra fields, comments, something in front of the directory."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = b"of the archive"
        for name, data in entries_of(LOG).items():
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(data)
        archive.infolist()[0].extra += b"\x99\x99\x02\x00ab"
        archive.infolist()[0].comment = b"of an entry"
    unseekable = io.BytesIO()
    unseekable.seekable = lambda: False  # type: ignore[method-assign]
    with zipfile.ZipFile(unseekable, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries_of(LOG).items():
            archive.writestr(name, data)
    for number, data in enumerate((out.getvalue(), unseekable.getvalue())):
        Path(f"{number}.eval").write_bytes(data)
        assert cortex("compact", f"{number}.eval", *FIT, "-o", f"{number}.small.eval").exit_code == 0
        made = read_zip(Path(f"{number}.small.eval").read_bytes())
        assert {name for name, body in made.items() if body != entries_of(LOG)[name]} == {
            "samples/a_epoch_1.json",
            "samples/a_epoch_2.json",
        }
    with zipfile.ZipFile("0.small.eval") as archive:
        assert archive.comment == b"of the archive"
        assert archive.infolist()[0].comment == b"of an entry"
        assert b"\x99\x99\x02\x00ab" in archive.infolist()[0].extra


@given(drawn=st.lists(CONVERSATIONS, min_size=1, max_size=3), method=st.sampled_from([STORED, DEFLATE, ZSTD]))
def test_a_zip_is_compacted_as_its_json_form_is(drawn: list[tuple[Message, ...]], method: int) -> None:
    """Whatever holds for logs as JSON holds for these; what was not changed is the same compressed bytes."""
    samples = [json.loads(inspect_log(one))["samples"][0] | {"id": number} for number, one in enumerate(drawn)]
    data = zip_of(entries_of(log(*samples)), method)
    document = packing.unpack(data, "x.eval")
    transcripts = formats.load_all(Source(document))
    try:
        results = [compact(one, SHORT) for one in transcripts]
    except CortexError:
        return
    changed = b"".join(formats.dump_all([one.transcript for one in results]))
    made = b"".join(packing.pack([changed], "x.eval", data))
    assert packing.unpack(made, "x.eval") == changed
    before, after = json.loads(document)["samples"], json.loads(changed)["samples"]
    same = {name for name, one in spans(data).items() if spans(made)[name] == one}
    kept = {number for number, one in enumerate(before) if after[number] == one}
    assert {int(name.split("/")[1].split("_")[0]) for name in same if name.startswith("samples/")} == kept
    assert b"".join(packing.pack([document], "x.eval", data)) == data


def refused(data: bytes) -> CortexError:
    """Return why a zip is refused: an error of one line, with a hint, for bad input."""
    with pytest.raises(CortexError) as caught:
        packing.unpack(data, "x.eval")
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    assert caught.value.exit_code == ExitCode.BAD_INPUT
    return caught.value


def test_what_is_no_log() -> None:
    """Other zips are no transcripts, and a batch leaves them alone; of broken logs it is said which entry is."""
    assert isinstance(refused(zip_of({"word/document.xml": b"<x/>"})), UnknownFormatError)
    assert isinstance(refused(zip_of({})), UnknownFormatError)
    assert isinstance(refused(zip_of({"header.json": b"{}"})), UnknownFormatError)
    assert isinstance(refused(zip_of({"header.json": b"[1]"})), UnknownFormatError)
    entries = entries_of(LOG)
    broken = refused(zip_of({**entries, "samples/a_epoch_1.json": b'{"id":'}))
    assert str(broken) == "x.eval: samples/a_epoch_1.json: not JSON"
    assert "header.json: not JSON" in str(refused(zip_of({**entries, "header.json": b"\xff"})))
    assert "spread" in str(refused(zip_of({**entries, "samples/z_epoch_1/sample.json": b"{}"})))


def test_what_cannot_be_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords, other compression, and zstd without its package, with what to do about it."""
    data = zip_of(entries_of(log(sample("a", chars=20))))
    start = data.rindex(b"PK\x01\x02")  # of the last entry in the directory: the header
    encrypted = data[: start + 8] + b"\x01" + data[start + 9 :]
    assert "header.json: is encrypted" in str(refused(encrypted))
    other = data[: start + 10] + b"\x09" + data[start + 11 :]
    assert "compressed by method 9" in str(refused(other))
    zstd = zip_of(entries_of(LOG), ZSTD)
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    error = refused(zstd)
    assert isinstance(error, OptionError)
    assert "cortex-cli[zstd]" in error.hint


@pytest.mark.parametrize("method", [STORED, DEFLATE, ZSTD])
@given(drawn=st.data())
def test_damage_is_refused_or_harmless(method: int, drawn: st.DataObject) -> None:
    """Cut short, bytes changed, pieces gone: never a traceback, never another conversation."""
    data = zip_of(entries_of(log(sample("a", chars=300), sample("b", chars=300))), method)
    at = drawn.draw(st.integers(4, len(data) - 1))
    kind = drawn.draw(st.sampled_from(["cut", "change", "drop"]))
    if kind == "cut":
        damaged = data[:at]
    elif kind == "drop":
        damaged = data[:at] + data[at + drawn.draw(st.integers(1, 40)) :]
    else:
        damaged = data[:at] + drawn.draw(st.binary(min_size=1, max_size=8)) + data[at + 1 :]
    try:
        document = packing.unpack(damaged, "x.eval")
        b"".join(packing.pack([document.replace(b'"done"', b'"dune"')], "x.eval", damaged))
    except InputError as error:
        refused_well = "\n" not in str(error) and error.hint
        assert refused_well
        return
    samples = json.loads(document)["samples"]
    assert all(one in (sample("a", chars=300), sample("b", chars=300)) for one in samples)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what it says of its size, and where it lies, by what comes out."""
    monkeypatch.setattr(compressors, "MAX_BYTES", 1_000_000)
    zeros = b'{"messages":"' + b"0" * 20_000_000 + b'"}'
    bomb = zip_of({**entries_of(LOG), "samples/z.json": zeros})
    assert "unpacks to more than" in str(refused(bomb))
    start = bomb.index(b"samples/z.json", bomb.index(b"PK\x01\x02")) - 46
    lying = bomb[: start + 24] + (99).to_bytes(4, "little") + bomb[start + 28 :]
    assert "damaged" in str(refused(lying))
    for ending, write_as in ((".gz", "gzip"), (".zst", "backports.zstd" if sys.version_info < (3, 14) else "zstd")):
        module: Any = pytest.importorskip(write_as)
        with pytest.raises(InputError, match="unpacks to more than") as caught:
            packing.unpack(module.compress(zeros), f"x.json{ending}")
        assert caught.value.hint


@pytest.mark.usefixtures("chdir_tmp")
def test_a_zip_is_made_of_a_zip_only() -> None:
    """A header, summaries and a journal cannot be made up; nothing is written."""
    Path("x.json").write_text(json.dumps(LOG))
    result = cortex("compact", "x.json", *FIT, "-o", "y.eval")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 2)
    assert "inspect log convert" in result.stderr
    assert not Path("y.eval").exists()
    Path("x.eval").write_bytes(zip_of(entries_of(LOG)))
    with pytest.raises(InputError, match="3 samples, and 0 to write"):
        dump(load_all("x.eval")[0], "y.eval")
    with pytest.raises(InputError, match="3 samples, and 1 to write"):
        write(json.dumps(log(SAMPLES[0])).encode(), Path("x.eval").read_bytes(), "x.eval")
