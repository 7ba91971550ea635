"""Observers and reflectors by a model: how often it is tried, what happens when it fails.

Source: SPEC section 6; retries, circuit and fallback as for summaries (section 4).
"""

from dataclasses import replace
from typing import Any

from cortex_cli.llm.ask import Attempts
from cortex_cli.llm.client import Client, ModelError, OnText
from cortex_cli.memory.asked import AskingForLog, AskingObserver, AskingReflector
from cortex_cli.memory.asking import LEVELS
from cortex_cli.memory.base import LogEntry, Observer, ObserveRequest, Reflector, ReflectRequest
from cortex_cli.memory.condensing import reflect
from cortex_cli.memory.observing import observe
from cortex_cli.settings import Settings
from cortex_cli.summarizers.asking import Usage, ask


def make_observer(
    settings: Settings, client: Client, *, attempts: Attempts | None = None, on_text: OnText | None = None
) -> Observer:
    """Build an observer that asks a model.

    Args:
        settings: Keys of the groups `observe` and `summary`; `llm_model` names the model that observes.
        client: Asks it.
        attempts: How stubborn to be; default: as the settings say.
        on_text: Called with each piece of an answer.
    """
    tries = attempts or _attempts(settings)

    async def observed(request: ObserveRequest) -> LogEntry:
        asking = AskingObserver.about(request, settings)
        entry = await _answered(asking, client, tries, on_text)
        if entry.failure:
            return _fallen_back(entry, observe(request), settings, "observer")
        return _within(entry, request)

    return observed


def make_reflector(
    settings: Settings, client: Client, *, attempts: Attempts | None = None, on_text: OnText | None = None
) -> Reflector:
    """Build a reflector that asks a model; see `make_observer`."""
    tries = attempts or _attempts(settings)

    async def reflected(request: ReflectRequest) -> LogEntry:
        asking = AskingReflector.about(request, settings)
        entry = await _answered(asking, client, tries, on_text)
        if entry.failure:
            return _fallen_back(entry, reflect(request), settings, "reflector")
        is_last = request.level >= LEVELS[-1]
        return _shortened(entry, request, settings) if is_last else entry

    return reflected


def _attempts(settings: Settings) -> Attempts:
    return Attempts(max(1, settings.max_retries), settings.retry_delay_seconds)


async def _answered(asking: AskingForLog, client: Client, tries: Attempts, on_text: OnText | None) -> LogEntry:
    """Ask; failures are values."""
    usage = Usage(redacted=asking.redacted)
    try:
        await ask(asking, client, tries, usage, on_text)
    except ModelError as error:
        hint = f" ({error.hint})" if error.hint else ""
        entry = LogEntry(observations="", author=client.name, failure=f"{error}{hint}")
    else:
        hints = [answer for answer in asking.answers if answer.current_task or answer.suggested_response]
        entry = LogEntry(
            observations=asking.log,
            current_task=hints[-1].current_task if hints else "",
            suggested_response=hints[-1].suggested_response if hints else "",
            author=client.name,
        )
    known: dict[str, Any] = {"events": tuple(usage.events), "redacted": usage.redacted}
    if usage.calls:  # what was refused has its price too
        known["cost"] = usage.bill(client)
    return replace(entry, **known)


def _within(entry: LogEntry, request: ObserveRequest) -> LogEntry:
    """Keep to what was asked for: models count badly, and a little over is condensed mechanically."""
    if request.counter.count_text(entry.observations) <= request.max_tokens:
        return entry
    less = reflect(
        ReflectRequest(
            observations=entry.observations,
            max_tokens=request.max_tokens + 1,
            level=LEVELS[0],
            counter=request.counter,
        )
    )
    return replace(entry, observations=less.observations, failure=less.failure)


def _shortened(entry: LogEntry, request: ReflectRequest, settings: Settings) -> LogEntry:
    """Condense mechanically what the model left too long at the last level."""
    if request.counter.count_text(entry.observations) < request.max_tokens or not _may_fall_back(settings):
        return entry
    less = reflect(replace(request, observations=entry.observations, level=LEVELS[0]))
    if not less.observations:
        return entry
    warning = "the model's log was too long at every level; the built-in reflector shortened it"
    return replace(entry, observations=less.observations, warnings=(warning,))


def _may_fall_back(settings: Settings) -> bool:
    return settings.fallback == "builtin" and not settings.strict


def _fallen_back(failed: LogEntry, built_in: LogEntry, settings: Settings, role: str) -> LogEntry:
    """Do what the settings say when no attempt gave a log."""
    reason = f"model failed: {failed.failure}"
    if not _may_fall_back(settings) or not built_in.observations:
        return replace(failed, warnings=(reason,))
    warning = f"{reason}; the built-in {role} wrote this piece of the log"
    return replace(
        built_in,
        author=f"builtin ({reason})",
        warnings=(warning,),
        events=failed.events,
        cost=failed.cost,
        redacted=failed.redacted,
    )
