"""A recorded session made ready: what all strategies share."""

from dataclasses import dataclass
from itertools import accumulate

from cortex_cli import models, sizing
from cortex_cli.cache import Retention, parse_cache_option
from cortex_cli.errors import InputError
from cortex_cli.groups import safe_cuts
from cortex_cli.memory.telling import facts_of
from cortex_cli.messages import Transcript
from cortex_cli.replaying.policies import Session
from cortex_cli.replaying.recorded import RecordedCall, calls_of
from cortex_cli.settings import Settings
from cortex_cli.summarizers.ledger import Fact
from cortex_cli.tokens import Counter, make_counter


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A session made ready to be replayed."""

    session: Session
    calls: tuple[RecordedCall, ...]
    facts: tuple[Fact, ...]
    model: models.Model | None
    provider: str
    """Whose prompt cache it was; empty where nobody knows."""
    overhead_tokens: int
    settings: Settings
    retention: Retention
    summary_tokens: int = 0
    """Size of the summaries of a model that is made believe; 0: the built-in ones, which cost nothing."""


def prepare(
    transcript: Transcript,
    settings: Settings,
    *,
    counter: Counter | None = None,
    summary_tokens: int = 0,
) -> Recording:
    """Read what all strategies share: sizes, calls, facts.

    Raises:
        InputError: The session holds no call of a model.
        OptionError: The budget is larger than the window.
    """
    counter = counter or make_counter(settings.tokenizer)
    calls = calls_of(transcript, counter)
    if not calls:
        hint = "replay walks answers of a model; `cortex show` tells what is in the file"
        raise InputError("no call of a model is recorded", where=transcript.path, hint=hint)
    sizes = sizing.measure(transcript, settings, counter)
    scale = models.scale_for(settings.model or transcript.model, counter.name)[0]
    counted = [round(counter.count_message(message) * scale) for message in transcript.messages]
    overhead = round(sizes.overhead_tokens * scale)
    if transcript.usage is not None and sizes.overhead_tokens:  # in the model's own tokens, so it needs no scale
        overhead = max(0, transcript.usage.tokens - sum(counted[: transcript.usage.messages]))
    ends = tuple(accumulate(counted, initial=overhead))[1:]
    session = Session(transcript.messages, ends, safe_cuts(transcript.messages), sizes.window, counter, scale)
    name = settings.model or transcript.model
    model = models.find_model(name) if name else None
    provider, retention = _cache_of(transcript, settings, model)
    return Recording(
        session=session,
        calls=calls,
        facts=facts_of(transcript.messages),
        model=model,
        provider=provider,
        overhead_tokens=overhead,
        settings=settings,
        retention=retention,
        summary_tokens=summary_tokens,
    )


_PROVIDERS = {"claude-code": "anthropic", "codex": "openai"}
"""Of clients whose sessions may not name a model that is known."""


def _cache_of(transcript: Transcript, settings: Settings, model: models.Model | None) -> tuple[str, Retention]:
    """Return whose prompt cache a session had: as `--cache` says, else the model's, else the client's."""
    if settings.cache:
        option = parse_cache_option(settings.cache)
        return option.provider, option.retention
    if model is not None:
        return ("bedrock" if model.provider == "aws" else model.provider), "short"
    return _PROVIDERS.get(transcript.format, ""), "short"
