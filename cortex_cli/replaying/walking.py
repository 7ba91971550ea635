"""The calls of one strategy, each as a step from the one before: priced, and looked through for what is lost."""

from collections import Counter as Tally
from collections.abc import Sequence

from cortex_cli.messages import Message
from cortex_cli.replaying.billing import Biller, Charge
from cortex_cli.replaying.pieces import Sized, pieces_of
from cortex_cli.replaying.recorded import RecordedCall
from cortex_cli.replaying.recording import Recording
from cortex_cli.replaying.requests import Request, Step
from cortex_cli.replaying.results import ReplayedCall
from cortex_cli.replaying.sight import Sight


class Walk:
    """The calls of one strategy so far."""

    def __init__(self, recording: Recording) -> None:
        self.calls: list[ReplayedCall] = []
        self._recording = recording
        self._sizes: dict[int, tuple[Message, int]] = {}
        self._biller = Biller(
            recording.model, recording.provider, recording.retention, self._size_of, recording.overhead_tokens
        )
        self._positions = {id(message): at for at, message in enumerate(recording.session.messages)}
        self._request = Request()
        self._roles = _Roles()
        self._kinds: Tally[str] = Tally()
        """What stands for others in the request, by kind."""
        self._sight = Sight(recording.facts, self._positions)
        self._tokens = recording.overhead_tokens

    def send(self, call: RecordedCall, messages: Sequence[Message], compaction_usd: float = 0.0) -> Charge:
        """Take one request in.

        Args:
            call: As recorded.
            messages: What is sent.
            compaction_usd: What model calls of the compaction before it cost.
        """
        return self.take(call, self._request.step_to(messages), compaction_usd)

    def take(self, call: RecordedCall, step: Step, compaction_usd: float = 0.0) -> Charge:
        """Take one request in that is told by what becomes of the one before."""
        is_first, is_grown = not self._request.messages, step.same == len(self._request.messages)
        gone, added = _changed(self._request.take(step), step.added)
        charge = self._biller.call(step, call.output_tokens, call.time)
        if compaction_usd and charge.usd is not None:
            charge = charge._replace(usd=charge.usd + compaction_usd)
        self._count(gone, added)
        cut = "" if is_grown else self._describe(gone, added, charge.tokens)
        self._sight.take(gone, added, call.answer, is_cut=is_first or not is_grown)
        roles = {**self._roles.tokens, "overhead": self._recording.overhead_tokens}
        facts = (self._sight.told, self._sight.kept)
        pieces = pieces_of(self._sized(gone), self._sized(added), self._positions) if cut else ()
        self.calls.append(ReplayedCall(call.answer, call.time, charge, roles, cut, *facts, pieces))
        self._tokens = charge.tokens
        return charge

    def _size_of(self, message: Message) -> int:
        known = self._sizes.get(id(message))
        if known is None:
            known = self._sizes[id(message)] = (message, self._recording.session.counted(message))
        return known[1]

    def _sized(self, messages: Sequence[Message]) -> list[Sized]:
        return [Sized(message, self._size_of(message)) for message in messages]

    def _count(self, gone: Sequence[Message], added: Sequence[Message]) -> None:
        """Keep the sums by role and the kinds of what was made."""
        for messages, sign in ((gone, -1), (added, 1)):
            for message in messages:
                self._roles.add(message.role, sign * self._size_of(message), sign)
                if message.synthetic and id(message) not in self._positions:
                    self._kinds[message.synthetic] += sign

    def _describe(self, gone: Sequence[Message], added: Sequence[Message], tokens: int) -> str:
        """Say in one line what became of the request before; what was made anew with the same text did not change."""
        same = set(added)
        count = sum(message not in same for message in gone)
        overhead = self._recording.overhead_tokens
        kinds = sorted(kind for kind, times in self._kinds.items() if times)
        what = f", {' and '.join(kinds)}" if kinds else ""
        left = "1 message" if count == 1 else f"{count} messages"
        return f"{left} left or changed, {self._tokens - overhead:,} -> {tokens - overhead:,} tokens{what}"


def _changed(gone: Sequence[Message], added: Sequence[Message]) -> tuple[Sequence[Message], Sequence[Message]]:
    """Leave out what only moved."""
    if not gone:
        return gone, added
    left, came = set(map(id, gone)), set(map(id, added))
    return [one for one in gone if id(one) not in came], [one for one in added if id(one) not in left]


class _Roles:
    """Tokens of the request by role."""

    def __init__(self) -> None:
        self.tokens: dict[str, int] = {}
        self._messages: dict[str, int] = {}

    def add(self, role: str, tokens: int, messages: int) -> None:
        """Add messages of a role, or take some away."""
        self.tokens[role] = self.tokens.get(role, 0) + tokens
        self._messages[role] = self._messages.get(role, 0) + messages
        if not self._messages[role]:
            del self.tokens[role], self._messages[role]
