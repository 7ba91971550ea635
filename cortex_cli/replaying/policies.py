"""What may stand between an agent and its provider: nothing, the manager with some settings, or a simpler habit."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cortex_cli.errors import OptionError, name_hint
from cortex_cli.messages import Message, Part
from cortex_cli.presets import PRESET_KEYS, PRESETS, Preset
from cortex_cli.replaying.requests import Step
from cortex_cli.settings import DEFAULT_LAYERS, Settings
from cortex_cli.tokens import Counter

CLEARED = "[Old tool result content cleared]"
"""What stands for a result that a provider's own editing took out. Source: Claude Code's microcompaction."""

KEPT_MESSAGES = 40
"""Of `keep-last-40`."""

CLEARING_TOKENS = 100_000
CLEARING_KEEPS = 3
"""When Anthropic's context editing clears tool results by default, and how many it keeps.
Source: https://platform.claude.com/docs/en/build-with-claude/context-editing"""

CLEARING_AT_LEAST_TOKENS = 5_000
"""So much has to be freed, or nothing is cleared and the cached prefix stays: `clear_at_least` of the example there.
By default there is no such amount, and every call over the limit breaks the cache."""

SUMMARIZING_SHARE = 0.80
"""Of the window: where common agents summarise. Source: the project's targets, "summarise at 80 %"."""

TRUNCATING_SHARE = 0.90
"""Of the window: where `truncate-oldest` drops. Source: SPEC section 5."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way to keep a session inside its window."""

    name: str
    help: str
    changes: Mapping[str, object] | None = None
    """Settings of the manager that differ from those of the run; None: `habit` acts."""
    habit: "type[Habit] | None" = None
    """A rule of thumb; None, too: everything is sent."""


class Session(NamedTuple):
    """A recorded session as habits see it."""

    messages: tuple[Message, ...]
    ends: tuple[int, ...]
    """Tokens up to the end of each message, what is sent besides included."""
    cuts: tuple[int, ...]
    """Where it may be cut without parting a call from its result, ascending."""
    window: int
    counter: Counter
    scale: float
    """The model's tokens for one of the counter's."""

    def tokens(self, start: int, end: int) -> int:
        """Return the tokens of the messages [start, end) with what is sent besides."""
        overhead = self.ends[0] - self.counted(self.messages[0])
        return overhead + (self.ends[end - 1] if end else overhead) - (self.ends[start - 1] if start else overhead)

    def counted(self, message: Message) -> int:
        """Return the tokens of one message as the model counts them."""
        return round(self.counter.count_message(message) * self.scale)


class Habit:
    """A rule of thumb with a memory; the base sends everything.

    Args:
        session: What is replayed.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.start = self.end = 0
        """What was sent last: the messages [start, end)."""

    def send(self, end: int) -> Step:
        """Return what is sent of the messages up to `end`, which never goes back."""
        return self._step(0, end)

    def _step(self, start: int, end: int) -> Step:
        """Send the messages [start, end) as they are."""
        same = self.end - self.start if start == self.start else 0
        self.start, self.end = start, end
        return Step(same, self.session.messages[start + same : end])


class TruncateOldest(Habit):
    """Drops the oldest groups over the limit; what was dropped stays dropped."""

    def send(self, end: int) -> Step:
        """Return the messages from the first cut on that fits."""
        session, start = self.session, self.start
        limit = TRUNCATING_SHARE * session.window
        at = bisect_right(session.cuts, start)
        while session.tokens(start, end) > limit and at < len(session.cuts) and session.cuts[at] < end:
            start = session.cuts[at]
            at += 1
        return self._step(start, end)


class KeepLast(Habit):
    """Sends the newest messages only, from a cut that parts no call from its result."""

    def send(self, end: int) -> Step:
        """Return the newest."""
        cuts = self.session.cuts
        return self._step(cuts[bisect_right(cuts, max(0, end - KEPT_MESSAGES)) - 1], end)


class ClearToolUses(Habit):
    """Clears all but the newest results when the request is over its limit, as a provider's context editing does."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._whole: list[int] = []
        """Positions of results that were not cleared yet."""
        self._saved = 0

    def send(self, end: int) -> Step:
        """Return the messages with what was cleared so far."""
        session, same = self.session, self.end
        added = session.messages[same:end]
        self._whole += (at for at, message in enumerate(added, same) if message.result is not None)
        self.end = end
        cleared = self._clear() if session.tokens(0, end) - self._saved > CLEARING_TOKENS else {}
        if not cleared:
            return Step(same, added)
        first = min(same, *cleared)
        return Step(first, [cleared.get(at, session.messages[at]) for at in range(first, end)])

    def _clear(self) -> dict[int, Message]:
        """Return by position what becomes of old results; of none where too little would be freed."""
        messages, counted = self.session.messages, self.session.counted
        old = self._whole[:-CLEARING_KEEPS]
        cleared = {at: _cleared(messages[at]) for at in old}
        freed = sum(counted(messages[at]) - counted(cleared[at]) for at in old)
        if freed < CLEARING_AT_LEAST_TOKENS:
            return {}
        self._saved += freed
        del self._whole[:-CLEARING_KEEPS]
        return {at: short for at, short in cleared.items() if short != messages[at]}


def _cleared(message: Message) -> Message:
    parts = tuple(_cleared_part(part) if part.kind == "result" else part for part in message.parts)
    return message._replace(parts=parts)


def _cleared_part(part: Part) -> Part:
    return part._replace(text=CLEARED, media=())


def _managed(*layers: str, **more: object) -> dict[str, object]:
    return {"layers": layers, "strategy": "classic", **more}


def _preset(preset: Preset) -> Strategy:
    """Return a preset as it is: no setting that a preset may change is the run's own."""
    untouched = {key: getattr(Settings(), key) for key in PRESET_KEYS}
    return Strategy(preset.name, preset.help, {**_managed(*DEFAULT_LAYERS), **untouched, **preset.values})


STRATEGIES = (
    Strategy("none", "Everything is sent, whatever the window."),
    Strategy("micro", "Caps and layer 1.", _managed("cap", "micro")),
    Strategy("classic", "All layers, with summaries.", _managed(*DEFAULT_LAYERS)),
    Strategy(
        "observational",
        "All layers, with a log in the place of summaries.",
        _managed(*DEFAULT_LAYERS, strategy="observational"),
    ),
    *map(_preset, PRESETS),
    Strategy("failsafe", "Layer 3 only.", _managed("failsafe")),
    Strategy("truncate-oldest", "Drops the oldest at 90 % of the window.", habit=TruncateOldest),
    Strategy(f"keep-last-{KEPT_MESSAGES}", f"Sends the newest {KEPT_MESSAGES} messages.", habit=KeepLast),
    Strategy("clear-tool-uses", "Above 100k tokens clears all but 3 results, 5k tokens at least.", habit=ClearToolUses),
    Strategy(
        "summarize-80",
        "Summarises at 80 % of the window.",
        _managed("summary", "failsafe", threshold=SUMMARIZING_SHARE),
    ),
)


def find_strategy(name: str) -> Strategy:
    """Return the strategy of that name.

    Raises:
        OptionError: There is none.
    """
    for strategy in STRATEGIES:
        if strategy.name == name:
            return strategy
    names = [strategy.name for strategy in STRATEGIES]
    raise OptionError(f"no strategy {name!r}", where="--strategies", hint=name_hint(name, names))
