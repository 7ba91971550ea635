"""What is wrong with a conversation: every rule that each output keeps, one function a rule.

Rules of the conversation itself are here; those of a format's records (parent links, numbering) are
told by the format's own `check`. Where a conversation may be cut is answered by `groups.safe_cuts`:
pairing is the only rule that a cut between two messages can break, since what else must stay
together (thinking and its call, reasoning and its item) is one message.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from cortex_cli.groups import CallSite, Pairing, pair_calls, turns
from cortex_cli.growing import Growing
from cortex_cli.messages import NO_RECORD, WHOLE, Message, Part, Transcript, build


class Rules(NamedTuple):
    """What a format demands beyond what every conversation must keep; its module's `RULES`."""

    alternates: bool = False
    """User and assistant take turns; results are sent as the user."""
    results_directly_after_call: bool = False
    """Nothing may stand between an assistant message and the results of its calls."""
    user_first: bool = False
    """The first message that is not a system prompt is a user's."""
    no_empty_text: bool = False
    """A text of no characters is refused."""


COMMON_RULES = Rules()
"""What every conversation must keep."""


SHARED_ID_HINT = "the client takes the later line for both; give one of them another id by hand"
"""Of two different records with one id: nobody but the user knows which of them the others follow."""


class Problem(NamedTuple):
    """One broken rule."""

    rule: str
    """Name of the rule's function."""
    position: int
    """Index into the messages that were checked."""
    message: Message
    text: str
    """What is wrong, one line."""
    hint: str = "run `cortex check --fix`"
    """How to mend it."""

    def line(self, transcript: Transcript) -> int:
        """Return the 1-based line of the message's record, 0 where it stands in none."""
        return transcript.line_of(self.message)


class _Case(NamedTuple):
    """One conversation under examination."""

    messages: Sequence[Message]
    rules: Rules
    pairing: Pairing
    baseline: Sequence[Message] | None
    """The conversation it was made from; None where it is judged by itself."""
    edited: Sequence[tuple[int, Message, Message]] = ()
    """(position, message, what it was) of the kept messages that are not the same objects."""

    def problem(self, rule: Callable[..., object], position: int, text: str, **more: str) -> Problem:
        return Problem(rule.__name__.lstrip("_"), position, self.messages[position], text, **more)


def find_problems(
    messages: Sequence[Message], rules: Rules = COMMON_RULES, *, baseline: Sequence[Message] | None = None
) -> tuple[Problem, ...]:
    """Find every broken rule.

    Args:
        messages: The conversation.
        rules: What its format demands.
        baseline: The (repaired) conversation it was made from. With it everything is judged that a layer
            must not do: reorder, edit what is not a result, take thinking from its call, let the
            conversation begin with an answer. What the baseline has itself is then no fault.

    Returns:
        Problems by position. None for a mere excerpt (no user and no assistant message): nothing could mend it.
    """
    if is_excerpt(messages):
        return ()
    case = _Case(messages, rules, pair_calls(messages), baseline, _find_edited(messages, baseline or ()))
    checks = _ALWAYS if baseline is None else (*_ALWAYS, *_AGAINST_BASELINE)
    return tuple(sorted((problem for check in checks for problem in check(case)), key=lambda one: one.position))


def find_notes(messages: Sequence[Message], rules: Rules = COMMON_RULES) -> tuple[Problem, ...]:
    """Find what an API may refuse though no repair of ours mends it; `check` shows it as a warning."""
    case = _Case(messages, rules, pair_calls(messages), None)
    checks = (*_ALWAYS, *_NOTES) if is_excerpt(messages) else _NOTES
    return tuple(problem for check in checks for problem in check(case))


def is_excerpt(messages: Sequence[Message]) -> bool:
    """Tell whether nobody speaks in it: only system prompts, rules and results."""
    return not any(message.role in ("user", "assistant") and not message.slot for message in messages)


def results_answer_calls(case: _Case) -> Iterator[Problem]:
    """Every result has exactly one earlier call with its id, every call at most one result."""
    for position in case.pairing.orphans:
        yield case.problem(results_answer_calls, position, f"tool result {_id(case, position)} has no tool call")
    for position in case.pairing.repeats:
        text = f"tool result {_id(case, position)} answers a call that has its result already"
        yield case.problem(results_answer_calls, position, text)


def _id(case: _Case, position: int) -> str:
    result = case.messages[position].result
    return repr(result.call_id if result else "")


def calls_have_results(case: _Case) -> Iterator[Problem]:
    """Every call has its result; only those of the live tail may wait for theirs."""
    for position, part in case.pairing.dead_calls:
        call = case.messages[position].parts[part]
        yield case.problem(calls_have_results, position, f"tool call {call.call_id!r} ({call.name}) has no result")


def results_follow_directly(case: _Case) -> Iterator[Problem]:
    """Where the format wants it, results stand right after the message with their calls."""
    if not case.rules.results_directly_after_call:
        return
    for position in case.pairing.late:
        text = f"tool result {_id(case, position)} does not directly follow its call"
        yield case.problem(results_follow_directly, position, text)


def ids_are_unique(case: _Case) -> Iterator[Problem]:
    """No record's id comes twice, and no call id twice in one answer (over turns, gateways repeat them)."""
    for position, first in repeated_messages(case.messages).items():
        text = f"repeats message {first} (id {case.messages[position].id!r})"
        yield case.problem(ids_are_unique, position, text)
    for position, parts in repeated_calls(case.messages).items():
        for part in parts:
            text = f"two tool calls with the id {case.messages[position].parts[part].call_id!r} in one answer"
            yield case.problem(ids_are_unique, position, text)


def repeated_messages(messages: Sequence[Message]) -> dict[int, int]:
    """Find messages that stand in the file twice, id and content alike.

    Returns:
        Position of the later one -> position of the first one with that content.
    """
    return _repeated_messages.over(messages)


def _content(message: Message) -> tuple[Part, ...]:
    """Return everything but the place in the file."""
    return tuple(part.placed(NO_RECORD, WHOLE) for part in message.parts)


def repeated_calls(messages: Sequence[Message]) -> dict[int, tuple[int, ...]]:
    """Find calls that share their id with another call of the same answer.

    Answers with nothing between them count as one: Codex sends them as one, and nobody could tell whose the
    results are. Of several the one nearest to the results is not counted, within a message the first.

    Returns:
        Position of a message -> positions of the repeating parts in it.
    """
    return _repeated_calls.over(messages) if pair_calls(messages).shares_ids else {}


class _RepeatedMessages:
    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], int] = {}
        self._alike: dict[tuple[str, str], dict[tuple[Part, ...], list[int]]] = {}
        """Of ids that came again: content -> messages with it, one of every record."""
        self._found: dict[int, int] = {}

    def take(self, messages: Sequence[Message], start: int) -> None:
        for position in range(start, len(messages)):
            message = messages[position]
            if not message.id or not message.parts:
                continue
            key = message.id, message.role
            first = self._seen.setdefault(key, position)
            if first == position:
                continue
            known = self._alike.setdefault(key, {_content(messages[first]): [first]})
            alike = known.setdefault(_content(message), [])
            elsewhere = (at for at in alike if not set(messages[at].records) & set(message.records))
            if (same := next(elsewhere, None)) is not None:  # two pieces of one record are no repetition
                self._found[position] = same
            elif all(messages[at].records != message.records for at in alike):
                alike.append(position)

    def found(self) -> dict[int, int]:
        return dict(self._found)


class _RepeatedCalls:
    def __init__(self) -> None:
        self._found: dict[int, list[int]] = {}
        self._standing: dict[str, CallSite] = {}
        """Calls of the answer that is being walked over."""

    def take(self, messages: Sequence[Message], start: int) -> None:
        found, standing = self._found, self._standing
        for position in range(start, len(messages)):
            message = messages[position]
            if message.role != "assistant":
                if standing:
                    standing.clear()
                continue
            for index, part in enumerate(message.parts):
                if part.kind == "call":
                    other = standing.setdefault(part.call_id, build(CallSite, (position, index)))
                    if other.message != position:
                        found.setdefault(other.message, []).append(other.part)
                        standing[part.call_id] = CallSite(position, index)
                    elif other.part != index:
                        found.setdefault(position, []).append(index)

    def found(self) -> dict[int, tuple[int, ...]]:
        return {position: tuple(sorted(parts)) for position, parts in sorted(self._found.items())}


_repeated_messages = Growing(_RepeatedMessages, _RepeatedMessages.found)
_repeated_calls = Growing(_RepeatedCalls, _RepeatedCalls.found)


def order_is_kept(case: _Case) -> Iterator[Problem]:
    """Messages stand in the order of the input, none twice."""
    newest = -1
    for position, message in enumerate(case.messages):
        if message.position < 0:
            continue
        if message.position <= newest:
            yield case.problem(order_is_kept, position, f"message {message.position} stands after message {newest}")
        newest = max(newest, message.position)


def kept_parts_are_untouched(case: _Case) -> Iterator[Problem]:
    """Texts, media, signed and opaque parts of a kept message are equal; only results and arguments are edited."""
    for position, message, origin in case.edited:
        before, after = _without_thinking(origin), _without_thinking(message)
        if _places(before) != _places(after):
            yield case.problem(kept_parts_are_untouched, position, "parts were taken out, put in or moved")
            continue
        for old, new in zip(before, after, strict=True):
            if old != new and not _may_differ(old, new):
                text = f"a part that must not be edited ({old.kind}) was edited"
                yield case.problem(kept_parts_are_untouched, position, text)


def _without_thinking(message: Message) -> Sequence[Part]:
    if message.role == "tool":
        return message.parts
    return [part for part in message.parts if part.kind != "thinking"]


def _places(parts: Sequence[Part]) -> list[tuple[int, int, str]]:
    return [(part.record, part.block, part.kind) for part in parts]


def _may_differ(old: Part, new: Part) -> bool:
    if old.kind not in ("result", "call") or old.signed:
        return False
    return (old.call_id, old.name, old.is_error) == (new.call_id, new.name, new.is_error)


def thinking_is_whole(case: _Case) -> Iterator[Problem]:
    """Thinking is equal and in its place before the call, or all of it gone from a message of a finished turn."""
    all_turns = turns(case.messages)
    current = all_turns[-1].start if all_turns else 0
    for position, message, origin in case.edited:
        if message.role == "tool":
            continue  # nobody thinks in a result
        before = [part for part in origin.parts if part.kind == "thinking"]
        after = [part for part in message.parts if part.kind == "thinking"]
        if before == after and [one.kind for one in message.parts] == [one.kind for one in origin.parts]:
            continue
        if after or (position >= current and any(part.signed for part in before)):
            yield case.problem(
                thinking_is_whole, position, "thinking was edited, moved or taken from a turn in progress"
            )


def _find_edited(messages: Sequence[Message], baseline: Sequence[Message]) -> list[tuple[int, Message, Message]]:
    same = set(map(id, baseline))
    others = [(at, message) for at, message in enumerate(messages) if id(message) not in same and message.position >= 0]
    wanted = {message.position for _, message in others}
    origins = {origin.position: origin for origin in baseline if origin.position in wanted} if others else {}
    return [(at, message, origins[message.position]) for at, message in others if message.position in origins]


def somebody_asks(case: _Case) -> Iterator[Problem]:
    """There is a user message, and no answer comes first, unless the baseline was so."""
    baseline = case.baseline or ()
    if any(message.role == "user" for message in baseline) and not any(one.role == "user" for one in case.messages):
        yield case.problem(somebody_asks, 0, "no user message is left")
    position = _first_spoken(case.messages)
    if position is None or case.messages[position].role == "user":
        return
    origin = _first_spoken(baseline)
    if origin is None or baseline[origin].position != case.messages[position].position:
        yield case.problem(somebody_asks, position, f"begins with a message of role {case.messages[position].role}")


def _first_spoken(messages: Sequence[Message]) -> int | None:
    return next((i for i, message in enumerate(messages) if message.role != "system"), None)


def roles_alternate(case: _Case) -> Iterator[Problem]:
    """Where the format wants it, no two answers meet that were apart before; `dump` joins or parts users that do."""
    if not case.rules.alternates:
        return
    meet = [
        (position, one.position, two.position)
        for position, (one, two) in enumerate(pairwise(case.messages), start=1)
        if one.role == two.role == "assistant" and one.position >= 0 and two.position >= 0  # `dump` joins ours
    ]
    met = {(one.position, two.position) for one, two in pairwise(case.baseline or ())} if meet else set()
    for position, *pair in meet:
        if tuple(pair) not in met:
            yield case.problem(roles_alternate, position, "two messages of the assistant meet")


def new_texts_are_not_empty(case: _Case) -> Iterator[Problem]:
    """Where the format wants it, what a layer writes has characters."""
    for position, message in enumerate(case.messages):
        if message.position < 0 and case.rules.no_empty_text and _has_empty_text(message):
            yield case.problem(new_texts_are_not_empty, position, "an empty text was written")


def _has_empty_text(message: Message) -> bool:
    return any(part.kind == "text" and not part.text for part in message.parts)


def _notes_on_roles(case: _Case) -> Iterator[Problem]:
    if not case.messages:
        return
    by_hand = "edit the file by hand if the API refuses it"
    if not any(message.role == "user" for message in case.messages):
        yield case.problem(_notes_on_roles, 0, "no user message in the conversation", hint=by_hand)
    first = _first_spoken(case.messages)
    if case.rules.user_first and first is not None and case.messages[first].role != "user":
        text = f"begins with a message of role {case.messages[first].role}, the API wants the user's first"
        yield case.problem(_notes_on_roles, first, text, hint=by_hand)


def _notes_on_alternation(case: _Case) -> Iterator[Problem]:
    if not case.rules.alternates:
        return
    for position, (one, two) in enumerate(pairwise(case.messages), start=1):
        is_one_record = bool(set(one.records) & set(two.records))
        if one.role == two.role and one.role in ("user", "assistant") and not is_one_record:
            yield case.problem(_notes_on_alternation, position, f"two messages of the {one.role} in a row", hint="")


def _notes_on_texts(case: _Case) -> Iterator[Problem]:
    for position, message in enumerate(case.messages):
        if case.rules.no_empty_text and _has_empty_text(message):
            yield case.problem(_notes_on_texts, position, "has an empty text, which the API refuses", hint="")


_Check = Callable[[_Case], Iterator[Problem]]

_ALWAYS: tuple[_Check, ...] = (results_answer_calls, calls_have_results, results_follow_directly, ids_are_unique)
"""Rules that a conversation keeps by itself."""

_AGAINST_BASELINE: tuple[_Check, ...] = (
    order_is_kept,
    kept_parts_are_untouched,
    thinking_is_whole,
    somebody_asks,
    roles_alternate,
    new_texts_are_not_empty,
)
"""Rules that tell a layer's faults from what the input had."""

_NOTES: tuple[_Check, ...] = (_notes_on_roles, _notes_on_alternation, _notes_on_texts)
"""What only a person can mend."""
