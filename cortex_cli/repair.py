"""What is done about broken call/result pairs before anything else: the first step of every run.

Loads never repair; this does, and says what it did. Source: SPEC section 10.
"""

from collections.abc import Container, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from cortex_cli.groups import CallSite, pair_calls
from cortex_cli.marks import INTERRUPTED, RESULT_REMOVED, image_text
from cortex_cli.messages import Change, Message, Part, Synthetic
from cortex_cli.seams import PARTING, Seams
from cortex_cli.tokens import Counter
from cortex_cli.validity import Rules, is_excerpt, repeated_calls, repeated_messages


class Repair(NamedTuple):
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
    work = _Work(messages, counter)
    while work.mend(rules):
        pass  # what one step brings together may need another
    if not work.changes:
        return Repair(messages)
    if is_excerpt(work.messages):
        warning = "not repaired, since no message would be left; returned as it is"
        return Repair(messages, warnings=(f"{len(work.changes)} broken tool results {warning}",))
    mended = _with_fillers(work.messages, messages) if rules.alternates else work.messages
    return Repair(tuple(mended), tuple(work.changes))


class _Work:
    """A conversation under repair, and what was done to it."""

    def __init__(self, messages: Sequence[Message], counter: Counter) -> None:
        self.messages = messages
        self.changes: list[Change] = []
        self._counter = counter

    def mend(self, rules: Rules) -> bool:
        """Take one step; tell whether there was one to take."""
        if repeated := repeated_messages(self.messages):
            self._remove(repeated)
        elif calls := repeated_calls(self.messages):
            self._remove_calls(calls)
        else:
            return self._pair(rules)
        return True

    def _pair(self, rules: Rules) -> bool:
        pairing = pair_calls(self.messages)
        late = pairing.late if rules.results_directly_after_call else ()
        if pairing.orphans or pairing.repeats:
            self._remove({*pairing.orphans, *pairing.repeats})
        elif late:
            self._write_results({pairing.answers[position]: position for position in late})
        elif pairing.dead_calls:
            self._write_results(dict.fromkeys(pairing.dead_calls))
        else:
            return False
        return True

    def _remove(self, positions: Container[int]) -> None:
        kept: list[Message] = []
        for position, message in enumerate(self.messages):
            if position not in positions:
                kept.append(message)
                continue
            text = message.parts[0].text if message.parts else ""
            self.changes.append(Change(message, 0, "repaired", self._size(message), 0, before=text))
        self.messages = kept

    def _remove_calls(self, repeated: Mapping[int, Sequence[int]]) -> None:
        """Take calls out, and messages of which nothing is left."""
        kept: list[Message] = []
        for position, message in enumerate(self.messages):
            parts = repeated.get(position)
            if parts is None:
                kept.append(message)
                continue
            smaller = _without_parts(message, parts)
            kept.extend([smaller] if smaller.parts else [])
            texts = "\n".join(message.parts[part].text for part in parts)
            sizes = self._size(message), self._size(smaller)
            self.changes.append(Change(message, parts[0], "repaired", *sizes, before=texts))
        self.messages = kept

    def _write_results(self, missing: Mapping[CallSite, int | None]) -> None:
        """Write results behind those that directly follow their call.

        Args:
            missing: Call -> position of the result that it gets, which came too late; None: there is none.
        """
        added: dict[int, list[Message]] = {}
        for site, position in sorted(missing.items(), key=lambda one: one[0]):
            late = None if position is None else self.messages[position]
            place = _end_of_results(self.messages, site.message)
            added.setdefault(place, []).append(self._write_result(self.messages[site.message], site.part, late))
        moved = set(missing.values())
        mended: list[Message] = []
        for position, message in enumerate(self.messages):
            mended.extend([] if position in moved else [message])
            mended.extend(added.get(position, ()))
        self.messages = mended

    def _write_result(self, message: Message, index: int, late: Message | None) -> Message:
        call = message.parts[index]
        part = Part("result", INTERRUPTED, name=call.name, call_id=call.call_id)
        size, before = 0, ""
        synthetic: Synthetic = "closing"
        if late is not None and late.result is not None:
            synthetic = late.synthetic  # a tool said it: a reload finds nothing of ours in it
            size, before = self._size(late), late.result.text
            images = [image_text(one.type, one.tokens) for one in late.result.media]  # no record of ours holds images
            part = part._replace(text="\n".join([before, *images]), is_error=late.result.is_error)
        closing = Message("tool", (part,), time=message.time, synthetic=synthetic)
        sizes = size, self._size(closing)
        self.changes.append(Change(message, index, "repaired", *sizes, before=before, after=part.text))
        return closing

    def _size(self, message: Message) -> int:
        return self._counter.count_message(message)


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


def _end_of_results(messages: Sequence[Message], position: int) -> int:
    """Return the last position of the results that directly follow the message at `position`."""
    while position + 1 < len(messages) and messages[position + 1].role == "tool":
        if _is_assumed(messages[position + 1]):
            break
        position += 1
    return position


def _is_assumed(message: Message) -> bool:
    """Tell whether the format's client adds a result when it reads the file: then behind all that are written."""
    return message.synthetic == "closing" and message.position >= 0 and not message.records


def _with_fillers(mended: Sequence[Message], messages: Sequence[Message]) -> list[Message]:
    """Where a removed message stood between two answers or two users, put a word in its place: they would meet."""
    met = {(one.position, two.position) for one, two in pairwise(messages)}
    places = {message.position: at for at, message in enumerate(messages)}
    seams = Seams(messages)
    filled: list[Message] = []
    for message in mended:
        newest = filled[-1] if filled else message
        if newest is not message and (newest.position, message.position) not in met:
            if newest.role == message.role == "assistant":
                filled.append(Message("user", (Part("text", RESULT_REMOVED),), time=message.time))
            elif newest.role == message.role == "user" and seams.meet(
                places[newest.position], places[message.position]
            ):
                filled.append(PARTING._replace(time=message.time))
        filled.append(message)
    return filled
