"""Layer 0, caps: no single result, and no batch of parallel results, is larger than the model can use.

Always on, before anything else. Source: SPEC section 2.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cortex_cli.groups import ResultSite, pair_calls, paired_as
from cortex_cli.growing import begins_with
from cortex_cli.layers.results import Ask, Shortened, shorten
from cortex_cli.layers.sizes import max_result_tokens, max_turn_tokens
from cortex_cli.layers.tools import categories, category_of
from cortex_cli.layers.view import View
from cortex_cli.messages import Change, LayerResult, Message
from cortex_cli.settings import Settings
from cortex_cli.tokens import Counter, largest_message

MAX_TOKENS_PER_CHAR = 4
"""Code points are at most four bytes, and a token is at least one: shorter texts need not be counted."""


class _Tools(NamedTuple):
    """Where results stand and what they are of, by index, and the categories of the tools."""

    sites: Mapping[int, ResultSite]
    kinds: Mapping[str, str]


def cap(view: View, settings: Settings, counter: Counter) -> LayerResult:
    """Cap single results, then the results of each assistant message together."""
    if not over_result_cap(view, settings, counter) and not over_turn_cap(view, settings, counter):
        return LayerResult(view.messages, reason=_reason((), view, settings))
    messages = list(view.messages)
    tools = _tools(view.messages, settings)
    changes = _cap_results(messages, view, settings, counter, tools)
    changes += _cap_groups(messages, view.with_messages(tuple(messages)) if changes else view, settings, counter, tools)
    capped = paired_as(tuple(messages), view.messages)
    return LayerResult(capped, tuple(changes), _reason(changes, view, settings))


def over_result_cap(view: View, settings: Settings, counter: Counter) -> tuple[int, ...]:
    """Find the results that are larger than one result may be."""
    limit = max_result_tokens(settings, view.budget)
    if largest_message(view.messages, counter) <= limit:  # no text is larger than its message
        return ()
    return tuple(
        index
        for index, message in enumerate(view.messages)
        if (part := message.result)
        and len(part.text) * MAX_TOKENS_PER_CHAR > limit
        and counter.count_text(part.text) > limit
    )


def over_turn_cap(view: View, settings: Settings, counter: Counter) -> tuple[tuple[int, ...], ...]:
    """Find the batches of results that together are larger than the results of one assistant message may be."""
    limit = max_turn_tokens(settings, view.budget)
    if limit == math.inf:
        return ()
    known = view.redone
    start = 0
    if known.batch_limit == limit and begins_with(view.messages, known.uncapped):
        start = len(known.uncapped)
    batches = _batches(view.messages, start)
    largest = largest_message(view.messages, counter)
    over = {
        at: batch
        for at, batch in batches.items()
        if len(batch) * largest > limit and sum(counter.count_message(view.messages[one]) for one in batch) > limit
    }
    if not over:
        known.uncapped, known.batch_limit = view.messages, limit
    return tuple(tuple(sorted(over[at])) for at in sorted(over))


def _batches(messages: tuple[Message, ...], start: int) -> dict[int, list[int]]:
    """Return the results of each assistant message that has one from `start` on; orphans by themselves."""
    heads, size = pair_calls(messages).all_heads, len(messages)
    found = {heads[index] for index in range(start, size) if messages[index].role == "tool"}
    batches: dict[int, list[int]] = {}
    for index in range(min(found, default=size), size):
        if heads[index] in found and messages[index].role == "tool":
            batches.setdefault(heads[index], []).append(index)
    return batches


def _tools(messages: Sequence[Message], settings: Settings) -> _Tools:
    known = categories(settings.tool_categories)
    sites = pair_calls(messages).results
    kinds = {tool: category_of(tool, known) or "" for tool in {site.tool for site in sites.values()}}
    return _Tools(sites, kinds)


def _cap_results(
    messages: list[Message], view: View, settings: Settings, counter: Counter, tools: _Tools
) -> list[Change]:
    changes: list[Change] = []
    for index in over_result_cap(view, settings, counter):
        ask = Ask("cap", settings.bookend_max_chars, with_media=False)
        done = _shorten(messages, index, ask, view, counter, tools)
        changes += [done.change] if done else []
    return changes


def _cap_groups(
    messages: list[Message], view: View, settings: Settings, counter: Counter, tools: _Tools
) -> list[Change]:
    """Bookend the largest results of each batch until it is under; where texts are not enough, images go too."""
    changes: list[Change] = []
    limit = max_turn_tokens(settings, view.budget)
    for batch in over_turn_cap(view, settings, counter):
        total = sum(counter.count_message(messages[index]) for index in batch)
        for with_media in (False, True):
            ask = Ask("bookend", settings.bookend_max_chars, rescue=settings.rescue, with_media=with_media, footer=True)
            for index in sorted(batch, key=lambda at: (-counter.count_message(messages[at]), at)):
                if total <= limit:
                    break
                done = _shorten(messages, index, ask, view, counter, tools)
                if done:
                    total -= done.change.tokens_before - done.change.tokens_after
                    changes.append(done.change)
    return changes


def _shorten(
    messages: list[Message], index: int, ask: Ask, view: View, counter: Counter, tools: _Tools
) -> Shortened | None:
    message = messages[index]
    site = tools.sites[index]
    ask = ask._replace(tool=site.tool, category=tools.kinds[site.tool])
    done = shorten(message, site.part, ask, counter, view.persist)
    if done:
        messages[index] = done.message
    return done


def _reason(changes: Sequence[Change], view: View, settings: Settings) -> str:
    limits = [
        f"{limit:,.0f} tokens a {what}"
        for limit, what in (
            (max_result_tokens(settings, view.budget), "result"),
            (max_turn_tokens(settings, view.budget), "batch"),
        )
        if limit < math.inf
    ]
    if not changes:
        return f"no result is over {' and '.join(limits)}" if limits else "both caps are off"
    return f"{len(changes)} result{'s' if len(changes) > 1 else ''} over {' or '.join(limits)}"
