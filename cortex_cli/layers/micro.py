"""Layer 1, microcompaction: old tool results shrink with their age. No model.

Decides which results are trimmed and how far; `results` writes the texts. One pass: the pipeline
repeats it until a pass changes nothing. Source: SPEC section 3.
"""

import math
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import accumulate
from typing import Literal, NamedTuple

from cortex_cli.groups import pair_calls, paired_as
from cortex_cli.growing import begins_with, note_longer
from cortex_cli.layers.results import Ask, shorten
from cortex_cli.layers.sizes import hot_zone_tokens, retention, utilization
from cortex_cli.layers.tools import Category, categories, category_of, is_named, names
from cortex_cli.layers.view import View
from cortex_cli.marks import CLEARED, Stub, is_stub, parse_result
from cortex_cli.messages import Change, LayerResult, Message, build
from cortex_cli.settings import Settings
from cortex_cli.tokens import Counter, message_sizes

BANDS = 10
"""Bands of utilization within which decisions hold while nothing was added: 10 % each. Source: SPEC section 3."""


Cut = tuple[Literal["bookend", "placeholder", "clear"], int]
"""What becomes of a result, and how many characters a side it keeps."""


class Trim(NamedTuple):
    """What becomes of one result."""

    message: int
    """Index of its message in the view."""
    part: int
    """Position of the result in the message's `parts`."""
    action: Literal["bookend", "placeholder", "clear"]
    chars: int
    """Kept on each side of a bookend; 0 otherwise."""
    tool: str
    category: Category | None
    offset_tokens: int
    """Tokens of everything after it."""


class _Zone(NamedTuple):
    """Where trimming of a tool's results begins and how fast it grows."""

    category: Category | None
    hot_tokens: float
    span_tokens: float
    trim_at: Callable[[float], Cut]
    """What becomes of a result of the given age."""
    in_the_end: Cut
    """What becomes of those at the end of the span and beyond."""


def micro(view: View, settings: Settings, counter: Counter) -> LayerResult:
    """Trim old tool results, once."""
    if view.cache_is_warm or _still_holds(view, counter):
        return _replay(view, counter)
    if reason := why_not(view, settings, counter):
        return LayerResult(view.messages, reason=reason)
    plan = plan_trims(view, settings, counter)
    return apply_trims(view, plan, settings, counter)


def apply_trims(view: View, plan: Sequence[Trim], settings: Settings, counter: Counter) -> LayerResult:
    """Trim the planned results, but for those that would not get smaller."""
    messages = list(view.messages)
    last_said = _last_said(messages)
    asks = cache(partial(Ask, rescue=settings.rescue))  # most old results have the same in common
    changes: list[Change] = []
    for at, part, action, chars, tool, category, _ in plan:
        done = shorten(
            messages[at], part, asks(action, chars, tool, category or "", at < last_said), counter, view.persist
        )
        if done:
            messages[at], change = done
            changes.append(change)
    trimmed = paired_as(tuple(messages), view.messages)
    return LayerResult(trimmed, tuple(changes), _reason(changes, "no old result is large enough to trim"))


def why_not(view: View, settings: Settings, counter: Counter) -> str:
    """Return why layer 1 has nothing to do here; empty where it may trim."""
    if view.cache_is_warm:
        return "the prompt cache is warm"
    if view.budget <= 0:
        return "no budget is known"
    used = utilization(view.count(counter), view)
    if used < settings.trim_floor_ratio:
        return f"{used:.1%} of the budget used, nothing is trimmed below {settings.trim_floor_ratio:.0%}"
    return ""


def plan_trims(view: View, settings: Settings, counter: Counter) -> tuple[Trim, ...]:
    """Decide which results are trimmed and how far, by the tokens after each; oldest first.

    Whether a replacement is smaller is not yet known here. The floor and the cache are not looked at.
    """
    results = [*pair_calls(view.messages).results.items()]
    zones = _zones({site.tool for _, site in results}, view, settings)
    following = list(accumulate(reversed(message_sizes(view.messages, counter)), initial=view.following_tokens))
    newest = len(view.messages) - 1
    plan: list[Trim] = []
    for index, (part, tool) in results[: max(len(results) - max(settings.keep_last_results, 0), 0)]:
        result = view.messages[index].parts[part]
        if is_stub(result.text) and not result.media:
            continue
        offset, zone = following[newest - index], zones[tool]
        if offset < zone.hot_tokens:
            continue
        age = (offset - zone.hot_tokens) / zone.span_tokens if zone.span_tokens > 0 else 1.0
        action, chars = zone.in_the_end if age >= 1 else zone.trim_at(age)
        if result.media or len(result.text) > 2 * chars:
            plan.append(build(Trim, (index, part, action, chars, tool, zone.category, offset)))
    return tuple(plan)


def _zones(tools: Iterable[str], view: View, settings: Settings) -> dict[str, _Zone]:
    hot, longer = hot_zone_tokens(settings, view.budget), retention(settings, is_archived=view.persist is not None)
    span = view.budget * settings.degradation_span_ratio
    known, spared = categories(settings.tool_categories), names(settings.keep_tools)
    zones: dict[str, _Zone] = {}
    for tool in tools:
        category = category_of(tool, known)
        begin = math.inf if is_named(tool, spared) else hot * (longer if category == "non-reproducible" else 1.0)
        at = partial(
            trim_at, category=category, max_chars=settings.bookend_max_chars, min_chars=settings.bookend_min_chars
        )
        zones[tool] = _Zone(category, begin, span, at, at(1.0))
    return zones


def trim_at(age: float, category: Category | None, *, max_chars: int, min_chars: int) -> Cut:
    """Return what becomes of a result of the given age, and how many characters a side it keeps.

    Args:
        age: 0 at the edge of the hot zone, 1 at the end of the span and beyond.
        category: Of its tool.
        max_chars: A side, at age 0.
        min_chars: A side, at age 1.
    """
    if age >= 1:
        return ("clear" if category == "ephemeral" else "placeholder"), 0
    return "bookend", max(min_chars, math.floor(max_chars * (1 - age) + min_chars * age + 0.5))


def band(view: View, counter: Counter) -> tuple[int, int]:
    """Return what decisions depend on: the length of the conversation and its band of utilization."""
    return len(view.messages), math.floor(utilization(view.count(counter), view) * BANDS)


def decisions_of(changes: Sequence[Change]) -> dict[str, str]:
    """Return what a live session has to remember of a pass: call id -> replacement."""
    return {change.message.parts[change.part].call_id: change.after for change in changes}


def _still_holds(view: View, counter: Counter) -> bool:
    return bool(view.decisions) and view.decided_at is not None and view.decided_at == band(view, counter)


def _replay(view: View, counter: Counter) -> LayerResult:
    """Put earlier replacements in again, so that the cached prefix stays the same bytes.

    Where the conversation only grew, what was put in the last time stands, and only what is new is looked at.
    """
    redone = view.redone
    why = "the prompt cache is warm" if view.cache_is_warm else "nothing was added since the last pass"
    if not view.decisions or (redone.decisions is view.decisions and view.messages is redone.messages):
        return LayerResult(view.messages, reason=f"{why}; no earlier decisions")
    added = view.messages[len(redone.source) :] if _is_grown(view) else None
    if added is not None and not any(_decided_in(added, view.decisions)):
        redone.messages = note_longer(redone.messages + added, redone.messages)
    else:
        redone.messages, redone.changes = _put_in(view, counter)
        redone.reason = _reason(redone.changes, "no earlier decisions")
    redone.decisions, redone.source = view.decisions, view.messages
    return LayerResult(redone.messages, redone.changes, f"{why}; {redone.reason}")


def _is_grown(view: View) -> bool:
    known = view.redone
    return known.decisions is view.decisions and begins_with(view.messages, known.source)


def _put_in(view: View, counter: Counter) -> tuple[tuple[Message, ...], tuple[Change, ...]]:
    messages = list(view.messages)
    changes: list[Change] = []
    for index, part in _decided(view.messages, view.decisions):
        message = messages[index]
        old = message.parts[part]
        new = old._replace(text=view.decisions[old.call_id], media=())
        short = message.with_part(part, new)
        before, after = counter.count_message(message), counter.count_message(short)
        if after < before:
            messages[index] = short
            changes.append(Change(message, part, _action_of(new.text), before, after, old.text, new.text))
    return tuple(messages), tuple(changes)


def _decided(messages: Sequence[Message], decisions: Mapping[str, str]) -> list[tuple[int, int]]:
    """Find the results that decisions speak of; an id that several results share speaks of none."""
    if not decisions:
        return []
    found = [*_decided_in(messages, decisions)]
    times = Tally(call_id for _, _, call_id in found)
    return [(index, at) for index, at, call_id in found if times[call_id] == 1]


def _decided_in(messages: Sequence[Message], decisions: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
    for index, message in enumerate(messages):
        for at, part in enumerate(message.parts):
            if part.kind == "result" and part.call_id in decisions:
                yield index, at, part.call_id


def _action_of(text: str) -> Literal["bookend", "placeholder", "clear"]:
    form = parse_result(text)
    if isinstance(form, Stub):
        return "clear" if text == CLEARED else "placeholder"
    return "bookend"


def _last_said(messages: Sequence[Message]) -> int:
    """Return the position of the newest text of an assistant; -1 where there is none."""
    newest_first = range(len(messages) - 1, -1, -1)
    return next((at for at in newest_first if messages[at].role == "assistant" and messages[at].text.strip()), -1)


def _reason(changes: Sequence[Change], nothing: str) -> str:
    if not changes:
        return nothing
    freed = sum(change.tokens_before - change.tokens_after for change in changes)
    return f"{len(changes)} old result{'s' if len(changes) > 1 else ''} trimmed, {freed:,} tokens freed"
