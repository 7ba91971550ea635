"""How a changed rollout is written: edits in place, and the `compacted` line that carries a compaction.

What belongs to a turn (items, their copies in events, usage) leaves with it; what belongs to the thread
stays. Source: SPEC section 11; what the real client makes of it is in `tests/clients/test_codex_resumes.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cortex_cli.formats.carrier import Carrier, plan_carrier
from cortex_cli.formats.changes import is_changed, record_changes
from cortex_cli.formats.codex_edits import edit_compacted, edit_item, item_bytes, shrink_copy
from cortex_cli.formats.codex_layout import Layout, LineKind, answer_type, place_of
from cortex_cli.formats.codex_replay import OWN, type_of
from cortex_cli.formats.rewrite import parse_line
from cortex_cli.formats.source import runs
from cortex_cli.jsonedit import Delete, Insert, Raw, Replace, edit, encode
from cortex_cli.messages import Message, Part, Transcript
from cortex_cli.tokens import count_messages, make_counter

MAX_USAGE_RATIO = 2.0
"""How far recorded usage may exceed our estimate of the same messages before it is not believed."""

NO_USAGE = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")


@dataclass(slots=True)
class _Plan:
    """What becomes of the lines."""

    start: int
    """Record from which on lines stay; those before leave with their turns."""
    lines: dict[int, bytes | None] = field(default_factory=dict)
    """Record -> its new bytes, None where it goes; records not named stay as they are."""
    inserts: dict[int, list[bytes]] = field(default_factory=dict)
    """Record -> lines that come right behind it."""


def dump(transcript: Transcript, *, keep_history: bool = False) -> Iterator[bytes]:
    """Yield the bytes of a rollout.

    Args:
        transcript: As loaded, with other messages.
        keep_history: Leave what stood before the carrier in the file, where the client no longer reads it.
    """
    if not is_changed(transcript):
        yield b"\n".join(transcript.records)
        return
    layout: Layout = transcript.layout
    carrier = plan_carrier(transcript.messages, after_record=layout.base)
    end = _end(transcript)
    start = 0 if carrier is None else end if carrier.first_record is None else carrier.first_record
    plan = _Plan(start)
    if carrier is not None:
        _plan_rollbacks(transcript, plan)
    _plan_changes(transcript, plan)
    _plan_inserts(transcript, plan)
    head: list[bytes] = []
    if carrier is not None:
        head = _head(transcript, start, keep_history)
        head += [_carrier_line(transcript, carrier), *_moved(transcript, start)]
    body = list(_body(transcript, plan, end, keep_history))
    yield b"\n".join([*head, *body, *transcript.records[end:]])


def _end(transcript: Transcript) -> int:
    """Return the record behind the last readable line: blank and torn last lines stay last."""
    return max(transcript.layout.kinds, default=-1) + 1


def _plan_rollbacks(transcript: Transcript, plan: _Plan) -> None:
    """Take rolled back turns and their rollbacks out of the tail: one could take the carrier back too."""
    kinds: dict[int, LineKind] = transcript.layout.kinds
    live = {record for message in transcript.loaded for record in message.records}
    for rollback in (record for record, kind in kinds.items() if kind == "rollback" and record >= plan.start):
        plan.lines[rollback] = None
        items = [record for record in range(plan.start, rollback) if kinds.get(record) == "item"]
        newest_live = max((record for record in items if record in live), default=plan.start - 1)
        first_dead = next((record for record in items if record > newest_live), rollback)
        plan.lines.update(dict.fromkeys(r for r in range(first_dead, rollback) if kinds.get(r, "thread") != "thread"))


def _plan_changes(transcript: Transcript, plan: _Plan) -> None:
    """Plan edits and deletions of what stands at or behind the start."""
    layout: Layout = transcript.layout
    records = transcript.records
    changes = record_changes(transcript)
    for record in changes.gone:
        if record >= plan.start:
            stays = layout.kinds[record] == "compacted"
            plan.lines[record] = edit_compacted(records[record], None, transcript.loaded, record) if stays else None
    for record, change in changes.edited.items():
        if record < plan.start:
            continue
        if layout.kinds[record] == "compacted":
            plan.lines[record] = edit_compacted(records[record], change, transcript.loaded, record)
        else:
            plan.lines[record] = edit_item(records[record], change)
        for old, new in change.edited.values():
            for copy in layout.copies.get(old.call_id, ()) if old.kind == "result" else ():
                plan.lines[copy] = shrink_copy(plan.lines.get(copy) or records[copy], new.text)


def _plan_inserts(transcript: Transcript, plan: _Plan) -> None:
    """Plan where new results go: right behind the message that they follow."""
    kinds = transcript.layout.kinds
    calls = _calls(transcript)
    follows: Message | None = None
    for message in transcript.messages:
        if message.records:
            follows = message
        elif message.position < 0 and follows is not None and follows.records[-1] >= plan.start:
            result = message.result
            if result is None:
                continue
            record = follows.records[-1]
            item = _closing_item(result, calls, transcript)
            if kinds[record] == "compacted":
                place, _ = place_of(follows.parts[-1].block, kinds[record])
                line = plan.lines.get(record) or transcript.records[record]
                plan.lines[record] = _insert_item(line, place + 1, item)
            else:
                line_time = str(parse_line(transcript.records[record]).get("timestamp") or "")
                line = encode({"timestamp": line_time, "type": "response_item", "payload": item})
                plan.inserts.setdefault(record, []).append(line)


def _calls(transcript: Transcript) -> dict[str, Part]:
    return {part.call_id: part for message in transcript.messages for part in message.calls}


def _closing_item(result: Part, calls: dict[str, Part], transcript: Transcript) -> dict[str, Any]:
    """Write a result for a call, of the call's own family."""
    family = ""
    call = calls.get(result.call_id)
    if call is not None and call.record >= 0:
        payload = parse_line(transcript.records[call.record])["payload"]
        place, _ = place_of(call.block, transcript.layout.kinds[call.record])
        family = type_of(payload if place == OWN else payload["replacement_history"][place])
    return {"type": answer_type(family), "call_id": result.call_id, "output": result.text}


def _insert_item(line: bytes, place: int, item: dict[str, Any]) -> bytes:
    payload = parse_line(line)["payload"]
    edits: list[Insert | Delete] = [Insert(("payload", "replacement_history", place), (item,))]
    if "replacement_history_metadata" in payload:  # one entry for each item, optional as a whole
        edits.append(Delete(("payload", "replacement_history_metadata")))
    return edit(line, edits)


def _head(transcript: Transcript, start: int, keep_history: bool) -> list[bytes]:
    """Return what stays before the carrier: the thread's own lines, damaged ones, and one line of the user's.

    Codex lists and resumes only threads with a user's message among the events.
    """
    kinds = transcript.layout.kinds
    records = transcript.records
    if keep_history:
        return list(records[:start])
    first_user = next((record for record, kind in kinds.items() if kind == "user"), -1)
    return [
        records[record] for record in range(start) if kinds.get(record, "thread") == "thread" or record == first_user
    ]


def _moved(transcript: Transcript, start: int) -> Iterator[bytes]:
    """Yield the newest world state and turn context from before the start, to stand behind the carrier.

    The client compares the next turn with what stands behind the newest compaction. Where nothing does, it sends
    the whole initial context a second time. A place in the old numbering would be wrong there, so they have none.
    """
    kinds = transcript.layout.kinds
    chosen: list[int] = []
    for record in range(start):
        kind = kinds.get(record)
        if kind == "world":
            if parse_line(transcript.records[record])["payload"].get("full"):
                chosen = [one for one in chosen if kinds[one] == "turn"]
            chosen.append(record)
        elif kind == "turn":
            chosen = [*(one for one in chosen if kinds[one] == "world"), record]
    for record in sorted(chosen):
        line = transcript.records[record]
        yield edit(line, [Delete(("ordinal",))]) if "ordinal" in parse_line(line) else line


def _carrier_line(transcript: Transcript, carrier: Carrier) -> bytes:
    """Write the `compacted` line: initial context, our message, what stood apart."""
    kept = [*carrier.slots, *carrier.ours, *carrier.apart]
    calls = _calls(transcript)
    items: list[bytes] = []
    for message in kept:
        if message.records or message.result is None:
            items.extend(item_bytes(transcript, message))
        elif message.position < 0:
            items.append(encode(_closing_item(message.result, calls, transcript)))
    neighbours = [*carrier.tail[:1], *reversed(transcript.loaded)]
    time = next((message.time for message in neighbours if message.time), "")
    payload = {"message": carrier.ours[0].text, "replacement_history": Raw(b"[" + b",".join(items) + b"]")}
    return _object({"timestamp": time, "type": "compacted", "payload": Raw(_object(payload))})


def _object(members: dict[str, Any]) -> bytes:
    return b"{" + b",".join(encode(key) + b":" + encode(value) for key, value in members.items()) + b"}"


def _body(transcript: Transcript, plan: _Plan, end: int, keep_history: bool) -> Iterator[bytes]:
    """Yield the lines from the start on, and the new usage behind them."""
    newest = _newest_count(transcript, 0 if keep_history else plan.start)
    usage = _usage_line(transcript, newest) if newest is not None else None
    if usage is not None and newest is not None and _is_ours(transcript, newest):
        plan.lines[newest], usage = usage, None
    at = plan.start
    for record in sorted(one for one in plan.lines.keys() | plan.inserts.keys() if plan.start <= one < end):
        yield from runs(transcript.records, at, record)
        line = plan.lines[record] if record in plan.lines else transcript.records[record]
        if line is not None:
            yield line
        yield from plan.inserts.get(record, ())
        at = record + 1
    yield from runs(transcript.records, at, end)
    if usage is not None:
        yield usage


def _newest_count(transcript: Transcript, start: int) -> int | None:
    kinds: dict[int, LineKind] = transcript.layout.kinds
    return max((record for record, kind in kinds.items() if kind == "count" and record >= start), default=None)


def _last_usage(transcript: Transcript, record: int) -> dict[str, Any]:
    last = parse_line(transcript.records[record])["payload"]["info"].get("last_token_usage")
    return last if isinstance(last, dict) else {}


def _is_ours(transcript: Transcript, record: int) -> bool:
    """Tell whether a usage is an estimate that nothing was said after: it is written anew, not followed by another."""
    newest_item = max((one for one, kind in transcript.layout.kinds.items() if kind == "item"), default=-1)
    return not _last_usage(transcript, record).get("input_tokens") and record > newest_item


def _usage_line(transcript: Transcript, newest: int) -> bytes | None:
    """Write the usage that the next turn starts from, in the form the client writes after its own compaction.

    On resume the client takes the newest recorded usage for the size of its context. Left as it is, it would find
    its window full and summarise at once what we have just compacted.

    Returns:
        None where the context did not shrink.
    """
    counter = make_counter("heuristic")
    before = count_messages(transcript.loaded, counter)
    after = count_messages(transcript.messages, counter)
    last = _last_usage(transcript, newest)
    total = last.get("total_tokens")
    if after >= before or not isinstance(total, int):
        return None
    ratio = min(max(total / before, 1.0), MAX_USAGE_RATIO)
    usage = {**dict.fromkeys(last, 0), **dict.fromkeys(NO_USAGE, 0), "total_tokens": round(after * ratio)}
    line = transcript.records[newest]
    time = parse_line(transcript.records[_end(transcript) - 1]).get("timestamp")
    edits: list[Replace | Delete] = [Replace(("payload", "info", "last_token_usage"), usage)]
    if isinstance(time, str):
        edits.append(Replace(("timestamp",), time))
    if "ordinal" in parse_line(line):
        edits.append(Delete(("ordinal",)))
    return edit(line, edits)
