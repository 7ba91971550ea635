"""Layer 2 of the other strategy: observed messages leave, a log of observations stands for them.

Decides what stays besides the log and where everything stands; what the log says comes from `memory`.
Source: SPEC section 6.
"""

from collections.abc import Collection, Sequence
from operator import is_

from cortex_cli.groups import call_groups, cut_at_or_before, safe_cuts
from cortex_cli.growing import Growing
from cortex_cli.layers.partition import Partition, plan_partition
from cortex_cli.layers.sizes import keep_recent
from cortex_cli.layers.view import View
from cortex_cli.messages import Change, LayerResult, Message
from cortex_cli.settings import Settings
from cortex_cli.tokens import Counter

NO_ROOM = 0
"""For `plan_partition`: the latest turn is always split, since its early part can be observed like any other."""


def should_activate(view: View, settings: Settings, counter: Counter) -> bool:
    """Tell whether the view is so large that the log takes over: over the given target, else at or over its share."""
    tokens = view.count(counter)
    if view.target_tokens:
        return tokens > view.target_tokens
    return tokens * view.scale >= settings.activation_ratio * view.budget


def plan_recent(messages: Sequence[Message], counter: Counter, settings: Settings) -> Partition:
    """Choose what stays verbatim when all else is observed: the recent tail, and the latest typed message."""
    return plan_partition(
        messages,
        [counter.count_message(message) for message in messages],
        keep_recent_messages=keep_recent(settings),
        keep_recent_tokens=settings.keep_recent_tokens,
        room_tokens=NO_ROOM,
    )


def find_log(messages: Sequence[Message]) -> int | None:
    """Find the log that stands in a conversation; the newest, should there be several."""
    return _logs.over(messages)


class _Logs:
    def __init__(self) -> None:
        self._newest: int | None = None

    def take(self, messages: Sequence[Message], start: int) -> None:
        for at in range(start, len(messages)):
            if messages[at].synthetic == "log":
                self._newest = at

    def newest(self) -> int | None:
        return self._newest


_logs = Growing(_Logs, _Logs.newest)


def must_stay(messages: Sequence[Message]) -> frozenset[int]:
    """Find what stays whatever happens: the latest typed message, calls that wait for their results, the newest group.

    It is what the model is to answer. Where it is too large, the failsafe shortens it.
    """
    latest = max((at for at, message in enumerate(messages) if message.typed), default=None)
    newest = max((at for at, message in enumerate(messages) if message.counts_as_recent), default=None)
    wanted = [group for group in call_groups(messages) if group.is_open or newest in group.members]
    stay = {at for group in wanted for at in group.members}
    return frozenset(stay if latest is None else {*stay, latest})


def lay_out(
    messages: tuple[Message, ...], covered: int, kept: Collection[int], log: Message | None
) -> tuple[Message, ...]:
    """Put a log in the place of what it stands for: slots, log, kept messages with the slots behind them, rest.

    Args:
        messages: The conversation, perhaps with an earlier log in it.
        covered: The log stands for what is before this position; moved back where it would part a call from its
            results.
        kept: Positions of messages before it that stay all the same.
        log: The log as a message; None: there is none, and nothing leaves.
    """
    if log is None:
        return messages
    cut = cut_at_or_before(safe_cuts(messages), covered)
    earlier = find_log(messages)
    if earlier is not None and messages[earlier].text == log.text:
        log = messages[earlier]  # the same bytes, wherever it came from
    rest = messages[cut:]
    if earlier is not None and earlier >= cut:
        rest = tuple(message for message in rest if message.synthetic != "log")
    before = [(at, message) for at, message in enumerate(messages[:cut]) if message.synthetic != "log"]
    first = min((at for at, message in before if at in kept and not message.slot), default=len(messages))
    slots = [message for at, message in before if message.slot and at < first]
    stay = [message for at, message in before if at >= first and (message.slot or at in kept)]
    leading = 0
    while leading < len(rest) and rest[leading].slot and not stay:
        leading += 1  # slots that nothing parts from those before
    front = (*slots, *rest[:leading], log, *stay)
    if len(rest) == len(messages) - cut and _is_same(front, messages[: cut + leading]):
        return messages
    done = (*front, *rest[leading:])
    return messages if _is_same(done, messages) else done


def _is_same(one: Sequence[Message], other: Sequence[Message]) -> bool:
    return len(one) == len(other) and all(map(is_, one, other))


def observed_result(before: View, after: tuple[Message, ...], reason: str, counter: Counter) -> LayerResult:
    """Tell what became of a conversation: which messages left, and what the log takes."""
    if _is_same(before.messages, after):
        return LayerResult(before.messages, reason=reason)
    stays = set(map(id, after))
    changes = [
        Change(message, -1, "observed", counter.count_message(message), 0)
        for message in before.messages
        if id(message) not in stays
    ]
    known = set(map(id, before.messages))
    changes += [
        Change(message, -1, "observed", 0, counter.count_message(message), after=message.text)
        for message in after
        if id(message) not in known
    ]
    return LayerResult(after, tuple(changes), reason)
