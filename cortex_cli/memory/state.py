"""What a memory consists of between two calls, and its form as JSON.

    {"kind": "cortex-memory", "version": 1, "session": "...",
     "observations": "Date: ...", "current_task": "", "suggested_response": "",
     "observation_tokens": 812, "generation": 1,
     "chunks": [{"observations", "observed_tokens", "messages", "created_at", "current_task",
                 "suggested_response", "author", "until": PLACE}],
     "watermark": 41, "merged": PLACE | null, "kept": [...], "lineage": [...],
     "reflection": {"source_chars", "observations"} | null}

PLACE is {"position", "trail", "log", "behind_log"}. `generation` counts reflections. `watermark` is how many
messages of the history are observed, `merged` up to which message the log stands for them; places are known by
messages (`identity.py`), so that the state fits the grown file as well as its compacted output. Restoring asks
no model.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from cortex_cli.errors import InputError
from cortex_cli.memory.identity import Mark

KIND = "cortex-memory"
VERSION = 1


class Hint(NamedTuple):
    """How to go on, as the newest observation saw it."""

    current_task: str = ""
    suggested_response: str = ""


NO_HINT = Hint()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Observations that are not in the log yet."""

    observations: str
    observed_tokens: int
    messages: int
    """How many messages it stands for."""
    until: Mark
    """Where what it stands for ends."""
    created_at: str = ""
    """ISO 8601, UTC: time of the newest message observed, else the clock's."""
    hint: Hint = NO_HINT
    author: str = ""


class Reflection(NamedTuple):
    """A condensed log that waits for its use."""

    source_chars: int
    """Length of the beginning of the log that it stands for; what was added since stays behind it."""
    observations: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryState:
    """The memory of one conversation."""

    observations: str = ""
    hint: Hint = NO_HINT
    observation_tokens: int = 0
    generation: int = 0
    """How often the log was condensed."""
    chunks: tuple[Chunk, ...] = ()
    """Oldest first."""
    merged: Mark | None = None
    """Up to here the log stands for the messages."""
    kept: tuple[str, ...] = ()
    """Fingerprints of messages that the log stands for and that stay all the same."""
    lineage: tuple[str, ...] = ()
    """Digests of every form that the log has had, newest last."""
    reflection: Reflection | None = None
    recall: str = ""
    session: str = ""
    """Name of the session, where it has one."""

    @property
    def watermark(self) -> Mark | None:
        """Up to here the messages are observed; None: nothing is."""
        return self.chunks[-1].until if self.chunks else self.merged

    def with_log(self, observations: str, tokens: int, **more: Any) -> "MemoryState":
        """Return the state with another form of the log."""
        lineage = (*self.lineage, digest(observations))
        return replace(self, observations=observations, observation_tokens=tokens, lineage=lineage, **more)


@lru_cache(maxsize=8)
def digest(log: str) -> str:
    """Return what a form of the log is known by."""
    return hashlib.blake2b(log.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def dump_state(state: MemoryState) -> dict[str, Any]:
    """Return a state as JSON values."""
    watermark = state.watermark
    return {
        "kind": KIND,
        "version": VERSION,
        "session": state.session,
        "observations": state.observations,
        **state.hint._asdict(),
        "observation_tokens": state.observation_tokens,
        "generation": state.generation,
        "chunks": [_dump_chunk(chunk) for chunk in state.chunks],
        "watermark": watermark.position if watermark else None,
        "merged": _dump_mark(state.merged) if state.merged else None,
        "kept": list(state.kept),
        "lineage": list(state.lineage),
        "reflection": state.reflection._asdict() if state.reflection else None,
        "recall": state.recall,
    }


def _dump_chunk(chunk: Chunk) -> dict[str, Any]:
    return {
        "observations": chunk.observations,
        "observed_tokens": chunk.observed_tokens,
        "messages": chunk.messages,
        "created_at": chunk.created_at,
        **chunk.hint._asdict(),
        "author": chunk.author,
        "until": _dump_mark(chunk.until),
    }


def _dump_mark(mark: Mark) -> dict[str, Any]:
    return {"position": mark.position, "trail": list(mark.trail), "log": mark.log, "behind_log": mark.behind_log}


def load_state(data: Any, *, messages: int | None = None) -> MemoryState:
    """Read a state back.

    Args:
        data: As `dump_state` returned it, after a way through JSON or not.
        messages: Length of the history; places behind its end are taken to stand at it. None: not known yet.

    Returns:
        The state. Without a watermark its chunks are dropped: nobody knows what they stand for.

    Raises:
        InputError: It is no state, a damaged one, or one of a later version.
    """
    if not isinstance(data, Mapping) or data.get("kind") != KIND:
        raise InputError("not a memory of cortex", hint="name what an earlier run wrote with --state, or a new file")
    version = data.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise InputError(
            f"a memory of version {version!r}, this cortex knows up to {VERSION}", hint="use a newer cortex"
        )
    fields = _Fields(data)
    has_watermark = data.get("watermark") is not None
    chunks = tuple(_load_chunk(_Fields(one), messages) for one in fields.items("chunks")) if has_watermark else ()
    merged = _load_mark(data["merged"], messages) if data.get("merged") is not None else None
    reflection = data.get("reflection")
    return MemoryState(
        observations=fields.text("observations"),
        hint=Hint(fields.text("current_task"), fields.text("suggested_response")),
        observation_tokens=fields.number("observation_tokens"),
        generation=fields.number("generation"),
        chunks=chunks,
        merged=merged,
        kept=fields.texts("kept"),
        lineage=fields.texts("lineage"),
        reflection=_load_reflection(_Fields(reflection)) if reflection is not None else None,
        recall=fields.text("recall"),
        session=fields.text("session"),
    )


def _load_chunk(fields: "_Fields", messages: int | None) -> Chunk:
    return Chunk(
        observations=fields.text("observations"),
        observed_tokens=fields.number("observed_tokens"),
        messages=fields.number("messages"),
        until=_load_mark(fields.data.get("until"), messages),
        created_at=fields.text("created_at"),
        hint=Hint(fields.text("current_task"), fields.text("suggested_response")),
        author=fields.text("author"),
    )


def _load_mark(data: Any, messages: int | None) -> Mark:
    fields = _Fields(data)
    position = fields.number("position")
    position = position if messages is None else min(position, messages)
    return Mark(position, fields.texts("trail"), fields.text("log"), fields.number("behind_log"))


def _load_reflection(fields: "_Fields") -> Reflection:
    return Reflection(fields.number("source_chars"), fields.text("observations"))


@dataclass(frozen=True, slots=True)
class _Fields:
    """Reads values of the kinds they have to be of."""

    data: Any

    def __post_init__(self) -> None:
        if not isinstance(self.data, Mapping):
            self._refuse("an entry")

    def text(self, name: str) -> str:
        value = self.data.get(name, "")
        return value if isinstance(value, str) else self._refuse(name)

    def number(self, name: str) -> int:
        value = self.data.get(name, 0)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        return self._refuse(name)

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.items(name)
        return tuple(values) if all(isinstance(one, str) for one in values) else self._refuse(name)

    def items(self, name: str) -> list[Any]:
        value = self.data.get(name, [])
        return value if isinstance(value, list) else self._refuse(name)

    def _refuse(self, name: str) -> NoReturn:
        raise InputError(
            f"a damaged memory: {name!r} is not what it should be", hint="use a copy of it, or name a new file"
        )
