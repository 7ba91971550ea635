"""Claude Code sessions written line by line, as the client lays them on disk, and random ones.

For the tests of the format and those that resume sessions in the client: both must say the same of a file.
"""

import json
import random
import uuid
from typing import Any

Object = dict[str, Any]

SESSION_ID = "11111111-2222-4333-8444-555555555555"
MODEL = "claude-opus-4-5"
BOUNDARY = {"trigger": "auto", "preTokens": 1000}


def uuid_of(name: str | int) -> str:
    """Return the id of a record that a test gave a name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, str(name)))


def line(record: Object) -> bytes:
    """Write a record as the client does."""
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


class Session:
    """A session in the making: every record hangs on the one before unless it is told otherwise.

    `name` gives a record an id that tests can refer to, `parent` names another record (None: a root),
    `branch=True` leaves the next record where this one hangs.
    """

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.parent: str | None = None
        self.count = 0

    def data(self) -> bytes:
        """Return the file."""
        return b"\n".join(self.lines) + b"\n"

    def raw(self, value: bytes | Object) -> "Session":
        """Add a line as it is, or a record that is no part of the tree."""
        self.lines.append(value if isinstance(value, bytes) else line(value))
        return self

    def at(self, name: str) -> "Session":
        """Go on from another record."""
        self.parent = uuid_of(name)
        return self

    def record(
        self, kind: str, *, name: str = "", parent: str | None = "", branch: bool = False, **more: Any
    ) -> "Session":
        """Add a record of the tree."""
        self.count += 1
        own = uuid_of(name or self.count)
        above = self.parent if parent == "" else uuid_of(parent) if parent else None
        time = f"2026-10-01T09:{self.count // 60:02d}:{self.count % 60:02d}.000Z"
        head: Object = {"parentUuid": above, "isSidechain": False, "userType": "external", "cwd": "/home/dev/app"}
        head |= {"sessionId": SESSION_ID, "version": "2.1.30", "gitBranch": "main", "type": kind}
        self.raw({**head, **more, "uuid": own, "timestamp": more.get("timestamp", time)})
        if not branch:
            self.parent = own
        return self

    def user(self, content: Any, **more: Any) -> "Session":
        """Add what the user says."""
        return self.record("user", message={"role": "user", "content": content}, **more)

    def meta(self, content: Any, **more: Any) -> "Session":
        """Add what the client says in the user's place."""
        return self.user(content, isMeta=True, **more)

    def assistant(self, block: str | Object, answer: str = "", *, model: str = MODEL, **more: Any) -> "Session":
        """Add one piece of an answer; `answer` names the message it belongs to."""
        content = [{"type": "text", "text": block} if isinstance(block, str) else block]
        answer = answer or f"msg_{self.count}"
        message: Object = {"model": model, "id": answer, "type": "message", "role": "assistant", "content": content}
        message |= {"stop_reason": None, "stop_sequence": None, "usage": more.pop("usage", {"input_tokens": 5})}
        return self.record("assistant", message=message, requestId=more.pop("request", f"req_{answer}"), **more)

    def thinking(self, text: str = "let me see", answer: str = "", **more: Any) -> "Session":
        """Add signed thinking."""
        return self.assistant({"type": "thinking", "thinking": text, "signature": "c2lnbmVk"}, answer, **more)

    def call(self, call_id: str, answer: str = "", *, tool: str = "Bash", **more: Any) -> "Session":
        """Add a tool call."""
        return self.assistant(
            {"type": "tool_use", "id": call_id, "name": tool, "input": {"command": "ls"}}, answer, **more
        )

    def result(self, call_id: str, content: Any = "done", *, copy: Any = None, **more: Any) -> "Session":
        """Add a tool result, with the client's own copy of it."""
        block = {"type": "tool_result", "tool_use_id": call_id, "content": content}
        copy = {"stdout": content, "stderr": "", "interrupted": False} if copy is None else copy
        return self.user([block], toolUseResult=copy, **more)

    def attachment(self, kind: str, **more: Any) -> "Session":
        """Add an attachment; `rendered` and `parent` belong to the record, the rest to the attachment."""
        outer = {key: more.pop(key) for key in ("rendered", "parent", "name", "branch") if key in more}
        return self.record("attachment", attachment={"type": kind, **more}, **outer)

    def progress(self, **more: Any) -> "Session":
        """Add a progress record, which old clients hung into the chain."""
        return self.record("progress", data={"type": "hook_progress"}, **more)

    def boundary(self, summary: str = "what was said", *, name: str = "boundary", **metadata: Any) -> "Session":
        """Add the client's own compaction."""
        self.record(
            "system",
            name=name,
            parent=None,
            subtype="compact_boundary",
            content="Conversation compacted",
            compactMetadata={**BOUNDARY, **metadata},
        )
        return self.user(summary, name=f"{name} summary", isCompactSummary=True, isVisibleInTranscriptOnly=True)

    def leaf(self, name: str) -> "Session":
        """Add the client's note of where it was."""
        return self.raw({"type": "last-prompt", "lastPrompt": "x", "leafUuid": uuid_of(name), "sessionId": SESSION_ID})


def random_session(seed: int) -> Session:
    """Write a session with parallel and interleaved calls, missing results, branches, gaps, meta texts, compactions."""
    return _Random(seed).write()


class _Random:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.session = Session()
        self.names = 0
        self.users: list[str | None] = []

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def name(self, kind: str) -> str:
        self.names += 1
        return f"{kind}_{self.seed}_{self.names}"

    def write(self) -> Session:
        for _ in range(self.random.randint(2, 5)):
            self.turn()
        return self.session

    def turn(self) -> None:
        session = self.session
        if self.users and self.chance(0.25):
            session.parent = self.random.choice(self.users)  # the user went back
        session.user(self.name("user"))
        self.users.append(session.parent)
        if self.chance(0.2):
            session.attachment("total_tokens_reminder", text="many")
        if self.chance(0.15):
            session.meta(self.name("meta"))
        for _ in range(self.random.randint(0, 3)):
            self.answer()
        if self.chance(0.7):
            session.assistant(self.name("done"))
        if self.chance(0.15):
            text = "<local-command-stdout>x</local-command-stdout>"
            session.record("system", subtype="local_command", content=text)
        if self.chance(0.06):
            session.at(self.name("nowhere"))
        if self.chance(0.1):
            leaf = self.random.choice([*self.users, session.parent])
            session.raw({"type": "last-prompt", "lastPrompt": "x", "leafUuid": leaf, "sessionId": SESSION_ID})
        if self.chance(0.1):
            session.boundary(self.name("summary"), name=self.name("boundary"))
            self.users = [session.parent]

    def answer(self) -> None:
        session, answer = self.session, self.name("msg")
        if self.chance(0.5):
            session.thinking(self.name("thought"), answer)
        if self.chance(0.4):
            session.assistant(self.name("text"), answer)
        if self.chance(0.1):
            session.assistant("\n\n", answer)
        interleaved = self.chance(0.3)
        waiting: list[tuple[str, str | None]] = []
        for _ in range(self.random.choice([0, 1, 1, 2, 3])):
            if self.chance(0.15):
                session.progress()
            call_id = self.name("call")
            session.call(call_id, answer)
            if interleaved and self.chance(0.7):
                session.result(call_id, f"result of {call_id}", branch=self.chance(0.4))
            else:
                waiting.append((call_id, session.parent))
        self.results(waiting)
        if self.chance(0.1):
            session.record("system", subtype="turn_duration", durationMs=1)
        if self.chance(0.05):
            session.assistant("API Error: 500", model="<synthetic>", isApiErrorMessage=True)

    def results(self, waiting: list[tuple[str, str | None]]) -> None:
        session = self.session
        if self.chance(0.5):
            self.random.shuffle(waiting)
        before, chosen = session.parent, None
        for call_id, call in waiting:
            if self.chance(0.12):
                continue  # nobody answered
            session.parent = call
            if self.chance(0.2):
                session.progress()
            session.result(call_id, f"result of {call_id}")
            if self.chance(0.1):
                session.meta(self.name("hook"))
            if self.chance(0.1):
                session.attachment("total_tokens_reminder", text="fewer")
            if chosen is None or self.chance(0.5):
                chosen = session.parent
        session.parent = chosen or before
