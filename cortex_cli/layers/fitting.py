"""Layer 1 where the result has a size to get under (`--fit`): the room that the target leaves goes to old results.

Each keeps its two ends and its telling lines before any keeps more, and becomes a placeholder only where there is no
room for those. Decides by estimated sizes, so that no text is looked through that then stays or goes as a whole; the
pipeline repeats the layer until the count is under the target. Source: SPEC section 5, "`--fit` ladder".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from cortex_cli.layers.micro import Trim, apply_trims, micro, plan_trims, why_not
from cortex_cli.layers.results import bookend_chars
from cortex_cli.layers.sizes import hot_zone_tokens
from cortex_cli.layers.tail import RESULT_TOKENS
from cortex_cli.layers.view import View
from cortex_cli.messages import LayerResult, Message
from cortex_cli.settings import Settings
from cortex_cli.tokens import Counter, message_sizes

EVEN_CHARS = 512
"""A side: so long all bookends become before the newest results have more than the hot zone. Source: SPEC section 5,
the first harder rung. Of outputs of 81 kinds with one line to find 88 % keep it at 256, 92 % at 512, 94 % at 2,000.
"""

ESTIMATE_ERROR = 0.005
"""Of the target, which is left free: a text may take so much more than was estimated, and a result that is a few tokens
over must not cost a summary. On sessions of 140k tokens the estimates were up to 0.3 % too low."""


class _Step(NamedTuple):
    """A trim, and what it is worth."""

    trim: Trim
    freed: int
    """Tokens, estimated."""
    chars_a_token: float = 0.0
    """Of the text of its result; bookends only."""


def micro_to_fit(view: View, settings: Settings, counter: Counter) -> LayerResult:
    """Trim old tool results as far as the target of the view demands, once; without a target as layer 1 does."""
    if not fills_room(view, settings) or why_not(view, settings, counter):
        return micro(view, settings, counter)
    if view.count(counter) <= view.target_tokens:
        return LayerResult(view.messages, reason=f"the target of {view.target_tokens:,} tokens is reached")
    plan = plan_to_fit(view, settings, counter)
    if plan is None:
        return LayerResult(view.messages, reason="trimming old results is not enough to get under the target")
    return apply_trims(view, plan, settings, counter)


def fills_room(view: View, settings: Settings) -> bool:
    """Tell whether results get the room that the target leaves: not where the count that it is measured by is wrong."""
    return view.target_tokens > 0 and not view.is_miscounted and settings.rescue


def plan_to_fit(view: View, settings: Settings, counter: Counter) -> tuple[Trim, ...] | None:
    """Decide which results are trimmed and how far for the view to get under its target; oldest first.

    Where a summary may follow and there is none yet, only what trimming by age is enough for is done: what needs a
    summary gets one. Where the target has room for the ends and telling lines of all results, what is left of it goes
    to the newest; of what is more than the hot zone the others have some too. Where it has not, layer 1 trims by age,
    and the newest of those that it would remove keep theirs.

    Returns:
        None where that is not enough.
    """
    usual = _weighed(view, plan_trims(view, settings, counter), counter)
    over = view.count(counter) - view.target_tokens
    is_enough = sum(step.freed for step in usual) >= over
    if not is_enough and _needs_summary(view, settings):
        return None
    room = -over - math.ceil(ESTIMATE_ERROR * view.target_tokens)
    smallest = {step.trim.message: step for step in _smallest_bookends(view, settings, counter)}
    smallest |= {step.trim.message: step for step in usual if step.trim.action == "clear"}
    left = room + sum(step.freed for step in smallest.values())
    if left < 0:
        return _keep_lines(usual, smallest, max(room + sum(step.freed for step in usual), 0)) if is_enough else None
    beyond, most = max(left - hot_zone_tokens(settings, view.budget), 0), settings.bookend_max_chars
    even = _lengthen([smallest[at] for at in sorted(smallest)], beyond, min(most, EVEN_CHARS))
    return _widen(even, room + sum(step.freed for step in even), most)


def _needs_summary(view: View, settings: Settings) -> bool:
    """Tell whether a summary may still be made: messages beside one are trimmed as far as they have to be."""
    return "summary" in settings.layers and not any(message.synthetic == "summary" for message in view.messages)


def least_tokens(view: View, settings: Settings, counter: Counter) -> tuple[int, ...]:
    """Estimate what is left of each message once its result has only its ends and telling lines."""
    sizes = [*message_sizes(view.messages, counter)]
    for trim, freed, _ in _smallest_bookends(view, settings, counter):
        sizes[trim.message] -= freed
    return tuple(sizes)


def _smallest_bookends(view: View, settings: Settings, counter: Counter) -> list[_Step]:
    """Plan the smallest bookend for each result that is longer; none for those that no model has seen yet."""
    everywhere = replace(settings, hot_zone_min_tokens=0, hot_zone_ratio=0.0)
    seen = max((at for at, message in enumerate(view.messages) if message.role == "assistant"), default=0)
    trims = [
        trim._replace(action="bookend", chars=settings.bookend_min_chars)
        for trim in plan_trims(view, everywhere, counter)
        if trim.message < seen
    ]
    return [step for step in _weighed(view, trims, counter) if step.freed > 0]


def _weighed(view: View, trims: Sequence[Trim], counter: Counter) -> list[_Step]:
    """Estimate what each trim frees."""
    sizes = message_sizes(view.messages, counter)
    return [_weigh(view.messages[trim.message], trim, sizes[trim.message]) for trim in trims]


def _weigh(message: Message, trim: Trim, size: int) -> _Step:
    if trim.action != "bookend":
        return _Step(trim, max(size - RESULT_TOKENS, 0))
    result = message.parts[trim.part]
    words = max(size - sum(one.tokens for one in result.media), 1)
    left = words * bookend_chars(result, trim.chars) / max(len(result.text), 1)
    return _Step(trim, max(size - math.ceil(left), 0), max(len(result.text), 1) / words)


def _lengthen(smallest: Sequence[_Step], room: float, max_chars: int) -> list[_Step]:
    """Let all bookends keep the same number of characters more, as far as there is room."""
    for_one_char = sum(2 / step.chars_a_token for step in smallest if step.trim.action == "bookend")
    more = int(room / for_one_char) if for_one_char else 0
    return [_longer(step, more, max_chars) if step.trim.action == "bookend" else step for step in smallest]


def _longer(step: _Step, chars: int, max_chars: int) -> _Step:
    wide = max(min(step.trim.chars + chars, max_chars), step.trim.chars)
    taken = math.ceil(2 * (wide - step.trim.chars) / step.chars_a_token)
    return step._replace(trim=step.trim._replace(chars=wide), freed=max(step.freed - taken, 0))


def _widen(steps: Sequence[_Step], room: int, max_chars: int) -> tuple[Trim, ...]:
    """Give the room to the newest results: they stay whole where there is enough of it, else they keep more."""
    plan: list[Trim] = []
    for step in reversed(steps):
        if step.trim.action == "clear":
            plan.append(step.trim)
        elif step.freed <= room:
            room -= step.freed
        else:
            wider = _longer(step, int(room * step.chars_a_token / 2), max_chars)
            plan.append(wider.trim)
            room -= step.freed - wider.freed
    return tuple(reversed(plan))


def _keep_lines(usual: Sequence[_Step], smallest: Mapping[int, _Step], room: int) -> tuple[Trim, ...]:
    """Let the newest of those that would become placeholders keep their ends and telling lines."""
    plan: list[Trim] = []
    for trim, freed, _ in reversed(usual):
        kept = smallest.get(trim.message)
        more = freed - (kept.freed if kept else 0)
        if trim.action != "placeholder":
            plan.append(trim)
        elif more <= room:
            room -= max(more, 0)
            plan.extend([kept.trim] if kept else [])
        else:
            room = 0  # what is older gives way first, also where it is smaller
            plan.append(trim)
    return tuple(reversed(plan))
