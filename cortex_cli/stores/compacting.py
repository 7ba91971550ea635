"""The old part of a store's conversation becomes a summary; what is recent stays as it is.

Decides where the cut is and what stands there instead; who writes the summary is told in `asking`, when it
happens in `auto`. Source: SPEC section 9.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from cortex_cli import formats
from cortex_cli.groups import safe_cuts
from cortex_cli.layers.partition import Partition
from cortex_cli.layers.summary import MIN_TOKENS, request_for, summary_messages, summary_size, with_known_summary
from cortex_cli.layers.view import View
from cortex_cli.messages import Message, Transcript
from cortex_cli.settings import Settings
from cortex_cli.stores.asking import Asked, NoSummaryError, StoreSummarizer, window_of, write_summary
from cortex_cli.stores.base import ContextStore
from cortex_cli.stores.codecs import Codec, codec_for
from cortex_cli.summarizers.base import SummaryRequest
from cortex_cli.tokens import Counter, make_counter

KEEP_RECENT = 6
"""Newest messages that stay. Source: SPEC section 9."""

_log = logging.getLogger("cortex_cli")


class Compacted(NamedTuple):
    """A conversation with a summary in the place of its oldest messages."""

    messages: list[Any]
    """All of it; what stays are the same objects."""
    replaced: int
    """How many messages of the old conversation do not stay."""
    new: list[Any]
    """What stands in their place."""


class _Plan(NamedTuple):
    """What is to be summarised."""

    transcript: Transcript
    split: int
    """Index of the first message that stays."""
    live: tuple[Message, ...]
    """The conversation; an earlier summary in it is known as one."""
    request: SummaryRequest
    replaced: list[int]
    """Indices of the store's messages that it replaces."""
    replaced_tokens: int
    counter: Counter


async def compact_context(
    store: ContextStore,
    summarizer: StoreSummarizer | None = None,
    *,
    keep_recent: int = KEEP_RECENT,
    prompt: str | None = None,
) -> list[Any] | None:
    """Return a store's conversation with a summary in the place of its old messages; the store stays as it is.

    Args:
        store: Any store of dicts or of axio's messages.
        summarizer: Who writes it: `None` the built-in one, without model and network; a `Summarizer` of ours
            (`summarizer_of(...)`); an axio transport; or a function `(messages, prompt) -> text`, async or not.
        keep_recent: Newest messages that stay; more where one of them answers an older call. >= 0.
        prompt: What a function or transport is told instead of our prompt; for the others the focus.

    Returns:
        The summary as a user message, an acknowledgement where an answer does not follow anyway, and the recent
        messages; system messages stay in front. None: there is too little to summarise, or no summary was
        written, which is logged as a warning.
    """
    done = await compact_messages(
        await store.get_history(),
        summarizer,
        keep_recent=keep_recent,
        prompt=prompt,
        codec=getattr(store, "codec", None),
    )
    return done.messages if done else None


async def compact_messages(
    messages: Sequence[Any],
    summarizer: StoreSummarizer | None,
    *,
    keep_recent: int,
    prompt: str | None,
    codec: Codec | None = None,
    window: int = 0,
) -> Compacted | None:
    """Put a summary in the place of the oldest messages, see `compact_context`.

    Args:
        messages: The conversation.
        summarizer: Who writes.
        keep_recent: Newest messages that stay.
        prompt: Ours where None.
        codec: Of the messages; default: by their type.
        window: Of the model, in tokens, for the size of the summary; 0: as the summariser says.
    """
    if len(messages) <= keep_recent:
        return None
    try:
        codec = codec or codec_for(messages[0])
        # in a thread: a long conversation takes a while to count, and others append meanwhile
        size = window or window_of(summarizer)
        plan = await asyncio.to_thread(_plan, messages, codec, keep_recent, prompt or "", size)
        if plan is None:
            return None
        replaced = [messages[i] for i in plan.replaced]
        text = await write_summary(summarizer, Asked(plan.request, replaced, codec, prompt))
        return _install(plan, text, messages, codec)
    except Exception as error:  # somebody else's code: whatever it raises, the conversation goes on
        is_plain = isinstance(error, NoSummaryError)
        _log.warning("no summary was written, the history stays as it is: %s", error, exc_info=not is_plain)
        return None


def _plan(messages: Sequence[Any], codec: Codec, keep_recent: int, focus: str, window: int) -> _Plan | None:
    transcript = formats.load_messages([codec.encode(message) for message in messages], codec.format)
    live = with_known_summary(transcript.messages)
    split = find_boundary(live, len(messages), keep_recent)
    old = tuple(i for i, message in enumerate(live) if _element(message) < split and not message.slot)
    if all(live[i].synthetic for i in old):
        return None
    settings = Settings(focus=focus)
    counter = make_counter(settings.tokenizer)
    tokens = sum(counter.count_message(live[i]) for i in old)
    tail = next((i for i, message in enumerate(live) if _element(message) >= split), len(live))
    request = request_for(
        View(messages=live, window=window, budget=window),
        Partition(old, None, tail),
        summary_size(tokens, window, settings),
        counter,
        settings,
    )
    return _Plan(transcript, split, live, request, sorted({_element(live[i]) for i in old}), tokens, counter)


def find_boundary(live: Sequence[Message], count: int, keep_recent: int) -> int:
    """Return the index of the first message to keep.

    Begins at `count - keep_recent` and steps back while the message there holds a tool result, or while a call
    would be parted from a result that comes later.

    Args:
        live: The messages as loaded; `records` names the message of the store that each stands in.
        count: Messages in the store.
        keep_recent: Newest ones to keep.
    """
    starts = {len(live): count} | {i: _element(message) for i, message in reversed([*enumerate(live)])}
    first = {_element(message): i for i, message in reversed([*enumerate(live)])}
    safe = {starts[cut] for cut in safe_cuts(live) if cut == len(live) or first[starts[cut]] == cut}
    results = {_element(message) for message in live if message.role == "tool"}
    split = min(count, count - keep_recent)
    while split > 0 and (split in results or split not in safe):
        split -= 1
    return max(0, split)


def _element(message: Message) -> int:
    return message.records[0]


def _install(plan: _Plan, text: str, messages: Sequence[Any], codec: Codec) -> Compacted:
    """Write the summary in the store's form, in the format of its neighbours."""
    slots = tuple(message for message in plan.live if _element(message) < plan.split and message.slot)
    tail = tuple(message for message in plan.live if _element(message) >= plan.split)
    ours = summary_messages(text, plan.request, tail, Settings(style="store"))
    size = sum(map(plan.counter.count_message, ours))
    if size >= max(plan.replaced_tokens, MIN_TOKENS):  # below the least size of a summary growth does no harm
        raise NoSummaryError(f"it has {size:,} tokens, what it would replace {plan.replaced_tokens:,}")
    written = formats.dump_messages(plan.transcript.with_messages((*slots, *ours, *tail)))
    known = {id(value): message for value, message in zip(plan.transcript.layout.originals, messages, strict=True)}
    whole = [known[id(value)] if id(value) in known else codec.decode(value) for value in written]
    kept = _same_at_end(messages, whole)
    return Compacted(whole, len(messages) - kept, whole[: len(whole) - kept])


def _same_at_end(old: Sequence[Any], new: Sequence[Any]) -> int:
    """Count the messages at the end that are the same objects."""
    count = 0
    for one, other in zip(reversed(old), reversed(new), strict=False):
        if one is not other:
            break
        count += 1
    return count
