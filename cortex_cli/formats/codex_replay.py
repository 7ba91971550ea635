"""Which response items Codex would send on resume: compactions and rollbacks replayed over a rollout's lines.

Follows what the client does when it rebuilds a thread's history; `codex.py` makes messages of it.
Source: https://github.com/openai/codex `core/src/session/rollout_reconstruction.rs`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cortex_cli.messages import build
from cortex_cli.typed import is_machine_text

OWN = -2
"""`Item.place` of an item that is its line's payload."""

SUMMARY = -1
"""`Item.place` of the summary that stands in the `message` of a compaction without a replacement history."""

NOT_SENT = frozenset({"ghost_snapshot", "compaction_trigger", "other"})
"""Types of recorded items that the client keeps to itself."""

REBUILT_USER_TOKENS = 20_000
"""How much of the users' words survives a compaction without a replacement history, newest first.
Source: `COMPACT_USER_MESSAGE_MAX_TOKENS` in the client's `compact.rs`."""

BYTES_PER_TOKEN = 4
"""The client's own estimate. Source: `codex-rs/utils/string/src/truncate.rs`."""

SUMMARY_PREFIX = "Another language model started to solve this problem and produced a summary of its thinking process."
"""How the client's own summaries begin. Source: `templates/compact/summary_prefix.md`."""

NO_SUMMARY = "(no summary available)"
"""What the client sends for an empty summary."""

_FRAGMENTS = (
    ("# agents.md instructions", "</instructions>"),
    *((f"<{tag}>", f"</{tag}>") for tag in ("environment_context", "user_instructions", "skill", "turn_aborted")),
    *((f"<{tag}>", f"</{tag}>") for tag in ("user_shell_command", "subagent_notification")),
)
"""Start and end of user texts that the client itself writes; one such piece makes the whole message one of them."""

_DEVELOPER_FRAGMENTS = (
    "<permissions instructions>",
    "<model_switch>",
    "<collaboration_mode>",
    "<multi_agent_mode>",
    "<realtime_conversation>",
    "<skills_instructions>",
    "<personality_spec>",
    "<token_budget",
    "<context_window",
    "<rollout_budget>",
)
"""Starts of developer texts that go with the turn before which they stand."""


class Line(NamedTuple):
    """One line of a rollout that has a payload."""

    record: int
    kind: str
    """`type` of the line."""
    payload: dict[str, Any]
    time: str


class Item(NamedTuple):
    """One response item of the live path."""

    payload: dict[str, Any]
    record: int
    place: int = OWN
    """Position in the `replacement_history` of its line, or OWN, or SUMMARY."""
    time: str = ""
    is_rebuilt: bool = False
    """The client writes it anew: its text is not the file's, or not all of it."""
    is_summary: bool = False
    """It is what its compaction calls the summary."""


def replay(lines: Sequence[Line]) -> list[Item]:
    """Return the items of the live path, oldest first."""
    base = _find_base(lines)
    history = list(_replacement(lines[base])) if base is not None else []
    for line in lines[0 if base is None else base + 1 :]:
        if line.kind == "response_item":
            if _is_sent(line.payload):
                history.append(build(Item, (line.payload, line.record, OWN, line.time, False, False)))
        elif line.kind == "inter_agent_communication":
            history.append(Item(_agent_message(line.payload), line.record, time=line.time))
        elif line.kind == "compacted" and not has_replacement(line.payload):
            history = _rebuild(history, line)
        elif type_of(line.payload) == "thread_rolled_back":
            history = _roll_back(history, _count(line.payload))
    return history


def has_replacement(payload: dict[str, Any]) -> bool:
    """Tell whether a compaction states the whole context that follows it."""
    return isinstance(payload.get("replacement_history"), list)


def type_of(value: Any) -> str:
    """Return the type of an item, event or piece; empty where it has none (a damaged one need not be a string)."""
    kind = value.get("type") if isinstance(value, dict) else ""
    return kind if isinstance(kind, str) else ""


def _is_sent(payload: dict[str, Any]) -> bool:
    kind = type_of(payload)
    return kind not in NOT_SENT and not (kind == "message" and payload.get("role") == "system")


def _replacement(line: Line) -> Iterator[Item]:
    summary = line.payload.get("message")
    for place, payload in enumerate(line.payload["replacement_history"]):
        if isinstance(payload, dict) and _is_sent(payload):
            is_summary = bool(summary) and texts_of(payload) == [summary]
            yield Item(payload, line.record, place, line.time, is_summary=is_summary)


def _agent_message(payload: dict[str, Any]) -> dict[str, Any]:
    content = [{"type": "input_text", "text": str(payload.get("content") or "")}]
    if payload.get("encrypted_content"):
        content = [{"type": "encrypted_content", "encrypted_content": payload["encrypted_content"]}]
    return {"type": "agent_message", "author": payload.get("author"), "content": content}


def _count(event: dict[str, Any]) -> int:
    number = event.get("num_turns")
    return number if isinstance(number, int) and number > 0 else 0


@dataclass(slots=True)
class _Segment:
    """The turn that the scan, going backwards, is in."""

    turn_id: str = ""
    is_user_turn: bool = False
    base: int | None = None


@dataclass(slots=True)
class _Scan:
    """What the backward scan has found; a rollback skips the turns before it, their compactions too."""

    base: int | None = None
    pending: int = 0
    segment: _Segment | None = None

    def open(self) -> _Segment:
        self.segment = self.segment or _Segment()
        return self.segment

    def close(self) -> None:
        segment, self.segment = self.segment, None
        if segment is None:
            return
        if self.pending:
            self.pending -= segment.is_user_turn
        elif self.base is None:
            self.base = segment.base

    def see(self, index: int, line: Line) -> None:
        if line.kind == "compacted":
            if has_replacement(line.payload) and self.open().base is None:
                self.open().base = index
        elif line.kind == "event_msg":
            self._see_event(line.payload)
        elif line.kind == "turn_context":
            self.open().turn_id = self.open().turn_id or str(line.payload.get("turn_id") or "")
        elif line.kind == "response_item":
            self.open().is_user_turn |= _begins_turn(line.payload)
        elif line.kind == "inter_agent_communication":
            self.open().is_user_turn = True

    def _see_event(self, event: dict[str, Any]) -> None:
        kind, turn_id = type_of(event), str(event.get("turn_id") or "")
        if kind == "thread_rolled_back":
            self.pending += _count(event)
        elif kind == "user_message":
            self.open().is_user_turn = True
        elif kind in ("task_complete", "turn_complete") or (kind == "turn_aborted" and (self.segment or turn_id)):
            self.open().turn_id = self.open().turn_id or turn_id
        elif kind in ("task_started", "turn_started") and self.segment and self.segment.turn_id in ("", turn_id):
            self.close()


def _find_base(lines: Sequence[Line]) -> int | None:
    """Return the index of the compaction whose replacement history everything starts from.

    That is the newest one that no rollback took back; its turn counts, not its place: without the signs of turns
    that newer clients write, all before a rollback is one turn.
    """
    scan = _Scan()
    if not any(line.kind == "compacted" for line in lines):
        return None
    for index in range(len(lines) - 1, -1, -1):
        scan.see(index, lines[index])
        if scan.base is not None or (scan.segment and scan.segment.base is not None and not scan.pending):
            break
    scan.close()
    return scan.base


def texts_of(payload: dict[str, Any]) -> list[str]:
    """Return the text pieces of a message item."""
    content = payload.get("content")
    if isinstance(content, str):
        return [content]
    pieces = content if isinstance(content, list) else []
    return [piece["text"] for piece in pieces if isinstance(piece, dict) and isinstance(piece.get("text"), str)]


def is_context(payload: dict[str, Any]) -> bool:
    """Tell whether a program wrote a user message: project rules, environment, an aborted turn.

    One piece of the client's own kind makes all of it the client's; what other programs write may stand beside words.
    """
    texts = texts_of(payload)
    return any(map(_is_fragment, texts)) or (bool(texts) and all(map(is_machine_text, texts)))


def _is_fragment(text: str) -> bool:
    head, tail = text[:64].lstrip().lower(), text[-64:].rstrip().lower()
    return any(head.startswith(start) and tail.endswith(end) for start, end in _FRAGMENTS)


def _begins_turn(payload: dict[str, Any]) -> bool:
    if type_of(payload) == "agent_message":
        return True
    return type_of(payload) == "message" and payload.get("role") == "user" and not is_context(payload)


def _roll_back(history: list[Item], turns: int) -> list[Item]:
    """Drop the newest turns and the context updates directly before them."""
    starts = [index for index, item in enumerate(history) if _begins_turn(item.payload)]
    if not turns or not starts:
        return history
    cut = starts[-turns] if turns < len(starts) else starts[0]
    while cut > starts[0] and _is_update(history[cut - 1].payload):
        cut -= 1
    return history[:cut]


def _is_update(payload: dict[str, Any]) -> bool:
    if payload.get("role") == "developer":
        return any(text[:64].lstrip().lower().startswith(_DEVELOPER_FRAGMENTS) for text in texts_of(payload))
    return payload.get("role") == "user" and is_context(payload)


def _rebuild(history: list[Item], line: Line) -> list[Item]:
    """Do what the client does for a compaction that states no history: the users' words, then the summary."""
    kept: list[Item] = []
    room = REBUILT_USER_TOKENS
    for item in reversed(history):
        text = "".join(texts_of(item.payload))
        is_user = type_of(item.payload) == "message" and item.payload.get("role") == "user"
        if not is_user or is_context(item.payload) or text.startswith(SUMMARY_PREFIX):
            continue
        if room <= 0:
            break
        tokens = -(-len(text.encode(errors="replace")) // BYTES_PER_TOKEN)
        text = text if tokens <= room else _truncate(text, room)
        room = room - tokens
        kept.append(item._replace(payload=_user_item(text), is_rebuilt=True))
    summary = line.payload.get("message")
    summary = summary if isinstance(summary, str) and summary else NO_SUMMARY
    return [*reversed(kept), Item(_user_item(summary), line.record, SUMMARY, line.time, is_summary=True)]


def _user_item(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def _truncate(text: str, tokens: int) -> str:
    """Keep head and tail of a text, so many tokens together, as the client does."""
    data = text.encode(errors="replace")
    half = tokens * BYTES_PER_TOKEN // 2
    head = data[:half].decode(errors="ignore")
    tail = data[len(data) - half :].decode(errors="ignore")
    removed = -(-(len(data) - tokens * BYTES_PER_TOKEN) // BYTES_PER_TOKEN)
    return f"{head}\n…{removed} tokens truncated…\n{tail}"
