"""Layer 2: old turns are replaced by a summary, a recent tail stays verbatim.

Decides what is replaced and how large the summary may be; what it says comes from a summariser.
Source: SPEC section 4.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from cortex_cli import clock, marks
from cortex_cli.layers.failsafe import target_tokens
from cortex_cli.layers.fitting import fills_room, least_tokens
from cortex_cli.layers.partition import Partition, plan_partition
from cortex_cli.layers.sizes import keep_recent
from cortex_cli.layers.tail import SHARE_OF_REPLACED, Room
from cortex_cli.layers.view import View
from cortex_cli.messages import Change, LayerResult, Message, Part
from cortex_cli.seams import PARTING, Seams
from cortex_cli.settings import Settings, Share
from cortex_cli.summarizers.base import SummaryOutcome, SummaryRequest
from cortex_cli.tokens import Counter, message_sizes

SHARE_OF_BUDGET = 0.10
MAX_TOKENS = 12_000
MIN_TOKENS = 800
"""Size of a summary: the smallest of `SHARE_OF_REPLACED` and the first two, at least the third. Source: SPEC section 4,
"Size"."""

MIN_GAIN_RATIO = 0.10
MIN_GAIN_TOKENS = 2_000
"""Below both the summary is not worth the broken prompt cache. Source: SPEC section 4, "Minimum gain"."""

SHARE_OF_TARGET = 1 / 3
"""Of the size asked for with `--fit`: so much a summary may take even where the kept tail leaves less."""

LEAST_SHARE = 2 / 3
"""Of what `--fit` leaves after slots and overhead: so much, or `MIN_TOKENS` where that is less, the summary is to have
before the newest messages take more. They say what was said last, it says what holds; with more for it there would be
next to nothing verbatim to go on from.
"""

MIN_FIT_TOKENS = 200
"""A smaller summary than this says nothing; the failsafe is left to act."""

TAG_TOKENS = 40
"""What the tags around a summary take, generously."""


_SAYS_NOTHING_NEW = ("summary", "log", "acknowledgement", "parting")
"""Ours of which a summariser is told apart from the rest, or not at all."""


class SummaryPlan(NamedTuple):
    """What a summary would replace, and what the summariser is asked for."""

    partition: Partition
    sizes: tuple[int, ...]
    """Tokens of each message of the view."""
    request: SummaryRequest | None
    reason: str = ""
    """Why nothing is asked."""

    @property
    def replaced_tokens(self) -> int:
        """Size of what the summary replaces."""
        return sum(self.sizes[i] for i in self.partition.summarized)


def should_summarize(view: View, settings: Settings, counter: Counter) -> bool:
    """Tell whether the view is at or over the threshold."""
    return view.count(counter) * view.scale >= settings.threshold * view.budget


def summary_size(replaced_tokens: int, budget: int, settings: Settings) -> int:
    """Return what a summary of this much may take, in tokens."""
    asked = settings.summary_max_tokens
    if isinstance(asked, Share):
        return max(MIN_TOKENS, min(int(asked.ratio * budget), MAX_TOKENS))
    usual = min(int(SHARE_OF_BUDGET * budget), int(SHARE_OF_REPLACED * replaced_tokens), MAX_TOKENS)
    return asked or max(MIN_TOKENS, usual)


def plan_summary(view: View, settings: Settings, counter: Counter) -> SummaryPlan:
    """Decide what a summary replaces and how large it may be.

    Args:
        view: The source as it was before layer 1; with `target_tokens` the result has to fit that.
        settings: Keys of group `summary`.
        counter: Counts.

    Returns:
        A plan without a request where there is nothing to summarise or too little would be gained.
    """
    sizes = message_sizes(view.messages, counter)
    partition = _partition(view, sizes, settings, counter)
    plan = SummaryPlan(partition, sizes, None, partition.reason)
    if not partition.summarized:
        return plan
    size = _size(view, plan, settings)
    if not _is_worth_it(view, plan, min(size, plan.replaced_tokens), settings, counter):
        return plan._replace(reason=_too_little(plan))
    return plan._replace(request=request_for(view, partition, size, counter, settings))


def install_summary(
    view: View, plan: SummaryPlan, outcome: SummaryOutcome | None, settings: Settings, counter: Counter
) -> LayerResult:
    """Put a summary in the place of what it replaces.

    Args:
        view: The view that was planned for.
        plan: With a request.
        outcome: What the summariser gave; None: nothing that could be accepted.
        settings: For the style, and the time it is.
        counter: Counts.
    """
    if outcome is None or not outcome.text or plan.request is None:
        return LayerResult(view.messages, (), plan.reason or "no summary was accepted")
    ours = summary_messages(outcome.text, plan.request, view.messages, settings)
    after = sum(map(counter.count_message, ours))
    replaced = plan.replaced_tokens
    if after >= replaced or not _is_worth_it(view, plan, after, settings, counter):
        return LayerResult(view.messages, (), _too_little(plan))
    return _replaced(view, plan, ours, after)


def _too_little(plan: SummaryPlan) -> str:
    return f"a summary of {plan.replaced_tokens:,} tokens would free too little"


def _partition(view: View, sizes: Sequence[int], settings: Settings, counter: Counter) -> Partition:
    """Plan the cut; a turn is split only where keeping it whole would leave the result over its limit.

    Without a threshold that is the failsafe's: it would drop what no summary tells of.
    """
    limit = view.target_tokens or int(settings.threshold * view.budget / view.scale or target_tokens(view, settings))
    room = limit - view.overhead_tokens - view.following_tokens - MIN_TOKENS if limit else None
    return plan_partition(
        view.messages,
        sizes,
        keep_recent_messages=keep_recent(settings),
        keep_recent_tokens=settings.keep_recent_tokens,
        room_tokens=room,
        fit=_fit_room(view, sizes, settings, counter),
    )


def _fit_room(view: View, sizes: Sequence[int], settings: Settings, counter: Counter) -> Room | None:
    """Return what `--fit` leaves for the summary and the newest messages; None: those stay, as the user said."""
    if not view.target_tokens or settings.keep_recent_messages is not None or settings.keep_recent_tokens:
        return None
    slots = sum(size for size, message in zip(sizes, view.messages, strict=True) if message.slot)
    room = view.target_tokens - view.overhead_tokens - view.following_tokens - slots - TAG_TOKENS
    is_longer = "micro" in settings.layers and fills_room(view, settings)
    least = least_tokens(view, settings, counter) if is_longer else ()
    usual = min(_largest(settings) or MIN_TOKENS, int(LEAST_SHARE * room))
    return Room(room, usual, least, summary_min=min(usual, MIN_TOKENS))


def _largest(settings: Settings) -> int:
    """Return what a summary may take at most under `--fit`, tokens; 0: a share is of the budget, not of the target."""
    most = settings.summary_max_tokens
    return 0 if isinstance(most, Share) else most


def _size(view: View, plan: SummaryPlan, settings: Settings) -> int:
    """Return what the summary may take.

    Under `--fit` all that is left after what is kept, up to `summary_max_tokens`. Where a large tail leaves less than
    a summary usually takes, it still gets that, up to its share of the target: the tail's results shrink on a later
    rung.
    """
    if not view.target_tokens:
        return summary_size(plan.replaced_tokens, view.budget, settings)
    usual = summary_size(plan.replaced_tokens, view.budget, replace(settings, summary_max_tokens=0))
    gone = set(plan.partition.summarized)
    kept = sum(size for i, size in enumerate(plan.sizes) if i not in gone)
    left = view.target_tokens - kept - view.overhead_tokens - view.following_tokens - TAG_TOKENS
    size = max(left, plan.partition.summary_tokens or min(usual, int(SHARE_OF_TARGET * view.target_tokens)))
    return min(size, _largest(settings) or size)


def _is_worth_it(view: View, plan: SummaryPlan, summary: int, settings: Settings, counter: Counter) -> bool:
    """Tell whether a summary of this size frees enough for the prompt cache that it breaks.

    What must fit asks for nothing, and where the failsafe would drop messages next the usual gain is enough.
    """
    if view.target_tokens:
        return True
    freed, total = plan.replaced_tokens - summary, sum(plan.sizes)
    wanted = settings.min_gain_ratio
    if wanted is not None and view.count(counter) * view.scale < settings.failsafe_threshold * view.budget:
        return freed >= wanted * total
    return freed >= MIN_GAIN_TOKENS or freed >= MIN_GAIN_RATIO * total


def _known_before(message: Message) -> marks.Summary:
    """Read what an earlier compaction left: a summary, or the log of the other strategy."""
    from cortex_cli.memory.carrying import summary_of_log  # noqa: PLC0415 - start-up time, summaries only
    from cortex_cli.summarizers.earlier import earlier_summary  # noqa: PLC0415 - the same

    return summary_of_log(message) if message.synthetic == "log" else earlier_summary(message)


def request_for(view: View, plan: Partition, size: int, counter: Counter, settings: Settings) -> SummaryRequest:
    """Say what a summariser is asked: earlier summaries apart from what is new, what follows beside it.

    Args:
        view: The conversation.
        plan: What the summary replaces.
        size: What it may take, tokens.
        counter: Counts.
        settings: For the focus.
    """
    prefix = [view.messages[i] for i in plan.summarized]
    return SummaryRequest(
        messages=tuple(message for message in prefix if message.synthetic not in _SAYS_NOTHING_NEW),
        earlier=tuple(_known_before(message) for message in prefix if message.synthetic in ("summary", "log")),
        max_tokens=size,
        counter=counter,
        given_up=plan.given_up,
        following=tuple(m for i, m in enumerate(view.messages) if (i >= plan.tail or i == plan.pinned) and not m.slot),
        focus=settings.focus,
        fills=view.target_tokens > 0,
    )


def summary_messages(
    text: str, request: SummaryRequest, messages: tuple[Message, ...], settings: Settings
) -> tuple[Message, ...]:
    """Build the messages that stand for the prefix: one tagged user message, or the store's pair."""
    turns = len(request.messages) + sum(summary.turns for summary in request.earlier)
    if settings.style == "store":
        pair = (Message("user", (Part("text", text),), synthetic="summary"),)
        left = (m for m in messages if not m.slot and m.synthetic not in _SAYS_NOTHING_NEW)
        first_kept = next((m for m in left if m not in request.messages), None)
        if first_kept is not None and first_kept.role == "assistant":
            return pair
        return (*pair, Message("assistant", (Part("text", marks.ACKNOWLEDGEMENT),), synthetic="acknowledgement"))
    generated = settings.now or max((message.time for message in messages), default="") or clock.utc_now()
    tagged = marks.summary_text(marks.Summary(generated, turns, text))
    return (Message("user", (Part("text", tagged),), synthetic="summary"),)


def with_known_summary(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Know the summary of an earlier compaction at the beginning: it bears no tags in the store's form.

    It is followed by the acknowledgement, or it has the form of ours.
    """
    from cortex_cli.summarizers.earlier import is_own_summary  # noqa: PLC0415 - start-up time, the store's form only

    at = next((i for i, message in enumerate(messages) if not message.slot), None)
    if at is None or messages[at].role != "user" or messages[at].synthetic or len(messages[at].parts) != 1:
        return messages
    after = messages[at + 1] if at + 1 < len(messages) else None
    is_acknowledged = after is not None and after.role == "assistant" and after.text == marks.ACKNOWLEDGEMENT
    if not is_acknowledged and not is_own_summary(messages[at].text):
        return messages
    known = [messages[at]._replace(synthetic="summary", typed=False, slot=False)]
    if is_acknowledged and after is not None:
        known.append(after._replace(synthetic="acknowledgement"))
    return (*messages[:at], *known, *messages[at + len(known) :])


def _replaced(view: View, plan: SummaryPlan, ours: tuple[Message, ...], summary_tokens: int) -> LayerResult:
    summarized, pinned_at, tail = plan.partition[:3]
    gone = set(summarized)
    messages = view.messages
    turn = tail if pinned_at is None else pinned_at  # of a split turn the task stays behind the summary
    slots = [message for i, message in enumerate(messages[:turn]) if i not in gone]
    pinned = [message for i, message in enumerate(messages[turn:tail], turn) if i not in gone]
    changes = [Change(messages[i], -1, "summarized", plan.sizes[i], 0) for i in summarized]
    changes.append(Change(ours[0], -1, "summarized", 0, summary_tokens, after=ours[0].text))
    kept = len(messages) - tail + (pinned_at is not None)
    stay = f"the last {kept} stay"
    if plan.partition.given_up:
        stay = (
            f"kept {kept} of {kept + plan.partition.given_up} recent messages, more would leave the summary too little"
        )
    reason = f"{len(gone)} messages became a summary of {summary_tokens:,} tokens; {stay}"
    task = max((i for i in range(turn, tail) if i not in gone), default=tail)
    is_seam = (
        view.takes_turns and task < tail and Seams(messages, is_followed=view.following_tokens > 0).meet(task, tail)
    )
    parting = (PARTING,) if is_seam else ()
    return LayerResult((*slots, *ours, *pinned, *parting, *messages[tail:]), tuple(changes), reason)
