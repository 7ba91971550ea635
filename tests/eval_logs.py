"""Logs of inspect-ai as the zips that it writes, made of the same logs as JSON."""

import io
import json
import sys
import zipfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from cortex_cli import packing
from cortex_cli.messages import Message
from tests.wire_agents import inspect_log

STORED, DEFLATE, ZSTD = 0, 8, 93
"""Numbers of methods of compression in a zip."""

Object = dict[str, Any]


def zip_of(entries: Mapping[str, bytes] | Sequence[tuple[str, bytes]], method: int = DEFLATE) -> bytes:
    """Put entries into a zip, as Python does."""
    module: Any = zipfile
    if method == ZSTD and sys.version_info < (3, 14):
        module = import_module("backports.zstd.zipfile")
    out = io.BytesIO()
    with module.ZipFile(out, "w") as archive:
        for name, data in entries.items() if isinstance(entries, Mapping) else entries:
            archive.writestr(module.ZipInfo(name), data, method)
    return out.getvalue()


def entries_of(log: Object) -> dict[str, bytes]:
    """Return the entries of a log, spelled with spaces and an end of line, which compact JSON would not have."""
    rows = [
        {"id": one["id"], "epoch": one["epoch"], "n": 1.10, "message_count": len(one["messages"])}
        for one in log["samples"]
    ]
    header = {key: value for key, value in log.items() if key not in ("samples", "reductions")}
    samples = {f"samples/{one['id']}_epoch_{one['epoch']}.json": one for one in log["samples"]}
    values = {
        "_journal/start.json": {"version": 2, "eval": log["eval"]},
        **samples,
        "_journal/summaries/1.json": rows,
        "summaries.json": rows,
        "reductions.json": [{"scorer": "includes", "samples": []}],
        "header.json": header,
    }
    return {name: json.dumps(value, indent=1).encode() + b"\n" for name, value in values.items()}


def inspect_zip(messages: Sequence[Message], before: bytes = b"") -> bytes:
    """A log of one sample as inspect-ai writes it; zstd as it does now."""
    log = json.loads(inspect_log(messages, packing.unpack(before, "-") if before else b""))
    return zip_of(entries_of(log), ZSTD)


def read_zip(data: bytes) -> dict[str, bytes]:
    """Read a zip with Python's own reader: name -> contents, checksums compared."""
    module: Any = zipfile if sys.version_info >= (3, 14) else import_module("backports.zstd.zipfile")
    with module.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}
