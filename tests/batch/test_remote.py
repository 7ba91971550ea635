"""Batches from and to stores that fsspec reaches: in memory, and a real S3 server on this machine."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cortex_cli.batch.paths import MANIFEST_NAME, is_url
from tests.cli.command import SAMPLES, SMALL, cortex

pytest.importorskip("upath", reason="the extra `remote` is not installed")

from upath import UPath

OPTIONS = (*SMALL, "--tokenizer", "heuristic", "--jobs", "1")
MISSING = "moto's server is not installed (`make test-batch` does)"


def local_results(folder: Path) -> dict[str, bytes]:
    """Run the same batch over folders of this machine and return its results."""
    root = folder / "local"
    fill(root)
    assert cortex("batch", root, "-o", folder / "local-out", *OPTIONS, "-q").exit_code == 1
    return files_of(folder / "local-out")


def fill(root: Any) -> None:
    """Put samples, a damaged file and one that is none of ours below a folder of whatever kind."""
    (root / "deep").mkdir(parents=True, exist_ok=True)
    for path in SAMPLES.glob("*.json*"):
        (root / "deep" / path.name).write_bytes(path.read_bytes())
    (root / "bad.jsonl").write_bytes(b'{"role": "user"\n\xff nothing\n')
    (root / "notes.md").write_bytes(b"# x\n")


def files_of(folder: Any) -> dict[str, bytes]:
    """Return everything below a folder but the manifest."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != MANIFEST_NAME}


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Return a folder of a store in memory, emptied afterwards."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    root = UPath("memory://bucket/in")
    fill(root)
    yield root
    UPath("memory://bucket").rmdir(recursive=True)


def run(*arguments: object, code: int = 1) -> dict[str, Any]:
    """Run a batch and return its report."""
    result = cortex("batch", *arguments, *OPTIONS, "--json")
    assert result.exit_code == code, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def test_from_store_to_store(memory: Any, tmp_path: Path) -> None:
    """The same results as in folders, the damaged file by its URL."""
    report = run(memory, "-o", "memory://bucket/out")
    assert files_of(UPath("memory://bucket/out")) == local_results(tmp_path)
    assert [one["path"] for one in report["failed"]] == [f"{memory}/bad.jsonl"]
    assert f"{memory}/bad.jsonl:" in report["failed"][0]["error"]
    assert all(is_url(one["input"]["path"]) and is_url(one["output"]["path"]) for one in report["files"])
    assert (UPath("memory://bucket/out") / MANIFEST_NAME).exists()


def test_a_rerun_does_what_is_new_or_changed(memory: Any) -> None:
    """On another machine too: the manifest stands beside the results."""
    first = run(memory, "-o", "memory://bucket/out")
    again = run(memory, "-o", "memory://bucket/out")
    assert (again["totals"]["files"], again["totals"]["finished_before"]) == (0, first["totals"]["files"])
    (memory / "deep" / "codex.jsonl").write_bytes((SAMPLES / "openai.jsonl").read_bytes())
    assert run(memory, "-o", "memory://bucket/out")["totals"]["files"] == 1
    for path in Path.cwd().parent.rglob(MANIFEST_NAME):
        path.unlink()
    assert run(memory, "-o", "memory://bucket/out")["totals"]["files"] == 0


def test_between_a_store_and_a_folder(memory: Any, tmp_path: Path) -> None:
    """Down and up."""
    run(memory, "-o", tmp_path / "down")
    assert files_of(tmp_path / "down") == local_results(tmp_path)
    run(tmp_path / "local", "-o", "memory://bucket/up")
    assert files_of(UPath("memory://bucket/up")) == files_of(tmp_path / "down")


def test_outputs_of_others_and_in_place_are_refused(memory: Any) -> None:
    """What is in a bucket has no backup."""
    theirs = UPath("memory://bucket/out/deep/codex.jsonl")
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"mine")
    report = run(memory, "-o", "memory://bucket/out")
    assert "already exists" in report["failed"][1]["error"]
    assert theirs.read_bytes() == b"mine"
    assert cortex("batch", memory, "--in-place").exit_code == 2


def test_what_cannot_be_reached_is_one_line(tmp_path: Path) -> None:
    """An unknown kind of store, a folder that is not there."""
    for source in ("nosuch://bucket/x", "memory://nowhere/at/all"):
        result = cortex("batch", source, "-o", tmp_path / "out")
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 2, result.stderr


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Serve S3 on this machine and return a bucket with transcripts in it."""
    server = pytest.importorskip("moto.server", reason=MISSING)
    boto3 = pytest.importorskip("boto3", reason=MISSING)
    pytest.importorskip("s3fs", reason=MISSING)
    serving = server.ThreadedMotoServer(port=0)
    serving.start()
    host, port = serving.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="sessions")
    root = UPath("s3://sessions/in")
    fill(root)
    yield root
    serving.stop()


@pytest.mark.remote
@pytest.mark.loopback
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_real_s3_server(bucket: Any, tmp_path: Path) -> None:
    """Read, written, and read again for the rerun."""
    run(bucket, "-o", "s3://sessions/out")
    assert files_of(UPath("s3://sessions/out")) == local_results(tmp_path)
    assert run(bucket, "-o", "s3://sessions/out")["totals"]["files"] == 0
