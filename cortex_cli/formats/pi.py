"""pi sessions (`~/.pi/agent/sessions/--<cwd>--/<time>_<id>.jsonl`, versions 1 to 3), read as pi sends them.

`pi_tree.py` says which entries are sent, `pi_history.read_message` reads one message, `pi_dump.py` writes.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cortex_cli.formats.containers import mark_own, name_results
from cortex_cli.formats.pi_dump import dump
from cortex_cli.formats.pi_history import read_answer, read_message
from cortex_cli.formats.pi_tree import SPOKEN, Entry, Tree, is_header, read_tree
from cortex_cli.formats.source import Source
from cortex_cli.formats.times import to_milliseconds, to_utc
from cortex_cli.marks import synthetic_kind
from cortex_cli.messages import Message, Part, Transcript, Usage
from cortex_cli.typed import finish
from cortex_cli.validity import SHARED_ID_HINT, Problem, Rules

__all__ = ["NAME", "RULES", "check", "detect", "dump", "load"]

NAME = "pi"

RULES = Rules(results_directly_after_call=True, user_first=True)

NO_RESULT = "No result provided"
"""What pi sends for a call that has no result. Source: pi-ai's `transform-messages.ts`."""


def detect(source: Source) -> float:
    """Tell whether an input is a session: its first line is the header."""
    return 1.0 if source.head and is_header(source.head[0]) else 0.0


def load(source: Source) -> Transcript:
    """Read a session.

    Raises:
        InputError: It does not begin with a session's header.
    """
    tree = read_tree(source.objects())
    if tree is None:
        raise source.fail("not a pi session", line=1, hint='its first line has `"type": "session"` and an id')
    messages = finish(_with_results(list(mark_own(name_results(_messages(tree.live))))))
    answers = [entry.value["message"] for entry in tree.path if _is_answer(entry)]
    models = [entry.value.get("modelId") for entry in tree.path if entry.kind == "model_change"]
    named = [read_answer(answer).model for answer in answers] or models
    return Transcript(
        format=NAME,
        messages=messages,
        loaded=messages,
        records=source.records,
        layout=tree,
        path=source.path,
        model=next((model for model in reversed(named) if isinstance(model, str) and model), ""),
        session_id=tree.header["id"],
        usage=_usage(tree, messages),
        warnings=(*source.warnings(), *_cut_off(tree, source)),
    )


def _cut_off(tree: Tree, source: Source) -> Iterator[str]:
    """Say where the path begins in the middle: pi sends nothing of what stands before."""
    if tree.path and (parent := tree.path[0].parent):
        line = source.first_line + tree.path[0].record
        yield f"{source.path}:{line}: its parent {parent!r} is not in the file, pi sends only what follows"


def _is_answer(entry: Entry) -> bool:
    message = entry.value.get("message")
    return entry.kind == "message" and isinstance(message, dict) and message.get("role") == "assistant"


def _messages(entries: Iterable[Entry]) -> Iterator[Message]:
    for entry in entries:
        message = _read(entry) if entry.kind in SPOKEN else None
        if message is not None and (message.parts or message.role != "assistant"):  # pi sends no empty answer
            yield message._replace(id=_id(entry), time=to_utc(entry.value.get("timestamp")) or message.time)


def _id(entry: Entry) -> str:
    found = entry.value.get("id")
    return found if isinstance(found, str) else ""


def _read(entry: Entry) -> Message | None:
    value = entry.value
    if entry.kind == "message":
        message = value.get("message")
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            return None
        if message["role"] == "hookMessage":  # version 2
            message = {**message, "role": "custom"}
        return read_message(entry.record, message)
    if entry.kind == "custom_message":
        return read_message(entry.record, {"role": "custom", "content": value.get("content")})
    summary = value.get("summary")
    summary = summary if isinstance(summary, str) else ""
    if entry.kind == "branch_summary":
        return read_message(entry.record, {"role": "branchSummary", "summary": summary}) if summary else None
    part = Part("text", summary, record=entry.record)
    return Message("user", (part,), (entry.record,), synthetic=synthetic_kind(summary) or "summary")


def _with_results(messages: Sequence[Message]) -> Iterator[Message]:
    """Add the results that pi sends for calls without one, where it adds them; nothing of it is written."""
    answered: dict[str, int] = {}
    for position, message in enumerate(messages):
        if message.result is not None:
            answered[message.result.call_id] = position
    waiting: list[Part] = []
    for position, message in enumerate(messages):
        if message.role != "tool":
            yield from map(_closing, waiting)
            waiting = [part for part in message.calls if answered.get(part.call_id, -1) < position]
        yield message
    yield from map(_closing, waiting)


def _closing(call: Part) -> Message:
    part = Part("result", NO_RESULT, name=call.name, call_id=call.call_id, is_error=True)
    return Message("tool", (part,), synthetic="closing")


def _usage(tree: Tree, messages: Sequence[Message]) -> Usage | None:
    """Find the newest answer that was given after the compaction in effect, which pi tells by the times."""
    since = 0
    if tree.compaction is not None:
        since = to_milliseconds(to_utc(tree.path[tree.compaction].value.get("timestamp")))
    positions = {message.records[0]: message.position for message in messages if message.records}
    for entry in reversed(tree.path[(tree.compaction or 0) :]):
        if not _is_answer(entry) or entry.record not in positions:
            continue
        answer: dict[str, Any] = entry.value["message"]
        stamp = to_milliseconds(to_utc(answer.get("timestamp") or entry.value.get("timestamp")))
        tokens = read_answer(answer).tokens
        if tokens > 0:
            return Usage(tokens, positions[entry.record] + 1) if stamp > since or not since else None
    return None


def check(transcript: Transcript) -> Iterator[Problem]:
    """Yield ids that two different entries have; pi then sees the later one only."""
    tree: Tree = transcript.layout
    positions = {message.records[0]: message.position for message in transcript.messages if message.records}
    first: dict[str, Entry] = {}
    for entry in tree.entries:
        earlier = first.setdefault(entry.id, entry)
        if earlier.value != entry.value and entry.record in positions:
            position = positions[entry.record]
            text = f"id {entry.id!r} is that of line {earlier.record + 1} too"
            yield Problem("ids_are_unique", position, transcript.messages[position], text, SHARED_ID_HINT)
