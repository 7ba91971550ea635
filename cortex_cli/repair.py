"""What is done about broken call/result pairs before anything else: the first step of every run.

Loads never repair; this does, and says what it did. Source: SPEC section 10.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cortex_cli.groups import CallSite, Pairing, pair_calls
from cortex_cli.marks import INTERRUPTED, RESULT_REMOVED
from cortex_cli.messages import NO_RECORD, WHOLE, Change, Message, Part
from cortex_cli.tokens import Counter
from cortex_cli.validity import Rules, is_excerpt, late_results, repeated_calls, repeated_messages


@dataclass(frozen=True, slots=True)
class Repair:
    """A conversation with its pairs in order."""

    messages: tuple[Message, ...]
    """The argument itself where nothing was broken."""
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    """Why a repair was not made; such a conversation is left as it is by all that follows."""

    @property
    def is_refused(self) -> bool:
        """Whether it is broken still."""
        return bool(self.warnings)


def repair(messages: tuple[Message, ...], rules: Rules, counter: Counter) -> Repair:
    """Remove orphaned and repeated results, repeated messages and calls; close dead calls.

    A dead call gets a neutral result right behind it. Where the format wants results directly after their
    call and one comes later, its text becomes that result: nothing is lost, nothing else is moved.

    Args:
        messages: The live path as loaded.
        rules: What its format demands.
        counter: For the sizes in the changes.
    """
    changes: list[Change] = []
    mended = _without_repeats(messages, changes, counter)
    mended = _paired(mended, rules, changes, counter)
    if not changes:
        return Repair(messages)
    if is_excerpt(mended):
        warning = "not repaired, since no message would be left; returned as it is"
        return Repair(messages, warnings=(f"{len(changes)} broken tool results {warning}",))
    if rules.alternates:
        mended = _with_fillers(mended, messages)
    return Repair(tuple(mended), tuple(changes))


def _without_repeats(messages: Sequence[Message], changes: list[Change], counter: Counter) -> list[Message]:
    """Take out messages that stand in the file twice, and calls whose id their message has already."""
    repeats = repeated_messages(messages)
    kept: list[Message] = []
    for position, message in enumerate(messages):
        if position in repeats:
            changes.append(_removal(message, counter))
            continue
        if calls := repeated_calls(message):
            smaller = _without_parts(message, calls)
            before, after = counter.count_message(message), counter.count_message(smaller)
            texts = "\n".join(message.parts[part].text for part in calls)
            changes.append(Change(message, calls[0], "repaired", before, after, before=texts))
            message = smaller
        kept.append(message)
    return kept


def _without_parts(message: Message, indices: Sequence[int]) -> Message:
    """Take parts out, the thinking right before each, and the records that stood for nothing else.

    Codex refuses reasoning without the item it led to; elsewhere a message may not end in thinking.
    """
    taken = set(indices)
    for index in range(len(message.parts) - 2, -1, -1):
        if index + 1 in taken and message.parts[index].kind == "thinking":
            taken.add(index)
    gone = {message.parts[index].record for index in taken}
    parts = tuple(part for index, part in enumerate(message.parts) if index not in taken)
    gone -= {part.record for part in parts}
    return message._replace(parts=parts, records=tuple(one for one in message.records if one not in gone))


def _removal(message: Message, counter: Counter) -> Change:
    text = message.parts[0].text if message.parts else ""
    return Change(message, 0, "repaired", counter.count_message(message), 0, before=text)


def _paired(messages: Sequence[Message], rules: Rules, changes: list[Change], counter: Counter) -> list[Message]:
    pairing = pair_calls(messages)
    late = dict(late_results(messages, pairing)) if rules.results_directly_after_call else {}
    removed = {*pairing.orphans, *pairing.repeats, *late}
    closings = _closings(messages, pairing, late)
    for position in sorted(removed - late.keys()):
        changes.append(_removal(messages[position], counter))
    for site, closing in closings:
        part = closing.parts[0]
        before = "" if part.text == INTERRUPTED else part.text
        sizes = (counter.count_message(closing) if before else 0, counter.count_message(closing))
        changes.append(Change(messages[site.message], site.part, "repaired", *sizes, before=before, after=part.text))
    added: dict[int, list[Message]] = {}
    for site, closing in closings:
        added.setdefault(_end_of_results(messages, site.message), []).append(closing)
    mended: list[Message] = []
    for position, message in enumerate(messages):
        if position not in removed:
            mended.append(message)
        mended.extend(added.get(position, ()))
    return mended


def _closings(
    messages: Sequence[Message], pairing: Pairing, late: dict[int, CallSite]
) -> list[tuple[CallSite, Message]]:
    """Write the results that are missing, in the order of their calls."""
    found: list[tuple[CallSite, Message]] = []
    for site in pairing.dead_calls:
        call = messages[site.message].parts[site.part]
        part = Part("result", INTERRUPTED, name=call.name, call_id=call.call_id)
        found.append((site, _closing(part, messages[site.message])))
    for position, site in late.items():
        result = messages[position].result
        assert result is not None  # only messages with a result are paired
        part = result._replace(record=NO_RECORD, block=WHOLE, media=(), json=False)
        found.append((site, _closing(part, messages[site.message])))
    return sorted(found, key=lambda one: one[0])


def _closing(part: Part, call: Message) -> Message:
    return Message("tool", (part,), time=call.time, synthetic="closing")


def _end_of_results(messages: Sequence[Message], position: int) -> int:
    """Return the last position of the results that directly follow the message at `position`."""
    while position + 1 < len(messages) and messages[position + 1].role == "tool":
        position += 1
    return position


def _with_fillers(mended: Sequence[Message], messages: Sequence[Message]) -> list[Message]:
    """Where a removed result stood between two answers, put a word in its place: they would meet otherwise."""
    met = {(one.position, two.position) for one, two in pairwise(messages)}
    filled: list[Message] = []
    for message in mended:
        newest = filled[-1] if filled else message
        meet = newest is not message and newest.role == message.role == "assistant"
        if meet and (newest.position, message.position) not in met:
            filled.append(Message("user", (Part("text", RESULT_REMOVED),), time=message.time))
        filled.append(message)
    return filled
