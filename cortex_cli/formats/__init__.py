"""The transcript formats: which there are, which one an input is, and the way in and out.

A format is an object (a module will do) with `NAME`, `detect`, `load` and `dump`. To add one, write
its file and add it to `_MODULES`, or call `register` from outside.

More names are optional: `RULES` (a `validity.Rules`) where conversations must keep more than the rules
that all keep, and `check(transcript) -> Iterator[Problem]` for rules of the records themselves (parent
links, unique ids), which `cortex check` asks. `HINT` says how the client takes a result up. The `dump` of a
client's sessions takes `keep_history` as well.
A format whose inputs hold several conversations otherwise than one a line, or one an item of a list, says so in
`conversations(source) -> Iterator[datasets.Conversation]`, which yields nothing for an input with only one.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, NamedTuple, Protocol, cast

from cortex_cli.errors import OptionError, name_hint
from cortex_cli.formats import changes, containers, datasets, rewrite, shapes
from cortex_cli.formats.source import Lines, Source
from cortex_cli.messages import Transcript
from cortex_cli.validity import COMMON_RULES, Problem, Rules


class Format(Protocol):
    """One transcript format."""

    NAME: str
    """As in `--format` and in reports."""

    def detect(self, source: Source) -> float:
        """Say how sure it is that the input is of this format: 0 no, 1 certain, between: it could be."""
        ...

    def load(self, source: Source) -> Transcript:
        """Read the input as the format's own client reads it on resume. Never repairs.

        Raises:
            InputError: It is not of this format.
        """
        ...

    def dump(self, transcript: Transcript) -> Iterator[bytes]:
        """Yield the file's bytes: untouched records as they came in, in edited ones only the named values changed."""
        ...


DOUBT = 0.4
"""A second reading this close behind the best one in sureness is worth a word."""


GUESS = 0.2
"""A format less sure than this may be asked for by name; it is neither guessed nor offered."""


class Detection(NamedTuple):
    """What an input was taken for."""

    format: Format
    others: tuple[Format, ...]
    """What it could be as well, likeliest first; empty where there is no doubt."""


class _OnFirstUse:
    """A format of ours whose module is imported when anything but its name is asked for.

    There are many, and a session of the first needs none of the others: start-up time.
    """

    def __init__(self, name: str, module: str) -> None:
        self.NAME = name
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(f"{__name__}.{self._module}"), name)


_MODULES = (
    ("claude-code", "claude_code"),
    ("claude-code-stream", "claude_stream"),
    ("codex", "codex"),
    ("codex-legacy", "codex_legacy"),
    ("pi", "pi"),
    ("gemini-cli", "gemini_cli"),
    ("cline", "cline"),
    ("cortex-session", "cortex_session"),
    ("pi-history", "pi_history"),
    ("openai-responses", "openai_responses"),
    ("gemini", "gemini"),
    ("tau-bench", "tau_bench"),
    ("mini-swe-agent", "mini_swe_agent"),
    ("swe-agent", "swe_agent"),
    ("sharegpt", "sharegpt"),
    ("langchain", "langchain"),
    ("atif", "atif"),
    ("openhands", "openhands"),
    ("inspect-ai", "inspect_log"),
    ("anthropic", "anthropic"),
    ("axio", "axio"),
    ("bedrock-converse", "bedrock"),
    ("openai", "openai_chat"),
)
"""Name of each format -> its module, in the order in which they are asked."""

FORMATS: tuple[Format, ...] = tuple([cast(Format, _OnFirstUse(*one)) for one in _MODULES])
"""Every known format. Client sessions stand first, their detection is certain; lists of messages last."""


def register(format: Format) -> None:
    """Make a format known; it is asked before the built-in ones, and replaces one of the same name."""
    global FORMATS
    FORMATS = (format, *(known for known in FORMATS if known.NAME != format.NAME))


def find(name: str) -> Format:
    """Return the format of that name.

    Raises:
        OptionError: There is none.
    """
    if (known := _find_or_none(name)) is not None:
        return known
    hint = name_hint(name, (known.NAME for known in FORMATS))
    raise OptionError(f"no format {name!r}", where="--format", hint=hint)


def rules_of(name: str) -> Rules:
    """Return what the format of that name demands of a conversation; the common rules where it says nothing."""
    rules: Rules = getattr(_find_or_none(name), "RULES", COMMON_RULES)
    return rules


def hint_of(name: str) -> str:
    """Return how the client of the format of that name takes a result up; empty where there is nothing to say."""
    hint: str = getattr(_find_or_none(name), "HINT", "")
    return hint


def check(transcript: Transcript) -> Iterator[Problem]:
    """Yield what is wrong with the records of a transcript, as its format sees it."""
    hook: Callable[[Transcript], Iterator[Problem]] | None
    if (hook := getattr(_find_or_none(transcript.format), "check", None)) is not None:
        yield from hook(transcript)


def _find_or_none(name: str) -> Format | None:
    return next((known for known in FORMATS if name == known.NAME), None)


def detect(source: Source) -> Detection:
    """Find the format of an input.

    Raises:
        InputError: It is of no known format.
    """
    likely: list[tuple[float, Format]] = []
    for known in FORMATS:
        sureness = known.detect(source)
        if sureness >= 1:
            return Detection(known, ())
        if sureness >= GUESS:
            likely.append((sureness, known))
    if not likely:
        raise shapes.refuse(source)
    likely.sort(key=lambda pair: -pair[0])
    best = likely[0][0]
    return Detection(likely[0][1], tuple(known for sureness, known in likely[1:] if sureness > best - DOUBT))


def load(source: Source, format: str = "auto") -> Transcript:
    """Read an input that holds one conversation; `format` is a name or `auto`.

    Raises:
        InputError: It cannot be read, or holds several conversations.
        OptionError: There is no such format.
    """
    chosen, doubts = _choose(source, format)
    return _sealed(chosen.load(source), source, doubts)


def load_all(source: Source, format: str = "auto") -> tuple[Transcript, ...]:
    """Read all conversations of an input: of a data set each, else the only one.

    Raises:
        InputError: It cannot be read.
        OptionError: There is no such format.
    """
    chosen, doubts = _choose(source, format)
    split: Callable[[Source], Iterable[datasets.Conversation]]
    split = getattr(chosen, "conversations", datasets.conversations)
    found: list[Transcript] = []
    for one in split(source):
        transcript = _sealed(chosen.load(one.source), one.source)
        if not isinstance(transcript.layout, containers.Layout):
            raise shapes.refuse_as(source, chosen.NAME, ["a data set"])
        layout = replace(transcript.layout, before=one.before, after=one.after)
        found.append(replace(transcript, layout=layout))
    if not found:
        return (_sealed(chosen.load(source), source, doubts),)
    found[0] = replace(found[0], warnings=doubts + source.warnings() + found[0].warnings)
    return tuple(found)


def _sealed(transcript: Transcript, source: Source, doubts: tuple[str, ...] = ()) -> Transcript:
    """Add what is known of every input, whatever its format."""
    return replace(
        transcript,
        size_bytes=len(source.data),
        warnings=doubts + transcript.warnings,
    )


def _choose(source: Source, name: str) -> tuple[Format, tuple[str, ...]]:
    """Return the format to read with, and what is to be said about the choice."""
    if name != "auto":
        chosen = find(name)
        if not chosen.detect(source):
            certain = [known.NAME for known in FORMATS if known.detect(source) >= 1]
            if certain:
                raise shapes.refuse_as(source, name, certain)
        return chosen, ()
    detection = detect(source)
    if not detection.others:
        return detection.format, ()
    others = " or ".join(known.NAME for known in detection.others)
    return detection.format, (f"read as {detection.format.NAME}; it could also be {others}; --format decides",)


def dump(transcript: Transcript, *, keep_history: bool = False) -> Iterator[bytes]:
    """Yield the bytes of a transcript in its own format; the input's own where nothing was changed.

    Args:
        transcript: As loaded, with other messages.
        keep_history: Leave what stood before a compaction in the file; formats whose clients tell the two
            apart (their `dump` takes it) obey, others have no place for it.
    """
    if not changes.is_changed(transcript) and transcript.records:
        records = transcript.records
        yield records.data if isinstance(records, Lines) else b"\n".join(records)
        return
    write: Callable[..., Iterator[bytes]] = find(transcript.format).dump
    if keep_history and "keep_history" in inspect.signature(write).parameters:
        yield from write(transcript, keep_history=True)
    else:
        yield from write(transcript)


def dump_all(transcripts: Iterable[Transcript], *, keep_history: bool = False) -> Iterator[bytes]:
    """Yield the bytes of what `load_all` read, with the lines between the conversations."""
    for transcript in transcripts:
        layout = transcript.layout
        is_list = isinstance(layout, containers.Layout)
        yield layout.before if is_list else b""
        yield from dump(transcript, keep_history=keep_history)
        yield layout.after if is_list else b""


def load_messages(messages: Sequence[Any], format: str = "auto") -> Transcript:
    """Read a list of message dicts (or of provider packages' objects) as a program holds it.

    Raises:
        InputError: They are of no known format.
        OptionError: There is no such format.
    """
    return load(containers.PlainSource(messages), format)


def is_plain(transcript: Transcript) -> bool:
    """Tell whether a transcript was read by `load_messages`."""
    return isinstance(transcript.layout, containers.Layout) and transcript.layout.box.kind == "plain"


def dump_messages(transcript: Transcript, made: rewrite.Made | None = None) -> list[Any]:
    """Return what `load_messages` read as a list again; untouched messages are the same objects.

    Args:
        transcript: With other messages.
        made: See `rewrite.render_plain`.
    """
    if not is_plain(transcript):
        raise TypeError("dump_messages writes what load_messages read; use dump for the rest")
    if not changes.is_changed(transcript):
        return list(transcript.layout.originals)
    plan: Callable[[Transcript], rewrite.Plan] = find(transcript.format).plan  # type: ignore[attr-defined]
    return rewrite.render_plain(transcript, plan(transcript), made)
