"""Summaries by a model: what is sent, how often it is tried, what is accepted, what happens when it fails.

Source: SPEC section 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from cortex_cli import costs, models
from cortex_cli.errors import InputError, OptionError, name_hint
from cortex_cli.llm import anthropic, openai
from cortex_cli.llm.ask import Attempts, Refused, attempt
from cortex_cli.llm.client import Client, Completion, CompletionRequest, ModelError, OnText
from cortex_cli.llm.command import CommandClient
from cortex_cli.prompts import fill, load_prompt
from cortex_cli.report import Facts
from cortex_cli.settings import Settings
from cortex_cli.summarizers.acceptance import read_summary, why_refused, why_unusable
from cortex_cli.summarizers.base import KEY_VARIABLES, Summarizer, SummaryOutcome, SummaryRequest
from cortex_cli.summarizers.boundaries import open_tags
from cortex_cli.summarizers.builtin import summarize as summarize_builtin
from cortex_cli.summarizers.ledger import Ledger, append_ledger, without_ledger
from cortex_cli.summarizers.redact import Redacted, redact
from cortex_cli.summarizers.serialize import Chunk, serialize
from cortex_cli.summarizers.survey import survey
from cortex_cli.tokens import count_messages

INPUT_SHARE = 0.6
"""Of the summariser's window, for the transcript. Source: SPEC section 4."""

LEDGER_SHARE = 0.4
"""Of the summary, for the facts ledger, at most. Source: SPEC section 4."""

ANALYSIS_FACTOR = 2
"""An answer may be so many times the summary's size: the private analysis comes first."""

WORDS_PER_TOKEN = 0.7
"""Of English prose; models are told a number of words."""

UNKNOWN_WINDOW = 64_000
"""Of a summariser whose window nobody told us, in tokens. Where it is smaller, the refusal halves the input."""

SUMMARIZERS = ("builtin", "openai", "anthropic", "command")


class Prompt(NamedTuple):
    """What is sent in one request."""

    system: str
    text: str
    redacted: int


@dataclass(slots=True)
class _Usage:
    """What the calls of one summary took together."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    redacted: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    def add(self, completion: Completion) -> None:
        self.calls += 1
        self.input_tokens += completion.input_tokens
        self.output_tokens += completion.output_tokens
        self.cached_tokens += completion.cached_tokens


def make_client(settings: Settings, environ: Mapping[str, str]) -> Client:
    """Build the client that the settings name.

    Raises:
        OptionError: Unknown kind, or no model, key or command.
    """
    kind = settings.summarizer
    if kind == "command":
        if not settings.llm_command.strip():
            raise OptionError("--summarizer command needs a program", hint="give --llm-command CMD")
        return CommandClient(settings.llm_command, settings.timeout_seconds)
    if kind not in KEY_VARIABLES:
        raise OptionError(f"no summarizer {kind!r}", hint=name_hint(kind, SUMMARIZERS), where="--summarizer")
    if not settings.llm_model:
        raise OptionError(f"--summarizer {kind} needs a model", hint="give --llm-model NAME")
    room = _ROOMS[kind]
    client: Client = room.make_client(
        model=settings.llm_model,
        key=_key(kind, settings, environ),
        endpoint=settings.llm_url or room.DEFAULT_URL,
        timeout_seconds=settings.timeout_seconds,
    )
    return client


_ROOMS = {"openai": openai, "anthropic": anthropic}


def _key(kind: str, settings: Settings, environ: Mapping[str, str]) -> str:
    variable = settings.llm_key_env or ("" if settings.llm_url else KEY_VARIABLES[kind])
    key = environ.get(variable, "").strip() if variable else ""
    if variable and not key:
        raise OptionError(f"no API key in ${variable}", hint=f"set {variable}, or name another with --llm-key-env")
    return key


def make_summarizer(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    client: Client | None = None,
    attempts: Attempts | None = None,
    on_text: OnText | None = None,
) -> Summarizer | None:
    """Build the summariser that the settings name; None for the built-in one, which sends nothing anywhere.

    Args:
        settings: Keys of group `summary`.
        environ: Where keys are looked up.
        client: Instead of the one the settings name.
        attempts: How stubborn to be; default: as the settings say.
        on_text: Called with each piece of an answer.

    Raises:
        OptionError: The settings name no usable model.
    """
    if settings.summarizer == "builtin" and client is None:
        return None
    asked = client or make_client(settings, environ)
    tries = attempts or Attempts(max(1, settings.max_retries), settings.retry_delay_seconds)

    async def summarize(request: SummaryRequest) -> SummaryOutcome | None:
        usage = _Usage()
        try:
            return await _summarize(request, settings, asked, tries, usage, on_text)
        except ModelError as error:
            return _fall_back(request, settings, error, usage)

    return summarize


async def _summarize(
    request: SummaryRequest, settings: Settings, client: Client, tries: Attempts, usage: _Usage, on_text: OnText | None
) -> SummaryOutcome:
    """Ask for the summary, chunk by chunk, each updating the last."""
    ledger_tokens = int(request.max_tokens * LEDGER_SHARE)
    found = survey(request.messages, request.earlier, request.following)
    room = request.max_tokens - request.counter.count_text(
        append_ledger("", found.facts, ledger_tokens, request.counter).text
    )
    replaced = count_messages(request.messages, request.counter) + sum(
        request.counter.count_text(summary.text) for summary in request.earlier
    )

    async def once(overflows: int) -> str:
        return await _ask_all(request, settings, client, usage, room, replaced, overflows, on_text)

    def failed(number: int, error: ModelError) -> None:
        usage.events.append({"event": "error", "attempt": number, "reason": str(error)})

    body = await attempt(client.endpoint, once, tries, failed)
    room_left = request.max_tokens - request.counter.count_text(body)
    whole = append_ledger(body, found.facts, room_left, request.counter)
    return _outcome(
        whole,
        body,
        len(found.facts),
        summarizer=client.name,
        events=tuple(usage.events),
        cost=_cost(client, usage),
        redacted=usage.redacted,
    )


async def _ask_all(
    request: SummaryRequest,
    settings: Settings,
    client: Client,
    usage: _Usage,
    room: int,
    replaced: int,
    overflows: int,
    on_text: OnText | None,
) -> str:
    body = _earlier_text(request)
    for chunk in _chunks(request, settings, overflows):
        prompt = _prompt(chunk.text, body, room, settings)
        usage.redacted += prompt.redacted
        completion = await client.complete(
            CompletionRequest(system=prompt.system, prompt=prompt.text, max_tokens=room * ANALYSIS_FACTOR), on_text
        )
        usage.add(completion)
        body = read_summary(completion.text)
        tokens = request.counter.count_text(body)
        if why := why_refused(completion, body, tokens=tokens, max_tokens=room, replaced_tokens=replaced):
            raise Refused(f"the summary was refused: {why}")
    return open_tags(without_ledger(body))


def _chunks(request: SummaryRequest, settings: Settings, overflows: int) -> tuple[Chunk, ...]:
    """Budget the input; every overflow so far halves it."""
    budget = int(INPUT_SHARE * _window(settings)) >> overflows
    return serialize(request.messages, budget, request.counter)


def _window(settings: Settings) -> int:
    known = models.find_model(settings.llm_model) if settings.llm_model else None
    return settings.utility_window_tokens or (known.window if known else 0) or UNKNOWN_WINDOW


def _earlier_text(request: SummaryRequest) -> str:
    return "\n\n".join(without_ledger(summary.text) for summary in request.earlier)


def _prompt(transcript: str, earlier: str, max_tokens: int, settings: Settings) -> Prompt:
    template = _template(settings)
    fenced = f"<earlier-summary>\n{open_tags(earlier)}\n</earlier-summary>\n\n" if earlier else ""
    focus = f"\nLook most at this: {settings.focus}\n" if settings.focus else ""
    clean_transcript = redact(transcript) if settings.redact else Redacted(transcript, 0)
    clean_earlier = redact(fenced) if settings.redact else Redacted(fenced, 0)
    text = fill(
        template,
        earlier=clean_earlier.text,
        and_earlier=", carrying on and updating the earlier notes" if earlier else "",
        transcript=clean_transcript.text,
        max_words=str(int(max_tokens * WORDS_PER_TOKEN)),
        focus=focus,
    )
    return Prompt(load_prompt("system"), text.strip(), clean_transcript.secrets + clean_earlier.secrets)


def _template(settings: Settings) -> str:
    """Return our prompt or the user's own, which gets the transcript where it does not ask for it."""
    if not settings.prompt_file:
        return load_prompt("summary")
    try:
        own = Path(settings.prompt_file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(f"cannot read the prompt: {reason}", where=settings.prompt_file) from error
    if "{{transcript}}" in own:
        return own
    return "{{earlier}}<transcript>\n{{transcript}}\n</transcript>\n\n" + own


def render_prompt(request: SummaryRequest, settings: Settings) -> str:
    """Return what would be sent first, word for word; later chunks follow the same form."""
    chunks = _chunks(request, settings, 0)
    prompt = _prompt(chunks[0].text, _earlier_text(request), request.max_tokens, settings)
    more = f"\n\n[{len(chunks) - 1} more requests follow, each with the notes so far]" if len(chunks) > 1 else ""
    return f"{prompt.system}\n\n{prompt.text}{more}"


def accept_file(path: str) -> Summarizer:
    """Build a summariser that installs a reviewed or hand-edited summary, under the same checks.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        text = read_summary(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(f"cannot read the summary: {reason}", where=path) from error

    async def summarize(request: SummaryRequest) -> SummaryOutcome | None:
        counter = request.counter
        tokens = counter.count_text(text)
        replaced = count_messages(request.messages, counter)
        if why := why_unusable(text, tokens=tokens, max_tokens=request.max_tokens, replaced_tokens=replaced):
            raise InputError(f"the summary was refused: {why}", where=path, hint="edit it, or raise --summary-max")
        found = survey(request.messages, request.earlier, request.following)
        whole = append_ledger(open_tags(text), found.facts, request.max_tokens - tokens, counter)
        return _outcome(whole, text, len(found.facts), summarizer=f"file {path}")

    return summarize


def _outcome(whole: Ledger, body: str, found: int, **more: Any) -> SummaryOutcome:
    """Account for the facts: one is lost that neither the ledger nor the text holds."""
    lost = tuple(fact.name for fact in whole.lost if fact.text not in body)
    return SummaryOutcome(text=whole.text, facts=Facts(found, found - len(lost), lost), **more)


def _fall_back(request: SummaryRequest, settings: Settings, error: ModelError, usage: _Usage) -> SummaryOutcome:
    """Do what the settings say when no attempt gave a summary."""
    reason = f"model failed: {error}"
    known: dict[str, Any] = {"events": tuple(usage.events), "failure": str(error), "redacted": usage.redacted}
    hint = f" ({error.hint})" if error.hint else ""
    if settings.fallback == "builtin" and not settings.strict:
        outcome = summarize_builtin(request)
        if outcome is not None:
            warning = f"{reason}; the built-in summariser wrote the summary{hint}"
            return replace(outcome, summarizer=f"builtin ({reason})", warnings=(warning,), **known)
    return SummaryOutcome(text="", facts=Facts(), summarizer=f"none ({reason})", warnings=(reason + hint,), **known)


def _cost(client: Client, usage: _Usage) -> dict[str, Any]:
    """Price the calls of the summary itself."""
    model = models.find_model(client.model) if client.model else None
    price = costs.price_of_call(model, usage.input_tokens, usage.cached_tokens, usage.output_tokens) if model else None
    return {
        "model": client.model,
        "calls": usage.calls,
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "usd": price,
    }
