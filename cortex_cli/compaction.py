"""A transcript through the pipeline: sizes, repair, layers, report. The library's `compact` stands here."""

import sys
import time
from collections.abc import Coroutine
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from cortex_cli import costs, formats, models, sizing
from cortex_cli.errors import CortexError, DoesNotFitError, OptionError, TranscriptError
from cortex_cli.layers.sizes import keep_recent
from cortex_cli.layers.summary import with_known_summary
from cortex_cli.layers.view import Persist, View, forgiving, of_originals
from cortex_cli.messages import Message, Transcript
from cortex_cli.pipeline import Run, run_layers
from cortex_cli.repair import Repair, repair
from cortex_cli.report import Facts, Report, Side, report_changes
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import BUILTIN, Summarizer, SummaryOutcome, SummaryRequest
from cortex_cli.timing import Timing, measure_timing
from cortex_cli.tokens import Counter, count_messages, make_counter, message_sizes
from cortex_cli.validity import Rules, find_problems

if TYPE_CHECKING:
    from cortex_cli.remembering import Remembering


class CompactResult(NamedTuple):
    """A compacted transcript and what was done to it."""

    transcript: Transcript
    report: Report


def compact(
    transcript: Transcript,
    settings: Settings | None = None,
    *,
    counter: Counter | None = None,
    summarizer: Summarizer | None = None,
    remembering: "Remembering | None" = None,
    persist: Persist | None = None,
    command: str = "compact",
) -> CompactResult:
    """Compact a transcript; the synchronous face of `compact_async`.

    Raises:
        CortexError: As `compact_async`; also where an event loop runs already.
    """
    if _in_event_loop():
        raise CortexError("compact() was called inside a running event loop", hint="await compact_async(...) there")
    work = compact_async(
        transcript,
        settings,
        counter=counter,
        summarizer=summarizer,
        remembering=remembering,
        persist=persist,
        command=command,
    )
    waits = summarizer is not None or (remembering is not None and remembering.waits)
    return _run_in_loop(work) if waits else _run_to_end(work)


def _in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")  # where nobody imported it, no loop runs
    return asyncio is not None and asyncio._get_running_loop() is not None


def _run_to_end(work: Coroutine[Any, Any, CompactResult]) -> CompactResult:
    """Run what never waits, without the event loop (asyncio takes 0.04 s to import)."""
    try:
        work.send(None)
    except StopIteration as done:
        result: CompactResult = done.value
        return result
    work.close()
    raise AssertionError("without a summarizer there is nothing to wait for")


def _run_in_loop(work: Coroutine[Any, Any, CompactResult]) -> CompactResult:
    import asyncio  # noqa: PLC0415 - start-up time, see `_run_to_end`

    results: list[CompactResult] = []

    async def run() -> None:  # a task's own result must be small: `asyncio.run` takes its repr, twice, on its way out
        results.append(await work)

    asyncio.run(run())
    return results[0]


async def compact_async(
    transcript: Transcript,
    settings: Settings | None = None,
    *,
    counter: Counter | None = None,
    summarizer: Summarizer | None = None,
    remembering: "Remembering | None" = None,
    persist: Persist | None = None,
    command: str = "compact",
) -> CompactResult:
    """Run the layers that the settings name over a transcript.

    Args:
        transcript: As `load` returned it.
        settings: Default: `Settings()`.
        counter: Default: the one the settings name; hand one in to share its memory over several runs.
        summarizer: Writes summaries; default: the built-in one.
        remembering: Authors and state of observational memory, where the settings ask for that.
        persist: Puts an original away before it is shortened (`Archive.put`); where it fails, only its reference
            is missing.
        command: Name for the report.

    Raises:
        TranscriptError: The transcript is broken and `repair` is off, or it is damaged under `strict`.
        DoesNotFitError: The result cannot be made as small as asked.
        OptionError: A setting does not go with this transcript.
    """
    started = time.perf_counter()
    settings = settings or Settings()
    _check_given(transcript, settings, summarizer)
    observes = settings.second_layer == "observe"
    counter = counter or make_counter(settings.tokenizer)
    if settings.style == "store":
        transcript = _with_store_summary(transcript)
    sizes = sizing.measure(transcript, settings, counter)
    rules = formats.rules_of(transcript.format)
    repaired = _repair(transcript, rules, settings, counter)
    if repaired.is_refused:
        settings = replace(settings, layers=())  # what cannot be mended is returned as it is
    head, tail = _split_until(repaired.messages, settings.until)
    times = measure_timing(transcript, settings)
    view = _view(sizes, head, tail, counter, persist)
    run = Run(
        view=replace(view, cache_is_warm=times.is_warm, takes_turns=rules.alternates),
        settings=times.adapt(_for_head(settings, tail)),
        counter=counter,
        rules=rules,
        summarizer=summarizer or builtin_summarizer,
        repaired=head,
    )
    if observes:
        from cortex_cli.remembering import Remembering, session_of  # noqa: PLC0415 - start-up time: 0.01 s

        given = remembering or Remembering()
        run.memory = given.memory(settings, counter)
        run.remember = given.walk(run.memory, session_of(transcript))
    await run_layers(run)
    facts = run.count_facts()
    _check_summary(run, settings, facts)
    messages = (*run.view.messages, *tail) if tail else run.view.messages
    done = transcript.with_messages(transcript.loaded if messages == transcript.loaded else messages)
    report = _report(transcript, done, run, repaired, sizes, facts)
    report = replace(
        report,
        command=command,
        hints=(*_hints(report, run.settings), *times.hints(settings)),
        cost=_cost(done, report, settings, counter, times),
    )
    return CompactResult(done, replace(report, elapsed_seconds=time.perf_counter() - started))


def _check_given(transcript: Transcript, settings: Settings, summarizer: Summarizer | None) -> None:
    """Refuse what the settings do not go with, before any work."""
    if summarizer is None and settings.summarizer != BUILTIN and settings.second_layer != "observe":
        raise OptionError(
            f"summarizer {settings.summarizer!r} was named and none handed in",
            hint="hand in `summarizer=summarizer_of(settings, os.environ)`",
        )
    if settings.strict and transcript.warnings:
        raise TranscriptError(transcript.warnings[0], hint="leave --strict out, or mend the file")


def _with_store_summary(transcript: Transcript) -> Transcript:
    """Know again what an earlier run with `--style store` wrote."""
    loaded = with_known_summary(transcript.loaded)
    is_as_loaded = transcript.messages == transcript.loaded
    return replace(transcript, loaded=loaded, messages=loaded if is_as_loaded else transcript.messages)


def _view(
    sizes: sizing.Sizing,
    head: tuple[Message, ...],
    tail: tuple[Message, ...],
    counter: Counter,
    persist: Persist | None,
) -> View:
    """Return what may be compacted; the tail counts, and stays."""
    return replace(
        sizes.view(head),
        following_tokens=count_messages(tail, counter),
        persist=of_originals(forgiving(persist), head) if persist else None,
    )


async def builtin_summarizer(request: SummaryRequest) -> SummaryOutcome | None:
    """Summarise without a model."""
    from cortex_cli.summarizers.builtin import summarize_builtin  # noqa: PLC0415 - start-up time: 0.02 s

    return await summarize_builtin(request)


def summary_request(transcript: Transcript, settings: Settings, counter: Counter | None = None) -> SummaryRequest:
    """Return what a summariser would be asked for this transcript.

    Raises:
        CortexError: There is nothing to summarise; as `compact`.
    """
    asked: list[SummaryRequest] = []

    async def note(request: SummaryRequest) -> None:
        asked.append(request)

    reason = ""
    try:
        report = compact(transcript, replace(settings, strict=False), counter=counter, summarizer=note).report
        reason = next((layer.reason for layer in report.layers if layer.name == "summary"), "below the threshold")
    except DoesNotFitError:  # without a summary; what would be asked for one is known all the same
        if not asked:
            raise
    if not asked:
        hint = "`--keep-recent` keeps fewer messages out of it, `--fit` asks for a smaller result"
        raise CortexError(f"nothing to summarise: {reason}", where=transcript.path, hint=hint)
    return asked[0]


def find_message(messages: tuple[Message, ...], name: str) -> int:
    """Find a message by its 0-based position or by its id, or the beginning of its id.

    Returns:
        Index into `messages`.

    Raises:
        OptionError: There is no such message, or several.
    """
    found = [i for i, message in enumerate(messages) if message.id == name]
    if not found and name.isdigit():
        found = [i for i, message in enumerate(messages) if message.position == int(name)]
    if not found:
        found = [i for i, message in enumerate(messages) if message.id.startswith(name)]
    if len(found) == 1:
        return found[0]
    what = "no message" if not found else f"{len(found)} messages"
    raise OptionError(
        f"{what} with position or id {name!r}",
        hint=f"positions are 0-{len(messages) - 1}; `cortex show` lists them with their ids",
    )


def _repair(transcript: Transcript, rules: Rules, settings: Settings, counter: Counter) -> Repair:
    if settings.repair:
        return repair(transcript.messages, rules, counter)
    if problems := find_problems(transcript.messages, rules):
        raise TranscriptError(
            problems[0].text,
            where=f"{transcript.path}:{problems[0].line(transcript)}",
            hint=f"leave --no-repair out, or run `cortex check --fix {transcript.path}`",
        )
    return Repair(transcript.messages)


def _split_until(messages: tuple[Message, ...], until: str) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    if not until:
        return messages, ()
    cut = find_message(messages, until)
    return messages[:cut], messages[cut:]


def _for_head(settings: Settings, tail: tuple[Message, ...]) -> Settings:
    """Count the messages that `--until` keeps among the newest that stay."""
    kept = sum(message.counts_as_recent for message in tail)
    if not kept:
        return settings
    return replace(
        settings,
        keep_last_messages=max(0, settings.keep_last_messages - kept),
        keep_recent_messages=max(0, keep_recent(settings) - kept),
    )


def _report(
    transcript: Transcript, done: Transcript, run: Run, repaired: Repair, sizes: sizing.Sizing, facts: Facts
) -> Report:
    counter = run.counter
    outcome = run.outcome
    return Report(
        command="",
        input=Side(
            path=transcript.path,
            messages=len(transcript.loaded),
            tokens=sizes.overhead_tokens + count_messages(transcript.loaded, counter),
            bytes=transcript.size_bytes,
            format=transcript.format,
            digest=lambda: transcript.sha256,
            overhead_tokens=sizes.overhead_tokens,
        ),
        output=Side(
            path="",
            messages=len(done.messages),
            tokens=sizes.overhead_tokens + count_messages(done.messages, counter),
        ),
        window=sizes.window,
        window_source=sizes.window_source,
        budget=sizes.budget,
        tokenizer=counter.name,
        counter=counter.engine,
        model_scale=sizes.scale,
        model_scale_source=sizes.scale_source,
        strategy="observational" if run.memory else "classic",
        summarizer=outcome.summarizer if outcome else "",
        memory=_state_of(run),
        facts=facts,
        layers=tuple(track.report(transcript) for track in run.tracks.values()),
        repairs=report_changes(repaired.changes, transcript),
        warnings=(
            *transcript.warnings,
            *sizes.warnings,
            *repaired.warnings,
            *(outcome.warnings if outcome else ()),
        ),
        events=run.events,
        extra=_said_of_summary(outcome) if outcome else {},
    )


def _state_of(run: Run) -> dict[str, Any] | None:
    """Return what the next run over this conversation goes on from; None without observational memory."""
    if run.memory is None:
        return None
    from cortex_cli.memory.state import dump_state  # noqa: PLC0415 - start-up time, imported already

    return dump_state(run.memory.state)


def _check_summary(run: Run, settings: Settings, facts: Facts) -> None:
    """Stop where the user would rather have no result than one without a model or with lost facts."""
    outcome = run.outcome
    if outcome is None:
        return
    if settings.strict and outcome.failure:
        raise CortexError(f"model failed: {outcome.failure}", hint="leave --strict out for the built-in summariser")
    allowed = 0 if settings.strict and settings.max_lost_facts is None else settings.max_lost_facts
    lost = facts.lost
    if allowed is not None and len(lost) > allowed:
        raise CortexError(
            f"{len(lost)} facts would be lost, {allowed} are allowed; the first is {lost[0]!r}",
            hint="raise --summary-max or --fit, keep more with --keep-recent, or allow more with --max-lost-facts",
        )


def _said_of_summary(outcome: SummaryOutcome) -> dict[str, Any]:
    """Return what the JSON report holds only where there was a summary: secrets taken out, and the model's bill."""
    bill = {"summary_cost": outcome.cost} if outcome.cost else {}
    return {"redacted_secrets": outcome.redacted, **bill}


def _cost(
    done: Transcript, report: Report, settings: Settings, counter: Counter, times: Timing
) -> dict[str, Any] | None:
    """Price a call before and after; None where the model or its price is not known."""
    model = models.find_model(settings.model or done.model) if settings.model or done.model else None
    if model is None or not report.changed:
        return None
    pairs = zip(done.loaded, done.messages, message_sizes(done.loaded, counter), strict=False)
    same = takewhile(lambda pair: pair[0] == pair[1], pairs)
    first_changed = report.input.overhead_tokens + sum(size for _, _, size in same)
    cost = costs.estimate_cost(
        model,
        report.input.tokens,
        report.output.tokens,
        first_changed,
        scale=report.model_scale,
        retention=times.cache.retention if times.cache else "short",
        is_cold=times.cache is not None and not times.is_warm,
    )
    return cost.to_json() if cost else None


def _hints(report: Report, settings: Settings) -> tuple[str, ...]:
    """When nothing fired: how full the window is, what would fire next, and a `--fit` that would act."""
    if report.changed:
        return ()
    used = report.input.tokens * report.model_scale
    lines = [f"{report.input.tokens:,} tokens, {used / report.window:.0%} of the window of {report.window:,}"]
    gates = {
        "micro": settings.trim_floor_ratio * report.budget,
        "summary": settings.threshold * report.budget,
        "observe": settings.activation_ratio * report.budget,
        "failsafe": settings.failsafe_threshold * report.window,
    }
    layers = {*settings.layers} - {"summary"} | {settings.second_layer}
    ahead = {name: limit for name, limit in gates.items() if name in layers and limit > used}
    if ahead:
        name = min(ahead, key=lambda one: ahead[one])
        lines.append(f"{name} starts at {ahead[name] / report.model_scale:,.0f} tokens")
    lines.append(f"`--fit {max(1, report.input.tokens // 2)}` would act now")
    return ("; ".join(lines),)
