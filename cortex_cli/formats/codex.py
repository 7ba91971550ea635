"""Codex rollouts: `~/.codex/sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl`, read as Codex replays them on resume.

What stands in the replacement history of a compaction has that one line for its record, and the block says
which item it is. `codex_replay.py` says what is live, `response_items.py` reads items, `codex_dump.py` writes.
"""

from collections.abc import Sequence
from typing import Any

from cortex_cli.formats.codex_dump import dump
from cortex_cli.formats.codex_layout import layout_of
from cortex_cli.formats.codex_replay import Line, replay, type_of
from cortex_cli.formats.containers import mark_own, name_results
from cortex_cli.formats.response_items import read_items
from cortex_cli.formats.source import Source
from cortex_cli.messages import Message, Transcript, Usage, build
from cortex_cli.typed import finish
from cortex_cli.validity import Rules

__all__ = ["NAME", "RULES", "detect", "dump", "load"]

NAME = "codex"

RULES = Rules(user_first=True)

KINDS = frozenset({"session_meta", "response_item", "event_msg", "turn_context", "compacted", "world_state"})
"""Types of lines that only a rollout has."""


def detect(source: Source) -> float:
    """Tell whether an input is a rollout: lines of a known type that hold a payload."""
    found = (one for one in source.head if isinstance(one, dict) and isinstance(one.get("payload"), dict))
    return 1.0 if any(type_of(one) in KINDS for one in found) else 0.0


def load(source: Source) -> Transcript:
    """Read a rollout.

    Raises:
        InputError: There is no line of a rollout in it.
    """
    lines = [
        build(Line, (index, str(line.get("type")), line["payload"], str(line.get("timestamp") or "")))
        for index, line in source.objects()
        if isinstance(line.get("payload"), dict)
    ]
    if not any(line.kind in KINDS for line in lines):
        raise source.fail("not a Codex rollout", hint="its lines hold `type` and `payload`")
    items = replay(lines)
    messages = _with_newest_context(finish(mark_own(name_results(read_items(items)))))
    meta: dict[str, Any] = next((line.payload for line in lines if line.kind == "session_meta"), {})
    turn: dict[str, Any] = next((line.payload for line in reversed(lines) if line.kind == "turn_context"), {})
    return Transcript(
        format=NAME,
        messages=messages,
        loaded=messages,
        records=source.records,
        layout=layout_of(lines, items),
        path=source.path,
        model=str(turn.get("model") or ""),
        window=_window(lines),
        session_id=str(meta.get("id") or meta.get("session_id") or ""),
        usage=_usage(lines, messages),
        preamble=_preamble(meta, messages),
        warnings=source.warnings(),
    )


def _preamble(meta: dict[str, Any], messages: Sequence[Message]) -> tuple[str, ...]:
    """Return the instructions that are sent besides the messages; older rollouts repeat project rules there."""
    base = meta.get("base_instructions")
    texts = [base.get("text") if isinstance(base, dict) else base, meta.get("instructions")]
    slots = [part.text for message in messages if message.slot for part in message.parts]
    return tuple(text for text in texts if isinstance(text, str) and text and not any(text in one for one in slots))


def _with_newest_context(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Make slots of the newest environment and the newest project rules too, where they changed on the way."""
    newest: dict[str, int] = {}
    for position, message in enumerate(messages):
        if message.role == "user" and not message.typed and not message.synthetic:
            for start in ("<environment_context>", "# AGENTS.md instructions"):
                if any(part.text.startswith(start) for part in message.parts):
                    newest[start] = position
    late = {position for position in newest.values() if not messages[position].slot}
    return tuple(m._replace(slot=True) if m.position in late else m for m in messages) if late else messages


def _window(lines: Sequence[Line]) -> int:
    for line in reversed(lines):
        if line.kind == "event_msg":
            info = line.payload.get("info")
            holder = info if isinstance(info, dict) else line.payload
            window = holder.get("model_context_window")
            if isinstance(window, int) and window > 0:
                return window
    return 0


def _usage(lines: Sequence[Line], messages: Sequence[Message]) -> Usage | None:
    """Find what the newest real call later than any compaction reported.

    Counts written by nobody's call (all zero but the total) are the client's estimate after a compaction, or ours.
    """
    for line in reversed(lines):
        if line.kind == "compacted":
            return None
        info = line.payload.get("info") if line.kind == "event_msg" else None
        if not isinstance(info, dict) or not isinstance(last := info.get("last_token_usage"), dict):
            continue
        read, written = (last.get(key) for key in ("input_tokens", "output_tokens"))
        if not isinstance(read, int) or not isinstance(written, int) or read <= 0:
            return None
        return Usage(read + written, _covered(line.record, _first_usage(lines), messages))
    return None


def _first_usage(lines: Sequence[Line]) -> int:
    """Return the record of the first call's usage."""
    counts = (line for line in lines if line.kind == "event_msg" and type_of(line.payload) == "token_count")
    return next((line.record for line in counts if line.payload.get("info")), 0)


def _covered(record: int, first: int, messages: Sequence[Message]) -> int:
    """Count the messages that a recorded usage covers, the call's own answer included.

    Old clients write the usage before the answer's items, newer ones behind them: where the first usage of the
    file has no answer before it, the answer of each follows.
    """
    answers = [message for message in messages if message.role == "assistant" and message.records]
    follows = bool(answers) and first < answers[0].records[0]
    if follows:
        found = next((one for one in answers if one.records[-1] > record), None)
    else:
        found = next((one for one in reversed(answers) if one.records[0] < record), None)
    if found is not None:
        return found.position + 1
    return sum(1 for message in messages if message.records and message.records[0] < record)
