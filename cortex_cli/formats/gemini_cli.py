"""Sessions of the Gemini CLI (`~/.gemini/tmp/<project>/chats/session-*`), one JSON document or JSON Lines.

In lines a record replaces an earlier one of its id, `$rewindTo` takes records back, and `$set` with messages
replaces all that stood before: replayed as the client does. `gemini_records.py` reads one record,
`gemini_cli_dump.py` writes. Source: FORMATS section 7, and `loadConversationRecord` of the client (0.61).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from cortex_cli.formats import containers
from cortex_cli.formats.codex_replay import OWN
from cortex_cli.formats.contents import text_of
from cortex_cli.formats.gemini_cli_dump import HEADER, SET, Layout, Record, dump
from cortex_cli.formats.gemini_records import is_acknowledgement, read_record
from cortex_cli.formats.source import Source
from cortex_cli.jsonscan import Path
from cortex_cli.messages import Message, Transcript, Usage
from cortex_cli.typed import finish
from cortex_cli.validity import Rules

__all__ = ["NAME", "RULES", "detect", "dump", "load"]

NAME = "gemini-cli"

RULES = Rules(results_directly_after_call=True, user_first=True)
"""Source: FORMATS section 7, G1 and G2."""


def detect(source: Source) -> float:
    """Tell whether an input is a session: it says of which project."""
    return float(any(map(_is_header, source.head)))


def _is_header(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("sessionId"), str):
        return False
    is_document = isinstance(value.get("messages"), list) and "startTime" in value
    return isinstance(value.get("projectHash"), str) or is_document


def load(source: Source) -> Transcript:
    """Read a session.

    Raises:
        InputError: It does not say of which session and project it is.
    """
    if not any(map(_is_header, source.head)):
        raise source.fail("not a Gemini CLI session", hint="it has a `sessionId` and a `projectHash`")
    document = source.document
    if isinstance(document, dict) and isinstance(document.get("messages"), list):
        return _load_document(source, document)
    return _load_lines(source)


def _load_document(source: Source, document: dict[str, Any]) -> Transcript:
    values = document["messages"]
    box = containers.Box("list", ("messages",), document, values)
    live: dict[str, Record] = {}
    for index, value in enumerate(values):
        if _is_record(value):
            live[value["id"]] = Record(index, value)  # as in lines, where the client takes the document over
    found = list(_messages(live.values()))
    model, usage = _read_answers(live.values(), found)
    transcript = containers.build(source, containers.Reading(box, found, model, usage, ()), NAME, found)
    return replace(transcript, session_id=document["sessionId"])


def _load_lines(source: Source) -> Transcript:
    layout = Layout()
    for line, value in source.objects():
        _replay(layout, line, value)
    messages = finish(containers.mark_own(containers.name_results(_messages(layout.live.values()))))
    model, usage = _read_answers(layout.live.values(), messages)
    return Transcript(
        format=NAME,
        messages=messages,
        loaded=messages,
        records=source.records,
        layout=layout,
        path=source.path,
        model=model,
        session_id=layout.session_id,
        usage=usage,
        warnings=source.warnings(),
    )


def _is_record(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), str)


def _replay(layout: Layout, line: int, value: dict[str, Any]) -> None:
    """Do what the client does with one line."""
    changes = value.get("$set")
    if isinstance(back := value.get("$rewindTo"), str):
        layout.kinds[line] = "rewind"
        ids = list(layout.live)
        for one in ids[ids.index(back) :] if back in layout.live else ids:
            del layout.live[one]
    elif _is_record(value):
        layout.kinds[line] = "record"
        earlier = layout.live.get(value["id"])
        first = line if earlier is None else earlier.first
        layout.live[value["id"]] = Record(line, value, first=first)
    elif isinstance(changes, dict | list):
        layout.kinds[line] = "side"
        if isinstance(changes, dict) and isinstance(changes.get("messages"), list):
            layout.live.clear()
            _take_list(layout, line, changes["messages"], SET)
    elif isinstance(value.get("sessionId"), str) and isinstance(value.get("projectHash"), str):
        layout.kinds[line] = "side"
        layout.session_id = value["sessionId"]
        if isinstance(value.get("messages"), list):
            _take_list(layout, line, value["messages"], HEADER)


def _take_list(layout: Layout, line: int, values: Sequence[Any], path: Path) -> None:
    layout.lists[line] = path
    for place, value in enumerate(values):
        if _is_record(value):
            layout.live[value["id"]] = Record(line, value, place, line)


def _messages(records: Iterable[Record]) -> Iterator[Message]:
    """Yield what is sent; the client's acknowledgement of a summary is part of that summary's record."""
    waiting: Message | None = None
    for record in records:
        if waiting is not None and waiting.synthetic and is_acknowledgement(record.value):
            together = sorted({*waiting.records, record.line})
            waiting = waiting._replace(records=tuple(together))
            continue
        for message in read_record(record.line, record.value, record.place):
            if waiting is not None:
                yield waiting
            waiting = message
    if waiting is not None:
        yield waiting


def _read_answers(records: Iterable[Record], messages: Sequence[Message]) -> tuple[str, Usage | None]:
    """Return the model of the newest answer, and what it reported of its size."""
    places = {(one.records[0], one.id): at for at, one in enumerate(messages) if one.role == "assistant"}
    model, usage = "", None
    for record in records:
        at = places.get((record.line, record.value["id"]))
        tokens = record.value.get("tokens")
        total = tokens.get("total") if isinstance(tokens, dict) else None
        model = text_of(record.value.get("model")) or model
        is_current = record.place == OWN  # a list holds what was said before it was compacted
        if at is not None and is_current and isinstance(total, int) and total > 0:
            usage = Usage(total, at + 1)
    return model, usage
