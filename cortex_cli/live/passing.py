"""One pass of a live session's messages through the layers: from what the caller has to what is sent.

The layers and their order are the file pipeline's. Nothing is changed on the way: a pass that fails or is
cancelled leaves the session as it was.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cortex_cli import formats
from cortex_cli.errors import DoesNotFitError
from cortex_cli.formats.containers import as_plain
from cortex_cli.layers.failsafe import failsafe, live_target, should_truncate
from cortex_cli.layers.micro import band, decisions_of
from cortex_cli.layers.view import Layer, Redone, View, of_originals
from cortex_cli.live.document import OWN, Document, read_document
from cortex_cli.live.history import History
from cortex_cli.messages import LayerResult, Message
from cortex_cli.pipeline import LAYERS, Judged, Remember, Run, run_layers
from cortex_cli.repair import repair
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import Summarizer
from cortex_cli.tokens import Counter, count_messages

if TYPE_CHECKING:
    from cortex_cli.memory.engine import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What one model call is made of, as the caller has it."""

    messages: Sequence[Any]
    system: Any = None
    """A system prompt that is sent beside the messages: a text, or a list of blocks."""
    slots: Sequence[Any] = ()
    """Sent in front of the messages, kept by every layer, never part of the saved history."""
    injected: Sequence[Any] = ()
    """Sent behind the messages in this call only."""


@dataclass(frozen=True, slots=True)
class Trims:
    """What layer 1 did and has to do again, so that the cached prefix stays the same bytes."""

    decisions: Mapping[str, str]
    """Call id -> replacement."""
    decided_at: tuple[int, int] | None = None
    """`micro.band` then."""
    redone: Redone = field(default_factory=Redone, compare=False, repr=False)
    """Them, put in."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a session knows between two passes."""

    history: History = field(default_factory=History)
    document: Document | None = None
    trims: Trims = field(default_factory=lambda: Trims({}))
    call: Call | None = None
    """The newest."""
    judged: Judged | None = None
    """What the newest pass made, and from what."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What came of one."""

    known: Known
    sent: Sequence[Any]
    counted: int
    """Our count of the messages that are sent, without what is sent beside them."""
    run: Run | None = None
    is_edited: bool = False
    """The saved history became another, or layer 1 trimmed what it had not trimmed before."""
    is_replaced: bool = False
    """The saved history became another."""
    oldest_preserved: int | None = None
    """Index in the caller's list of the oldest message that was said and stays; None: it stands there otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a pass is made under."""

    settings: Settings
    counter: Counter
    summarizer: Summarizer
    view: View
    """Sizes, cache and persist callback; its messages are not looked at."""
    must_fit: int = 0
    """The size to get to after an overflow; 0: none."""
    memory: "Memory | None" = None
    """Takes the place of summaries."""
    remember: Remember | None = None
    """Hands it the conversation."""


def live_failsafe(view: View, settings: Settings, counter: Counter) -> LayerResult:
    """Once over the threshold go down to the live target; where that cannot be, as far as the window demands."""
    if view.target_tokens or not should_truncate(view.count(counter), view, settings):
        return failsafe(view, settings, counter)
    for target in (live_target(view, settings), int(settings.failsafe_threshold * view.window / view.scale)):
        with suppress(DoesNotFitError):
            return failsafe(replace(view, target_tokens=max(1, target)), settings, counter)
    return failsafe(replace(view, target_tokens=int(view.window / view.scale)), settings, counter)


LIVE_LAYERS: Mapping[str, Layer] = {**LAYERS, "failsafe": live_failsafe}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a call's messages say."""

    known: Known
    """What was known before."""
    call: Call
    lead: int
    """System prompts in front."""
    history: History
    document: Document | None
    """None: there are no messages."""
    is_typed: bool
    """A person said something new."""

    def count(self, counter: Counter) -> int:
        """Count what would be sent as it stands."""
        if self.document is None:
            return 0
        return count_messages(self.document.messages, counter) + _count_injected(
            self.document, self.call.injected, counter
        )


def read_call(known: Known, call: Call, *, format: str, prefer: str = "") -> Reading:
    """Read what the caller has, as far as it is new.

    Args:
        known: What is known from the calls before.
        call: What the caller has.
        format: A format's name, or `auto`.
        prefer: The format to take where the messages could be of several.

    Raises:
        InputError: The messages are of no known format.
    """
    lead, body = split_lead(call.messages)
    history = known.history.follow(body)
    front = [*lead, *call.slots]
    values = (*front, *history.values) if front else history.values
    if not values:
        return Reading(known, call, len(lead), history, None, False)
    document = read_document(values, front=len(front), format=format, prefer=prefer, known=known.document)
    old = len(values) - history.added
    is_typed = any(message.typed for message in document.behind(old))
    return Reading(known, call, len(lead), history, document, is_typed)


async def run_pass(reading: Reading, terms: Terms) -> Pass:
    """Run the layers over what was read.

    Raises:
        DoesNotFitError: It cannot be made small enough for the window.
    """
    document, history, call, trims = reading.document, reading.history, reading.call, reading.known.trims
    if document is None:
        return Pass(replace(reading.known, history=history, call=call), list(call.injected), 0)
    run = _prepare(document, reading.known, call, terms)
    await run_layers(run)
    is_replaced = _is_replaced(run, terms)
    if is_replaced:
        history = _keep(history, document, run, terms)
    sent = _with_injected(document, document.render(run.view.messages), call)
    is_untouched = run.view.messages is document.messages and not (call.slots or call.injected)
    returned = history.returned(sent[reading.lead :] if reading.lead else sent, is_untouched=is_untouched)
    now = _trims(trims, run, terms)
    return Pass(
        Known(returned, document, now, call, _judged(run)),
        sent,
        count_messages(run.view.messages, terms.counter) + run.view.following_tokens,
        run,
        is_edited=is_replaced or now is not trims,
        is_replaced=is_replaced,
        oldest_preserved=_find_oldest(reading, document, run),
    )


def _judged(run: Run) -> Judged | None:
    """Return what the run checked; None: it did nothing that had to be."""
    is_changed = run.view.messages is not run.repaired
    return Judged(run.view.messages, run.repaired, run.rules) if is_changed else None


def _find_oldest(reading: Reading, document: Document, run: Run) -> int | None:
    said = (one for one in run.view.messages if one.position >= 0 and one.counts_as_recent)
    first = next(said, None)
    at = document.place(first) - document.front if first else -1
    origin = reading.history.origins[at] if at >= 0 else -1
    return reading.lead + origin if origin >= 0 else None


def split_lead(messages: Sequence[Any]) -> tuple[list[Any], Sequence[Any]]:
    """Part the system prompts in front, which may change from call to call, from what was said."""
    at = 0
    while at < len(messages) and _role(messages[at]) in ("system", "developer"):
        at += 1
    return list(messages[:at]), messages[at:] if at else messages


def _role(value: Any) -> Any:
    return value.get("role") if isinstance(value, Mapping) else getattr(value, "role", "")


def _prepare(document: Document, known: Known, call: Call, terms: Terms) -> Run:
    """Mend what is broken and set everything out for the layers."""
    trims = known.trims
    rules, counter = document.rules, terms.counter
    repaired = repair(document.messages, rules, counter)
    settings = terms.settings
    if settings.fit != terms.must_fit or settings.until:
        settings = replace(settings, fit=terms.must_fit, until="")
    if repaired.is_refused:
        settings = replace(settings, layers=())
    view = replace(
        view_of(document, call, terms),
        decisions=trims.decisions,
        decided_at=trims.decided_at,
        redone=trims.redone,
        takes_turns=rules.alternates,
        persist=of_originals(terms.view.persist, repaired.messages) if terms.view.persist else None,
    )
    if terms.must_fit:  # whatever is cached, the provider does not take it
        view = replace(view, cache_is_warm=False, decisions={}, decided_at=None, is_miscounted=True)
    return Run(
        view=view.with_messages(repaired.messages),
        settings=settings,
        counter=counter,
        rules=rules,
        summarizer=terms.summarizer,
        repaired=repaired.messages,
        layers=LIVE_LAYERS,
        memory=terms.memory,
        remember=terms.remember,
        judged=known.judged,
    )


def view_of(document: Document, call: Call, terms: Terms) -> View:
    """Return what was read as the layers see it."""
    following = _count_injected(document, call.injected, terms.counter)
    return replace(terms.view, messages=document.messages, following_tokens=following)


def _count_injected(document: Document, injected: Sequence[Any], counter: Counter) -> int:
    if not injected:
        return 0
    own = [one for one in injected if isinstance(one, Message)]
    foreign = [one for one in injected if not isinstance(one, Message)]
    format = "auto" if document.transcript.format == OWN else document.transcript.format
    read = formats.load_messages(foreign, format).messages if foreign else ()
    return count_messages(own, counter) + count_messages(read, counter)


def _is_replaced(run: Run, terms: Terms) -> bool:
    lasting = run.tracks if terms.must_fit else ("cap", "summary", "observe", "failsafe")
    return any(run.changes_of(name) for name in lasting)


def _keep(history: History, document: Document, run: Run, terms: Terms) -> History:
    """Return the history as it is to be kept: with what lasts, and results as long as they were before layer 1."""
    messages = run.view.messages
    if not terms.must_fit and run.source is not None:
        shortened = {change.message.position for change in run.changes_of("failsafe") if change.part >= 0}
        longer = {one.position: one for one in run.source.messages if one.position not in {-1, *shortened}}
        messages = tuple(longer.get(message.position, message) for message in messages)
    kept = tuple(message for message in messages if not 0 <= document.place(message) < document.front)
    rendered = document.render(kept)
    has_new = any(message.position < 0 for message in kept)
    places = document.places(rendered, with_edited=not has_new)
    return history.compacted(rendered, [at - document.front if at >= document.front else -1 for at in places])


def _with_injected(document: Document, rendered: Sequence[Any], call: Call) -> Sequence[Any]:
    """Put what is sent once behind the rest; where user and assistant may have to take turns, neighbours become one."""
    values = [*rendered, *call.injected] if call.injected else rendered
    if document.is_sure and not document.rules.alternates:
        return values
    seams = {id(value) for value in (*call.slots, *call.injected)}
    joined: list[Any] = []
    was_seam = False
    for value in values:
        is_seam = id(value) in seams
        if joined and (is_seam or was_seam) and _role(value) == _role(joined[-1]) == "user":
            last = as_plain(joined[-1])
            key = "parts" if "parts" in last else "content"  # as Gemini calls it
            joined[-1] = {**last, key: [*_blocks(last.get(key)), *_blocks(as_plain(value)[key])]}
        else:
            joined.append(value)
        was_seam = is_seam
    return joined


def _blocks(content: Any) -> list[Any]:
    """Return the blocks of a content; a damaged message may have none."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return list(content) if isinstance(content, Sequence) else []


def _trims(known: Trims, run: Run, terms: Terms) -> Trims:
    """Return what layer 1 has to do again next time."""
    if run.source is None or "micro" not in run.tracks:
        return known
    source = run.source
    if source.cache_is_warm:
        return known
    decisions = decisions_of(run.changes_of("micro"))
    if decisions == known.decisions and not source.decisions:
        return known
    now = band(source, terms.counter)
    if source.decisions and source.decided_at == now:
        return known
    return known if decisions == known.decisions and now == known.decided_at else Trims(decisions, now)


def preamble_tokens(system: Any, counter: Counter) -> int:
    """Count a system prompt that is sent beside the messages."""
    if isinstance(system, str):
        return counter.count_text(system)
    blocks = system if isinstance(system, Sequence) else () if system is None else (system,)
    texts = (block.get("text") if isinstance(block, Mapping) else getattr(block, "text", None) for block in blocks)
    return sum(counter.count_text(text) for text in texts if isinstance(text, str))
