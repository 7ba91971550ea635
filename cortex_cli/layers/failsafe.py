"""Layer 3, the failsafe: the oldest groups go until the rest fits. No model, no network.

Decides what is dropped, and what of the kept tail must shrink when that is not enough; ends under the
target or raises. Source: SPEC section 5.
"""

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate, islice
from typing import NamedTuple

from cortex_cli.errors import DoesNotFitError
from cortex_cli.groups import cut_at_or_before, pair_calls, safe_cuts
from cortex_cli.layers.parting import Meetings, find_partings, put_between
from cortex_cli.layers.results import Ask, shorten
from cortex_cli.layers.tools import categories, category_of
from cortex_cli.layers.view import View
from cortex_cli.marks import Notice, notice_text, parse_notice
from cortex_cli.messages import Change, LayerResult, Message, Part, build
from cortex_cli.seams import PARTING, Seams
from cortex_cli.settings import Settings
from cortex_cli.tokens import Counter, message_sizes
from cortex_cli.validity import is_excerpt

OVERFLOW_RATIO = 0.10
"""Taken off the target when a provider says "too long" without saying by how much. Source: SPEC section 5."""

PINNED_SYNTHETIC = ("summary", "log", "acknowledgement")


class Drops(NamedTuple):
    """What the failsafe removes."""

    dropped: frozenset[int]
    """Indices of messages."""
    pinned: frozenset[int]
    """Indices of what always stays."""
    tokens: int
    """Size of what is left, overhead included, the notice too."""


def failsafe(view: View, settings: Settings, counter: Counter) -> LayerResult:
    """Drop the oldest groups, then shorten results of the kept tail, until at or under the target.

    Raises:
        DoesNotFitError: Not even that is enough.
    """
    tokens = view.count(counter)
    if not should_truncate(tokens, view, settings):
        return LayerResult(view.messages, reason=_why_not(tokens, view, settings))
    target = target_tokens(view, settings)
    says_so = not is_excerpt(view.messages)  # where nobody speaks, a notice would be the only message of a user
    drops = plan_drops(view, settings, counter, with_notice=says_so)
    messages, changes = _drop(view, drops, counter, with_notice=says_so)
    if drops.tokens > target:
        left = view.with_messages(messages)
        messages, shortened = _shorten_tail(left, settings, counter, target)
        changes += shortened
        if (smallest := left.with_messages(messages).count(counter)) > target:
            raise DoesNotFitError(
                f"cannot get to {int(target):,} tokens, the smallest size that can be reached is {smallest:,}",
                smallest_tokens=smallest,
                hint=_advice(view),
            )
    return LayerResult(messages, tuple(changes), _reason(tokens, target, drops, changes))


def should_truncate(tokens: int, view: View, settings: Settings) -> bool:
    """Tell whether the failsafe has to act: over the given target, else at or over its share of the window."""
    if view.target_tokens:
        return tokens > view.target_tokens
    return view.window > 0 and tokens * view.scale >= settings.failsafe_threshold * view.window


def target_tokens(view: View, settings: Settings) -> float:
    """Return the size to get to, in the counter's tokens."""
    return view.target_tokens or settings.failsafe_threshold * view.window / view.scale


def live_target(view: View, settings: Settings) -> int:
    """Return how far a live session is cut once it fires, so that it does not fire again at the next call."""
    return int(settings.failsafe_target * view.window / view.scale)


def overflow_target(tokens: int, view: View, settings: Settings, excess_tokens: int | None = None) -> int:
    """Return the target after a provider refused a request as too long: our own count was too low.

    Args:
        tokens: What we counted of the refused request.
        view: Its sizes.
        settings: For the live target.
        excess_tokens: By how much it was too long, in the provider's tokens, where the error says so.
    """
    usual = min(tokens, live_target(view, settings)) if view.window > 0 else tokens
    excess = OVERFLOW_RATIO * tokens if excess_tokens is None else excess_tokens / view.scale
    return max(int(usual - excess), 1)


def plan_drops(view: View, settings: Settings, counter: Counter, *, with_notice: bool = True) -> Drops:
    """Decide which messages go: oldest groups first, until the rest is at or under the target.

    Args:
        view: The conversation.
        settings: Threshold, how many messages stay, whether the task does.
        counter: Counts.
        with_notice: Count the notice that will say what was removed.

    Returns:
        As few groups as fit; all that may go where that is not enough, none where the notice would cost more.
    """
    messages = view.messages
    target = target_tokens(view, settings)
    heads = pair_calls(messages).heads
    tail = tail_start(messages, settings.keep_last_messages)
    notices = _notices(messages) if with_notice else {}
    pinned = pinned_messages(messages, pin_task=settings.pin_task)
    marks = _marks(view, notices, pinned)
    stay = {heads[at] for at in pinned} | marks
    sizes = message_sizes(messages, counter)
    total = view.overhead_tokens + view.following_tokens + sum(sizes)
    tokens: dict[int, int] = {}  # of each group that may go
    for at, head in enumerate(heads[:tail]):
        if head not in stay:
            tokens[head] = tokens.get(head, 0) + sizes[at]
    lengths = Tally(heads[:tail])
    freed = list(accumulate(tokens.values(), initial=0))
    numbers = list(accumulate((lengths[head] for head in tokens), initial=0))
    base = total - sum(sizes[at] for at in marks)
    meetings = Meetings(_seams(view), heads[:tail], list(tokens), pinned, marks) if view.takes_turns else None
    near = next((count for count, gone in enumerate(freed) if count and base - gone <= target), 1)
    left = {0: total}  # what is over even without a notice need not be measured with it
    for count in (*range(near, len(freed)), *range(1, min(near, len(freed)))):
        notice = counter.count_message(_notice(notices, numbers[count], freed[count])) if with_notice else 0
        partings = max(meetings.count(count) - 1, 0) if meetings and with_notice else 0  # the notice parts two
        left[count] = base - freed[count] + notice + partings * counter.count_message(PARTING)
        if left[count] <= target:
            break
    best = min(left, key=lambda count: (left[count], count))
    if total <= target:
        best = 0
    gone = {*islice(tokens, best)}
    return Drops(frozenset(at for at, head in enumerate(heads[:tail]) if head in gone), pinned, left[best])


def tail_start(messages: Sequence[Message], keep_last: int) -> int:
    """Find where the kept tail begins: `keep_last` counted messages from the end, moved back to a safe cut."""
    start = len(messages)
    for index in range(len(messages) - 1, -1, -1):
        if keep_last <= 0:
            break
        start = index
        keep_last -= messages[index].counts_as_recent
    return cut_at_or_before(safe_cuts(messages), start)


def pinned_messages(messages: Sequence[Message], *, pin_task: bool) -> frozenset[int]:
    """Find what always stays: slots, the summary or log, else the first typed message.

    Where the turn was split, the task stands behind the summary, which does not tell of it: it stays too.
    """
    told = [(at, message) for at, message in enumerate(messages) if message.slot or message.synthetic]
    pinned = {at for at, message in told if message.slot or message.synthetic in PINNED_SYNTHETIC}
    has_memory = any(message.synthetic in ("summary", "log") for _, message in told)
    typed = [at for at, message in enumerate(messages) if message.typed] if pin_task else []
    if typed and (not has_memory or (len(typed) == 1 and messages[typed[0] - 1].synthetic in PINNED_SYNTHETIC)):
        pinned.add(typed[0])
    return frozenset(pinned)


def _marks(view: View, notices: dict[int, Notice], pinned: frozenset[int]) -> frozenset[int]:
    """Find what earlier runs put in and this one writes anew, once it drops anything."""
    return frozenset(notices) | (find_partings(view.messages, pinned) if view.takes_turns else frozenset())


def _seams(view: View) -> Seams:
    return Seams(view.messages, is_followed=view.following_tokens > 0)


def _notices(messages: Sequence[Message]) -> dict[int, Notice]:
    """Find earlier notices, whose numbers go into the next."""
    found = {at: parse_notice(message.text) for at, message in enumerate(messages) if message.synthetic == "notice"}
    return {at: notice for at, notice in found.items() if notice}


def _notice(earlier: dict[int, Notice], messages: int, tokens: int) -> Message:
    messages += sum(notice.messages for notice in earlier.values())
    tokens += sum(notice.tokens for notice in earlier.values())
    return Message("user", (Part("text", notice_text(Notice(messages, tokens))),), synthetic="notice")


def _drop(view: View, drops: Drops, counter: Counter, *, with_notice: bool) -> tuple[tuple[Message, ...], list[Change]]:
    """Take the dropped messages out and put the notice right after the pinned ones."""
    if not drops.dropped:
        return view.messages, []
    dropped, sizes = sorted(drops.dropped), message_sizes(view.messages, counter)
    notices = _notices(view.messages)
    marks = _marks(view, notices, drops.pinned)
    kept = [at for at in range(len(view.messages)) if at not in drops.dropped and at not in marks]
    messages = [view.messages[at] for at in kept]
    if with_notice:
        place = next((i for i, at in enumerate(kept) if at not in drops.pinned), len(kept))
        notice = _notice(notices, len(dropped), sum(sizes[at] for at in dropped))
        if view.takes_turns:
            messages = put_between(_seams(view), kept, place, notice)
        else:
            messages.insert(place, notice)
    changes = [build(Change, (view.messages[at], -1, "dropped", sizes[at], 0, "", "", "")) for at in dropped]
    return tuple(messages), changes


def _shorten_tail(
    view: View, settings: Settings, counter: Counter, target: float
) -> tuple[tuple[Message, ...], list[Change]]:
    """Shorten the largest results, ever more, until at or under the target or nothing is left to shorten."""
    messages = list(view.messages)
    tokens = view.count(counter)
    sites, known = dict(pair_calls(view.messages).results.items()), categories(settings.tool_categories)
    changes: dict[int, Change] = {}
    persist = cache(view.persist) if view.persist else None  # each original once, however often it is tried
    for ask in _steps(settings):
        for index in sorted(sites, key=lambda at: (-counter.count_message(messages[at]), at)):
            if tokens <= target:
                return tuple(messages), list(changes.values())
            part, tool = sites[index]
            full = ask._replace(tool=tool, category=category_of(tool, known) or "")
            done = shorten(view.messages[index], part, full, counter, persist)
            if done and (now := done.change.tokens_after) < (before := counter.count_message(messages[index])):
                tokens -= before - now
                messages[index], changes[index] = done
    return tuple(messages), list(changes.values())


def _steps(settings: Settings) -> Iterator[Ask]:
    """Yield what is tried on the tail's results: bookends of half the size each time, then placeholders."""
    chars = max(settings.bookend_max_chars, settings.bookend_min_chars)
    while chars > settings.bookend_min_chars:
        yield Ask("bookend", chars, rescue=settings.rescue)
        chars = max(chars // 2, settings.bookend_min_chars)
    yield Ask("bookend", settings.bookend_min_chars, rescue=settings.rescue)
    yield Ask("placeholder", has_findings=False)


def _advice(view: View) -> str:
    hint = "allow more tokens, or keep fewer newest messages with `--keep-last`"
    if not view.overhead_tokens:
        return hint
    return f"{hint}; {view.overhead_tokens:,} are sent with every call beside the messages"


def _why_not(tokens: int, view: View, settings: Settings) -> str:
    if view.target_tokens:
        return f"{tokens:,} tokens are within the {view.target_tokens:,} asked for"
    if view.window <= 0:
        return "no window is known"
    used = tokens * view.scale / view.window
    return f"{used:.1%} of the window used, nothing is dropped below {settings.failsafe_threshold:.0%}"


def _reason(tokens: int, target: float, drops: Drops, changes: Sequence[Change]) -> str:
    if not changes:
        return f"{tokens:,} tokens are at the target of {int(target):,}"
    done = [f"{len(drops.dropped)} oldest messages dropped"] if drops.dropped else []
    if shortened := len(changes) - len(drops.dropped):
        done.append(f"{shortened} newest results shortened")
    return f"{tokens:,} tokens are over the target of {int(target):,}: {', '.join(done)}"
