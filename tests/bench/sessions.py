"""Makes Claude Code sessions of any size, the same bytes for the same seed.

What an agent does in a code base: reads, edits, searches, runs tests and builds, thinks, is interrupted by
the next request. Benches take megabytes of it; other tests may take small ones.
"""

import base64
import random
import struct
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from tests.bench import tool_output

MODEL = "claude-opus-4-5-20251101"
CWD = "/home/dev/shop"
START = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)

STEPS_PER_TURN = (3, 14)
"""Assistant messages between two requests."""

PARALLEL_SHARE = 0.25
"""Assistant messages with more than one call."""

THINKING_SHARE = 0.5
TEXT_SHARE = 0.5
LIST_RESULT_SHARE = 0.3
"""Results whose content is a list of blocks, not a string."""

IMAGE_SHARE = 0.01
PROGRESS_SHARE = 0.4
"""Bash calls that leave progress records, which are never sent."""


def claude_code_session(size: int, seed: int = 1, *, share: float = 1.0) -> bytes:
    """Return a session of at least `size` bytes, ending in an answer.

    Args:
        size: Bytes.
        seed: Of all chance.
        share: How long files and outputs are, of what they are usually: less makes more calls of as many bytes.
    """
    return b"".join(claude_code_lines(size, seed, share=share))


def claude_code_lines(size: int, seed: int = 1, *, share: float = 1.0) -> Iterator[bytes]:
    """Yield the lines of a session until it has `size` bytes, then its last answer."""
    session = _Session(seed, share)
    written = 0
    for record in session.records():
        line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        yield line
        written += len(line)
        if written >= size and record["type"] == "user" and "toolUseResult" not in record:
            break
    for record in session.assistant([{"type": "text", "text": "Done, everything passes now."}], "end_turn"):
        yield orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


class _Session:
    """The state of the session: who stands where in the tree, what time it is, what the files hold."""

    def __init__(self, seed: int, share: float) -> None:
        self.random = random.Random(seed)
        self.tools = tool_output.Tools(self.random, CWD, share)
        self.id = self.uuid()
        self.parent: str | None = None
        self.time = START

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def now(self) -> str:
        self.time += timedelta(milliseconds=self.random.randint(200, 40_000))
        return self.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def records(self) -> Iterator[dict[str, Any]]:
        yield {"type": "file-history-snapshot", "messageId": self.uuid(), "snapshot": {"timestamp": self.now()}}
        yield self.user("Rules: run the linter before every commit, never touch migrations/. " + self.tools.words(60))
        while True:
            for _ in range(self.random.randint(*STEPS_PER_TURN)):
                yield from self.step()
            yield from self.assistant([{"type": "text", "text": self.tools.words(60)}], "end_turn")
            yield self.record("system", subtype="turn_duration", durationMs=self.random.randint(1000, 90_000))
            yield self.user(f"Next: use port {self.random.randint(1024, 9999)}. " + self.tools.words(40))

    def step(self) -> Iterator[dict[str, Any]]:
        chance = self.random.random
        count = 1 if chance() >= PARALLEL_SHARE else self.random.randint(2, 4)
        runs = [self.tools.run() for _ in range(count)]
        ids = [f"toolu_{self.random.getrandbits(96):024x}" for _ in runs]
        blocks: list[dict[str, Any]] = []
        if chance() < THINKING_SHARE:
            signature = base64.b64encode(self.random.randbytes(self.random.randint(200, 600))).decode()
            blocks.append({"type": "thinking", "thinking": self.tools.words(90), "signature": signature})
        if chance() < TEXT_SHARE:
            blocks.append({"type": "text", "text": self.tools.words(30)})
        for run, call_id in zip(runs, ids, strict=True):
            blocks.append({"type": "tool_use", "id": call_id, "name": run.tool, "input": run.arguments})
        yield from self.assistant(blocks, "tool_use")
        if runs[0].tool == "Bash" and chance() < PROGRESS_SHARE:
            yield self.record("progress", data={"type": "bash_progress", "totalLines": 3}, toolUseID=ids[0])
        for run, call_id in zip(runs, ids, strict=True):
            yield self.result(run, call_id)

    def result(self, run: tool_output.Run, call_id: str) -> dict[str, Any]:
        chance = self.random.random()
        content: Any = run.output
        if chance < IMAGE_SHARE:
            source = {"type": "base64", "media_type": "image/png", "data": self.png()}
            content = [{"type": "text", "text": run.output}, {"type": "image", "source": source}]
        elif chance < IMAGE_SHARE + LIST_RESULT_SHARE:
            content = [{"type": "text", "text": run.output}]
        block = {"type": "tool_result", "tool_use_id": call_id, "content": content}
        if run.failed:
            block["is_error"] = True
        return self.record("user", message={"role": "user", "content": [block]}, toolUseResult=run.details)

    def png(self) -> str:
        """Return a screenshot: a true header, then noise."""
        head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 1280, 800, 8, 6, 0, 0, 0)
        return base64.b64encode(head + self.random.randbytes(30_000)).decode()

    def user(self, text: str) -> dict[str, Any]:
        return self.record("user", message={"role": "user", "content": text})

    def assistant(self, blocks: list[dict[str, Any]], stop: str) -> Iterator[dict[str, Any]]:
        """Yield one record for each block of one API response, as Claude Code writes them."""
        head = {"model": MODEL, "id": f"msg_{self.random.getrandbits(88):022x}", "type": "message", "role": "assistant"}
        usage = {"input_tokens": 4, "cache_read_input_tokens": self.random.randint(20_000, 150_000), "output_tokens": 9}
        request = f"req_{self.random.getrandbits(80):020x}"
        for block in blocks:
            message = {**head, "content": [block], "stop_reason": stop, "stop_sequence": None, "usage": usage}
            yield self.record("assistant", message=message, requestId=request)

    def record(self, kind: str, **fields: Any) -> dict[str, Any]:
        own = self.uuid()
        record = {
            "parentUuid": self.parent,
            "isSidechain": False,
            "userType": "external",
            "cwd": CWD,
            "sessionId": self.id,
            "version": "2.1.30",
            "gitBranch": "main",
            "type": kind,
            **fields,
            "uuid": own,
            "timestamp": self.now(),
        }
        self.parent = own
        return record
