"""The layers in their order over one view; what they leave is checked against the conversation it came from.

Decides only the order; what a layer may do stands in `layers/`, the ladder of `--fit` in `fit.py`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from cortex_cli import fit
from cortex_cli.errors import DoesNotFitError
from cortex_cli.growing import begins_with
from cortex_cli.layers.caps import cap
from cortex_cli.layers.failsafe import failsafe, should_truncate
from cortex_cli.layers.fitting import micro_to_fit
from cortex_cli.layers.inputs import trim_inputs
from cortex_cli.layers.observe import should_activate
from cortex_cli.layers.summary import (
    MIN_FIT_TOKENS,
    SHARE_OF_TARGET,
    TAG_TOKENS,
    install_summary,
    plan_summary,
    should_summarize,
    summary_messages,
)
from cortex_cli.layers.thinking import drop_thinking
from cortex_cli.layers.view import Layer, View
from cortex_cli.messages import Change, LayerResult, Message, Transcript
from cortex_cli.report import Facts, LayerReport, report_changes
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import Summarizer, SummaryOutcome, SummaryRequest
from cortex_cli.tokens import Counter
from cortex_cli.validity import Rules, find_problems

Remember = Callable[[View, bool], Awaitable[LayerResult]]
"""(conversation, whether all but its recent tail is to be observed) -> the conversation with the log in its place."""

if TYPE_CHECKING:
    from cortex_cli.memory.engine import Memory
    from cortex_cli.memory.telling import Noted

MAX_PASSES = 20
"""Passes of one layer; every pass shrinks the text, so the limit only guards against a mistake of ours."""

LAYERS: dict[str, Layer] = {"cap": cap, "micro": micro_to_fit, "failsafe": failsafe}
"""The layers that ask no model. Source: DESIGN section 1."""


@dataclass(slots=True)
class Track:
    """One layer over all its passes."""

    name: str
    tokens_before: int
    tokens_after: int
    reason: str = ""
    changes: list[Change] = field(default_factory=list)
    passes: int = 0
    """How many passes changed something."""

    def report(self, transcript: Transcript) -> LayerReport:
        """Tie it to the input."""
        changes = report_changes(self.changes, transcript)
        reason = self.reason
        if self.passes > 1 and self.name in LAYERS:
            freed = self.tokens_before - self.tokens_after
            reason = f"{len(changes)} changes in {self.passes} passes, {freed:,} tokens freed"
        return LayerReport(self.name, bool(changes), reason, self.tokens_before, self.tokens_after, changes)


class Judged(NamedTuple):
    """A conversation that has no problem, and what it was made from."""

    messages: tuple[Message, ...]
    baseline: tuple[Message, ...]
    rules: Rules


@dataclass(slots=True)
class Run:
    """The state of one run between layers."""

    view: View
    settings: Settings
    counter: Counter
    rules: Rules
    summarizer: Summarizer
    repaired: tuple[Message, ...]
    """What every step is judged against."""
    tracks: dict[str, Track] = field(default_factory=dict)
    outcome: SummaryOutcome | None = None
    """What the summariser said of its work."""
    request: SummaryRequest | None = None
    """What the summary that stands now was asked for."""
    layers: Mapping[str, Layer] = field(default_factory=lambda: LAYERS)
    """By name; a live session has a failsafe of its own."""
    source: View | None = None
    """The conversation after the caps and before layer 1: what a live session keeps."""
    memory: "Memory | None" = None
    """Takes the place of summaries."""
    noted: "Noted | None" = None
    """What became of the conversation when the memory was last handed it."""
    judged: "Judged | None" = None
    """What was found good in the pass before, of a session that goes on."""
    remember: Remember | None = None
    """How it is handed the conversation: a recorded one, or one that goes on."""

    def count_facts(self) -> Facts:
        """Count what became of the facts; of a log only now: it is as much work as writing it was, and few ask."""
        if self.noted is None:
            return self.outcome.facts if self.outcome else Facts()
        return self.noted.count_facts()

    @property
    def events(self) -> tuple[dict[str, Any], ...]:
        """What happened around the summary, in order. Source: SPEC section 4, "Failure"."""
        outcome = self.outcome
        if outcome is None:
            return ()
        found = list(outcome.events)
        dropped = [change for change in self.changes_of("failsafe") if change.action == "dropped"]
        if outcome.failure and dropped:
            failures = sum(event["event"] == "error" for event in outcome.events)
            found.append({"event": "degraded", "failures": failures, "dropped": len(dropped)})
        elif outcome.failure and self._is_still_over():
            found.append({"event": "exhausted", "tokens": self.tokens})
        return tuple(found)

    def _is_still_over(self) -> bool:
        if self.memory is not None:
            ratio, is_over = self.settings.activation_ratio, should_activate
        else:
            ratio, is_over = self.settings.threshold, should_summarize
        return ratio > 0 and is_over(self.view, self.settings, self.counter)

    def changes_of(self, name: str) -> list[Change]:
        """Return what a layer changed."""
        return self.tracks[name].changes if name in self.tracks else []

    @property
    def tokens(self) -> int:
        """Size of the view now."""
        return self.view.count(self.counter)

    def apply(self, name: str, layer: Layer, settings: Settings) -> None:
        """Run a layer over the view; layer 1 until a pass changes nothing."""
        track = self._track(name)
        for _ in range(MAX_PASSES if name == "micro" else 1):
            result = layer(self.view, settings, self.counter)
            if not self._take(track, result):
                return

    async def summarize(self, settings: Settings) -> bool:
        """Run layer 2 over the view.

        Returns:
            Whether a summary was put in.
        """
        plan = plan_summary(self.view, settings, self.counter)
        self.outcome = await self._ask(plan.request) if plan.request else None
        done = install_summary(self.view, plan, self.outcome, settings, self.counter)
        self.request = plan.request if done.changes else None
        return self._take(self._track("summary"), done)

    async def observe(self, *, is_forced: bool = False) -> bool:
        """Let the memory have the view.

        Args:
            is_forced: Observe all but the recent tail, however much room there is.

        Returns:
            Whether the conversation is another now.
        """
        from cortex_cli.memory.telling import Noted, outcome_of  # noqa: PLC0415 - start-up time, this strategy only

        assert self.memory is not None
        assert self.remember is not None
        log = self.memory.state.observations
        result = await self.remember(self.view, is_forced)
        gone = tuple(change.message for change in result.changes if not change.tokens_after)
        self.noted = Noted(log, gone, result.messages, self.memory.state.observations)
        self.outcome = outcome_of(self.memory)
        return self._take(self._track("observe"), result)

    async def condense_log(self, target: int, *, is_first: bool) -> None:
        """Condense the log as far as what else is kept demands; the first time not below its share of the target."""
        from cortex_cli.memory.telling import outcome_of  # noqa: PLC0415 - start-up time, only this strategy needs it

        assert self.memory is not None
        slot = self.memory.slot()
        if slot is None or self.noted is None:
            return
        own, log = self.counter.count_message(slot), self.memory.state.observation_tokens
        left = target - (self.tokens - own)
        least = int(SHARE_OF_TARGET * target) if is_first else 0  # a large tail shrinks on a later rung
        size = max(left, least) - (own - log)
        if not MIN_FIT_TOKENS <= size < log or not await self.memory.reflect_now(size):
            return
        messages = self.memory.place(self.view.messages)
        self.noted = self.noted._replace(following=messages, log=self.memory.state.observations)
        self.outcome = outcome_of(self.memory)
        new = self.memory.slot()
        assert new is not None
        track = self._track("observe")
        earlier = [change for change in track.changes if change.message.position < 0]
        track.changes = [change for change in track.changes if change not in earlier]
        size = self.counter.count_message(new)
        change = Change(new, -1, "observed", 0, size, after=new.text)
        self._take(track, LayerResult(messages, (change,), f"{track.reason}, then condensed"))

    async def _ask(self, request: SummaryRequest) -> SummaryOutcome | None:
        """Ask the summariser, and keep secrets out of what it says, whoever it is."""
        outcome = await self.summarizer(request)
        if outcome is None or not self.settings.redact:
            return outcome
        from cortex_cli.summarizers.redact import redact_all  # noqa: PLC0415 - start-up time, summaries only

        (text, *lost), secrets = redact_all([outcome.text, *outcome.facts.lost])
        if not secrets:
            return outcome
        facts = outcome.facts._replace(lost=tuple(lost))
        return replace(outcome, text=text, facts=facts, redacted=max(outcome.redacted, secrets))

    async def summarize_smaller(self, target: int, settings: Settings) -> None:
        """Write the summary of this run again, as small as what else is kept demands."""
        if self.request is None:
            return
        at = next(i for i, message in enumerate(self.view.messages) if message.synthetic == "summary")
        old = self.view.messages[at]
        size = target - (self.tokens - self.counter.count_message(old)) - TAG_TOKENS
        if size < MIN_FIT_TOKENS:
            return
        outcome = await self._ask(replace(self.request, max_tokens=size))
        if outcome is None:
            return
        kept, self.outcome = self.outcome, outcome.after(self.outcome)
        if not outcome.text:
            if kept is not None:  # the one that stands stays, whatever happened to the smaller one
                self.outcome = replace(self.outcome, text=kept.text, facts=kept.facts, summarizer=kept.summarizer)
            return
        new = summary_messages(outcome.text, self.request, self.view.messages, settings)[0]
        messages = (*self.view.messages[:at], new, *self.view.messages[at + 1 :])
        track = self.tracks["summary"]
        last = track.changes.pop()
        change = last._replace(message=new, tokens_after=self.counter.count_message(new), after=new.text)
        smaller = f"{track.reason}; written again in {change.tokens_after:,}"
        self._take(track, LayerResult(messages, (change,), smaller))

    def _track(self, name: str) -> Track:
        return self.tracks.setdefault(name, Track(name, self.tokens, self.tokens))

    def _take(self, track: Track, result: LayerResult) -> bool:
        if result.changes or not track.changes:
            track.reason = result.reason
        if not result.changes:
            return False
        self.view = self.view.with_messages(result.messages)
        track.changes.extend(result.changes)
        track.passes += 1
        track.tokens_after = self.tokens
        return True

    def check(self) -> None:
        """Judge what the layers left against the conversation they were given.

        Raises:
            AssertionError: A mistake of ours, never a user's: better no output than a broken one.
        """
        if self.view.messages is self.repaired or self._is_sound():
            return
        if problems := find_problems(self.view.messages, self.rules, baseline=self.repaired):
            names = ", ".join(name for name, track in self.tracks.items() if track.changes)
            raise AssertionError(f"the layers {names} left an invalid history: {problems[0].text}")

    def _is_sound(self) -> bool:
        """Tell whether the last pass was judged and found good, and only the same messages were added to both.

        Pairs, order and edits of what is common are as they were then, and what is added no layer touched.
        """
        if self.judged is None or self.judged.rules != self.rules:
            return False
        known, new = self.judged, (self.view.messages, self.repaired)
        return (
            len(known.messages) == len(known.baseline)
            and begins_with(new[0], known.messages)
            and begins_with(new[1], known.baseline)
            and new[0][len(known.messages) :] == new[1][len(known.baseline) :]
        )


async def run_layers(run: Run) -> None:
    """Run the layers that the settings name.

    Raises:
        DoesNotFitError: The result cannot be made as small as asked.
    """
    settings = run.settings
    target = fit.target_tokens(settings.fit, run.tokens, run.view.overhead_tokens)
    if target and run.tokens <= target:
        return
    if target:  # what must fit cannot wait for a cache, which the rungs break anyway
        run.view = replace(run.view, cache_is_warm=False)
    if settings.drop_thinking:
        run.apply("thinking", drop_thinking, settings)
    if settings.trim_inputs:
        run.apply("inputs", trim_inputs, settings)
    if target:
        await _climb(run, target)
    else:
        await _walk(run)
    run.check()


async def _walk(run: Run) -> None:
    """Run every layer once, by its own threshold."""
    settings = run.settings
    if "cap" in settings.layers:
        run.apply("cap", run.layers["cap"], settings)
    run.source = run.view
    observes = settings.second_layer == "observe" and run.memory is not None
    if observes and await run.observe(is_forced=not settings.activation_ratio):
        _start_anew(run)
    if "micro" in settings.layers:
        run.apply("micro", run.layers["micro"], settings)
    if settings.second_layer == "summary" and should_summarize(run.view, settings, run.counter):
        await _from_source(run, run.source, settings, "summary", partial(run.summarize, settings))
    if "failsafe" in settings.layers:
        if run.memory is not None and should_truncate(run.tokens, run.view, settings):
            await run.observe(is_forced=True)  # what would be dropped is noted first, if that can be
        run.apply("failsafe", run.layers["failsafe"], settings)


def _start_anew(run: Run) -> None:
    """Forget what layer 1 decided: behind a new summary or log nothing is cached, and its memory is void."""
    run.source = run.view = replace(run.view, cache_is_warm=False, decisions={}, decided_at=None)


async def _from_source(
    run: Run, source: View, settings: Settings, name: str, act: Callable[[], Awaitable[bool]]
) -> bool:
    """Let layer 2 have the conversation as it was before layer 1, then run layer 1 again on the result.

    Where layer 2 did nothing, what layer 1 did stands.
    """
    trimmed, tracks = run.view, dict(run.tracks)
    run.view = replace(source, budget=trimmed.budget, target_tokens=trimmed.target_tokens)
    run.tracks.pop("micro", None)
    if not await act():
        run.view, run.tracks = trimmed, {**tracks, name: run.tracks[name]}
        return False
    _start_anew(run)
    if "micro" in tracks:
        run.apply("micro", run.layers["micro"], settings)
    return True


async def _climb(run: Run, target: int) -> None:
    """Go up the ladder of `--fit` until the view is at or under the target."""
    budget = run.view.budget
    source = run.view
    for rung in fit.ladder(run.settings, budget, target):
        if run.tokens <= target:
            break
        name = run.settings.second_layer if rung.layer == "summary" else rung.layer
        if name == "observe" and run.memory is None:
            continue
        if not name or (name == rung.layer and name not in run.settings.layers):
            continue
        run.view = replace(run.view, budget=rung.budget, target_tokens=target)
        if name == "observe":
            run.view = replace(run.view, budget=budget)  # as large as the session's own memory would be
            await _observe_to_fit(run, source, rung.settings, target)
        elif name == "summary" and run.request is not None:
            await run.summarize_smaller(target, rung.settings)
        elif name == "summary":
            await _from_source(run, source, rung.settings, name, partial(run.summarize, rung.settings))
        else:
            run.apply(rung.layer, run.layers[rung.layer], rung.settings)
        if rung.layer == "cap":
            run.source = source = run.view
    run.view = replace(run.view, budget=budget, target_tokens=0)
    if run.tokens > target:
        raise DoesNotFitError(
            f"the result has {run.tokens:,} tokens, {target:,} were asked for",
            smallest_tokens=run.tokens,
            hint=f"--fit {run.tokens} can be reached with these layers; add failsafe to --layers for less",
        )


async def _observe_to_fit(run: Run, source: View, settings: Settings, target: int) -> None:
    """Observe all but the recent tail, once; condense the log where that is not enough."""
    is_first = "observe" not in run.tracks
    if is_first:
        await _from_source(run, source, settings, "observe", partial(run.observe, is_forced=True))
    if run.tokens > target:
        await run.condense_log(target, is_first=is_first)
