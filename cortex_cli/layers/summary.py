"""Layer 2: old turns are replaced by a summary, a recent tail stays verbatim.

Decides what is replaced and how large the summary may be; what it says comes from a summariser.
Source: SPEC section 4.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from cortex_cli import marks
from cortex_cli.layers.partition import Partition, plan_partition
from cortex_cli.layers.view import View
from cortex_cli.messages import Change, LayerResult, Message, Part
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import Summarizer, SummaryOutcome, SummaryRequest
from cortex_cli.tokens import Counter

SHARE_OF_BUDGET = 0.10
SHARE_OF_REPLACED = 0.20
MAX_TOKENS = 12_000
MIN_TOKENS = 800
"""Size of a summary: the smallest of the first three, at least the fourth. Source: SPEC section 4, "Size"."""

MIN_GAIN_RATIO = 0.10
MIN_GAIN_TOKENS = 2_000
"""Below both the summary is not worth the broken prompt cache. Source: SPEC section 4, "Minimum gain"."""

MIN_FIT_TOKENS = 200
"""Under `--fit` a smaller summary than this says nothing; the failsafe is left to act."""

TAG_TOKENS = 40
"""What the tags around a summary take, generously."""


class Summarized(NamedTuple):
    """What the layer did, and what the summariser said of it."""

    result: LayerResult
    outcome: SummaryOutcome | None = None


def should_summarize(view: View, settings: Settings, counter: Counter) -> bool:
    """Tell whether the view is at or over the threshold."""
    return view.count(counter) * view.scale >= settings.threshold * view.budget


def summary_size(replaced_tokens: int, budget: int, settings: Settings) -> int:
    """Return what a summary of this much may take, in tokens."""
    if settings.summary_max_tokens:
        return settings.summary_max_tokens
    return max(MIN_TOKENS, min(int(SHARE_OF_BUDGET * budget), int(SHARE_OF_REPLACED * replaced_tokens), MAX_TOKENS))


async def summarize(view: View, settings: Settings, counter: Counter, summarizer: Summarizer) -> Summarized:
    """Replace the old turns of a view by a summary.

    Args:
        view: The source as it was before layer 1; with `target_tokens` the result must fit that.
        settings: Keys of group `summary`.
        counter: Counts.
        summarizer: Writes the text.

    Returns:
        The new messages; unchanged, with the reason, where there is nothing to summarise, the gain is too small
        or no summary was accepted.
    """
    sizes = [counter.count_message(message) for message in view.messages]
    plan = _partition(view, sizes, settings)
    if not plan.summarized:
        return _nothing(view, plan.reason)
    replaced = sum(sizes[i] for i in plan.summarized)
    room = _room(view, sizes, plan)
    size = min(summary_size(replaced, view.budget, settings), room) if settings.summary_max_tokens else room
    if not view.target_tokens:
        size = summary_size(replaced, view.budget, settings)
    if size < MIN_FIT_TOKENS:
        return _nothing(view, f"the kept tail leaves {max(0, size)} tokens for a summary")
    if not view.target_tokens and not _is_worth_it(replaced, min(size, replaced), sum(sizes)):
        return _nothing(view, f"a summary of {replaced} tokens would free too little")
    request = _request(view, plan, size, counter, settings)
    outcome = await summarizer(request)
    if outcome is None:
        return _nothing(view, "no summary was accepted")
    ours = summary_messages(outcome.text, request, view.messages, settings)
    after = sum(map(counter.count_message, ours))
    if after >= replaced or (not view.target_tokens and not _is_worth_it(replaced, after, sum(sizes))):
        return Summarized(_nothing(view, f"a summary of {replaced} tokens would free too little").result, outcome)
    return Summarized(_replaced(view, plan, sizes, ours, after), outcome)


def _nothing(view: View, reason: str) -> Summarized:
    return Summarized(LayerResult(view.messages, (), reason))


def _partition(view: View, sizes: list[int], settings: Settings) -> Partition:
    """Plan the cut; a turn is split only where keeping it whole would leave the result over its limit."""
    limit = view.target_tokens or int(settings.threshold * view.budget / view.scale)
    room = limit - view.overhead_tokens - view.following_tokens - MIN_TOKENS if limit else None
    return plan_partition(
        view.messages,
        sizes,
        keep_recent_messages=settings.keep_recent_messages,
        keep_recent_tokens=settings.keep_recent_tokens,
        room_tokens=room,
    )


def _room(view: View, sizes: list[int], plan: Partition) -> int:
    """Return what is left of the target after everything that is kept."""
    gone = set(plan.summarized)
    kept = sum(size for i, size in enumerate(sizes) if i not in gone)
    return view.target_tokens - kept - view.overhead_tokens - view.following_tokens - TAG_TOKENS


def _is_worth_it(replaced: int, summary: int, total: int) -> bool:
    freed = replaced - summary
    return freed >= MIN_GAIN_TOKENS or freed >= MIN_GAIN_RATIO * total


def _request(view: View, plan: Partition, size: int, counter: Counter, settings: Settings) -> SummaryRequest:
    prefix = [view.messages[i] for i in plan.summarized]
    return SummaryRequest(
        messages=tuple(message for message in prefix if message.synthetic not in ("summary", "acknowledgement")),
        earlier=tuple(earlier_summary(message) for message in prefix if message.synthetic == "summary"),
        max_tokens=size,
        counter=counter,
        focus=settings.focus,
    )


def earlier_summary(message: Message) -> marks.Summary:
    """Read an earlier summary, ours or a client's own (which counts as one message of unknown age)."""
    return marks.parse_summary(message.text) or marks.Summary(message.time, 1, message.text)


def summary_messages(
    text: str, request: SummaryRequest, messages: tuple[Message, ...], settings: Settings
) -> tuple[Message, ...]:
    """Build the messages that stand for the prefix: one tagged user message, or the store's pair."""
    turns = len(request.messages) + sum(summary.turns for summary in request.earlier)
    if settings.style == "store":
        pair = (Message("user", (Part("text", text),), synthetic="summary"),)
        first_kept = next((m for m in messages if m.role != "system" and m not in request.messages), None)
        if first_kept is not None and first_kept.role == "assistant":
            return pair
        return (*pair, Message("assistant", (Part("text", marks.ACKNOWLEDGEMENT),), synthetic="acknowledgement"))
    generated = settings.now or max((message.time for message in messages), default="") or _clock()
    tagged = marks.summary_text(marks.Summary(generated, turns, text))
    return (Message("user", (Part("text", tagged),), synthetic="summary"),)


def _clock() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _replaced(
    view: View, plan: Partition, sizes: list[int], ours: tuple[Message, ...], summary_tokens: int
) -> LayerResult:
    gone = set(plan.summarized)
    messages = view.messages
    slots = [message for i, message in enumerate(messages[: plan.tail]) if i not in gone and i != plan.pinned]
    pinned = [messages[plan.pinned]] if plan.pinned is not None else []
    changes = [Change(messages[i], -1, "summarized", sizes[i], 0, before=messages[i].text) for i in plan.summarized]
    changes.append(Change(ours[0], -1, "summarized", 0, summary_tokens, after=ours[0].text))
    kept = len(messages) - plan.tail + len(pinned)
    reason = f"{len(gone)} messages became a summary of {summary_tokens:,} tokens; the last {kept} stay"
    return LayerResult((*slots, *ours, *pinned, *messages[plan.tail :]), tuple(changes), reason)
