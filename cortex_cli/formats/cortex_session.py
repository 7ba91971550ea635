"""Sessions of the manager's own agent, `~/.cortex/sessions/ID/`: history, meta data and observational state.

The folder's files are one document here, a member each (`folders.py` puts them together and apart). The history is
pi's. The state says how many of its messages are observed; that number moves with the history. Source: FORMATS
section 10, and `persistence/sessions.ts` of the agent.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cortex_cli.formats import containers, pi_history, rewrite, shapes
from cortex_cli.formats.changes import is_changed
from cortex_cli.formats.containers import Box
from cortex_cli.formats.contents import text_of
from cortex_cli.formats.source import Source
from cortex_cli.jsonedit import Edit, Replace, edit
from cortex_cli.messages import NO_RECORD, Message, Part, Transcript, Usage
from cortex_cli.tokens import count_messages, make_counter
from cortex_cli.validity import Rules

NAME = "cortex-session"

RULES = Rules(results_directly_after_call=True, user_first=True)
"""As of pi's sessions: its history is sent the same way."""

HISTORY, META, STATE = "history.json", "meta.json", "observations.json"

WATERMARK = "bufferWatermark"
"""Member of the state: how many messages of the history the buffered observations stand for."""

SIZE = "contextTokenCount"
"""Member of the meta data: what the session's context had at the last call, in tokens."""

_NEEDED = {"id": str, "mode": str, "provider": str, "model": str, "cwd": str, "createdAt": int | float}
"""Members without which the agent does not load a session."""


def detect(source: Source) -> float:
    """Tell whether the input is such a session."""
    document = source.document
    is_own = isinstance(document, dict) and isinstance(document.get(HISTORY), list)
    return float(is_own and isinstance(document.get(META), dict))


def load(source: Source) -> Transcript:
    """Read a session.

    Raises:
        InputError: It has no history or no meta data.
    """
    if not detect(source):
        raise shapes.refuse(source)
    document = source.document
    meta, state = document[META], document.get(STATE)
    box = Box("list", (HISTORY,), document, document[HISTORY])
    messages = list(_read_log(state))
    usage = None
    for index, value in enumerate(box.values):
        found = pi_history.read_element(index, value) if containers.is_message(value) else None
        messages.extend(found or ())
        if found and value["role"] == "assistant" and (tokens := pi_history.read_answer(value).tokens):
            usage = Usage(tokens, len(messages))
    reading = containers.Reading(box, messages, text_of(meta.get("model")), usage, tuple(_warn(source, meta)))
    transcript = containers.build(source, reading, NAME, messages)
    return replace(transcript, session_id=text_of(meta.get("id")))


def _read_log(state: Any) -> Iterator[Message]:
    """Read the log of observations: it is sent in a slot, and stands in no message."""
    text = text_of(state.get("observations")) if isinstance(state, dict) else ""
    if text:
        yield Message("system", (Part("text", text, record=NO_RECORD),))


def _warn(source: Source, meta: dict[str, Any]) -> Iterator[str]:
    missing = [key for key, kind in _NEEDED.items() if not isinstance(meta.get(key), kind)]
    if missing:
        yield f"{source.path}: {META} has no {' and no '.join(missing)}, its agent will not load it"


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the session as one document."""
    planned = plan(transcript)
    data = b"".join(rewrite.render(transcript, planned))
    yield edit(data, list(_numbers(transcript, planned))) if is_changed(transcript) else data


def plan(transcript: Transcript) -> rewrite.Plan:
    """Plan what becomes of every message."""
    return pi_history.plan(transcript)


def _numbers(transcript: Transcript, planned: rewrite.Plan) -> Iterator[Edit]:
    """Write the numbers that follow from the history: what of it is observed, and how large it is."""
    document = transcript.layout.box.top
    state, size = document.get(STATE), document[META].get(SIZE)
    watermark = state.get(WATERMARK) if isinstance(state, dict) else None
    if isinstance(watermark, int) and (moved := move_watermark(watermark, transcript, planned)) != watermark:
        yield Replace((STATE, WATERMARK), moved)
    counter = make_counter("heuristic")
    before, after = (count_messages(messages, counter) for messages in (transcript.loaded, transcript.messages))
    if isinstance(size, int | float) and 0 < after < before:
        yield Replace((META, SIZE), round(size * after / before))


def move_watermark(watermark: int, transcript: Transcript, planned: rewrite.Plan) -> int:
    """Return where the observed part of the history ends now.

    Where messages left that nobody has observed, what stands for them is not observed either.
    """
    is_open = any(index >= watermark for index in planned.gone)
    end = position = 0
    for index in range(min(watermark, len(transcript.layout.box.values))):
        ours = len(planned.inserts.get(index, ()))
        if ours and is_open:
            break
        position += ours
        if index not in planned.gone:
            position += 1
            end = position
    return end
